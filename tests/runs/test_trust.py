"""What is damaged in a run directory is named, and what came before it is used."""

import json
import os
import shutil

import numpy as np
import pytest
from helpers import Watched, checkpoint, flip, newest, rewrite_members, sampled

import specnet
from specnet.errors import RunError, SpecnetError, UsageError
from specnet.runs.storage.state import _is_same

SPEC = {
    "seed": 3,
    "dataset": {"type": "spiral", "n_samples": 12},
    "layers": [
        {"type": "linear", "units": 2},
        "tanh",
        {"type": "dropout", "rate": 0.2},
        {"type": "linear", "units": 1},
    ],
    "loss": "bce_with_logits",
    "training": {"epochs": 4, "batch_size": 6},
    "checkpoint": {"every": 1, "every_steps": 3, "keep": 99, "monitor": "train/loss"},
    "record": {"every": 2, "points": 2},
    "plots": [],
}
WORST = SPEC | {"checkpoint": SPEC["checkpoint"] | {"mode": "max"}}
"""The best epoch is an early one, which later checkpoints refer to."""
LONGER = ["training.epochs=6"]


@pytest.fixture(scope="module", params=[SPEC, WORST], ids=["the best is the latest", "the best is an early one"])
def both(request, tmp_path_factory):
    """A run of 4 epochs, and one of the same spec over 6 that nothing interrupts."""
    folder = tmp_path_factory.mktemp("both")
    spec = specnet.load_spec(request.param)
    return specnet.run(spec, out=folder / "run", report=False), specnet.run(
        specnet.load_spec(request.param, LONGER), folder / "whole", report=False
    )


def saved_steps(directory):
    return sorted(int(path.stem[5:]) for path in (directory / "checkpoints").iterdir())


def written(directory):
    """What a run ends in: the last checkpoint, the best one, the record, and the history but for seconds."""
    lines = [json.loads(line) for line in (directory / "history.jsonl").read_text().splitlines()]
    run = specnet.load_run(directory)
    with np.load(directory / "record.npz") as record:
        arrays = {name: record[name].tobytes() for name in record.files}
    final = newest(directory)
    return final.read_bytes(), final.name, run.best, run.warnings, arrays, [line | {"seconds": 0} for line in lines]


def copied(run, tmp_path):
    return shutil.copytree(run.directory, tmp_path / "run")


def best_of(directory, step):
    """The step that a checkpoint says was the best so far."""
    with np.load(checkpoint(directory, step)) as file:
        return json.loads(str(file["progress"]))["parts"]["callbacks.checkpoints"]["values"]["step"]


def test_what_is_whole_is_resumed_without_a_word_and_ends_in_the_same_bytes(both, tmp_path):
    run, whole = both
    directory, listener = copied(run, tmp_path), Watched()
    specnet.resume(directory, LONGER, listener, report=False)
    assert listener.warnings == []
    assert written(directory) == written(whole.directory)


DAMAGES = {
    "flipped": flip,
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "zeroed": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "empty": lambda path: path.write_bytes(b""),
    "another": lambda path: path.write_bytes(checkpoint(path.parents[1], 0).read_bytes()),
    "removed": lambda path: path.unlink(),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("damage", sampled(DAMAGES, 3))
def test_after_damage_of_the_newest_the_one_before_it_is_named_used_and_ends_in_the_same_bytes(damage, both, tmp_path):
    run, whole = both
    directory, listener = copied(run, tmp_path), Watched()
    DAMAGES[damage](checkpoint(directory, 8))
    loaded = specnet.load_run(directory, "latest")
    assert loaded.checkpoint == checkpoint(directory, 6)
    if damage != "removed":
        assert len(loaded.warnings) == 1
        assert loaded.warnings[0].startswith(f"{checkpoint(directory, 8)}")
        assert loaded.warnings[0].endswith("step-00000006.npz is used in its place")
    with pytest.raises((RunError, UsageError), match="step-00000008"):
        specnet.load_run(directory, 8)
    expected, content = f"{checkpoint(directory, 8)}", None
    if damage in ("a folder", "another"):
        with pytest.raises(UsageError, match="is in the way"):
            specnet.resume(directory, LONGER, report=False)
        checkpoint(directory, 8).rename(tmp_path / "moved")
    elif damage != "removed":
        content = checkpoint(directory, 8).read_bytes()
    specnet.resume(directory, LONGER, listener, report=False)
    if damage in ("removed", "a folder", "another"):  # nothing is left that could be named
        assert listener.warnings == []
    else:
        assert [each.startswith(expected) for each in listener.warnings] == [True]
        assert listener.warnings[0].endswith("; resuming from step 6")
        moved = checkpoint(directory, 8).with_name("step-00000008.npz.damaged")
        assert moved.read_bytes() == content
    assert written(directory) == written(whole.directory)


def test_without_the_best_state_an_earlier_one_that_does_not_need_it_is_taken(both, tmp_path):
    run, whole = both
    directory, listener = copied(run, tmp_path), Watched()
    step = run.best["step"]
    expected = max(each for each in saved_steps(directory) if each < step and best_of(directory, each) != step)
    later = [each for each in saved_steps(directory) if each > expected]
    flip(checkpoint(directory, step))
    assert [f"step-{step:08d}" in each for each in specnet.load_run(directory).warnings] == [True]
    specnet.resume(directory, LONGER, listener, report=False)
    assert len(listener.warnings) == len(later)
    assert all(
        f"step-{step:08d}.npz" in each and f"resuming from step {expected}" in each for each in listener.warnings
    )
    assert written(directory) == written(whole.directory)


def rewrite(change):
    def damage(directory):
        path = directory / "history.jsonl"
        path.write_text("".join(change(path.read_text().splitlines(keepends=True))))

    return damage


def in_record(**arrays):
    def damage(directory):
        with np.load(directory / "record.npz") as record:
            found = {name: record[name] for name in record.files}
        np.savez(directory / "record.npz", **found | arrays)

    return damage


COMPANIONS = {
    "the last line is changed": (rewrite(lambda lines: [*lines[:3], lines[3].replace("0", "1", 1)]), 7),
    "the third line is changed": (rewrite(lambda lines: [*lines[:2], lines[2].replace(".", ".1", 1), lines[3]]), 5),
    "the last line is torn": (rewrite(lambda lines: [*lines[:3], lines[3][:-4]]), 7),
    "the last lines are missing": (rewrite(lambda lines: lines[:2]), 5),
    "the second line is no JSON": (rewrite(lambda lines: [lines[0], "{\n", *lines[2:]]), 3),
    "the history is empty": (rewrite(lambda lines: []), 1),
    "the history is missing": (lambda directory: (directory / "history.jsonl").unlink(), 1),
    "a line comes twice": (rewrite(lambda lines: [lines[0], *lines]), 3),
    "the record is flipped": (lambda directory: flip(directory / "record.npz", "predictions"), 3),
    "the record is missing": (lambda directory: (directory / "record.npz").unlink(), 3),
    "the record is no archive": (lambda directory: (directory / "record.npz").write_text("no"), 3),
    "the record lacks frames": (in_record(epochs=np.array([0, 2, 5])), 7),
    "the record has other frames": (in_record(predictions=np.zeros((3, 1))), 3),
    "every loss in the record is another": (in_record(**{"train/loss": np.full(3, 42.0)}), 3),
    "the inputs of the record are others": (in_record(axis_0=np.array([1.0, 2.0])), 3),
    "the seconds of a line are null": (
        rewrite(lambda lines: [lines[0], json.dumps(json.loads(lines[1]) | {"seconds": None}) + "\n", *lines[2:]]),
        3,
    ),
}
"""What belongs to a checkpoint, and the newest step that does not need what is damaged of it."""


@pytest.mark.parametrize("damage", sampled(COMPANIONS, 3))
def test_without_what_belongs_to_it_a_whole_state_is_given_up_only_if_one_asks_for_an_earlier_one(
    damage, both, tmp_path
):
    run, whole = both
    directory = copied(run, tmp_path)
    spoil, most = COMPANIONS[damage]
    spoil(directory)
    name = "record.npz" if "record" in damage else "history.jsonl"
    with pytest.raises(RunError, match=name) as error:
        specnet.resume(directory, LONGER, report=False)
    assert error.value.help == f"restore it, or repeat the training: specnet resume {directory} --checkpoint 0"
    assert (directory / "checkpoints" / "step-00000008.npz").is_file()
    start = max(step for step in saved_steps(run.directory) if step <= most)
    specnet.resume(directory, LONGER, checkpoint=start, report=False)
    assert written(directory) == written(whole.directory)


def part(name, values):
    """Return progress in which a callback has stored other values."""
    return lambda progress: progress["parts"] | {f"callbacks.{name}": {"values": values, "arrays": []}}


LOSS = {"monitor": "train/loss"}
CRAFTED = {
    "no state of a callback": ("parts", lambda progress: {}),
    "no state of a generator": ("generators", lambda progress: {"shuffle": progress["generators"]["shuffle"]}),
    "a best state that does not exist": (
        "parts",
        part("checkpoints", LOSS | {"epoch": 2, "step": 99}),
    ),
    "a best state that is to come": ("parts", part("checkpoints", LOSS | {"epoch": 9, "step": 18})),
    "a digest that is no text": ("parts", part("history", {"length": 4, "sha256": 5})),
}


@pytest.mark.parametrize("case", CRAFTED)
def test_a_crafted_state_is_refused_even_with_a_digest_that_fits(case, both, tmp_path):
    run, whole = both
    directory, listener, (key, craft) = copied(run, tmp_path), Watched(), CRAFTED[case]

    def crafted(members):
        progress = json.loads(str(members["progress"]))
        return members | {"progress": np.array(json.dumps(progress | {key: craft(progress)}))}

    rewrite_members(checkpoint(directory, 8), crafted)
    specnet.resume(directory, LONGER, listener, report=False)
    assert len(listener.warnings) == 1
    assert listener.warnings[0].endswith("; resuming from step 6")
    assert written(directory) == written(whole.directory)


@pytest.mark.parametrize("kind", ["checkpoint of another run", "link", "broken link", "folder", "pipe"])
def test_what_is_in_the_way_of_a_checkpoint_is_not_overwritten_and_the_run_goes_on_once_it_is_moved(
    kind, both, tmp_path
):
    run, whole = both
    directory = copied(run, tmp_path)
    path, victim = checkpoint(directory, 9), tmp_path / "victim"
    victim.write_text("mine")
    {
        "checkpoint of another run": lambda: shutil.copy(other_run(tmp_path), path),
        "link": lambda: path.symlink_to(victim),
        "broken link": lambda: path.symlink_to(tmp_path / "nothing"),
        "folder": path.mkdir,
        "pipe": lambda: os.mkfifo(path),
    }[kind]()
    with pytest.raises(UsageError, match=f"{path} is in the way: this run did not write it") as caught:
        specnet.resume(directory, LONGER, report=False)
    assert caught.value.exit_code == 2
    assert caught.value.help == f"move it away, then: specnet resume {directory}"
    assert specnet.load_run(directory).status == "failed"
    path.rename(tmp_path / "moved")
    assert (tmp_path / "moved").is_symlink() == ("link" in kind)
    assert victim.read_text() == "mine"
    specnet.resume(directory, LONGER, report=False)
    assert written(directory) == written(whole.directory)


def other_run(tmp_path):
    """The checkpoint of step 9 of a run of another spec."""
    spec = SPEC | {"seed": 4, "training": {"epochs": 6, "batch_size": 6}}
    return checkpoint(specnet.run(spec, tmp_path / "other", report=False).directory, 9)


def test_a_file_that_is_no_checkpoint_but_named_like_one_is_kept_under_another_name(both, tmp_path):
    run, whole = both
    directory, listener = copied(run, tmp_path), Watched()
    for name in ("step-00000009.npz", "step-00000009.npz.damaged"):
        (directory / "checkpoints" / name).write_text(name)
    specnet.resume(directory, LONGER, listener, report=False)
    assert [str(checkpoint(directory, 9)) in each for each in listener.warnings] == [True]
    kept = [directory / "checkpoints" / f"step-00000009.npz.damaged{end}" for end in ("", "-2")]
    assert [path.read_text() for path in kept] == ["step-00000009.npz.damaged", "step-00000009.npz"]
    assert written(directory) == written(whole.directory)


def test_random_damage_anywhere_is_refused_or_ends_in_the_same_bytes(both, tmp_path):
    run, whole = both
    rng, ends = np.random.default_rng(6), []
    for number in range(20):
        directory = shutil.copytree(run.directory, tmp_path / str(number))
        files = sorted(path for path in directory.rglob("*") if path.is_file() and path.name != ".lock")
        for path in rng.choice(files, size=2):
            content = bytearray(path.read_bytes())
            place, length = int(rng.integers(len(content))), int(rng.integers(1, 20))
            content[place : place + length] = [rng.bytes(length), b"", bytes(length)][rng.integers(3)]
            path.write_bytes(content)
        try:
            specnet.resume(directory, LONGER, report=False)
        except SpecnetError as error:
            ends.append(type(error))
        else:
            ends.append(None)
            assert written(directory) == written(whole.directory)
    assert ends.count(None) > 1
    assert RunError in ends


def test_a_spec_from_before_a_key_with_a_default_came_is_the_same(both):
    spec = both[0].spec
    before = spec.to_json()
    del before["record"]["budget"]
    assert _is_same(before, spec)
    assert not _is_same(before | {"seed": 99}, spec)
    assert not _is_same(before | {"sed": 99}, spec)
