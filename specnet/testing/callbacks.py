"""Checks of callbacks: the contract of `specnet.training.callbacks.Callback`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from specnet.runs.experiment import Experiment
from specnet.spec.load import load_spec
from specnet.testing.base import Checks, Problems
from specnet.testing.examination import checker, examine_all
from specnet.testing.outcomes import Outcome
from specnet.testing.small_runs import SPECS
from specnet.training.callbacks import Callback
from specnet.training.loop import run_epoch, train
from specnet.training.state import plain

SPEC = SPECS["two classes of points in a plane"]
"""The run that callbacks are tried with."""


@dataclass(frozen=True)
class CallbackChecks(Checks[Callback]):
    """A callback; each training uses a copy."""

    without = ("the_same_data_have_the_same_results", "arguments_are_left_alone")

    def begin(self, epochs: int = 4) -> tuple[Experiment, Callback]:
        """Return a small training before it begins, and its callback."""
        callback = self.fresh()
        return Experiment(load_spec({**SPEC, "training": {"epochs": epochs, "batch_size": 16}}), [callback]), callback

    def trained(self) -> tuple[Experiment, Callback]:
        """Return a finished training and its callback."""
        experiment, callback = self.begin()
        train(experiment.trainer)
        return experiment, callback

    def it_follows_a_whole_training(self) -> Problems:
        """No method raises, from `begin` to `end`."""
        self.trained()
        yield from ()

    def it_endures_a_hundred_steps(self) -> Problems:
        """No method raises in a longer training."""
        train(self.begin(epochs=100)[0].trainer)
        yield from ()

    def its_state_can_be_saved(self) -> Problems:
        """`state` returns JSON values and arrays of numbers, by name."""
        _, callback = self.trained()
        for name, value in callback.state().items():
            if isinstance(value, np.ndarray):
                if value.dtype.kind not in "biuf":
                    yield f"the array {name} of its state has dtype {value.dtype}, not one of numbers"
            elif json.loads(json.dumps(plain(value, name), allow_nan=False)) != value:
                yield f"{name} of its state, {value!r}, changes when it is written as JSON and read again"

    def restored_it_continues_exactly(self) -> Problems:
        """A training that is interrupted after any epoch ends with the same parameters and the same state."""
        whole, watching = self.trained()
        for epochs in range(1, whole.trainer.epoch):
            first, callback = self.begin()
            callback.begin(first.trainer)
            for _ in range(epochs):
                run_epoch(first.trainer)
            again, restored = self.begin()
            again.restore(first.state())
            train(again.trainer)
            when = f"resumed after epoch {epochs}"
            state, expected = restored.state(), watching.state()
            if again.trainer.epoch != whole.trainer.epoch:
                yield f"{when} training ends after {again.trainer.epoch} epochs, not {whole.trainer.epoch}"
            elif not np.array_equal(whole.model.network.params.flat, again.model.network.params.flat):
                yield f"{when} training ends with different parameters"
            elif state.keys() != expected.keys() or not all(np.array_equal(state[key], expected[key]) for key in state):
                yield f"{when} its state ends as {state!r}, not {expected!r}"


@checker("callbacks")
def check_callback(callback: Callback) -> Iterator[Outcome]:
    """Check a callback."""
    yield from examine_all([CallbackChecks(callback, "")])
