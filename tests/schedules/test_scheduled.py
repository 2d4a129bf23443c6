"""Fields that vary with time, in whatever trains."""

import json
from typing import Annotated

import numpy as np
import pytest

import specnet
from specnet import Layer, Optimizer
from specnet.component import fresh_copy
from specnet.layers.composite import Residual
from specnet.losses.regression import Mse
from specnet.optimizers.sgd import Sgd
from specnet.schedules.base import scheduled
from specnet.schedules.scheduled import ScheduledFields, find_scheduled

HALVING = {"type": "exponential", "initial": 1.0, "every_steps": 1}
FALLING = {"type": "linear", "initial": 0.6, "final": 0}
COSINE = {"type": "cosine", "initial": 0.5}


class Scaling(Layer):
    """y = rate x, whose rate may vary."""

    rate: Annotated[float, scheduled(ge=0)] = 1.0

    def forward(self, x, training):
        return self.rate * x

    def backward(self, dy):
        return self.rate * dy


class Weighted(Mse):
    share: Annotated[float, scheduled(ge=0)] = 1.0


class Grouped(Optimizer):
    rates: list[Annotated[float, scheduled(gt=0)]]

    def update(self, w, g, state, step): ...


def fields(**components):
    found = ScheduledFields({place.replace("_", "."): component for place, component in components.items()})
    found.bind(2, 8)
    return found


def test_a_field_is_a_number_in_training_and_stays_a_schedule_in_the_spec():
    described = Sgd(learning_rate=HALVING)
    written, sgd = described.to_spec(), fresh_copy(described)
    rates = fields(optimizer=sgd)
    seen = []
    for step in range(3):
        rates.set(step)
        seen.append(sgd.learning_rate)
    assert seen == [1.0, 0.5, 0.25]
    assert described.to_spec() == written
    assert described == specnet.build("optimizers", json.loads(json.dumps(written)))
    assert list(fields(optimizer=fresh_copy(described)).schedules) == ["optimizer.learning_rate"]


def test_a_list_of_numbers_and_schedules_is_one_of_numbers():
    grouped = Grouped(rates=[0.1, HALVING, COSINE])
    found = fields(optimizer=grouped)
    found.set(4)
    assert grouped.rates == [0.1, 0.0625, pytest.approx(0.25)]
    assert found.values(4) == {"optimizer.rates.1": 0.0625, "optimizer.rates.2": pytest.approx(0.25)}


def test_layers_and_losses_have_scheduled_fields_too():
    layers = [Residual(layers=[Scaling(rate=HALVING)]), Scaling(rate=COSINE), Scaling()]
    network = specnet.build_network(layers, (3,), "float64")
    loss = Weighted(share=HALVING)
    found = ScheduledFields({"optimizer": specnet.build("optimizers", "adam"), "loss": loss}, network.scheduled.fields)
    found.bind(2, 8)
    found.set(2)
    assert found.values(2) == {
        "optimizer.learning_rate": 0.001,
        "loss.share": 0.25,
        "layers.0.layers.0.rate": 0.25,
        "layers.1.rate": pytest.approx(0.25 + 0.25 * np.sqrt(0.5)),
    }
    x = np.ones((1, 3))
    np.testing.assert_allclose(network.forward(x), (1 + 0.25) * found.values(2)["layers.1.rate"] * x)
    assert loss.share == 0.25


def test_nothing_is_set_where_nothing_is_scheduled():
    found = fields(optimizer=specnet.build("optimizers", "sgd"), layers_0=Scaling())
    assert found.fields == []
    assert found.values(3) == {"optimizer.learning_rate": 0.01}
    assert fields(optimizer=Grouped(rates=[0.1])).values(0) == {}


def test_fields_are_found_with_their_places():
    (field,) = find_scheduled(Grouped(rates=[0.1, HALVING]), ("optimizer",))
    assert (field.name, list(field.schedules)) == ("rates", [("optimizer", "rates", 1)])


def test_lengths_in_epochs_and_to_the_end_are_those_of_the_run():
    found = fields(optimizer=Grouped(rates=[{**COSINE, "epochs": 2}, COSINE]))
    assert [*found.values(2).values()] == pytest.approx([0.25, 0.25 + 0.25 * np.sqrt(0.5)])
    found.bind(2, 4)
    assert [*found.values(2).values()] == pytest.approx([0.25, 0.25])


def test_a_schedule_that_watches_a_value_is_found_inside_others():
    plateau = {"type": "reduce_on_plateau", "initial": 0.4, "patience": 1, "factor": 0.5}
    found = fields(optimizer=Sgd(learning_rate={"type": "warmup", "steps": 2, "schedule": plateau}))
    (place,) = found.watching
    assert place == "optimizer.learning_rate.schedule"
    for loss in (2, 3, 3):
        found.watching[place].look({"validation/loss": loss})
    assert [found.values(step)["optimizer.learning_rate"] for step in range(3)] == [0.05, 0.1, 0.1]


def test_the_rate_of_dropout_falls_in_a_run_and_in_a_resumed_one(tmp_path):
    spec = {
        "dataset": {"type": "spiral", "n_samples": 40},
        "layers": [
            {"type": "linear", "units": 4, "l2": {"type": "linear", "initial": 0.0, "final": 0.1}},
            {
                "type": "residual",
                "layers": [{"type": "dropout", "rate": FALLING}],
            },
            {"type": "linear", "units": 1},
            "sigmoid",
        ],
        "loss": "bce",
        "optimizer": {"type": "sgd", "momentum": {"type": "linear", "initial": 0.5, "final": 0.9}},
        "training": {"epochs": 4, "batch_size": 10},
        "plots": [],
    }
    whole = specnet.run(specnet.load_spec(spec), tmp_path / "whole", report=False)
    rates = whole.history["layers.1.layers.0.rate"]
    np.testing.assert_allclose(rates, 0.6 * (1 - np.arange(3, 16, 4) / 16))
    assert whole.history["optimizer.momentum"][-1] == pytest.approx(0.875)
    assert whole.history["train/l2"][-1] > 0
    stopped = specnet.run(specnet.load_spec(spec, ["training.epochs=2"]), tmp_path / "part", report=False)
    resumed = specnet.resume(stopped.directory, ["training.epochs=4"], report=False)
    assert resumed.history["layers.1.layers.0.rate"][-1] == rates[-1]


def test_a_network_with_schedules_computes_before_it_is_trained():
    network = specnet.build_network([{"type": "dropout", "rate": {"type": "constant", "value": 0.5}}], (1000,))
    assert set(np.unique(network.forward(np.ones((1, 1000), np.float32), training=True))) == {0, 2}


@pytest.mark.parametrize(("final", "found"), [(1.2, "less than 1"), (0.999, "")])
def test_a_schedule_that_leaves_the_range_of_its_field_is_refused_before_training(final, found):
    layers = [{"type": "dropout", "rate": {"type": "linear", "initial": 0.5, "final": final}}]
    scheduled = specnet.build_network(layers, (3,)).scheduled
    if not found:
        scheduled.bind(10, 1000)
        return
    with pytest.raises(specnet.SpecnetError, match=f"rate should be {found}, but the schedule returns 1.00") as caught:
        scheduled.bind(10, 1000)
    assert caught.value.pointer == ("layers", 0, "rate")


@pytest.mark.parametrize(
    "layer",
    [
        {"type": "lstm", "units": 3, "bidirectional": True, "dropout": FALLING, "recurrent_dropout": FALLING},
        {"type": "multi_head_attention", "num_heads": 1, "dropout": FALLING},
    ],
    ids=["recurrent", "attention"],
)
def test_the_dropout_of_sequences_ends_where_its_schedule_does(layer):
    network = specnet.build_network([layer], (4, 2), "float64")
    network.scheduled.bind(1, 10)
    x = np.random.default_rng(0).normal(size=(3, 4, 2))
    for step, same in ((0, False), (10, True)):
        network.scheduled.set(step)
        assert np.array_equal(network.forward(x, training=True).copy(), network.forward(x)) == same
