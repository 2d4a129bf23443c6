import csv
import io
import json
import shutil
from pathlib import Path

import pytest

LINE = {"type": "linear", "units": 1}


@pytest.fixture
def spec(write):
    return write("arms.json", split={"validation": 0.2}, training={"epochs": 3, "batch_size": 32})


def test_a_step_is_printed_in_each_form(invoke, spec):
    text = invoke("trace", spec).stdout
    assert "layers.0 linear: Affine map y = x W + b" in text
    assert "layers.0.weight adam: m <- b1 m" in text
    rows = json.loads(invoke("trace", spec, "--format", "json").stdout)["rows"]
    table = list(csv.DictReader(io.StringIO(invoke("trace", spec, "--format", "csv").stdout)))
    after = [row for row in rows if (row["place"], row["name"]) == ("layers.2.bias", "after")]
    found = [line for line in table if (line["place"], line["name"]) == ("layers.2.bias", "after")]
    assert [float(line["value"]) for line in found] == after[0]["values"]
    assert "### Step 1, forward" in invoke("trace", spec, "--format", "markdown").stdout
    assert {path.name for path in Path().iterdir()} == {"arms.json"}


def test_samples_steps_and_layers_are_chosen(invoke, spec):
    options = ("--samples", "all", "--steps", "2", "--layer", "layers.2", "--set", "training.batch_size=7")
    rows = json.loads(invoke("trace", spec, *options, "--format", "json").stdout)["rows"]
    assert {row["step"] for row in rows} == {1, 2}
    assert {row["place"] for row in rows} == {"layers.2", "layers.2.weight", "layers.2.bias"}
    assert next(row["shape"] for row in rows if row["name"] == "x") == [7, 4]


def test_a_run_is_traced_like_its_spec(invoke, spec):
    invoke("run", spec, "-o", "run", "--no-report")
    shown = invoke("trace", "run").stdout.partition("\n")[2]
    assert shown == invoke("trace", spec).stdout.partition("\n")[2]
    assert shown == invoke("trace", "run/spec.json").stdout.partition("\n")[2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--samples", "0"], "'0' is neither a number from 1 nor all"),
        (["--samples", "two"], "'two' is neither"),
        (["--samples", "41"], "41 samples: expected 1 to 32 training samples"),
        (["--steps", "0"], "0 is not in the range"),
        (["--steps", "4"], "4 steps: expected 1 to 3 steps in a run"),
        (["--layer", "layer"], "one of: layers.0, layers.1, layers.2"),
        (["--set", "layers.0.units=0"], "out-of-range"),
    ],
)
def test_what_there_is_not_is_refused(options, message, invoke, spec):
    result = invoke("trace", spec, *options)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not result.stdout


def test_data_that_are_gone_or_changed_are_told(invoke, write):
    Path("points.csv").write_text("x,y\n" + "".join(f"{n},{2 * n}\n" for n in range(20)))
    spec = write(
        "line.json",
        dataset={"type": "csv", "path": "points.csv", "inputs": ["x"], "targets": ["y"]},
        loss="mse",
        split={},
        layers=[LINE],
    )
    assert invoke("run", spec, "-o", "run", "--no-report").exit_code == 0
    shutil.move("points.csv", "kept.csv")
    for path in ("run", spec):
        result = invoke("trace", path)
        assert result.exit_code == 2
        assert "points.csv" in result.stderr
    Path("points.csv").write_text("x,y\n" + "".join(f"{n},{3 * n}\n" for n in range(20)))
    assert "SHA-256 does not match" in invoke("trace", "run").stderr


def test_a_run_takes_no_changes(invoke, spec):
    invoke("run", spec, "-o", "run", "--no-report")
    result = invoke("trace", "run", "--set", "seed=1")
    assert result.exit_code == 2
    assert "--set needs a spec" in result.stderr


def test_a_layer_of_a_plugin_shows_no_formula_where_it_states_none(invoke, write, forget):
    Path("mine.py").write_text(
        "from specnet import Layer, register\n"
        "@register('layers', 'double')\n"
        "class Double(Layer):\n"
        "    def forward(self, x, training):\n        return 2 * x\n"
        "    def backward(self, dy):\n        return 2 * dy\n"
    )
    spec = write("mine.json", layers=["double", {"type": "linear", "units": 1}])
    result = invoke("trace", spec, "--plugin", "mine.py")
    assert result.exit_code == 0, result.output
    assert "  layers.0 double\n    x (2, 2)" in result.stdout
