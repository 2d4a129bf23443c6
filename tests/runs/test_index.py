"""Which checkpoint is meant, where several may be."""

import hashlib
import json
import os

import pytest
from helpers import Watched

import specnet
from specnet.errors import RunError
from specnet.runs.archive import Stamp, matching, open_archive


def stamp(content):
    return Stamp(hashlib.sha256(content).hexdigest(), len(content))


def test_of_several_stamps_that_of_the_file_counts(tmp_path):
    path = tmp_path / "file"
    stamps = [stamp(b"old"), stamp(b"new")]
    assert matching(path, stamps) == stamps[0]  # there is none yet
    for content in (b"old", b"new"):
        path.write_bytes(content)
        assert matching(path, stamps) == stamp(content)
    path.write_bytes(b"another")
    assert matching(path, stamps) == stamps[0]
    assert matching(path, stamps[1:]) == stamps[1]


def test_a_checkpoint_that_cannot_be_read_is_named_with_the_reason(tmp_path, monkeypatch):
    def failing(*_):
        raise OSError(5, "Input/output error")

    (tmp_path / "file").write_bytes(b"content")
    monkeypatch.setattr(hashlib, "file_digest", failing)
    with (
        pytest.raises(RunError, match="file cannot be read: Input/output error"),
        open_archive(tmp_path / "file", [stamp(b"content")]),
    ):
        pass


def test_a_pipe_in_the_place_of_a_checkpoint_keeps_nobody_waiting(tmp_path):
    os.mkfifo(tmp_path / "file")
    with pytest.raises(RunError, match="does not exist"), open_archive(tmp_path / "file", [stamp(b"")]):
        pass


def noisy(epochs):
    """A spec whose best epoch changes now and then."""
    return {
        "seed": 2,
        "dataset": {"type": "spiral", "n_samples": 24},
        "layers": [
            {"type": "linear", "units": 8},
            "tanh",
            {"type": "dropout", "rate": 0.5},
            {"type": "linear", "units": 1},
        ],
        "loss": "bce_with_logits",
        "optimizer": {"type": "sgd", "learning_rate": 0.3},
        "training": {"epochs": epochs, "batch_size": 4},
        "checkpoint": {"every": 1, "keep": 2, "monitor": "train/loss"},
        "plots": [],
    }


def test_a_state_whose_best_was_deleted_for_a_better_one_goes_on_and_finds_that_again(tmp_path):
    values = list(specnet.run(noisy(60), tmp_path / "long").history["train/loss"])
    # The last epoch is the best, and the one before it refers to a best that is neither itself nor one of the newest.
    best = [min(values[:epoch]) for epoch in range(61)[1:]]
    epochs = next(end for end in range(5, 60) if best[end - 1] == values[end - 1] and best[end - 2] == best[end - 4])
    whole = specnet.run(noisy(epochs), tmp_path / "whole")
    run = specnet.run(noisy(epochs), tmp_path / "run")
    before = run.directory / "checkpoints" / f"step-{whole.best['step'] * (epochs - 1) // epochs:08d}.npz"
    assert (
        specnet.load_run(run.directory, before.name).progress["parts"]["callbacks.checkpoints"]["values"]["epoch"]
        < epochs - 1
    )
    content = run.checkpoint.read_bytes()
    run.checkpoint.write_bytes(content[:-1])

    observer = Watched()
    specnet.resume(run.directory, observer=observer)
    (told,) = observer.warnings
    assert told.endswith(f"; resuming from step {int(before.stem[5:])}")
    assert run.checkpoint.read_bytes() == content
    for name in ("best.json", "latest.json"):
        assert json.loads((run.directory / name).read_text()) == json.loads((whole.directory / name).read_text())
