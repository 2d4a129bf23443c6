"""Recurrent layers whose gates decide what the state keeps."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field, PositiveInt

from specnet.initializers.base import Initializer
from specnet.layers.recurrent import FUNCTIONS, CellState, Function, Recurrent, Slopes
from specnet.task import Shape


class Gated(Recurrent):
    """A cell whose gates g decide what its state keeps."""

    recurrent_activation: Function = Field(default="sigmoid", description="g, the function of the gates")

    def build(self, input_shape: Shape) -> Shape:
        self.g = FUNCTIONS[self.recurrent_activation]()
        return super().build(input_shape)


class Lstm(Gated):
    """c_t = k c_{t-1} + i v and h_t = o f(c_t), where (i, k, v, o) = (g, g, f, g)(x_t W + h_{t-1} U + b).

    Columns of W, U and b are those of the input gate i, the forget gate k, the new value v and the output gate o, in
    this order. dc_t = dh_t o f'(c_t) + dc_{t+1} k_{t+1}; di = dc v, dk = dc c_{t-1}, dv = dc i, do = dh f(c), and
    dh_{t-1} = da U^T, with a the arguments of the gates. Masked positions leave h and c as they are. Hochreiter &
    Schmidhuber, "Long short-term memory", 1997; Gers et al., "Learning to forget", 2000.
    """

    gates = 4
    examples = (
        {"units": 3},
        {"units": 2, "activation": "relu", "recurrent_activation": "hard_sigmoid", "dropout": 0.3},
        {"units": 2, "bidirectional": True, "unit_forget_bias": False, "recurrent_dropout": 0.3},
        {"units": 2, "go_backwards": True, "return_sequences": True, "use_bias": False},
    )
    unit_forget_bias: bool = Field(default=True, description="whether b of the forget gate begins with 1")

    def initial_bias(self) -> Initializer:
        if not self.unit_forget_bias:
            return self.bias_init
        return ForgetBias(others=self.bias_init, units=self.units)

    def state(self, z: np.ndarray) -> CellState:
        return (np.zeros_like(z[:, 0, : self.units]),) * 2

    def step(self, z: np.ndarray, h: np.ndarray, state: CellState) -> tuple[CellState, Any]:
        a = np.split(z + h @ self.recurrent_weight, 4, axis=-1)
        i, k, o, v = self.g.f(a[0]), self.g.f(a[1]), self.g.f(a[3]), self.f.f(a[2])
        c = k * state[1] + i * v
        f = self.f.f(c)
        return (o * f, c), (a, i, k, v, o, c, f)

    def step_back(self, dstate: CellState, h: np.ndarray, state: CellState, kept: Any) -> Slopes:
        (a, i, k, v, o, c, f), (dh, dc) = kept, dstate
        dc = dc + dh * o * self.f.slope(c, f)
        gates = (
            dc * v * self.g.slope(a[0], i),
            dc * state[1] * self.g.slope(a[1], k),
            dc * i * self.f.slope(a[2], v),
            dh * f * self.g.slope(a[3], o),
        )
        da = np.concatenate(gates, axis=-1)
        return Slopes(da, da, da @ self.recurrent_weight.T, (np.zeros_like(h), dc * k))


class Gru(Gated):
    """h_t = u h_{t-1} + (1 - u) v with (r, u) = g(x_t W + h_{t-1} U + b) and v = f(x_t W + r (h_{t-1} U) + b).

    Columns of W, U and b are those of the reset gate r, the update gate u and the new value v, in this order. b has a
    row for x_t W and one for h_{t-1} U. With `reset_after` false, v has (r h_{t-1}) U instead of r (h_{t-1} U), and b
    one row. dv = dh (1 - u), du = dh (h_{t-1} - v), dr = da_v (h_{t-1} U), dh_{t-1} = dh u + da U^T, with a the
    arguments of g and f. Masked positions leave h as it is. Cho et al., "Learning phrase representations using RNN
    encoder-decoder", 2014.
    """

    gates = 3
    examples = (
        {"units": 3},
        {"units": 2, "go_backwards": True, "return_sequences": True, "use_bias": False},
        {"units": 2, "bidirectional": True, "merge_mode": "average", "reset_after": False, "dropout": 0.3},
        {"units": 2, "reset_after": False, "recurrent_dropout": 0.3, "recurrent_activation": "softsign"},
    )
    reset_after: bool = Field(default=True, description="whether r multiplies h U, as in PyTorch, or h")

    def bias_shape(self) -> Shape:
        return (2, 3 * self.units) if self.reset_after else super().bias_shape()

    def input_terms(self, x: np.ndarray) -> np.ndarray:
        if not (self.reset_after and self.use_bias):
            return super().input_terms(x)
        return x @ self.weight + self.bias[0]

    def bias_slope(self, z: np.ndarray, a: np.ndarray) -> np.ndarray:
        if not self.reset_after:
            return super().bias_slope(z, a)
        return np.stack([z.sum(axis=0), a.sum(axis=0)])

    def recurrent_slope(self, h: np.ndarray, a: np.ndarray) -> np.ndarray:
        if self.reset_after:
            return super().recurrent_slope(h, a)
        reset = np.concatenate([self.steps[t][2][-1] for t in range(len(self.steps))])
        both = 2 * self.units
        return np.concatenate([h.T @ a[:, :both], reset.T @ a[:, both:]], axis=-1)

    def step(self, z: np.ndarray, h: np.ndarray, state: CellState) -> tuple[CellState, Any]:
        gates, value = np.split(self.recurrent_weight, [2 * self.units], axis=-1)
        b_gates, b_value = np.split(self.bias[1], [2 * self.units]) if self.reset_after and self.use_bias else (0, 0)
        z_gates, z_v = np.split(z, [2 * self.units], axis=-1)
        a_r, a_u = np.split(z_gates + h @ gates + b_gates, 2, axis=-1)
        r, u = self.g.f(a_r), self.g.f(a_u)
        multiplied = h @ value + b_value if self.reset_after else h
        reset = r * multiplied
        a_v = z_v + (reset if self.reset_after else reset @ value)
        v = self.f.f(a_v)
        return (u * state[0] + (1 - u) * v,), (a_r, a_u, a_v, r, u, v, multiplied, reset)

    def step_back(self, dstate: CellState, h: np.ndarray, state: CellState, kept: Any) -> Slopes:
        (a_r, a_u, a_v, r, u, v, multiplied, _), (dh,) = kept, dstate
        gates, value = np.split(self.recurrent_weight, [2 * self.units], axis=-1)
        da_v = dh * (1 - u) * self.f.slope(a_v, v)
        da_u = dh * (state[0] - v) * self.g.slope(a_u, u)
        dreset = da_v if self.reset_after else da_v @ value.T
        da_r = dreset * multiplied * self.g.slope(a_r, r)
        da = np.concatenate([da_r, da_u], axis=-1)
        dmultiplied = dreset * r
        dh_before = da @ gates.T + (dmultiplied @ value.T if self.reset_after else dmultiplied)
        terms = np.concatenate([da, dmultiplied if self.reset_after else da_v], axis=-1)
        return Slopes(np.concatenate([da, da_v], axis=-1), terms, dh_before, (dh * u,))


class ForgetBias(Initializer):
    """1 for the forget gate of an LSTM, for the other gates what another initializer draws."""

    others: Initializer = Field(description="initializer of the other gates")
    units: PositiveInt = Field(description="columns of a gate")

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        values = self.others.sample(rng, shape, fan_in, fan_out)
        values[self.units : 2 * self.units] = 1.0
        return values
