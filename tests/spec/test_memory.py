import math
import time
import tracemalloc

import numpy as np
import pytest
from helpers import STACKS, sampled

from specnet import SpecnetError, build, load_spec
from specnet.network.network import Network
from specnet.runs.experiment import Experiment
from specnet.spec.memory import CGROUP, estimate_memory, machine_memory, show_bytes
from specnet.spec.plan import MAX_LAYERS, make_plan
from specnet.training.batches import Batch
from specnet.training.loop import run_epoch
from specnet.training.model import Model
from specnet.training.settings import Training
from specnet.training.trainer import Trainer
from specnet.transforms.pipeline import Pipeline

MINIMAL = {"dataset": "spiral", "loss": "bce_with_logits"}
ONE = {"type": "linear", "units": 1}


def linear(units):
    return {"type": "linear", "units": units, "use_bias": False}


def planned(layers, width, rows, batch, loss="mse", dtype="float32"):
    """Return a spec of a network for so many inputs and its plan."""
    spec = load_spec(MINIMAL | {"layers": [ONE], "optimizer": "adam", "dtype": dtype})
    changes = {
        "layers": [build("layers", layer) for layer in layers],
        "loss": build("losses", loss),
        "training": Training(batch_size=batch),
    }
    spec = spec.model_copy(update=changes)
    plan = make_plan(spec, (width,), rows)
    plan.targets = () if loss == "cross_entropy" else plan.output_shape
    plan.classes = 2 if loss == "cross_entropy" else None
    return spec, plan


def taken(spec, plan):
    """Return the bytes that two epochs take, measured on few samples; the splits themselves apart."""
    rng = np.random.default_rng(0)
    x = rng.random((plan.rows, *plan.inputs)).astype(spec.dtype)
    raw = np.zeros((plan.rows, *plan.targets), int if plan.classes else spec.dtype)
    target = build("losses", spec.loss.to_spec()).prepare(raw, plan.output_shape, np.dtype(spec.dtype))
    split, few = Batch(x, target, target), Batch(x[:256], target[:256], target[:256])

    def train():
        network = Network(spec.layers, plan.inputs, spec.dtype, kernels=spec.kernels)
        loss, optimizer = spec.kernels.instantiate(spec.loss), spec.kernels.instantiate(spec.optimizer)
        model = Model(network, loss, Pipeline([], ()), Pipeline([], ()))
        trainer = Trainer(model, optimizer, spec.training, {"train": split, "validation": few}, seed=0)
        tracemalloc.reset_peak()  # initial values are drawn in float64
        for _ in range(2):  # the first step has nothing to replace
            run_epoch(trainer)

    train()  # imports what it needs, which does not count
    tracemalloc.start()
    try:
        train()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def relu(*units):
    """Return linear layers with rectifiers between them."""
    layers = [layer for count in units for layer in ({"type": "linear", "units": count}, "relu")]
    return layers[:-1]


NETWORKS = {
    "digits": (relu(256, 128, 10), 784, 1000, 128, "cross_entropy"),
    "wide": (relu(1000, 1000, 5), 100, 2000, 512, "mse"),
    "all at once": ([linear(64), "tanh", linear(64), "gelu", ONE], 3, 3000, None, "bce_with_logits"),
    "residual": (
        [{"type": "linear", "units": 200}, *[{"type": "residual", "layers": relu(200, 200)}] * 3, ONE],
        20, 500, 32, "mse",
    ),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_estimate_is_what_training_takes(name, dtype):
    spec, plan = planned(*NETWORKS[name], dtype=dtype)
    estimate = estimate_memory(spec, plan)
    assert estimate.measured
    # The buffers of the optimizer's kernel are not counted, nor the order of samples.
    assert estimate.total == pytest.approx(taken(spec, plan), rel=0.1)


@pytest.mark.parametrize("name", sampled(STACKS, 4))
def test_the_estimate_is_what_training_takes_with_every_layer(name):
    spec, plan = planned(STACKS[name], 128, 2001, 2000)
    assert estimate_memory(spec, plan).total == pytest.approx(taken(spec, plan), rel=0.1)


def test_what_is_too_large_to_be_measured_takes_at_least_what_shapes_tell(monkeypatch):
    monkeypatch.setattr("specnet.spec.memory.MAX_DRY_RUN_BYTES", 0)
    spec, plan = planned([linear(10), "silu", ONE], 2, 500, 8)
    estimate = estimate_memory(spec, plan)
    copies = 4  # parameters, gradients and the two slots of adam
    first, last = 4 * (copies * 20 + 8 * 10), 4 * (copies * 11 + 8 * 1)
    assert list(estimate.layers.values()) == [first, 0, last]  # silu may write over its inputs
    assert estimate.total == first + last + 4 * 8 * 2
    assert str(estimate) == "at least 912 B"
    assert estimate_memory(*planned([linear(10), "silu", ONE], 2, 500, 8, dtype="float64")).total == 2 * estimate.total


def test_a_layer_that_computes_in_blocks_is_measured_until_its_memory_no_longer_grows(blocks):
    # For each of 16 samples at a time a megabyte, which would be 4 GB for a batch.
    spec = load_spec(MINIMAL | {"layers": ["blocks", ONE], "training": {"batch_size": None}}, memory_budget=50e6)
    assert estimate_memory(spec, make_plan(spec)).total == pytest.approx(16e6, rel=0.2)


def test_a_layer_that_needs_more_for_a_sample_than_there_is_is_named(blocks):
    layers = [linear(3), {"type": "blocks", "size": 10**14}, ONE]
    with pytest.raises(SpecnetError, match="takes more memory than the budget") as raised:
        load_spec(MINIMAL | {"layers": layers})
    (found,) = raised.value.diagnostics
    assert (found.code, found.pointer) == ("memory", ("layers", 1))


def test_dry_runs_are_made_once_for_a_spec(monkeypatch):
    document = MINIMAL | {"layers": [linear(17), "tanh", ONE]}
    load_spec(document)
    monkeypatch.setattr("specnet.spec.memory.dry_run", None)
    load_spec(document)
    with pytest.raises(TypeError):
        load_spec(document | {"layers": [linear(18), "tanh", ONE]})


def test_what_takes_too_long_to_be_measured_is_tried_once(monkeypatch):
    monkeypatch.setattr("specnet.spec.memory.MAX_DRY_RUN_SECONDS", 0)
    spec, plan = planned([linear(21), ONE], 2, 500, 8)
    assert not estimate_memory(spec, plan).measured
    monkeypatch.setattr("specnet.spec.memory.dry_run", None)
    assert not estimate_memory(spec, plan).measured


def test_dry_runs_leave_alone_what_the_process_may_allocate():
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_AS)
    load_spec(MINIMAL | {"layers": [linear(19), ONE]}, memory_budget=1e9)
    assert resource.getrlimit(resource.RLIMIT_AS) == before


@pytest.mark.parametrize("units", [4, 2000])
def test_dry_runs_take_a_moment(units):
    start = time.thread_time()
    load_spec(MINIMAL | {"layers": relu(units, units + 1, 1)})
    assert time.thread_time() - start < 1


@pytest.fixture
def blocks(install):
    install("acme", "blocks = acme_layers:Blocks", acme_layers=BLOCKS)


BLOCKS = """
import numpy as np
from specnet import Layer

class Blocks(Layer):
    size: int = 10**6

    def forward(self, x, training):
        np.empty((min(len(x), 16), self.size), np.uint8)
        return x

    def backward(self, dy):
        return dy
"""


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
    with pytest.raises(SpecnetError, match=f"more than {MAX_LAYERS:,}") as raised:
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
