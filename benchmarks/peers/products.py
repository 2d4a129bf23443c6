"""The matrix products of a step and nothing else: what no form of NumPy with the same BLAS can do without."""

from __future__ import annotations

import numpy as np

from benchmarks.peers.floor import empty
from benchmarks.work import Train, Work


def make(work: Work) -> Train:
    """Return what computes the products of the work's steps, forward and backward; its losses are no numbers."""
    rows, dtype = work.batch, work.x.dtype
    rng = np.random.default_rng(0)

    def drawn(shape: tuple[int, ...]) -> np.ndarray:
        array = empty(shape, dtype)
        array[...] = rng.normal(size=shape)
        return array

    products = []
    for number, (weight, _) in enumerate(work.layers):
        x, y, dx = drawn((rows, weight.shape[0])), drawn((rows, weight.shape[1])), drawn((rows, weight.shape[0]))
        w, dw = drawn(weight.shape), drawn(weight.shape)
        products += [(x, w, y), (x.T, y, dw), *([(y, w.T, dx)] if number else [])]
    steps = len(work.x) // rows

    def epoch() -> float:
        for _ in range(steps):
            for a, b, out in products:
                np.dot(a, b, out=out)
        return float("nan")

    return lambda epochs: [epoch() for _ in range(epochs)]
