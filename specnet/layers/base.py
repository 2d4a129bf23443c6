"""The contract of layers."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from specnet.component import Component, construct
from specnet.errors import ShapeError
from specnet.initializers.base import Initializer

Shape = tuple[int, ...]
RUN_TIME = ("parameters", "states", "grad", "rng")
"""Attributes that every layer has once it is part of a network."""


@dataclass(frozen=True)
class Parameter:
    """A parameter that a layer has declared."""

    name: str
    shape: Shape
    initializer: Initializer
    fan_in: int
    fan_out: int


@dataclass(frozen=True)
class State:
    """Running state that a layer has declared: saved with the run, never optimized."""

    name: str
    shape: Shape
    value: float


class Layer(Component):
    """One step of the network: `y = forward(x)`, and the chain rule for it in `backward`.

    A layer without parameters that keeps its shape writes `forward` and `backward` alone. The contract:

    1. `build` sees shapes without the batch axis, declares parameters and running state and returns the output
       shape. It allocates nothing. Declared names become attributes: `self.weight`, and `self.grad.weight` for
       its gradient, both views into the network's flat vectors.
    2. `backward` overwrites gradients, it never adds.
    3. `forward` leaves `x` alone; `backward` may overwrite `dy`. What a layer returns is valid until its next
       `forward`.
    4. Random numbers come from `self.rng`, which is seeded by the spec and saved with the run.
    5. float32 stays float32 and float64 stays float64.
    """

    group: ClassVar[str] = "layers"

    def model_post_init(self, context: Any) -> None:
        """Give the layer its run-time attributes; the network fills them."""
        self.parameters: list[Parameter] = []
        self.states: list[State] = []
        self.grad = SimpleNamespace()

    def build(self, input_shape: Shape) -> Shape:
        """Declare what the layer needs for inputs of `input_shape` and return the output shape.

        Raises:
            ShapeError: if the layer cannot take such inputs.
        """
        return input_shape

    @abstractmethod
    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        """Return y for a batch x (n, *input_shape); keep what `backward` will need."""

    @abstractmethod
    def backward(self, dy: np.ndarray) -> np.ndarray:
        """Write parameter gradients and return dx = dL/dx, given dy = dL/dy for the last `forward`."""

    def backward_parameters(self, dy: np.ndarray) -> None:
        """Write parameter gradients alone: the lowest layer's dx is of no use in training.

        A layer overrides this where leaving dx out saves work.
        """
        self.backward(dy)

    def declare(
        self,
        name: str,
        shape: Shape,
        initializer: Initializer | str,
        *,
        fan_in: int | None = None,
        fan_out: int | None = None,
    ) -> None:
        """Ask for a parameter. Where fans are not given, the last two axes are (in, out), any before a kernel."""
        self._check_name(name, shape)
        if isinstance(initializer, str):
            built = construct("initializers", initializer)
            assert isinstance(built, Initializer)
            initializer = built
        kernel, last = math.prod(shape[:-2]), shape[-2:] or (1,)
        self.parameters.append(
            Parameter(
                name,
                shape,
                initializer,
                fan_in or kernel * last[0],
                fan_out or kernel * last[-1],
            )
        )

    def declare_state(self, name: str, shape: Shape, value: float = 0.0) -> None:
        """Ask for running state that starts with `value` everywhere and that `forward` updates in place."""
        self._check_name(name, shape)
        self.states.append(State(name, shape, value))

    def _check_name(self, name: str, shape: Shape) -> None:
        declared = {item.name for item in self.parameters} | {item.name for item in self.states}
        if hasattr(type(self), name) or name in {*type(self).model_fields, *declared, *RUN_TIME}:
            raise ValueError(f"{type(self).__name__} already has an attribute {name!r}: declare another name")
        if any(size < 1 for size in shape):
            raise ShapeError(f"{name} would have shape {shape}")
