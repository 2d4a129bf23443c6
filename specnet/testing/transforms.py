"""Checks of transforms: what `specnet.transforms.base` promises of fitted ones and of random ones."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib.format import read_array, write_array

from specnet.errors import DataError
from specnet.testing.outcome import Check, Outcome, Problems, concluded, demand_of, outcomes, sift
from specnet.testing.random_transforms import examine_random_transform
from specnet.testing.trial import unequal
from specnet.testing.written import changed_fields, its_JSON_describes_it_in_full
from specnet.transforms.base import RandomTransform, Transform, check_dtype
from specnet.transforms.pipeline import Pipeline

SHAPES: tuple[tuple[int, ...], ...] = ((9,), (9, 1), (8, 3), (7, 3, 5, 2))
"""Shapes of samples that are tried, the batch axis first."""
DTYPES = ("float64", "float32", "uint8", "int64", "bool")
"""The dtypes of numbers that are tried."""
CLOSE = 1e-9
"""How far numbers may be from those they should be, in units of the largest."""


def check_transform(
    transform: Transform | RandomTransform | str | dict[str, object], samples: np.ndarray | None = None
) -> None:
    """Check that a transform keeps its contract, fitted on samples (n, ...); of a random one they are a batch.

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

    @property
    def names(self) -> tuple[str, ...]:
        """A name for each column; none where a sample is not a row of them."""
        return tuple(f"c{number}" for number in range(math.prod(self.x.shape[1:]))) if self.x.ndim < 3 else ()

    def fresh(self) -> Transform:
        """Return a transform that is not fitted."""
        return self.component.model_copy(deep=True)

    def fitted(self) -> Transform:
        """Return a transform that is fitted on the samples."""
        transform = self.fresh()
        transform.fit(self.x.copy())
        return transform


def examine_transform(transform: Transform | RandomTransform, samples: np.ndarray | None = None) -> Iterator[Outcome]:
    """Return the outcome of each check of a transform; arguments as in `check_transform`."""
    if isinstance(transform, RandomTransform):
        yield from examine_random_transform(transform, samples)
        return
    tried = [
        TransformSubject(transform, situation, x)
        for situation, x in (_samples() if samples is None else [("", samples)])
    ]
    what = "it takes samples, and refuses others by a SpecnetError"
    subjects, outcome = sift(what, tried, _fit_and_apply)
    yield outcome
    if samples is None and subjects:
        accepted = [subject.x.dtype for subject in subjects]
        missing = [
            each.__name__
            for each in type(transform).dtypes
            if not any(np.issubdtype(dtype, each) for dtype in accepted)
        ]
        refused = [f"all samples of dtype {', '.join(missing)} are refused"] if missing else []
        yield concluded("samples of each dtype in dtypes are accepted", refused)
    if subjects:
        yield from outcomes(FIRST, CHECKS, subjects)


def _fit_and_apply(subject: TransformSubject) -> None:
    check_dtype(subject.x.dtype, type(subject.component).dtypes)
    subject.fitted().apply(subject.x.copy())


def _samples() -> Iterator[tuple[str, np.ndarray]]:
    rng = np.random.default_rng(5)
    for shape in SHAPES:
        numbers = rng.uniform(1.0, 200.0, shape)
        for dtype in DTYPES:
            yield f"{dtype} of shape {shape}", (numbers > 100.0 if dtype == "bool" else numbers.astype(dtype))
        categories = rng.integers(2, 6, shape)
        yield f"categories of shape {shape}", categories
        yield f"text of shape {shape}", np.array(["north", "east", "south", "west"])[categories - 2]
    constant = rng.normal(size=(8, 3))
    constant[:, 1] = 4.0
    yield "a feature that never changes", constant


def samples_become_as_many_numbers(subject: TransformSubject) -> Problems:
    """Apply returns a sample for each: float64, whatever dtype samples have, or whole numbers."""
    y = subject.fitted().apply(subject.x.copy())
    if y.dtype != np.float64 and y.dtype.kind not in "iu":
        yield f"apply returns {y.dtype}, neither float64 nor whole numbers"
    elif len(y) != len(subject.x):
        yield f"of {len(subject.x)} samples apply makes {len(y)}"
    elif not np.isfinite(y).all():
        yield "apply returns a number that is not finite"


def output_shape_is_known_before_it_is_fitted(subject: TransformSubject) -> Problems:
    """Unless it returns None, it is the shape of a sample that apply returns."""
    said, found = subject.fresh().output_shape(subject.x.shape[1:]), subject.fitted().apply(subject.x).shape[1:]
    if said is not None and said != found:
        yield f"output_shape returns {said}, apply returns samples of shape {found}"


def output_names_are_one_for_each_column(subject: TransformSubject) -> Problems:
    """Unless it returns none, there is a name for each column that apply returns, and no name twice."""
    transform = subject.fitted()
    shape = transform.apply(subject.x).shape[1:]
    for names in ((), subject.names):
        found = transform.output_names(names)
        if not isinstance(found, tuple) or not all(isinstance(name, str) for name in found):
            yield f"output_names returns {found!r}, not a tuple of names"
        elif found and (len(shape) > 1 or len(found) != math.prod(shape)):
            yield f"output_names returns {len(found)} names, apply returns samples of shape {shape}"
        elif len(set(found)) < len(found):
            yield f"output_names returns a name twice: {', '.join(found)}"


def samples_are_left_alone(subject: TransformSubject) -> Problems:
    """Fit, apply and invert read what they get."""
    transform, x = subject.fresh(), subject.x.copy()
    transform.fit(x)
    y = transform.apply(x)
    if not np.array_equal(x, subject.x):
        yield "fit or apply writes to the samples"
    kept = y.copy()
    if transform.inverts():
        transform.invert(y)
    if not np.array_equal(y, kept):
        yield "invert writes to its argument"


def invert_undoes_apply(subject: TransformSubject) -> Problems:
    """What is transformed and undone is what it was; where numbers get fewer, transformed again the same."""
    transform = subject.fitted()
    if not transform.inverts():
        return
    y = transform.apply(subject.x)
    back = transform.invert(y)
    if back.shape != subject.x.shape:
        yield f"invert returns shape {back.shape}, the samples have {subject.x.shape}"
        return
    lossless = math.prod(y.shape[1:]) >= math.prod(subject.x.shape[1:])
    if subject.x.dtype.kind == "U":
        if lossless and not np.array_equal(back, subject.x):
            yield "after apply and invert another text"
        return
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
    """The arrays that `fitted` names are all that apply, invert and output_names need: a run saves them as arrays."""
    transform = subject.fitted()
    for name in transform.fitted:
        if not isinstance(found := getattr(transform, name, None), (np.ndarray, np.generic)):
            yield f"after fit, {name} is {type(found).__name__}, not an array"
            return
    restored = subject.fresh()
    Pipeline([restored], ()).restore(
        {name: _stored(array) for name, array in Pipeline([transform], ()).arrays().items()}
    )
    y = transform.apply(subject.x)
    if text := unequal(restored.apply(subject.x), y, 0.0):
        yield f"restored, apply returns {text} before"
    elif transform.inverts() and not np.array_equal(restored.invert(y), transform.invert(y)):
        yield "restored, invert returns other samples than before"
    elif restored.output_names(subject.names) != transform.output_names(subject.names):
        yield "restored, output_names returns other names than before"


def _stored(array: np.ndarray) -> np.ndarray:
    """Return an array that was written in NumPy's format and is read again."""
    file = io.BytesIO()
    write_array(file, array, allow_pickle=False)
    file.seek(0)
    return read_array(file, allow_pickle=False)


def fitted_anew_it_forgets(subject: TransformSubject) -> Problems:
    """A second fit leaves nothing of the first, and a fit changes no field."""
    twice = subject.fitted()
    twice.fit(np.concatenate([subject.x, subject.x[:3]])[2:])
    twice.fit(subject.x)
    if text := unequal(twice.apply(subject.x), subject.fitted().apply(subject.x), CLOSE):
        yield f"fitted on other samples before, apply returns {text} without"
    yield from changed_fields(subject.component, twice)


def pieces_are_fitted_like_the_whole(subject: TransformSubject) -> Problems:
    """A training split that does not fit into memory comes in pieces; fit_pieces refuses them where it needs all."""
    whole = subject.fitted().apply(subject.x)
    for size in (1, 4, len(subject.x)):
        parts = subject.fresh()
        try:
            parts.fit_pieces(lambda: (subject.x[start : start + size] for start in range(0, len(subject.x), size)))  # noqa: B023
        except DataError:
            return
        if text := unequal(parts.apply(subject.x), whole, CLOSE):
            yield f"fitted on pieces of {size}, apply returns {text} fitted on all"
            return


FIRST: tuple[Check[TransformSubject], ...] = (
    samples_become_as_many_numbers,
    samples_are_left_alone,
)
CHECKS: tuple[Check[TransformSubject], ...] = (
    output_shape_is_known_before_it_is_fitted,
    output_names_are_one_for_each_column,
    invert_undoes_apply,
    a_sample_is_transformed_for_itself,
    what_fit_learns_survives_a_run,
    fitted_anew_it_forgets,
    pieces_are_fitted_like_the_whole,
    its_JSON_describes_it_in_full,
)
