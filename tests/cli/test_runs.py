"""`specnet runs`: what is listed, and what is removed."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import specnet
from specnet.cli import cli
from specnet.runs.inventory import find_runs, foreign_files
from specnet.runs.selecting import parse_condition
from specnet.runs.storage.directory import RunDirectory

from .conftest import MINIMAL


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a finished run, one in a group, one that was killed, and a damaged one."""
    folder = tmp_path_factory.mktemp("made") / "runs"
    spec = MINIMAL | {"metrics": ["accuracy"], "split": {"validation": 0.2}}
    specnet.run(specnet.load_spec(spec | {"optimizer": "adam"}), folder / "adam")
    for seed in (1, 2):
        specnet.run(
            specnet.load_spec(spec | {"seed": seed, "optimizer": "sgd"}), folder / f"group/{seed}", report=False
        )
    (folder / "group/summary.json").write_text("{}")
    manifest = folder / "group/2/manifest.json"
    manifest.write_text(manifest.read_text().replace('"finished"', '"running"', 1))
    (folder / "damaged").mkdir()
    (folder / "damaged/manifest.json").write_text("{")
    (folder / "others").mkdir()
    (folder / "others/notes.txt").write_text("mine")
    return folder


@pytest.fixture
def runs(made, invoke):
    """Its copy."""
    shutil.copytree(made, "runs")
    Path("runs/link").symlink_to("group/1")
    return Path("runs")


def contents(folder):
    return {path: path.is_file() and path.read_bytes() for path in sorted(folder.rglob("*"))}


def test_runs_are_listed_wherever_they_are_with_what_takes_space(runs, invoke):
    result = invoke("runs")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line.split()[:2] for line in lines[1:4]] == [
        ["adam", "finished"],
        ["group/1", "finished"],
        ["group/2", "killed"],
    ]
    assert "pages " in lines[1] and "checkpoints " in lines[2]
    assert lines[-1].startswith("3 runs in runs, ") and "checkpoints " in lines[-1]
    assert "warning: runs/damaged/manifest.json is damaged" in result.stderr


def test_rows_are_chosen_and_sorted_by_any_value(runs, invoke):
    def listed(*options):
        found = json.loads(invoke("runs", "--format", "json", *options).stdout)["runs"]
        return [run["run"] for run in found]

    assert listed("--where", "optimizer=sgd") == ["group/1", "group/2"]
    assert listed("--where", "optimizer=sgd", "--where", "status!=finished") == ["group/2"]
    assert listed("--where", "seed>=1", "--sort", "-seed") == ["group/2", "group/1"]
    assert listed("--where", "size>0", "--where", "seed<1") == ["adam"]
    assert listed("--where", "optimizer.beta_1=0.9") == ["adam"]
    assert listed("--where", "training.batch_size=null") == []
    losses = [
        run["validation/loss"]
        for run in json.loads(invoke("runs", "--format=json", "--sort=validation/loss").stdout)["runs"]
    ]
    assert losses == sorted(losses)
    assert listed("--sort", "optimizer.beta_1")[0] == "adam"


def test_csv_and_markdown_are_for_other_programs(runs, invoke):
    rows = [*csv.DictReader(invoke("runs", "--format", "csv").stdout.splitlines())]
    assert [row["run"] for row in rows] == ["adam", "group/1", "group/2"]
    assert int(rows[0]["size"]) > 1000
    lines = invoke("runs", "--format", "markdown", "--where", "seed=1").stdout.splitlines()
    assert lines[1].startswith("| --- | --- |") and "| group/1 |" in lines[2]


def test_wrong_options_are_named(runs, invoke):
    for arguments, message in [
        (["nowhere"], "there is no directory nowhere"),
        (["--where", "lr=1"], '--where "lr=1": there is no value "lr"'),
        (["--where", "lr=1"], 'did you mean "optimizer.learning_rate"?'),
        (["--where", "status"], '--where "status" is not a condition'),
        (["--where", "zzz=1"], "one of: best epoch, checkpoint.every"),
        (["--where", "size>abc"], "size is a number, such as "),
        (["--where", "size>abc"], "but abc is text"),
        (["--where", "status=1"], "status is text, such as finished, but 1 is a number"),
        (["--where", "run<2"], """quote text that looks like a number: 'run="2"'"""),
        (["--sort", "siz"], 'did you mean "size"?'),
        (["--prune"], "--prune needs --where"),
        (["--yes"], "--yes needs --prune"),
    ]:
        result = invoke("runs", *arguments)
        assert (result.exit_code, message in result.stderr) == (2, True), result.output
    assert invoke("runs", "runs/others").stdout == "0 runs in runs/others\n"


def test_prune_says_what_it_would_remove_and_asks(runs, invoke):
    before = contents(runs)
    result = CliRunner().invoke(cli, ["runs", "--where", "status=killed", "--prune"], input="n\n")
    assert "to remove: runs/group/2 (killed, " in result.stderr
    assert "Remove 1 run, " in result.stderr
    assert result.stdout == "Nothing was removed.\n"
    assert contents(runs) == before
    result = CliRunner().invoke(cli, ["runs", "--where", "status=killed", "--prune"], input="y\n")
    assert result.stdout.startswith("removed 1 run, ")
    assert contents(runs) == {path: each for path, each in before.items() if "group/2" not in str(path)}


def test_what_is_in_use_or_not_a_runs_own_is_never_touched(runs, invoke):
    (runs / "adam/plots").mkdir()
    (runs / "adam/plots/mine.txt").write_text("mine")
    (runs / "group/1/results.json").unlink()
    (runs / "group/1/results.json").symlink_to(runs.absolute() / "others/notes.txt")
    with RunDirectory(runs / "group/2"):
        before = contents(runs)
        assert "running" in invoke("runs", "--where", "seed=2").stdout
        result = invoke("runs", "--where", "size>0", "--prune", "--yes")
        assert contents(runs) == before
    assert result.stdout == "Nothing was removed.\n"
    assert "kept: runs/adam: it has files that no run wrote: plots/mine.txt" in result.stderr
    assert "kept: runs/group/1: it has files that no run wrote: results.json" in result.stderr
    assert "kept: runs/group/2 is in use: process" in result.stderr


def test_all_runs_are_removed_and_nothing_else(runs, invoke):
    result = invoke("runs", "--where", "size>0", "--prune", "--yes", "--format", "json")
    assert json.loads(result.stdout) == {"removed": ["runs/adam", "runs/group/1", "runs/group/2"], "kept": {}}
    left = sorted(path.as_posix() for path in runs.rglob("*"))
    assert left == [
        "runs/damaged", "runs/damaged/manifest.json", "runs/group", "runs/group/summary.json", "runs/link",
        "runs/others", "runs/others/notes.txt",
    ]  # fmt: skip


def test_a_run_that_another_process_trains_is_told_from_one_that_was_killed(runs):
    code = "import sys, time; from pathlib import Path; from specnet.runs.storage.directory import RunDirectory\n"
    code += "with RunDirectory(Path('runs/group/2')): print(flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        (found,) = [run for run in find_runs(runs, []) if run.name == "group/2"]
        assert (found.status, f"process {other.pid} on " in found.writer) == ("running", True)
        other.stdin.close()


def test_every_file_of_a_run_is_its_own(runs):
    assert foreign_files(runs / "adam") == []
    (runs / "adam/logs").mkdir()
    (runs / "adam/logs/any.csv").touch()
    (runs / "adam/.manifest.json.abcdefgh.tmp").touch()
    assert foreign_files(runs / "adam") == []


@pytest.mark.parametrize(
    ("text", "values", "holds"),
    [
        ("a=1", {"a": 1.0}, True),
        ("a=1", {"a": "1"}, False),
        ("a<2", {"a": None}, False),
        ("a!=2", {}, True),
        ("a=null", {"a": None}, True),
        ('a="x y"', {"a": "x y"}, True),
        ("a = x y", {"a": "x y"}, True),
        ("a.b>=-1e-3", {"a.b": 0}, True),
        ("a=true", {"a": True}, True),
    ],
)
def test_a_condition_compares_numbers_as_numbers_and_others_as_text(text, values, holds):
    assert parse_condition(text).holds(values) is holds
