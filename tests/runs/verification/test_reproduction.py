"""Training a run again, and what is said of differences."""

import json
import signal

import numpy as np
import pytest
from helpers import checkpoint, sampled
from runs.stopped import small

import specnet
from specnet.errors import DivergenceError, Interrupted, RunError
from specnet.layers.activation import Tanh
from specnet.runs.verification.reproduction import compare_runs, damage, measure_again
from specnet.runs.verification.retraining import train_again
from specnet.testing.whole_network import check_gradients_of

EVERY = {"checkpoint": {"every": 2, "keep": 2}, "record": {"every": 2}}


@pytest.fixture
def train(train, monkeypatch):
    """Train without the page, which takes longer than the training."""
    monkeypatch.setattr("specnet.runs.runner.Runner._report", lambda *arguments: None)
    return train


@pytest.fixture
def again(tmp_path):
    """Trains a run again and returns the comparison."""

    def call(run, **options):
        train_again(run, tmp_path / "again", **options)
        return compare_runs(run, tmp_path / "again")

    return call


def test_a_run_is_reproduced_to_the_byte(train, again):
    run = train(**EVERY)
    before = {path: path.read_bytes() for path in run.directory.rglob("*") if path.is_file()}
    found = again(run.directory)
    assert [part.what.rpartition("/")[2] for part in found.parts] == [
        *[f"step-{step:08d}.npz" for step in run.steps], "history.jsonl", "record.npz", "results.json",
    ]  # fmt: skip
    assert {part.agreement for part in found.parts} == {"the same bytes"}
    assert (found.same, found.step, found.until, found.reasons) == (True, None, 40, [])
    assert measure_again(run).same
    assert before == {path: path.read_bytes() for path in run.directory.rglob("*") if path.is_file()}


class Counter(specnet.Callback):
    """Has a state, with an array."""

    def begin(self, training):
        self.count = np.zeros(2)

    def state(self):
        return {"count": self.count, "name": "mine"}

    def restore(self, saved):
        self.count = saved["count"]


def test_the_state_of_a_callback_from_python_is_left_out(again, tmp_path):
    run = specnet.run(small(plots=[]), tmp_path / "run", callbacks=[Counter()], report=False)
    assert {(part.what.partition("/")[0], part.agreement) for part in again(run.directory).parts} >= {
        ("checkpoints", "the same numbers"),
        ("history.jsonl", "the same bytes"),
    }


@pytest.mark.parametrize("step", sampled([13, 5, 10], 3))
def test_a_run_that_was_stopped_is_reproduced_up_to_there(step, train, stop, again, tmp_path):
    stop(step)
    with pytest.raises(Interrupted):
        train(**EVERY)
    found = again(tmp_path / "run")
    assert (found.same, found.until) == (True, step), found
    assert "results.json" not in [part.what for part in found.parts]


def test_a_resumed_run_is_reproduced_with_its_checkpoint_in_an_epoch(train, stop, again, tmp_path):
    stop(38)
    with pytest.raises(Interrupted):
        train(training={"epochs": 9, "batch_size": 10})
    specnet.resume(tmp_path / "run")
    assert 38 in specnet.load_run(tmp_path / "run").steps
    found = again(tmp_path / "run")
    assert (found.same, found.until) == (True, 45), found
    assert found.reasons == ["the first run was resumed, from step 38"]


def test_a_run_that_the_clock_has_ended_is_reproduced(train, again):
    run = train(training={"epochs": 500, "batch_size": 10, "max_seconds": 0.05})
    assert 0 < run.history["epoch"][-1] < 500
    found = again(run.directory)
    assert found.same, found


@pytest.mark.long
def test_a_divergence_is_reproduced(train, again, tmp_path):
    with pytest.raises(DivergenceError):
        train(loss="mse", metrics=[], optimizer={"type": "sgd", "learning_rate": 1e6})
    assert again(tmp_path / "run").same


def test_where_a_run_begins_to_differ_is_said_and_by_how_much(train, again, monkeypatch):
    run = train(**EVERY)
    f, calls = Tanh.f, []

    def changed(self, x):
        calls.append(len(calls))
        return f(self, x) * (1 + 1e-5 * (len(calls) > 60))

    monkeypatch.setattr(Tanh, "f", changed)
    found = again(run.directory, kernels="textbook", allow_other_kernels=True)
    first = next(part for part in found.parts if part.what == "history.jsonl")
    assert not found.same and first.detail.startswith("epoch ") and " by " in first.detail
    assert found.until < found.step <= 40
    assert any(reason.startswith("kernels: ") for reason in found.reasons)
    assert "params by " in next(part.detail for part in found.parts if part.what.endswith("40.npz"))


@pytest.mark.long
def test_other_versions_are_named_and_do_not_count_where_the_numbers_are_the_same(train, again):
    run = train()
    path = run.directory / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["versions"]["numpy"], manifest["machine"]["blas_kernel"] = "1.0", "Old"
    path.write_text(json.dumps(manifest))
    found = again(run.directory)
    assert found.same
    assert [reason.split(",")[0] for reason in found.reasons] == ["NumPy: 1.0", "BLAS kernel: Old"]


def test_files_that_were_changed_are_named(train, again):
    run = train(**EVERY)
    history, results = run.directory / "history.jsonl", run.directory / "results.json"
    lines = history.read_text().splitlines()
    line = json.loads(lines[2])
    lines[2] = json.dumps(line | {"train/loss": 2 * line["train/loss"]})
    history.write_text("\n".join(lines) + "\n")
    found = json.loads(results.read_text())
    results.write_text(json.dumps(found | {"test": found["test"] | {"accuracy": 0.123}}))
    checkpoint(run.directory, 0).write_bytes(b"PK")
    run = specnet.load_run(run.directory)
    found = again(run.directory)
    told = {part.what: part for part in found.parts if not part.same}
    assert told.keys() == {"checkpoints/step-00000000.npz", "history.jsonl", "results.json"}
    assert told["history.jsonl"].detail == "epoch 3: train/loss by 5.0e-01"
    assert (told["history.jsonl"].step, told["history.jsonl"].until) == (15, 10)
    assert "test/accuracy was 0.123" in measure_again(run).detail
    assert "no longer contains the first 8 epochs" in next(damage(run))


def test_data_that_have_changed_are_refused(train, again, tmp_path):
    x = np.random.default_rng(0).normal(size=(40, 2))
    np.savez(tmp_path / "data.npz", inputs=x, targets=(x[:, 0] > 0).astype(int))
    run = train(dataset={"type": "npz", "path": str(tmp_path / "data.npz")})
    np.savez(tmp_path / "data.npz", inputs=x, targets=(x[:, 1] > 0).astype(int))
    with pytest.raises(specnet.SpecnetError, match="not those that the run was made with"):
        again(run.directory)
    assert not (tmp_path / "again").exists()


def test_a_run_without_an_intact_checkpoint_is_refused(train, again):
    run = train()
    for step in run.steps:
        checkpoint(run.directory, step).write_bytes(b"")
    with pytest.raises(RunError, match="no checkpoint is intact"):
        again(run.directory)


LAYERS = [{"type": "linear", "units": 6, "l2": 0.01}, "tanh", "batch_norm", "dropout", {"type": "linear", "units": 1}]
NETWORKS = {
    "random layers and penalties": {"layers": LAYERS},
    "a frozen layer": {"optimizer": {"type": "sgd", "groups": [{"layers": [0], "trainable": False}]}},
    "micro-batches": {"training": {"epochs": 3, "batch_size": 12, "gradient_accumulation_steps": 3}},
    "images": {
        "dataset": {"type": "shapes", "n_samples": 60},
        "transforms": {},
        "layers": [{"type": "conv2d", "filters": 3, "kernel_size": 3}, "relu", "max_pool2d", "flatten", "linear"],
        "loss": "cross_entropy",
    },
}


@pytest.mark.parametrize("case", sampled(NETWORKS, 9))
def test_the_gradient_of_a_whole_network_is_checked(case, train):
    found = [*check_gradients_of(train(**{"training": {"epochs": 3, "batch_size": 20}} | NETWORKS[case]))]
    assert [each.mismatch for each in found] == ["", "", ""]
    assert found[0].step == 0 < found[-1].step


def test_a_wrong_gradient_is_found_with_its_place(train, monkeypatch):
    run = train()
    monkeypatch.setattr(Tanh, "slope", lambda self, x, y: 1 - y)
    run = specnet.load_run(run.directory, kernels="textbook", allow_other_kernels=True)
    found = [*check_gradients_of(run)]
    assert "gradient of layers.0." in found[-1].mismatch
    assert "central differences say" in found[-1].mismatch


def test_a_signal_stops_it(train, again, stop):
    run = train()
    stop(12, signal.SIGTERM)
    with pytest.raises(Interrupted) as caught:
        again(run.directory)
    assert caught.value.exit_code == 143
