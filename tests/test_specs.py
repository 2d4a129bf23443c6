"""The specs of the project reach what they promise."""

from pathlib import Path

import numpy as np
import pytest

import specnet
from specnet.runs.experiment import Experiment
from specnet.runs.trained.building import load_data
from specnet.training.loop import run_epoch

SPECS = Path(__file__).parents[1] / "specs"


@pytest.mark.parametrize(
    ("name", "split", "metric", "least", "most"),
    [
        ("spiral", "train", "accuracy", 1.0, 1.0),
        pytest.param("regression", "train", "mse", 0.0, 0.015, marks=pytest.mark.long),
        pytest.param("mnist", "test", "accuracy", 0.95, 1.0, marks=pytest.mark.long),
        pytest.param("digits_conv", "test", "accuracy", 0.975, 1.0, marks=pytest.mark.long),
        ("penguins", "test", "accuracy", 0.97, 1.0),
        ("penguins_heads", "test", "accuracy/species", 0.96, 1.0),
        ("auto_mpg", "test", "r2", 0.9, 1.0),
        pytest.param("seattle_weather", "test", "accuracy", 0.74, 1.0, marks=pytest.mark.long),
        # Repeating the last month: 45, the same month of last year: 48.
        pytest.param("air_passengers", "test", "mae", 0.0, 17.0, marks=pytest.mark.long),
        pytest.param("adding", "validation", "mse", 0.0, 0.01, marks=pytest.mark.long),  # predicting the mean: 0.167
        pytest.param("adding_100", "validation", "mse", 0.0, 0.02, marks=pytest.mark.long),
        pytest.param("mnist1d_mlp", "test", "accuracy", 0.64, 1.0, marks=pytest.mark.long),
        pytest.param("mnist1d_cnn", "test", "accuracy", 0.93, 1.0, marks=pytest.mark.long),
        pytest.param("mnist1d_gru", "test", "accuracy", 0.89, 1.0, marks=pytest.mark.long),
        pytest.param("copy", "test", "accuracy", 1.0, 1.0, marks=pytest.mark.long),
        pytest.param("characters", "validation", "bits_per_character", 0.0, 2.0, marks=pytest.mark.long),
        pytest.param("two_spirals", "train", "accuracy", 1.0, 1.0, marks=pytest.mark.long),
    ],
)
def test_a_spec_reaches_what_it_promises(name, split, metric, least, most, tmp_path):
    run = specnet.run(specnet.load_spec(SPECS / f"{name}.json"), out=tmp_path / "run")
    assert least <= run.evaluate(split)[metric] <= most
    assert {path.stem for path in run.plots} == {plot.to_spec()["type"] for plot in run.spec.plots}


@pytest.mark.parametrize(
    ("name", "epochs"),
    [
        ("cs231n_spiral", 200),
        ("micrograd_moons", 10),
        ("grokking", 5),
        ("nielsen", 2),
        ("mackey_glass", 2),
        ("mnist", 2),
        ("seattle_weather", 5),
        ("air_passengers", 20),
        ("sunspots", 2),
    ],
)
def test_the_loss_of_a_spec_falls(name, epochs):
    trainer = Experiment(specnet.load_spec(SPECS / f"{name}.json", [f"training.epochs={epochs}"])).trainer
    history = [run_epoch(trainer) for _ in range(epochs)]
    assert history[-1]["train/loss"] < 0.9 * history[0]["train/loss"]


def test_a_tied_decoder_begins_to_restore_digits():
    changes = ["training.epochs=2", "split.validation=0.9"]
    trainer = Experiment(specnet.load_spec(SPECS / "digits_autoencoder.json", changes)).trainer
    assert [run_epoch(trainer)["train/loss"] for _ in range(2)][1] < 0.12


@pytest.mark.parametrize(
    ("name", "overrides"),
    [
        ("adding_100", ["dataset.n_samples=200", "dataset.length=10"]),
        ("mnist1d_mlp", ["dataset.n_samples=500"]),
        ("mnist1d_cnn", ["dataset.n_samples=500"]),
        ("mnist1d_gru", ["dataset.n_samples=200"]),
        ("copy", ["dataset.n_samples=400", "dataset.length=3"]),
        ("characters", ["dataset.sequence_length=20", "dataset.stride=4000"]),
        ("two_spirals", ["training.epochs=60"]),
    ],
)
def test_a_spec_learns_in_a_short_form(name, overrides):
    overrides = ["training.epochs=3", *overrides]
    trainer = Experiment(specnet.load_spec(SPECS / f"{name}.json", overrides)).trainer
    history = [run_epoch(trainer) for _ in range(trainer.training.epochs)]
    assert history[-1]["train/loss"] < 0.97 * history[0]["train/loss"]


@pytest.fixture
def finished(tmp_path):
    def train(name, *overrides):
        spec = specnet.load_spec(SPECS / f"{name}.json", ["plots=[]", *overrides])
        return specnet.run(spec, out=tmp_path / "-".join([name, *overrides]), report=False)

    return train


@pytest.mark.long
def test_a_tied_decoder_restores_digits(finished):
    run = finished("digits_autoencoder")
    assert run.evaluate("test")["loss"] <= 0.0125
    images = run.data.splits["test"].inputs
    half = images * (np.random.default_rng(0).random(images.shape) < 0.5)
    assert np.mean(np.square((run.predict(2.0 * half) - images) / 255)) <= 0.0175


@pytest.mark.long
@pytest.mark.parametrize(("name", "loss", "accuracy"), [("cs231n_spiral", 0.245, 0.98), ("micrograd_moons", 0.011, 1)])
def test_classes_in_the_plane_are_learned_as_published(name, loss, accuracy, finished):
    run = finished(name)
    assert run.history["train/loss"][-1] + run.history["train/l2"][-1] <= loss
    assert run.evaluate("train")["accuracy"] >= accuracy


@pytest.mark.long
def test_grokking_comes_long_after_the_training_pairs_are_learned(finished):
    history = finished("grokking").history
    learned, understood = (
        next(iter(history["epoch"][history[f"{split}/accuracy"] >= 0.99])) for split in ("train", "validation")
    )
    assert 50 <= learned <= 90
    assert 270 <= understood <= 400


@pytest.mark.long
def test_a_penalty_helps_where_there_are_a_thousand_digits(finished):
    assert finished("nielsen").evaluate("validation")["accuracy"] >= 0.871
    assert finished("nielsen", "training.l2=0").evaluate("validation")["accuracy"] == pytest.approx(0.823, abs=0.02)


@pytest.mark.long
def test_mackey_glass_is_predicted_as_published(finished):
    assert finished("mackey_glass").evaluate("test")["nrmse"] <= 0.02
    assert finished("mackey_glass", "optimizer=lbfgs", "training.epochs=400").evaluate("test")["nrmse"] <= 0.02


def bits_of_pairs(samples, others, count):
    """Return the bits that each token takes, by counts of pairs in `samples`, with 0.01 added to each."""
    pairs = np.zeros((count, count))
    np.add.at(pairs, (samples.inputs, samples.targets), 1)
    p = (pairs + 0.01) / (pairs + 0.01).sum(axis=1, keepdims=True)
    return -np.log2(p[others.inputs, others.targets]).mean()


def test_pairs_of_characters_need_3_bits_for_each():
    data = load_data(specnet.load_spec(SPECS / "characters.json"))
    assert bits_of_pairs(data.train, data.validation, data.vocabulary) == pytest.approx(3.18, abs=0.01)


@pytest.mark.long
@pytest.mark.parametrize(("seeds", "least"), [(range(10), 9), (range(10, 30), 17)])
def test_two_spirals_are_told_apart_from_nearly_every_start(seeds, least):
    reached = 0
    for seed in seeds:
        trainer = Experiment(specnet.load_spec(SPECS / "two_spirals.json", [f"seed={seed}"])).trainer
        reached += any(run_epoch(trainer)["train/accuracy"] == 1 for _ in range(1700))
    assert reached >= least


@pytest.mark.long
def test_a_penalty_predicts_sunspots_as_well_as_the_threshold_autoregression(finished):
    variance = 1535  # of all sunspots, in the paper
    assert finished("sunspots").evaluate("test")["rmse"] ** 2 / variance <= 0.0975
    assert finished("sunspots", "training.l2=0").evaluate("test")["rmse"] >= 16
