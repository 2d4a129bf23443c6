"""Ranks compute what one process does; here they are threads, which the forms of the base class connect."""

import pickle
import threading
from functools import partial

import numpy as np
import pytest
from training.test_communicator import make

import specnet
from specnet.errors import Diagnostic, DivergenceError, Interrupted, SpecError
from specnet.training.communicator import Communicator
from specnet.training.loop import run_epoch
from specnet.training.ranks import Ranks
from specnet.training.tree import subtrees

LAYERS = [
    {"type": "linear", "units": 6},
    "batch_norm",
    {"type": "dropout", "rate": 0.3},
    {"type": "linear", "units": 2, "activity_l2": 0.1},
]


class Threads(Ranks):
    """Ranks that are threads of this process."""

    def __init__(self, rank, shared):
        super().__init__()
        self.rank, self.count = rank, len(shared["values"])
        self.shared = shared

    def gather(self, value):
        self.shared["values"][self.rank] = pickle.dumps(value)
        self.shared["barrier"].wait(60)
        found = [pickle.loads(each) for each in self.shared["values"]]
        self.shared["barrier"].wait(60)
        return found


def on_threads(count, call):
    """Return what `call` returns on each rank."""
    shared, found = {"values": [None] * count, "barrier": threading.Barrier(count)}, [None] * count

    def run(rank):
        found[rank] = call(Threads(rank, shared))

    threads = [threading.Thread(target=run, args=[rank]) for rank in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def trained(ranks, shards=5, layers=LAYERS):
    trainer = make(Communicator(shards, 1, ranks), layers)
    lines = [run_epoch(trainer) | {"seconds": 0} for _ in range(3)]
    return lines, {name: array.tobytes() for name, array in trainer.state().arrays.items()}, trainer.state().progress


@pytest.mark.parametrize("count", [2, 3, 5])
def test_ranks_end_in_the_bytes_of_one_process(count):
    expected = trained(None)
    for found in on_threads(count, trained):
        assert found == expected


SYNCHRONIZED = [LAYERS[0], {"type": "batch_norm", "synchronized": True}, *LAYERS[2:]]


@pytest.mark.parametrize("count", [2, 3, 5])
def test_layers_that_add_up_over_shards_do_so_on_any_number_of_ranks(count):
    expected = trained(None, layers=SYNCHRONIZED)
    assert expected != trained(None)
    for found in on_threads(count, partial(trained, layers=SYNCHRONIZED)):
        assert found == expected


@pytest.mark.parametrize("kernels", ["textbook", "numpy"])
@pytest.mark.parametrize("shards", [2, 3, 11])
def test_synchronized_batch_statistics_are_those_of_the_whole_batch(shards, kernels):
    layers = [layer for layer in SYNCHRONIZED if "rate" not in layer]  # drawn for each shard
    whole, parts = (make(Communicator(count), layers, kernels=kernels) for count in (1, shards))
    for _ in range(2):
        expected, found = run_epoch(whole), run_epoch(parts)
        assert found["train/loss"] == pytest.approx(expected["train/loss"], rel=1e-11)
    for name, array in whole.state().arrays.items():
        np.testing.assert_allclose(parts.state().arrays[name], array, rtol=1e-9, atol=1e-9)


def test_an_error_in_one_of_the_shards_that_run_side_by_side_ends_all():
    def fail(ranks):
        trainer = make(Communicator(4, 1, ranks), SYNCHRONIZED)
        trainer.splits["train"].inputs[7] = np.nan  # in one of them
        with pytest.raises(DivergenceError) as error:
            run_epoch(trainer)
        return str(error.value)

    threads = threading.active_count()
    alone = fail(None)
    assert threading.active_count() == threads
    assert on_threads(2, fail) == [alone] * 2


def test_ranks_share_an_elementwise_update_and_collect_its_slots(monkeypatch):
    monkeypatch.setattr("specnet.optimizers.base.PIECE", 7)
    expected = trained(None)
    assert all(found == expected for found in on_threads(3, trained))


def test_the_running_state_is_the_mean_over_shards():
    def moved(shards):
        trainer = make(Communicator(shards), LAYERS, batch_size=20)
        (batch,) = [*trainer.batches][:1]
        trainer.communicator.reduce(trainer, batch, forward)
        return trainer.model.network.state["layers.1.moving_mean"].copy()

    def forward(trainer, batch):
        trainer.model.network.propagate(batch.inputs, training=True, mask=None)
        return 0.0, 1.0

    np.testing.assert_allclose(moved(4), moved(1), rtol=1e-12)  # equal shards: the mean of means is that of all


def test_the_shards_of_a_rank_are_whole_nodes_of_the_tree():
    assert [*subtrees((0, 8), 2, 7)] == [(2, 4), (4, 6), (6, 7)]
    assert [*subtrees((0, 6), 0, 6)] == [(0, 6)]
    assert [*subtrees((0, 6), 3, 6)] == [(3, 4), (4, 6)]


FAILURES = [
    SpecError([Diagnostic("unknown-key", "there is no such key", ("layers", 0))]),
    Interrupted("SIGTERM", 15),
    ZeroDivisionError("by zero"),
    type("Odd", (Exception,), {})(lambda: None),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_an_error_of_one_rank_is_raised_on_all(failure):
    def fail(ranks):
        try:
            with ranks.together():
                if ranks.rank == 1:
                    raise failure
        except BaseException as error:
            assert ranks.is_shared(error)
            return type(error), str(error), getattr(error, "exit_code", 1)

    other, own, _ = on_threads(3, fail)
    if type(failure).__name__ == "Odd":  # which cannot be sent
        assert other[0] is specnet.SpecnetError
        assert "Odd" in other[1]
    else:
        assert other == own == (type(failure), str(failure), getattr(failure, "exit_code", 1))


def test_rank_0_decides_whether_training_ends():
    def stop(ranks):
        trainer = make(Communicator(2, 1, ranks))
        if ranks.rank == 0:
            trainer.stop("the time is over")
        trainer.communicator.agree(trainer)
        return trainer.stopped

    assert on_threads(2, stop) == ["the time is over"] * 2
