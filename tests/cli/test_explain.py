"""`specnet explain`, and the findings that `specnet run` ends with."""

import json
import re
from pathlib import Path

import pytest
from sick import MOONS, adam, sgd

SLOW = MOONS | sgd(1e-4)
TABLE = "a,t\n" + "\n".join(f"{number},{number % 7}" for number in range(60))


@pytest.fixture
def run(invoke, write):
    """The directory of a run that has hardly learned anything."""
    assert invoke("run", write("slow.json", **SLOW), "-o", "slow", "--no-report", "-q").output == ""
    return Path("slow")


def test_a_finding_has_a_place_evidence_a_picture_and_something_to_try(run, invoke):
    shown = invoke("explain", run).stdout
    line = 1 + (run / "spec.json").read_text().split("\n").index('    "learning_rate": 0.0001,')
    assert re.search(
        r"warning\[no-gain\]: the training loss is 0\.7\d+, above that of a constant prediction, 0\.6931\n"
        rf" *--> slow/spec.json:{line}:22 at optimizer.learning_rate\n",
        shown,
    )
    assert re.search(r"   = evidence: training loss 0\.7\d+, constant prediction 0\.6931\n   = page: loss\n", shown)
    assert """   = to try, to fit them: --set 'optimizer={"type": "adam", "learning_rate": 0.01}'\n""" in shown
    assert re.search(r"slow: \d findings\n$", shown)


def test_as_json(run, invoke):
    found = json.loads(invoke("explain", run, "--format", "json").stdout)
    assert found["unchecked"] == {}
    (first, *_) = found["findings"]
    assert (first["code"], first["pointer"]) == ("no-gain", "/optimizer/learning_rate")
    assert (first["file"], first["column"]) == ("slow/spec.json", 22)
    assert set(first["evidence"]) == {"training loss", "constant prediction"}
    assert first["picture"] == {"section": "training", "title": "loss"}
    assert [each["overrides"] for each in found["findings"]][1] == ['optimizer={"type": "adam", "learning_rate": 0.01}']


def test_the_cures_are_tried_and_judged(run, invoke):
    result = invoke("explain", run, "--try", "--seeds", "2", "-o", "tried", "-j", "1", "--format", "json")
    tried = {each["finding"]: each for each in json.loads(result.stdout)["tried"]}
    helped = tried["one-batch"]
    assert helped["verdict"] == "helped; the finding is gone"
    assert helped["value"] == "validation/accuracy"
    assert len(helped["before"]) == len(helped["after"]) == 2
    low, high = helped["interval"]
    assert 0 < low <= helped["better"] <= high
    assert {path.name for path in Path("tried").iterdir()} == {"before", *tried}
    # The same command again shows the same, from the same runs.
    stamps = {path: path.stat().st_mtime_ns for path in Path("tried").rglob("*.npz")}
    again = invoke("explain", run, "--try", "--seeds", "2", "-o", "tried", "-j", "1")
    assert re.search("one-batch .* validation/accuracy .* helped; the finding is gone", again.stdout)
    assert stamps == {path: path.stat().st_mtime_ns for path in Path("tried").rglob("*.npz")}


def test_what_is_there_is_not_written_over(run, invoke):
    before = sorted(run.rglob("*"))
    result = invoke("explain", run, "--try", "-o", run)
    assert (result.exit_code, sorted(run.rglob("*"))) == (2, before)
    assert "slow already exists" in result.stderr


def test_a_cure_that_makes_a_diverged_run_finish_helps(invoke, write):
    invoke("run", write("far.json", **MOONS | {"loss": "mse"} | sgd(1e3)), "-o", "far", "--no-report", "-q")
    result = invoke("explain", "far", "--try", "--seeds", "1", "-o", "tried", "--format", "json")
    verdicts = {each["finding"]: each["verdict"] for each in json.loads(result.stdout)["tried"]}
    assert verdicts["large-learning-rate"] == "helped: 0 of 1 runs diverge, not 1"


def test_a_run_ends_with_three_findings_at_most_and_with_none_if_quiet(invoke, write):
    spec = write("wild.json", **MOONS | adam(3))
    shown = invoke("run", spec, "-o", "wild", "--no-report").stdout
    findings = shown.partition("What stands out:\n")[2].splitlines()
    assert 1 <= len(findings[:-1]) <= 3
    assert "tanh) are saturated" in findings[0]
    assert findings[-1] == "  the evidence, and more: specnet explain wild"
    assert invoke("run", spec, "--no-report", "-q").output == ""


@pytest.mark.parametrize("policy", ["stop", "restore_best"])
def test_a_run_that_diverges_ends_with_what_stands_out_unless_it_is_quiet(policy, invoke, write):
    training = {"on_divergence": policy, "batch_size": 16}
    changes = {"loss": "mse", "training": training, "checkpoint": {"monitor": "validation/loss"}}
    spec = write("far.json", **MOONS | changes | sgd(1e3))
    result = invoke("run", spec, "-o", "far", "--no-report")
    assert result.exit_code == 4
    assert result.stderr.count("error[divergence]: the loss is inf") == 1
    findings = result.stdout.partition("What stands out:\n")[2].splitlines()
    assert 1 <= len(findings[:-1]) <= 3
    assert "to take smaller steps: --set optimizer.learning_rate=100" in "".join(findings)
    assert findings[-1] == "  the evidence, and more: specnet explain far"
    result = invoke("run", spec, "--no-report", "-q")
    assert (result.exit_code, result.stdout) == (4, "")


@pytest.mark.parametrize("policy", ["stop", "restore_best"])
def test_a_run_that_diverges_prints_its_findings_as_json_too(policy, invoke, write):
    training = {"on_divergence": policy, "batch_size": 16}
    changes = {"loss": "mse", "training": training, "checkpoint": {"monitor": "validation/loss"}}
    result = invoke("run", write("far.json", **MOONS | changes | sgd(1e3)), "-o", "far", "--format", "json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["status"], found["stopped_early"]) == (4, "diverged", False)
    assert "diverged" in {each["code"] for each in found["findings"]}
    assert bool(found["results"]) == (policy == "restore_best")


def test_a_run_as_it_should_be_is_left_in_peace(invoke, write):
    shown = invoke("run", write("good.json", **MOONS), "-o", "good", "--no-report").stdout
    assert "stands out" not in shown
    assert invoke("explain", "good").stdout == "good: nothing stands out\n"
    result = invoke("explain", "good", "--try")
    assert (result.exit_code, result.stdout) == (0, "good: nothing stands out\n")


def test_without_its_data_it_says_what_is_not_checked(invoke, write):
    Path("table.csv").write_text(TABLE)
    dataset = {"type": "csv", "path": "table.csv", "inputs": ["a"], "targets": ["t"]}
    spec = write("spec.json", dataset=dataset, layers=["linear"], loss="mse", training={"epochs": 12})
    invoke("run", spec, "-o", "run", "--no-report", "-q")
    Path("table.csv").unlink()
    result = invoke("explain", "run")
    assert result.exit_code == 0
    assert re.search(
        r"not checked: unscaled-inputs, .*dead-units.*: \S*table.csv: there is no such file", result.stdout
    )
    unchecked = json.loads(invoke("explain", "run", "--format", "json").stdout)["unchecked"]
    assert "rising-loss" not in unchecked


def test_what_is_no_run_is_refused(invoke, tmp_path):
    result = invoke("explain", tmp_path)
    assert result.exit_code == 3
