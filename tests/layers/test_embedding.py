"""Embeddings, positions and masks that layers make."""

import math
import re

import numpy as np
import pytest

import specnet
from specnet.errors import DataError, SpecnetError

TABLE = {"type": "embedding", "input_dim": 6, "output_dim": 2}
LINEAR = {"type": "linear", "units": 2}


def made(*layers, shape, dtype="float64"):
    return specnet.build_network(layers, shape, dtype)


def test_an_embedding_returns_rows_and_adds_up_the_gradients_of_each():
    for dtype in ("float32", "float64"):
        network = made(TABLE, shape=(3,), dtype=dtype)
        x = np.array([[1, 5, 1], [0, 1, 5]], np.uint8)
        table = network.params["layers.0.weight"]
        y = network.forward(x)
        assert y.dtype == dtype
        for sample, time in np.ndindex(x.shape):
            assert y[sample, time].tolist() == table[x[sample, time]].tolist()
        dy = np.random.default_rng(0).normal(size=y.shape).astype(dtype)
        network.backward(dy)
        expected = np.zeros((6, 2), dtype)
        for sample, time in np.ndindex(x.shape):
            expected[x[sample, time]] += dy[sample, time]
        np.testing.assert_allclose(network.grads["layers.0.weight"], expected, rtol=1e-6)


@pytest.mark.parametrize("number", [6, -1, 2**40])
def test_a_number_outside_the_vocabulary_is_an_error_with_its_row(number):
    layers = (TABLE, "flatten")
    beside = {"type": "parallel", "branches": [[TABLE], [TABLE | {"input_dim": 8}]]}
    for network in (
        made(*layers, shape=(2,)),
        made(beside, shape=(2,)),
        made({"type": "sequential", "layers": [TABLE]}, shape=(2,)),
    ):
        with pytest.raises(
            DataError, match=re.escape(f"expects whole numbers from 0 to 5, but the input in row 1 has {number:g}")
        ):
            network.forward(np.array([[0, 5], [1, number]]))


def test_behind_other_layers_numbers_are_checked_too():
    network = made("dropout", TABLE, shape=(2,))
    assert network.forward(np.array([[0.0, 5.0]])).shape == (1, 2, 2)
    for wrong in (6.0, -1.0, 0.5, np.nan):
        with pytest.raises(DataError, match=r"layers\.1 \(Embedding\) expects whole numbers from 0 to 5") as error:
            network.forward(np.array([[0.0, wrong]]))
        assert error.value.pointer == ("layers", 1)


def test_a_run_names_the_file_and_the_row_of_a_number_outside_the_vocabulary(tmp_path):
    x = np.arange(12).reshape(4, 3) % 6
    x[2, 1] = 6
    np.savez(tmp_path / "data.npz", inputs=x, targets=np.zeros((4, 1)))
    spec = {
        "dataset": {"type": "npz", "path": str(tmp_path / "data.npz")},
        "layers": [TABLE, "flatten", "linear"],
        "loss": "mse",
    }
    with pytest.raises(DataError, match=r"layers\.0 \(Embedding\) expects whole numbers from 0 to 5, .*has 6") as error:
        specnet.run(specnet.load_spec(spec), out=tmp_path / "run")
    assert "row 2" in error.value.message


def test_sinusoidal_positions_are_those_of_the_paper():
    for features in (1, 4, 5):
        x = np.random.default_rng(1).normal(size=(2, 7, features))
        y = made("positional_encoding", shape=(7, features)).forward(x)
        for t in range(7):
            for j in range(features):
                angle = t / 10000 ** ((j - j % 2) / features)
                expected = math.cos(angle) if j % 2 else math.sin(angle)
                np.testing.assert_allclose(y[:, t, j] - x[:, t, j], expected, atol=1e-14)


def test_learned_positions_are_parameters():
    network = made({"type": "positional_encoding", "kind": "learned", "max_length": 5}, shape=(3, 2))
    x, dy = np.random.default_rng(1).normal(size=(2, 4, 3, 2))[:, :2]
    y = network.forward(x)
    np.testing.assert_allclose(y, x + network.params["layers.0.weight"][:3])
    network.backward(dy)
    np.testing.assert_allclose(network.grads["layers.0.weight"], [*(dy[0] + dy[1]), [0, 0], [0, 0]])
    with pytest.raises(SpecnetError, match=r"layers\.0 encodes 2 positions; its input has shape \(3, 2\)") as error:
        made({"type": "positional_encoding", "max_length": 2}, shape=(3, 2))
    assert error.value.pointer == ("layers", 0, "max_length")


def test_masks_are_made_of_padding():
    network = made({"type": "masking", "mask_value": 9.0}, LINEAR, shape=(3, 2), dtype="float32")
    x = np.array([[[9, 9], [9, 1], [0, 0]], [[9, 9], [9, 9], [9, 9]]])
    network.forward(x)
    assert network.stack.mask_out().tolist() == [[False, True, True], [False] * 3]
    network.propagate(x.astype("float32"), mask=np.array([[True, True, False]] * 2))
    assert network.stack.mask_out().tolist() == [[False, True, False], [False] * 3]
    network = made(TABLE | {"mask_zero": True}, LINEAR, shape=(3,))
    network.forward([[0, 1, 2], [3, 0, 0]])
    assert network.stack.mask_out().tolist() == [[False, True, True], [True, False, False]]
    network.propagate(np.array([[0, 1, 2]]), mask=np.array([[True, False, True]]))
    assert network.stack.mask_out().tolist() == [[False, False, True]]
    with pytest.raises(SpecnetError, match=r"layers\.0 can mask zeros only in sequences of numbers \(time,\)"):
        made(TABLE | {"mask_zero": True}, shape=(3, 2))
