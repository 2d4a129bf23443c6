"""The contract of layers."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, ClassVar, Literal

import numpy as np

from specnet.component import Component, build, find_class, guarded
from specnet.errors import ComponentError, Diagnostic, Pointer, ShapeError, SpecError, show_pointer
from specnet.initializers.base import Initializer
from specnet.workspace import Workspace

Shape = tuple[int, ...]
Kind = Literal["numbers", "probabilities"]
"""What outputs can be: any numbers, or numbers in [0, 1] by construction."""
RUN_TIME = (
    "parameters", "states", "grad", "flat", "rng", "place", "input_shape", "output_shape", "overwrites", "workspace",
    "scratch",
)  # fmt: skip
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
       its gradient, both views into the network's flat vectors. `self.flat` and `self.grad.flat` are all of them,
       one behind the other.
    2. `backward` overwrites gradients, it never adds.
    3. `forward` leaves `x` alone, unless the layer is `in_place` and writes to `output_like(x)`; `backward` may
       overwrite `dy`. What a layer returns is valid until its next `forward` or, if it is `disposable`, until the
       `forward` of the layer behind it.
    4. Random numbers come from `self.rng`, which is seeded by the spec and saved with the run.
    5. float32 stays float32 and float64 stays float64.
    6. Arrays as large as a batch may come from `self.workspace`, which gives the same ones in each step, and those
       that no other call needs from `self.scratch`, which all layers of a network share.
    7. What a layer remembers from step to step is running state that `build` declares by `declare_state`: a run saves
       parameters, that and `self.rng`, and nothing else. Other attributes hold what `backward` needs, no more.
    8. Without `training` nothing changes, and each sample is computed for itself, whatever others the batch has.

    A layer that holds layers says so in `children` and connects them in its `build`.
    """

    group: ClassVar[str] = "layers"
    gives: ClassVar[Kind | None] = None
    """What outputs are, whatever inputs are; None where that is not known."""
    disposable: ClassVar[bool] = False
    """Whether y is an array of the layer's own that it does not need once the layer behind it has had it.

    This and `in_place` hold for the very class that says so: a class derived from it may do otherwise.
    """
    in_place: ClassVar[bool] = False
    """Whether y is written to `output_like(x)`, and so neither `forward` nor `backward` needs x after that."""
    elementwise: ClassVar[bool] = False
    """Whether each number of y is a function of the one of x in its place, without parameters.

    `backward(1)` of such a layer is the slope of that function: a unit whose slope is 0 for all samples is dead.
    """

    def model_post_init(self, context: Any) -> None:
        """Give the layer its run-time attributes; the network fills them."""
        self.parameters: list[Parameter] = []
        self.states: list[State] = []
        self.grad = SimpleNamespace()
        self.workspace, self.scratch = Workspace(), Workspace()
        self.place: Pointer = ()
        self.overwrites = False

    def build(self, input_shape: Shape) -> Shape:
        """Declare what the layer needs for inputs of `input_shape` and return the output shape.

        Raises:
            ShapeError: if the layer cannot take such inputs. Its message goes on where the layer's place ends:
                "expects 8 features" becomes "layers[2] expects 8 features, layers[1] gives 16".
        """
        return input_shape

    def children(self) -> Iterator[tuple[str, Layer]]:
        """Give the layers inside, once built, each with its place below this one, such as "layers.0"."""
        return iter(())

    def output_kind(self, kind: Kind | None) -> Kind | None:
        """Return what outputs are if inputs are of `kind`: by default what `gives` says."""
        return self.gives

    def flops(self) -> int:
        """Return the operations that `forward` takes for one sample once built, without those of children.

        A multiplication and the addition of its product count two. By default one for each output.
        """
        return math.prod(self.output_shape)

    def example_inputs(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        """Return inputs of `shape`, the batch axis first, that `specnet.testing` tries the layer with.

        By default normal numbers, in a batch of more than one sample every third six times as large. A layer overrides
        this that takes others: an embedding whole numbers, `rng.integers(self.count, size=shape)`.
        """
        x = rng.normal(size=shape)
        if shape[0] > 1:
            x.reshape(-1)[2::3] *= 6.0
        return x

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

    def output_like(self, x: np.ndarray) -> np.ndarray:
        """Return where a layer that is `in_place` writes y: to x itself if that is disposable."""
        return x if self.overwrites else self.workspace("y", x.shape, x.dtype)

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
            try:
                find_class("initializers", initializer)
            except ComponentError as error:
                error.message = f"{type(self).__name__} declares {name}, but {error.message}"
                raise
            built = build("initializers", initializer)
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


@dataclass
class Room:
    """How many layers may be built; `copies` counts those that are built for each layer of the network."""

    most: int
    count: int = 0
    copies: Counter[Pointer] = field(default_factory=Counter)

    def take(self, place: Pointer) -> None:
        """Count one more layer, at a place in the spec.

        Raises:
            SpecError: at the layer that stands for the most copies, if there are too many.
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
    """Let `connect` build at most so many layers, copies included; each counts before it is built."""
    token = _room.set(Room(count))
    try:
        yield
    finally:
        _room.reset(token)


def connect(layers: Sequence[Layer], shape: Shape, *place: str | int) -> Shape:
    """Build layers one after the other for inputs of `shape` and return the output shape of the last.

    `place` is where the list of layers stands in the spec. Each layer learns its own place, input and output shape,
    and whether it may overwrite what the layer before it gives.

    Raises:
        ShapeError: naming the layer that cannot take what the one before it gives.
        BrokenComponentError: naming the layer whose `build` raises something else.
        SpecError: if there are more layers than `at_most` allows.
    """
    room = _room.get()
    for number, layer in enumerate(layers):
        if room:
            room.take((*place, number))
        layer.model_post_init(None)  # a layer of another network comes with what it declared there
        layer.place = (*place, number)
        layer.input_shape = shape
        layer.overwrites = number > 0 and _says(layer, "in_place") and _says(layers[number - 1], "disposable")
        with guarded(layer, layer.place, "build"):
            try:
                shape = layer.output_shape = _checked(layer.build(shape))
            except ShapeError as error:
                if error.complete:  # a layer inside has said where
                    raise
                giver = f"{show_pointer((*place, number - 1))} gives" if number else "its input has"
                message = f"{show_pointer(layer.place)} {error.message}, {giver} {show_shape(shape)}"
                raise ShapeError(message, pointer=error.pointer, help=error.help) from None
    return shape


def _says(layer: Layer, name: str) -> bool:
    return bool(vars(type(layer)).get(name, False))


def _checked(shape: Any) -> Shape:
    """What `build` has returned, if it is a shape."""
    if not (isinstance(shape, tuple) and all(isinstance(size, (int, np.integer)) and size > 0 for size in shape)):
        raise TypeError(f"it returns {shape!r}, which is no shape of a sample")
    return tuple(int(size) for size in shape)


def walk(layer: Layer, name: str) -> Iterator[tuple[str, Layer]]:
    """Give a built layer and all layers inside it, each with its name: `name` and the place below it."""
    yield name, layer
    for below, child in layer.children():
        yield from walk(child, f"{name}.{below}")


def show_shape(shape: Shape) -> str:
    """Return the shape of a sample as messages tell it."""
    return str(shape[0]) if len(shape) == 1 else f"shape {shape}"
