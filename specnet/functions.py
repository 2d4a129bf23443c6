"""Elementary functions that several components share."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, reduce
from typing import NamedTuple

import numpy as np

LARGEST_CLASS = 2**31
"""A whole number from here on is a measurement, not a class."""


@cache
def constant(value: float, dtype: np.dtype) -> np.ndarray:
    """Return a number as an array without axes, which takes NumPy half the time of a Python number to read."""
    number = np.array(value, dtype)
    number.flags.writeable = False
    return number


def sigmoid(x: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Return 1 / (1 + exp(-x)), in `out` if that is given.

    Written as (1 + tanh(x / 2)) / 2, which cannot overflow and is more than twice as fast.
    """
    half = constant(0.5, x.dtype)
    y = np.multiply(x, half, out=out)
    np.tanh(y, out=y)
    y *= half
    y += half
    return y


def maximum(x: np.ndarray, bound: float, room: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Return the larger of x and a number, in `out`, which may be x or `room`; `room` is overwritten.

    NumPy compares two arrays several times as fast as an array and a scalar.
    """
    room.fill(bound)
    return np.maximum(x, room, out=out)


def softmax(x: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Return exp(x) / sum(exp(x)) over the last axis, in `out` if that is given."""
    y = np.subtract(x, np.max(x, axis=-1, keepdims=True), out=out)
    np.exp(y, out=y)
    y /= np.sum(y, axis=-1, keepdims=True)
    return y


def classes(scores: np.ndarray) -> np.ndarray:
    """Return class numbers from class numbers (n, ...), probabilities (n, ..., 1) or scores (n, ..., k).

    One probability says yes from 0.5 on; of several scores the largest wins.
    """
    if np.issubdtype(scores.dtype, np.integer):
        return scores
    if scores.ndim > 1 and scores.shape[-1] > 1:
        return np.argmax(scores, axis=-1)
    yes: np.ndarray = (scores >= 0.5).astype(np.int64)
    return yes[..., 0] if yes.ndim > 1 else yes


def class_numbers(targets: np.ndarray) -> np.ndarray | None:
    """Return the class numbers (n, ...) that targets stand for, or nothing where they are no classes.

    Classes are whole numbers, (n, ...) or (n, ..., 1), or one-hot (n, ..., k).
    """
    if targets.ndim > 1 and targets.shape[-1] > 1:
        numbers = np.argmax(targets, axis=-1)
        one_hot = np.zeros(targets.shape)
        np.put_along_axis(one_hot, numbers[..., np.newaxis], 1.0, axis=-1)
        if np.array_equal(targets, one_hot):
            return numbers
    elif targets.ndim > 1:
        targets = targets[..., 0]
    whole = np.array_equal(targets, np.rint(targets)) and (np.abs(targets.astype(np.float64)) < LARGEST_CLASS).all()
    return targets.astype(np.int64) if whole else None


def is_image(shape: tuple[int, ...]) -> bool:
    """Tell whether samples of this shape are images: height, width, and 1, 3 or 4 channels."""
    return len(shape) == 3 and shape[2] in (1, 3, 4)


class Summary(NamedTuple):
    """What is told of many numbers: the least and the greatest, how many, their mean, and the sum of squares about it.

    All but the size may be arrays, with these for each feature.
    """

    least: np.ndarray
    most: np.ndarray
    size: int
    mean: np.ndarray
    squares: np.ndarray

    @property
    def std(self) -> np.ndarray:
        """Their standard deviation."""
        return np.sqrt(self.squares / self.size)


def summarize(pieces: Iterable[np.ndarray], axis: int | None = None) -> Summary:
    """Return the summary along an axis of an array that is given a piece after the other.

    Chan, Golub & LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances", 1979.
    """

    def measure(x: np.ndarray) -> Summary:
        mean = np.mean(x, axis=axis)
        squares = np.sum(np.square(x - mean), axis=axis)
        return Summary(*extremes([x], axis), x.size // mean.size, mean, squares)

    def merge(a: Summary, b: Summary) -> Summary:
        size, delta = a.size + b.size, b.mean - a.mean
        share = b.size / size
        return Summary(
            np.minimum(a.least, b.least),
            np.maximum(a.most, b.most),
            size,
            a.mean + delta * share,
            a.squares + b.squares + np.square(delta) * (a.size * share),
        )

    return reduce(merge, map(measure, pieces))


def extremes(pieces: Iterable[np.ndarray], axis: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the greatest numbers along an axis of an array that is given a piece after the other."""
    found = ((np.min(x, axis=axis), np.max(x, axis=axis)) for x in pieces)
    return reduce(lambda a, b: (np.minimum(a[0], b[0]), np.maximum(a[1], b[1])), found)


def thin(values: np.ndarray, most: int = 2000) -> np.ndarray:
    """Return the positions to draw of a curve (n,), at most so many: the first, the last and extremes in between."""
    if len(values) <= most:
        return np.arange(len(values))
    pieces = np.array_split(np.arange(len(values)), max(1, (most - 2) // 2))
    found = [piece[extreme(values[piece])] for piece in pieces for extreme in (np.argmin, np.argmax)]
    return np.unique([0, *found, len(values) - 1])


def falls_far(values: np.ndarray) -> bool:
    """Tell whether a curve (n,) falls from a peak to less than a tenth of it."""
    lowest = int(np.argmin(values))
    return bool(values[: lowest + 1].max() > 10 * values[lowest])
