"""Which samples are divided together, and how many of each: classes, ranges of numbers, whole groups."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from specnet.datasets.base import Data
from specnet.datasets.rows import pieces
from specnet.functions import distinct
from specnet.task import class_numbers

RANGES = 10
"""Ranges of equal size into which number targets are cut."""
_LEAST = 5
"""Average number of samples of a class or range."""


def class_strata(data: Data, likely: bool) -> list[np.ndarray] | None:
    """Return the indices of the training samples of each class; None if targets are not classes.

    They are if the dataset names them, or they are one-hot, only 0 and 1, or integers with few values. With `likely`,
    numbers with very few values and integers that repeat are taken for classes as well.
    """
    targets = data.train.targets
    found = [class_numbers(piece) for piece in pieces(targets)]
    numbers = [each for each in found if each is not None and each.ndim == 1]
    if len(numbers) < len(found):
        return None
    number = np.concatenate(numbers)
    values = distinct(number)
    integer, average = data.about_targets.kind == "classes", len(number) / len(values)
    classes = bool(data.classes) or targets.shape[1:] > (1,) or (values[0] >= 0 and values[-1] <= 1)
    classes = classes or (integer and average >= _LEAST)
    if likely:
        classes = classes or len(values) <= RANGES or (integer and average >= 2)
    return [np.flatnonzero(number == value) for value in values] if classes else None


def range_strata(data: Data) -> list[np.ndarray] | None:
    """Return the indices of the training samples by ranges of the target; None if that is not one number."""
    targets = data.train.targets
    if targets.shape[1:] not in ((), (1,)):
        return None
    order = np.argsort(np.concatenate([piece.reshape(len(piece)) for piece in pieces(targets)]), kind="stable")
    return np.array_split(order, max(1, min(RANGES, len(order) // _LEAST)))


def apportion(total: int, sizes: np.ndarray, room: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return whole numbers with sum `total` in proportion to `sizes`, none above `room`, by largest remainders.

    Equal remainders are ordered at random. `room` has at least `total` in all.
    """
    exact = total * sizes / sizes.sum()
    given = np.minimum(np.floor(exact).astype(np.int64), room)
    order = np.lexsort((rng.random(len(sizes)), given - exact))
    while lacking := total - int(given.sum()):
        given[order[(given < room)[order]][:lacking]] += 1
    return given


def nearest_groups(sizes: np.ndarray, total: int, keep: int, rng: np.random.Generator) -> list[int]:
    """Return the indices of groups whose sizes have a sum as near to `total` as possible; at least `keep` are left.

    There are more than `keep` groups. This is the subset-sum problem: `first[s]` is the group with which the sum s
    was first reached, in a random order, so that the groups before it reach the rest of s.
    """
    most = len(sizes) - keep
    order = rng.permutation(len(sizes))
    order = order[sizes[order] <= 2 * total]  # a larger one is further away than none
    sums = np.cumsum(sizes[order])
    if not order.size:
        return [int(np.argmin(sizes))]
    if sums[-1] <= total:
        return order[np.argsort(-sizes[order], kind="stable")][:most].tolist()
    largest = int(sizes[order].max())
    # Where many groups are needed, most are taken as they come, and only the last few have to fit.
    taken = int(np.searchsorted(sums, total - 3 * largest, side="right"))
    chosen, order = order[:taken].tolist(), order[taken:]
    unit = int(np.gcd.reduce(sizes[order]))
    rest = (total - int(sizes[chosen].sum())) / unit
    first = np.full(round(rest) + largest // unit + 1, -1)
    first[0] = len(sizes)
    for group in order.tolist():
        size = int(sizes[group]) // unit
        first[np.flatnonzero((first[:-size] >= 0) & (first[size:] < 0)) + size] = group
        if first[round(rest)] >= 0:
            break
    reached = np.flatnonzero(first >= 0)
    for best in reached[np.argsort(np.abs(reached - rest), kind="stable")]:
        found: list[int] = []
        while (left := best - sizes[found].sum() // unit) > 0:
            found.append(int(first[left]))
        if 0 < len(chosen) + len(found) <= most:
            return chosen + found
    return [int(np.argmin(np.abs(sizes - total)))]


def spread(sizes: Sequence[int] | np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """Return for each group one of k parts, so that parts become about equally large: the largest group goes first."""
    part, filled = np.zeros(len(sizes), np.int64), np.zeros(k, np.int64)
    order = rng.permutation(len(sizes))
    for group in order[np.argsort(-np.asarray(sizes)[order], kind="stable")]:
        part[group] = np.argmin(filled)
        filled[part[group]] += sizes[group]
    return part
