"""What usually spoils a training is warned of, with what to type."""

import json
import re
import shlex
import time
from pathlib import Path

import numpy as np
import pytest
from helpers import sampled

import specnet
from specnet.datasets.base import Data, Samples
from specnet.diagnosis.data import data_symptoms
from specnet.runs.experiment import Experiment

ROOT = Path(__file__).parents[2]
TEMPLATES = [*(ROOT / "specnet/spec/templates").glob("*.json")]
BUNDLED = [path for path in (ROOT / "specs").glob("*.json") if "schema" not in path.name]
OF_PLUGINS = [*ROOT.glob("plugins/*/specs/*.json"), *ROOT.glob("plugins/specnet-swish/*.json")]
RNG = np.random.default_rng(0)
A, B, NOISE = RNG.normal(size=(3, 200))
KIND = np.array(["no", "yes"])[(A + NOISE > 0).astype(int)]
GOOD = {"a": A, "b": B, "t": A + NOISE}


@pytest.fixture
def warned(tmp_path):
    """Returns the warnings of a network that learns the last column of a table, or several."""

    def warnings(columns, options=(), targets=None, layers=("linear",), loss=None, **changes):
        lines = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
        (tmp_path / "table.csv").write_text("\n".join(lines))
        targets = targets or [*columns][-1:]
        text = np.asarray(columns[targets[0]]).dtype.kind == "U"
        inputs = changes.pop("inputs", [name for name in columns if name not in targets])
        spec = {
            "dataset": {"type": "csv", "path": str(tmp_path / "table.csv"), "inputs": inputs, "targets": targets},
            "layers": list(layers),
            "loss": loss or ("cross_entropy" if text else "mse"),
            "plots": [],
        }
        return Experiment(specnet.load_spec(spec | changes, options)).warnings

    return warnings


def option(warning):
    """Return what a warning says to type."""
    return shlex.split(warning.split(": --set ")[1])


def test_data_as_they_should_be_are_not_warned_of(warned):
    assert warned(GOOD) == []
    assert warned(GOOD | {"t": KIND}) == []
    assert warned(GOOD, split={"validation": 0.2, "test": 0.2}) == []


@pytest.mark.parametrize("column", [A + 1000, A * 100])
def test_large_inputs(column, warned):
    (found,) = warned(GOOD | {"b": column})
    assert 'inputs are large: column "b" is about' in found
    assert warned(GOOD | {"b": column}, option(found)) == []


def test_a_column_that_is_a_thousand_times_another_in_size(warned):
    (found,) = warned(GOOD | {"b": B / 2000})
    assert re.search('inputs differ in size: column "a" varies [12],[0-9]{3} times as much as "b"', found)
    assert warned(GOOD | {"b": B / 2000}, option(found)) == []
    assert warned(GOOD | {"b": B / 500}) == []


def test_the_size_of_columns_of_0_and_1_is_not_compared(warned):
    flag = np.arange(200) % 2 * 1.0
    assert warned({"flag": flag, **GOOD}) == warned({"rare": np.arange(200) == 7, **GOOD} | {"rare": flag}) == []
    assert warned({"flag": flag, "small": A / 1500, "t": GOOD["t"]}) == []


def test_constant_columns(warned):
    (found,) = warned({"k": np.full(200, 3.5), **GOOD})
    assert found.startswith('input column "k" is constant in the training samples')
    assert option(found) == ['dataset.inputs=["a", "b"]']
    assert warned({"k": np.full(200, 3.5), **GOOD}, option(found)) == []
    almost = np.full(200, 3.5)
    almost[137] = 4
    assert warned({"k": almost, **GOOD}) == []
    (found,) = warned({**{f"k{number}": np.full(200, number) for number in range(7)}, **GOOD})
    assert found.startswith('input columns "k0", "k1", "k2", "k3", "k4", … and 2 more are constant')
    assert warned({**{f"k{number}": np.full(200, number) for number in range(7)}, **GOOD}, option(found)) == []


def test_a_column_is_constant_only_if_it_is_so_in_all_rows():
    x = np.random.default_rng(0).normal(size=(5000, 2))
    x[:, 1] = 0
    x[4321, 1] = 1
    experiment = Experiment(specnet.load_spec({"dataset": "waves", "layers": ["linear"], "loss": "mse"}))
    data = Data(Samples(x, x[:, :1] ** 2), input_names=("a", "b"), target_names=("t",))
    assert not any("constant" in found for found in given(experiment, data))
    x[4321, 1] = 0
    assert any("constant" in found for found in given(experiment, data))


def given(experiment, data):
    return [found.text for found in data_symptoms(experiment.spec, data, experiment.model, experiment.task)]


@pytest.mark.parametrize("leak", [lambda t: t, lambda t: 2 - 3 * t])
def test_a_target_among_the_inputs_by_its_values(leak, warned):
    columns = {"leak": leak(GOOD["t"]).round(6), **GOOD, "t": GOOD["t"].round(6)}
    (found,) = warned(columns)
    assert found.startswith('input column "leak" contains the target')
    assert option(found) == ['dataset.inputs=["a", "b"]']
    assert warned(columns, option(found)) == []
    columns["leak"][3] += 0.01
    assert warned(columns) == []


def test_a_target_among_the_inputs_by_its_name(warned):
    (found,) = warned(GOOD, inputs=["a", "b", "t"])
    assert found.startswith('input column "t" contains the target')
    assert warned(GOOD, option(found), inputs=["a", "b", "t"]) == []


def test_a_class_among_the_inputs(warned):
    columns = GOOD | {"t": KIND}
    (found,) = warned({"paid": (KIND == "yes").astype(int), **columns})
    assert found.startswith('input column "paid" contains the target')
    color = np.array(["blue", "green", "red"])[np.arange(200) % 3]
    (found,) = warned({"is_green": (color != "green").astype(int), **GOOD, "t": color})
    assert found.startswith('input column "is_green" contains the target')


def test_a_line_and_an_autoencoder_have_no_leaks(warned):
    assert warned({"a": A, "t": 2 * A + 1}) == []
    assert warned({"a": A, "b": B}, targets=["a", "b"], inputs=["a", "b"]) == []


@pytest.mark.parametrize(
    ("yes", "message"),
    [
        (9, 'classes are very unequal, 191 training samples are "no", 9 "yes": '),
        (10, None),
        (3, 'there are few training samples of "yes" (3), too few to learn from'),
    ],
)
def test_classes_that_are_rare(yes, message, warned):
    found = warned(GOOD | {"t": np.repeat(["no", "yes"], [200 - yes, yes])})
    assert [each.startswith(message or "") for each in found] == [True] * (message is not None)
    for each in found:
        assert option(each)[0].startswith(("plots+=", "metrics+=", "loss."))


def test_classes_without_samples_are_not_only_few(warned):
    declared = ('dataset.targets.0={"name": "t", "categories": ["maybe", "no", "yes"]}',)
    (found,) = warned(GOOD | {"t": np.repeat(["no", "yes"], 100)}, declared)
    assert found == 'there are no training samples of "maybe", so the network cannot learn to predict them'
    found = warned(GOOD | {"t": np.repeat(["no", "yes"], [197, 3])}, declared)
    assert found[1].startswith('there are few training samples of "yes" (3), too few')


def test_few_validation_samples(warned):
    split = {"validation": 0.09}
    (found,) = warned(GOOD, split=split)
    assert found.startswith("18 validation samples are few")
    assert option(found) == ["split.validation=0.1"]
    assert warned(GOOD, option(found), split=split) == []


def test_few_validation_samples_of_a_class(warned):
    columns = GOOD | {"t": np.repeat(["no", "yes"], [188, 12])}
    split = {"validation": 0.1, "stratify": False}
    found = [each for seed in range(30) for each in warned(columns, split=split | {"seed": seed})]
    assert 10 <= len(found) < 30  # of 20 samples one or two are "yes"
    assert option(found[0]) == ["split.stratify=true"]
    assert found[0].startswith('there are fewer than two validation samples of "yes"; to have the same share of each')
    (found,) = warned(columns, split={"validation": 0.12})
    assert found.startswith('there are fewer than two validation samples of "yes"; for more validation samples')
    assert warned(columns, option(found), split={"validation": 0.12}) == []


def test_more_parameters_than_numbers(warned):
    layers = [{"type": "linear", "units": 2000}, "relu", "linear"]
    (found,) = warned(GOOD, layers=layers)
    assert found.startswith("the network has 8,001 parameters for 600 numbers in the training samples")
    assert warned(GOOD, option(found), layers=layers) == []
    assert warned(GOOD, layers=[{"type": "linear", "units": 1400}, "relu", "linear"]) == []


def test_samples_of_the_test_that_are_training_samples(warned):
    twice = {name: np.concatenate([column, column[:100]]) for name, column in GOOD.items()}
    (found,) = warned(twice, split={"by": "order", "test": 0.5})
    assert found.startswith("100 of 150 test samples are also in the training samples")
    assert warned(GOOD, split={"by": "order", "test": 0.5}) == []


def test_groups_that_do_not_make_up_a_share():
    table = Data(Samples(GOOD["a"][:, np.newaxis], GOOD["t"]), column=lambda name: np.repeat([1, 2], [140, 60]))
    spec = {"dataset": "waves", "layers": ["linear"], "loss": "mse"}
    experiment = Experiment(specnet.load_spec(spec))
    for share, message in ((0.2, "60 samples are for test instead of 40"), (0.3, None)):
        split = {"by": "group", "column": "site", "test": share}
        changed = specnet.load_spec(spec | {"split": split})
        data = changed.split.apply(table, np.random.default_rng(0))
        experiment.spec = changed
        found = given(experiment, data)
        assert found == ([f'groups of column "site" are not divided: {message}'] if message else [])


def test_several_are_told_in_a_line_each(warned):
    found = warned({"k": np.ones(200), "leak": GOOD["t"], **GOOD, "b": B * 1000}, split={"validation": 0.05})
    assert [re.split(":| is | contains", each)[0] for each in found] == [
        "inputs are large", 'input column "k"', 'input column "leak"', "10 validation samples are few",
    ]  # fmt: skip
    assert not any("\n" in each for each in found)


@pytest.mark.parametrize(
    "path", sampled([*BUNDLED, *TEMPLATES, *OF_PLUGINS], 12), ids=lambda path: "/".join(path.parts[-2:])
)
def test_specs_of_the_project_and_templates_are_not_warned_of(path):
    if "plugins" in path.parts:
        pytest.importorskip(path.relative_to(ROOT).parts[1].replace("-", "_"))
    found = Experiment(specnet.load_spec(path)).warnings
    if path.stem == "seattle_weather":  # of snow there are 26 days in four years
        assert found.pop(0).startswith("classes are very unequal")
    assert found == []


BUILTIN = {
    "callback": None, "initializer": "he_normal", "layer": "silu", "loss": "mse", "metric": "mae", "optimizer": "adam",
    "plot": "curves", "schedule": {"type": "cosine", "initial": 0.01}, "transform": "standardize",
}  # fmt: skip


def filled(part, kind):
    """Return a plugin's spec with a built-in component in the place of the plugin's own."""
    if part == "$name" or (isinstance(part, dict) and part.get("type") == "$name"):
        return BUILTIN[kind]
    if isinstance(part, dict):
        return {key: filled(value, kind) for key, value in part.items() if key != "name"}
    return [each for item in part if (each := filled(item, kind))] if isinstance(part, list) else part


@pytest.mark.parametrize("kind", BUILTIN)
def test_specs_of_new_plugins_are_not_warned_of(kind):
    text = (ROOT / "specnet/templates/plugin" / kind / "spec.json").read_text()
    assert Experiment(specnet.load_spec(filled(json.loads(text), kind))).warnings == []


def test_looking_takes_less_time_than_a_standard_deviation_of_the_inputs():
    spec = {"dataset": "waves", "layers": ["linear"], "loss": "mse"}
    experiment = Experiment(specnet.load_spec(spec))
    x = np.random.default_rng(0).normal(size=(60_000, 784))
    x[:, ::3] = 0
    data = Data(Samples(x, x[:, 1:2]), input_names=tuple(map(str, range(784))))
    looking, passes = [], []
    for _ in range(3):
        start = time.process_time()
        found = data_symptoms(experiment.spec, data, experiment.model, experiment.task)
        middle = time.process_time()
        x.std(axis=0)
        looking.append(middle - start)
        passes.append(time.process_time() - middle)
    assert [each.message.split(" ")[1] for each in found] == ["columns", "column"]
    assert min(looking) < min(passes)


def test_samples_that_are_streamed_are_not_looked_at(tmp_path):
    np.savez(tmp_path / "data.npz", inputs=np.full((100_000, 2), 1000.0), targets=np.ones(100_000))
    dataset = {"type": "npz", "path": str(tmp_path / "data.npz")}
    spec = {"dataset": dataset, "layers": ["linear"], "loss": "mse"}
    assert Experiment(specnet.load_spec(spec)).warnings != []
    assert Experiment(specnet.load_spec(spec | {"dataset": dataset | {"buffer": 1}})).warnings == []
