"""Activation functions of rows, with the bias of the linear layer before them, and their slopes.

Forward, y <- f(y + b) for y (n, units), which is x before, and b (units,), empty for none. Backward, dy <- dy f'(x) and
db <- its sum over the rows, unless b is empty; f'(x) is a function of y.
"""

from __future__ import annotations

from specnet_numba import functions
from specnet_numba.compiling import compiled


@compiled
def shifted(y, i, j, bias):
    """Return x + b at a place."""
    return y[i, j] + bias[j] if bias.size else y[i, j]


@compiled
def add_row(total, row):
    """Add a row to the sum of rows, if there is one."""
    for j in range(total.size):
        total[j] += row[j]


@compiled
def sigmoid(y, bias):
    """y = 1 / (1 + e^-x)."""
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            y[i, j] = functions.sigmoid(shifted(y, i, j, bias))


@compiled
def sigmoid_back(dy, y, dbias):
    """dy/dx = y (1 - y)."""
    dbias[:] = 0
    one = y.dtype.type(1)
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            dy[i, j] *= y[i, j] * (one - y[i, j])
        add_row(dbias, dy[i])


@compiled
def tanh(y, bias):
    """y = tanh(x)."""
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            y[i, j] = functions.tanh(shifted(y, i, j, bias))


@compiled
def tanh_back(dy, y, dbias):
    """dy/dx = 1 - y^2."""
    dbias[:] = 0
    one = y.dtype.type(1)
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            dy[i, j] *= one - y[i, j] * y[i, j]
        add_row(dbias, dy[i])


@compiled
def relu(y, bias):
    """y = max(x, 0), which keeps NaN."""
    zero = y.dtype.type(0)
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            value = shifted(y, i, j, bias)
            y[i, j] = zero if value < zero else value


@compiled
def relu_back(dy, y, dbias):
    """dy/dx = 1 where y > 0, else 0."""
    dbias[:] = 0
    zero, one = y.dtype.type(0), y.dtype.type(1)
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            dy[i, j] *= one if y[i, j] > zero else zero
        add_row(dbias, dy[i])
