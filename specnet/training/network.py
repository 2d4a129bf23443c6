"""`Network`: a stack of layers over two flat vectors."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from specnet.component import build
from specnet.errors import SpecnetError
from specnet.layers.base import Layer, Shape
from specnet.training.parameters import FlatVector
from specnet.training.randomness import stream


class Network:
    """A stack of layers, built for one input shape.

    `params` and `grads` map names such as `layers.0.weight` to views into their flat vectors; `state` holds what
    layers keep that is not optimized. The layers given are copied: a network never shares its state.

    Raises:
        ShapeError: naming the layer that cannot take what the one before it gives.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        input_shape: Shape,
        dtype: Literal["float32", "float64"] = "float32",
        seed: int = 0,
    ) -> None:
        self.layers = [copy.deepcopy(layer) for layer in layers]
        self.input_shape = tuple(input_shape)
        self.dtype = np.dtype(dtype)
        self.shapes = self._build()
        self.output_shape = self.shapes[-1] if self.shapes else self.input_shape
        self._allocate(seed)

    def _build(self) -> list[Shape]:
        shapes, shape = [], self.input_shape
        for number, layer in enumerate(self.layers):
            layer.model_post_init(None)  # a layer of another network comes with what it declared there
            try:
                shape = layer.build(shape)
            except SpecnetError as error:
                raise error.at("layers", number) from None
            shapes.append(shape)
        return shapes

    def _allocate(self, seed: int) -> None:
        parameters = {
            f"layers.{number}.{parameter.name}": parameter
            for number, layer in enumerate(self.layers)
            for parameter in layer.parameters
        }
        states = {
            f"layers.{number}.{state.name}": state for number, layer in enumerate(self.layers) for state in layer.states
        }
        shapes = {name: parameter.shape for name, parameter in parameters.items()}
        self.params, self.grads = FlatVector(shapes, self.dtype), FlatVector(shapes, self.dtype)
        self.state = FlatVector({name: state.shape for name, state in states.items()}, self.dtype)
        for name, parameter in parameters.items():
            rng = stream(seed, f"init.{name}")
            self.params[name][...] = parameter.initializer.sample(
                rng, parameter.shape, parameter.fan_in, parameter.fan_out
            )
        for name, state in states.items():
            self.state[name][...] = state.value
        for number, layer in enumerate(self.layers):
            layer.rng = stream(seed, f"layers.{number}")
            for parameter in layer.parameters:
                name = f"layers.{number}.{parameter.name}"
                setattr(layer, parameter.name, self.params[name])
                setattr(layer.grad, parameter.name, self.grads[name])
            for state in layer.states:
                setattr(layer, state.name, self.state[f"layers.{number}.{state.name}"])
        trained = [number for number, layer in enumerate(self.layers) if layer.parameters]
        self._lowest = trained[0] if trained else len(self.layers)

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        """Return the outputs (n, *output_shape) for inputs (n, *input_shape).

        `training` switches on what only training does, such as dropout.
        """
        for layer in self.layers:
            x = layer.forward(x, training)
        return x

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """Write all gradients for the last `forward` and return dx, given dy = dL/dy."""
        dy = dy.copy()
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
        return dy

    def backward_parameters(self, dy: np.ndarray) -> None:
        """Write all gradients for the last `forward`, without dx; dy may be overwritten.

        Nothing is computed below the lowest layer that has parameters.
        """
        for layer in reversed(self.layers[self._lowest + 1 :]):
            dy = layer.backward(dy)
        if self._lowest < len(self.layers):
            self.layers[self._lowest].backward_parameters(dy)


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
