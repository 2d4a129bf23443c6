"""`Stack`: layers that are built, run and named as one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from specnet.component import fresh_copy
from specnet.errors import Diagnostic, ShapeError, SpecError
from specnet.faults import guarded
from specnet.layers.base import Layer, walk
from specnet.task import Shape
from specnet.words import Pointer, show_pointer


@dataclass
class Room:
    """Limit on built layers; `copies` counts those built for each layer of the network."""

    most: int
    count: int = 0
    copies: Counter[Pointer] = field(default_factory=Counter)

    def take(self, place: Pointer) -> None:
        """Count one more layer at a place in the spec.

        Raises:
            SpecError: at the layer with the most copies, if there are too many.
        """
        self.count += 1
        self.copies[place[:2]] += 1
        if self.count > self.most:
            message = f"the network has more than {self.most:,} layers, copies included"
            ((largest, _),) = self.copies.most_common(1)
            error = SpecError([Diagnostic("too-many-layers", message, largest)])
            error.complete = True
            raise error


_room: ContextVar[Room | None] = ContextVar("room", default=None)


@contextmanager
def at_most(count: int) -> Iterator[None]:
    """Let stacks build at most `count` layers, copies included; each counts before it is built."""
    token = _room.set(Room(count))
    try:
        yield
    finally:
        _room.reset(token)


class Stack:
    """Layers one after the other, each connected to the one before it.

    It copies the layers it gets, so parameters and state are never shared, even if one instance is passed
    twice. `place` is the place of their list in the spec; their names are `name.0`, `name.1` and so on, or
    `times.0.name.0` where all of them are copied `times` over. `mask` is set before each `forward`.
    """

    def __init__(
        self, layers: Sequence[Layer], place: Pointer, name: str, times: int | None = None, needs_dx: bool = False
    ) -> None:
        self.place, self.times, self.always = place, times, needs_dx
        self.layers = [fresh_copy(layer) for _ in range(times or 1) for layer in layers]
        copies = [name] if times is None else [f"times.{number}.{name}" for number in range(times)]
        self.names = [f"{copy}.{number}" for copy in copies for number in range(len(layers))]
        self.mask: np.ndarray | None = None
        self._mask_out: np.ndarray | None = None
        self.needs_dx, self.lowest, self.singly = True, 0, False

    def named(self) -> Iterator[tuple[str, Layer]]:
        """Yield each layer with its name, without those inside it."""
        return zip(self.names, self.layers, strict=True)

    def build(self, shape: Shape) -> Shape:
        """Build all layers for inputs of `shape` and return the output shape of the last.

        Raises:
            ShapeError: naming the layer that cannot take the outputs of the one before it.
            BrokenComponentError: naming the layer whose `build` raises something else.
            SpecError: if there are more layers than `at_most` allows.
        """
        room, count = _room.get(), len(self.layers) // (self.times or 1)
        for position, layer in enumerate(self.layers):
            repeated, number = divmod(position, count)
            layer.place, layer.within, layer.input_shape = (*self.place, number), self, shape
            if room:
                room.take(layer.place)
            try:
                with guarded(layer, layer.place, "build"):
                    shape = layer.output_shape = _build(layer, shape)
            except ShapeError as error:
                # The place in the spec is the same for all copies.
                error.message += f", in copy {repeated + 1} of {self.times}" if repeated else ""
                raise
        return shape

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        """Return the outputs of the last layer."""
        mask = self.mask
        for layer in self.layers:
            if mask is not layer.mask:
                layer.take_mask(mask)
            x = layer.forward(x, training)
            mask = layer.mask_out()
        self._mask_out = mask
        return x

    def mask_out(self) -> np.ndarray | None:
        """Return the mask of the outputs of the last `forward`."""
        return self._mask_out

    def backward(self, dy: Any) -> Any:
        """Write all gradients for the last `forward` and return dx, or None if it is not needed."""
        for layer in reversed(self.layers[self.lowest :]):
            dy = layer.backward(dy)
        return dy if self.needs_dx else None

    def set_needs_dx(self, needed: bool) -> None:
        """Set whether dx is needed, for this stack and so for each layer in it.

        A layer's dx is needed if the stack's is, or if a layer before it is trained. Otherwise its `backward` is not
        called.
        """
        needed = self.needs_dx = needed or self.always
        self.lowest = 0 if needed else len(self.layers)
        for number, layer in enumerate(self.layers):
            layer.needs_dx = needed
            for stack in layer.stacks:
                stack.set_needs_dx(needed)
            if not needed and any(inner.parameters or inner.shared for _, inner in walk(layer, "")):
                needed, self.lowest = True, number

    def set_singly(self, singly: bool) -> None:
        """Set whether layers run one by one, each leaving the outputs of the others unchanged.

        Here they always do. The `Stack` of a set of kernels may otherwise run neighbours together.
        """
        self.singly = singly
        for layer in self.layers:
            for stack in layer.stacks:
                stack.set_singly(singly)


def _build(layer: Layer, shape: Shape) -> Shape:
    """Check the axes of a layer's input, build it and return its output shape."""
    try:
        _check_axes(layer, shape)
        built: Any = layer.build(shape)
    except ShapeError as error:
        if error.complete:  # the message of a layer inside
            raise
        *stack, number = layer.place
        source = f"{show_pointer((*stack, int(number) - 1))} returns" if number else "its input has"
        message = f"{show_pointer(layer.place)} {error.message}, {source} {show_shape(shape)}"
        raise ShapeError(message, pointer=error.pointer, help=error.help) from None
    if not (isinstance(built, tuple) and all(isinstance(size, (int, np.integer)) and size > 0 for size in built)):
        raise TypeError(f"it returns {built!r}, which is not the shape of a sample")
    return tuple(int(size) for size in built)


def _check_axes(layer: Layer, shape: Shape) -> None:
    axes = type(layer).axes
    least = len([axis for axis in axes if axis is not ...])
    if len(shape) < least or (len(shape) > least and ... not in axes):
        names = ", ".join("..." if axis is ... else str(axis) for axis in axes)
        raise ShapeError(f"expects inputs with the axes ({names})")


def show_shape(shape: Shape) -> str:
    """Return the shape of a sample for messages."""
    return str(shape[0]) if len(shape) == 1 else f"shape {shape}"
