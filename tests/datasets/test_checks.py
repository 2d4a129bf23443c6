"""Weights and masks that do not match their samples are refused before training."""

import dataclasses

import numpy as np
import pytest

import specnet
from specnet import Dataset
from specnet.datasets.base import Data, Samples, StreamedSamples
from specnet.datasets.rows import Rows
from specnet.errors import DataError
from specnet.runs.experiment import Experiment
from specnet.runs.provenance.manifest import data_digest
from specnet.runs.trained.building import load_data
from specnet.training.loop import run_epoch

X, T = np.random.default_rng(0).normal(size=(2, 8, 4))
GIVEN = {}


class Given(Dataset):
    """Samples with the weights and masks under test."""

    def load(self, rng):
        return Data(samples(**GIVEN))


def samples(weight=None, mask=None, inputs=X[..., np.newaxis], targets=T[..., np.newaxis], buffer=None):
    arrays = [None if each is None else np.asarray(each) for each in (inputs, targets, weight, mask)]
    if buffer is None:
        return Samples(*arrays)
    x, t, *further = (
        each if each is None else Rows(each.shape, each.dtype, lambda start, stop, each=each: each[start:stop].copy())
        for each in arrays
    )
    return StreamedSamples(x, t, buffer, *further)


@pytest.fixture
def spec(local):
    """Return a spec with given samples: sequences of 4 numbers each."""
    specnet.register("datasets", "given")(Given)

    def call(arrays, split=None, **training):
        GIVEN.clear()
        GIVEN.update(arrays)
        return specnet.load_spec(
            {
                "dataset": "given",
                "split": split or {},
                "layers": [{"type": "linear", "units": 3}, "tanh", {"type": "linear", "units": 1}],
                "loss": "mse",
                "metrics": ["mse", "r2"],
                "training": {"epochs": 1} | training,
            }
        )

    return call


WRONG = {
    "fewer": ({"weight": np.ones(7)}, r"train weight has shape \(7,\), expected \(8,\)"),
    "more": ({"weight": np.ones(9)}, r"train weight has shape \(9,\)"),
    "axes": ({"weight": np.ones((8, 3))}, r"train weight has shape \(8, 3\).*the targets, \(8, 4, 1\)"),
    "negative": ({"weight": np.arange(8.0) - 1}, "a train weight is negative, -1 in row 0"),
    "infinite": ({"weight": np.full(8, np.inf)}, "train weights are not finite in row 0"),
    "zero": ({"weight": np.zeros((8, 4))}, "all train weights are 0"),
    "dtype": ({"mask": np.ones((8, 4))}, r"train mask is float64 of shape \(8, 4\)"),
    "time": ({"mask": np.ones((8, 3), bool)}, r"train mask is bool of shape \(8, 3\): inputs have shape \(8, 4, 1\)"),
    "rows": ({"mask": np.ones((7, 4), bool)}, r"train mask is bool of shape \(7, 4\)"),
    "flat": ({"mask": np.ones(8, bool)}, r"train mask is bool of shape \(8,\)"),
    "nothing": ({"mask": np.zeros((8, 4), bool)}, "all positions of the train samples are masked"),
}


@pytest.mark.parametrize("buffer", [None, 300])
@pytest.mark.parametrize(("arrays", "told"), WRONG.values(), ids=WRONG)
def test_what_does_not_match_is_refused_at_the_dataset(spec, arrays, told, buffer):
    with pytest.raises(DataError, match=told) as error:
        Experiment(spec({**arrays, "buffer": buffer}, batch_size=2))
    assert error.value.pointer == ("dataset",)


@pytest.mark.parametrize("weight", [np.ones(8), np.ones((8, 1)), np.ones((8, 4)), np.ones((8, 4, 1)), np.ones(8, int)])
def test_weights_have_the_first_axes_of_the_targets(spec, weight):
    plain, weighted = (run_epoch(Experiment(spec(arrays)).trainer) for arrays in ({}, {"weight": weight}))
    assert weighted | {"seconds": 0} == pytest.approx(plain | {"seconds": 0})


def test_a_split_without_weight_is_refused_by_name(spec):
    one = np.zeros(8)
    one[0] = 1
    with pytest.raises(DataError, match=r"all (train|validation) weights are 0") as error:
        Experiment(spec({"weight": one}, split={"validation": 0.5}))
    assert error.value.pointer == ("split",)


@pytest.mark.parametrize("buffer", [None, 700])
def test_a_batch_and_a_piece_without_weight_count_for_nothing(spec, buffer):
    weight = np.repeat([0.0, 1.0], 4)
    cut = {"inputs": X[4:, :, np.newaxis], "targets": T[4:, :, np.newaxis]}
    settings = {"batch_size": 2, "shuffle": False, "early_stopping": None}
    trainer, expected = (
        Experiment(spec(arrays, **settings)).trainer for arrays in ({"weight": weight, "buffer": buffer}, cut)
    )
    if buffer:
        assert not next(iter(trainer.splits["train"].pieces())).weight.any()
    for each in (trainer, expected):
        each.callbacks.clear()
    found, plain = trainer.model.score(trainer.splits["train"]), expected.model.score(expected.splits["train"])
    assert found == pytest.approx(plain, rel=1e-5)
    line = run_epoch(trainer)
    assert all(np.isfinite(value) for value in line.values())


def test_weights_and_masks_that_leave_nothing_together_are_an_error(spec):
    weight, mask = np.repeat([0.0, 1.0], 4), np.repeat([[True], [False]], 4, axis=0) & np.ones(4, bool)
    trainer = Experiment(spec({"weight": weight, "mask": mask})).trainer
    with pytest.raises(DataError, match="each sample has weight 0, or only masked positions"):
        run_epoch(trainer)
    with pytest.raises(DataError, match="each sample has weight 0"):
        trainer.model.score(trainer.splits["train"])


def test_further_samples_are_checked_too(spec):
    model = Experiment(spec({})).model
    with pytest.raises(DataError, match="a given weight is negative, -1 in row 0"):
        model.evaluate(samples(weight=-np.ones(8)))


def test_features_have_no_positions_to_mask(spec):
    with pytest.raises(specnet.SpecnetError, match=r"layers\.0 .*cannot take sequences with masked positions"):
        Experiment(spec({"inputs": X, "targets": T[:, :1], "mask": np.ones((8, 4), bool)}))


def test_the_digest_of_data_has_weights_and_masks(spec):
    weight, mask = np.ones(8), np.ones((8, 4), bool)
    forms = [{}, {"weight": weight}, {"weight": 2 * weight}, {"mask": mask}, {"weight": mask}]
    digests = {data_digest(load_data(spec(arrays))) for arrays in forms}
    assert len(digests) == len(forms)
    data = load_data(spec({"weight": weight}))
    plain = dataclasses.replace(data, train=data.train._replace(weight=None))
    assert data_digest(plain) == data_digest(load_data(spec({})))
