import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from specnet import build, registry
from specnet.cli import cli
from specnet.component import find_class, reference
from specnet.spec.schema import make_schema

SPECS = Path(__file__).parents[2] / "specs"


@pytest.mark.parametrize(
    "path", sorted({*SPECS.glob("*.json")} - {*SPECS.glob("*.schema.json")}), ids=lambda path: path.name
)
def test_every_spec_of_the_project_is_valid(path, invoke):
    result = invoke("validate", path)
    assert (result.exit_code, result.output) == (
        0,
        f"{path}: no mistakes found; data not loaded (use --data)\n",
    )


def test_validate_tells_the_mistakes_of_every_spec(invoke, write):
    write("good.json")
    write("one.json", seed=-1)
    write("two.json", layers=["sigmod", {"type": "linear", "units": 0}])
    result = invoke("validate", "good.json", "one.json", "two.json")
    assert result.exit_code == 2
    assert result.stdout == "good.json: no mistakes found; data not loaded (use --data)\n"
    assert result.stderr.count("error[") == 3
    assert 'did you mean "sigmoid"?' in result.stderr


def test_validate_can_answer_in_json(invoke, write):
    result = invoke("validate", write("bad.json", layers=["sigmod"]), write("good.json"), "--format", "json")
    assert result.exit_code == 2
    assert json.loads(result.stdout) == [
        {
            "file": "bad.json",
            "line": 1,
            "column": 61,
            "severity": "error",
            "code": "unknown-component",
            "message": 'there is no layer "sigmod"',
            "pointer": "/layers/0",
            "help": 'did you mean "sigmoid"?',
        }
    ]


def test_warnings_are_shown_and_stop_nothing(invoke, write):
    write("large.json", training={"batch_size": 100, "epochs": 1})
    for command in ("validate", "run", "data", "summary"):
        result = invoke(command, "large.json")
        assert (result.exit_code, result.stderr.count("warning[batch-size]")) == (0, 1)
        assert "large.json:1:" in result.stderr
    found = json.loads(invoke("validate", "large.json", "--format", "json").stdout)
    assert [(each["severity"], each["code"]) for each in found] == [("warning", "batch-size")]
    # In that file nothing is wrong, only unusual; in this one something is.
    assert invoke("validate", "large.json", write("bad.json", seed=-1)).exit_code == 2


def test_validate_prints_the_resolved_spec(invoke, write):
    write("base.json", seed=3, optimizer="sgd")
    Path("child.json").write_text('{"extends": "base.json", "$schema": "./s.json", "split": {"test": 0.5}}')
    result = invoke("validate", "child.json", "--resolved", "--set", "training.epochs=2")
    assert (result.exit_code, result.stderr) == (0, "")
    document = json.loads(result.stdout)
    assert (document["name"], document["seed"], document["training"]["epochs"]) == ("child", 3, 2)
    assert document["optimizer"]["type"] == "sgd"
    assert (document["split"]["test"], document["split"]["stratify"]) == (0.5, None)
    assert not {"extends", "$schema"} & set(document)


def test_a_resolved_spec_run_again_is_the_same_run(invoke, write):
    write("base.json", split={"test": 0.25})
    Path("child.json").write_text('{"extends": "base.json", "seed": 5}')
    Path("resolved.json").write_text(invoke("validate", "child.json", "--resolved", "--set", "dtype=float64").stdout)
    assert invoke("run", "child.json", "--set", "dtype=float64", "--out", "one").exit_code == 0
    assert invoke("run", "resolved.json", "--out", "two").exit_code == 0
    for name in ("spec.json", "checkpoints/step-00000003.npz"):
        assert Path("one", name).read_bytes() == Path("two", name).read_bytes()


def test_only_one_spec_can_be_printed(invoke, write):
    for arguments in (["a.json", "b.json"], ["a.json", "--format", "json"]):
        result = invoke("validate", write("a.json"), "--resolved", *arguments)
        assert (result.exit_code, "--resolved takes one spec" in result.stderr) == (2, True)


def test_a_schema_among_specs_is_passed_over(invoke, write):
    invoke("schema", "-o", "specnet.schema.json")
    result = invoke("validate", write("good.json"), "specnet.schema.json")
    assert result.exit_code == 0
    assert result.stdout == "good.json: no mistakes found; data not loaded (use --data)\n"
    assert "specnet.schema.json: a schema of specs" in result.stderr


def test_of_a_wrong_spec_nothing_is_printed_as_resolved(invoke, write):
    result = invoke("validate", write("bad.json", seed=-1), "--resolved")
    assert (result.exit_code, result.stdout, "error[out-of-range]" in result.stderr) == (2, "", True)


def test_validate_takes_overrides(invoke, write):
    assert invoke("validate", write("good.json"), "--set", "training.epochs=none").exit_code == 2


def test_components_lists_every_registered_name_with_its_distribution(invoke):
    lines = invoke("components").output.splitlines()
    for group in registry.GROUPS:
        assert any(line.startswith(group) for line in lines) == bool(registry.claims(group))
        for name in registry.claims(group):
            assert any(line.split()[:2] == [name, registry.find(group, name).distribution] for line in lines)


def test_components_shows_one_with_its_fields_and_formula(invoke):
    output = invoke("components", "layers", "linear").output
    assert "y = x W + b" in output
    rows = {row[0]: row[1:3] for line in output.splitlines() if len(row := line.split()) > 2}
    assert (rows["units"], rows["use_bias"]) == (["int", "|"], ["bool", "true"])  # int | null
    assert rows["weight_init"] == ["Initializer", '"glorot_uniform"']
    assert "null" in invoke("components", "datasets", "idx").output
    assert not any(line.endswith(" ") for line in output.splitlines())


def test_a_default_that_is_a_component_is_shown_as_its_json(invoke, monkeypatch):
    class Layer(find_class("layers", "linear")):
        weight_init: reference("initializers") = build("initializers", {"type": "constant", "value": 2.0})

    monkeypatch.setattr("specnet.component.find_class", lambda group, name: Layer)
    assert '{"type": "constant", "value": 2.0}' in invoke("components", "layers", "linear").output


@pytest.mark.parametrize(
    ("arguments", "suggestion"),
    [(["layer"], '"layers"'), (["layers", "liner"], '"linear"'), (["layers", ""], "linear")],
)
def test_components_suggests_the_nearest_name(arguments, suggestion, invoke):
    result = invoke("components", *arguments)
    if arguments[-1]:
        assert result.exit_code == 2
    assert suggestion in result.output


def test_data_shows_what_the_network_will_see(invoke, write):
    spec = write("arms.json", split={"test": 0.25, "stratify": True}, transforms={"inputs": ["standardize"]})
    output = invoke("data", spec).output
    assert "(2,)" in output
    assert [line.split() for line in output.splitlines() if "arm 1" in line] == [["1", "arm", "1", "15", "5"]]


def test_data_writes_the_arrays_that_training_uses(invoke, write):
    transforms = {"inputs": ["standardize", {"type": "scale", "factor": 2.0}]}
    spec = write("arms.json", split={"test": 0.25}, transforms=transforms, dtype="float64")
    assert invoke("data", spec, "-o", "arms.npz").exit_code == 0
    with np.load("arms.npz") as arrays:
        assert sorted(arrays) == ["test_inputs", "test_targets", "train_inputs", "train_targets"]
        np.testing.assert_allclose(arrays["train_inputs"].std(axis=0), 2)
        assert arrays["train_targets"].shape == (30, 1)
        assert {array.dtype for array in arrays.values()} == {np.dtype("float64")}


def test_data_are_shown_even_if_the_layers_do_not_fit_them(invoke, write):
    # How many outputs one_hot makes is known only when it has seen the classes.
    transforms = {"targets": ["one_hot"]}
    result = invoke("data", write("arms.json", layers=[{"type": "linear", "units": 3}], transforms=transforms))
    assert result.exit_code == 2
    assert "arm 1" in result.stdout
    assert "error[shape]" in result.stderr


def test_data_that_are_streamed_are_shown_and_written_like_others(invoke, write):
    rng = np.random.default_rng(0)
    np.save("x.npy", rng.normal(3, 2, (500, 3)))
    np.save("t.npy", rng.integers(0, 4, 500))
    outputs = []
    for buffer in (0.002, 1):
        spec = write(
            "large.json",
            dataset={"type": "npy", "inputs": "x.npy", "targets": "t.npy", "buffer": buffer},
            split={"validation": 0.3},
            transforms={"inputs": [{"type": "minmax", "low": -1}]},
            layers=[{"type": "linear", "units": 4}],
            loss="cross_entropy",
        )
        result = invoke("data", spec, "-o", f"{buffer}.npz")
        assert result.exit_code == 0, result.output
        outputs.append(result.stdout.splitlines()[:-1])
        for units in (3, 4):  # whether the layers fit or not
            assert "train" in invoke("data", spec, "--set", f"layers.0.units={units}").stdout
    assert outputs[0] == outputs[1]
    assert Path("0.002.npz").read_bytes() == Path("1.npz").read_bytes()


def test_data_are_written_to_an_npz_file_only(invoke, write):
    spec = write("arms.json")
    assert invoke("data", spec, "-o", "arms.csv").exit_code == 2


def test_what_data_writes_can_be_a_dataset(invoke, write):
    invoke("data", write("arms.json", split={"test": 0.25}), "-o", "arms.npz")
    again = write("again.json", dataset={"type": "npz", "path": "arms.npz"})
    result = invoke("run", again)
    assert result.exit_code == 0
    assert "test" in result.output


@pytest.mark.parametrize("command", cli.commands)
def test_every_command_has_help_with_an_example(command, invoke):
    output = invoke(command, "--help").output
    assert "Example:" in output
    assert f"specnet {command}" in output


def test_components_shows_types_as_a_reader_of_json_understands_them(invoke):
    assert '"mean" | "sum"' in invoke("components", "losses", "mse").output
    assert '"min" | "max" | null' in invoke("components", "schedules", "reduce_on_plateau").output
    assert "list[str]" in invoke("components", "datasets", "csv").output


def test_a_schema_that_does_not_exist_or_is_to_be_resolved_is_no_schema(invoke):
    result = invoke("validate", "absent.schema.json")
    assert (result.exit_code, "there is no such file" in result.stderr) == (2, True)
    invoke("schema", "-o", "specnet.schema.json")
    schema = json.loads(Path("specnet.schema.json").read_text())
    Path("specnet.schema.json").write_text(json.dumps(schema | {"$defs": {}}))  # the whole is too large for a spec
    result = invoke("validate", "specnet.schema.json", "--resolved")
    assert (result.exit_code, result.stdout, "error[unknown-key]" in result.stderr) == (2, "", True)


@pytest.mark.parametrize("command", [["run"], ["validate"], ["summary"], ["data"]])
def test_an_ending_that_was_left_out_is_told(command, invoke, write):
    write("arms.json")
    result = invoke(*command, "arms")
    assert result.exit_code == 2
    assert result.stderr.rstrip("\n") == (
        'error[file]: there is no such file\n  --> arms\n   = help: did you mean "arms.json"?'
    )


@pytest.mark.parametrize(
    ("arguments", "help"),
    [
        (["train", "x.json"], 'did you mean "specnet run x.json"?'),
        (["x.json"], 'did you mean "specnet run x.json"?'),
        (["plot.json"], 'did you mean "specnet run plot.json"?'),
        (["sumary", "x.json"], 'did you mean "summary"?'),
        (["train"], 'did you mean "run"?'),
        (["eval", "x"], 'did you mean "evaluate"?'),
        (["fit", "x.json"], 'did you mean "specnet run x.json"?'),
        (["shuffle", "x.json"], "one of: bundle, check, compare, components, "),
        (["anneal", "x.json"], "one of: bundle, check, compare, components, "),
        (["new", "x"], "one of: plugin, spec"),
    ],
)
def test_a_command_that_does_not_exist_is_told_what_may_be_meant(arguments, help, invoke):
    result = invoke(*arguments)
    assert (result.exit_code, help in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "help"),
    [
        (["--epochs", "5"], "use --set training.epochs=5"),
        (["--max-epochs=5"], "use --set training.epochs=5"),
        (["--lr", "0.1"], "use --set optimizer.learning_rate=0.1"),
        (["--seed"], "use --set seed=VALUE"),
        (["--patience", "9", "-q"], "use --set training.early_stopping.patience=9"),
        (["--raport"], 'did you mean "--report"?'),
        (["--gpu"], 'there is no option "--gpu"\n'),
    ],
)
def test_an_option_that_is_a_value_of_the_spec_is_told_as_an_override(arguments, help, invoke):
    result = invoke("run", "x.json", *arguments)
    assert (result.exit_code, help in result.stderr) == (2, True), result.stderr


def test_data_of_very_large_numbers_are_shown_without_a_warning(invoke, write):
    Path("large.csv").write_text("a,t\n1e300,2\n-1e300,3\n")
    dataset = {"type": "csv", "path": "large.csv", "inputs": ["a"], "targets": ["t"]}
    result = invoke("data", write("large.json", dataset=dataset, loss="mse", dtype="float64"))
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1].split()[-4:] == ["-1e+300", "1e+300", "0", "1e+300"]


def test_what_programs_read_is_utf_8_whatever_the_terminal_shows(invoke, write):
    write("flute.json", description="Flöte ♪", training={"epochs": 1, "batch_size": None})
    write("bad.json", seed="ö♪")
    Path("in.csv").write_text("a\n1\n", encoding="utf-8")
    Path("tones.csv").write_text("a,t\n1,Flöte ♪\n2,Oboe\n", encoding="utf-8")
    dataset = {"type": "csv", "path": "tones.csv", "inputs": ["a"], "targets": ["t"]}
    invoke("run", write("tones.json", dataset=dataset, layers=[{"type": "linear", "units": 2}], loss="cross_entropy"))
    commands = [
        "validate flute.json --resolved",
        "validate bad.json --format json",
        "predict runs/tones in.csv",
        "schema",
    ]
    script = """
import contextlib, sys
from specnet.cli import main
for command in sys.argv[1:]:
    sys.argv = ["specnet", *command.split()]
    with contextlib.suppress(SystemExit):
        main()
    print(end="\\0", flush=True)
"""
    environment = os.environ | {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    done = subprocess.run(
        [sys.executable, "-c", script, *commands], env=environment, stdout=subprocess.PIPE, check=True
    )
    resolved, found, predicted, schema, _ = done.stdout.decode("utf-8").split("\0")
    assert json.loads(resolved)["description"] == "Flöte ♪"
    assert "ö♪" in json.loads(found)[0]["message"]
    assert predicted.startswith("t,probability of Flöte ♪,probability of Oboe\n")
    assert schema == json.dumps(make_schema(), indent=2, ensure_ascii=False) + "\n"
