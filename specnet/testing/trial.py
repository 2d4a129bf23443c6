"""`Trial`: a layer in its own network, with inputs, parameters and gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from specnet.layers.base import Layer, Shape
from specnet.network.network import Network
from specnet.randomness import restore_stream, save_stream, stream
from specnet.testing import comparison
from specnet.testing.checks import Checks
from specnet.testing.comparison import DType

ROWS = 3
"""Default number of samples in a batch."""
Y, DX, GRADS = "outputs", "the gradient of inputs", "the gradients of parameters"
INFERENCE = "outputs without training"
Step = dict[str, np.ndarray]
"""What a layer returns in a step, copied: outputs, the gradient of inputs, and those of all parameters."""
Inputs = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
"""Draws inputs of a shape, the batch axis first."""


@dataclass(frozen=True)
class LayerSituation(Checks[Layer]):
    """A layer that gets inputs of one shape; its own examples, if no others are given."""

    shape: Shape
    inputs: Inputs | None = None


differing = partial(comparison.differing, least={DX: 2.0})
"""If dx vanishes, it is a difference of numbers as large as dy."""


class Trial:
    """The layer, built for its inputs, with parameters that are all different from each other.

    All numbers are exact in float32, so that both dtypes compute with the same. If the layer takes whole numbers,
    inputs are whole, and their gradient is 0 here. `drawn` is the dtype of the inputs before conversion.
    """

    def __init__(self, of: LayerSituation, dtype: DType = "float64", rows: int = ROWS) -> None:
        self.network = Network([of.component], of.shape, dtype, seed=1, kernels=of.kernels)
        (self.layer,) = self.network.layers
        self.parameters = {
            f"{name}.{parameter.name}".split(".", 2)[2]: f"{name}.{parameter.name}"
            for name, layer in self.network.named.items()
            for parameter in layer.parameters
        }
        rng = np.random.default_rng(rows)
        for name, layer in self.network.named.items():
            layer.rng = stream(1, ".".join(name.split(".")[2:]))  # the same at any place
            for parameter in layer.parameters:
                shape, fan_in = parameter.shape, parameter.fan_in
                values = parameter.initializer.sample(rng, shape, fan_in, parameter.fan_out)
                values = values + rng.normal(size=shape) * 0.5 / np.sqrt(max(fan_in, 1))
                getattr(layer, parameter.name)[...] = values.astype(np.float32)
        x = np.asarray((of.inputs or of.component.example_inputs)(rng, (rows, *of.shape)))
        self.drawn, self.has_dx = x.dtype, not self.network.whole
        self.x = x.astype(np.float32).astype(dtype) if self.has_dx else self.network.convert(x)
        self.network.stack.set_needs_dx(self.has_dx)
        self.dtype = np.dtype(dtype)
        self._beginning = self.saved()

    def saved(self) -> dict[str, Any]:
        """Return what a run saves for a layer besides parameters: running state and the states of generators."""
        streams = {name: save_stream(layer.rng) for name, layer in self.network.named.items()}
        return {"state": self.network.state.flat.copy(), "streams": streams}

    def restore(self, saved: dict[str, Any]) -> None:
        """Continue from what was saved."""
        self.network.state.flat[...] = saved["state"]
        for name, state in saved["streams"].items():
            restore_stream(self.network.named[name].rng, state)

    def rewind(self) -> None:
        """Restore the initial random numbers and running state."""
        self.restore(self._beginning)

    def forward(self, x: np.ndarray | None = None, training: bool = True, mask: np.ndarray | None = None) -> np.ndarray:
        """Return the outputs without a copy, computed with the initial random numbers and state."""
        self.rewind()
        return self.network.propagate(self.x if x is None else x, training, mask)

    def infer(self) -> Step:
        """Return a copy of the outputs without training."""
        return {INFERENCE: self.forward(training=False).copy()}

    def upstream(self, y: np.ndarray) -> np.ndarray:
        """Return a gradient of outputs, the same for the same shape."""
        rng = np.random.default_rng(y.size)
        return rng.normal(size=y.shape).astype(np.float32).astype(self.dtype)

    def backward(self, y: np.ndarray) -> Any:
        """Return the gradient of inputs without a copy."""
        dx = self.network.backpropagate(self.upstream(y))
        return dx if self.has_dx else np.zeros((len(y), *self.x.shape[1:]), self.dtype)

    def step(self, x: np.ndarray | None = None) -> Step:
        """Go forward and backward from the initial state."""
        self.rewind()
        return self.go_on(self.x if x is None else x)

    def go_on(self, x: np.ndarray) -> Step:
        """Go forward and backward from the current random numbers and running state."""
        self.network.grads.flat[...] = 0.0
        y = self.network.propagate(x, training=True).copy()
        dx = self.backward(y).copy()
        return {Y: y, DX: dx, GRADS: self.network.grads.flat.copy()}
