"""The batch size, and other settings of training, as schedules."""

import json

import numpy as np
import pytest

import specnet
from specnet.datasets.rows import Rows
from specnet.errors import SpecnetError
from specnet.runs.range_test import find_range
from specnet.training.batches import Batch, StreamedSplit
from specnet.training.loop import run_epoch, take_step
from specnet.training.model import Model
from specnet.training.settings import Training
from specnet.training.state import TrainingState
from specnet.training.trainer import Trainer
from specnet.transforms.pipeline import Pipeline

RNG = np.random.default_rng(3)
X, TARGET = RNG.normal(size=(50, 3)), RNG.normal(size=(50, 1))
GROWING = {"type": "piecewise", "boundaries": [1, 3], "values": [7, 16, 99]}
SIZES = [[7] * 7 + [1], [16] * 3 + [2], [16] * 3 + [2], [50], [50]]
STEPPED = {"type": "sgd", "learning_rate": {"type": "step", "initial": 0.1, "factor": 0.5, "every": 2}}
SPEC = {
    "dataset": {"type": "spiral", "n_samples": 130},
    "layers": [{"type": "linear", "units": 4}, "tanh", {"type": "dropout", "rate": 0.2}, "linear"],
    "loss": "bce_with_logits",
    "optimizer": STEPPED,
    "training": {"epochs": 5, "batch_size": GROWING},
    "plots": [],
}  # fmt: skip


def make(stream=False, optimizer=STEPPED, **training):
    """Return a trainer of 50 samples, which may be read window by window."""
    network = specnet.build_network([*SPEC["layers"][:3], {"type": "linear", "units": 1}], (3,), "float64", seed=4)
    model = Model(network, specnet.build("losses", "mse"), Pipeline([], ()), Pipeline([], ()))
    settings = Training.model_validate({"epochs": 5, "batch_size": GROWING} | training)
    split = Batch(X, TARGET, TARGET)
    if stream:
        rows = [Rows(a.shape, a.dtype, lambda start, stop, a=a: a[start:stop].copy()) for a in (X, TARGET, TARGET)]
        split = StreamedSplit(*rows, buffer=2000)
    return Trainer(model, specnet.build("optimizers", optimizer), settings, {"train": split}, seed=4)


def test_the_batch_size_changes_from_epoch_to_epoch_and_lengths_in_epochs_stay_exact(monkeypatch):
    trainer, seen = make(l2={"type": "linear", "initial": 0.1, "final": 0.0, "epochs": "40%"}), []
    prepare = trainer.prepare_step

    def watch(batch):
        prepare(batch)
        seen.append((trainer.optimizer.learning_rate, batch.rows))

    monkeypatch.setattr(trainer, "prepare_step", watch)
    for number, sizes in enumerate(SIZES):
        seen.clear()
        line = run_epoch(trainer)
        assert seen == [(0.1 * 0.5 ** (number // 2), size) for size in sizes]
        assert line["step"] == sum(map(len, SIZES[: number + 1]))
        assert line["training.batch_size"] == [7, 16, 16, 99, 99][number]
        last = number * 50 + sum(sizes[:-1])  # samples before the last step
        assert line["training.l2"] == pytest.approx(0.1 * max(1 - last / 100, 0))


def test_a_constant_schedule_trains_as_its_number_does():
    """Times in epochs are the same as those in steps, if batches are whole."""
    numbers = [make(batch_size=size) for size in (10, {"type": "constant", "value": 10})]
    for _ in range(5):
        first, second = map(run_epoch, numbers)
        assert first["train/loss"] == second["train/loss"]
    np.testing.assert_array_equal(*(trainer.model.network.params.flat for trainer in numbers))


@pytest.mark.parametrize("settings", [{}, {"stream": True}, {"gradient_accumulation_steps": 2}], ids=str)
def test_a_state_of_any_step_leads_to_the_same_bytes(settings):
    whole, states = make(**settings), []
    while not whole.done:
        for batch in whole.batches:
            whole.add_loss(*take_step(whole, batch))
            states.append(whole.state())
        whole.finish_epoch(whole.measure(), 0.0)
    for saved in states:
        resumed = make(**settings)
        run_epoch(resumed)  # not where the state was taken
        resumed.restore(TrainingState(saved.arrays, json.loads(json.dumps(saved.progress))))
        while not resumed.done:
            run_epoch(resumed)
        np.testing.assert_array_equal(resumed.model.network.params.flat, whole.model.network.params.flat)
        assert resumed.step == whole.step


def test_a_run_resumes_with_more_epochs_if_earlier_batches_stay_as_they_were(tmp_path):
    whole = specnet.run(specnet.load_spec(SPEC), tmp_path / "whole")
    specnet.run(specnet.load_spec(SPEC, ["training.epochs=2"]), tmp_path / "part", report=False)
    resumed = specnet.resume(tmp_path / "part", ["training.epochs=5"])
    np.testing.assert_array_equal(resumed.params.flat, whole.params.flat)
    assert "a schedule of training.batch_size has no twin" in (whole.directory / "report.html").read_text("utf-8")
    to_the_end = ["training.epochs=3", 'training.batch_size={"type": "linear", "initial": 4, "final": 32}']
    specnet.run(specnet.load_spec(SPEC, to_the_end), tmp_path / "other", report=False)
    with pytest.raises(SpecnetError, match="the batch sizes of earlier epochs would change"):
        specnet.resume(tmp_path / "other", ["training.epochs=5"])


REFUSED = {
    "a watched value": ({"training": {"batch_size": {"type": "reduce_on_plateau", "initial": 64}}},
                        "/training/batch_size", "cannot depend on a value"),
    "its length in steps": ({"training": {"batch_size": {"type": "exponential", "initial": 9, "every_steps": 9}}},
                            "/training/batch_size/every_steps", "every_steps has no meaning"),
    "no sample": ({"training": {"batch_size": {"type": "linear", "initial": 0, "final": 32}}},
                  "/training/batch_size", "greater than or equal to 1"),
    "another length in steps": (
        {"training": {"batch_size": GROWING}, "optimizer": {**STEPPED, "learning_rate": {
            "type": "warmup", "steps": 5, "schedule": {"type": "constant", "value": 0.1}}}},
        "/optimizer/learning_rate/steps", "steps has no meaning"),
    "full batches": ({"training": {"batch_size": GROWING}, "optimizer": "lbfgs"}, "/optimizer", "all samples"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_go_with_a_changing_batch_size_is_refused(what):
    change, pointer, message = REFUSED[what]
    with pytest.raises(SpecnetError) as raised:
        specnet.load_spec(SPEC | change)
    found = {"".join(f"/{part}" for part in each.pointer): each.message for each in raised.value.diagnostics}
    assert message in found[pointer]


def test_a_batch_size_that_falls_below_1_is_refused_before_training():
    falling = {"type": "linear", "initial": 8, "final": 0, "epochs": 3}
    with pytest.raises(SpecnetError, match="batch_size should be at least 1, but the schedule returns 0 in epoch 4"):
        specnet.load_spec(SPEC, [f"training.batch_size={json.dumps(falling)}"])


def test_the_limits_of_gradients_may_vary():
    trainer = make(clip_norm={"type": "linear", "initial": 1e-3, "final": 1e-6}, batch_size=50)
    norms = [run_epoch(trainer) and np.linalg.norm(trainer.model.network.grads.flat) for _ in range(5)]
    np.testing.assert_allclose(norms, [1e-3 - step * (1e-3 - 1e-6) / 5 for step in range(5)])


def test_the_range_test_takes_the_batches_of_the_first_epoch():
    found = find_range(specnet.load_spec(SPEC), np.geomspace(1e-4, 1e-2, 12))
    fixed = find_range(specnet.load_spec(SPEC, ["training.batch_size=7"]), np.geomspace(1e-4, 1e-2, 12))
    np.testing.assert_array_equal(found.losses, fixed.losses)
