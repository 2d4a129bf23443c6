import json
import tomllib
from pathlib import Path

import pytest

from specnet.cli.unknown import PLUGIN_COMMANDS

SPEC = {
    "dataset": {"type": "spiral", "n_samples": 40},
    "split": {"validation": 0.25},
    "metrics": ["accuracy"],
    "training": {"epochs": 3},
    "record": None,
}


@pytest.fixture
def group(invoke, write):
    assert invoke("repeat", write("a.json", **SPEC), "--seeds", 2, "-j", 1, "-o", "g").exit_code == 0
    return "g"


def test_repeat_prints_statistics_and_a_sentence_and_continues_a_group(invoke, write):
    spec = write("a.json", **SPEC)
    result = invoke("repeat", spec, "--seeds", 2, "-j", 1, "-o", "g", "--target", "validation/accuracy=0.1")
    assert result.exit_code == 0, result.output
    for text in ("2 runs -> g", "seed-1  finished  epoch 3", "validation/accuracy", "Over 2 seeds", "g/curves.png"):
        assert text in result.output
    found = json.loads(invoke("repeat", spec, "--seeds", "2,3", "-j", 1, "-o", "g", "--format", "json").stdout)
    assert [run["name"] for run in found["runs"]] == ["seed-1", "seed-2", "seed-3"]
    assert found["statistics"]["validation/accuracy"]["count"] == 3


def test_evaluate_predict_and_export_take_a_group(invoke, group):
    result = invoke("evaluate", group)
    assert result.exit_code == 0 and "means over 2 runs" in result.output and "ensemble" in result.output
    found = json.loads(invoke("evaluate", group, "--format", "json", "--require", "loss<100").stdout)["validation"]
    assert found["runs"]["accuracy"]["count"] == 2 and list(found["ensemble"]) == ["accuracy"]
    assert invoke("evaluate", group, "--require", "loss<0").exit_code == 5
    Path("x.csv").write_text("x,y\n0,1\n")
    header, row = invoke("predict", group, "x.csv").stdout.splitlines()
    assert header.split(",")[-2:] == ["spread of probability of arm 0", "spread of probability of arm 1"]
    numbers = [float(cell) for cell in row.split(",")[1:]]
    assert numbers[0] + numbers[1] == pytest.approx(1) and numbers[2] == numbers[3] > 0
    line = json.loads(invoke("predict", group, "x.csv", "--format", "json").stdout)
    assert line["prediction"]["probability of arm 0"] == pytest.approx(numbers[0])
    result = invoke("export", group, "--to", "numpy", "-o", "nets")
    assert result.exit_code == 0 and "2 networks in nets" in result.output
    assert "one of its runs" in invoke("predict", group, "x.csv", "--checkpoint", "latest").output


def test_cross_validate_predicts_each_fold_and_refit_trains_on_all_samples(invoke, write):
    result = invoke("cross-validate", write("a.json", **SPEC), "--folds", 2, "-j", 1, "-o", "g")
    assert result.exit_code == 0 and "2-fold cross-validation" in result.output and "g/predictions.csv" in result.output
    result = invoke("refit", "g", "-o", "final")
    assert result.exit_code == 0 and "training on all samples for" in result.output
    assert json.loads(Path("final/manifest.json").read_text())["data"]["rows"] == {"train": 40}


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("repeat a.json --seeds none", "--seeds none: expected a number"),
        ("repeat a.json --seeds 0", "1 to 10,000 runs, not 0"),
        ("repeat a.json --seeds 1000000000", "not 1,000,000,000"),
        ("repeat a.json --vary strat", 'did you mean "start"?'),
        ("repeat a.json --vary ,", "nothing varies"),
        ("repeat a.json --target validation/acuracy=1", 'did you mean "validation/accuracy"?'),
        ("repeat a.json --target validation/accuracy", "expected a value and a number"),
        ("repeat a.json --engine ray", 'there is no engine "ray"'),
        ("repeat a.json --set training.epoch=3", 'did you mean "epochs"?'),
        ("repeat a.json -o a.json", "error[usage]: a.json already exists"),
        ("cross-validate a.json --folds 41 -j 1", "41 folds need at least 41 samples"),
        ("cross-validate a.json --group site -j 1", "--> a.json"),
        ("cross-validate a.json --group site --order", "not both"),
        ("cross-validate a.json --folds 5 --repeats 5000", "2 to 10,000 runs"),
        ("refit a.json", "is not a group of runs"),
    ],
)
def test_bad_input_is_located_and_leaves_nothing(command, message, invoke, write):
    write("a.json", **SPEC)
    result = invoke(*command.split())
    assert result.exit_code == (3 if command.startswith("refit") else 2), result.output
    assert message in result.output


@pytest.mark.parametrize(
    "command", ["refit s", "predict s x.csv", "evaluate s", "export s --to numpy -o x.py", "compare s"]
)
def test_a_sweep_of_which_no_trial_has_a_value_is_refused(command, invoke):
    Path("s/0/seed-1").mkdir(parents=True)
    Path("s/plan.json").write_text("{}")
    for name in ("absent", "0/seed-1/manifest.json"):  # before its first run, and in it
        Path("s/0/summary.json").touch()
        Path("s", name).write_text("{}")
        result = invoke(*command.split())
        words = "no run in s has results yet" if "compare" in command else "the sweep in s has no best trial"
        assert (result.exit_code, words in result.stderr) == (2, True), result.output


def test_a_command_that_takes_a_run_names_a_sweep_as_what_it_is(invoke):
    Path("s").mkdir()
    Path("s/plan.json").write_text("{}")
    assert "it is a sweep: name one of its runs" in invoke("report", "s").stderr


def test_a_command_of_a_plugin_that_is_not_installed_says_what_to_install(invoke, monkeypatch):
    found = {}
    for path in Path(__file__).parents[2].glob("plugins/*/pyproject.toml"):
        project = tomllib.loads(path.read_text())["project"]
        found |= dict.fromkeys(project.get("entry-points", {}).get("specnet.commands", {}), project["name"])
    assert found == PLUGIN_COMMANDS
    monkeypatch.setattr("specnet.cli.find_command", lambda name: None)
    monkeypatch.setattr("specnet.cli.list_plugins", dict)
    for command, plugin in found.items():
        assert f"pip install {plugin}" in invoke(command, "x.json").stderr
    assert 'did you mean "sweep"?' in invoke("swep", "x.json").stderr
