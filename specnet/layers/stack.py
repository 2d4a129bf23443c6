"""`Stack`: layers that are built, run and named as one."""

from __future__ import annotations

import math
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
from specnet.layers.base import INPUT, Layer, Output, walk
from specnet.layers.merging import Merge, check_name, check_sources, show_shape
from specnet.layers.sharing import sharing_with
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
    `times.0.name.0` where all of them are copied `times` over. One layer that is not in a list has this place and name
    itself. `mask` is set before each `forward`.
    """

    def __init__(
        self,
        layers: Sequence[Layer] | Layer,
        place: Pointer,
        name: str,
        times: int | None = None,
        needs_dx: bool = False,
    ) -> None:
        self.place, self.times, self.always = place, times, needs_dx
        alone = isinstance(layers, Layer)
        listed = [layers] if isinstance(layers, Layer) else layers
        self.layers = [fresh_copy(layer) for _ in range(times or 1) for layer in listed]
        self.places = [place if alone else (*place, number) for number in range(len(listed))]
        copies = [name] if times is None else [f"times.{number}.{name}" for number in range(times)]
        self.names = [copy if alone else f"{copy}.{number}" for copy in copies for number in range(len(listed))]
        self.mask: np.ndarray | None = None
        self._mask_out: np.ndarray | None = None
        self.needs_dx, self.lowest, self.singly = True, 0, False
        self.linked = any(isinstance(layer, Merge) for layer in listed)

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
        room, count, shapes = _room.get(), len(self.places), dict[str, Shape]()
        for position, layer in enumerate(self.layers):
            repeated, number = divmod(position, count)
            layer.place, layer.within, layer.input_shape = self.places[number], self, shape
            if number == 0:
                shapes = {INPUT: shape}
            if isinstance(layer, Merge):
                check_sources(layer, self.layers[position - min(number, 1) : position - number + count], shapes)
                layer.shapes = [shapes[name] for name in layer.from_]
            if room:
                room.take(layer.place)
            try:
                with guarded(layer, layer.place, "build"), sharing_with(self.layers[position - number : position + 1]):
                    shape = layer.output_shape = _build(layer, shape)
            except ShapeError as error:
                # The place in the spec is the same for all copies.
                error.message += f", in copy {repeated + 1} of {self.times}" if repeated else ""
                raise
            if layer.name:
                check_name(layer, shapes)
                shapes[layer.name] = shape
        return shape

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        """Return the outputs of the last layer."""
        if self.linked:
            return self._forward_by_name(x, training)
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
        if self.linked:
            return self._backward_by_name(dy)
        for layer in reversed(self.layers[self.lowest :]):
            dy = layer.backward(dy)
        return dy if self.needs_dx else None

    def _forward_by_name(self, x: np.ndarray, training: bool) -> np.ndarray:
        mask, outputs = self.mask, dict[str, np.ndarray]()
        masks: dict[str, np.ndarray | None] = {}
        for position, layer in enumerate(self.layers):
            if position % len(self.places) == 0:
                outputs, masks = {INPUT: x}, {INPUT: mask}
            if isinstance(layer, Merge):
                layer.inputs = [outputs[name] for name in layer.from_]
                mask = masks[layer.from_[0]]
            if mask is not layer.mask:
                layer.take_mask(mask)
            x, mask = layer.forward(x, training), layer.mask_out()
            if layer.name:
                outputs[layer.name], masks[layer.name] = x, mask
        self._mask_out = mask
        return x

    def _backward_by_name(self, dy: Any) -> Any:
        gradients: dict[str, np.ndarray] = {}
        for position in reversed(range(self.lowest, len(self.layers))):
            layer = self.layers[position]
            dy = _sum(dy, gradients.pop(layer.name, None) if layer.name else None)
            dy = layer.backward(dy)
            if isinstance(layer, Merge):
                for name, part in zip(layer.from_, layer.parts, strict=True):
                    gradients[name] = _sum(gradients.get(name), part.copy())
            if position % len(self.places) == 0:
                dy = _sum(dy, gradients.pop(INPUT, None))
        return dy if self.needs_dx else None

    def set_needs_dx(self, needed: bool) -> None:
        """Set whether dx is needed, for this stack and so for each layer in it.

        A layer's dx is needed if the stack's is, or if a layer before it is trained. Otherwise its `backward` is not
        called.
        """
        needed = self.needs_dx = needed or self.always
        self.lowest = 0 if needed else len(self.layers)
        for number, layer in enumerate(self.layers):
            layer.needs_dx = needed and not isinstance(layer, Merge)
            for stack in layer.stacks:
                stack.set_needs_dx(needed)
            if not needed and any(inner.is_trained() for _, inner in walk(layer, "")):
                needed, self.lowest = True, number

    def set_singly(self, singly: bool) -> None:
        """Set whether layers run one by one, each leaving the outputs of the others unchanged.

        Here they always do. The `Stack` of a set of kernels may otherwise run neighbours together.
        """
        self.singly = singly
        for layer in self.layers:
            for stack in layer.stacks:
                stack.set_singly(singly)


def _sum(a: Any, b: Any) -> Any:
    return b if a is None else a if b is None else a + b


def _build(layer: Layer, shape: Shape) -> Shape:
    """Check the axes of a layer's input, build it and return its output shape."""
    try:
        _check_axes(layer, shape)
        built: Any = layer.build(shape)
    except ShapeError as error:
        if error.complete:  # the message of a layer inside
            raise
        *stack, number = layer.place
        first = not isinstance(number, int) or number == 0
        source = "its input has" if first else f"{show_pointer((*stack, int(number) - 1))} returns"
        message = f"{show_pointer(layer.place)} {error.message}; {source} {show_shape(shape)}"
        raise ShapeError(message, pointer=error.pointer, help=error.help) from None
    if not (isinstance(built, tuple) and all(isinstance(size, (int, np.integer)) and size > 0 for size in built)):
        raise TypeError(f"it returns {built!r}, which is not the shape of a sample")
    return tuple(int(size) for size in built)


def _check_axes(layer: Layer, shape: Shape) -> None:
    axes = type(layer).axes
    least = len([axis for axis in axes if axis is not ...])
    if len(shape) < least or (len(shape) > least and ... not in axes):
        names = ", ".join("..." if axis is ... else str(axis) for axis in axes)
        help = f'put {{"type": "reshape", "target_shape": {_reshaped(axes, shape)}}} before it'
        raise ShapeError(f"expects inputs with the axes ({names})", help=help)


def _reshaped(axes: Sequence[Any], shape: Shape) -> str:
    """Return the shape with all these axes that is most likely meant: an image, one feature, or all features as one."""
    names = [str(axis) for axis in axes if axis is not ...]
    count, size = len(names), math.prod(shape)
    if names == ["height", "width", "channels"] and len(shape) == 1:
        for channels in (1, 3):
            side = math.isqrt(size // channels)
            if side * side * channels == size:
                return str([side, side, channels])
    if count == len(shape) + 1:
        return str([*shape, 1])
    if count < len(shape):
        return str([*shape[: count - 1], math.prod(shape[count - 1 :])])
    return f"[{', '.join(names)}]"


def take_whole(layers: Sequence[Layer]) -> bool:
    """Return whether layers, one after the other, take whole numbers."""
    return bool(layers) and layers[0].takes == "whole"


def outputs_of(layers: Sequence[Layer], given: Output | None = "same") -> Output | None:
    """Return the kind of outputs of layers, one after the other, for inputs of kind `given`."""
    for layer in layers:
        output = layer.output
        given = given if output == "same" else output
    return given
