"""A run that was stopped goes on as if nothing had happened, or says why it cannot."""

import itertools
import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers import Watched, sampled
from runs.stopped import LINEAR, change, contents, files, small

import specnet
from specnet.errors import BusyError, Interrupted, RunError, SpecError, SpecnetError, UsageError
from specnet.network.network import Network
from specnet.runs.experiment import Experiment
from specnet.runs.storage.checkpoints import Checkpoints
from specnet.runs.storage.directory import RunDirectory
from specnet.training.loop import run_epoch
from specnet.training.model import Model

DROPOUT = [{"type": "linear", "units": 6}, "tanh", {"type": "dropout", "rate": 0.3}, LINEAR]
NESTED = {"type": "residual", "layers": [DROPOUT[2]]}
MOMENTUM = {"type": "sgd", "learning_rate": 0.1, "momentum": 0.9, "nesterov": True}
PLATEAU = {"type": "reduce_on_plateau", "initial": 0.3, "factor": 0.5, "patience": 1, "monitor": "train/loss"}
SPECS = {
    "dropout and adam": {"layers": DROPOUT},
    "momentum": {"optimizer": MOMENTUM, "dtype": "float64"},
    "full batch": {"training": {"epochs": 5, "batch_size": None}},
    "without shuffling": {"training": {"epochs": 5, "batch_size": 20, "shuffle": False}},
    "no metrics": {"metrics": []},
    "nested": {
        "layers": [{"type": "repeat", "times": 2, "layers": [{"type": "residual", "layers": [DROPOUT[2]]}]}, LINEAR]
    },
    "curvatures": {
        "layers": [{"type": "linear", "units": 6}, "batch_norm", {"type": "dropout", "rate": 0.3}, LINEAR],
        "optimizer": {**MOMENTUM, "learning_rate": PLATEAU},
        "record": {"every": 2, "points": 3, "curvature": True},
    },
    "clipping and record": {
        "training": {"epochs": 5, "batch_size": 20, "clip_norm": 0.01},
        "record": {"every": 2, "points": 3},
    },
    "a record that drops frames": {
        "layers": DROPOUT,
        "training": {"epochs": 9, "batch_size": 40},
        "record": {"every": 1, "points": 3, "units": True, "budget": 40_000},
    },
    "early stopping": {
        "training": {"epochs": 9, "batch_size": 20, "early_stopping": {"patience": 2, "min_delta": 9.0}},
    },
    "penalties, limits, accumulation and an average after each step": {
        "layers": [
            {"type": "linear", "units": 6, "l1": 0.01, "max_norm": 0.7, "activity_l2": 0.1},
            {"type": "dropout", "rate": 0.3},
            LINEAR,
        ],
        "training": {
            "epochs": 4,
            "batch_size": 10,
            "gradient_accumulation_steps": 2,
            "l2": 0.1,
            "clip_value": 0.05,
            "weight_averaging": {"type": "ema", "momentum": 0.7},
        },
    },
    "groups, amsgrad and an average after each epoch": {
        "optimizer": {
            "type": "adamw",
            "amsgrad": True,
            "groups": [{"layers": [0], "learning_rate": {"type": "cosine", "initial": 0.1}}],
        },
        "training": {"epochs": 4, "batch_size": 20, "weight_averaging": {"type": "swa", "start_epoch": 2}},
    },
    "a value to stop at": {
        "training": {"epochs": 9, "batch_size": 20, "stop_at": {"monitor": "train/accuracy", "value": 0.1}},
    },
    **{
        schedule["type"]: {"optimizer": {**MOMENTUM, "learning_rate": schedule}}
        for schedule in (
            {"type": "constant", "value": 0.1},
            {"type": "step", "initial": 0.1, "every_steps": 4},
            {"type": "exponential", "initial": 0.1, "every_steps": 4},
            {"type": "cosine", "initial": 0.1, "steps": 12, "warmup_steps": 3},
            PLATEAU,
        )
    },
}


@pytest.mark.parametrize("every", [pytest.param(1, id="all", marks=pytest.mark.long), pytest.param(5, id="some")])
@pytest.mark.parametrize("changes", sampled([pytest.param(SPECS[name], id=name) for name in SPECS], 2))
def test_a_run_stopped_in_any_step_goes_on_to_the_same_bytes(changes, every, stop, tmp_path):
    spec = specnet.load_spec(small(**changes))
    whole = specnet.run(spec, tmp_path / "whole", report=False)
    expected = contents(whole.directory)
    last = whole.history["step"][-1]
    for step in range(1, last + 1, every):
        stop(step)
        directory = tmp_path / f"stopped-{step}"
        with pytest.raises(Interrupted):
            specnet.run(spec, directory, report=False)
        assert specnet.load_run(directory, "latest").progress["step"] == step
        assert specnet.load_run(directory).status == "interrupted"
        run = specnet.resume(directory, report=False)
        assert contents(directory) == expected
        assert run.status == "finished"


def test_a_second_signal_leaves_at_once_and_what_was_saved_is_valid(tmp_path, monkeypatch):
    spec = specnet.load_spec(small(layers=DROPOUT, checkpoint={"every_steps": 2}))
    expected = contents(specnet.run(spec, tmp_path / "whole", report=False).directory)
    backward, steps = Network.backpropagate, itertools.count()

    def twice(self, dy):
        if next(steps) == 5:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
        backward(self, dy)

    monkeypatch.setattr(Network, "backpropagate", twice)
    with pytest.raises(Interrupted) as error:
        specnet.run(spec, tmp_path / "run", report=False)
    assert error.value.__notes__[0].startswith(f"earlier states are in {tmp_path / 'run'}; to resume: ")
    run = specnet.load_run(tmp_path / "run", "latest")
    assert (run.progress["step"], run.status, run.warnings) == (4, "running", [])
    specnet.resume(tmp_path / "run", report=False)
    assert contents(tmp_path / "run") == expected


def test_a_run_stopped_while_a_split_is_measured_goes_on_to_the_same_bytes(tmp_path, monkeypatch):
    spec = specnet.load_spec(small(layers=DROPOUT))
    expected = contents(specnet.run(spec, tmp_path / "whole", report=False).directory)
    outputs, seen = Model.outputs, []

    def stopped(self, x, *rest):
        seen.append(len(x))
        if len(seen) == 6:  # the first ones check the metrics before training
            signal.raise_signal(signal.SIGTERM)
        return outputs(self, x, *rest)

    monkeypatch.setattr(Model, "outputs", stopped)
    with pytest.raises(Interrupted):
        specnet.run(spec, tmp_path / "stopped", report=False)
    run = specnet.load_run(tmp_path / "stopped", "latest")
    assert run.progress["position"] == len(run.data.train.inputs)  # all steps are taken, the epoch is not over
    specnet.resume(tmp_path / "stopped", report=False)
    assert contents(tmp_path / "stopped") == expected


@pytest.mark.parametrize("every", [1, 2, 3, 5])
def test_checkpoints_within_epochs_change_nothing_but_how_many_there_are(every, tmp_path):
    spec = small(layers=DROPOUT)
    expected = contents(specnet.run(specnet.load_spec(spec), tmp_path / "whole", report=False).directory)
    spec["checkpoint"] = {"every_steps": every, "keep": 100}
    run = specnet.run(specnet.load_spec(spec), tmp_path / "often", report=False)
    steps = {int(path.stem.removeprefix("step-")) for path in (run.directory / "checkpoints").iterdir()}
    assert set(range(0, 9, every)) | {8, run.best["step"]} <= steps
    assert steps <= {*range(0, 9, every), *range(0, 9, 2)}  # the best after each epoch of two steps
    with np.load(run.directory / "checkpoints" / "step-00000008.npz") as often:
        for name, array in np.load(tmp_path / "whole/checkpoints/step-00000008.npz").items():
            assert (often[name].tobytes() == array.tobytes()) is (name != "spec")
    assert contents(run.directory)["history"] == expected["history"]


def test_a_checkpoint_within_an_epoch_holds_what_metrics_have_added_up(stop, tmp_path):
    stop(1)
    with pytest.raises(Interrupted):
        specnet.run(small(metrics=["accuracy"]), tmp_path / "run", report=False)
    progress = specnet.load_run(tmp_path / "run", "latest").progress
    assert progress["position"] == 20
    assert progress["parts"]["metrics.accuracy"]["values"]["count"] == 20


def test_a_longer_run_is_the_one_that_was_longer_from_the_start(tmp_path):
    changes = {
        "layers": DROPOUT,
        "record": {"every": 3, "points": 3},
        "optimizer": {**MOMENTUM, "learning_rate": PLATEAU},
    }
    longer = specnet.run(small(**changes, training={"epochs": 7, "batch_size": 20}), tmp_path / "longer", report=False)
    specnet.run(small(**changes), tmp_path / "run", report=False)
    observer = Watched()
    run = specnet.resume(tmp_path / "run", ["training.epochs=7"], observer, report=False)
    assert (observer.began, observer.warnings) == ([4], [])
    found, expected = contents(run.directory), contents(longer.directory)
    assert found.pop("best")[0] == expected.pop("best")[0]  # that checkpoint holds the shorter spec
    assert found == expected
    assert run.spec.to_json() == longer.spec.to_json() | {"name": run.spec.name}
    assert specnet.load_run(run.directory, 0).progress["epoch"] == 0  # of the shorter spec, and believed all the same


def test_a_finished_run_stays_as_it_is(tmp_path):
    run = specnet.run(small(), tmp_path / "run", report=False)
    before = contents(run.directory)
    observer = Watched()
    resumed = specnet.resume(run.directory, observer=observer, report=False)
    assert resumed.status == "finished"
    assert observer.began == [4]
    for key in ("seconds", "finished"):
        assert resumed.manifest[key] == run.manifest[key]
    assert contents(run.directory) == before


@pytest.mark.parametrize("longer", [False, True])
def test_where_nothing_is_left_to_do_no_file_changes(longer, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.json").write_text(json.dumps(small(plots=["curves"])))
    specnet.run("mine.json", "run")
    if longer:
        specnet.resume("run", ["training.epochs=5"])
    before = files(Path("run"))
    assert json.loads(before[Path("run/manifest.json")])["spec"]["file"] == "mine.json"
    for _ in range(2):
        specnet.resume("run")
        assert files(Path("run")) == before
    epochs = ["training.epochs=5"] if longer else []
    specnet.run(specnet.load_spec(tmp_path / "mine.json", epochs), "run", resume=True)
    assert files(Path("run")) == before


def test_a_run_that_stopped_early_does_so_again_however_long_it_may_be(tmp_path):
    stopping = {"early_stopping": {"patience": 2, "min_delta": 9.0}}
    run = specnet.run(small(training={"epochs": 9, "batch_size": 20, **stopping}), tmp_path / "run", report=False)
    before = contents(run.directory)
    run = specnet.resume(run.directory, ["training.epochs=50"], report=False)
    assert run.manifest["stopped_early"]
    assert contents(run.directory)["history"] == before["history"]


def test_a_run_cannot_get_shorter_than_it_is(stop, tmp_path):
    stop(5)
    with pytest.raises(Interrupted):
        specnet.run(small(), tmp_path / "run", report=False)
    for epochs in (1, 2):  # within the third, at step 5 of 8
        with pytest.raises(UsageError, match=f"already begun epoch 3, more than training.epochs={epochs}"):
            specnet.resume(tmp_path / "run", [f"training.epochs={epochs}"], report=False)
    run = specnet.resume(tmp_path / "run", ["training.epochs=3"], report=False)
    shorter = specnet.run(small(training={"epochs": 3, "batch_size": 20}), tmp_path / "shorter", report=False)
    assert contents(run.directory) == contents(shorter.directory)


def test_with_resume_a_spec_starts_a_run_or_goes_on_with_it(stop, tmp_path):
    expected = contents(specnet.run(small(), tmp_path / "whole", report=False).directory)
    stop(3)
    with pytest.raises(Interrupted):
        specnet.run(small(), tmp_path / "run", resume=True, report=False)
    reordered = dict(reversed(small().items()))
    for _ in range(2):
        assert contents(specnet.run(reordered, tmp_path / "run", resume=True, report=False).directory) == expected
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "whole"]
    with pytest.raises(SpecError, match="the run has 5 here, not 6"):
        specnet.run(small(seed=6), tmp_path / "run", resume=True, report=False)


def test_a_run_killed_before_it_had_begun_begins_anew(tmp_path):
    code = "import json, os, sys, specnet; from specnet.runs.runner import Runner\n"
    code += "Runner._write_manifest = lambda *_: os._exit(9)\nspecnet.run(json.loads(sys.argv[1]), sys.argv[2])"
    command = [sys.executable, "-c", code, json.dumps(small()), str(tmp_path / "run")]
    assert subprocess.run(command, check=False).returncode == 9
    assert (tmp_path / "run/checkpoints/step-00000000.npz").is_file()
    with pytest.raises(RunError, match="it has no manifest"):
        specnet.resume(tmp_path / "run", report=False)
    assert specnet.run(small(), tmp_path / "run", resume=True, report=False).status == "finished"


def test_a_run_that_another_process_has_begun_in_the_meantime_goes_on(tmp_path, monkeypatch):
    prepare = Experiment.__init__

    def slow(self, *arguments):
        prepare(self, *arguments)
        monkeypatch.undo()
        specnet.run(arguments[0], tmp_path / "run", resume=True, report=False)

    monkeypatch.setattr(Experiment, "__init__", slow)
    assert specnet.run(small(), tmp_path / "run", resume=True, report=False).status == "finished"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_run_that_ends_too_early_twice_still_knows_its_own_files(stop, tmp_path, monkeypatch):
    spec = small(layers=DROPOUT, checkpoint={"every_steps": 1, "keep": 1})
    expected = contents(specnet.run(spec, tmp_path / "whole", report=False).directory)
    delete = Checkpoints._delete

    def died(self, steps):
        if 3 in self._steps:
            raise OSError(5, "Input/output error")
        delete(self, steps)

    monkeypatch.setattr(Checkpoints, "_delete", died)
    with pytest.raises(OSError, match="Input/output"):
        specnet.run(spec, tmp_path / "run", report=False)
    monkeypatch.setattr(Checkpoints, "_delete", delete)
    assert (tmp_path / "run/checkpoints/step-00000003.npz").is_file()
    with monkeypatch.context() as patched, pytest.raises(ZeroDivisionError):
        patched.setattr("specnet.training.loop.run_epoch", lambda trainer: 1 / 0)
        specnet.resume(tmp_path / "run", report=False)
    specnet.resume(tmp_path / "run", report=False)
    assert contents(tmp_path / "run") == expected


def test_a_directory_with_other_files_is_no_run_to_go_on_with(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="contains other files and no run"):
        specnet.run(small(), tmp_path, resume=True, report=False)
    with pytest.raises(RunError, match="no manifest"):
        specnet.resume(tmp_path, report=False)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_run_that_another_process_writes_to_is_refused_and_not_touched(stop, tmp_path):
    stop(3)
    with pytest.raises(Interrupted):
        specnet.run(small(), tmp_path / "run", report=False)
    with RunDirectory(tmp_path / "run"):
        before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
        for go_on in (
            lambda: specnet.resume(tmp_path / "run", report=False),
            lambda: specnet.run(small(), tmp_path / "run", resume=True, report=False),
        ):
            with pytest.raises(BusyError):
                go_on()
        assert {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()} == before
    assert specnet.resume(tmp_path / "run", report=False).status == "finished"


def test_the_seconds_of_a_run_add_up(stop, tmp_path):
    stop(3)
    with pytest.raises(Interrupted):
        specnet.run(small(), tmp_path / "run", report=False)
    change(tmp_path / "run", "seconds", 1000.0)
    assert 1000 < specnet.resume(tmp_path / "run", report=False).manifest["seconds"] < 1100


@pytest.mark.parametrize("policy", ["stop", "restore_best"])
def test_a_run_that_diverges_does_so_again_after_it_was_stopped(policy, stop, tmp_path):
    spec = small(
        optimizer={"type": "sgd", "learning_rate": 5.0}, loss="mse", metrics=[],
        training={"epochs": 500, "batch_size": 20, "on_divergence": policy},
    )  # fmt: skip

    def train(call):
        if policy == "stop":
            with pytest.raises(specnet.SpecnetError, match=r"not finite|inf|nan") as error:
                call()
            return error.value.message
        return call().manifest["error"]

    whole = train(lambda: specnet.run(spec, tmp_path / "whole", report=False))
    stop(2)
    with pytest.raises(Interrupted):
        specnet.run(spec, tmp_path / "run", report=False)
    assert train(lambda: specnet.resume(tmp_path / "run", report=False)) == whole
    assert contents(tmp_path / "run")["history"] == contents(tmp_path / "whole")["history"]


def test_an_experiment_brings_everything_back_that_a_state_holds():
    spec = specnet.load_spec(small(layers=DROPOUT, optimizer={**MOMENTUM, "learning_rate": PLATEAU}))
    first, second = Experiment(spec), Experiment(spec)
    for _ in range(3):
        run_epoch(first.trainer)
    second.restore(first.state())
    for _ in range(3):
        ends = [run_epoch(experiment.trainer) | {"seconds": 0} for experiment in (first, second)]
        assert ends[0] == ends[1]
    assert json.dumps(first.state().progress) == json.dumps(second.state().progress)


def test_the_time_of_a_process_that_was_killed_counts_too(tmp_path, stop):
    training = {"epochs": 9, "batch_size": None, "max_seconds": 1e3}
    stop(3)
    with pytest.raises(Interrupted):
        specnet.run(small(training=training), tmp_path / "run", report=False)
    manifest, history = tmp_path / "run" / "manifest.json", tmp_path / "run" / "history.jsonl"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"status": "running", "seconds": 0}))
    history.write_text(re.sub('"seconds": [^}]*', '"seconds": 1000', history.read_text()))
    run = specnet.resume(tmp_path / "run", report=False)
    assert (len(run.history["epoch"]), run.manifest["reason"]) == (3, "training has taken 1000 seconds")


@pytest.mark.parametrize("optimizer", ["sam", "lookahead", "lbfgs"])
def test_a_run_of_an_earlier_version_with_limits_without_effect_is_not_resumed(optimizer, stop, monkeypatch, tmp_path):
    inside = {"optimizer": {"type": "sam", "optimizer": "sgd"}} if optimizer == "lookahead" else {}
    training = {"epochs": 4, "batch_size": "full", "clip_norm": 1.0}
    with monkeypatch.context() as earlier:
        earlier.setattr("specnet.spec.optimizing.all_needs", lambda optimizer: set())
        stop(2)
        with pytest.raises(Interrupted):
            specnet.run(
                small(optimizer={"type": optimizer, **inside}, training=training), tmp_path / "run", report=False
            )
    before = files(tmp_path / "run")
    with pytest.raises(SpecnetError, match=f"{optimizer} takes gradients at further points, which clip_norm") as caught:
        specnet.resume(tmp_path / "run", report=False)
    (found,) = caught.value.diagnostics
    assert (found.pointer, found.location.file) == (("training", "clip_norm"), str(tmp_path / "run" / "spec.json"))
    assert files(tmp_path / "run") == before
    assert specnet.load_run(tmp_path / "run").predict(np.zeros((1, 2))).shape == (1, 1)
