"""Sequences of different length: a padding value or their lengths make a mask."""

import numpy as np
import pytest
from click.testing import CliRunner

import specnet
from specnet import SpecnetError, build, load_spec
from specnet.cli import cli
from specnet.datasets.base import StreamedSamples

RNG = np.random.default_rng(0)
LENGTHS = np.array([3, 5, 1, 4, 2, 5, 3, 4])
MASK = np.arange(5) < LENGTHS[:, np.newaxis]
X = np.where(MASK[..., np.newaxis], RNG.normal(size=(8, 5, 2)), -1.0)
T = RNG.normal(size=(8, 1))
RECURRENT = [{"type": "gru", "units": 3}, {"type": "linear", "units": 1}]


@pytest.fixture
def file(tmp_path):
    np.savez(tmp_path / "data.npz", inputs=X, targets=T, lengths=LENGTHS, test_inputs=X[:2], test_targets=T[:2],
             test_lengths=LENGTHS[:2])  # fmt: skip
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "t.npy", T)
    return tmp_path / "data.npz"


@pytest.mark.parametrize("fields", [{"lengths": "lengths"}, {"padding_value": -1}])
@pytest.mark.parametrize("buffer", [1024, 1e-4])
def test_positions_after_the_end_are_masked(file, fields, buffer):
    dataset = build("datasets", {"type": "npz", "path": str(file), "buffer": buffer, **fields})
    assert dataset.outline().masked
    data = dataset.load(RNG)
    assert isinstance(data.train, StreamedSamples) == (buffer < 1)
    np.testing.assert_array_equal(data.train.mask[:], MASK)
    np.testing.assert_array_equal(data.test.mask[:], MASK[:2])


def test_whole_numbers_are_padded_too():
    x = np.array([[3, 1, 0, 0], [2, 0, 1, 0]])
    spec = {
        "dataset": {"type": "arrays", "padding_value": 0},
        "layers": [{"type": "embedding", "input_dim": 4, "output_dim": 2}, "global_average_pool", "linear"],
        "loss": "mse",
        "training": {"epochs": 1},
        "plots": [],
    }
    spec = load_spec(spec, data=(x, T[:2]))
    assert spec.dataset.load(RNG).train.mask.tolist() == [[True, True, False, False], [True, False, True, False]]


def test_predictions_and_measures_of_other_samples_are_masked_as_well(file, tmp_path):
    changed = np.where(MASK[..., np.newaxis], X, 7.0)
    np.savez(tmp_path / "other.npz", inputs=changed, lengths=LENGTHS, targets=T)
    np.savez(tmp_path / "same.npz", inputs=X, targets=T)
    spec = {"layers": RECURRENT, "loss": "mse", "training": {"epochs": 2}, "plots": []}
    runs = {}
    for field, value in (("lengths", "lengths"), ("padding_value", -1)):
        dataset = {"type": "npz", "path": str(file), field: value}
        runs[field] = specnet.run({**spec, "dataset": dataset}, tmp_path / field)
    given = specnet.run({**spec, "dataset": "arrays"}, tmp_path / "given", data={"train": (X, T, None, LENGTHS)})
    expected = runs["lengths"].predict(X, MASK)
    np.testing.assert_array_equal(runs["padding_value"].predict(X), expected)
    np.testing.assert_array_equal(given.predict(changed, MASK), expected)
    assert not np.allclose(given.predict(X), expected)
    for name, other in (("lengths", "other"), ("padding_value", "same")):
        command = ["predict", str(tmp_path / name), str(tmp_path / f"{other}.npz"), "-o", str(tmp_path / f"{name}.npy")]
        result = CliRunner().invoke(cli, command)
        assert result.exit_code == 0, result.output
        np.testing.assert_array_equal(np.load(tmp_path / f"{name}.npy"), expected)
        scores = runs[name].evaluate(changed if name == "lengths" else X, T, mask=MASK if name == "lengths" else None)
        assert scores["loss"] == pytest.approx(np.mean((expected - T) ** 2), rel=1e-5)


@pytest.mark.parametrize(
    ("arrays", "fields", "message", "pointer"),
    [
        ({"lengths": LENGTHS + 1}, {"lengths": "lengths"}, "the length 6 in", ()),
        ({"lengths": LENGTHS - 0.5}, {"lengths": "lengths"}, "the length 2.5 in", ()),
        ({"lengths": LENGTHS[:3]}, {"lengths": "lengths"}, "has shape (3,), and there are 8 sequences", ("lengths",)),
        ({}, {"lengths": "sizes"}, 'no array "sizes"', ("lengths",)),
        ({"inputs": T[:, 0]}, {"padding_value": 0}, "but a sample has shape ()", ("padding_value",)),
        ({}, {"lengths": "lengths", "padding_value": 0}, "choose one", ()),
    ],
)
def test_what_makes_no_mask_is_located(tmp_path, arrays, fields, message, pointer):
    np.savez(tmp_path / "data.npz", **{"inputs": X, "targets": T, "lengths": LENGTHS, **arrays})
    with pytest.raises(SpecnetError) as caught:
        build("datasets", {"type": "npz", "path": str(tmp_path / "data.npz"), **fields}).load(RNG)
    assert message in caught.value.message
    assert caught.value.pointer == pointer


def test_a_layer_that_takes_no_mask_is_refused_before_training(file):
    layers = [{"type": "conv1d", "filters": 2, "kernel_size": 2}, "flatten", {"type": "linear", "units": 1}]
    spec = {"dataset": {"type": "npz", "path": str(file), "lengths": "lengths"}, "layers": layers, "loss": "mse"}
    with pytest.raises(SpecnetError, match="cannot take sequences with masked positions") as caught:
        load_spec(spec)
    assert [found.pointer for found in caught.value.diagnostics] == [("layers", 0)]
