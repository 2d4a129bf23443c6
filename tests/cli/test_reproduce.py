"""`specnet reproduce`: a second run in a new process."""

import json
from pathlib import Path

import pytest


@pytest.fixture
def run(write, invoke):
    write("arms.json", metrics=["accuracy"])
    assert invoke("run", "arms.json", "-q", "--no-report").exit_code == 0
    return Path("runs/arms")


@pytest.mark.long
def test_a_run_is_reproduced_in_a_new_process_and_nothing_else_is_written(run, invoke):
    before = sorted(Path().rglob("*"))
    result = invoke("reproduce", run)
    assert result.exit_code == 0, result.output
    assert '"arms" was reproduced: both runs are the same.' in result.stdout
    assert "gradient at step 0" in result.stdout
    assert sorted(Path().rglob("*")) == before


def test_a_difference_is_named_and_exits_with_3(run, invoke):
    results = run / "results.json"
    results.write_text(results.read_text().replace('"accuracy": 0.', '"accuracy": 0.9'))
    before = sorted(Path().rglob("*"))
    result = invoke("reproduce", run, "--format", "json", "--out", "again")
    assert result.exit_code == 3
    assert [path for path in sorted(Path().rglob("*")) if path.parts[0] != "again"] == before
    assert "error[run]: the second run differs" in result.stderr
    found = json.loads(result.stdout)
    assert not found["same"]
    assert [part["what"] for part in found["parts"] if part["agreement"] == "different"] == [
        "results.json", "metrics, measured again",
    ]  # fmt: skip
    assert Path("again/checkpoints").is_dir()


def test_what_cannot_be_trained_again_is_refused(run, invoke):
    for arguments, code, message in [
        (["nothing"], 3, "there is no directory nothing"),
        ([run, "--out", run], 2, "already exists"),
        ([run, "--kernels", "fast"], 2, "fast"),
    ]:
        result = invoke("reproduce", *arguments)
        assert (result.exit_code, message in result.stderr) == (code, True), result.output
    spec = run / "spec.json"
    spec.write_text(spec.read_text().replace('"epochs": 3', '"epochs": 4'))
    result = invoke("reproduce", run)
    assert (result.exit_code, "SHA-256 does not match" in result.stderr) == (3, True)


@pytest.mark.long
def test_an_error_of_the_new_process_keeps_its_code(run, invoke, capfd):
    result = invoke("reproduce", run, "--set", "seed=5")
    assert result.exit_code == 2
    assert "the run has 0 here, not 5" in capfd.readouterr().err
