"""Checks of random transforms: what `specnet.transforms.base.RandomTransform` promises of every one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from specnet.testing.outcome import Check, Outcome, Problems, outcomes, sift
from specnet.testing.trial import unequal
from specnet.testing.written import changed_fields, its_JSON_describes_it_in_full
from specnet.transforms.base import RandomTransform, check_dtype

SHAPES: tuple[tuple[int, ...], ...] = ((9,), (9, 1), (8, 3), (7, 10, 2), (6, 9, 8, 3))
"""Shapes of batches that are tried, the batch axis first."""


@dataclass(frozen=True)
class RandomSubject:
    """A random transform and a batch."""

    component: RandomTransform
    situation: str
    x: np.ndarray

    def fresh(self) -> RandomTransform:
        """Return a transform that has not been used."""
        return self.component.model_copy(deep=True)

    def apply(self, seed: int = 1) -> np.ndarray:
        """Return what an unused transform makes of the batch."""
        return self.fresh().apply(self.x.copy(), np.random.default_rng(seed))


def examine_random_transform(transform: RandomTransform, batch: np.ndarray | None) -> Iterator[Outcome]:
    """Return the outcome of each check of a random transform; without a batch numbers are tried."""
    if batch is not None and batch.dtype.kind != "f":  # the network would round it
        batch = batch.astype(np.float32)
    tried = [
        RandomSubject(transform, situation, x) for situation, x in (_batches() if batch is None else [("", batch)])
    ]
    what = "it takes batches, and refuses others by a SpecnetError"
    subjects, outcome = sift(what, tried, _check_and_apply)
    yield outcome
    if subjects:
        yield from outcomes(FIRST, CHECKS, subjects)


def _check_and_apply(subject: RandomSubject) -> None:
    check_dtype(subject.x.dtype, type(subject.component).dtypes)
    subject.apply()


def _batches() -> Iterator[tuple[str, np.ndarray]]:
    rng = np.random.default_rng(6)
    for shape in SHAPES:
        for dtype in ("float64", "float32"):
            yield f"{dtype} of shape {shape}", rng.normal(size=shape).astype(dtype)
        yield f"int64 of shape {shape}", rng.integers(5, size=shape)


def a_batch_keeps_its_shape_and_dtype(subject: RandomSubject) -> Problems:
    """Apply returns as many samples of the same shape and dtype, of one sample too; finite numbers stay finite."""
    for x in (subject.x, subject.x[:1]):
        y = subject.fresh().apply(x.copy(), np.random.default_rng(1))
        if (y.shape, y.dtype) != (x.shape, x.dtype):
            yield f"of {x.dtype} of shape {x.shape} apply makes {y.dtype} of shape {y.shape}"
        elif not np.isfinite(y).all():
            yield "apply returns a number that is not finite"


def a_batch_is_left_alone(subject: RandomSubject) -> Problems:
    """Apply reads its argument; what it returns is not changed by the next call."""
    transform, x, rng = subject.fresh(), subject.x.copy(), np.random.default_rng(1)
    y = transform.apply(x, rng)
    kept = y.copy()
    transform.apply(x + x, rng)
    if text := unequal(x, subject.x, 0.0):
        yield f"apply writes to the batch: now {text} before"
    if text := unequal(y, kept, 0.0):
        yield f"the next call of apply writes to what the last one returned: now {text} before"


def all_randomness_comes_from_the_generator(subject: RandomSubject) -> Problems:
    """A generator in the same state gives the same batch, however often: a run that is resumed relies on it."""
    if text := unequal(subject.apply(), subject.apply(), 0.0):
        yield f"a generator in the same state gives another batch: {text}"


def nothing_is_kept_from_batch_to_batch(subject: RandomSubject) -> Problems:
    """Batches before, of other samples or of another size, change nothing; and a use changes no field."""
    transform = subject.fresh()
    for x in (subject.x[:1], subject.x + subject.x):
        transform.apply(x, np.random.default_rng(2))
    again = transform.apply(subject.x.copy(), np.random.default_rng(1))
    if text := unequal(again, subject.apply(), 0.0):
        yield f"after other batches apply returns {text} at first"
    yield from changed_fields(subject.component, transform)


FIRST: tuple[Check[RandomSubject], ...] = (a_batch_keeps_its_shape_and_dtype,)
CHECKS: tuple[Check[RandomSubject], ...] = (
    a_batch_is_left_alone,
    all_randomness_comes_from_the_generator,
    nothing_is_kept_from_batch_to_batch,
    its_JSON_describes_it_in_full,
)
