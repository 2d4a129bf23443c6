"""Checks of transforms: the contracts of `specnet.transforms.base`, for fitted and for random ones."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from specnet.errors import DataError
from specnet.testing.base import Checks, MethodCall, Problems, Setup
from specnet.testing.comparison import DType, Results, unequal
from specnet.testing.examination import checker, examine_all
from specnet.testing.outcomes import Outcome, concluded
from specnet.transforms.base import RandomTransform, Transform, check_dtype
from specnet.transforms.pipeline import Pipeline

_SHAPES: tuple[tuple[int, ...], ...] = ((9,), (9, 1), (8, 3), (7, 10, 2), (6, 9, 8, 3))
"""Shapes of samples to try, the batch axis first."""


class TransformSetup(Setup[Transform]):
    """A transform with samples."""

    checks: TransformChecks
    fitted = False

    def proceed(self) -> Results:
        """Fit at first use, and return the samples transformed, restored, and the names of columns."""
        transform, x = self.component, self.checks.x
        if not self.fitted:
            transform.fit(x.copy())
            self.fitted = True
        y = transform.apply(x)
        names = np.array(transform.output_names(self.checks.columns), "U")
        return {"apply": y, "invert": transform.invert(y) if transform.inverts() else 0, "output_names": names}

    def save(self) -> dict[str, Any]:
        return Pipeline([self.component], ()).arrays()

    def restore(self, saved: dict[str, Any]) -> None:
        Pipeline([self.component], ()).restore(saved)
        self.fitted = True


@dataclass(frozen=True)
class TransformChecks(Checks[Transform]):
    """A transform of samples of one kind."""

    x: np.ndarray
    accepted = "it takes samples, and refuses others by a SpecnetError"
    saved_after = (1,)
    until = 2

    def accept(self) -> object:
        return self.applied()

    @property
    def columns(self) -> tuple[str, ...]:
        """A name for each column; none if a sample is not a row of columns."""
        return tuple(f"c{number}" for number in range(math.prod(self.x.shape[1:]))) if self.x.ndim < 3 else ()

    def setup(self, dtype: DType = "float64", rows: int = 0, **fields: Any) -> TransformSetup:
        return TransformSetup(self, self.fresh())

    def use(self, component: Transform, other: bool = False) -> Results:
        x = np.concatenate([self.x, self.x[:3]])[2:] if other else self.x
        component.fit(x.copy())
        return {"samples after fit and apply": component.apply(self.x)}

    def calls(self) -> Iterator[MethodCall]:
        transform, x = self.fresh(), self.x.copy()
        yield "fit", {"the samples": x}, lambda: transform.fit(x)
        yield "apply", {"the samples": x}, lambda: transform.apply(x)
        if transform.inverts():
            y = transform.apply(x)
            yield "invert", {"its argument": y}, lambda: transform.invert(y)

    def fitted(self) -> Transform:
        """Return a transform that is fitted on the samples."""
        check_dtype(self.x.dtype, type(self.component).dtypes)
        transform = self.fresh()
        transform.fit(self.x.copy())
        return transform

    def applied(self) -> np.ndarray:
        """Return the samples transformed."""
        return self.fitted().apply(self.x.copy())

    def each_sample_becomes_numbers(self) -> Problems:
        """`apply` returns one finite sample for each: float64 or whole numbers, for samples of any dtype."""
        y = self.applied()
        if y.dtype != np.float64 and y.dtype.kind not in "iu":
            yield f"apply returns {y.dtype}, neither float64 nor whole numbers"
        if len(y) != len(self.x):
            yield f"for {len(self.x)} samples apply returns {len(y)}"
        if not np.isfinite(y).all():
            yield "apply returns a number that is not finite"

    def output_shape_is_known_before_it_is_fitted(self) -> Problems:
        """`output_shape` returns None or the shape of a sample that `apply` returns."""
        declared, found = self.fresh().output_shape(self.x.shape[1:]), self.applied().shape[1:]
        if declared not in (None, found):
            yield f"output_shape returns {declared}, apply returns samples of shape {found}"

    def output_names_are_one_for_each_column(self) -> Problems:
        """`output_names` returns no names, or a different one for each column that `apply` returns."""
        transform, shape = self.fitted(), self.applied().shape[1:]
        for names in ((), self.columns):
            found = transform.output_names(names)
            if not isinstance(found, tuple) or not all(isinstance(name, str) for name in found):
                yield f"output_names returns {found!r}, not a tuple of names"
            elif found and (len(shape) > 1 or len(found) != math.prod(shape)):
                yield f"output_names returns {len(found)} names, apply returns samples of shape {shape}"
            elif len(set(found)) < len(found):
                yield f"output_names returns a name twice: {', '.join(found)}"

    def invert_undoes_apply(self) -> Problems:
        """`invert` restores the samples; where they have lost numbers, `apply` returns the same again."""
        transform = self.fitted()
        if not transform.inverts():
            return
        y = transform.apply(self.x)
        back = transform.invert(y)
        if back.shape != self.x.shape:
            yield f"invert returns shape {back.shape}, the samples have {self.x.shape}"
        elif math.prod(y.shape[1:]) >= math.prod(self.x.shape[1:]):
            if text := unequal(back, self.x):
                yield f"after apply and invert: {text} before"
        elif self.x.dtype.kind != "U" and (text := unequal(transform.apply(back), y)):
            yield f"after apply and invert, and apply again: {text} before"

    def each_sample_is_transformed_by_itself(self) -> Problems:
        """`apply` uses the results of `fit`, and no other samples."""
        transform, whole = self.fitted(), self.applied()
        for row in range(min(len(whole), 20)):
            if text := unequal(transform.apply(self.x[row : row + 1])[0], whole[row]):
                yield f"the sample in row {row} alone against in a batch: {text}"

    def what_it_learns_is_arrays(self) -> Problems:
        """A run saves the arrays listed in `fitted`."""
        transform = self.fitted()
        for name in transform.fitted:
            if not isinstance(found := getattr(transform, name, None), (np.ndarray, np.generic)):
                yield f"after fit, {name} is {type(found).__name__}, not an array"

    def pieces_are_fitted_like_the_whole(self) -> Problems:
        """`fit_pieces` takes a training split that does not fit into memory, or refuses it by a DataError."""
        for size in (1, 4, len(self.x)):
            parts, pieces = self.fresh(), np.split(self.x, range(size, len(self.x), size))
            try:
                parts.fit_pieces(lambda pieces=pieces: pieces)  # type: ignore[misc]
            except DataError:
                return
            if text := unequal(parts.apply(self.x), self.applied()):
                yield f"fitted on pieces of {size}, apply returns {text} when fitted on all"


@dataclass(frozen=True)
class RandomChecks(Checks[RandomTransform]):
    """A random transform and a batch."""

    x: np.ndarray
    accepted = "it takes batches, and refuses others by a SpecnetError"

    def accept(self) -> object:
        return self.applied(self.fresh(), self.x)

    def applied(self, transform: RandomTransform, x: np.ndarray) -> np.ndarray:
        """Return a transformed batch, with the same random numbers at each call."""
        check_dtype(x.dtype, type(self.component).dtypes)
        transform.check_shape(x.shape[1:])
        return transform.apply(x.copy(), np.random.default_rng(1))

    def use(self, component: RandomTransform, other: bool = False) -> Results:
        for x in (self.x[:1], self.x + self.x) if other else ():
            self.applied(component, x)
        return {"samples": self.applied(component, self.x)}

    def calls(self) -> Iterator[MethodCall]:
        transform, x, rng = self.fresh(), self.x.copy(), np.random.default_rng(1)
        yield "apply", {"the batch": x}, lambda: transform.apply(x, rng)
        y = transform.apply(x, rng)
        yield "the next call", {"the last result": y}, lambda: transform.apply(x + x, rng)

    def a_batch_keeps_its_shape_and_dtype(self) -> Problems:
        """Shape and dtype do not change, for a single sample too, and finite numbers stay finite."""
        for x in (self.x, self.x[:1]):
            y = self.applied(self.fresh(), x)
            if (y.shape, y.dtype) != (x.shape, x.dtype):
                yield f"for {x.dtype} of shape {x.shape} apply returns {y.dtype} of shape {y.shape}"
            if not np.isfinite(y).all():
                yield "apply returns a number that is not finite"


@checker("transforms")
def check_transform(transform: Transform | RandomTransform, samples: np.ndarray | None = None) -> Iterator[Outcome]:
    """Check a transform, fitted on samples (n, ...); of a random one they are a batch.

    Without them numbers and categories are tried, and those skipped that `fit` or `apply` refuses.
    """
    if isinstance(transform, RandomTransform):
        if samples is not None and samples.dtype.kind != "f":  # which the network would round
            samples = samples.astype(np.float32)
        batches = _batches() if samples is None else {"": samples}
        yield from examine_all(RandomChecks(transform, about, x) for about, x in batches.items())
        return

    def all_dtypes(taken: list[TransformChecks]) -> Iterator[Outcome]:
        if samples is None and taken:
            missing = [
                each.__name__ for each in transform.dtypes if not any(np.issubdtype(x.x.dtype, each) for x in taken)
            ]
            refused = [f"all samples of dtype {', '.join(missing)} are refused"] if missing else []
            yield concluded("samples of each dtype in dtypes are accepted", refused)

    missing_too = type(transform).takes_missing
    kinds = {**_samples(), **(_incomplete() if missing_too else {})} if samples is None else {"": samples}
    yield from examine_all((TransformChecks(transform, about, x) for about, x in kinds.items()), also=all_dtypes)


def _samples() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    samples = {}
    for shape in _SHAPES:
        numbers, categories = rng.uniform(1.0, 200.0, shape), rng.integers(2, 6, shape)
        for dtype in ("float64", "float32", "uint8", "int64", "bool"):
            samples[f"{dtype} of shape {shape}"] = numbers > 100.0 if dtype == "bool" else numbers.astype(dtype)
        samples[f"categories of shape {shape}"] = categories
        samples[f"text of shape {shape}"] = np.array(["north", "east", "south", "west"])[categories - 2]
    samples["a feature that never changes"] = constant = rng.normal(size=(8, 3))
    constant[:, 1] = 4.0
    samples["numbers of any sign and size"] = rng.normal(size=(12, 3)) * [1e-2, 1.0, 1e3]
    return samples


def _incomplete() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    samples = {}
    for shape in _SHAPES:
        numbers = rng.uniform(1.0, 200.0, shape)
        numbers[1:][rng.random(numbers[1:].shape) < 0.2] = np.nan
        samples[f"missing values in shape {shape}"] = numbers
    return samples


def _batches() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(6)
    return {
        f"{dtype} of shape {shape}": (3.0 * rng.normal(size=shape)).astype(dtype)
        for shape in _SHAPES
        for dtype in ("float64", "float32", "int64")
    }
