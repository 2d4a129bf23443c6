"""The contract of layers."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import EllipsisType, SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from specnet.component import Component, build
from specnet.errors import ShapeError, SpecError, SpecnetError
from specnet.faults import definition_name
from specnet.initializers.base import Initializer
from specnet.task import Shape
from specnet.words import Pointer, show_pointer
from specnet.workspace import Workspace

if TYPE_CHECKING:
    from specnet.layers.stack import Stack

INPUT = "input"
"""What a list of layers calls its input, where layers take outputs of others by name."""
Output = Literal["numbers", "probabilities", "same"]
"""Kind of outputs: any numbers, numbers in [0, 1] by construction, or the same as the inputs."""
RUN_TIME = (
    "parameters", "states", "shared", "stacks", "grad", "rng", "dtype", "place", "within", "input_shape",
    "output_shape", "needs_dx", "buffers", "frozen", "owner", "transposed",
)  # fmt: skip
"""Attributes that every layer has once it is part of a network."""


@dataclass(frozen=True)
class Parameter:
    """A parameter that a layer has declared; `decay` is whether weight decay applies to it."""

    name: str
    shape: Shape
    initializer: Initializer
    fan_in: int
    fan_out: int
    decay: bool


@dataclass(frozen=True)
class RunningState:
    """Running state that a layer has declared: saved with the run, never optimized."""

    name: str
    shape: Shape
    value: float


@dataclass(frozen=True)
class Shared:
    """A parameter that a layer has declared, and that is the one of the same name of `owner`, transposed or not."""

    parameter: Parameter
    owner: Layer
    transpose: bool

    @property
    def name(self) -> str:
        """The name."""
        return self.parameter.name


class Layer(Component):
    """One step of the network: `y = forward(x)`, and the chain rule for it in `backward`.

    A layer without parameters that keeps its shape only defines `forward` and `backward`. The contract:

    1. `build` sees shapes without the batch axis, declares parameters and running state, and returns the output
       shape. It allocates nothing. Declared names become attributes: `self.weight`, and `self.grad.weight` for its
       gradient. Both are views into the network's flat vectors.
    2. `backward` overwrites gradients and never adds to them. It may return None if `self.needs_dx` is False, which
       means that nothing below is trained, or that inputs are whole numbers.
    3. `forward` does not change x; `backward` may overwrite dy. Returned arrays are valid until the next `forward`.
    4. Random numbers come from `self.rng`, which is seeded by the spec and saved with the run.
    5. float32 stays float32 and float64 stays float64. Outputs are in the network's dtype, `self.dtype`.
    6. Anything that a layer keeps between steps is running state, declared in `build` with `declare_state`: a run only
       saves parameters, running state and `self.rng`. Other attributes only hold what `backward` needs.
    7. Without `training`, state does not change, and each sample is computed independently of the rest of the batch.
    8. Plain expressions are always right. `self.buffer` returns the same memory in each step, for speed.

    A layer that contains layers makes a stack of them in `build`: `self.stack(self.layers, "layers")`.
    """

    group: ClassVar[str] = "layers"
    run_time = RUN_TIME
    axes: ClassVar[tuple[str | EllipsisType, ...]] = (...,)
    """Names of the axes that a sample must have, without the batch; `...` stands for any number of them."""
    takes: ClassVar[Literal["numbers", "whole"]] = "numbers"
    """Kind of inputs: numbers in the network's dtype, or whole numbers.

    As the first layer, a layer that takes whole numbers gets x in an integer dtype, and returns no dx. After other
    layers, or in `parallel` beside layers that take numbers, it gets them in the network's dtype.
    """
    whole_below: ClassVar[int | None] = None
    """Whole numbers have to be from 0 to below this; None: any. May be a property, such as the size of a vocabulary."""
    output: ClassVar[Output | None] = None
    """Kind of outputs; None if unknown. May be a property that depends on the layer's fields."""
    mask: ClassVar[Any] = "refuse"
    """What the layer does if positions of its input are masked, because they are padding.

    "refuse": such inputs are an error. "keep": each position is computed separately, so the mask does not matter.
    "use": the layer reads `self.mask`, an array (batch, time) of bool that is True where a position counts, or None;
    masked positions then change neither other outputs nor gradients.
    """

    name: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        exclude_if=lambda name: name is None,
        repr=False,
        description="name by which later layers of the same list take the outputs",
    )

    def model_post_init(self, context: Any) -> None:
        """Set the run-time attributes, which the network fills in."""
        self.parameters: list[Parameter] = []
        self.states: list[RunningState] = []
        self.shared: list[Shared] = []
        self.stacks: list[Stack] = []
        self.grad = SimpleNamespace()
        self.buffers = Workspace()
        self.place: Pointer = ()
        self.needs_dx = True
        self.frozen = False
        self.take_mask(None)

    def build(self, input_shape: Shape) -> Shape:
        """Declare what the layer needs for inputs of `input_shape` and return the output shape.

        Inputs have the axes that `axes` names.

        Raises:
            ShapeError: if the layer cannot take such inputs. Its message follows the layer's place:
                "expects 8 features" becomes "layers.2 expects 8 features; layers.1 returns 16".
        """
        return input_shape

    def flops(self) -> int:
        """Return the operations of `forward` for one sample of a built layer, without those of layers inside.

        A multiplication and an addition count as two. By default one for each output.
        """
        return math.prod(self.output_shape)

    def example_inputs(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        """Return inputs of `shape`, the batch axis first, that `specnet.testing` tries the layer with.

        By default normal numbers, in a batch of more than one sample every third six times as large; if `takes` is
        "whole", 0 and 1. Override it for other inputs: an embedding returns
        `rng.integers(self.input_dim, size=shape)`.
        """
        if self.takes == "whole":
            return rng.integers(2, size=shape)
        x = rng.normal(size=shape)
        if shape[0] > 1:
            x.reshape(-1)[2::3] *= 6.0
        return x

    @abstractmethod
    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        """Return y for a batch x (n, *input_shape), and keep what `backward` needs."""

    @abstractmethod
    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        """Write parameter gradients and return dx = dL/dx, given dy = dL/dy for the last `forward`."""

    def mask_out(self) -> np.ndarray | None:
        """Return the mask of the outputs of the last `forward`, by default that of the inputs."""
        return vars(self)["mask"]

    def refuses_mask(self) -> bool:
        """Return whether inputs with a mask are an error, for a built layer."""
        return type(self).mask == "refuse" or len(self.input_shape) < 2 <= len(self.axes)

    def take_mask(self, mask: np.ndarray | None) -> None:
        """Set the mask of the next inputs.

        Raises:
            ShapeError: if there is one and the layer's class refuses it, or inputs are features without positions.
        """
        if mask is not None and self.refuses_mask():
            name = f"{show_pointer(self.place)} ({definition_name(self)})"
            error = ShapeError(f"{name} cannot take sequences with masked positions", pointer=self.place)
            error.complete = True
            raise error
        vars(self)["mask"] = mask
        for stack in self.stacks:
            stack.mask = mask

    def buffer(self, name: str, shape: Shape, dtype: np.dtype | None = None) -> np.ndarray:
        """Return an array to write to: the same in each step, with its last content.

        By default its dtype is the network's.
        """
        return self.buffers[name, shape, self.dtype if dtype is None else dtype]

    def stack(
        self, layers: Sequence[Layer] | Layer, *place: str | int, times: int | None = None, needs_dx: bool = False
    ) -> Stack:
        """Return copies of layers, or of one layer, that are built, run and named as one; called in `build`.

        `place` is the place of the list, or of the one layer, below this layer: "layers", say. With `times`, all of
        them are copied that often, one after the other. With `needs_dx`, their dx is always computed, as is necessary
        for a stack whose input is not the layer's own x.
        """
        stack = type(self.within)(layers, (*self.place, *place), ".".join(map(str, place)), times, needs_dx)
        self.stacks.append(stack)
        return stack

    def declare(
        self,
        name: str,
        shape: Shape,
        initializer: Initializer | str | dict[str, Any],
        *,
        fan_in: int | None = None,
        fan_out: int | None = None,
        decay: bool | None = None,
    ) -> Parameter:
        """Declare a parameter, and return it.

        `initializer` is an instance, a name or an object as in a spec. Without given fans, the last two axes are
        (in, out), any before them a kernel. Weight decay applies if `decay` is true, by default for two or more axes.
        """
        self._check_name(name, shape)
        try:
            built = build("initializers", initializer)
        except SpecnetError as error:
            found = error.diagnostics[0]
            message = f"{definition_name(self)} declares {name}, but {found.message}"
            raise SpecError([found._replace(message=message, pointer=())]) from None
        assert isinstance(built, Initializer)
        kernel, last = math.prod(shape[:-2]), shape[-2:] or (1,)
        fan_in, fan_out = fan_in or kernel * last[0], fan_out or kernel * last[-1]
        decay = len(shape) >= 2 if decay is None else decay
        parameter = Parameter(name, shape, built, fan_in, fan_out, decay)
        self.parameters.append(parameter)
        return parameter

    def declare_state(self, name: str, shape: Shape, value: float = 0.0) -> None:
        """Declare running state that starts with `value` everywhere and that `forward` updates in place."""
        self._check_name(name, shape)
        self.states.append(RunningState(name, shape, value))

    def is_trained(self) -> bool:
        """Return whether parameters of a built layer are trained, its own or shared ones, without layers inside."""
        return (bool(self.parameters) and not self.frozen) or any(not each.owner.frozen for each in self.shared)

    def _check_name(self, name: str, shape: Shape) -> None:
        declared = {each.name for group in (self.parameters, self.states, self.shared) for each in group}
        if hasattr(type(self), name) or name in {*type(self).model_fields, *declared, *RUN_TIME}:
            raise ValueError(f"{definition_name(self)} already has an attribute {name!r}: declare another name")
        if any(size < 1 for size in shape):
            raise ShapeError(f"{name} would have shape {shape}")


class Activation(Layer):
    """A function of each number separately: y = f(x), dx = dy f'(x).

    A subclass defines `f(x)` and its derivative `slope(x, y)`. If all outputs are in [0, 1], it sets
    `output = "probabilities"`.
    """

    output: ClassVar[Output | None] = "numbers"
    mask = "keep"

    @abstractmethod
    def f(self, x: np.ndarray) -> np.ndarray:
        """Return y, in the shape and dtype of x."""

    @abstractmethod
    def slope(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return dy/dx, in terms of x, y or both."""

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        """Return f(x)."""
        self.x, self.y = x, self.f(x)
        return self.y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """Return dy times the slope, written over dy."""
        dy *= self.slope(self.x, self.y)
        return dy


def walk(layer: Layer, name: str) -> Iterator[tuple[str, Layer]]:
    """Yield a built layer and all layers inside it, each with its name below `name`."""
    yield name, layer
    for stack in layer.stacks:
        for below, child in stack.named():
            yield from walk(child, f"{name}.{below}")
