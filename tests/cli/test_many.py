import contextlib
import io
import json
import runpy
import shutil
import tomllib
from pathlib import Path

import numpy as np
import pytest
from cli.conftest import MINIMAL
from click.testing import CliRunner
from rich.cells import cell_len
from rich.console import Console

from specnet.cli import cli
from specnet.cli.group_progress import live_table
from specnet.cli.runs import LISTED_COLUMNS
from specnet.cli.unknown import PLUGIN_COMMANDS
from specnet.studies.statistics import describe

SPEC = {
    "dataset": {"type": "spiral", "n_samples": 40},
    "split": {"validation": 0.25},
    "metrics": ["accuracy"],
    "training": {"epochs": 3},
    "record": None,
}


pytestmark = pytest.mark.usefixtures("blank_pictures")


@pytest.fixture(scope="module")
def trained(blank_pictures, tmp_path_factory):
    """A folder with a spec and a group of two runs."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "a.json").write_text(json.dumps(MINIMAL | SPEC))
    with contextlib.chdir(folder):
        done = CliRunner().invoke(cli, ["repeat", "a.json", "--seeds", "2", "-j", "1", "-o", "g"])
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def group(invoke, trained):
    """A copy of the group, and of its spec, in the working directory."""
    shutil.copytree(trained, ".", dirs_exist_ok=True)
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


def test_of_a_value_that_some_runs_lack_the_table_counts_the_runs_that_have_it(invoke, group, monkeypatch):
    rows = [("train/loss", describe([0.1, 0.2])), ("test/r2", describe([0.5, None]))]
    monkeypatch.setattr("specnet.studies.summary.statistics_rows", lambda summary: rows)
    lines = invoke("repeat", "a.json", "--seeds", 2, "-j", 1, "-o", group).stdout.splitlines()
    shown = [line.split()[-4:] for line in lines if line.split()[:1] in (["mean"], ["train/loss"], ["test/r2"])]
    assert shown[0][-1] == "runs" and [row[1:] for row in shown[1:]] == [["2", "of", "2"], ["1", "of", "2"]]


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
        ("repeat a.json --engine roy", 'there is no engine "roy"'),
        ("repeat b.json --set split.by=group --set split.column=sit", 'has no column "sit"'),
        ("repeat a.json --out=", "the path is empty"),
        ("cross-validate a.json --plugin=", "the path is empty"),
        ("repeat a.json --set training.epoch=3", 'did you mean "epochs"?'),
        ("repeat a.json -o a.json", "error[usage]: a.json already exists"),
        ("cross-validate a.json --folds 41", "--folds 41: 41 folds need at least 41 samples, but there are 40"),
        ("cross-validate a.json --folds 1", "Invalid value for '--folds'"),
        ("cross-validate a.json --folds 30 --order", "--folds 30 --order: none of the 1 samples is left"),
        ("cross-validate a.json --group site", "--group site: the dataset has no columns"),
        ("cross-validate b.json --group sit", '--group sit: {}/b.csv has no column "sit"'),
        ("cross-validate b.json --group site --folds 4", "--folds 4: 4 folds need at least 4 groups, but there are 3"),
        ("cross-validate b.json --stratify", "--stratify: samples are stratified by classes"),
        ("cross-validate a.json --group site --order", "not both"),
        ("cross-validate a.json --folds 5 --repeats 5000", "2 to 10,000 runs"),
        ("refit a.json", "a.json is a file, not a group of runs"),
    ],
)
def test_bad_input_is_located_and_leaves_nothing(command, message, invoke, write):
    write("a.json", **SPEC)
    rows = [f"{n}.5,{n % 3},{'xy'[n % 2]} {n},s{n % 3}" for n in range(40)]
    Path("b.csv").write_text("\n".join(["a,b,c,site", *rows]))
    dataset = {"type": "csv", "path": "b.csv", "inputs": ["a"], "targets": ["a", "b"]}
    layers = ["linear"]
    write("b.json", dataset=dataset, split={"validation": 0.2}, loss="mse", layers=layers)
    before = sorted(Path.cwd().rglob("*"))
    result = invoke(*command.split())
    assert result.exit_code == (3 if command.startswith("refit") else 2), result.output
    assert message.format(Path.cwd()) in result.output
    assert sorted(Path.cwd().rglob("*")) == before


def without_results(group):
    """Remove the runs of a group that was stopped before it began."""
    for run in Path(group).glob("seed-*"):
        shutil.rmtree(run)
    assert not Path(group, "seed-1").exists()
    summary = json.loads(Path(group, "summary.json").read_text())
    runs = [{"name": run["name"], "seed": run["seed"]} for run in summary["runs"]]
    Path(group, "summary.json").write_text(json.dumps(summary | {"runs": runs, "statistics": {}, "sentence": ""}))


@pytest.mark.parametrize("command", ["predict g x.csv", "evaluate g", "export g --to numpy -o nets", "refit g -o run"])
def test_groups_without_results_are_told(command, invoke, group):
    without_results(group)
    Path("x.csv").write_text("x,y\n0,1\n")
    result = invoke(*command.split())
    assert result.exit_code == 2, result.output
    assert "no run in g has results: seed-1 (waiting), seed-2 (waiting)" in result.output
    assert "repeat the command that made the group" in result.output


def test_a_group_without_results_is_not_compared(invoke, group):
    without_results(group)
    result = invoke("compare", "g")
    assert (result.exit_code, "left out g: it has no runs yet" in result.output) == (2, True), result.output
    assert "repeat the command that made the group" in result.output


def test_what_needs_a_run_says_that_a_group_is_none(invoke, group):
    for command in ("plot", "report", "bundle", "reproduce", "resume", "doctor"):
        result = invoke(command, group)
        assert (result.exit_code, "such as g/seed-1" in result.output) == (2, True), result.output


def test_a_group_of_one_run_has_no_spread_and_one_with_gaps_says_so(invoke, write):
    for out, seeds in (("one", "1"), ("two", "1,2")):
        invoke("repeat", write("a.json", **SPEC), "--seeds", seeds, "-j", 1, "-o", out)
    Path("x.csv").write_text("x,y\n0,1\n")
    result = invoke("predict", "one", "x.csv")
    assert result.exit_code == 0 and "only one run with results: the spread is 0" in result.stderr
    assert invoke("export", "one", "--to", "numpy", "-o", "nets").exit_code == 0
    ensemble = runpy.run_path("nets/ensemble.py")
    assert ensemble["spread"](np.zeros((3, 2))).tolist() == [[0.0]] * 3
    summary = json.loads(Path("two/summary.json").read_text())
    summary["runs"][1] |= {"status": "diverged", "values": {}}
    Path("two/summary.json").write_text(json.dumps(summary))
    for command in (["predict", "two", "x.csv"], ["evaluate", "two"], ["refit", "two", "-o", "run"]):
        result = invoke(*command)
        assert result.exit_code == 0 and "runs that have no results: seed-2 (diverged)" in result.stderr, result.stderr


@pytest.mark.parametrize("damage", ["damaged", "gone"])
def test_a_summary_that_is_lost_is_told_and_written_again(damage, invoke, write, group):
    path = Path(group, "summary.json")
    before = path.read_bytes()
    path.write_text("{") if damage == "damaged" else path.unlink()
    Path("x.csv").write_text("x,y\n0,1\n")
    for command in ("predict g x.csv", "evaluate g", "export g --to numpy -o nets", "refit g -o run"):
        result = invoke(*command.split())
        assert (result.exit_code, "summary.json" in result.stderr) == (3, True), result.output
        assert "repeat the command that made the group" in result.stderr
    for command in ("compare g", "runs ."):
        result = invoke(*command.split())
        assert result.exit_code == 0 and "warning: g" in result.stderr and "summary.json" in result.stderr
    result = invoke("repeat", "a.json", "--seeds", 2, "-j", 1, "-o", "g")
    assert result.exit_code == 0 and "it is written again" in result.stderr
    assert path.read_bytes() == before


def test_a_run_that_is_pruned_is_no_longer_in_its_group(invoke, write, group):
    result = invoke("runs", ".", "--where", "seed=2", "--prune", "--yes")
    assert "its summary is rewritten without seed-2" in result.stderr
    summary = json.loads(Path("g/summary.json").read_text())
    assert [run["name"] for run in summary["runs"]] == ["seed-1"]
    assert summary["statistics"]["train/loss"]["count"] == 1 and "Over 1 seed " in summary["sentence"]
    assert "seed-2" not in Path("g/report.html").read_text()
    assert invoke("runs", ".", "--where", "seed=1", "--prune", "--yes").exit_code == 0
    assert "it has no runs" in invoke("evaluate", "g").stderr


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_tables_are_divided_where_they_do_not_fit(columns, monkeypatch, invoke, group):
    monkeypatch.setattr("specnet.cli.show.WIDE", columns)
    titles, titled = [], {"train/loss", "run", "field", "split"}
    for command in ("repeat a.json --seeds 2 -j 1 -o g", "runs .", "components layers lstm", "compare g", "evaluate g"):
        blocks = [block.splitlines() for block in invoke(*command.split()).stdout.split("\n\n")]
        tables = [block for block in blocks if titled & {line.split("  ")[0] for line in block}]
        tables = [[line for line in block if "->" not in line and "finished  epoch" not in line] for block in tables]
        assert tables and all(cell_len(line) <= columns for table in tables for line in table), command
        titles.append([title.strip() for table in tables for title in table[0].split("  ") if title.strip()])
    assert titles[0] == ["mean", "std", "median", "95 % interval", "least", "greatest"]
    assert [title for title in titles[1] if title != "run"] == [*LISTED_COLUMNS[1:], "size", "mostly"]


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
        words = "there is nothing to compare" if "compare" in command else "the sweep in s has no best trial"
        assert (result.exit_code, words in result.stderr) == (2, True), result.output


def test_a_command_that_takes_a_run_names_a_sweep_as_what_it_is(invoke):
    Path("s").mkdir()
    Path("s/plan.json").write_text("{}")
    stderr = invoke("report", "s").stderr
    assert "s is not a run directory: it is a sweep" in stderr and "name one of its runs" in stderr


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


@pytest.mark.parametrize("command", ["run", "validate", "summary", "repeat", "cross-validate"])
def test_a_command_that_takes_a_spec_names_a_sweep_as_what_it_is(command, invoke):
    Path("sweep.json").write_text('{"spec": "base.json", "minimize": "train/loss", "search": {"seed": {}}, "seeds": 3}')
    result = invoke(command, "sweep.json")
    found = f"{result.stdout}{result.stderr}"
    assert (result.exit_code, found.count("error[")) == (2, 1), found
    assert "this is a sweep, not a spec" in found and "specnet sweep sweep.json" in found


@pytest.mark.parametrize(
    ("width", "kept"),
    [(80, ["epoch", "train", "validation"]), (60, ["epoch", "validation"]), (40, ["epoch"]), (30, []), (14, [])],
)
def test_live_tables_leave_out_what_does_not_fit(width, kept):
    console = Console(file=io.StringIO(), width=width, force_terminal=True)
    rows = [
        ["repeat-10-fold-10", "finished", "epoch 400", "train 0.01234", "validation 0.01234"],
        ["a", "", "", "", ""],
    ]
    with console.capture() as captured:
        console.print(live_table(console, rows, (3, 4, 2), "3 of 20 ended  2 running  123 s"))
    lines = captured.get().splitlines()
    assert len(lines) == 3 and all(cell_len(line) <= width for line in lines)
    assert [word for word in ("epoch", "train", "validation") if word in lines[0]] == kept
