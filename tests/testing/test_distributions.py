"""Whole distributions and specs: which components are checked, and what is told of those that are broken."""

import re

import numpy as np
import pytest

import specnet
import specnet.testing
from specnet.errors import SpecError, UsageError
from specnet.testing import ConformanceError, cases, component_cases, spec_cases

LAYER = '''
from specnet import Layer
from pydantic import Field

class Good(Layer):
    """y = 2 x."""
    def forward(self, x, training):
        return 2 * x
    def backward(self, dy):
        return 2 * dy

class Wrong(Good):
    """y = 2 x, and dx = -2 dy."""
    def backward(self, dy):
        return -2 * dy

class Bare(Good):
    factor: float = 1.0

class Strange(Good):
    """A layer of an unheard of thing."""
    thing: complex = Field(description="what")

class Unwise(Good):
    """A layer with a wrong example."""
    examples = ({"factr": 1},)
'''


def failed(case):
    """Return the checks of a case that fail, with their reasons."""
    return {outcome.check: outcome.reason for outcome in case.outcomes() if not outcome.passed}


def by_name(found):
    return {str(case): case for case in found}


def test_a_distribution_has_a_case_for_itself_and_for_each_component():
    found = cases("specnet-swish")  # the plugin's own tests run them
    assert [str(case) for case in found][:3] == ["distribution", "layers swish, its class", "layers swish"]


def test_the_name_of_a_distribution_may_be_written_as_installers_take_it():
    assert [*map(str, cases("Specnet_Swish"))] == [*map(str, cases("specnet-swish"))]


def test_a_distribution_that_is_not_installed_is_told_with_what_may_be_meant():
    with pytest.raises(UsageError, match="no distribution") as caught:
        cases("specnet-swich")
    assert 'did you mean "specnet-swish"?' in caught.value.help
    with pytest.raises(UsageError):
        cases("")


def test_what_is_wrong_with_a_plugin_is_told_component_by_component(install):
    points = {name: f"{name} = layers_of_mine:{name.capitalize()}" for name in ("good", "wrong", "bare", "strange")}
    install(
        "specnet-mine",
        "\n".join([*points.values(), "unwise = layers_of_mine:Unwise", "gone = nowhere:Gone", "no_layer = math:pi",
                   "tanh = layers_of_mine:Good", "Bad-Name = layers_of_mine:Good"]),
        layers_of_mine=LAYER,
    )  # fmt: skip
    found = by_name(cases("specnet-mine"))
    assert failed(found["layers good"]) == failed(found["layers good, its class"]) == {}
    with pytest.raises(
        ConformanceError, match=r"(?s)layers wrong: a check fails.*gradient of x\[0, 0\].*sign is wrong"
    ):
        found["layers wrong"]()
    told = failed(found["layers bare, its class"])["it is described"]
    assert "the class Bare has no docstring" in told
    assert 'the field "factor" has no description' in told
    assert (
        'no value was found that the field "thing"'
        in failed(found["layers strange, its class"])["there are examples of it"]
    )
    assert re.search(
        'the example {"factr": 1} is not valid', failed(found["layers unwise, its class"])["there are examples of it"]
    )
    assert "No module named 'nowhere'" in failed(found["layers gone, its class"])["it is a class that can be imported"]
    assert "not a subclass" in failed(found["layers no_layer, its class"])["it is a class that can be imported"]
    assert "which is used instead" in failed(found["layers tanh, its class"])["its name is free"]
    assert "layers gone" not in found
    assert "it could state a license" in [*found["distribution"].outcomes()][-1].reason
    assert failed(found["distribution"]) == {
        "its metadata have name version summary and readme": "there is no summary: set `description` under "
        '"[project]" in pyproject.toml\nthere is no readme: set `readme` under "[project]" in pyproject.toml',
        "it requires specnet": 'specnet is not among its `dependencies` under "[project]" in pyproject.toml',
        "its entry points are in groups of specnet under names for specs": '"Bad-Name" in specnet.layers is not '
        "a valid name: it should match [a-z][a-z0-9_]*",
    }


def test_a_name_that_two_plugins_claim_is_told(install):
    for number in (1, 2):
        install(f"specnet-mine-{number}", "good = layers_of_mine:Good", layers_of_mine=LAYER)
    told = failed(by_name(cases("specnet-mine-1"))["layers good, its class"])
    assert told == {"its name is free": "specnet-mine-2 1.0 has a layer of that name, so a spec can use neither"}


def test_a_component_is_checked_as_the_plainest_and_as_each_example():
    names = [str(case) for case in component_cases("layers", "linear")]
    assert names == ['layers linear {"units": 64}', 'layers linear {"units": 3}',
                     'layers linear {"units": 1, "use_bias": false}']  # fmt: skip
    (case,) = component_cases("layers", '{"type": "linear", "units": 2}', [(3,)])
    case()


SPEC = {
    "dataset": {"type": "spiral", "n_samples": 60},
    "split": {"validation": 0.2},
    "transforms": {"inputs": ["standardize"]},
    "layers": [
        {"type": "linear", "units": 4},
        {"type": "repeat", "times": 2, "layers": [{"type": "residual", "layers": ["tanh"]}]},
        {"type": "linear", "units": 2},
    ],
    "loss": "cross_entropy",
    "optimizer": {"type": "adam", "learning_rate": {"type": "cosine", "initial": 0.1, "steps": 10}},
    "metrics": ["accuracy"],
    "plots": ["decision_boundary"],
}


def test_every_component_of_a_spec_is_checked_at_its_place_where_a_mistake_is_found(install):
    install("specnet-mine", "wrong = layers_of_mine:Wrong", layers_of_mine=LAYER)
    layers = [*SPEC["layers"][:2], "wrong", SPEC["layers"][2]]
    found = by_name(spec_cases(specnet.load_spec(SPEC | {"layers": layers})))
    assert [*found] == [
        "dataset spiral",
        "transforms.inputs.0 standardize",
        "layers.0 linear",
        "layers.0.weight_init glorot_uniform",
        "layers.0.bias_init zeros",
        "layers.1 repeat",
        "layers.1.layers.0 residual",
        "layers.1.layers.0.layers.0 tanh",
        "layers.2 wrong",
        "layers.3 linear",
        "layers.3.weight_init glorot_uniform",
        "layers.3.bias_init zeros",
        "loss cross_entropy",
        "optimizer adam",
        "optimizer.learning_rate cosine",
        "metrics.0 accuracy",
        "plots.0 decision_boundary",
    ]
    assert [name for name, case in found.items() if failed(case)] == ["layers.2 wrong"]


def test_layers_of_a_spec_are_checked_in_the_shapes_that_they_have_there(install):
    source = (
        LAYER
        + '''
class Four(Good):
    """y = 2 x of four features."""
    def build(self, input_shape):
        assert input_shape == (4,), input_shape
        return input_shape
'''
    )
    install("specnet-mine", "four = layers_of_mine:Four", layers_of_mine=source)
    layers = [{"type": "linear", "units": 4}, "four", {"type": "linear", "units": 2}]
    by_name(spec_cases(specnet.load_spec(SPEC | {"layers": layers})))["layers.1 four"]()


def test_the_first_layer_of_a_spec_gets_what_the_network_gets(install, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = (
        LAYER
        + '''
class Rows(Good):
    """A number for each of the rows of a table of four."""
    takes = "whole"
    def build(self, input_shape):
        self.declare("table", (4,), "normal")
        return input_shape
    def forward(self, x, training):
        if ((x < 0) | (x > 3)).any():
            raise ValueError("no row")
        self.rows = x.astype(int)
        assert (x == self.rows).all()
        return self.table[self.rows]
    def backward(self, dy):
        self.grad.table[...] = [dy[self.rows == row].sum() for row in range(4)]
        return dy * 0
'''
    )
    install("specnet-mine", "rows = layers_of_mine:Rows", layers_of_mine=source)
    rng = np.random.default_rng(0)
    np.savez("rows.npz", train_inputs=rng.integers(4, size=(90, 3)), train_targets=rng.integers(2, size=90))
    changes = {
        "dataset": {"type": "npz", "path": "rows.npz"},
        "transforms": {},
        "layers": ["rows", {"type": "linear", "units": 2}],
        "plots": ["curves"],
    }
    by_name(spec_cases(specnet.load_spec(SPEC | changes)))["layers.0 rows"]()


def test_a_component_that_raises_is_a_failed_check_of_whatever_it_stops(install):
    source = (
        LAYER
        + '''
class Raising(Good):
    """y = 2 x, or no y: of zeros, which a dry run has, there is one."""
    def forward(self, x, training):
        if x.any():
            raise KeyError("y")
        return super().forward(x, training)
'''
    )
    install("specnet-mine", "raising = layers_of_mine:Raising", layers_of_mine=source)
    found = by_name(spec_cases(specnet.load_spec(SPEC | {"layers": [*SPEC["layers"], "raising"]})))
    assert (
        "raises KeyError: 'y', in layers_of_mine"
        in failed(found["layers.3 raising"])["outputs and gradients can be computed"]
    )
    assert "in layers_of_mine" in failed(found["loss cross_entropy"])["it can be checked"]
    assert failed(found["layers.0 linear"]) == failed(found["optimizer adam"]) == {}


def test_data_that_do_not_fit_are_told_as_a_run_tells_them():
    with pytest.raises(SpecError, match="adds its input"):
        [
            *spec_cases(
                specnet.load_spec(
                    SPEC | {"layers": ["flatten", {"type": "residual", "layers": [{"type": "linear", "units": 9}]}]}
                )
            )
        ]


def test_samples_that_are_not_in_memory_are_looked_at_as_well(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "rows.npz", inputs=rng.normal(size=(900, 2)), targets=rng.integers(2, size=900))
    dataset = {"type": "npz", "path": str(tmp_path / "rows.npz"), "buffer": 0.005}
    changes = {"dataset": dataset, "plots": ["curves"], "training": {"batch_size": 8}}
    for case in spec_cases(specnet.load_spec(SPEC | changes)):
        if str(case).startswith(("dataset", "transforms", "layers.0 ", "loss", "metrics", "plots")):
            case()
