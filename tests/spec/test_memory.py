import math
import tracemalloc

import numpy as np
import pytest
from helpers import STACKS

from specnet import SpecnetError, build, build_network, load_spec
from specnet.runs.experiment import Experiment
from specnet.spec.memory import CGROUP, machine_memory, show_bytes, training_bytes
from specnet.spec.plan import MOST_LAYERS, make_plan
from specnet.training.batches import Batch
from specnet.training.loop import run_epoch
from specnet.training.model import Model
from specnet.training.pipeline import Pipeline
from specnet.training.summary import layer_costs
from specnet.training.settings import Training
from specnet.training.trainer import Trainer

MINIMAL = {"dataset": "spiral", "loss": "bce_with_logits"}
ONE = {"type": "linear", "units": 1}


def linear(units):
    return {"type": "linear", "units": units, "bias": False}


def test_memory_is_that_of_parameters_gradients_slots_activations_a_batch_and_scratch():
    spec = load_spec(
        MINIMAL | {"layers": [linear(10), "silu", ONE], "optimizer": "adam", "training": {"batch_size": 8}}
    )
    plan = make_plan(spec)
    total, needs = training_bytes(spec, layer_costs(plan.layers), plan.inputs, 8)
    copies = 4  # parameters, gradients and the two slots of adam
    # y of the first layer; s; y, dx and x with a further feature of the last.
    rows = 256  # which are evaluated at a time
    assert needs == [4 * (copies * 20 + rows * 10), 4 * rows * 10, 4 * (copies * 11 + rows * (1 + 10 + 11))]
    assert total == sum(needs) + 4 * 8 * (2 + 2 * 1 + 10)  # inputs, what the loss holds, the widest slope
    twice = training_bytes(load_spec(spec.to_json(), ["dtype=float64"]), layer_costs(plan.layers), plan.inputs, 8)
    assert twice[0] == 2 * total


@pytest.mark.parametrize("name", STACKS)
def test_the_estimate_is_close_to_what_training_takes(name):
    spec, rows, width = load_spec(MINIMAL | {"layers": [ONE]}), 2000, 128
    tracemalloc.start()
    try:
        x = np.ones((rows, width), "float32")
        network = build_network(STACKS[name], (width,))
        model = Model(network, build("losses", "mse"), Pipeline([], ()), Pipeline([], ()))
        target = np.zeros((rows, *network.output_shape), "float32")
        splits = {"train": Batch(x, target, target)}
        trainer = Trainer(model, spec.optimizer, Training(batch_size=None), splits, seed=0)
        for _ in range(2):  # the first step has nothing to replace
            run_epoch(trainer)
        _, measured = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    estimate, _ = training_bytes(spec, layer_costs(network.layers), (width,), rows)
    assert 0.6 * measured <= estimate <= 1.2 * measured


@pytest.mark.parametrize(
    ("layers", "place"),
    [
        ([linear(10**12), ONE], ("layers", 0)),
        ([linear(10**300), linear(10**300), ONE], ("layers", 1)),
        ([linear(60_000), linear(60_000), ONE], ("layers", 1)),
        ([{"type": "residual", "layers": [linear(10**11), linear(2)]}, ONE], ("layers", 0, "layers", 0)),
        ([linear(1000), {"type": "repeat", "times": 500, "layers": ["tanh", linear(20_000)]}, ONE],
         ("layers", 1, "layers", 1)),
    ],
)  # fmt: skip
def test_what_no_memory_holds_is_refused_at_the_layer_that_takes_most(layers, place):
    with pytest.raises(SpecnetError, match="the budget is 32 GB") as raised:
        load_spec(MINIMAL | {"layers": layers}, memory_budget=32e9)
    (found,) = raised.value.diagnostics
    assert (found.code, found.pointer) == ("memory", place)


def test_the_budget_is_what_the_machine_has_unless_it_is_given():
    assert 1e8 < machine_memory() < 1e15
    layers = {"layers": [linear(math.isqrt(int(machine_memory()))), linear(math.isqrt(int(machine_memory()))), ONE]}
    with pytest.raises(SpecnetError, match="memory"):
        load_spec(MINIMAL | layers)
    assert load_spec(MINIMAL | layers, memory_budget=1e16).memory_budget == 1e16
    assert not load_spec(MINIMAL | {"layers": [ONE]}).warnings


def test_a_limit_of_the_container_is_a_limit(tmp_path, monkeypatch):
    whole = machine_memory()
    limit = tmp_path / "memory.max"
    monkeypatch.setattr("specnet.spec.memory.CGROUP", limit)
    assert CGROUP.name == "memory.max"
    limit.write_text("max\n")
    assert machine_memory() >= whole
    limit.write_text("123456\n")
    assert machine_memory() == 123456


def test_where_only_the_data_tell_the_shape_the_budget_holds_before_anything_is_allocated():
    document = MINIMAL | {"layers": [linear(10**12), linear(2)], "loss": "mse", "dtype": "float64"}
    document["transforms"] = {"inputs": ["one_hot"], "targets": ["one_hot"]}
    spec = load_spec(document, memory_budget=1e9)
    with pytest.raises(SpecnetError, match="the budget is 1 GB") as raised:
        Experiment(spec)
    assert raised.value.diagnostics[0].pointer == ("layers", 0)


def test_copies_without_end_are_refused_before_they_are_made():
    layer = "tanh"
    for _ in range(4):
        layer = {"type": "repeat", "times": 1000, "layers": [layer]}
    with pytest.raises(SpecnetError, match=f"more than {MOST_LAYERS:,}") as raised:
        load_spec(MINIMAL | {"layers": [ONE, layer]})
    assert raised.value.diagnostics[0].pointer == ("layers", 1)


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (14_400_000_000, "14.4 GB"),
        (3.2e13, "32 TB"),
        (7e18, "more than 1,000 TB"),
        (10**400, "more than 1,000 TB"),
    ],
)
def test_bytes_are_shown_as_people_say_them(count, shown):
    assert show_bytes(count) == shown


def test_samples_of_a_single_number_have_a_shape_too():
    spec = load_spec(MINIMAL | {"layers": ["flatten", ONE]})
    plan = make_plan(spec, (), 0)
    assert (plan.inputs, plan.rows, plan.output_shape) == ((), 0, (1,))
