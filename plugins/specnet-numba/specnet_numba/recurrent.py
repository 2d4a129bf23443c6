"""Gates of recurrent layers in one pass over a step, after and before the products.

Arrays are flat: all units of all samples. Arguments of sigmoid gates come with the opposite sign, as in the default
kernels, and are replaced by the values of the gates.
"""

from __future__ import annotations

import numpy as np

from specnet.kernels.numpy import recurrent
from specnet_numba.compiling import compiled
from specnet_numba.functions import sigmoid, tanh


@compiled
def lstm(i, k, v, o, before, after, tanh_c, h):
    """c = k c' + i v and h = o tanh(c), with c' from the step before."""
    for j in range(i.size):
        i[j] = sigmoid(-i[j])
        k[j] = sigmoid(-k[j])
        v[j] = tanh(v[j])
        o[j] = sigmoid(-o[j])
        after[j] = k[j] * before[j] + i[j] * v[j]
        tanh_c[j] = tanh(after[j])
        h[j] = o[j] * tanh_c[j]


@compiled
def lstm_back(i, k, v, o, before, tanh_c, dh, dc, di, dk, dv, do):
    """Write the slopes of the arguments of the gates; dc is that of c before and that of c' after."""
    one = dh.dtype.type(1)
    for j in range(i.size):
        do[j] = dh[j] * tanh_c[j] * (o[j] * (one - o[j]))
        dc[j] += dh[j] * o[j] * (one - tanh_c[j] * tanh_c[j])
        di[j] = dc[j] * v[j] * (i[j] * (one - i[j]))
        dk[j] = dc[j] * before[j] * (k[j] * (one - k[j]))
        dv[j] = dc[j] * i[j] * (one - v[j] * v[j])
        dc[j] *= k[j]


@compiled
def gru(r, u, v, terms_r, terms_u, terms_v, before, h):
    """h = u h' + (1 - u) v, with h' from the step before; r, u and v begin as the terms of x."""
    for j in range(r.size):
        r[j] = sigmoid(-(r[j] + terms_r[j]))
        u[j] = sigmoid(-(u[j] + terms_u[j]))
        v[j] = tanh(v[j] + r[j] * terms_v[j])
        h[j] = u[j] * (before[j] - v[j]) + v[j]


@compiled
def gru_back(r, u, v, terms_v, before, dh, passed, dr, du, dv, dterms_v):
    """Write the slopes of the terms of x, of the last term of h, and of h' where it is not multiplied."""
    one = dh.dtype.type(1)
    for j in range(r.size):
        passed[j] = dh[j] * u[j]
        dv[j] = (dh[j] - passed[j]) * (one - v[j] * v[j])
        du[j] = dh[j] * (before[j] - v[j]) * (u[j] * (one - u[j]))
        dr[j] = dv[j] * terms_v[j] * (r[j] * (one - r[j]))
        dterms_v[j] = dv[j] * r[j]


def flat(*arrays: np.ndarray) -> list[np.ndarray]:
    """Return views of arrays as vectors."""
    return [array.reshape(-1) for array in arrays]


class LstmKernel(recurrent.LstmKernel):
    """An LSTM whose gates take one pass a step."""

    def cell(self, t: int, a: np.ndarray) -> None:
        lstm(*flat(*a, self.c[t], self.c[t + 1], self.tanh_c[t], self.hx[t + 1, : self.units]))

    def cell_back(self, t: int, dh: np.ndarray, dc: np.ndarray, da: np.ndarray) -> None:
        gates = self.a[t].reshape(da.shape)
        lstm_back(*flat(*gates, self.c[t], self.tanh_c[t], dh, dc, *da))


class GruKernel(recurrent.GruKernel):
    """A GRU whose gates take one pass a step."""

    def cell(self, t: int, a: np.ndarray, terms: np.ndarray) -> None:
        gru(*flat(*a, *terms, self.h1[t, :-1], self.h1[t + 1, :-1]))

    def cell_back(self, t: int, dh: np.ndarray, passed: np.ndarray, da: np.ndarray, dterms: np.ndarray) -> None:
        gates, (*_, terms_v) = self.a[t].reshape(da.shape), self.terms[t].reshape(da.shape)
        gru_back(*flat(*gates, terms_v, self.h1[t, :-1], dh, passed, *da, dterms[2]))
        dterms[:2] = da[:2]
