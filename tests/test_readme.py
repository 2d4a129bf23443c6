"""What the README shows is what the project does."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import specnet
from specnet.cli import cli

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
COMMANDS = (ROOT / "docs" / "commands.md").read_text()


def blocks(language, page="README.md"):
    found = re.findall(r"^```(\w*)\n(.*?)^```$", (ROOT / page).read_text(), flags=re.M | re.S)
    return [text for named, text in found if named == language]


def test_the_spec_shown_is_that_of_the_spiral():
    (shown,) = map(json.loads, blocks("json"))
    spiral = json.loads((ROOT / "specs" / "spiral.json").read_text())
    assert shown == {key: spiral[key] for key in shown} | {"plots": shown["plots"]}
    specnet.load_spec(shown)


def test_the_diagnostics_shown_are_those_printed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (shown,) = [block.partition("\n")[2] for block in blocks("") if block.startswith("$ specnet validate")]
    (draft,) = [block for block in blocks("") if '"sigmod"' in block and block.startswith("{")]
    Path("draft.json").write_text(draft)
    assert CliRunner().invoke(cli, ["validate", "draft.json"]).stderr.strip() == shown.strip()


def test_the_python_shown_runs(tmp_path, monkeypatch):
    code, arrays, _ = blocks("python", "docs/python.md")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "specs").symlink_to(ROOT / "specs")
    names = {"x": np.ones((2, 4)), "dy": np.ones((2, 3))}
    exec(code, names)
    assert names["run"].directory == Path("runs/short")
    assert names["dx"].shape == (2, 4)
    pandas = pytest.importorskip("pandas")
    rows = {"id": range(20), "area": range(20), "kind": ["flat", "hut"] * 10, "sold": ["yes", "no", "no", "yes"] * 5}
    pandas.DataFrame(rows).to_csv("houses.csv", index=False)
    x, y = np.random.default_rng(0).normal(size=(20, 3)), np.arange(20) % 2
    short = arrays.replace('"metrics"', '"training": {"epochs": 2}, "plots": [], "record": None, "metrics"')
    names |= {"pandas": pandas, "x": x, "y": y, "weight": np.ones(20), "x2": x, "y2": y, "x3": x, "y3": y}
    exec(short, names)
    assert names["run"].classes == ("no", "yes")


@pytest.mark.long
def test_the_python_shown_for_many_runs_runs(tmp_path, monkeypatch):
    *_, many = blocks("python", "docs/python.md")
    monkeypatch.chdir(tmp_path)
    spec = specnet.load_spec(ROOT / "specs" / "spiral.json", ["training.epochs=2"])
    names = {"spec": spec, "specnet": specnet, "x": np.ones((2, 2))}
    exec(many.replace('"specs/spiral.json", 20', "spec, 2").replace('"specs/spiral.json"', "spec"), names)
    assert names["run"].directory == Path("runs/final")


def test_it_is_read_in_one_sitting():
    assert len(README.splitlines()) < 200


def test_every_command_has_its_row():
    assert set(re.findall(r"^\| `specnet ([\w-]+)", COMMANDS, flags=re.M)) == set(cli.commands)


def test_the_file_shown_is_checked_and_trains(tmp_path, monkeypatch, forget):
    monkeypatch.chdir(tmp_path)
    (shown,) = [block for block in blocks("python") if "specnet.register" in block]
    Path("cube.py").write_text(shown)
    layers = [{"type": "linear", "units": 4}, "cube", {"type": "linear", "units": 1}]
    spec = {"dataset": "spiral", "layers": layers, "loss": "bce_with_logits", "training": {"epochs": 1}, "plots": []}
    Path("spec.json").write_text(json.dumps(spec))
    for command in (["check"], ["run", "spec.json"], ["evaluate", "runs/spec"]):
        assert CliRunner().invoke(cli, [*command, "--plugin", "cube.py"]).exit_code == 0
        forget()


def test_ci_runs_exactly_the_second_command():
    second = next(block for block in blocks("") if block.rstrip().endswith("pytest -n auto"))
    command = second.strip().split(" && ", 2)[2]
    assert (ROOT / ".ci" / "run").read_text().rstrip().endswith(f"\n{command}")


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(((?!https:)[^)#]+)\)", README))))
def test_links_lead_somewhere(link):
    assert (ROOT / link).exists()


def test_the_table_shown_trains_as_the_page_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "specs").symlink_to(ROOT / "specs")
    (commands,) = [block for block in blocks("") if block.startswith("specnet new spec my_penguins")]
    for line in commands.splitlines():
        result = CliRunner().invoke(cli, line.split()[1:])
        assert result.exit_code == 0, result.output
    assert result.stdout.startswith("island,species,probability of Adelie,")
    assert specnet.load_run("runs/my_penguins").evaluate("test")["accuracy"] >= 0.97
    (shown,) = [block for block in blocks("") if block.startswith("species,island")]
    assert set(shown.splitlines()) <= {*(ROOT / "specs" / "data" / "penguins.csv").read_text().splitlines()}
