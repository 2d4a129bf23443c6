"""A run on its way: training, and what it leaves in its directory."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np

from specnet.errors import DivergenceError, Interrupted, SpecnetError
from specnet.runs.checkpoints import Checkpoints
from specnet.runs.directory import RunDirectory
from specnet.runs.experiment import Experiment, located
from specnet.runs.files import write_file, write_json
from specnet.runs.history import HistoryWriter
from specnet.runs.manifest import now
from specnet.runs.observers import Observers
from specnet.runs.plugins import keep_plugins
from specnet.runs.resume import Resumed
from specnet.runs.run import Run, load_run
from specnet.runs.signals import Signals
from specnet.training.callbacks import Callback
from specnet.training.loop import train
from specnet.training.state import TrainingState
from specnet.training.trainer import Trainer


class Checkpointing(Callback):
    """Saves the state when it is due, as the last callback; then looks for signals."""

    def __init__(self, course: Course) -> None:
        super().__init__()
        self.course = course

    def begin(self, training: Trainer) -> None:
        self.course.begin()
        self.course.check_signals()

    def step(self, training: Trainer) -> None:
        if training.batches.within_epoch and self.course.is_due():
            self.course.save()
        self.course.check_signals()

    def epoch(self, training: Trainer, values: Mapping[str, Any]) -> None:
        every = self.course.every
        if self.course.experiment.best.improved:
            self.course.note_best()
        if (every and training.epoch % every == 0) or self.course.is_due():
            self.course.save()
        self.course.check_signals()

    def state(self) -> dict[str, Any]:
        return self.course.moment

    def restore(self, saved: dict[str, Any]) -> None:
        self.course.moment = saved


class Course:
    """Trains an experiment and writes everything that its run directory holds."""

    def __init__(
        self,
        experiment: Experiment,
        directory: RunDirectory,
        manifest: dict[str, Any],
        observers: Observers,
        signals: Signals,
    ) -> None:
        self.experiment = experiment
        self.spec = spec = experiment.spec
        self.trainer = experiment.trainer
        self.recorder = experiment.recorder
        self.directory = directory
        self.manifest = manifest
        self.observers = observers
        self.signals = signals
        self.checkpoints = Checkpoints(directory, spec, experiment.model.network.params.layout)
        every = spec.checkpoint.every
        if every is None and spec.checkpoint.every_steps is None:
            every = -(-spec.training.epochs // 10)
        self.every = every
        self.again = f"specnet resume {directory.path}"
        self.recorded: list[int] = []
        """Epochs of the frames that are written."""
        self.before = manifest["seconds"]
        self.start = time.perf_counter()
        self.begun = False
        """Whether the directory holds a run that can be resumed."""
        self.latest: TrainingState
        self.best: TrainingState | None
        self.moment: dict[str, int] = {}
        """Epoch and step of the best state, which there may be no copy of."""
        self.history = HistoryWriter(directory.file("history.jsonl"))
        self.trainer.between = self.check_signals
        recording = {"recorder": self.recorder} if self.recorder else {}
        saving = {"observers": observers, "checkpoints": Checkpointing(self)}
        self.trainer.callbacks |= {"history": self.history, **recording, **saving}

    def run(self, resumed: Resumed | None, report: bool) -> Run:
        """Train from the start, or from where a run has been taken up again; draw plots and report, return the run."""
        self.observers.follow(self.spec, self.directory.path, self.trainer)
        self.history.open(resumed.history if resumed else ())
        with located(self.spec), closing(self.history):
            keep_plugins(self.directory, self.spec)
            try:
                self._train(resumed)
            except DivergenceError as error:
                with suppress(OSError, SpecnetError):  # what is told of the divergence comes first
                    if report and (page := self._report(self._load())):
                        error.add_note(f"how it came to that: {page}")
                raise
        try:
            with self.signals.promptly():
                return self._draw(report)
        except (Interrupted, OSError) as error:
            path = self.directory.path
            error.add_note(f"training is over; to draw what is missing: specnet plot {path}, specnet report {path}")
            raise

    def _load(self) -> Run:
        """Return the run, spared loading its data again."""
        run = load_run(self.directory.path)
        run.data = self.experiment.data
        return run

    def _draw(self, report: bool) -> Run:
        """Draw the plots, write the report if it is wanted, and return the run."""
        run = self._load()
        if run.history:  # a run that diverged in its first epoch has nothing to show
            for number, plot in enumerate(self.spec.plots):
                with located(self.spec, "plots", number):
                    run.plot(plot)
        if report:
            self._report(run)
        return run

    def _report(self, run: Run) -> Path | None:
        """Write the report and return its path. A run is whole without it: a mistake in the page ends nothing."""
        try:
            return run.report()
        except (OSError, MemoryError):
            raise
        except Exception as error:
            self.observers.warned(f"report.html cannot be written: {type(error).__name__}: {error}")
            return None

    def begin(self) -> None:
        """Save the initial state of a new run. The manifest comes last: where it is, there is a run to resume."""
        if self.begun:
            return
        write_json(self.directory.file("spec.json"), self.spec.to_json())
        self.note_best()
        self.save()
        self._write_manifest("running")
        self.begun = True

    def _go_on(self, resumed: Resumed) -> None:
        """Announce the spec that the run goes on with, which may have changed a little, before it is written."""
        self._write_manifest("running")
        self.begun = True
        write_json(self.directory.file("spec.json"), self.spec.to_json())
        self.latest, self.best = resumed.latest, resumed.best
        self.checkpoints.resume(*(snapshot for snapshot in (self.latest, self.best) if snapshot))
        self._write(final=False)  # brings what the files name into line, wherever the process before this one ended

    def _train(self, resumed: Resumed | None) -> None:
        try:
            try:
                if resumed:
                    self._go_on(resumed)
                status = train(self.trainer)
                self.save(final=True)
                self.manifest |= {"stopped_early": self.trainer.finished is not None, "reason": self.trainer.stopped}
                self._write_manifest(status)
            except DivergenceError as error:
                self._diverge(error)
        except DivergenceError:
            raise
        except Interrupted as error:
            if not hasattr(error, "__notes__"):  # a second signal, after which nothing more is saved
                error.add_note(f"what was saved before is in {self.directory.path}; to go on: {self.again}")
            raise
        except BaseException as error:
            if self.begun:
                with suppress(OSError):
                    self._write_manifest("failed", error)
                    error.add_note(f"what was saved before is in {self.directory.path}; to go on: {self.again}")
            raise

    def is_due(self) -> bool:
        every = self.spec.checkpoint.every_steps
        return every is not None and self.trainer.step % every == 0

    def check_signals(self) -> None:
        try:
            self.signals.check()
        except Interrupted as error:
            self.save()
            self._write_manifest("interrupted")
            error.add_note(f"its state is saved; to go on: {self.again}")
            raise

    def _diverge(self, error: DivergenceError) -> None:
        """Leave the state that the spec asks for. What has diverged itself is not saved."""
        restored = self.best if self.spec.training.on_divergence == "restore_best" else None
        if restored:
            self.latest = restored
        self._write(final=True)
        self._write_manifest("diverged", error)
        if not restored:
            error.add_note(f"what was saved before is in {self.directory.path}")
            raise error
        self.observers.warned(f"{error.message}; the best state until then is restored")

    def note_best(self) -> None:
        """Keep the state of now, the best so far: it may be written later, or never."""
        self.moment = self._now()
        self.best = self.experiment.state()

    def _now(self) -> dict[str, int]:
        return {"epoch": self.trainer.epoch, "step": self.trainer.step}

    def save(self, final: bool = False) -> None:
        """Save the state of now, and the best one if it is not saved yet."""
        if self.best and self.moment == self._now():
            self.latest = self.best
        else:  # it is written at once, and need not be copied
            self.latest = self.experiment.state(copied=False)
        self._write(final)

    def _write(self, final: bool) -> None:
        """Write what belongs to the states before them, so that they can be believed as soon as they are there."""
        self.history.sync()
        if self.recorder and (final or self.recorded != [*self.recorder.frames]):
            arrays, self.recorded = self.recorder.arrays, [*self.recorder.frames]
            save: Callable[..., None] = np.savez_compressed if final else np.savez  # compressing takes its time
            write_file(self.directory.file("record.npz"), lambda file: save(file, **arrays))
        value = self.best.take("callbacks.best")["best"] if self.best else None
        self.checkpoints.save(self.latest, self.best, {"monitor": self.experiment.best.watch.monitor, "value": value})

    def _write_manifest(self, status: str, error: BaseException | None = None) -> None:
        self.manifest |= {
            "status": status,
            "finished": None if status == "running" else now(),
            "seconds": round(self.before + time.perf_counter() - self.start, 3),
            "error": _reason(error) if error else None,
        }
        write_json(self.directory.file("manifest.json"), self.manifest)


def _reason(error: BaseException) -> str:
    """Return what has ended a run, in a line for its manifest."""
    if isinstance(error, SpecnetError):
        return error.message
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return f"{type(error).__name__}: {error}"
