"""Spec and manifest are rebuilt from a checkpoint; what is intact stays."""

import json

import pytest
from click.testing import CliRunner
from helpers import change, flip, newest
from runs.stopped import contents, small

import specnet
from specnet.cli import cli
from specnet.errors import BusyError, Interrupted, RunError
from specnet.runs.storage.directory import RunDirectory
from specnet.runs.verification.doctor import examine_run
from specnet.runs.verification.repair import repair

GONE = {"time", "started", "finished", "seconds", "spec"}
"""What only the manifest knew."""


def manifest(run):
    found = json.loads((run / "manifest.json").read_text())
    return {name: value for name, value in found.items() if name not in GONE}


@pytest.mark.parametrize("names", [["manifest.json"], ["spec.json"], ["spec.json", "manifest.json"]])
@pytest.mark.parametrize("damage", ["removed", "empty"])
def test_what_is_damaged_is_rebuilt_and_the_run_resumes_to_the_same_bytes(names, damage, stop, tmp_path):
    whole = contents(specnet.run(small(), tmp_path / "whole", report=False).directory)
    stop(5)
    with pytest.raises(Interrupted):
        specnet.run(small(), tmp_path / "run", report=False)
    run = tmp_path / "run"
    before, spec = manifest(run), (run / "spec.json").read_text()
    for name in names:
        (run / name).unlink() if damage == "removed" else (run / name).write_text("")
    assert {finding.part for finding in examine_run(run).findings} >= {
        name.removesuffix(".json") for name in names[-1:]
    }
    assert repair(run) == names
    assert (manifest(run), (run / "spec.json").read_text()) == (before | {"error": None}, spec)
    assert examine_run(run).resume == 5
    specnet.resume(run, report=False)
    assert contents(run) == whole


def test_a_spec_that_was_made_longer_stays(tmp_path):
    run = specnet.run(small(), tmp_path / "run", report=False).directory
    change(run / "spec.json", description="mine")
    (run / "manifest.json").unlink()
    assert repair(run) == ["manifest.json"]
    assert specnet.load_run(run).spec.description == "mine"
    assert repair(run) == []


def test_the_newest_intact_checkpoint_is_used(tmp_path):
    run = specnet.run(small(), tmp_path / "run", report=False).directory
    (run / "manifest.json").unlink()
    flip(newest(run))
    assert repair(run) == ["manifest.json"]
    assert specnet.load_run(run).status == "interrupted"
    for path in (run / "checkpoints").iterdir():
        if path != newest(run):
            flip(path)
    (run / "manifest.json").unlink()
    with pytest.raises(RunError, match="no checkpoint is intact"):
        repair(run)


def test_a_run_in_progress_is_left_alone(tmp_path):
    run = specnet.run(small(), tmp_path / "run", report=False).directory
    (run / "spec.json").unlink()
    with RunDirectory(run), pytest.raises(BusyError):
        repair(run)
    assert not (run / "spec.json").exists()


def test_the_command_says_what_it_has_rebuilt(tmp_path):
    run = specnet.run(small(), tmp_path / "run", report=False).directory
    (run / "manifest.json").write_text("{")
    assert "specnet doctor" in CliRunner().invoke(cli, ["doctor", str(run)]).stdout
    result = CliRunner().invoke(cli, ["doctor", str(run), "--repair"])
    assert (result.exit_code, result.stderr) == (0, "rebuilt from a checkpoint: manifest.json\n")
    assert "intact" in result.stdout
    assert CliRunner().invoke(cli, ["doctor", "--repair"]).exit_code == 2


def test_results_that_are_missing_or_damaged_are_reported_and_measured_again(tmp_path):
    run = specnet.run(small(), tmp_path / "run", report=False).directory
    results = run / "results.json"
    before = results.read_bytes()
    other = json.loads(before) | {"checkpoint": "step-00000000.npz"}
    for damaged in (None, "", "[1]", "{}", json.dumps(other), json.dumps(json.loads(before) | {"train": "good"})):
        results.unlink() if damaged is None else results.write_text(damaged)
        assert [found.message.partition(" is ")[0] for found in examine_run(run).findings] == ["results.json"]
        assert repair(run) == ["results.json"]
        assert results.read_bytes() == before
        assert not examine_run(run).findings


def test_results_are_those_of_the_checkpoint_that_they_name(tmp_path):
    run = specnet.run(small(), tmp_path / "run", report=False)
    found = json.loads((run.directory / "results.json").read_text())
    named = specnet.load_run(run.directory, found["checkpoint"])
    assert {split: found[split] for split in run.data.splits} == {
        split: named.evaluate(split) for split in run.data.splits
    }
    assert (found["epoch"], found["monitor"], found["value"]) == tuple(
        run.best[name] for name in ("epoch", "monitor", "value")
    )


@pytest.mark.parametrize("gone", ["history.jsonl", "record.npz"])
def test_without_history_or_record_a_run_is_used_but_not_resumed(gone, tmp_path):
    run = specnet.run(small(record={"every": 1, "points": 3}), tmp_path / "run", report=False).directory
    expected = specnet.load_run(run).evaluate("train")
    (run / gone).unlink()
    assert specnet.load_run(run).evaluate("train") == expected
    with pytest.raises(RunError, match=gone):
        specnet.resume(run, ["training.epochs=9"], report=False)
