"""Transforms without a mistake, and with one each."""

import numpy as np
from testing.faulty.base import ARGUMENTS, CONTINUES, SAME, fault, good

from specnet import Transform
from specnet.errors import DataError, ShapeError


@good
class Shift(Transform):
    """x less its mean."""

    fitted = ("mean",)

    def fit(self, x):
        self.mean = np.mean(x.astype(np.float64), axis=0)

    def fit_pieces(self, pieces):
        self.fit(np.concatenate([*pieces()]))

    def output_shape(self, shape):
        return shape

    def apply(self, x):
        return x - self.mean

    def invert(self, y):
        return y + self.mean


INVERT = "invert undoes apply"


@fault(INVERT, "after apply and invert: .* before")
class NotUndone(Shift):
    def invert(self, y):
        return y - self.mean


@fault("each sample becomes numbers", "apply returns float32")
class Narrow(Shift):
    def apply(self, x):
        return super().apply(x).astype(np.float32)


@fault("output shape is known before it is fitted", r"output_shape returns \(2,\), apply returns samples of")
class WrongShape(Shift):
    def output_shape(self, shape):
        return (2,)


@fault(ARGUMENTS, "apply writes to the samples: now")
class WritingTransform(Shift):
    def apply(self, x):
        y = super().apply(x)
        x.flat[0] += 1
        return y


@fault("each sample is transformed by itself", "the sample in row 0 alone")
class OfTheBatch(Shift):
    fitted = ("mean", "x")

    def fit(self, x):
        super().fit(x)
        self.x = x.astype(np.float64)

    def apply(self, x):
        return x - np.mean(x.astype(np.float64), axis=0)

    def invert(self, y):
        return y + np.mean(self.x, axis=0)


@fault(CONTINUES, "has no attribute 'mean'")
class Unnamed(Shift):
    fitted = ()

    def apply(self, x):
        return x - getattr(self, "mean", np.zeros(x.shape[1:]))


@fault(SAME, "samples after fit and apply in a second step: ")
class Accumulating(Shift):
    def fit(self, x):
        self.mean = getattr(self, "mean", 0.0) + np.mean(x.astype(np.float64), axis=0)


@fault("pieces are fitted like the whole", "fitted on pieces of 1, apply returns")
class LastPiece(Shift):
    def fit_pieces(self, pieces):
        for x in pieces():
            self.fit(x)


@fault("it takes samples, and refuses others by a SpecnetError", "raises IndexError")
class Flat(Shift):
    def fit(self, x):
        self.mean = np.mean(x.astype(np.float64)) + 0 * x.shape[1]


@good
class Centre(Transform):
    """Each number less the mean of its sample; cannot be undone."""

    def output_shape(self, shape):
        return shape

    def apply(self, x):
        return x - np.mean(x.astype(np.float64), axis=tuple(range(1, x.ndim)), keepdims=True)


@good
class Constant(Transform):
    """The columns that change in the training split."""

    fitted = ("kept",)

    def fit(self, x):
        if x.ndim != 2:
            raise ShapeError("needs columns")
        self.kept = np.flatnonzero((x != x[:1]).any(axis=0))

    def output_names(self, names):
        return tuple(names[number] for number in self.kept) if names else ()

    def apply(self, x):
        return x[:, self.kept].astype(np.float64)


@good
class Rank(Transform):
    """Each category is its number."""

    fitted = ("values",)
    dtypes = (np.integer, np.str_)

    def fit(self, x):
        self.values = np.unique(x)

    def output_shape(self, shape):
        return shape

    def apply(self, x):
        return np.searchsorted(self.values, x)

    def invert(self, y):
        return self.values[y.astype(np.int64)]


@fault("samples of each dtype in dtypes are accepted", "all samples of dtype str_ are refused")
class Claiming(Shift):
    dtypes = (np.floating, np.str_)

    def fit(self, x):
        if x.dtype.kind == "U":
            raise DataError("no text")
        super().fit(x)


@fault("output names are one for each column", "output_names returns 1 names, apply returns samples of shape")
class Nameless(Shift):
    def output_names(self, names):
        return names and names[:1]


@fault("output names are one for each column", "a name twice: c, c")
class Homonyms(Shift):
    def output_names(self, names):
        return tuple("c" for _ in names)


@fault(CONTINUES, "means is object, neither numbers nor fixed-width text")
class Objects(Shift):
    fitted = ("mean", "means")

    def fit(self, x):
        super().fit(x)
        self.means = np.array([None, "a"])


@fault("what it learns is arrays", "after fit, means is list, not an array")
class Listed(Shift):
    fitted = ("mean", "means")

    def fit(self, x):
        super().fit(x)
        self.means = [1.0, 2.0]
