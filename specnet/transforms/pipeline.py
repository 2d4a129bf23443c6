"""The transforms of a spec, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated

import numpy as np
from pydantic import Field

from specnet.component import Section, reference
from specnet.datasets.rows import Rows
from specnet.errors import DataError
from specnet.faults import guarded
from specnet.features import Feature, choose, features_named
from specnet.functions import all_finite
from specnet.transforms.base import FeatureError, RandomTransform, Transform, check_complete, check_dtype
from specnet.transforms.selection import Selection

SELECTION = "columns"
"""Name of the saved array that says which columns a transform sees."""
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

    `transforms` are the fitted ones, `randoms` those of training batches, which come after them. `features` are those
    of the samples: each transform sees the columns that it names, or those of its kinds. Samples that are sequences
    (time, features) are transformed step by step. Features are empty if samples have no named columns: then a transform
    sees whole samples.
    """

    def __init__(self, transforms: Sequence[Transform | RandomTransform], place: tuple[str, ...]) -> None:
        self.transforms = [each for each in transforms if isinstance(each, Transform)]
        self.randoms = [each for each in transforms if isinstance(each, RandomTransform)]
        self.random = bool(self.randoms)
        self.place = place
        self.features: Sequence[Feature] = ()
        self._selections: list[Selection | None] = []

    @property
    def fills_missing(self) -> bool:
        """Whether a transform takes missing values."""
        return any(transform.takes_missing for transform in self.transforms)

    def fit(self, x: np.ndarray) -> np.ndarray:
        """Fit each transform on x as transformed by those before it, and return x transformed."""
        with self._steps(x) as (rows, samples):
            return samples(self._fit(rows))

    def _fit(self, x: np.ndarray) -> np.ndarray:
        self._selections = []
        for number, transform in enumerate(self.transforms):
            with self._guarded(number, "fit"):
                self._selections.append(self._select(number, x.shape[1:]))
                transform.fit(self._take(number, x))
            x = self._apply(number, x)
        return x

    def fit_pieces(self, rows: Rows) -> None:
        """Fit each transform on rows as transformed by those before it; rows are read again for each."""
        self._selections = []
        for number, transform in enumerate(self.transforms):
            with self._guarded(number, "fit_pieces"):
                self._selections.append(self._select(number, rows.shape[1:]))
                self._take(number, rows[:1])
                transform.fit_pieces(rows.map(lambda x, number=number: self._take(number, x)).pieces)  # type: ignore[misc]
            rows = rows.map(lambda x, number=number: self._apply(number, x))  # type: ignore[misc]

    def apply(self, x: np.ndarray) -> np.ndarray:
        """Return x with all fitted transforms applied; without any, x itself in its own dtype."""
        with self._steps(x) as (rows, samples):
            y = rows
            for number in range(len(self.transforms)):
                y = self._apply(number, y)
            with self._naming(len(self.transforms)):
                if self.features:
                    check_complete(y)
            return samples(y)

    @contextmanager
    def _steps(self, x: np.ndarray) -> Iterator[tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]]:
        """Yield the steps of sequences x (n, time, features) as rows, and what makes sequences of rows; else x itself.

        Errors that name a row then name its sequence.
        """
        if x.ndim != 3 or x.shape[2] != len(self.features):
            yield x, lambda y: y
            return
        count, time, features = x.shape
        try:
            yield x.reshape(count * time, features), lambda y: y.reshape(count, time, y.shape[-1])
        except DataError as error:
            if error.row is not None:
                error.name_row(error.row // time, f"row {error.row // time}")
            raise

    def _select(self, number: int, shape: tuple[int, ...]) -> Selection | None:
        """Return the columns that a transform sees; None for all of a sample."""
        transform, features = self.transforms[number], self._features(number)
        if len(shape) == 1 and len(features) == shape[0]:
            chosen = choose(features, transform.columns, transform.kinds)
            return Selection(shape[0], chosen) if len(chosen) < shape[0] else None
        if transform.columns is not None:
            message = "the columns of these samples have no names"
            raise DataError(message, pointer=("columns",), help="leave columns out: all are transformed")
        return None

    def _take(self, number: int, x: np.ndarray) -> np.ndarray:
        """Return what a transform sees of x.

        Raises:
            DataError: if it does not take that.
        """
        transform, selection = self.transforms[number], self._selection(number)
        part = x if selection is None else selection.take(x)
        check_dtype(part.dtype, transform.dtypes)
        if not transform.takes_missing:
            check_complete(part)
        return part

    def _apply(self, number: int, x: np.ndarray) -> np.ndarray:
        selection = self._selection(number)
        with self._guarded(number, "apply"):
            y = self.transforms[number].apply(self._take(number, x))
            return y if selection is None else selection.put(x, y)

    def randomize(
        self, x: np.ndarray, target: np.ndarray, rng: np.random.Generator, units: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return a training batch x (n, ...) of transformed inputs with all random transforms applied, and its targets.

        Neither is changed; without random transforms they are returned. Class numbers that are to be mixed become rows
        of 0 and 1 for `units` classes.
        """
        for number, transform in enumerate(self.randoms, start=len(self.transforms)):
            with guarded(transform, (*self.place, number), "apply"):
                check_dtype(x.dtype, transform.dtypes)
                transform.check_shape(x.shape[1:])
                if type(transform).apply_both is not RandomTransform.apply_both and target.dtype.kind in "biu":
                    target = (target[..., np.newaxis] == np.arange(units)).astype(x.dtype)
                y, target = transform.apply_both(x, target, rng)
                if (y.shape, y.dtype) != (x.shape, x.dtype):
                    raise TypeError(f"it returns {y.dtype} of shape {y.shape}, not {x.dtype} of shape {x.shape}")
            x = y
        return x, target

    def invert(self, y: np.ndarray) -> np.ndarray:
        """Return y with all transforms undone."""
        for number, transform in reversed([*enumerate(self.transforms)]):
            with guarded(transform, (*self.place, number), "invert"):
                selection = self._selection(number)
                if selection is None:
                    y = transform.invert(y)
                else:
                    y = selection.put_back(y, transform.invert(selection.take_back(y)))
        return y

    @contextmanager
    def _guarded(self, number: int, method: str) -> Iterator[None]:
        """Locate errors of a method of a transform, and name the feature that it cannot use."""
        with guarded(self.transforms[number], (*self.place, number), method), self._naming(number):
            yield

    @contextmanager
    def _naming(self, number: int) -> Iterator[None]:
        try:
            yield
        except FeatureError as error:
            seen = self._seen(number, self._features(number))
            error.name([(feature.kind == "category" and feature.column) or feature.name for feature in seen])
            raise

    def _selection(self, number: int) -> Selection | None:
        """Return the columns that a transform sees; None for all of a sample, and before it is fitted."""
        return self._selections[number] if number < len(self._selections) else None

    def _seen(self, number: int, features: Sequence[Feature]) -> Sequence[Feature]:
        """Return those features, before the transform of this number, that it sees."""
        selection = self._selection(number)
        return [features[each] for each in selection.chosen] if selection and features else features

    def names(self) -> tuple[str, ...]:
        """Return the names of the columns that `apply` returns; empty if unknown."""
        return tuple(feature.name for feature in self.transformed)

    @property
    def transformed(self) -> Sequence[Feature]:
        """The features that `apply` returns; empty if unknown."""
        return self._features(len(self.transforms))

    def _features(self, until: int) -> Sequence[Feature]:
        """Return the features before the transform of this number; empty if unknown."""
        features = self.features
        for number, transform in enumerate(self.transforms[:until]):
            seen, selection = self._seen(number, features), self._selection(number)
            with guarded(transform, (*self.place, number), "output_names"):
                names = transform.output_names(tuple(feature.name for feature in seen))
            new = features_named(names)
            if len(names) == len(seen):
                new = tuple(feature._replace(name=name) for feature, name in zip(seen, names, strict=True))
            features = selection.replace(features, new) if selection and features and new else new
        return features

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
                if attribute == SELECTION:
                    selection = self._selection(number)
                    found[name] = np.zeros(0, np.int64) if selection is None else selection.saved
                else:
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
        self._selections = [None] * len(self.transforms)
        for name, number, attribute in self._learned():
            array = _checked(name, arrays[name])
            if attribute == SELECTION:
                self._selections[number] = Selection.restored(array)
            else:
                setattr(self.transforms[number], attribute, array)

    def _learned(self) -> Iterator[tuple[str, int, str]]:
        """Yield each array's name, the index of its transform and the attribute that holds it."""
        for number, transform in enumerate(self.transforms):
            for attribute in (SELECTION, *transform.fitted):
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
