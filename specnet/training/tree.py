"""The binary tree in which results of shards are added: it depends only on their number."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

_T = TypeVar("_T")
Subtree = tuple[int, int]
"""Part of the tree: the sum of the shards from the first number to below the second."""


def add(node: Subtree, find: Callable[[Subtree], _T | None], plus: Callable[[_T, _T], _T]) -> _T:
    """Return the sum of a node of a binary tree, whose left half has a power of two of leaves.

    `find` returns the sum of a node if it is known, or None. Results are added as soon as possible, so that few are in
    memory.
    """
    if (found := find(node)) is not None:
        return found
    left, right = _halves(node)
    first = add(left, find, plus)
    return plus(first, add(right, find, plus))


def by_shard(compute: Callable[[int], _T]) -> Callable[[Subtree], _T | None]:
    """Return what `add` takes to find sums, where only the results of single shards are known, by number."""

    def find(node: Subtree) -> _T | None:
        number, end = node
        return compute(number) if end - number == 1 else None

    return find


def subtrees(node: Subtree, start: int, stop: int) -> Iterator[Subtree]:
    """Yield the largest nodes of that tree that contain nothing but leaves start to stop - 1."""
    low, high = node
    if start <= low and high <= stop:
        yield node
    elif low < stop and start < high:
        for half in _halves(node):
            yield from subtrees(half, start, stop)


def _halves(node: Subtree) -> tuple[Subtree, Subtree]:
    low, high = node
    middle = low + (1 << ((high - low - 1).bit_length() - 1))
    return (low, middle), (middle, high)
