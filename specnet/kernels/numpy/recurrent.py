"""Recurrent layers that keep all steps in buffers, units first: gates lie side by side, and biases are rows of weights.

sigmoid(a) = 1 / (1 + exp(-a)): the signs go into the weights.
"""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from specnet.functions import constant
from specnet.layers.gated import Gated, Gru, Lstm


class GatedKernel(Gated):
    """A cell in buffers, if its functions are tanh and sigmoid and nothing is masked or dropped; else the definition.

    Arrays have the axes (time, features or units, n), steps in their order; states begin before the first step.
    """

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        plain = (self.activation, self.recurrent_activation) == ("tanh", "sigmoid") and not self.bidirectional
        self.fast = plain and self.mask is None and not (training and (self.dropout or self.recurrent_dropout))
        if not self.fast:
            return super().forward(x, training)
        self.turned = slice(None, None, -1 if self.go_backwards else 1)
        with np.errstate(over="ignore"):  # 1 / inf is 0, the limit
            h = self.run(x.transpose(1, 2, 0)[self.turned])
        if not self.return_sequences:
            return h[-1].T.copy()
        y = self.buffer("y", (len(x), *self.output_shape))
        y[...] = h[self.turned].transpose(2, 0, 1)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        if not self.fast:
            return super().backward(dy)
        dys = self.buffer("dys", (self.input_shape[0], self.units, len(dy)))
        if self.return_sequences:
            dys[...] = dy.transpose(1, 2, 0)[self.turned]
        else:
            dys[:-1], dys[-1] = 0, dy.T
        dxt = self.run_back(dys)
        if not self.needs_dx:
            return None
        dx = self.buffer("dx", (len(dy), *self.input_shape))
        dx[...] = dxt[self.turned].transpose(2, 0, 1)
        return dx

    def bias_row(self, row: int = 0) -> np.ndarray:
        """Return a row of the bias, as the last row of a weight."""
        bias = self.bias if self.use_bias else np.zeros((row + 1, self.gates * self.units), self.dtype)
        return np.atleast_2d(bias)[row : row + 1]

    def slope(self, gates: np.ndarray, values: slice) -> np.ndarray:
        """Return the slopes of all gates of a step, those of `values` of tanh, else of sigmoids."""
        slope = np.multiply(gates, gates, out=self.buffer("slope", gates.shape))
        np.subtract(constant(1.0, slope.dtype), slope[values], out=slope[values])
        for part in (slice(0, values.start), slice(values.stop, None)):
            np.subtract(gates[part], slope[part], out=slope[part])
        return slope

    @abstractmethod
    def run(self, xt: np.ndarray) -> np.ndarray:
        """Return the states of all steps, (time, units, n)."""

    @abstractmethod
    def run_back(self, dys: np.ndarray) -> np.ndarray:
        """Write the gradients and return dx, (time, features, n), for dL/dh from outside of the layer."""


class LstmKernel(GatedKernel, Lstm):
    """An LSTM in buffers: a step is the product of one weight with h, x and 1 one below the other."""

    def run(self, xt: np.ndarray) -> np.ndarray:
        (time, _, n), units = xt.shape, self.units
        self.values = slice(2 * units, 3 * units)
        self.joint = np.concatenate([self.recurrent_weight, self.weight, self.bias_row()])
        self.hx = self.buffer("hx", (time + 1, len(self.joint), n))
        self.hx[0, :units], self.hx[:-1, units:-1], self.hx[:, -1] = 0, xt, 1
        self.a, self.tanh_c = self.buffer("a", (time, 4 * units, n)), self.buffer("tanh_c", (time, units, n))
        self.c = self.buffer("c", (time + 1, units, n))
        self.c[0] = 0
        signs = np.ones(4 * units, self.dtype)
        signs[: 2 * units] = signs[3 * units :] = -1
        weight = np.ascontiguousarray((self.joint * signs).T)
        for t, a in enumerate(self.a):
            self.cell(t, np.dot(weight, self.hx[t], out=a).reshape(4, units, n))
        return self.hx[1:, :units]

    def cell(self, t: int, a: np.ndarray) -> None:
        """Compute the state after step t from the arguments a of its gates, (4, units, n), which become the gates."""
        i, k, v, o = a
        sigmoid_of_minus(a[:2])
        sigmoid_of_minus(o)
        np.tanh(v, out=v)
        c = np.multiply(k, self.c[t], out=self.c[t + 1])
        c += np.multiply(i, v, out=self.buffer("new", c.shape))
        np.multiply(o, np.tanh(c, out=self.tanh_c[t]), out=self.hx[t + 1, : self.units])

    def run_back(self, dys: np.ndarray) -> np.ndarray:
        units, (time, _, n) = self.units, dys.shape
        dc, da = self.buffer("dc", (units, n)), self.buffer("da", (4 * units, n))
        total, product = self.buffer("total", self.joint.shape), self.buffer("product", self.joint.shape)
        needed = len(self.joint) - 1 if self.needs_dx else units
        dhx = self.buffer("dhx", (time if self.needs_dx else 1, needed, n))
        dc[...], total[...], passed = 0, 0, np.zeros_like(dc)
        for t in reversed(range(time)):
            if t + 1 < time:
                dys[t] += passed[:units]
            self.cell_back(t, dys[t], dc, da.reshape(4, units, n))
            passed = np.dot(self.joint[:needed], da, out=dhx[t if self.needs_dx else 0])[:units]
            total += np.dot(self.hx[t], da.T, out=product)
        self.grad.recurrent_weight[...], self.grad.weight[...] = total[:units], total[units:-1]
        if self.use_bias:
            self.grad.bias[...] = total[-1]
        return dhx[:, units:]

    def cell_back(self, t: int, dh: np.ndarray, dc: np.ndarray, da: np.ndarray) -> None:
        """Write the slopes of the arguments of step t's gates, and replace dc by that of the state before."""
        (i, k, v, o), tanh_c, new = self.a[t].reshape(da.shape), self.tanh_c[t], self.buffer("new", dc.shape)
        np.multiply(dh, tanh_c, out=da[3])
        np.multiply(tanh_c, tanh_c, out=new)
        np.subtract(constant(1.0, new.dtype), new, out=new)
        new *= o
        new *= dh
        dc += new
        np.multiply(dc, v, out=da[0])
        np.multiply(dc, self.c[t], out=da[1])
        np.multiply(dc, i, out=da[2])
        da *= self.slope(self.a[t], self.values).reshape(da.shape)
        dc *= k


class GruKernel(GatedKernel, Gru):
    """A GRU in buffers, if it resets after the product: the input terms of all steps are products of their own."""

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        if self.reset_after:
            return super().forward(x, training)
        self.fast = False
        return Gru.forward(self, x, training)

    def run(self, xt: np.ndarray) -> np.ndarray:
        (time, features, n), units = xt.shape, self.units
        self.values = slice(2 * units, 3 * units)
        self.x1, self.h1 = self.buffer("x1", (time, features + 1, n)), self.buffer("h1", (time + 1, units + 1, n))
        self.x1[:, :-1], self.x1[:, -1], self.h1[0], self.h1[:, -1] = xt, 1, 0, 1
        self.a, self.terms = self.buffer("a", (time, 3 * units, n)), self.buffer("terms", (time, 3 * units, n))
        signs = np.repeat(np.array([-1, -1, 1], self.dtype), units)
        weight, u = (
            np.ascontiguousarray((np.concatenate([each, self.bias_row(row)]) * signs).T)
            for row, each in enumerate((self.weight, self.recurrent_weight))
        )
        for t, a in enumerate(self.a):
            np.dot(weight, self.x1[t], out=a)
            np.dot(u, self.h1[t], out=self.terms[t])
            self.cell(t, a.reshape(3, units, n), self.terms[t].reshape(3, units, n))
        return self.h1[1:, :-1]

    def cell(self, t: int, a: np.ndarray, terms: np.ndarray) -> None:
        """Compute the state after step t from terms of x, (3, units, n), which become the gates, and of h."""
        gates, v = a[:2], a[2]
        gates += terms[:2]
        sigmoid_of_minus(gates)
        v += np.multiply(gates[0], terms[2], out=self.buffer("new", v.shape))
        np.tanh(v, out=v)
        h = np.subtract(self.h1[t, :-1], v, out=self.h1[t + 1, :-1])
        h *= gates[1]
        h += v

    def run_back(self, dys: np.ndarray) -> np.ndarray:
        units, (time, _, n), features = self.units, dys.shape, self.input_shape[-1]
        passed, new = self.buffer("passed", (units, n)), self.buffer("new", (units, n))
        da, dterms = self.buffer("da", (3 * units, n)), self.buffer("dterms", (3 * units, n))
        sizes = {"x": features + 1, "h": units + 1}
        totals = [self.buffer(f"total {name}", (2, size, 3 * units)) for name, size in sizes.items()]
        for total in totals:
            total[0] = 0
        dx = self.buffer("dxt", (time if self.needs_dx else 0, features, n))
        for t in reversed(range(time)):
            dh = dys[t]
            if t + 1 < time:
                dh += passed
                dh += np.dot(self.recurrent_weight, dterms, out=new)
            self.cell_back(t, dh, passed, da.reshape(3, units, n), dterms.reshape(3, units, n))
            for total, rows, slopes in zip(totals, (self.x1[t], self.h1[t]), (da, dterms), strict=True):
                total[0] += np.dot(rows, slopes.T, out=total[1])
            if self.needs_dx:
                np.dot(self.weight, da, out=dx[t])
        self.grad.weight[...], self.grad.recurrent_weight[...] = (total[0, :-1] for total in totals)
        if self.use_bias:
            self.grad.bias[...] = [total[0, -1] for total in totals]
        return dx

    def cell_back(self, t: int, dh: np.ndarray, passed: np.ndarray, da: np.ndarray, dterms: np.ndarray) -> None:
        """Write the slopes of step t's terms of x and of h, and that of the state before where it is not multiplied."""
        (r, u, v), terms = self.a[t].reshape(da.shape), self.terms[t].reshape(da.shape)
        slope = self.slope(self.a[t], self.values).reshape(da.shape)
        np.multiply(dh, u, out=passed)
        np.subtract(dh, passed, out=da[2])
        np.subtract(self.h1[t, :-1], v, out=da[1])
        da[1] *= dh
        da[2] *= slope[2]
        np.multiply(da[2], terms[2], out=da[0])
        da[:2] *= slope[:2]
        dterms[:2] = da[:2]
        np.multiply(da[2], r, out=dterms[2])


def sigmoid_of_minus(a: np.ndarray) -> None:
    """Write 1 / (1 + exp(a)) over a."""
    np.exp(a, out=a)
    a += constant(1.0, a.dtype)
    np.reciprocal(a, out=a)
