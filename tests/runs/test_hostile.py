"""Whatever stands in a run directory, every command ends with a result or a message: it neither hangs nor crashes.

The short forms take samples. `pytest -m long tests/runs/test_hostile.py` tries everything, and 2,000 random changes.
"""

import copy
import io
import json
import os
import random
import shutil
import socket
from contextlib import chdir, suppress
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from helpers import limited, newest, rewrite_members, sampled

import specnet
from specnet.cli import cli
from specnet.spec.model import json_digest

SPEC = {
    "name": "r",
    "seed": 3,
    "dataset": {"type": "spiral", "n_samples": 24},
    "split": {"validation": 0.25},
    "transforms": {"inputs": ["standardize"]},
    "layers": [{"type": "linear", "units": 2}, "tanh", {"type": "linear", "units": 1}],
    "loss": "bce_with_logits",
    "optimizer": {"type": "adam", "learning_rate": {"type": "reduce_on_plateau", "initial": 0.1}},
    "metrics": ["accuracy"],
    "training": {"epochs": 3, "batch_size": 6, "early_stopping": {"patience": 50}},
    "checkpoint": {"every": 1},
    "record": {"every": 1, "points": 3},
    "plots": [],
}
COMMANDS = {
    "doctor": ["doctor", "run"],
    "repair": ["doctor", "run", "--repair"],
    "evaluate": ["evaluate", "run", "--split", "train"],
    "predict": ["predict", "run", "inputs.csv"],
    "importance": ["importance", "run", "--repeats", "1"],
    "influence": ["influence", "run", "--rows", "1", "-j", "1"],
    "report": ["report", "run"],
    "compare": ["compare", "run", "other"],
    "plot": ["plot", "run", "curves"],
    "runs": ["runs", "."],
    "resume": ["resume", "run", "--set", "training.epochs=4"],
}
PATIENCE = 120
"""Seconds after which a command is taken to hang."""
PLACES = (
    ".lock", "spec.json", "manifest.json", "history.jsonl", "record.npz", "report.html", "checkpoints", "plots",
    "plots/curves.png", "influence", "checkpoints/step-00000000.npz", "checkpoints/step-00000006.npz",
    "checkpoints/step-00000009.npz",
)  # fmt: skip


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as made, chdir(path.parent):  # the path of a socket must be short
        made.bind(path.name)


KINDS = {
    "a pipe": os.mkfifo,
    "a directory": Path.mkdir,
    "a socket": make_socket,
    "an endless device": lambda path: path.symlink_to("/dev/zero"),
    "a link to nothing": lambda path: path.symlink_to("nothing"),
    "a link to itself": lambda path: path.symlink_to(path.name),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    for name in ("run", "other"):
        specnet.run(SPEC | {"plots": ["curves"]}, folder / name)
    (folder / "inputs.csv").write_text("x,y\n1,2\n")
    return folder


def attempt(command, folder, codes=(0, 2, 3)):
    """Run a command, and check that it ends as it should."""
    with chdir(folder), limited(PATIENCE):
        result = CliRunner().invoke(cli, COMMANDS[command])
    said = result.output + result.stderr
    assert result.exit_code in codes, said
    assert "this is a bug" not in said
    assert "Traceback" not in said
    assert result.exit_code == 0 or result.stdout or result.stderr
    return result


@pytest.mark.parametrize(("place", "kind", "command"), sampled(product(PLACES, KINDS, COMMANDS), 17))
def test_what_is_no_file_is_refused_or_left_alone_by_every_command(place, kind, command, made, tmp_path):
    folder = shutil.copytree(made, tmp_path / "copy")
    path = folder / "run" / place
    if path.is_dir():
        shutil.rmtree(path)
    elif path.exists():
        path.unlink()
    KINDS[kind](path)
    attempt(command, folder)


VALUES = [
    None, True, False, 0, 1, -1, 7, 10**30, 0.5, -1e308, float("inf"), float("nan"), "", "x", "0" * 64, "../../x",
    "\ud800", [], [[]], [None], {}, {"": {}}, {"type": "linear"}, "step-00000009.npz",
]  # fmt: skip
ARRAYS = [
    np.zeros(0), np.zeros(3), np.zeros((2, 3), np.float32), np.array(5), np.array(10**18), np.array("text"),
    np.array(["a", "b"]), np.array([1 + 1j]), np.full(4, np.nan), np.arange(4), np.array(b"bytes"), np.zeros((4, 0)),
    np.array([True]), np.zeros(2, [("a", "i4")]),
]  # fmt: skip


def places(value, path=()):
    """Yield the path of each part of a JSON value."""
    yield path
    for key, part in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(part, (*path, key))


def alter(document, rng, values=VALUES):
    """Change a part of a JSON value in place."""
    *path, last = rng.choice([place for place in places(document) if place])
    part = document
    for key in path:
        part = part[key]
    change = rng.random()
    if change < 0.15 and isinstance(part, dict):
        del part[last]
    elif change < 0.25 and isinstance(part, dict):
        part["more"] = rng.choice(values)
    else:
        part[last] = copy.deepcopy(rng.choice(values))


def alter_file(path, rng):
    document = json.loads(path.read_text())
    alter(document, rng)
    path.write_text(json.dumps(document))


def alter_history(run, rng):
    path = run / "history.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    alter(lines, rng)
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def alter_spec(run, rng):
    """Change the spec, and let the manifest have its digest."""
    document = json.loads((run / "spec.json").read_text())
    alter(document, rng, [value for value in VALUES if value != 10**30])
    (run / "spec.json").write_text(json.dumps(document))
    manifest = json.loads((run / "manifest.json").read_text())
    with suppress(UnicodeEncodeError):
        manifest["spec"]["sha256"] = json_digest(document)
    (run / "manifest.json").write_text(json.dumps(manifest))


def alter_record(run, rng):
    with np.load(run / "record.npz") as file:
        arrays = dict(file)
    name = rng.choice([*arrays, "more"])
    if rng.random() < 0.1:
        arrays.pop(name, None)
    elif rng.random() < 0.5 and name in arrays and arrays[name].dtype.kind in "fi":
        arrays[name] = np.full_like(arrays[name], 42)
    else:
        arrays[name] = rng.choice(ARRAYS)
    content = io.BytesIO()
    np.savez(content, **arrays)
    (run / "record.npz").write_bytes(content.getvalue())


def alter_text(run, rng):
    """Change a JSON text in a checkpoint, and let its digest match."""

    def change(members):
        name = rng.choice(["layout", "spec", "origin", "progress", "progress", "progress"])
        document = json.loads(str(members[name]))
        alter(document, rng)
        return members | {name: np.array(json.dumps(document))}

    rewrite_members(newest(run), change)


def alter_array(run, rng):
    """Change an array in a checkpoint, and let its digest match."""

    def change(members):
        name = rng.choice([*members, "more"])
        if rng.random() < 0.3 and name in members and members[name].dtype.kind in "fiu":
            return members | {name: np.full_like(members[name], rng.choice([0, 1, 7]))}
        return members | {name: rng.choice(ARRAYS)}

    rewrite_members(newest(run), change)


CHANGES = {
    "manifest": lambda run, rng: alter_file(run / "manifest.json", rng),
    "spec": alter_spec,
    "history": alter_history,
    "record": alter_record,
    "text": alter_text,
    "array": alter_array,
}


@pytest.mark.parametrize("count", [30, pytest.param(2000, marks=pytest.mark.long)], ids=["few", "many"])
def test_any_other_value_in_a_file_is_refused_or_used_by_every_command(count, made, tmp_path):
    rng = random.Random(20)
    for number in range(count):
        folder = shutil.copytree(made, tmp_path / str(number))
        what = rng.choice(list(CHANGES))
        CHANGES[what](folder / "run", rng)
        # A changed spec may ask for much more training; other numbers in an array may diverge.
        commands = [each for each in COMMANDS if not (what == "spec" and each == "resume")]
        command = rng.choice(commands)
        try:
            attempt(command, folder, (0, 2, 3, 4) if what == "array" else (0, 2, 3))
        except BaseException as error:
            error.add_note(f"case {number}: {command} after a change of the {what} in {folder}")
            raise
        shutil.rmtree(folder)


@pytest.mark.parametrize("value", [42.0, 0.0])
def test_no_other_loss_of_a_record_is_shown_or_kept(value, made, tmp_path):
    folder = shutil.copytree(made, tmp_path / "copy")
    with np.load(folder / "run" / "record.npz") as file:
        arrays = dict(file)
    np.savez(folder / "run" / "record.npz", **arrays | {"train/loss": np.full_like(arrays["train/loss"], value)})
    for command in ("doctor", "resume"):
        result = attempt(command, folder)
        assert result.exit_code == 3
        assert "record.npz is damaged: the frame of epoch 0 has changed" in result.output + result.stderr


@pytest.mark.parametrize("name", ["spec.json", "manifest.json"])
@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_half_of_a_surrogate_pair_in_a_file_is_no_bug(command, name, made, tmp_path):
    folder = shutil.copytree(made, tmp_path / "copy")
    path = folder / "run" / name
    document = json.loads(path.read_text())
    document |= {"description": "\ud800"} if name == "spec.json" else {"error": "\ud800"}
    path.write_text(json.dumps(document))
    if name == "spec.json":
        manifest = json.loads((folder / "run" / "manifest.json").read_text())
        manifest["spec"]["sha256"] = json_digest(document)
        (folder / "run" / "manifest.json").write_text(json.dumps(manifest))
    attempt(command, folder)
