"""`Network`: a stack of layers over two flat vectors."""

from __future__ import annotations

import copy
import html
import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np

from specnet.component import build
from specnet.errors import ShapeError, SpecnetError, UsageError
from specnet.layers.base import Layer, Shape, connect, walk
from specnet.training.parameters import FlatVector
from specnet.training.randomness import restore_stream, save_stream, stream
from specnet.workspace import Workspace


class Network:
    """A stack of layers, built for one input shape.

    Layers keep arrays that they write to: one network serves one thread of Python at a time.

    `params` and `grads` map names such as `layers.0.weight` to views into their flat vectors; `state` holds what
    layers keep that is not optimized. The layers given are copied: a network never shares its state.

    Raises:
        ShapeError: naming the layer that cannot take what the one before it gives.
    """

    vector: ClassVar[type[FlatVector]] = FlatVector
    """What parameters lie in, and their gradients."""

    def __init__(
        self,
        layers: Sequence[Layer],
        input_shape: Shape,
        dtype: Literal["float32", "float64"] = "float32",
        seed: int = 0,
    ) -> None:
        if np.dtype(dtype).name not in ("float32", "float64"):
            raise UsageError(f"a network's dtype is float32 or float64, not {dtype}")
        self.layers = [copy.deepcopy(layer) for layer in layers]
        self.input_shape = tuple(input_shape)
        self.dtype = np.dtype(dtype)
        self.output_shape = connect(self.layers, self.input_shape, "layers")
        self.shapes = [layer.output_shape for layer in self.layers]
        self.named = name_layers(self.layers)
        self._allocate()
        self._initialize(seed)
        trained = [int(place.split(".")[1]) for place, layer in self.named.items() if layer.parameters]
        self.lowest = min(trained, default=len(self.layers))

    def __deepcopy__(self, memo: dict[int, Any]) -> Network:
        """Return a network in the same state that shares no memory with this one."""
        twin = Network(self.layers, self.input_shape, self.dtype.name, 0)  # type: ignore[arg-type]
        twin.params.flat[...], twin.grads.flat[...] = self.params.flat, self.grads.flat
        twin.state.flat[...] = self.state.flat
        for place, layer in self.named.items():
            restore_stream(twin.named[place].rng, save_stream(layer.rng))
        return twin

    def _allocate(self) -> None:
        """Make the flat vectors and hand each layer its views."""
        parameters, states = declared_shapes(self.named)
        self.params, self.grads = self.vector(parameters, self.dtype), self.vector(parameters, self.dtype)
        self.state = FlatVector(states, self.dtype)
        scratch, parts = Workspace(), {slot.name: slot.part for slot in self.params.slots}
        for place, layer in self.named.items():
            layer.scratch = scratch
            own = [parts[f"{place}.{parameter.name}"] for parameter in layer.parameters] or [slice(0, 0)]
            part = slice(own[0].start, own[-1].stop)
            layer.flat, layer.grad.flat = self.params.flat[part], self.grads.flat[part]
            for parameter in layer.parameters:
                setattr(layer, parameter.name, self.params[f"{place}.{parameter.name}"])
                setattr(layer.grad, parameter.name, self.grads[f"{place}.{parameter.name}"])
            for state in layer.states:
                setattr(layer, state.name, self.state[f"{place}.{state.name}"])

    def _initialize(self, seed: int) -> None:
        """Draw initial values; each parameter and each layer has a random stream of its own."""
        for place, layer in self.named.items():
            layer.rng = stream(seed, place)
            for parameter in layer.parameters:
                name = f"{place}.{parameter.name}"
                values = parameter.initializer.sample(
                    stream(seed, f"init.{name}"), parameter.shape, parameter.fan_in, parameter.fan_out
                )
                with np.errstate(over="ignore"):
                    self.params[name][...] = values
                if not np.isfinite(self.params[name]).all():
                    raise SpecnetError(
                        f"an initial {parameter.name} is not finite as {self.dtype}", pointer=layer.place
                    )
            for state in layer.states:
                self.state[f"{place}.{state.name}"][...] = state.value

    def _repr_html_(self) -> str:
        """Return a table of the layers, as notebooks show it."""
        rows = [("", "type", "output", "parameters")]
        for name, layer in self.named.items():
            size = sum(math.prod(parameter.shape) for parameter in layer.parameters)
            rows.append((name, type(layer).__name__, str(layer.output_shape), f"{size:,}"))
        rows.append(("total", "", str(self.output_shape), f"{self.params.flat.size:,}"))
        cells = ["".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in rows]
        return f"<table>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>"

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        """Return the outputs (n, *output_shape) for inputs (n, *input_shape), both in the network's dtype.

        `training` switches on what only training does, such as dropout.

        Raises:
            ShapeError: if the inputs have another shape.
        """
        x = np.asarray(x, self.dtype)
        self.check_inputs(x)
        return self.propagate(x, training).copy()

    def check_inputs(self, x: np.ndarray) -> None:
        """Raise a ShapeError if inputs have not the shape that the network takes."""
        if x.ndim == 0 or x.shape[1:] != self.input_shape:
            raise ShapeError(f"inputs have shape {x.shape[1:]}, the network takes {self.input_shape}")

    def propagate(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        """Do the same for inputs that are known to fit; the outputs are valid until the next forward pass."""
        for layer in self.layers:
            x = layer.forward(x, training)
        return x

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """Write all gradients for the last `forward` and return dx, given dy = dL/dy of its outputs' shape.

        Raises:
            ShapeError: if dy has another shape.
        """
        dy = np.array(dy, self.dtype)
        if dy.shape[1:] != self.output_shape:
            raise ShapeError(f"gradients have shape {dy.shape[1:]}, the network gives {self.output_shape}")
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
        return dy.copy()

    def backward_parameters(self, dy: np.ndarray) -> None:
        """Write all gradients for the last `forward`, without dx; dy may be overwritten.

        Nothing is computed below the lowest layer that has parameters.
        """
        for layer in reversed(self.layers[self.lowest + 1 :]):
            dy = layer.backward(dy)
        if self.lowest < len(self.layers):
            self.layers[self.lowest].backward_parameters(dy)


def name_layers(layers: Sequence[Layer]) -> dict[str, Layer]:
    """Return connected layers and all that are inside them by name, such as "layers.2.layers.0"."""
    return {name: inner for number, layer in enumerate(layers) for name, inner in walk(layer, f"layers.{number}")}


def declared_shapes(named: Mapping[str, Layer]) -> tuple[dict[str, Shape], dict[str, Shape]]:
    """Return the shapes of all parameters, and of all running state, that named layers have declared."""
    parameters = {
        f"{place}.{parameter.name}": parameter.shape for place, layer in named.items() for parameter in layer.parameters
    }
    states = {f"{place}.{state.name}": state.shape for place, layer in named.items() for state in layer.states}
    return parameters, states


def build_network(
    layers: Sequence[Any],
    input_shape: Sequence[int],
    dtype: Literal["float32", "float64"] = "float32",
    seed: int = 0,
) -> Network:
    """Return a network of layers given as in a spec: names, objects with `"type"`, or instances.

    For example `build_network([{"type": "linear", "units": 3}, "tanh"], input_shape=(4,), dtype="float64")`.

    Raises:
        SpecnetError: if a layer is wrong or does not fit.
    """
    built = []
    for number, layer in enumerate(layers):
        try:
            component = build("layers", layer)
        except SpecnetError as error:
            raise error.at("layers", number) from None
        assert isinstance(component, Layer)
        built.append(component)
    return Network(built, tuple(input_shape), dtype, seed)
