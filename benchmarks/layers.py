"""Forward and backward of single layers, side by side with PyTorch in eager mode, or with the definitions without it.

PyTorch has its images channels-first, and parameters in its own order in memory. A layer that comes first does not
compute dx. Before anything is timed, outputs and gradients of both are compared in float64.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np

import specnet
from benchmarks.measure import Comparison, take_turns
from benchmarks.peers import installed

TURN = 0.02
"""Seconds of a turn, at least: shorter layers run several times."""


@dataclass(frozen=True)
class LayerWork:
    """A layer, the shape of its samples, their number in a batch, and whether it comes first in its network."""

    name: str
    layer: dict[str, Any]
    shape: tuple[int, ...]
    samples: int = 128
    first: bool = False

    def batch(self) -> np.ndarray:
        """Return inputs: whole numbers for an embedding, else in float32."""
        rng = np.random.default_rng(0)
        if self.layer["type"] == "embedding":
            return rng.integers(self.layer["input_dim"], size=(self.samples, *self.shape))
        return rng.standard_normal((self.samples, *self.shape), np.float32)


WORK = (
    LayerWork(
        "conv2d 28x28x1 to 32, first",
        {"type": "conv2d", "filters": 32, "kernel_size": 3}, (28, 28, 1), first=True,
    ),
    LayerWork("conv2d 14x14x32 to 64", {"type": "conv2d", "filters": 64, "kernel_size": 3}, (14, 14, 32)),
    LayerWork(
        "conv2d_transpose 7x7x64 to 32",
        {"type": "conv2d_transpose", "filters": 32, "kernel_size": 3, "strides": 2}, (7, 7, 64),
    ),
    LayerWork("max_pool2d 26x26x32", {"type": "max_pool2d"}, (26, 26, 32)),
    LayerWork("average_pool2d 26x26x32", {"type": "average_pool2d"}, (26, 26, 32)),
    LayerWork("batch_norm 14x14x32", {"type": "batch_norm"}, (14, 14, 32)),
    LayerWork("batch_norm 256", {"type": "batch_norm"}, (256,)),
    LayerWork("layer_norm 64x128", {"type": "layer_norm"}, (64, 128)),
    LayerWork("layer_norm 64", {"type": "layer_norm"}, (64,)),
    LayerWork("lstm 50x32 to 64", {"type": "lstm", "units": 64, "return_sequences": True}, (50, 32)),
    LayerWork("gru 50x32 to 64", {"type": "gru", "units": 64, "return_sequences": True}, (50, 32)),
    LayerWork("attention 64x64, 4 heads", {"type": "multi_head_attention", "num_heads": 4}, (64, 64), 32),
    LayerWork(
        "attention 64x64, 4 heads, causal",
        {"type": "multi_head_attention", "num_heads": 4, "causal": True}, (64, 64), 32,
    ),
    LayerWork(
        "embedding of 1000 in 64, first",
        {"type": "embedding", "input_dim": 1000, "output_dim": 64}, (64,), 64, first=True,
    ),
)  # fmt: skip


def measure(rounds: int, short: bool) -> list[Comparison]:
    """Return the seconds of forward and backward for a batch."""
    found = []
    for work in WORK:
        passes = {"specnet": ours(work)}
        if installed("PyTorch"):
            from benchmarks.peers.torch_layers import check_layer, theirs

            check_layer(work.layer, work.shape)
            passes["PyTorch layer"] = repeated(theirs(work))
        else:
            passes["textbook"] = ours(work, "textbook")
        turns: dict[str, Callable[[], float]] = {name: partial(each, 1) for name, each in passes.items()}
        if not short:
            times = take_turns(turns, 3)
            turns = {name: partial(each, max(1, round(TURN / min(times[name])))) for name, each in passes.items()}
        found.append(Comparison("layers", work.name, take_turns(turns, rounds), per="batch"))
    return found


def repeated(call: Callable[[], object]) -> Callable[[int], float]:
    """Return a function that repeats a call `count` times, and returns the mean seconds of one call."""

    def clock(count: int) -> float:
        start = perf_counter()
        for _ in range(count):
            call()
        return (perf_counter() - start) / count

    return clock


def ours(work: LayerWork, kernels: str = "numpy") -> Callable[[int], float]:
    """Return a function that times forward and backward passes of our layer, and returns the mean seconds of one.

    Gradients of outputs, over which a layer may write, are made before the clock starts.
    """
    network = specnet.build_network([work.layer], work.shape, "float32", kernels=kernels)
    network.stack.set_needs_dx(not work.first)
    x = work.batch()
    upstream = np.random.default_rng(1).standard_normal((work.samples, *network.output_shape), np.float32)

    def clock(count: int) -> float:
        gradients = [upstream.copy() for _ in range(count)]
        start = perf_counter()
        for dy in gradients:
            network.propagate(x, training=True)
            network.backpropagate(dy)
        return (perf_counter() - start) / count

    clock(1)
    return clock
