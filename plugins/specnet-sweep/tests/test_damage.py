"""What was deleted, damaged, linked elsewhere or is used by another sweep is trained again or refused."""

import json
import shutil

import pytest
from click.testing import CliRunner
from specnet_sweep import study, sweep
from specnet_sweep.plan import SweepPlan

from specnet.cli import cli
from specnet.errors import BusyError, RunError, UsageError
from specnet.runs.storage.directory import RunDirectory


def test_runs_that_are_gone_are_trained_again(swept, write, read, tmp_path):
    file, out = write(tmp_path), tmp_path / "gone"
    shutil.copytree(swept.directory, out)
    pruned = next(trial.number for trial in swept.trials if trial.status == "pruned")
    for path in (out / "0", out / str(pruned)):
        shutil.rmtree(path)
    (out / "1" / "seed-2" / "results.json").unlink()
    (out / "2" / "summary.json").unlink()
    (out / "best.json").write_text("{")
    result = CliRunner().invoke(cli, ["sweep", str(file), "-o", str(out), "-j", "1"])
    assert result.exit_code == 0, result.output
    for number in {0, 1, 2, pruned}:
        assert f"runs of trial {number} are gone" in result.output
    assert "other results" not in result.output
    assert read(out) == read(swept.directory)
    for path in swept.directory.glob("*/*.json"):
        assert (out / path.relative_to(swept.directory)).read_bytes() == path.read_bytes()
    assert (out / "best.json").read_bytes() == (swept.directory / "best.json").read_bytes()


@pytest.mark.parametrize("name", ["0", "1/seed-2", "journal.log", "missing"])
def test_nothing_is_written_through_a_link(name, write, tmp_path):
    file = write(tmp_path, {"training": {"epochs": 1}}, trials=2, pruner=None)
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    plan = SweepPlan(file)
    for path in (out, elsewhere, (out / name).parent):
        path.mkdir(exist_ok=True)
    (out / "plan.json").write_text(json.dumps(plan.to_json()))
    (elsewhere / "file").write_text("mine")
    target = {"journal.log": elsewhere / "file", "missing": elsewhere / "missing"}.get(name, elsewhere)
    link = out / ("0" if name == "missing" else name)
    link.symlink_to(target)
    with pytest.raises(RunError, match=r"symbolic link|not a regular file"):
        sweep(file, out, workers=1)
    assert link.is_symlink()
    assert [path.read_text() for path in elsewhere.iterdir()] == ["mine"]
    link.unlink()
    assert len(sweep(file, out, workers=1).trials) == 2


def test_a_sweep_that_was_killed_before_it_began_is_begun(write, tmp_path):
    file, out = write(tmp_path, {"training": {"epochs": 1}}, trials=1, seeds=None), tmp_path / "out"
    out.mkdir()
    for name in (".lock", ".plan.json.abcd1234.tmp"):
        (out / name).touch()
    assert len(sweep(file, out, workers=1).trials) == 1
    assert not (out / ".plan.json.abcd1234.tmp").exists()


def test_two_sweeps_on_one_directory_and_another_sweep_in_it_are_refused(swept, write, read, tmp_path):
    file = write(tmp_path)
    with RunDirectory(swept.directory), pytest.raises(BusyError, match="another process writes"):
        sweep(file, swept.directory, workers=1)
    before = read(swept.directory)
    for change, what in (({"seed": 3}, "seed"), ({"changed": {"seed": 5}}, "spec")):
        with pytest.raises(UsageError, match=rf"contains another sweep, of .*sweep.json, which differs in {what}"):
            sweep(write(tmp_path, **change), swept.directory, workers=1)
    with pytest.raises(UsageError, match="is not a sweep"):
        sweep(file, tmp_path, workers=1)
    assert read(swept.directory) == before


@pytest.mark.parametrize("text", ["garbage\n{}\n", "[]\n", '{"op_code": 99}\n', '{"op_code": 4, "worker_id": "x"}\n'])
def test_a_damaged_journal_is_reported(text, swept, write, tmp_path):
    file, out = write(tmp_path), tmp_path / "damaged"
    out.mkdir()
    (out / "plan.json").write_bytes((swept.directory / "plan.json").read_bytes())
    (out / study.JOURNAL).write_text(text)
    with pytest.raises(RunError, match=r"journal.log is damaged"):
        sweep(file, out, workers=1)
    assert (out / study.JOURNAL).read_text() == text


def test_a_changed_line_of_the_journal_is_named(swept, write, tmp_path):
    file, out = write(tmp_path), tmp_path / "changed"
    shutil.copytree(swept.directory, out)
    lines = (swept.directory / study.JOURNAL).read_text().splitlines(keepends=True)
    for content, message in (
        ([*lines[:2], lines[2].replace("1", "2", 1), *lines[3:]], r"journal.log is damaged: line 3: its SHA-256"),
        ([*lines[:2], "{\n", *lines[3:]], "journal.log is damaged: line 3: Expecting"),
        (lines[:-1], rf"journal.log is damaged: it ends after line {len(lines) - 1} of {len(lines)}"),
    ):
        (out / study.JOURNAL).write_text("".join(content))
        with pytest.raises(RunError, match=message):
            sweep(file, out, workers=1)
        assert (out / study.JOURNAL).read_text() == "".join(content)


def test_without_its_journal_a_sweep_chooses_the_same_trials_and_keeps_their_runs(swept, write, read, tmp_path):
    file, out = write(tmp_path), tmp_path / "without"
    shutil.copytree(swept.directory, out)
    (out / study.JOURNAL).unlink()
    runs = {path: path.stat().st_mtime_ns for path in out.glob("*/*/manifest.json")}
    sweep(file, out, workers=1)
    assert read(out) == read(swept.directory)
    assert runs == {path: path.stat().st_mtime_ns for path in out.glob("*/*/manifest.json")}


def test_a_sweep_is_not_continued_on_other_data(write, tmp_path):
    dataset = {"type": "csv", "path": "points.csv", "inputs": ["x"], "targets": ["y"]}
    changes = {"dataset": dataset, "loss": "mse", "metrics": [], "training": {"epochs": 1}}
    points, out = tmp_path / "points.csv", tmp_path / "out"
    points.write_text("x,y\n" + "".join(f"{n},{n % 3}\n" for n in range(20)))
    file = write(tmp_path, changes, trials=1, seeds=None, pruner=None)
    sweep(file, out, workers=1)
    points.write_text(points.read_text().replace("7,1", "8,1"))
    with pytest.raises(UsageError, match="trained on other data"):
        sweep(file, out, workers=1)
