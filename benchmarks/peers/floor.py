"""The floor: straight-line NumPy for exactly these networks, as fast as we know how to write it.

Buffers are made once and ufuncs write in place. What was found by measuring: `dot` has less overhead than `matmul`,
and none of its trouble with an inner side of 1; a sum over rows is faster as a product with ones; a bias of the first
layer is free as a further row of its weights; `take` with "clip" writes straight into its buffer; `maximum` is
vectorised against an array of zeros and not against a zero; arrays that begin with a line of cache are faster by three
in a hundred.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy import abs, add, divide, dot, exp, greater, log, maximum, multiply, sqrt, subtract, tanh

from benchmarks.work import Train, Work

PIECE = 65_536
"""Parameters that Adam takes at a time, of 32,768 to all of them, measured."""


def make(work: Work) -> Train:
    """Return what trains the work."""
    return digits(work) if work.loss == "cross_entropy" else notebook(work)


def views(flat: np.ndarray, shapes: Sequence[tuple[int, ...]]) -> list[np.ndarray]:
    """Return consecutive pieces of a vector in these shapes."""
    ends = np.cumsum([math.prod(shape) for shape in shapes])
    return [part.reshape(shape) for part, shape in zip(np.split(flat, ends[:-1]), shapes, strict=True)]


def empty(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Return an array that begins where a line of cache does."""
    size = math.prod(shape) * dtype.itemsize
    memory = np.empty(size + 64, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + size].view(dtype).reshape(shape)


def copied(array: np.ndarray) -> np.ndarray:
    """Return a copy that begins where a line of cache does."""
    copy = empty(array.shape, array.dtype)
    copy[...] = array
    return copy


def notebook(work: Work) -> Train:  # noqa: PLR0915 (straight-line code is what it is about)
    """Return what trains k-h-h-1 with sigmoids on one full batch: plain SGD on the loss of a, or of b."""
    (n, k), h, number = work.x.shape, work.layers[0][1].size, work.x.dtype.type
    classify, t = work.loss == "bce", work.target
    w = copied(np.concatenate([array.ravel() for layer in work.copy_layers() for array in layer]))
    g = empty(w.shape, w.dtype)
    # A bias lies behind its weights: the first one is their row k + 1.
    shapes = [(k + 1, h), (h, h), (h,), (h, 1), (1,)]
    w1, w2, b2, w3, b3 = views(w, shapes)
    g1, g2, c2, g3, c3 = views(g, shapes)
    x = np.hstack([work.x, np.ones((n, 1), w.dtype)])
    half_x = x * number(0.5)
    a1, a2, d1, d2, s = (empty((n, h), w.dtype) for _ in range(5))
    y, no, chance = empty((n, 1), w.dtype), 1 - t, empty((n, 1), w.dtype)
    flat_y, flat_chance = y.ravel(), chance.ravel()
    x_t, a1_t, a2_t, w2_t, w3_t = x.T, a1.T, a2.T, w2.T, w3.T
    one, half, rate, ones = number(1), number(0.5), number(work.rate), np.ones(n, w.dtype)
    scale = number((1 if classify else 2) / n)

    def step() -> float:
        # A sigmoid is (1 + tanh(z / 2)) / 2.
        dot(half_x, w1, out=a1)
        tanh(a1, out=a1)
        multiply(a1, half, out=a1)
        add(a1, half, out=a1)
        dot(a1, w2, out=a2)
        add(a2, b2, out=a2)
        multiply(a2, half, out=a2)
        tanh(a2, out=a2)
        multiply(a2, half, out=a2)
        add(a2, half, out=a2)
        dot(a2, w3, out=y)
        add(y, b3, out=y)
        if classify:
            multiply(y, half, out=y)
            tanh(y, out=y)
            multiply(y, half, out=y)
            add(y, half, out=y)
            subtract(y, no, out=chance)  # y of a yes, y - 1 of a no
            abs(chance, out=chance)
            log(chance, out=chance)
            loss = -float(dot(ones, flat_chance)) / n
            subtract(y, t, out=y)
        else:
            subtract(y, t, out=y)
            loss = float(dot(flat_y, flat_y)) / n
        multiply(y, scale, out=y)
        dot(a2_t, y, out=g3)
        dot(ones, y, out=c3)
        dot(y, w3_t, out=d2)
        subtract(one, a2, out=s)
        multiply(s, a2, out=s)
        multiply(d2, s, out=d2)
        dot(a1_t, d2, out=g2)
        dot(ones, d2, out=c2)
        dot(d2, w2_t, out=d1)
        subtract(one, a1, out=s)
        multiply(s, a1, out=s)
        multiply(d1, s, out=d1)
        dot(x_t, d1, out=g1)
        multiply(g, rate, out=g)
        subtract(w, g, out=w)
        return loss

    return lambda epochs: [step() for _ in range(epochs)]


def digits(work: Work) -> Train:  # noqa: PLR0915
    """Return what trains k-h-i-c with ReLU: cross-entropy on logits, Adam, batches of equal size."""
    (rows, k), n, number = work.x.shape, work.batch, work.x.dtype.type
    x, t = work.x, work.target
    h, i, c = (bias.size for _, bias in work.layers)
    w = copied(np.concatenate([array.ravel() for layer in work.copy_layers() for array in layer]))
    g = empty(w.shape, w.dtype)
    shapes = [(k, h), (h,), (h, i), (i,), (i, c), (c,)]
    w1, b1, w2, b2, w3, b3 = views(w, shapes)
    g1, c1, g2, c2, g3, c3 = views(g, shapes)
    x_batch, t_batch = empty((n, k), w.dtype), empty((n,), t.dtype)
    a1, d1, a2, d2 = (empty((n, units), w.dtype) for units in (h, h, i, i))
    zeros1, zeros2 = copied(np.zeros_like(a1)), copied(np.zeros_like(a2))
    on1, on2 = np.empty(a1.shape, bool), np.empty(a2.shape, bool)
    # Logits have their samples in the last axis: over ten classes, each reduction is ten passes instead of n.
    z, top, total = empty((c, n), w.dtype), empty((n,), w.dtype), empty((n,), w.dtype)
    b3_column = b3[:, np.newaxis]
    x_t, a1_t, a2_t, z_t, w2_t, w3_t = x_batch.T, a1.T, a2.T, z.T, w2.T, w3.T
    ones, samples, one, share = np.ones(n, w.dtype), np.arange(n), number(1), number(1 / n)
    adam, rng = make_adam(w, g, work.rate), np.random.default_rng(0)

    def step(batch: np.ndarray) -> float:
        x.take(batch, 0, x_batch, "clip")
        t.take(batch, 0, t_batch, "clip")
        dot(x_batch, w1, out=a1)
        add(a1, b1, out=a1)
        maximum(a1, zeros1, out=a1)
        dot(a1, w2, out=a2)
        add(a2, b2, out=a2)
        maximum(a2, zeros2, out=a2)
        dot(w3_t, a2_t, out=z)
        add(z, b3_column, out=z)
        maximum.reduce(z, axis=0, out=top)
        subtract(z, top, out=z)
        picked = add.reduce(z[t_batch, samples])
        exp(z, out=z)
        add.reduce(z, axis=0, out=total)
        divide(z, total, out=z)
        log(total, out=total)
        loss = float(add.reduce(total) - picked) / n
        z[t_batch, samples] -= one
        multiply(z, share, out=z)
        dot(a2_t, z_t, out=g3)
        dot(z, ones, out=c3)
        dot(z_t, w3_t, out=d2)
        greater(a2, zeros2, out=on2)
        multiply(d2, on2, out=d2)
        dot(a1_t, d2, out=g2)
        dot(ones, d2, out=c2)
        dot(d2, w2_t, out=d1)
        greater(a1, zeros1, out=on1)
        multiply(d1, on1, out=d1)
        dot(x_t, d1, out=g1)
        dot(ones, d1, out=c1)
        adam()
        return loss

    def epoch() -> float:
        order = rng.permutation(rows) if work.shuffle else np.arange(rows)
        return sum(step(batch) for batch in order.reshape(-1, n)) / (rows // n)

    return lambda epochs: [epoch() for _ in range(epochs)]


def make_adam(params: np.ndarray, grads: np.ndarray, rate: float) -> Callable[[], None]:
    """Return a step of Adam, which uses up the gradient.

    The moments are kept without their factors 1 - beta, so that each new gradient is just added. All scalars of the
    rule then meet in two: one scales the step, the other is added to the root.
    """
    beta1, beta2, epsilon, number = 0.9, 0.999, 1e-8, params.dtype.type
    decay1, decay2 = number(beta1), number(beta2)
    mean, square = (copied(np.zeros_like(params)) for _ in range(2))
    pieces = [
        tuple(array[start : start + PIECE] for array in (params, grads, mean, square))
        for start in range(0, params.size, PIECE)
    ]
    step = 0

    def update() -> None:
        nonlocal step
        step += 1
        root = math.sqrt((1 - beta2**step) / (1 - beta2))
        factor, shift = number(rate * (1 - beta1) / (1 - beta1**step) * root), number(epsilon * root)
        for w, g, m, v in pieces:
            multiply(m, decay1, out=m)
            add(m, g, out=m)
            multiply(g, g, out=g)
            multiply(v, decay2, out=v)
            add(v, g, out=v)
            sqrt(v, out=g)
            add(g, shift, out=g)
            divide(m, g, out=g)
            multiply(g, factor, out=g)
            subtract(w, g, out=w)

    return update
