import json
from pathlib import Path

import pytest
from helpers import in_one_test

from specnet import build, load_spec, registry
from specnet.component import find_class
from specnet.spec.model import Spec
from specnet.spec.shortest import shortest, shortest_spec

SPECS = Path(__file__).parents[2] / "specs"
LEAST = {"name": "run", "dataset": "spiral", "layers": [{"type": "linear", "units": 1}], "loss": "bce_with_logits"}


def resolved(value):
    return json.dumps(load_spec(value).to_json())


@pytest.mark.parametrize(
    "path", [path for path in SPECS.glob("*.json") if "schema" not in path.name], ids=lambda path: path.stem
)
def test_a_spec_of_the_project_is_the_same_again(path):
    spec = load_spec(path)
    assert json.dumps(load_spec(shortest_spec(spec)).to_json()) == json.dumps(spec.to_json())


def test_a_spec_that_is_written_well_is_written_as_it_was():
    path = SPECS / "spiral.json"
    value = json.loads(path.read_text())
    del value["$schema"]
    assert shortest_spec(load_spec(path)) == value | {"dataset": "spiral", "training": {"epochs": 400}}


def test_what_is_default_goes_without_saying_but_the_name():
    assert shortest_spec(load_spec(LEAST)) == LEAST


def test_every_default_written_out_comes_to_the_same_as_none():
    assert shortest_spec(load_spec(load_spec(LEAST).to_json())) == LEAST


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 7, "dtype": "float64", "description": 'a "quoted" line – with more'},
        {"split": {"validation": 0.25}, "transforms": {"targets": ["one_hot"]}, "loss": "mse"},
        {"record": None},
        {"record": {"every": 5}},
        {"training": {"batch_size": None}},
        {"training": {"early_stopping": {"monitor": "train/loss"}, "clip_norm": 1.0}},
        {"training": {"early_stopping": {}}, "split": {"validation": 0.5}},
        {"checkpoint": {"every_steps": 10}},
        {"metrics": ["accuracy"], "plots": []},
        {"plots": ["decision_boundary"]},
        {"optimizer": {"type": "sgd", "momentum": 0.9, "nesterov": True}},
        {"optimizer": {"learning_rate": 0.5, "type": "adam"}},
        {"optimizer": {"type": "adam", "learning_rate": {"type": "constant", "value": 0.001}}},
        {
            "optimizer": {
                "type": "sgd",
                "learning_rate": {"type": "reduce_on_plateau", "initial": 0.1, "monitor": "train/loss"},
            }
        },
        {
            "layers": [
                {"type": "linear", "units": 4, "use_bias": False, "weight_init": {"type": "normal", "std": 0.5}},
                {"type": "residual", "layers": ["tanh", {"type": "linear", "units": 4}]},
                {
                    "type": "parallel",
                    "branches": [
                        [],
                        ["relu", {"type": "residual", "layers": ["gelu"]}],
                        [{"type": "linear", "units": 2}],
                    ],
                },
                {"type": "repeat", "times": 2, "layers": [{"type": "dropout", "rate": 0.25}, "tanh"]},
                {"type": "linear", "units": 1},
            ]
        },
    ],
    ids=" ".join,
)
def test_what_is_not_default_is_all_that_is_written(changes):
    value = LEAST | changes
    if value["loss"] == "mse":
        value["layers"] = [{"type": "linear", "units": 2}]
    assert shortest_spec(load_spec(value)) == value
    assert resolved(shortest_spec(load_spec(value))) == resolved(value)


FIELDS = {
    "layers.linear": {"units": 3, "use_bias": False, "weight_init": {"type": "uniform", "low": -2.0, "high": 1.0}},
    "layers.dropout": {"rate": 0.1},
    "layers.group_norm": {"groups": 2, "center": False},
    "layers.embedding": {"input_dim": 3, "output_dim": 2},
    "layers.rnn": {"units": 3},
    "layers.gru": {"units": 3, "reset_after": False},
    "layers.lstm": {"units": 3, "bidirectional": True},
    "layers.multi_head_attention": {"num_heads": 2, "causal": True},
    "layers.time_distributed": {"layers": ["tanh"]},
    "layers.residual": {"layers": ["tanh"]},
    "layers.parallel": {"branches": [["relu"], []], "merge": "add"},
    "layers.sequential": {"layers": ["tanh"]},
    "layers.concat": {"from": ["input"], "axis": 0},
    **{f"layers.{name}": {"from": ["input"]} for name in ("add", "average", "multiply", "maximum")},
    "layers.repeat": {"times": 3, "layers": ["tanh"]},
    "layers.maxout": {"units": 3},
    "layers.pixel_shuffle": {"factor": 2},
    "losses.huber": {"delta": 2.0},
    "losses.bce": {"reduction": "sum"},
    "optimizers.sgd": {"learning_rate": {"type": "constant", "value": 0.25}, "momentum": 0.5},
    "optimizers.adam": {"beta_1": 0.5, "epsilon": 1e-6},
    "schedules.linear": {"initial": 0.1, "steps": 9},
    "schedules.polynomial": {"initial": 0.1, "power": 2.0},
    "schedules.inverse_sqrt": {"initial": 0.1, "warmup_epochs": 2},
    "schedules.warmup_stable_decay": {"maximum": 0.1, "decay": 0.5},
    "schedules.cosine_restarts": {"initial": 0.1, "multiplier": 3.0},
    "schedules.one_cycle": {"maximum": 0.1, "pct_start": 0.5},
    "schedules.cyclic": {"minimum": 0.01, "maximum": 0.1, "mode": "triangular2"},
    "schedules.multi_step": {"initial": 0.1, "milestones": [2, 5]},
    "schedules.piecewise": {"values": [0.1, 0.2], "boundaries": [3]},
    "schedules.join": {"schedules": [{"type": "linear", "initial": 0.1}, {"type": "cosine", "initial": 0.2}]},
    "schedules.warmup": {"from": 0.01, "schedule": {"type": "cosine", "initial": 0.1}},
    "initializers.sparse": {"sparsity": 0.5},
    "losses.cross_entropy": {"class_weight": {"a": 2.0}, "ignore_index": 3},
    "schedules.constant": {"value": 0.5},
    "schedules.step": {"initial": 0.1, "every": 10},
    "schedules.exponential": {"initial": 0.1, "factor": 0.25},
    "schedules.cosine": {"initial": 0.1, "steps": 10, "warmup_steps": 2},
    "schedules.reduce_on_plateau": {"initial": 0.1, "mode": "max", "minimum": 0.01},
    "initializers.constant": {"value": 2.0},
    "initializers.normal": {"std": 0.5},
    "datasets.spiral": {"n_samples": 40},
    "datasets.csv": {"path": "table.csv", "inputs": ["x"], "targets": ["y"], "delimiter": ";"},
    "datasets.series": {"path": "table.csv", "inputs": ["x"], "targets": ["y"], "lags": 3, "order": "day"},
    **{
        f"datasets.{name}": {"path": "table", "inputs": ["x"], "targets": ["y"], "missing": "drop"}
        for name in ("parquet", "feather", "json_lines", "excel")
    },
    "datasets.npz": {"path": "arrays.npz", "targets": "y"},
    "datasets.npy": {"inputs": "x.npy", "targets": "y.npy", "test": {"inputs": "u.npy", "targets": "v.npy"}},
    "datasets.idx": {"images": "i", "labels": "l"},
    "datasets.text": {"path": "t.txt", "unit": "word", "stride": 3},
    "datasets.image_folder": {"path": "images", "image_size": [8, 9], "labels": "labels.csv"},
    "transforms.minmax": {"per_feature": False},
    "transforms.scale": {"factor": 2.0},
    "transforms.clip": {"low": None, "high": 2.0},
    "transforms.robust": {"quantile_range": [5.0, 95.0]},
    "transforms.impute": {"strategy": "constant", "fill_value": 0.0},
    "transforms.gaussian_noise": {"std": 0.1},
}  # fmt: skip
"""What a spec may say of a component, none of it default."""


def requires_nothing(group, name):
    fields = registry.find(group, name).load().model_fields.values()
    return not any(field.is_required() for field in fields)


@in_one_test
@pytest.mark.parametrize("key", FIELDS)
def test_a_component_says_what_is_not_default(key):
    group, name = key.split(".")
    assert shortest(build(group, {"type": name, **FIELDS[key]})) == {"type": name, **FIELDS[key]}


@in_one_test
@pytest.mark.parametrize(
    ("group", "name"), [(group, name) for group in registry.GROUPS for name in registry.claims(group)]
)
def test_a_component_without_anything_to_say_is_its_name(group, name):
    if requires_nothing(group, name):
        assert shortest(build(group, name)) == name
    else:
        value = {"type": name, **(FIELDS.get(f"{group}.{name}") or find_class(group, name).examples[0])}
        full = build(group, value).to_spec()
        assert build(group, shortest(build(group, full))) == build(group, value)


def test_a_default_that_depends_on_other_fields_is_asked_of_the_class(install):
    source = """
from pydantic import model_validator
from specnet import Layer

class Band(Layer):
    low: float | None = None
    high: float | None = None
    width: float = 1.0

    @model_validator(mode="before")
    @classmethod
    def _one_is_enough(cls, fields):
        if fields.get("low") is None and fields.get("high") is None:
            raise ValueError("low or high")
        return {"width": 5.0, **fields} if "low" in fields else fields

    def forward(self, x, training):
        return x

    def backward(self, dy):
        return dy
"""
    install("band", "band = band_layer:Band", band_layer=source)
    band = build("layers", {"type": "band", "low": 1.0, "width": 1.0})
    assert shortest(band) == {"type": "band", "low": 1.0, "width": 1.0}
    assert shortest(build("layers", {"type": "band", "low": 1.0, "width": 5.0})) == {"type": "band", "low": 1.0}
    assert shortest(build("layers", {"type": "band", "high": 1.0, "width": 1.0})) == {"type": "band", "high": 1.0}


def test_a_number_differs_from_its_default_by_its_sign_too():
    assert shortest(build("optimizers", {"type": "sgd", "momentum": -0.0})) == {"type": "sgd", "momentum": -0.0}


def test_the_spec_stays_as_it_is():
    spec = load_spec(SPECS / "mnist.json")
    before = spec.to_json()
    shortest_spec(spec)
    assert isinstance(spec, Spec)
    assert spec.to_json() == before
