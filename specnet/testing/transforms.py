"""Checks of transforms: what `specnet.transforms.base.Transform` promises of every one."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from specnet.errors import DataError
from specnet.testing.outcome import Check, Outcome, Problems, demand_of, outcomes, sift
from specnet.testing.trial import unequal
from specnet.testing.written import changed_fields, its_JSON_describes_it_in_full
from specnet.training.pipeline import Pipeline
from specnet.transforms.base import Transform

SHAPES: tuple[tuple[int, ...], ...] = ((9,), (9, 1), (8, 3), (7, 3, 5, 2))
"""Shapes of samples that are tried, the batch axis first."""
CLOSE = 1e-9
"""How far numbers may be from those they should be, in units of the largest."""


def check_transform(transform: Transform | str | dict[str, object], samples: np.ndarray | None = None) -> None:
    """Check that a transform keeps its contract, fitted on samples (n, ...).

    Without them numbers and categories are tried, and those passed over that its `fit` or `apply` refuses.

    Raises:
        ConformanceError: naming every check that fails, and why.
    """
    demand_of("transforms", transform, lambda built: examine_transform(built, samples))


@dataclass(frozen=True)
class TransformSubject:
    """A transform of samples of one kind."""

    component: Transform
    situation: str
    x: np.ndarray

    def fresh(self) -> Transform:
        """Return a transform that is not fitted."""
        return self.component.model_copy(deep=True)

    def fitted(self) -> Transform:
        """Return a transform that is fitted on the samples."""
        transform = self.fresh()
        transform.fit(self.x.copy())
        return transform


def examine_transform(transform: Transform, samples: np.ndarray | None = None) -> Iterator[Outcome]:
    """Give the outcome of each check of a transform; arguments as in `check_transform`."""
    tried = [
        TransformSubject(transform, situation, x)
        for situation, x in (_samples() if samples is None else [("", samples)])
    ]
    what = "it takes samples, and refuses others by a SpecnetError"
    subjects, outcome = sift(what, tried, lambda subject: subject.fitted().apply(subject.x.copy()))
    yield outcome
    if subjects:
        yield from outcomes(FIRST, CHECKS, subjects)


def _samples() -> Iterator[tuple[str, np.ndarray]]:
    rng = np.random.default_rng(5)
    for shape in SHAPES:
        numbers = rng.uniform(1.0, 200.0, shape)
        for dtype in ("float64", "float32", "uint8"):
            yield f"{dtype} of shape {shape}", numbers.astype(dtype)
        yield f"categories of shape {shape}", rng.integers(2, 6, shape)
    constant = rng.normal(size=(8, 3))
    constant[:, 1] = 4.0
    yield "a feature that never changes", constant


def samples_become_as_many_of_float64(subject: TransformSubject) -> Problems:
    """Apply returns a sample for each, in float64, whatever dtype samples have."""
    y = subject.fitted().apply(subject.x.copy())
    if y.dtype != np.float64:
        yield f"apply returns {y.dtype}"
    elif len(y) != len(subject.x):
        yield f"of {len(subject.x)} samples apply makes {len(y)}"
    elif not np.isfinite(y).all():
        yield "apply returns a number that is not finite"


def output_shape_tells_the_shape_before_it_is_fitted(subject: TransformSubject) -> Problems:
    """Unless it returns None, it is the shape of a sample that apply returns."""
    told, found = subject.fresh().output_shape(subject.x.shape[1:]), subject.fitted().apply(subject.x).shape[1:]
    if told is not None and told != found:
        yield f"output_shape returns {told}, apply gives samples of shape {found}"


def samples_are_left_alone(subject: TransformSubject) -> Problems:
    """Fit, apply and invert read what they get."""
    transform, x = subject.fresh(), subject.x.copy()
    transform.fit(x)
    y = transform.apply(x)
    if text := unequal(x, subject.x, 0.0):
        yield f"fit or apply writes to the samples: now {text} before"
    kept = y.copy()
    transform.invert(y)
    if text := unequal(y, kept, 0.0):
        yield f"invert writes to what it gets: now {text} before"


def invert_undoes_apply(subject: TransformSubject) -> Problems:
    """What is transformed and undone is what it was; where numbers get fewer, transformed again the same."""
    transform = subject.fitted()
    y = transform.apply(subject.x)
    back = transform.invert(y)
    if back.shape != subject.x.shape:
        yield f"invert returns shape {back.shape}, the samples have {subject.x.shape}"
        return
    lossless = math.prod(y.shape[1:]) >= math.prod(subject.x.shape[1:])
    pair = (back, subject.x) if lossless else (transform.apply(back), y)
    if text := unequal(*pair, CLOSE):
        yield f"after apply and invert{'' if lossless else ', and apply again'}: {text} before"


def a_sample_is_transformed_for_itself(subject: TransformSubject) -> Problems:
    """Apply uses what fit has learnt, and nothing of other samples."""
    transform = subject.fitted()
    whole = transform.apply(subject.x)
    for row in range(min(len(whole), 20)):
        if text := unequal(transform.apply(subject.x[row : row + 1])[0], whole[row], CLOSE):
            yield f"the sample in row {row} by itself, against among others: {text}"
            return


def what_fit_learns_survives_a_run(subject: TransformSubject) -> Problems:
    """The arrays that `fitted` names are all that apply and invert need: a run saves them as JSON."""
    transform = subject.fitted()
    for name in transform.fitted:
        if not isinstance(found := getattr(transform, name, None), (np.ndarray, np.generic)):
            yield f"after fit, {name} is {type(found).__name__}, not an array"
            return
    restored = subject.fresh()
    saved = json.dumps(Pipeline([transform], ()).save(), allow_nan=False)
    Pipeline([restored], ()).restore(json.loads(saved))
    y = transform.apply(subject.x)
    if text := unequal(restored.apply(subject.x), y, CLOSE):
        yield f"restored, apply gives {text} before"
    elif text := unequal(np.asarray(restored.invert(y)), np.asarray(transform.invert(y)), CLOSE):
        yield f"restored, invert gives {text} before"


def fitted_anew_it_forgets(subject: TransformSubject) -> Problems:
    """A second fit leaves nothing of the first, and a fit changes no field."""
    twice = subject.fitted()
    twice.fit(np.concatenate([subject.x, subject.x[:3]])[2:])
    twice.fit(subject.x)
    if text := unequal(twice.apply(subject.x), subject.fitted().apply(subject.x), CLOSE):
        yield f"fitted on other samples before, apply gives {text} without"
    yield from changed_fields(subject.component, twice)


def pieces_are_fitted_like_the_whole(subject: TransformSubject) -> Problems:
    """A training split that does not fit into memory comes in pieces; only what says so needs all of it at once."""
    whole = subject.fitted().apply(subject.x)
    for size in (1, 4, len(subject.x)):
        parts = subject.fresh()
        try:
            parts.fit_pieces(lambda: (subject.x[start : start + size] for start in range(0, len(subject.x), size)))  # noqa: B023
        except DataError:
            return
        if text := unequal(parts.apply(subject.x), whole, CLOSE):
            yield f"fitted on pieces of {size}, apply gives {text} fitted on all"
            return


FIRST: tuple[Check[TransformSubject], ...] = (
    samples_become_as_many_of_float64,
    samples_are_left_alone,
)
CHECKS: tuple[Check[TransformSubject], ...] = (
    output_shape_tells_the_shape_before_it_is_fitted,
    invert_undoes_apply,
    a_sample_is_transformed_for_itself,
    what_fit_learns_survives_a_run,
    fitted_anew_it_forgets,
    pieces_are_fitted_like_the_whole,
    its_JSON_describes_it_in_full,
)
