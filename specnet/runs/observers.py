"""Observers and loggers, which see a run but cannot change it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from specnet.component import Component
from specnet.runs.storage.directory import inside
from specnet.spec.model import Spec
from specnet.training.callbacks import Callback
from specnet.training.trainer import Trainer
from specnet.words import describe_error

if TYPE_CHECKING:
    from specnet.runs.run import Run


class TrainingView:
    """What an observer sees of a run. Arrays are read-only."""

    def __init__(self, spec: Spec, directory: Path, trainer: Trainer) -> None:
        self.spec = spec
        self.directory = directory
        self._trainer = trainer

    @property
    def epoch(self) -> int:
        """Completed epochs."""
        return self._trainer.epoch

    @property
    def done(self) -> bool:
        """Whether there is nothing left to train."""
        return self._trainer.done

    @property
    def step(self) -> int:
        """Completed steps."""
        return self._trainer.step

    @property
    def logs(self) -> Path:
        """The folder `logs` of the run directory, for files of loggers; it is made when first asked for."""
        return inside(self.directory, "logs", "it").parent

    @property
    def params(self) -> dict[str, np.ndarray]:
        """Parameters by name, such as `layers.0.weight`, as they are now."""
        return _read_only(self._trainer.model.network.params)

    @property
    def grads(self) -> dict[str, np.ndarray]:
        """Gradients of the last step by name."""
        return _read_only(self._trainer.model.network.grads)


def _read_only(vector: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    views = {name: array.view() for name, array in vector.items()}
    for view in views.values():
        view.flags.writeable = False
    return views


class Hooks:
    """Methods that a run calls on observers and loggers. Each does nothing by default."""

    def begin(self, view: TrainingView) -> None:
        """Run once before the first step, also in a resumed run: `view.epoch` may be above 0."""

    def step(self, view: TrainingView) -> None:
        """Run after each step."""

    def epoch(self, view: TrainingView, values: Mapping[str, Any]) -> None:
        """Run after each epoch; `values` is its line of the history."""

    def end(self, view: TrainingView, status: str) -> None:
        """Run once at the end; `status` is finished, stopped, interrupted, diverged or failed."""

    def results(self, view: TrainingView, scores: Mapping[str, Mapping[str, float]], plots: Sequence[Path]) -> None:
        """Run after the end if there are results: final loss and metrics of each split, and the plots' files."""


class Logger(Component, Hooks):
    """Writes what happens in a run elsewhere; chosen by `--logger`.

    A logger cannot change or stop a run: one that raises is named in a warning and not called again.
    """

    group: ClassVar[str] = "loggers"


class Observer(Hooks):
    """Sees a run from Python, including events outside of training; the progress display is one."""

    def taken(self, wanted: Path) -> None:
        """Run if the requested directory already exists and the run gets another name."""

    def warned(self, message: str) -> None:
        """Run for each warning."""

    def diverged(self, run: Run) -> None:
        """Run after the end of a run that diverged and is saved, before its error is raised."""


class Observers(Callback):
    """All observers of a run as one callback."""

    def __init__(self, observer: Observer | None = None, loggers: Iterable[Logger] = ()) -> None:
        super().__init__()
        self.observer = observer or Observer()
        self.loggers: list[Hooks] = [*loggers, self.observer]
        self.view: TrainingView | None = None

    def follow(self, spec: Spec, directory: Path, trainer: Trainer) -> None:
        """Set the run to observe."""
        self.view = TrainingView(spec, directory, trainer)
        if all(type(each).step is Hooks.step for each in self.loggers):
            vars(self)["step"] = super().step  # where `overriding` looks
        if all(type(each).epoch is Hooks.epoch for each in self.loggers):
            vars(self)["epoch"] = super().epoch

    def taken(self, wanted: Path) -> None:
        """Pass on that a directory already exists."""
        with suppress(Exception):
            self.observer.taken(wanted)

    def warned(self, message: str) -> None:
        """Pass on a warning."""
        with suppress(Exception):
            self.observer.warned(message)

    def diverged(self, run: Run) -> None:
        """Pass on a run that diverged."""
        with suppress(Exception):
            self.observer.diverged(run)

    def results(self, scores: Mapping[str, Mapping[str, float]], plots: Sequence[Path]) -> None:
        """Pass on the results."""
        self._call("results", scores, plots)

    def begin(self, training: Trainer) -> None:
        self._call("begin")

    def step(self, training: Trainer) -> None:
        self._call("step")

    def epoch(self, training: Trainer, values: Mapping[str, Any]) -> None:
        self._call("epoch", dict(values))

    def end(self, training: Trainer, status: str) -> None:
        self._call("end", status)

    def _call(self, method: str, *arguments: Any) -> None:
        for logger in list(self.loggers):
            try:
                getattr(logger, method)(self.view, *deepcopy(arguments))  # none sees what another has changed
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                self.loggers.remove(logger)
                name = type(logger).__name__
                self.warned(f"the logger {name} fails in {method} and is not called again: {describe_error(error)}")
