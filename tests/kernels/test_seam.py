"""A set that runs neighbours together by its own `Stack`, and what the outside sees of it: nothing."""

import copy
import json
import pickle
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
from helpers import Watched

import specnet
import specnet.testing
from specnet import Activation, build, build_network, registry
from specnet.errors import BrokenComponentError, DivergenceError, UnknownComponentError
from specnet.kernels.base import KernelSet, Textbook, find_kernels
from specnet.layers.activation import Relu, Tanh
from specnet.layers.linear import Linear
from specnet.layers.stack import Stack
from specnet.schedules.scheduled import ScheduledFields
from specnet.training.divergence import find_origin

FUSED = set()
"""Names of the layers that ran together, pair by pair."""


class FusedTanh(Tanh):
    """Tanh that has its outputs spoilt by whoever runs it together with others."""


class FusingStack(Stack):
    """Runs a linear layer and the tanh behind it in one go, over one array."""

    def pairs(self):
        pairs, number = {}, 0
        while number + 1 < len(self.layers):
            if isinstance(self.layers[number], Linear) and type(self.layers[number + 1]) is FusedTanh:
                pairs[number] = tuple(self.names[number : number + 2])
                number += 1
            number += 1
        return pairs

    def forward(self, x, training):
        if self.singly or self.mask is not None:
            return super().forward(x, training)
        pairs, number = self.pairs(), 0
        while number < len(self.layers):
            layer = self.layers[number]
            if number in pairs:
                FUSED.add((self.place, pairs[number]))
                layer.x = x.reshape(-1, x.shape[-1])
                y = x @ layer.weight + layer.bias
                after = self.layers[number + 1]
                x = after.x = after.y = np.tanh(y, out=y)
                number += 1
            else:
                x = layer.forward(x, training)
            number += 1
        return x


HERE = __name__


@pytest.fixture(scope="module", autouse=True)
def fusing():
    @specnet.register("kernels", "fusing")
    class Fusing(KernelSet):
        """Runs linear and tanh together."""

        replaces: ClassVar = {
            "specnet.layers.stack:Stack": f"{HERE}:FusingStack",
            "specnet.layers.activation:Tanh": f"{HERE}:FusedTanh",
        }

    yield Fusing
    del registry.LOCAL_ENTRIES["kernels", "fusing"]


@pytest.fixture(autouse=True)
def forget():
    FUSED.clear()


LINEAR = {"type": "linear", "units": 4}
LAYERS = [LINEAR, "tanh", {"type": "residual", "layers": [LINEAR, "tanh", "dropout"]}, LINEAR]
X = np.random.default_rng(0).normal(size=(6, 3))


def network(kernels, layers=LAYERS):
    return build_network(layers, (3,), dtype="float64", seed=1, kernels=kernels)


def step(network):
    y = network.forward(X, training=True)
    return y, network.backward(np.cos(y)), network.grads.flat.copy()


@pytest.mark.parametrize("kernels", ["numpy", "fusing"])
def test_a_set_computes_what_the_definitions_do_at_every_depth(kernels):
    for found, expected in zip(step(network(kernels)), step(network("textbook")), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)
    pair = ("layers.0", "layers.1")
    together = {(("layers",), pair), (("layers", 2, "layers"), pair)}
    assert together == FUSED or (kernels, FUSED) == ("numpy", set())


def test_neighbours_that_run_together_keep_the_contract():
    for case in specnet.testing.kernel_cases("fusing"):
        if "tanh" in str(case):
            case()
    assert FUSED


def test_the_outside_sees_definitions():
    made = network("fusing")
    tanh = made.layers[1]
    assert type(tanh) is FusedTanh and tanh == build("layers", "tanh") and build("layers", "tanh") == tanh
    assert (tanh.to_spec(), repr(tanh)) == ({"type": "tanh"}, "Tanh()")
    assert registry.name_of("layers", FusedTanh) == "tanh"
    assert "FusedTanh" not in made._repr_html_()
    assert made.layers[2].to_spec() == network("textbook").layers[2].to_spec()
    assert {*made.params} == {*network("textbook").params}
    assert [type(layer) for layer in made.layers[2].stacks[0].layers][1] is FusedTanh


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_a_copy_computes_with_the_same_set(copied):
    made = network("numpy")
    step(made)
    again = copied(made)
    assert type(again.layers[0]) is type(made.layers[0]) is not Linear
    for found, expected in zip(step(again), step(made), strict=True):
        assert np.array_equal(found, expected)


def test_a_pickle_names_definitions():
    text = pickle.dumps(network("numpy"))
    assert b"LinearKernel" not in text and b"linear" in text
    loss = find_kernels("numpy").instantiate(build("losses", "cross_entropy"))
    assert type(pickle.loads(pickle.dumps(loss))) is type(build("losses", "cross_entropy"))


class Own(Relu):
    """A plugin's layer that is derived from one which has a kernel."""

    def f(self, x):
        return np.maximum(x, -1)


def test_classes_derived_from_a_definition_are_never_replaced():
    assert type(network("numpy", [LINEAR, Own(), "relu"]).layers[1]) is Own
    assert type(network("numpy", [LINEAR, Own(), "relu"]).layers[2]) is not Relu


def test_layers_of_a_network_can_go_into_one_with_another_set():
    layers = network("numpy").layers
    assert type(network("textbook", layers).layers[0]) is Linear


def test_kernels_reach_components_inside_others():
    wrapped = build("layers", {"type": "repeat", "times": 2, "layers": [{"type": "residual", "layers": ["relu"]}]})
    kernels = find_kernels("numpy")
    (inner,) = kernels.instantiate(wrapped).layers[0].layers
    assert type(inner) is kernels.kernel(Relu) is not Relu
    assert type(wrapped.layers[0].layers[0]) is Relu, "what was given stays as it was"
    assert type(Textbook.instantiate(inner)) is Relu


def test_who_looks_between_layers_runs_them_one_by_one():
    made = network("fusing")
    made.params["layers.0.weight"][...] = np.inf
    origin = find_origin(made, lambda: made.propagate(X, training=True))
    assert (origin.name, origin.what) == ("layers.0", "its outputs")
    assert not FUSED


@pytest.mark.parametrize("kernels", ["numpy", "textbook", "fusing"])
def test_a_run_names_definitions_where_it_diverges(kernels, tmp_path):
    spec = {
        "dataset": {"type": "waves", "n_samples": 40},
        "layers": [LINEAR, "tanh", {"type": "linear", "units": 1}],
        "loss": "mse",
        "optimizer": {"type": "sgd", "learning_rate": 1e30},
        "training": {"epochs": 9},
    }
    with pytest.raises(DivergenceError) as error:
        specnet.run(spec, tmp_path / "run", kernels=kernels, report=False)
    assert "Kernel" not in str(error.value) and "Fus" not in str(error.value)
    assert "(Linear)" in str(error.value) or "(Mse)" in str(error.value)


def test_a_run_of_any_set_has_the_same_history(tmp_path):
    spec = {
        "dtype": "float64",
        "dataset": {"type": "spiral", "n_samples": 60},
        "layers": [{"type": "linear", "units": 6}, "tanh", {"type": "linear", "units": 6}, "relu", "dropout",
                   {"type": "linear", "units": 1}, "sigmoid"],
        "loss": "bce",
        "metrics": ["accuracy"],
        "training": {"epochs": 20, "batch_size": 16},
        "plots": [],
    }  # fmt: skip
    runs = [
        specnet.run(spec, tmp_path / name, Watched(), kernels=name, report=False)
        for name in ("textbook", "numpy", "fusing")
    ]
    for run in runs[1:]:
        for name in {*run.history} - {"seconds"}:
            np.testing.assert_allclose(run.history[name], runs[0].history[name], rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(run.record["dead_units"], runs[0].record["dead_units"])
    texts = [json.dumps(run.spec.to_json() | {"name": ""}) for run in runs]
    assert texts[0] == texts[1] == texts[2]


def test_a_set_that_replaces_a_class_by_no_subclass_of_it_is_broken():
    class Wrong(KernelSet):
        replaces: ClassVar = {"specnet.layers.activation:Relu": f"{HERE}:FusedTanh"}

    with pytest.raises(BrokenComponentError, match="which is not a subclass"):
        Wrong.instantiate(build("layers", "relu"))


def test_a_set_that_there_is_not_is_explained():
    with pytest.raises(UnknownComponentError, match='there is no set of kernels "nump"') as error:
        network("nump")
    assert 'did you mean "numpy"?' in str(error.value)
    assert issubclass(FusedTanh, Activation)


def test_a_pickle_of_a_kernel_holds_its_fields_and_no_buffers():
    loss, adam = (
        find_kernels("numpy").instantiate(each) for each in (build("losses", "bce"), build("optimizers", "adam"))
    )
    loss.forward(np.full((500, 8), 0.5), np.ones((500, 8)))
    loss.backward()
    adam.update(np.ones(5000), np.ones(5000), SimpleNamespace(m=np.zeros(5000), v=np.zeros(5000)), 0)
    for kernel in (loss, adam):
        content = pickle.dumps(kernel)
        again, definition = pickle.loads(content), build(kernel.group, kernel.to_spec())
        assert len(content) < 1000
        assert (type(again), vars(again)) == (type(definition), vars(definition))


def test_a_component_is_pickled_with_its_schedule_while_a_copy_trains():
    schedule = {"type": "constant", "value": 0.25}
    described = build("optimizers", {"type": "sgd", "learning_rate": schedule})
    sgd = find_kernels("numpy").instantiate(described)
    fields = ScheduledFields({"optimizer": sgd})
    fields.bind(1, 1)
    fields.set(0)
    assert sgd.learning_rate == 0.25
    assert pickle.loads(pickle.dumps(described)).to_spec()["learning_rate"] == schedule
