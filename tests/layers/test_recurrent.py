"""Recurrent layers against loops over single numbers."""

import math

import numpy as np
import pytest

import specnet
from specnet.errors import SpecnetError

N, TIME, FEATURES, UNITS = 3, 4, 2, 3
X = np.random.default_rng(0).normal(size=(N, TIME, FEATURES))


def sigmoid(a):
    return 1 / (1 + math.exp(-a))


def product(row, matrix, column):
    return math.fsum(value * matrix[k][column] for k, value in enumerate(row))


def rnn(x, h, c, w, u, b):
    return [math.tanh(product(x, w, j) + product(h, u, j) + b[j]) for j in range(UNITS)], c


def lstm(x, h, c, w, u, b):
    a = [product(x, w, j) + product(h, u, j) + b[j] for j in range(4 * UNITS)]
    i, k, v, o = (a[g * UNITS : (g + 1) * UNITS] for g in range(4))
    c = [sigmoid(k[j]) * c[j] + sigmoid(i[j]) * math.tanh(v[j]) for j in range(UNITS)]
    return [sigmoid(o[j]) * math.tanh(c[j]) for j in range(UNITS)], c


def gru(x, h, c, w, u, b):
    found = []
    for j in range(UNITS):
        r, z = (
            sigmoid(product(x, w, column) + b[0][column] + product(h, u, column) + b[1][column])
            for column in (j, UNITS + j)
        )
        column = 2 * UNITS + j
        v = math.tanh(product(x, w, column) + b[0][column] + r * (product(h, u, column) + b[1][column]))
        found.append(z * h[j] + (1 - z) * v)
    return found, c


def gru_before(x, h, c, w, u, b):
    r = [sigmoid(product(x, w, j) + product(h, u, j) + b[j]) for j in range(UNITS)]
    found = []
    for j in range(UNITS):
        z = sigmoid(product(x, w, UNITS + j) + product(h, u, UNITS + j) + b[UNITS + j])
        column = 2 * UNITS + j
        v = math.tanh(
            product(x, w, column) + product([p * q for p, q in zip(r, h, strict=True)], u, column) + b[column]
        )
        found.append(z * h[j] + (1 - z) * v)
    return found, c


CELLS = {
    "rnn": (rnn, {"type": "rnn"}),
    "lstm": (lstm, {"type": "lstm"}),
    "gru": (gru, {"type": "gru"}),
    "gru before": (gru_before, {"type": "gru", "reset_after": False}),
}
every_cell = pytest.mark.parametrize("name", CELLS)


def made(spec, shape=(TIME, FEATURES), dtype="float64", **fields):
    network = specnet.build_network([{**spec, "units": UNITS, **fields}], shape, dtype, seed=3)
    network.params.flat[...] = np.random.default_rng(1).normal(size=network.params.flat.size)
    return network


def states(cell, sample, weights, order, counts=None):
    """Return h after each position."""
    h, c, found = [0.0] * UNITS, [0.0] * UNITS, {}
    for t in order:
        if counts is None or counts[t]:
            h, c = cell(sample[t], h, c, *weights)
        found[t] = h
    return [found[t] for t in range(len(sample))]


def weights_of(network, place="layers.0"):
    return [network.params[f"{place}.{name}"].tolist() for name in ("weight", "recurrent_weight", "bias")]


@every_cell
def test_states_are_those_of_a_loop(name):
    cell, spec = CELLS[name]
    for dtype, bound in (("float64", 1e-13), ("float32", 1e-5)):
        for backwards in (False, True):
            order = range(TIME)[:: -1 if backwards else 1]
            network = made(spec, dtype=dtype, return_sequences=True, go_backwards=backwards)
            expected = np.array([states(cell, sample, weights_of(network), order) for sample in X.tolist()])
            y = network.forward(X)
            assert y.dtype == dtype
            np.testing.assert_allclose(y, expected, bound, bound)
            last = made(spec, dtype=dtype, go_backwards=backwards).forward(X)
            np.testing.assert_allclose(last, expected[:, 0 if backwards else -1], bound, bound)


@every_cell
def test_both_directions_are_two_cells(name):
    cell, spec = CELLS[name]
    network = made(spec, bidirectional=True, return_sequences=True, merge_mode="concat")
    first, second = (weights_of(network, f"layers.0.both.0.branches.{number}.0") for number in (0, 1))
    expected = [
        np.concatenate(
            [states(cell, sample, first, range(TIME)), states(cell, sample, second, range(TIME)[::-1])], axis=1
        )
        for sample in X.tolist()
    ]
    np.testing.assert_allclose(network.forward(X), expected, 1e-13, 1e-13)
    with pytest.raises(SpecnetError, match="leave go_backwards out"):
        made(spec, bidirectional=True, go_backwards=True)


@every_cell
def test_the_state_passes_over_masked_steps(name):
    cell, spec = CELLS[name]
    mask = np.array([[True, False, True, False], [False] * 4, [False, True, True, True]])
    for backwards in (False, True):
        network = made(spec, return_sequences=True, go_backwards=backwards)
        order = range(TIME)[:: -1 if backwards else 1]
        expected = [states(cell, x, weights_of(network), order, m) for x, m in zip(X.tolist(), mask, strict=True)]
        np.testing.assert_allclose(network.propagate(X, mask=mask), expected, 1e-13, 1e-13)
        last = made(spec, go_backwards=backwards)
        y = last.propagate(X, mask=mask)
        assert not y[1].any()
        np.testing.assert_allclose(y, np.array(expected)[:, 0 if backwards else -1], 1e-13, 1e-13)
        last.stack.set_needs_dx(True)
        dx = last.backpropagate(np.ones_like(y))
        assert not dx[~mask].any()
        assert np.isfinite(dx).all()


def test_initial_biases_let_an_lstm_remember():
    fields = {"units": UNITS, "bias_init": {"type": "constant", "value": 0.25}}
    remember, plain = (
        specnet.build_network([{"type": "lstm", **fields, "unit_forget_bias": each}], (TIME, 1))
        for each in (True, False)
    )
    assert plain.params["layers.0.bias"].tolist() == [0.25] * 12
    assert remember.params["layers.0.bias"].tolist() == [0.25] * 3 + [1.0] * 3 + [0.25] * 6
    u = remember.params["layers.0.recurrent_weight"]
    np.testing.assert_allclose(u @ u.T, np.eye(3), atol=1e-6)


def test_dropout_is_the_same_at_all_steps():
    ones = np.ones((200, TIME, 1))
    network = made({"type": "rnn"}, (TIME, 1), dropout=0.5, return_sequences=True)
    network.params.flat[...] = 0
    network.params["layers.0.weight"][...] = 1
    y = network.forward(ones, training=True)
    assert (y == y[:, :1]).all()
    assert {*np.round(np.unique(y), 3)} == {0.0, round(math.tanh(2), 3)}
    assert network.forward(ones).std() < 1e-15


@pytest.mark.parametrize(
    ("fields", "shape", "message"),
    [
        ({}, (5,), r"layers\.0 expects inputs with the axes \(time, features\); its input has 5"),
        ({}, (4, 3, 2), r"layers\.0 expects inputs with the axes \(time, features\)"),
        ({"activation": "tanhh"}, (4, 2), "tanh"),
        ({"units": 0}, (4, 2), "units"),
    ],
)
def test_what_does_not_fit_is_refused(fields, shape, message):
    with pytest.raises(SpecnetError, match=message):
        made({"type": "lstm"}, shape, **fields)
