"""The last linear layer may leave its units out: it has as many as the task needs."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import specnet
from specnet import SpecnetError
from specnet.cli import cli
from specnet.runs.experiment import Experiment
from specnet.words import show_pointer

HIDDEN = [{"type": "linear", "units": 4}, "tanh"]


@pytest.fixture
def arrays(tmp_path):
    """Writes targets to a file, and returns the dataset that reads it."""

    def make(targets):
        targets = np.asarray(targets)
        np.savez(tmp_path / "data.npz", inputs=np.random.default_rng(0).normal(size=(len(targets), 3)), targets=targets)
        return {"type": "npz", "path": str(tmp_path / "data.npz")}

    return make


def spec(dataset, loss, *last, **changes):
    training = {"epochs": 1}
    return {"dataset": dataset, "layers": [*HIDDEN, *last], "loss": loss, "training": training, "plots": [], **changes}


EARLY = [
    ("spiral", "bce_with_logits", ["linear"], 1),
    ("spiral", "bce", ["linear", "sigmoid"], 1),
    ("spiral", "cross_entropy", [{"type": "linear", "use_bias": False}], 2),
    ("spiral", "mse", ["linear", {"type": "repeat", "times": 2, "layers": ["tanh"]}], 1),
    ("waves", "mse", ["linear"], 1),
]


@pytest.mark.parametrize(("dataset", "loss", "last", "units"), EARLY)
def test_the_outline_of_a_dataset_suffices_where_it_says_enough(dataset, loss, last, units):
    loaded = specnet.load_spec(spec(dataset, loss, *last))
    assert loaded.layers[2].units == units
    assert loaded.to_json()["layers"][2]["units"] == units


LATE = [
    ([0, 1, 2, 2], "cross_entropy", {}, 3),
    ([[0.0], [1.0], [4.0]], "cross_entropy", {}, 5),
    ([3, 5, 3, 9], "cross_entropy", {"transforms": {"targets": ["one_hot"]}}, 3),
    ([3.0, 5.0, 3.0, 9.0], "mse", {"transforms": {"targets": ["one_hot"]}}, 3),
    ([0, 1, 1], "mse", {}, 1),
]


@pytest.mark.parametrize(("targets", "loss", "changes", "units"), LATE)
def test_what_only_data_show_is_resolved_once_they_are_loaded(targets, loss, changes, units, arrays):
    loaded = specnet.load_spec(spec(arrays(targets), loss, "linear", **changes))
    assert loaded.layers[2].units is None
    found = Experiment(loaded)
    assert found.spec.layers[2].units == units
    assert found.model.network.output_shape == (units,)


@pytest.mark.parametrize(
    ("targets", "loss", "units"),
    [
        (np.eye(4), "cross_entropy", 4),
        ([[1, 1], [0, 1]], "bce_with_logits", 2),
        ([[0.5, 2.0, 1.0], [0.25, 1.0, 3.0]], "mse", 3),
        ([0.0, 1.0], "bce_with_logits", 1),
    ],
)
def test_columns_of_targets_need_as_many_units(targets, loss, units, arrays):
    assert specnet.load_spec(spec(arrays(targets), loss, "linear")).layers[2].units == units


def test_a_run_keeps_the_number_and_goes_on_with_it(arrays, tmp_path):
    loaded = specnet.load_spec(spec(arrays([0, 1, 2, 2]), "cross_entropy", "linear"))
    run = specnet.run(loaded, tmp_path / "run", report=False)
    assert json.loads((tmp_path / "run" / "spec.json").read_text())["layers"][2]["units"] == 3
    assert run.spec.layers[2].units == 3
    assert run.task.only.classes == ("0", "1", "2")
    again = specnet.run(loaded, tmp_path / "run", report=False, resume=True)
    assert again.status == "finished"


@pytest.mark.parametrize("dataset", ["spiral", "arrays"])
def test_tables_show_the_number(dataset, arrays, tmp_path):
    written = spec("spiral" if dataset == "spiral" else arrays([0, 1, 1]), "cross_entropy", "linear")
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(written))
    shown = CliRunner().invoke(cli, ["summary", str(path)])
    assert shown.exit_code == 0, shown.output
    assert "(2,)" in shown.output
    if dataset == "spiral":
        resolved = CliRunner().invoke(cli, ["validate", "--resolved", str(path)])
        assert json.loads(resolved.output)["layers"][2]["units"] == 2


REFUSED = [
    (["linear", {"type": "linear", "units": 1}], ["layers.2"]),
    (["linear", "tanh", "linear"], ["layers.2"]),
    ([{"type": "residual", "layers": ["linear"]}], ["layers.2.layers.0"]),
    (["linear", {"type": "residual", "layers": [{"type": "linear", "units": 1}]}], ["layers.2"]),
]


@pytest.mark.parametrize(("last", "places"), REFUSED)
def test_any_other_linear_layer_is_asked_for_its_units(last, places):
    with pytest.raises(SpecnetError) as caught:
        specnet.load_spec(spec("waves", "mse", *last))
    told = caught.value.diagnostics
    assert [show_pointer(found.pointer) for found in told] == places
    assert {(found.code, found.message) for found in told} == {("missing-key", 'this linear layer has no "units"')}
    assert all("add them" in found.help for found in told)
