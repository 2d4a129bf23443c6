"""The transforms of a spec, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated

import numpy as np
from pydantic import Field

from specnet.component import Section, reference
from specnet.datasets.rows import Rows
from specnet.faults import guarded
from specnet.functions import all_finite
from specnet.transforms.base import FeatureError, RandomTransform, Transform, check_dtype

AnyTransform = Annotated[Transform | RandomTransform, reference("transforms")]


class Transforms(Section):
    """Transforms of inputs and targets, in order."""

    inputs: list[AnyTransform] = Field(
        default=[], max_length=100, description="transforms of inputs; random ones, for training batches, come last"
    )
    targets: list[AnyTransform] = Field(
        default=[], max_length=100, description="transforms of targets, undone for predictions and metrics"
    )


class Pipeline:
    """A list of transforms as one; `place` is its place in the spec, for messages and for names of arrays.

    `transforms` are the fitted ones, `randoms` those of training batches, which come after them. `columns` are the
    names of the dataset's columns, for messages; empty if it has none.
    """

    def __init__(self, transforms: Sequence[Transform | RandomTransform], place: tuple[str, ...]) -> None:
        self.transforms = [each for each in transforms if isinstance(each, Transform)]
        self.randoms = [each for each in transforms if isinstance(each, RandomTransform)]
        self.place = place
        self.columns: tuple[str, ...] = ()

    @property
    def random(self) -> bool:
        """Whether training batches are changed randomly."""
        return bool(self.randoms)

    def fit(self, x: np.ndarray) -> np.ndarray:
        """Fit each transform on x as transformed by those before it, and return x transformed."""
        for number, transform in enumerate(self.transforms):
            with guarded(transform, (*self.place, number), "fit"), self._naming(number):
                check_dtype(x.dtype, transform.dtypes)
                transform.fit(x)
            x = self._apply(number, x)
        return x

    def fit_pieces(self, rows: Rows) -> None:
        """Fit each transform on rows as transformed by those before it; rows are read again for each."""
        for number, transform in enumerate(self.transforms):
            with guarded(transform, (*self.place, number), "fit_pieces"), self._naming(number):
                check_dtype(rows.dtype, transform.dtypes)
                transform.fit_pieces(rows.pieces)
            rows = rows.map(lambda x, number=number: self._apply(number, x))  # type: ignore[misc]

    def apply(self, x: np.ndarray) -> np.ndarray:
        """Return x with all fitted transforms applied; without any, x itself in its own dtype."""
        for number in range(len(self.transforms)):
            x = self._apply(number, x)
        return x

    def _apply(self, number: int, x: np.ndarray) -> np.ndarray:
        transform = self.transforms[number]
        with guarded(transform, (*self.place, number), "apply"):
            check_dtype(x.dtype, transform.dtypes)
            return transform.apply(x)

    def randomize(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return a training batch x (n, ...) of transformed inputs with all random transforms applied, in their order.

        x is not changed; without random transforms it is returned.
        """
        for number, transform in enumerate(self.randoms, start=len(self.transforms)):
            with guarded(transform, (*self.place, number), "apply"):
                check_dtype(x.dtype, transform.dtypes)
                y = transform.apply(x, rng)
                if (y.shape, y.dtype) != (x.shape, x.dtype):
                    raise TypeError(f"it returns {y.dtype} of shape {y.shape}, not {x.dtype} of shape {x.shape}")
            x = y
        return x

    def invert(self, y: np.ndarray) -> np.ndarray:
        """Return y with all transforms undone."""
        for number, transform in reversed([*enumerate(self.transforms)]):
            with guarded(transform, (*self.place, number), "invert"):
                y = transform.invert(y)
        return y

    @contextmanager
    def _naming(self, number: int) -> Iterator[None]:
        """Name the feature that the transform of this number cannot use."""
        try:
            yield
        except FeatureError as error:
            error.name(self.names(self.columns, number))
            raise

    def names(self, names: Sequence[str], until: int | None = None) -> tuple[str, ...]:
        """Return the names of the columns that the first transforms return, by default all; empty if unknown.

        `names` are those of the dataset.
        """
        found = tuple(names)
        for number, transform in enumerate(self.transforms[:until]):
            with guarded(transform, (*self.place, number), "output_names"):
                found = tuple(transform.output_names(found))
        return found

    @property
    def array_names(self) -> tuple[str, ...]:
        """Names of the arrays that the transforms learn, by place such as `transforms.inputs.0.shift`."""
        return tuple(name for name, *_ in self._learned())

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what the transforms have learned, by name.

        Raises:
            BrokenComponentError: if that is not an array of finite numbers or of text.
        """
        found = {}
        for name, number, attribute in self._learned():
            with guarded(self.transforms[number], (*self.place, number), "fit"):
                found[name] = _checked(attribute, np.asarray(getattr(self.transforms[number], attribute)))
        return found

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Restore what `arrays` returned; names that do not begin with this pipeline's place are ignored.

        Raises:
            ValueError: if names are missing or unknown, or an array does not hold finite numbers or text.
        """
        found = {name for name in arrays if name.startswith(self._prefix)}
        if wrong := found.symmetric_difference(self.array_names):
            raise ValueError(f"the arrays of the transforms do not match the spec: {', '.join(sorted(wrong))}")
        for name, number, attribute in self._learned():
            setattr(self.transforms[number], attribute, _checked(name, arrays[name]))

    def _learned(self) -> Iterator[tuple[str, int, str]]:
        """Yield each array's name, the index of its transform and the attribute that holds it."""
        for number, transform in enumerate(self.transforms):
            for attribute in transform.fitted:
                yield f"{self._prefix}{number}.{attribute}", number, attribute

    @property
    def _prefix(self) -> str:
        return "".join(f"{part}." for part in self.place)


def _checked(name: str, array: np.ndarray) -> np.ndarray:
    """Return an array that can be saved.

    Raises:
        ValueError: if it holds Python objects, or numbers that are not finite.
    """
    if array.dtype.kind not in "biufU":
        raise ValueError(f"{name} is {array.dtype}, neither numbers nor fixed-width text")
    if array.dtype.kind == "f" and not all_finite(array):
        raise ValueError(f"{name} is not finite")
    return array
