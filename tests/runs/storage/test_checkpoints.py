import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest
from helpers import Watched

import specnet
from specnet.errors import RunError, UsageError
from specnet.runs.storage.directory import claim_directory


def steps(run):
    return [int(path.stem.removeprefix("step-")) for path in sorted((run.directory / "checkpoints").glob("step-*.npz"))]


def test_a_checkpoint_is_an_npz_without_pickles_that_holds_the_members_of_the_design(train):
    run = train()
    with np.load(run.checkpoint, allow_pickle=False) as file:
        learned = {f"transforms.inputs.0.{name}" for name in ("columns", "shift", "scale")}
        learned |= {"callbacks.recorder.epochs", "callbacks.recorder.digests", "inputs.low", "inputs.high"}
        assert set(file.files) == {"params", "slots", "state", "layout", "spec", "origin", "progress", *learned}
        layout, progress = json.loads(str(file["layout"])), json.loads(str(file["progress"]))
        assert json.loads(str(file["spec"])) == run.spec.to_json()
        assert file["params"].shape == (2 * 6 + 6 + 6 + 1,)
        assert file["slots"].shape == (2, 25)
        assert file["params"].dtype == np.float32
    assert layout[0] == {"name": "layers.0.weight", "offset": 0, "shape": [2, 6]}
    assert [slot["name"] for slot in layout[1:]] == ["layers.0.bias", "layers.3.weight", "layers.3.bias"]
    assert set(progress["generators"]) == {"shuffle", "transforms", "layers.0", "layers.1", "layers.2", "layers.3"}
    assert {"epoch", "step", "position", "parts"} <= progress.keys()
    assert {"callbacks.best", "callbacks.history", "callbacks.checkpoints"} <= progress["parts"].keys()


def test_step_0_is_the_initial_state(train):
    run = train()
    network = specnet.build_network(run.spec.layers, (2,), seed=3)
    with np.load(run.directory / "checkpoints" / "step-00000000.npz") as file:
        np.testing.assert_array_equal(file["params"], network.params.flat)
        assert not file["slots"].any()


def test_the_first_the_newest_few_and_the_best_stay(train):
    run = train(
        checkpoint={"every": 1, "keep": 2, "monitor": "validation/loss"}, training={"epochs": 9, "batch_size": 42}
    )
    values = run.history["validation/loss"]
    best = int(np.argmin(values)) + 1
    assert run.best["epoch"] == best
    assert run.best["value"] == values[best - 1]
    assert steps(run) == sorted({0, best, 8, 9})


def test_the_best_epoch_is_kept_even_between_two_regular_checkpoints(train):
    run = train(
        checkpoint={"every": 100, "monitor": "validation/accuracy"}, training={"epochs": 30, "batch_size": None}
    )
    best = int(np.argmax(run.history["validation/accuracy"])) + 1
    assert run.best["epoch"] == best
    assert steps(run) == sorted({0, best, 30})
    assert run.evaluate("validation")["accuracy"] == run.history["validation/accuracy"][best - 1]


def test_mode_can_be_turned_round(train):
    run = train(checkpoint={"every": 1, "monitor": "validation/loss", "mode": "max"})
    assert run.best["value"] == run.history["validation/loss"].max()


def test_by_default_there_are_ten_checkpoints_on_the_way(train):
    run = train(checkpoint={"keep": 100}, training={"epochs": 40, "batch_size": None})
    assert set(range(0, 41, 4)) <= set(steps(run))


def test_every_checkpoint_ends_in_the_digest_of_all_bytes_before(train):
    for path in (train().directory / "checkpoints").iterdir():
        content = path.read_bytes()
        assert content[-64:].decode() == hashlib.sha256(content[:-64]).hexdigest()


def test_two_runs_of_one_spec_write_the_same_bytes(train):
    one, other = train("one"), train("other")
    for path in (one.directory / "checkpoints").iterdir():
        assert path.read_bytes() == (other.directory / "checkpoints" / path.name).read_bytes()


def test_each_checkpoint_can_be_loaded_by_its_step(train):
    run = train(checkpoint={"every": 1, "keep": 3})
    losses = {step: specnet.load_run(run.directory, str(step)).evaluate("train")["loss"] for step in steps(run)}
    assert len(set(losses.values())) == len(losses)


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove", "garbage"])
def test_of_a_damaged_checkpoint_the_one_before_it_is_used_and_that_is_told(damage, train):
    run = train()
    before = steps(run)[steps(run).index(int(run.checkpoint.stem[5:])) - 1]
    content = bytearray(run.checkpoint.read_bytes())
    if damage == "remove":
        run.checkpoint.unlink()
    else:
        content[len(content) // 2] ^= 1
        changed = {"flip": content, "truncate": content[:-10], "garbage": b"not a zip"}[damage]
        run.checkpoint.write_bytes(changed)
    loaded = specnet.load_run(run.directory)
    assert int(loaded.checkpoint.stem[5:]) == before
    if damage == "remove":  # it was the newest, which no other file names
        assert loaded.warnings == []
        return
    assert run.checkpoint.name in loaded.warnings[0]
    assert loaded.warnings[0].endswith(f"{loaded.checkpoint.name} is used in its place")


@pytest.mark.parametrize("which", ["spec.json", "manifest.json"])
@pytest.mark.parametrize("text", ["", "{", "[]", "\udcff"])
def test_a_damaged_file_of_the_run_is_refused_with_its_name(which, text, train):
    run = train()
    (run.directory / which).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(RunError, match=which):
        specnet.load_run(run.directory)


def test_a_checkpoint_of_other_layers_is_refused(train):
    run, other = train("a"), train("b", layers=[{"type": "linear", "units": 1}])
    (run.directory / "checkpoints" / "step-00000000.npz").write_bytes(
        (other.directory / "checkpoints" / "step-00000000.npz").read_bytes()
    )
    with pytest.raises(RunError, match="a checkpoint of another run"):
        specnet.load_run(run.directory, "0")


def test_a_step_that_does_not_exist_is_told_what_does(train):
    with pytest.raises(UsageError, match="step-00000099") as error:
        specnet.load_run(train().directory, "99")
    assert re.fullmatch("best, latest or one of: 0(, [0-9]+)+", error.value.help)


def test_files_that_the_run_did_not_write_are_left_alone(train, monkeypatch):
    foreign = []

    def claim(wanted, exactly):
        directory = claim_directory(wanted, exactly=exactly)
        for name in ("step-99999999.npz", "notes.txt"):
            foreign.append(directory.file("checkpoints", name))
            foreign[-1].write_text("mine")
        return directory

    monkeypatch.setattr("specnet.runs.start.claim_directory", claim)
    run = train(checkpoint={"every": 1, "keep": 1}, training={"epochs": 8, "batch_size": None})
    assert [file.read_text() for file in foreign] == ["mine", "mine"]
    assert not list(run.directory.rglob("*.tmp"))


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
    values = list(specnet.run(noisy(60), tmp_path / "long", report=False).history["train_after/loss"])
    # The last epoch is the best, and the one before it refers to a best that is neither itself nor one of the newest.
    best = [min(values[:epoch]) for epoch in range(61)[1:]]
    epochs = next(end for end in range(5, 60) if best[end - 1] == values[end - 1] and best[end - 2] == best[end - 4])
    whole = specnet.run(noisy(epochs), tmp_path / "whole", report=False)
    run = specnet.run(noisy(epochs), tmp_path / "run", report=False)
    before = run.directory / "checkpoints" / f"step-{whole.best['step'] * (epochs - 1) // epochs:08d}.npz"
    assert (
        specnet.load_run(run.directory, before.name).progress["parts"]["callbacks.checkpoints"]["values"]["epoch"]
        < epochs - 1
    )
    content = run.checkpoint.read_bytes()
    run.checkpoint.write_bytes(content[:-1])

    observer = Watched()
    specnet.resume(run.directory, observer=observer, report=False)
    (warning,) = observer.warnings
    assert warning.endswith(f"; resuming from step {int(before.stem[5:])}")
    assert run.checkpoint.read_bytes() == content
    assert specnet.load_run(run.directory).best == whole.best
    assert steps(run) == steps(whole)


ONE_ROW = {
    "dtype": "float64",
    "dataset": {"type": "csv", "path": "table.csv", "inputs": ["x"], "targets": ["t"]},
    "layers": [{"type": "linear", "units": 1, "weight_init": "ones"}],
    "loss": "mse",
    "optimizer": {"type": "sgd", "learning_rate": 0.25, "momentum": 0.9},
    "plots": [],
    "record": None,
}
"""One sample (1, 0): the first step reaches loss 0, the second leaves it."""


@pytest.mark.parametrize(
    "how",
    [
        {"checkpoint": {"monitor": "train/loss"}, "training": {"epochs": 5}},
        {"training": {"epochs": 5, "early_stopping": {"monitor": "train/loss", "patience": 9}}},
        {"checkpoint": {"monitor": "train/mae"}, "metrics": ["mae"], "training": {"epochs": 5}},
    ],
)
def test_what_is_called_best_is_the_value_of_the_state_that_is_saved(how, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("table.csv").write_text("x,t\n1,0\n")
    run = specnet.run(ONE_ROW | how, tmp_path / "run", report=False)
    _, name = run.best["monitor"].split("/")
    assert (run.best["epoch"], run.best["value"]) == (1, 0.0)
    assert run.evaluate("train")[name] == run.best["value"]
    assert run.history[f"train_after/{name}"][0] == 0.0 < run.history["train/loss"][0]


def test_without_a_monitor_and_validation_samples_the_last_state_is_used(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("table.csv").write_text("x,t\n1,0\n")
    run = specnet.run(ONE_ROW | {"training": {"epochs": 3}}, tmp_path / "run", report=False)
    assert (run.best["epoch"], run.best["monitor"], run.best["value"]) == (3, None, None)
    assert run.checkpoint.name == "step-00000003.npz"
    assert not any(name.startswith("train_after") for name in run.history)


def test_the_best_state_is_by_default_that_of_early_stopping(tmp_path):
    stopping = {"monitor": "validation/accuracy", "patience": 3}
    spec = noisy(30) | {"metrics": ["accuracy"], "split": {"validation": 0.3}, "checkpoint": {}}
    spec["training"] = spec["training"] | {"early_stopping": stopping}
    run = specnet.run(spec, tmp_path / "run", report=False)
    assert run.best["monitor"] == "validation/accuracy"
    assert run.best["value"] == max(run.history["validation/accuracy"])
