"""Training ends where the spec says, with a reason."""

import pytest

import specnet
from specnet.errors import SpecError
from specnet.runs.experiment import Experiment
from specnet.training.loop import train


def spec(**training):
    return specnet.load_spec(
        {
            "dataset": {"type": "spiral", "n_samples": 40}, "split": {"validation": 0.2}, "loss": "bce",
            "layers": [{"type": "linear", "units": 1}, "sigmoid"], "metrics": ["accuracy"], "record": None, "plots": [],
            "training": {"epochs": 12, "batch_size": "full", **training},
        }
    )  # fmt: skip


def finished(**training):
    """Return the epochs of a training, and why it ended."""
    trainer = Experiment(spec(**training)).trainer
    assert train(trainer) == "finished"
    return trainer.epoch, trainer.finished


EARLY = {"monitor": "validation/loss", "patience": 3, "min_delta": 100.0}
TARGETS = {"validation/loss": (9.0, "validation/loss"), "train/accuracy": (0.0, "train_after/accuracy")}


def test_early_stopping_waits_for_min_epochs():
    assert finished(early_stopping=EARLY) == (4, "validation/loss has not improved for 3 epochs")
    waited = finished(early_stopping=EARLY | {"min_epochs": 7})
    assert waited == (7, "validation/loss has not improved for 6 epochs")


def test_training_stops_at_a_value_that_is_better_in_the_direction_of_its_kind():
    for monitor, (value, measured) in TARGETS.items():
        assert finished(stop_at={"monitor": monitor, "value": value}) == (1, f"{measured} has reached {value:g}")
    assert finished(stop_at={"monitor": "train/accuracy", "value": 1.01}) == (12, None)
    assert finished(stop_at={"value": 1e-9}) == (12, None)


def test_training_stops_after_its_seconds_with_those_of_earlier_processes():
    assert finished(max_seconds=1e-6) == (1, "training has taken 1e-06 seconds")
    assert finished(max_seconds=1e6) == (12, None)
    trainer = Experiment(spec(max_seconds=1e6)).trainer
    trainer.seconds_before = 2e6
    train(trainer)
    assert trainer.epoch == 1


def test_a_run_that_its_spec_has_stopped_is_finished_and_says_why_also_if_resumed(tmp_path):
    run = specnet.run(spec(max_seconds=1e-6), tmp_path / "run")
    for each in (run, specnet.resume(tmp_path / "run", ["training.epochs=50"])):
        assert each.status == "finished"
        assert each.manifest["stopped_early"]
        assert each.manifest["reason"] == "training has taken 1e-06 seconds"
        assert len(each.history["epoch"]) == 1


@pytest.mark.parametrize(
    ("training", "pointer"),
    [
        ({"stop_at": {"monitor": "validation/recall", "value": 1}}, ("training", "stop_at", "monitor")),
        ({"stop_at": {"monitor": "test/loss", "value": 1}}, ("training", "stop_at", "monitor")),
        ({"stop_at": {}}, ("training", "stop_at")),
        ({"max_seconds": 0}, ("training", "max_seconds")),
        ({"early_stopping": {"min_epochs": -1}}, ("training", "early_stopping", "min_epochs")),
        ({"weight_averaging": {"type": "swa"}}, ("training", "weight_averaging")),
        ({"gradient_accumulation_steps": 0}, ("training", "gradient_accumulation_steps")),
        ({"l2": -1}, ("training", "l2")),
        ({"history": ["test"]}, ("training", "history", 0)),
    ],
)
def test_a_mistake_is_located(training, pointer):
    with pytest.raises(SpecError) as caught:
        spec(**training)
    assert [found.pointer for found in caught.value.diagnostics] == [pointer]
