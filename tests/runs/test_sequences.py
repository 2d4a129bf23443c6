"""Masked positions count neither in training nor in what is measured, predicted or resumed."""

import numpy as np
import pytest
from helpers import kernel_sets
from runs.sequences import LENGTH, register
from runs.stopped import contents

import specnet
from specnet.errors import Interrupted

LINEAR = {"type": "linear", "units": 4}
LAYERS = {
    "position": [LINEAR, "tanh", {"type": "residual", "layers": [LINEAR]}, {"type": "linear", "units": 1}],
    "sequence": [LINEAR, "tanh", "mean_over_time", {"type": "linear", "units": 1}],
}


@pytest.fixture(autouse=True)
def components(local):
    register()


@pytest.fixture
def train(tmp_path):
    def call(out, *, kernels="numpy", dataset=None, target="position", record=None, **training):
        spec = {
            "seed": 4,
            "dtype": "float64",
            "dataset": {"type": "padded", "target": target, **(dataset or {})},
            "layers": LAYERS[target],
            "loss": "mse",
            "optimizer": "adam",
            "metrics": ["mse", "mae", "r2"],
            "training": {"epochs": 3, "batch_size": 4} | training,
            "record": record,
            "plots": [],
        }
        return specnet.run(specnet.load_spec(spec, kernels=kernels), out=tmp_path / out)

    return call


def assert_the_same(masked, other, splits=("train", "validation")):
    """Two runs have the same history, evaluate and parameters, but for rounding."""
    for name in masked.history:
        if name.partition("/")[0] in splits:
            np.testing.assert_allclose(masked.history[name], other.history[name], rtol=1e-9, err_msg=name)
    for split in splits:
        assert masked.evaluate(split) == pytest.approx(other.evaluate(split), rel=1e-9)
    for name, values in masked.params.items():
        np.testing.assert_allclose(values, other.params[name], rtol=1e-8, atol=1e-14)


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("kernels", kernel_sets())
@pytest.mark.parametrize("target", LAYERS)
def test_a_run_on_masked_sequences_is_that_on_sequences_cut_to_length(train, target, kernels, weights):
    masked, cut = (
        train(form, dataset={"form": form, "weights": weights}, target=target, kernels=kernels, record={"every": 1})
        for form in ("masked", "cut")
    )
    assert_the_same(masked, cut)
    samples = masked.data.validation
    predictions = masked.predict(samples.inputs, samples.mask)
    assert np.isfinite(predictions).all()
    found, expected = predictions, cut.predict(cut.data.validation.inputs)
    np.testing.assert_allclose(found[:, :LENGTH] if target == "position" else found, expected, rtol=1e-9)
    if target == "sequence":
        np.testing.assert_allclose(masked.record["predictions"], cut.record["predictions"], rtol=1e-6)


BODIES = {
    "recurrent": [
        {"type": "lstm", "units": 3, "return_sequences": True},
        {"type": "gru", "units": 3, "return_sequences": True, "bidirectional": True},
    ],
    "attention": [
        "positional_encoding",
        {"type": "residual", "layers": ["layer_norm", {"type": "multi_head_attention", "num_heads": 2}]},
        {"type": "time_distributed", "layers": [{"type": "linear", "units": 4}, "batch_norm", "relu"]},
    ],
}


@pytest.mark.parametrize("name", BODIES)
def test_a_run_on_classes_of_positions_is_the_same_with_padding(tmp_path, name):
    runs = []
    for form in ("cut", "masked", "zeros"):
        table = {"type": "embedding", "input_dim": 5, "output_dim": 4, "mask_zero": form == "zeros"}
        spec = {
            "seed": 4,
            "dtype": "float64",
            "dataset": {"type": "tokens", "form": form},
            "layers": [table, *BODIES[name], {"type": "linear", "units": 3}],
            "loss": "cross_entropy",
            "optimizer": "sgd",
            "metrics": ["accuracy", "f1", "perplexity"],
            "training": {"epochs": 2, "batch_size": 8},
            "record": {"every": 1},
            "plots": [],
        }
        runs.append(specnet.run(specnet.load_spec(spec), out=tmp_path / form, report=False))
    for run in runs[1:]:
        assert_the_same(run, runs[0])


def test_positions_of_sequences_of_various_lengths_count_alike(train):
    for weights in (False, True):
        dataset = {"lengths": "various", "weights": weights}
        masked, flat = (
            train(f"{form} {weights}", dataset={**dataset, "form": form}, batch_size="full")
            for form in ("masked", "flat")
        )
        for name in ("train/loss", "train/mse", "train/mae", "validation/loss", "validation/mae"):
            np.testing.assert_allclose(masked.history[name], flat.history[name], rtol=1e-9)


@pytest.mark.parametrize("target", LAYERS)
def test_streamed_masks_stay_with_their_samples(train, target):
    dataset = {"lengths": "various", "weights": True}
    streamed, whole = (
        train(f"run {each}", dataset={**dataset, "streamed": each}, target=target, shuffle=False)
        for each in (True, False)
    )
    assert streamed.data.streamed
    assert_the_same(streamed, whole)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("target", LAYERS)
def test_a_run_on_masked_sequences_that_is_resumed_within_an_epoch_ends_in_the_same_bytes(
    train, stop, tmp_path, target, streamed
):
    settings = {"dataset": {"lengths": "various", "weights": True, "streamed": streamed}, "target": target}
    train("whole", **settings)
    stop(8)
    with pytest.raises(Interrupted):
        train("stopped", **settings)
    specnet.resume(tmp_path / "stopped")
    assert contents(tmp_path / "stopped") == contents(tmp_path / "whole")


def test_a_mask_for_predictions_has_to_match_the_inputs(train):
    run = train("run", epochs=1)
    with pytest.raises(specnet.SpecnetError, match=r"given mask is float64 of shape \(9, 5\)"):
        run.predict(run.data.validation.inputs, np.ones((9, 5)))
