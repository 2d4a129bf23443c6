"""Recurrent layers: a cell that goes through a sequence step by step and keeps a state."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
from pydantic import Field, PositiveInt, model_validator

from specnet.initializers.base import Initializer
from specnet.layers import activation as functions
from specnet.layers.base import Activation
from specnet.layers.composite import Parallel
from specnet.layers.regularization import draw_kept
from specnet.layers.weighted import WeightedLayer
from specnet.schedules.base import scheduled
from specnet.task import Shape

Function = Literal["tanh", "sigmoid", "relu", "hard_sigmoid", "softsign", "elu", "gelu", "silu"]
FUNCTIONS: dict[str, type[Activation]] = {
    "tanh": functions.Tanh, "sigmoid": functions.Sigmoid, "relu": functions.Relu, "softsign": functions.Softsign,
    "hard_sigmoid": functions.HardSigmoid, "elu": functions.Elu, "gelu": functions.Gelu, "silu": functions.Silu,
}  # fmt: skip
CellState = tuple[np.ndarray, ...]
"""What a cell passes on to its next step, each (n, units): its output h first."""


class Slopes(NamedTuple):
    """What a step of a cell returns backward: dL/d of what it got.

    `z` and `a` are those of the terms of the input and of h, (n, gates * units), which are the same unless a gate
    stands between them; `h` is that of h where it is multiplied by the weight, `state` that of the state elsewhere.
    """

    z: np.ndarray
    a: np.ndarray
    h: np.ndarray
    state: CellState


class Recurrent(WeightedLayer):
    """A cell with a state h_t = cell(x_t, h_{t-1}), h_0 = 0, for the steps of a sequence (time, features), in order.

    Input terms z = x W + b of all steps are one product, dW = x^T dz. Backward goes through time from the last step
    to the first, where dh_{t-1} has a part from each later step. At masked positions the state stays as it is.
    """

    axes = ("time", "features")
    output = "numbers"
    mask: ClassVar[Any] = "use"
    gates: ClassVar[int]
    """Number of blocks of `units` columns in the weights."""
    units: PositiveInt = Field(description="size of the state h, which is the output", examples=[3])
    activation: Function = Field(default="tanh", description="f")
    return_sequences: bool = Field(default=False, description="whether to return h of all steps, not only the last")
    go_backwards: bool = Field(
        default=False,
        description="whether to begin at the last position; outputs keep their places, Keras reverses them",
    )
    bidirectional: bool = Field(default=False, description="whether to have a second cell that goes backwards")
    merge_mode: Literal["concat", "add", "average", "multiply", "maximum"] = Field(
        default="concat", description="how the outputs of both directions are combined"
    )
    dropout: Annotated[float, scheduled(ge=0, lt=1)] = Field(
        default=0.0, description="share of x that is dropped in training, the same at all steps: a number or a schedule"
    )
    recurrent_dropout: Annotated[float, scheduled(ge=0, lt=1)] = Field(
        default=0.0,
        description="share of h that is dropped before its product, the same at all steps: a number or a schedule",
    )
    use_bias: bool = Field(default=True, description="whether to add b")
    weight_init: Initializer = Field(default="glorot_uniform", description="initial W")  # type: ignore[assignment]
    recurrent_init: Initializer = Field(default="orthogonal", description="initial U")  # type: ignore[assignment]
    bias_init: Initializer = Field(default="zeros", description="initial b")  # type: ignore[assignment]

    @model_validator(mode="after")
    def _has_one_direction_or_both(self) -> Self:
        if self.bidirectional and self.go_backwards:
            raise ValueError("with bidirectional, one cell goes backwards anyway: leave go_backwards out")
        return self

    def build(self, input_shape: Shape) -> Shape:
        if self.bidirectional:
            own = {"name": None, "share": None, "transpose": False, "activity_l1": 0.0, "activity_l2": 0.0}
            one = self.model_copy(update={"bidirectional": False, **own})
            cells = [one, one.model_copy(update={"go_backwards": True})]
            self.both = self.stack([Parallel(branches=[[cell] for cell in cells], merge=self.merge_mode)], "both")
            return self.both.build(input_shape)
        time, features = input_shape
        self.f, columns = FUNCTIONS[self.activation](), self.gates * self.units
        self.declare("weight", (features, columns), self.weight_init)
        self.declare("recurrent_weight", (self.units, columns), self.recurrent_init)
        if self.use_bias:
            self.declare("bias", self.bias_shape(), self.initial_bias(), fan_in=features, decay=False)
        return (time, self.units) if self.return_sequences else (self.units,)

    def bias_shape(self) -> Shape:
        """Return the shape of b."""
        return (self.gates * self.units,)

    def initial_bias(self) -> Initializer:
        """Return the initializer of b."""
        return self.bias_init

    def flops(self) -> int:
        time, features = self.input_shape
        return 0 if self.bidirectional else time * self.gates * self.units * (2 * features + 2 * self.units + 2)

    @abstractmethod
    def step(self, z: np.ndarray, h: np.ndarray, state: CellState) -> tuple[CellState, Any]:
        """Return the next state and what `step_back` needs; z are input terms, h the state's h after dropout."""

    @abstractmethod
    def step_back(self, dstate: CellState, h: np.ndarray, state: CellState, kept: Any) -> Slopes:
        """Return the slopes of a step, given those of the state that it returned."""

    def recurrent_slope(self, h: np.ndarray, a: np.ndarray) -> np.ndarray:
        """Return dU, given h and `Slopes.a` of all steps one below the other."""
        return h.T @ a

    def input_terms(self, x: np.ndarray) -> np.ndarray:
        """Return x W + b."""
        z = x @ self.weight
        return z + self.bias if self.use_bias else z

    def bias_slope(self, z: np.ndarray, a: np.ndarray) -> np.ndarray:
        """Return db, given `Slopes.z` and `Slopes.a` of all steps one below the other."""
        return z.sum(axis=0)

    def order(self) -> list[int]:
        """Return the positions in the order of the steps."""
        positions = list(range(self.input_shape[0]))
        return positions[::-1] if self.go_backwards else positions

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        if self.bidirectional:
            return self.both.forward(x, training)
        self.m = self.recurrent_m = None
        if training and self.dropout:
            self.m = draw_kept(self.rng, self.dropout, (len(x), 1, x.shape[-1]), x.dtype)
            x = x * self.m
        if training and self.recurrent_dropout:
            self.recurrent_m = draw_kept(self.rng, self.recurrent_dropout, (len(x), self.units), x.dtype)
        self.x, z = x, self.input_terms(x)
        state = self.state(z)
        self.steps = {}
        for t in self.order():
            before, h = state, state[0] if self.recurrent_m is None else state[0] * self.recurrent_m
            state, kept = self.step(z[:, t], h, before)
            if self.mask is not None:
                counts = self.mask[:, t, np.newaxis]
                state = tuple(np.where(counts, new, old) for new, old in zip(state, before, strict=True))
            self.steps[t] = (h, before, kept, state[0])
        if not self.return_sequences:
            return state[0]
        return np.stack([self.steps[t][-1] for t in range(len(self.steps))], axis=1)

    def state(self, z: np.ndarray) -> CellState:
        """Return the state before the first step."""
        return (np.zeros_like(z[:, 0, : self.units]),)

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        if self.bidirectional:
            return self.both.backward(dy)
        dstate = self.state(self.steps[0][1][0][:, np.newaxis])
        if not self.return_sequences:
            dstate = (dy, *dstate[1:])
        slopes: dict[int, Slopes] = {}
        for t in reversed(self.order()):
            if self.return_sequences:
                dstate = (dstate[0] + dy[:, t], *dstate[1:])
            h, before, kept, _ = self.steps[t]
            after = dstate
            if self.mask is not None:
                counts = self.mask[:, t, np.newaxis]
                after = tuple(np.where(counts, each, 0) for each in dstate)
            found = slopes[t] = self.step_back(after, h, before, kept)
            dh = found.h if self.recurrent_m is None else found.h * self.recurrent_m
            passed = (found.state[0] + dh, *found.state[1:])
            if self.mask is not None:
                passed = tuple(np.where(counts, new, old) for new, old in zip(passed, dstate, strict=True))
            dstate = passed
        return self.gradients(slopes)

    def gradients(self, slopes: dict[int, Slopes]) -> np.ndarray | None:
        """Write the gradients of parameters and return dx, given the slopes of each step."""
        positions = range(len(slopes))
        z = np.stack([slopes[t].z for t in positions], axis=1)
        a = np.concatenate([slopes[t].a for t in positions])
        h = np.concatenate([self.steps[t][0] for t in positions])
        rows = z.reshape(-1, z.shape[-1])
        self.grad.weight[...] = self.x.reshape(-1, self.x.shape[-1]).T @ rows
        self.grad.recurrent_weight[...] = self.recurrent_slope(h, a)
        if self.use_bias:
            self.grad.bias[...] = self.bias_slope(rows, a)
        if not self.needs_dx:
            return None
        dx = z @ self.weight.T
        return dx if self.m is None else dx * self.m

    def mask_out(self) -> np.ndarray | None:
        return self.mask if self.return_sequences else None


class Rnn(Recurrent):
    """h_t = f(x_t W + h_{t-1} U + b). With a the argument of f: da = dh f'(a), dU = h_{t-1}^T da, dh_{t-1} = da U^T.

    Masked positions leave h as it is. Elman, "Finding structure in time", 1990.
    """

    gates = 1
    examples = (
        {"units": 3},
        {"units": 2, "return_sequences": True, "activation": "relu", "dropout": 0.3, "recurrent_dropout": 0.3},
        {"units": 2, "bidirectional": True, "merge_mode": "multiply", "use_bias": False},
        {"units": 2, "go_backwards": True, "return_sequences": True},
    )

    def step(self, z: np.ndarray, h: np.ndarray, state: CellState) -> tuple[CellState, Any]:
        a = z + h @ self.recurrent_weight
        y = self.f.f(a)
        return (y,), (a, y)

    def step_back(self, dstate: CellState, h: np.ndarray, state: CellState, kept: Any) -> Slopes:
        da = dstate[0] * self.f.slope(*kept)
        return Slopes(da, da, da @ self.recurrent_weight.T, (np.zeros_like(h),))
