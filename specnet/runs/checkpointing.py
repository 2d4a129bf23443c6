"""When the state of a run is saved."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from specnet.errors import Interrupted
from specnet.runs.experiment import Experiment
from specnet.runs.signals import Signals
from specnet.training.callbacks import Callback
from specnet.training.trainer import Trainer


class Checkpointed(ABC):
    """A training whose state is saved now and then. All ranks of a run do so at the same moments."""

    def __init__(self, experiment: Experiment, signals: Signals) -> None:
        self.experiment = experiment
        self.spec = experiment.spec
        self.trainer = experiment.trainer
        self.ranks = self.trainer.communicator.ranks
        self.signals = signals
        every = self.spec.checkpoint.every
        if every is None and self.spec.checkpoint.every_steps is None:
            every = -(-self.spec.training.epochs // 10)
        self.every = every
        self.moment: dict[str, int] = {}
        """Epoch and step of the best state, of which there may be no copy."""
        self.trainer.between = self.check_signals

    @abstractmethod
    def begin(self) -> None:
        """Save the initial state of a new run."""

    @abstractmethod
    def note_best(self) -> None:
        """Keep the current state as the best so far."""

    @abstractmethod
    def save(self, final: bool = False) -> None:
        """Save the current state."""

    def is_due(self) -> bool:
        every = self.spec.checkpoint.every_steps
        return every is not None and self.trainer.step % every == 0

    def check_signals(self) -> None:
        """Save the state and raise `Interrupted` if a signal has arrived, at any rank."""
        if self.ranks.count == 1 and not self.signals.arrived:  # after almost each step
            return
        try:
            with self.ranks.together():
                self.signals.check()
        except Interrupted as error:
            self.interrupt(error)
            raise

    def interrupt(self, error: Interrupted) -> None:
        """Save the state at a signal."""
        self.save()


class Checkpointing(Callback):
    """Saves the state when it is due, as the last callback; then checks for signals."""

    def __init__(self, runner: Checkpointed) -> None:
        super().__init__()
        self.runner = runner

    def begin(self, training: Trainer) -> None:
        self.runner.begin()
        self.runner.check_signals()

    def step(self, training: Trainer) -> None:
        if self.runner.is_due() and training.batches.within_epoch:
            self.runner.save()
        self.runner.check_signals()

    def epoch(self, training: Trainer, values: Mapping[str, Any]) -> None:
        every = self.runner.every
        if self.runner.experiment.best.improved:
            self.runner.note_best()
        if (every and training.epoch % every == 0) or self.runner.is_due():
            self.runner.save()
        self.runner.check_signals()

    def state(self) -> dict[str, Any]:
        watch = self.runner.experiment.best.watch
        return self.runner.moment | {"monitor": watch.monitor if watch else None}

    def restore(self, saved: dict[str, Any]) -> None:
        self.runner.moment = {"epoch": saved["epoch"], "step": saved["step"]}
