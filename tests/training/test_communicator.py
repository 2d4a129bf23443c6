"""A batch computed as shards is the batch."""

import copy

import numpy as np
import pytest

import specnet
from specnet.training.batches import Batch
from specnet.training.communicator import Communicator, ShardResult
from specnet.training.loop import run_epoch
from specnet.training.model import Model
from specnet.training.settings import Training
from specnet.training.state import TrainingState
from specnet.training.trainer import Trainer
from specnet.training.tree import add
from specnet.transforms.pipeline import Pipeline

LAYERS = [{"type": "linear", "units": 6}, "tanh", {"type": "linear", "units": 2}]
DROPOUT = [LAYERS[0], {"type": "dropout", "rate": 0.4}, LAYERS[2]]


def make(shards, layers=LAYERS, loss="mse", weight=False, batch_size=8, kernels="numpy"):
    rng = np.random.default_rng(5)
    network = specnet.build_network(layers, (3,), "float64", seed=4, kernels=kernels)
    metrics = [specnet.build("metrics", name) for name in ("mse", "r2")]
    model = Model(network, specnet.build("losses", loss), Pipeline([], ()), Pipeline([], ()), metrics)
    target = rng.normal(size=(21, 2))
    split = Batch(rng.normal(size=(21, 3)), target, target, rng.random(21) * (rng.random(21) > 0.3) if weight else None)
    adam = specnet.build("optimizers", "adam")
    communicator = Communicator(shards) if isinstance(shards, int) else shards
    return Trainer(model, adam, Training(batch_size=batch_size), {"train": split}, 4, communicator=communicator)


@pytest.mark.parametrize("weight", [False, True])
@pytest.mark.parametrize("loss", ["mse", {"type": "huber", "reduction": "sum"}])
@pytest.mark.parametrize("shards", [2, 3, 5, 11])
def test_shards_add_up_to_the_whole(shards, loss, weight):
    whole, parts = make(1, loss=loss, weight=weight), make(shards, loss=loss, weight=weight)
    for _ in range(2):
        expected, found = run_epoch(whole), run_epoch(parts)
        for name in ("train/loss", "train/mse", "train/r2"):
            assert found[name] == pytest.approx(expected[name], rel=1e-12)
    np.testing.assert_allclose(parts.model.network.params.flat, whole.model.network.params.flat, rtol=1e-10)


@pytest.mark.parametrize("weight", [False, True])
@pytest.mark.parametrize("shards", [2, 5])
def test_shards_of_masked_sequences_add_up_to_the_whole(shards, weight):
    def masked(trainer):
        rng, split = np.random.default_rng(3), trainer.splits["train"]
        x, t = rng.normal(size=(21, 4, 3)), rng.normal(size=(21, 4, 2))
        masked = Batch(x, t, t, split.weight, np.arange(4) < rng.integers(1, 5, (21, 1)))
        network = specnet.build_network(LAYERS, (4, 3), "float64", seed=4)
        metrics = [*trainer.model.metrics.values()]
        model = Model(network, trainer.model.loss, Pipeline([], ()), Pipeline([], ()), metrics)
        optimizer = specnet.build("optimizers", "adam")
        return Trainer(model, optimizer, Training(batch_size=8), {"train": masked}, 4, (), trainer.communicator)

    whole, parts = (masked(make(count, weight=weight)) for count in (1, shards))
    for _ in range(2):
        expected, found = run_epoch(whole), run_epoch(parts)
        for name in ("train/loss", "train/mse", "train/r2"):
            assert found[name] == pytest.approx(expected[name], rel=1e-12)
    np.testing.assert_allclose(parts.model.network.params.flat, whole.model.network.params.flat, rtol=1e-10)


def test_each_shard_has_random_numbers_of_its_own_which_a_state_restores():
    first, second = make(3, DROPOUT), make(3, DROPOUT)
    run_epoch(first)
    state = first.state()
    generators = state.progress["generators"]
    assert {"layers.1", "layers.1/1", "layers.1/2"} <= generators.keys()
    assert generators["layers.1"] != generators["layers.1/1"] != generators["layers.1/2"]
    second.restore(TrainingState(state.arrays, copy.deepcopy(state.progress)))
    assert run_epoch(first) | {"seconds": 0} == run_epoch(second) | {"seconds": 0}
    assert first.model.network.params.flat.tobytes() == second.model.network.params.flat.tobytes()


def test_sums_are_added_in_a_tree_that_depends_on_the_number_of_shards_alone():
    class Named:
        def __init__(self, name):
            self.name = name

        def merge(self, other):
            self.name = f"({self.name}{other.name})"

    for count, expected in ((1, "0"), (2, "(01)"), (3, "((01)2)"), (4, "((01)(23))"), (5, "(((01)(23))4)")):
        results = [
            ShardResult(1.0, 2.0, np.ones(2), Named(str(number)), np.zeros(0), np.zeros(0)) for number in range(count)
        ]
        leaves = {(number, number + 1): result for number, result in enumerate(results)}
        total = add((0, count), leaves.get, ShardResult.plus)
        assert (total.measures.name, total.loss, total.weight) == (expected, count, 2 * count)
        assert total.gradient.tolist() == [count] * 2


def test_a_state_of_more_shards_is_refused():
    one, two = make(1), make(2)
    run_epoch(two)
    with pytest.raises(ValueError, match=r"generators of layers\.0/1, layers\.1/1, layers\.2/1, transforms/1"):
        one.restore(two.state())
    with pytest.raises(ValueError, match=r"generators of layers\.0/1"):
        two.restore(one.state())
    assert one.step == 0
