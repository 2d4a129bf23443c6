"""Checks of callbacks: what `specnet.training.callbacks.Callback` promises of every one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from specnet.runs.experiment import Experiment
from specnet.spec.load import load_spec
from specnet.testing.outcome import Check, Outcome, Problems, demand_of, outcomes
from specnet.testing.written import its_JSON_describes_it_in_full
from specnet.training.callbacks import Callback
from specnet.training.loop import run_epoch, train

SPEC = {
    "dataset": {"type": "spiral", "n_samples": 60},
    "split": {"validation": 0.2},
    "layers": [{"type": "linear", "units": 4}, "tanh", {"type": "linear", "units": 1}],
    "loss": "bce_with_logits",
    "metrics": ["accuracy"],
    "training": {"epochs": 4, "batch_size": 16},
    "plots": [],
}
"""What callbacks are tried with."""


def check_callback(callback: Callback | str | dict[str, object]) -> None:
    """Check that a callback keeps its contract.

    Raises:
        ConformanceError: naming every check that fails, and why.
    """
    demand_of("callbacks", callback, examine_callback)


@dataclass(frozen=True)
class CallbackSubject:
    """A callback, of which each training gets a copy."""

    component: Callback
    situation: str = ""

    def begin(self) -> tuple[Experiment, Callback]:
        """Return a small training that has not begun, and its callback."""
        callback = self.component.model_copy(deep=True)
        return Experiment(load_spec(SPEC), [callback]), callback


def it_follows_a_whole_training(subject: CallbackSubject) -> Problems:
    """From `begin` to `end`, whether it stops training or not."""
    experiment, _ = subject.begin()
    train(experiment.trainer)
    yield from ()


def its_state_can_be_saved(subject: CallbackSubject) -> Problems:
    """It is JSON values and arrays of numbers, by name."""
    experiment, callback = subject.begin()
    train(experiment.trainer)
    for name, value in callback.state().items():
        if isinstance(value, np.ndarray):
            if value.dtype.kind not in "biuf":
                yield f"the array {name} of its state has dtype {value.dtype}, not one of numbers"
        elif json.loads(json.dumps(value, allow_nan=False)) != value:
            yield f"{name} of its state, {value!r}, is another value after it was written as JSON and read again"


def restored_it_continues_exactly(subject: CallbackSubject) -> Problems:
    """A training that was interrupted after any epoch ends in the same parameters and the same state."""
    whole, watching = subject.begin()
    train(whole.trainer)
    for epochs in range(1, whole.trainer.epoch):
        first, callback = subject.begin()
        callback.begin(first.trainer)
        for _ in range(epochs):
            run_epoch(first.trainer)
        again, restored = subject.begin()
        again.restore(first.state())
        train(again.trainer)
        ends = again.trainer.epoch, whole.trainer.epoch
        if ends[0] != ends[1]:
            yield f"resumed after epoch {epochs} training ends after {ends[0]} epochs, not {ends[1]}"
        elif not np.array_equal(whole.model.network.params.flat, again.model.network.params.flat):
            yield f"resumed after epoch {epochs} training ends in other parameters"
        elif not _equal(watching.state(), restored.state()):
            yield f"resumed after epoch {epochs} its state ends as {restored.state()!r}, not {watching.state()!r}"


def _equal(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def examine_callback(callback: Callback) -> Iterator[Outcome]:
    """Yield the outcome of each check of a callback."""
    return outcomes(FIRST, OTHERS, [CallbackSubject(callback)])


FIRST: tuple[Check[CallbackSubject], ...] = (it_follows_a_whole_training,)
OTHERS: tuple[Check[CallbackSubject], ...] = (
    its_JSON_describes_it_in_full,
    its_state_can_be_saved,
    restored_it_continues_exactly,
)
