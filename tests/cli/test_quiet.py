"""`-q` prints errors alone, and `-o` names what is written, in every command."""

import json
import shutil
from itertools import product
from pathlib import Path

import click
import pytest
from helpers import sampled

from specnet.cli import cli

EVERY = {
    **{name: command for name, command in cli.commands.items() if not isinstance(command, click.Group)},
    **{f"new {name}": command for name, command in cli.commands["new"].commands.items()},
}


@pytest.fixture
def place(invoke, write):
    """A folder with a spec that has a warning, a run, and points."""
    write("arms.json", training={"epochs": 1, "batch_size": 1000})
    Path("points.csv").write_text("x,y\n0,1\n")
    assert invoke("run", "arms.json", "-o", "run", "-q").output == ""
    shutil.copytree("run", "group/run")
    shutil.copy("run/spec.json", "group/spec.json")
    plan = {"kind": "repeat", "spec": "0" * 64, "kernels": "numpy"}
    runs = [{"name": "run", "seed": 0, "values": {"train/loss": 1.0}}]
    Path("group/summary.json").write_text(json.dumps({"name": "arms", "plan": plan, "runs": runs}))


COMMANDS = {
    "run": ["arms.json"], "resume": ["run", "--set", "training.epochs=2"], "validate": ["arms.json"],
    "summary": ["arms.json"], "lr-find": ["arms.json"], "trace": ["arms.json"],
    "repeat": ["arms.json", "--seeds", "1"], "cross-validate": ["arms.json", "--folds", "2", "-j", "1"],
    "refit": ["group"],
    "schema": [], "components": ["layers"], "data": ["arms.json"], "evaluate": ["run"],
    "importance": ["run", "--repeats", "1"], "influence": ["run", "--rows", "1", "-j", "1"],
    "predict": ["run", "points.csv"], "plot": ["run", "curves"], "report": ["run"], "compare": ["run", "run"],
    "check": ["layers", "tanh"], "doctor": ["run"], "new spec": ["mine"], "new plugin": ["mine"],
    "export": ["run", "--to", "numpy"], "bundle": ["run"], "runs": ["."], "reproduce": ["run"],
    "explain": ["run"],
}  # fmt: skip


def test_every_command_has_it_and_is_tried_here():
    assert set(COMMANDS) == set(EVERY)
    for command in EVERY.values():
        assert ["-q", "--quiet"] in [parameter.opts for parameter in command.params]


@pytest.mark.parametrize("name", sampled(COMMANDS, 3))
def test_a_command_that_succeeds_prints_nothing(name, invoke, place):
    result = invoke(*name.split(), *COMMANDS[name], "-q")
    assert (result.exit_code, result.output) == (0, ""), result.output


def test_what_is_written_is_named_by_out_everywhere():
    written = [command for command in EVERY.values() if any("-o" in parameter.opts for parameter in command.params)]
    assert {command.name for command in written} == {
        "run",
        "repeat",
        "cross-validate",
        "refit",
        "schema",
        "data",
        "predict",
        "plot",
        "compare",
        "export",
        "bundle",
        "lr-find",
        "reproduce",
        "explain",
    }
    for command in written:
        assert ["-o", "--out"] in [parameter.opts for parameter in command.params]


OUTPUTS = {
    "repeat": "g",
    "run": "made", "schema": "s.json", "data": "a.npz", "predict": "p.csv", "plot": "c.png", "compare": "c.html",
    "export": "e.py", "bundle": "b.zip", "lr-find": "l.png", "new spec": "mine.json", "new plugin": "specnet-mine",
    "reproduce": "again",
}  # fmt: skip
"""What commands write: under `-o`, or the name that `new` makes."""


def contents():
    """What each file here holds, and where each link leads."""
    paths = sorted(Path().rglob("*"))
    return {path: path.readlink() if path.is_symlink() else path.is_file() and path.read_bytes() for path in paths}


@pytest.mark.parametrize(
    ("name", "what"), sampled(product(OUTPUTS, ["file", "folder", "dangling link", "link to what is read"]), 3)
)
def test_what_is_there_is_never_written_over(name, what, invoke, place):
    out = Path(OUTPUTS[name])
    if what == "file":
        out.write_text("mine")
    elif what == "folder":
        out.mkdir()
    else:
        out.symlink_to("nowhere" if what == "dangling link" else "arms.json")
    if what == "folder":
        (out / "mine").touch()
    before = contents()
    result = invoke(*name.split(), *COMMANDS[name], *([] if name.startswith("new") else ["-o", out]))
    assert (result.exit_code, f"error[usage]: {out} already exists\n" in result.stderr) == (2, True), result.output
    assert "choose another name, or remove it" in result.stderr
    assert contents() == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "gone.json"], "error[file]: there is no such file"),
        (["validate", "wrong.json"], "error[unknown-component]"),
        (["doctor", "damaged"], "error[manifest]"),
        (["check", "--plugin", "wrong.py"], "FAILED"),
    ],
)
def test_errors_are_printed_all_the_same(arguments, words, invoke, write, local):
    write("wrong.json", layers=["sigmod"])
    Path("damaged").mkdir()
    Path("damaged/manifest.json").write_text(json.dumps({}))
    Path("wrong.py").write_text(
        'import specnet\n\n@specnet.register("layers", "wrong")\nclass Wrong(specnet.Layer):\n'
        "    def forward(self, x, training):\n        return 2 * x\n\n"
        "    def backward(self, dy):\n        return dy\n"
    )
    result = invoke(*arguments, "-q")
    assert (result.exit_code in (2, 3), result.stdout) == (True, "")
    assert words in result.stderr
