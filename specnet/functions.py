"""Elementary functions that several components share."""

from __future__ import annotations

import numpy as np

LARGEST_CLASS = 2**31
"""A whole number from here on is a measurement, not a class."""


def sigmoid(x: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Return 1 / (1 + exp(-x)), in `out` if that is given.

    Written as (1 + tanh(x / 2)) / 2, which cannot overflow and is more than twice as fast.
    """
    y = np.multiply(x, 0.5, out=out)
    np.tanh(y, out=y)
    y *= 0.5
    y += 0.5
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
