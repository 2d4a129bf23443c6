"""`LayerSetup`: a layer in a network of its own, with inputs, parameters and gradients to try it with."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from typing import Any

import numpy as np

from specnet.layers.base import Layer
from specnet.network.network import Network
from specnet.randomness import restore_stream, save_stream, stream
from specnet.task import Shape
from specnet.testing.base import Setup, nothing
from specnet.testing.comparison import DType

BATCH_ROWS = 3
"""Samples of a batch, unless a check needs another number."""
Y, DX, GRADS = "outputs", "the gradient of inputs", "the gradients of parameters"
INFERENCE = "outputs without training"
Inputs = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
"""Draws inputs of a shape, the batch axis first."""


class LayerSetup(Setup[Layer]):
    """The layer of `checks`, built for its inputs, with parameters that are all different from each other.

    All numbers are exact in float32, so that both dtypes compute with the same ones. If the layer takes whole numbers,
    so are the inputs, and their gradient is 0. `drawn` is the dtype in which the inputs were drawn.
    """

    def __init__(self, checks: Any, dtype: DType = "float64", rows: int = BATCH_ROWS) -> None:
        shape: Shape = checks.shape
        self.network = Network([checks.component], shape, dtype, seed=1, kernels=checks.kernels)
        (self.component,) = self.network.layers
        self.parameters = {
            f"{name}.{parameter.name}".split(".", 2)[2]: f"{name}.{parameter.name}"
            for name, layer in self.network.named.items()
            for parameter in layer.parameters
        }
        rng = np.random.default_rng(rows)
        for name, layer in self.network.named.items():
            layer.rng = stream(1, ".".join(name.split(".")[2:]))  # the same wherever the layer stands
            for parameter in layer.parameters:
                fan_in, size = parameter.fan_in, parameter.shape
                values = parameter.initializer.sample(rng, size, fan_in, parameter.fan_out)
                values = values + rng.normal(size=size) * 0.5 / np.sqrt(max(fan_in, 1))
                getattr(layer, parameter.name)[...] = values.astype(np.float32)
        x = np.asarray((checks.inputs or checks.component.example_inputs)(rng, (rows, *shape)))
        self.rows, self.drawn, self.has_dx = rows, x.dtype, not self.network.whole  # type: ignore[misc]
        self.x = x.astype(np.float32).astype(dtype) if self.has_dx else self.network.convert(x)
        self.network.stack.set_needs_dx(self.has_dx)
        self.dtype = np.dtype(dtype)
        self._batches = cycle(np.array_split(np.arange(rows), 3))
        self._beginning = self.memory()

    def memory(self) -> dict[str, Any]:
        """Return what a run saves of a layer besides parameters: running state and the states of generators."""
        streams = {name: save_stream(layer.rng) for name, layer in self.network.named.items()}
        return {"state": self.network.state.flat.copy(), "streams": streams}

    def save(self) -> dict[str, Any]:
        return {"parameters": self.network.params.flat.copy(), **self.memory()}

    def restore(self, saved: dict[str, Any]) -> None:
        self.network.params.flat[...] = saved.get("parameters", self.network.params.flat)
        self.network.state.flat[...] = saved["state"]
        for name, state in saved["streams"].items():
            restore_stream(self.network.named[name].rng, state)

    def rewind(self) -> None:
        """Restore the random numbers and the running state of the beginning."""
        self.restore(self._beginning)

    def forward(self, x: np.ndarray | None = None, training: bool = True, mask: np.ndarray | None = None) -> np.ndarray:
        """Return the outputs themselves, computed with the random numbers and the state of the beginning."""
        self.rewind()
        return self.network.propagate(self.x if x is None else x, training, mask)

    def infer(self) -> dict[str, np.ndarray]:
        """Return a copy of the outputs without training."""
        return {INFERENCE: self.forward(training=False).copy()}

    def upstream(self, y: np.ndarray) -> np.ndarray:
        """Return a gradient of outputs, the same for the same shape."""
        rng = np.random.default_rng(y.size)
        return rng.normal(size=y.shape).astype(np.float32).astype(self.dtype)

    def backward(self, y: np.ndarray) -> Any:
        """Return the gradient of inputs itself."""
        dx = self.network.backpropagate(self.upstream(y))
        return dx if self.has_dx else np.zeros((len(y), *self.x.shape[1:]), self.dtype)

    def step(self, rows: np.ndarray | None = None, between: Callable[[], object] = nothing) -> dict[str, np.ndarray]:
        """Go forward and backward from the beginning, with all or some of the inputs."""
        self.rewind()
        return self._train(self.x if rows is None else self.x[rows], between)

    def proceed(self) -> dict[str, np.ndarray]:
        """Go forward without training, and forward and backward with the next third of the inputs."""
        x = self.x[next(self._batches)]
        return {INFERENCE: self.network.propagate(x, training=False).copy(), **self._train(x)}

    def _train(self, x: np.ndarray, between: Callable[[], object] = nothing) -> dict[str, np.ndarray]:
        self.network.grads.flat[...] = 0.0
        y = self.network.propagate(x, training=True)
        between()
        y = y.copy()
        dx = self.backward(y).copy()
        return {Y: y, DX: dx, GRADS: self.network.grads.flat.copy()}

    def other(self) -> None:
        """Compute with the inputs in another order."""
        self.step(np.arange(self.rows)[::-1])
