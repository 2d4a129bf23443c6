"""`Trial`: a layer in a network of its own, with inputs, parameters and gradients to try it with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from specnet.kernels.base import KernelSet, Textbook
from specnet.layers.base import Layer, Shape
from specnet.network.network import Network
from specnet.randomness import restore_stream, save_stream, stream

ROWS = 3
"""Samples of a batch, where nothing else is said."""
SINGLE = 1e-4
"""How far results in float32 may be from those in float64, in units of the largest."""
AGREEMENT = {"float64": 1e-12, "float32": 1e-5}
"""How far results of a kernel may be from those of its definition, in units of the largest."""
DType = Literal["float32", "float64"]
DTYPES: tuple[DType, ...] = ("float64", "float32")
Inputs = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
"""Draws inputs of a shape, the batch axis first."""


@dataclass(frozen=True)
class LayerSubject:
    """A layer that gets inputs of one shape; its own examples, if no others are given. `kernels` compute."""

    component: Layer
    shape: Shape
    inputs: Inputs | None = None
    kernels: type[KernelSet] = Textbook

    @property
    def situation(self) -> str:
        """The shape of the inputs."""
        return f"inputs of shape {self.shape}"


class Step(NamedTuple):
    """What a layer gives in a step, copied: outputs, the gradient of inputs, and those of all parameters."""

    y: np.ndarray
    dx: np.ndarray
    grads: np.ndarray


class Trial:
    """The layer, built for its inputs, with parameters that are all different from each other.

    All numbers are those of float32, so that both dtypes compute with the same. Where the layer takes whole numbers,
    inputs are these, and have no gradient: it is 0 here. `drawn` is the dtype of the inputs before that.
    """

    def __init__(self, subject: LayerSubject, dtype: DType = "float64", rows: int = ROWS) -> None:
        self.network = Network([subject.component], subject.shape, dtype, seed=1, kernels=subject.kernels)
        (self.layer,) = self.network.layers
        self.parameters = {
            f"{name}.{parameter.name}".split(".", 2)[2]: f"{name}.{parameter.name}"
            for name, layer in self.network.named.items()
            for parameter in layer.parameters
        }
        rng = np.random.default_rng(rows)
        for name, layer in self.network.named.items():
            layer.rng = stream(1, ".".join(name.split(".")[2:]))  # the same wherever the layer stands
            for parameter in layer.parameters:
                shape, fan_in = parameter.shape, parameter.fan_in
                values = parameter.initializer.sample(rng, shape, fan_in, parameter.fan_out)
                values = values + rng.normal(size=shape) * 0.5 / np.sqrt(max(fan_in, 1))
                getattr(layer, parameter.name)[...] = values.astype(np.float32)
        inputs = subject.inputs or subject.component.example_inputs
        x = np.asarray(inputs(rng, (rows, *subject.shape)))
        self.drawn, self.has_dx = x.dtype, not self.network.whole
        self.x = x.astype(np.float32).astype(dtype) if self.has_dx else self.network.convert(x)
        self.network.stack.set_needs_dx(self.has_dx)
        self.dtype = np.dtype(dtype)
        self._state = self.network.state.flat.copy()
        self._streams = {name: save_stream(layer.rng) for name, layer in self.network.named.items()}

    def rewind(self) -> None:
        """Go back to the random numbers and the running state of the beginning."""
        self.network.state.flat[...] = self._state
        for name, layer in self.network.named.items():
            restore_stream(layer.rng, self._streams[name])

    def forward(self, x: np.ndarray | None = None, training: bool = True, mask: np.ndarray | None = None) -> np.ndarray:
        """Return the outputs themselves, computed with the random numbers and the state of the beginning."""
        self.rewind()
        return self.network.propagate(self.x if x is None else x, training, mask)

    def upstream(self, y: np.ndarray) -> np.ndarray:
        """Return a gradient of outputs, the same for the same shape."""
        rng = np.random.default_rng(y.size)
        return rng.normal(size=y.shape).astype(np.float32).astype(self.dtype)

    def backward(self, y: np.ndarray) -> Any:
        """Return the gradient of inputs itself."""
        dx = self.network.backpropagate(self.upstream(y))
        return dx if self.has_dx else np.zeros((len(y), *self.x.shape[1:]), self.dtype)

    def step(self, x: np.ndarray | None = None) -> Step:
        """Go forward and backward from the beginning."""
        self.rewind()
        return self.go_on(self.x if x is None else x)

    def go_on(self, x: np.ndarray) -> Step:
        """Go forward and backward with the random numbers and the running state that are left from before."""
        self.network.grads.flat[...] = 0.0
        kept = self.network.propagate(x, training=True).copy()
        dx = self.backward(kept)
        return Step(kept, dx.copy(), self.network.grads.flat.copy())

    def restore(self, other: Trial) -> None:
        """Take from another trial what a run saves: parameters, running state and the states of generators."""
        self.network.params.flat[...] = other.network.params.flat
        self.network.state.flat[...] = other.network.state.flat
        for name, state in other.streams().items():
            restore_stream(self.network.named[name].rng, state)

    def streams(self) -> dict[str, dict[str, Any]]:
        """Return the states of all generators."""
        return {name: save_stream(layer.rng) for name, layer in self.network.named.items()}


def unequal(first: np.ndarray, second: np.ndarray, tolerance: float = 1e-9, least: float = 0.0) -> str | None:
    """Return in words where two arrays differ by more than a share of the largest number; None if nowhere.

    `least` is taken for the largest number if all are smaller.
    """
    if first.shape != second.shape:
        return f"shape {first.shape} against {second.shape}"
    sizes = np.abs(np.concatenate([first.reshape(-1), second.reshape(-1)]).astype(np.float64))
    finite = sizes[np.isfinite(sizes)]
    unit = max(least, float(finite.max()) if finite.size else 0.0)
    close = np.isclose(first, second, rtol=0.0, atol=tolerance * unit, equal_nan=True)
    if close.all():
        return None
    place = tuple(map(int, np.argwhere(~close)[0]))
    return f"{first[place]:.6g} against {second[place]:.6g} in {list(place)}"


def differing(one: Step, other: Step, tolerance: float = 1e-9, dy: float = 0.0) -> dict[str, str]:
    """Return in words where two steps differ, by what differs; `dy` is how large the gradient of outputs is."""
    found = {
        name: unequal(getattr(one, name), getattr(other, name), tolerance, dy if name == "dx" else 0.0)
        for name in Step._fields
    }
    return {LONG[name]: text for name, text in found.items() if text}


LONG = {"y": "outputs", "dx": "the gradient of inputs", "grads": "the gradients of parameters"}
"""What the parts of a step are called in messages."""
