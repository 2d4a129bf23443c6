import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

IMAGES = {"type": "shapes", "n_samples": 40, "size": 15}
FLAT = ["flatten", {"type": "linear", "units": 4}]
SMALL = {"record": None, "training": {"epochs": 1}}


@pytest.fixture
def table(invoke, write):
    """A run of a table with a category, in the folder `run`."""
    rng = np.random.default_rng(0)
    rows = [f"{a:.3f},{kind},{a > 0}" for a, kind in zip(rng.normal(size=60), "xyz" * 20, strict=True)]
    Path("t.csv").write_text("\n".join(["a,kind,y", *rows]))
    columns = {"inputs": ["a", {"name": "kind", "type": "category"}], "targets": [{"name": "y", "type": "category"}]}
    spec = write(
        "t.json",
        dataset={"type": "csv", "path": "t.csv", **columns},
        split={"test": 0.3},
        layers=[{"type": "linear", "units": 2}],
        loss="cross_entropy",
        metrics=["accuracy"],
        optimizer={"type": "adam", "learning_rate": 0.1},
        record=None,
    )
    assert invoke("run", spec, "-o", "run", "-q", "--no-report").exit_code == 0
    return "run"


def test_importance_shows_columns_with_intervals_in_every_format(invoke, table):
    result = invoke("importance", table)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].split()[:2] == ["column", "loss"] and lines[1].startswith("a ") and lines[2].startswith("kind ")
    assert "samples of the test split; each column was permuted 10 times" in result.stdout
    rows = [*csv.DictReader(io.StringIO(invoke("importance", table, "--format", "csv").stdout))]
    found = json.loads(invoke("importance", table, "--format", "json").stdout)
    assert found["split"] == "test" and [each["column"] for each in found["columns"]] == ["a", "kind"]
    for row, each in zip(rows, found["columns"], strict=True):
        change = each["changes"]["loss"]
        numbers = [change["mean"], *change["interval"]]
        assert [float(row[f"loss {name}"]) for name in ("change", "low", "high")] == pytest.approx(numbers)
    assert invoke("importance", table, "--format", "markdown").stdout.startswith("| column | loss change |")
    once = json.loads(invoke("importance", table, "--repeats", 1, "--format", "json").stdout)
    assert once["columns"][0]["changes"]["loss"]["interval"] is None


def test_dependence_shows_the_mean_prediction_over_values(invoke, table):
    result = invoke("importance", table, "--dependence", "kind", "--dependence", "a")
    assert result.exit_code == 0 and result.stdout.split()[:4] == ["column", "value", "False", "True"]
    kind, a = json.loads(
        invoke("importance", table, "--dependence", "kind", "--dependence", "a", "--format", "json").stdout
    )
    assert kind["values"] == ["x", "y", "z"] and len(a["values"]) > 9
    assert np.allclose(np.add(*a["mean"].values()), 1) and a["mean"]["True"] == sorted(a["mean"]["True"])


def test_influence_shows_rows_their_places_and_changes(invoke, table):
    result = invoke("influence", table, "--rows", "3,7", "-j", 1, "--predict", 0)
    assert result.exit_code == 0, result.output
    for text in ("row-3  finished", "prediction of True", "line ", "The runs were saved in run/influence/"):
        assert text in result.stdout
    told = json.loads(invoke("influence", table, "--rows", "3,7", "-j", 1, "--format", "json").stdout)
    assert {row["row"] for row in told["rows"]} == {3, 7} and set(told["values"]) == {"loss", "accuracy"}
    assert invoke("influence", table, "--rows", "3", "-j", 1, "--format", "csv").stdout.startswith("row,sample,loss")


@pytest.mark.parametrize(("arguments", "message"), [
    (["importance", "--dependence", "kin"], 'no input column "kin"'),
    (["importance", "--split", "validation"], "no validation samples"),
    (["influence", "--rows", "3,x"], "--rows 3,x: expected numbers of rows"),
    (["influence", "--rows", "99"], "no training sample 99"),
    (["plot", "saliency"], "images or sequences are needed"),
])  # fmt: skip
def test_what_does_not_exist_is_refused(arguments, message, invoke, table):
    command, *others = arguments
    result = invoke(command, table, *others)
    assert result.exit_code == 2 and message in result.stderr


def test_without_its_data_a_run_cannot_be_looked_at(invoke, table):
    Path("t.csv").unlink()
    for command in (["importance", table], ["influence", table], ["plot", table, "importance"]):
        result = invoke(*command)
        assert result.exit_code == 2 and "t.csv" in result.stderr, command
    assert invoke("report", table).exit_code == 0


KINDS = {
    "images": ({"dataset": IMAGES, "layers": FLAT, "loss": "cross_entropy"}, "columns are needed", ""),
    "sequences": (
        {"dataset": {"type": "adding", "n_samples": 30, "length": 6},
         "layers": [{"type": "rnn", "units": 3}, {"type": "linear", "units": 1}], "loss": "mse"},
        "columns are needed", "",
    ),
    "masked tokens": (
        {"dataset": {"type": "copy", "n_samples": 30, "length": 3},
         "layers": [{"type": "embedding", "output_dim": 3}, {"type": "rnn", "units": 3, "return_sequences": True},
                    "linear"], "loss": "cross_entropy"},
        "sequences of whole numbers", "images or sequences are needed",
    ),
    "numbers at each position": (
        {"dataset": {"type": "mackey_glass", "n_samples": 60},
         "layers": [{"type": "rnn", "units": 1}], "loss": "mse"},
        "columns are needed", "",
    ),
}  # fmt: skip
"""Specs, and why their runs have no importance of columns and no saliency; nothing where they have it."""


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_inputs_is_shown_or_refused_with_a_reason(kind, invoke, write):
    spec, columns, places = KINDS[kind]
    assert (result := invoke("run", write("a.json", **SMALL, **spec), "-o", "run", "-q")).exit_code == 0, result.stderr
    for command, refusal in ((["importance", "run"], columns), (["plot", "run", "saliency", "occlusion"], places)):
        result = invoke(*command)
        assert (result.exit_code, refusal in result.stderr) == (2 if refusal else 0, True), result.stderr
    assert ("What the network looks at" in Path("run/report.html").read_text()) == (not places)


def test_an_autoencoder_has_no_score_whose_gradient_could_be_shown(invoke, write):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20, 8, 8))
    np.savez("x.npz", inputs=x, targets=x)
    layers = ["flatten", {"type": "linear", "units": 64}, {"type": "reshape", "target_shape": [8, 8]}]
    spec = write("a.json", **SMALL, dataset={"type": "npz", "path": "x.npz"}, layers=layers, loss="mse")
    assert invoke("run", spec, "-o", "run", "-q", "--no-report").exit_code == 0
    for name in ("saliency", "occlusion"):
        result = invoke("plot", "run", name)
        assert result.exit_code == 2 and "one class or one number for each sample is needed" in result.stderr


def test_streamed_samples_are_sampled_and_have_no_influence(invoke, write):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40_000, 8))
    np.savez("x.npz", inputs=x, targets=x[:, :1])
    dataset = {"type": "npz", "path": "x.npz", "buffer": 1}
    spec = write("a.json", **SMALL, dataset=dataset, layers=[{"type": "linear", "units": 1}], loss="mse")
    assert invoke("run", spec, "-o", "run", "-q", "--no-report", "--set", "training.batch_size=500").exit_code == 0
    result = invoke("importance", "run", "--repeats", 1)
    assert result.exit_code == 0 and "10,000 samples of the train split, of 40,000" in result.stdout
    assert "only the samples that it was trained on" in result.stderr
    result = invoke("influence", "run")
    assert result.exit_code == 2 and "piece by piece" in result.stderr


def test_networks_with_several_heads_have_importance_but_no_saliency(invoke, write):
    rng = np.random.default_rng(0)
    rows = [f"{a:.3f},{b:.3f},{a + b:.3f},{'yes' if a > 0 else 'no'}" for a, b in rng.normal(size=(40, 2))]
    Path("t.csv").write_text("\n".join(["a,b,sum,sign", *rows]))
    branches = [[{"type": "linear", "units": 1}], [{"type": "linear", "units": 2}]]
    losses = [{"loss": "mse", "targets": ["sum"]}, {"loss": "cross_entropy", "targets": ["sign"]}]
    spec = write(
        "a.json",
        **SMALL,
        dataset={"type": "csv", "path": "t.csv", "inputs": ["a", "b"], "targets": ["sum", "sign"]},
        layers=[{"type": "parallel", "branches": branches, "merge": "concat"}],
        loss={"type": "sum", "losses": losses},
        metrics=[],
    )
    result = invoke("run", spec, "-o", "run", "-q")
    assert result.exit_code == 0, result.stderr
    assert invoke("importance", "run").exit_code == 0
    result = invoke("importance", "run", "--dependence", "a", "--format", "csv")
    assert result.stdout.splitlines()[0] == "column,value,sum: sum,sign: no,sign: yes"
    assert invoke("plot", "run", "saliency").exit_code == 2
