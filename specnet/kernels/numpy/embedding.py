"""The gradient of an embedding: sums of rows that belong to the same number."""

from __future__ import annotations

import numpy as np

from specnet.layers.embedding import Embedding

MOST = 16
"""Most rows that are added one after the other."""


class EmbeddingKernel(Embedding):
    """An embedding that adds the first rows of all numbers, then all second ones, and so on.

    Numbers with many rows are divided into parts of at most `MOST`, whose sums are added in the same way.
    """

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        rows, numbers = dy.reshape(-1, self.output_dim), self.x.reshape(-1)
        if len(self.weight) <= 2**16:
            numbers = numbers.astype(np.uint16)  # these are sorted in linear time
        distinct = False
        while not distinct:
            order = np.argsort(numbers, kind="stable")
            numbers = numbers[order]
            first = np.flatnonzero(np.append(True, numbers[1:] != numbers[:-1]))
            rank = np.arange(len(order)) - np.repeat(first, np.diff(first, append=len(order)))
            starts = np.flatnonzero(rank % MOST == 0)
            counts = np.diff(starts, append=len(order))
            by_count = np.argsort((MOST - counts).astype(np.uint8), kind="stable")
            starts, longer = starts[by_count], len(counts) - np.cumsum(np.bincount(counts))
            total = rows.take(order[starts], axis=0)
            for number, count in enumerate(longer[1:-1], 1):
                total[:count] += rows.take(order[starts[:count] + number], axis=0, mode="clip")
            rows, numbers, distinct = total, numbers[starts], len(starts) == len(first)
        self.grad.weight[...] = 0
        self.grad.weight[numbers] = rows
        return np.zeros(self.x.shape, dy.dtype) if self.needs_dx else None
