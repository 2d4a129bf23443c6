"""A running experiment: training, and the files it writes."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.errors import DivergenceError, Interrupted, PlotError, SpecnetError
from specnet.plugin_code import staying
from specnet.runs.checkpointing import Checkpointed, Checkpointing
from specnet.runs.experiment import Experiment
from specnet.runs.observers import Observers
from specnet.runs.provenance.manifest import now
from specnet.runs.provenance.plugins import keep_plugins
from specnet.runs.results import write_results
from specnet.runs.resume import Resumed
from specnet.runs.run import Run
from specnet.runs.signals import Signals
from specnet.runs.storage.checkpoints import Checkpoints
from specnet.runs.storage.directory import RunDirectory
from specnet.runs.storage.files import write_file, write_json
from specnet.runs.storage.history import HistoryWriter
from specnet.runs.storage.state import describe_origin, identify
from specnet.runs.trained.building import located
from specnet.training.loop import train
from specnet.training.state import TrainingState

if TYPE_CHECKING:
    from specnet.runs.drawing import DrawingProcess


class Runner(Checkpointed):
    """Trains an experiment and writes its run directory."""

    def __init__(
        self,
        experiment: Experiment,
        directory: RunDirectory,
        manifest: dict[str, Any],
        observers: Observers,
        signals: Signals,
    ) -> None:
        super().__init__(experiment, signals)
        spec = self.spec
        self.recorder = experiment.recorder
        self.directory = directory
        self.manifest = manifest
        self.observers = observers
        origin = describe_origin(manifest)
        self.identity = identify(spec.to_json(), spec, origin)
        if self.identity not in manifest["identities"]:
            manifest["identities"].append(self.identity)
        self.checkpoints = Checkpoints(directory, spec, experiment.model.network.params.layout, origin)
        self.again = f"specnet resume {directory.path}"
        self.recorded: list[int] = []
        """Epochs of the frames that are written."""
        self.before = self.trainer.seconds_before = manifest["seconds"]
        self.start = time.perf_counter()
        self.idle_since: str | None = None
        """When training ended, if nothing is left to train in a resumed run."""
        self.begun = False
        """Whether the directory holds a run that can be resumed."""
        self.drawing: DrawingProcess | None = None
        self.latest: TrainingState
        self.best: TrainingState | None
        self.history = HistoryWriter(directory.file("history.jsonl"))
        recording = {"recorder": self.recorder} if self.recorder else {}
        saving = {"observers": observers, "checkpoints": Checkpointing(self)}
        self.trainer.callbacks |= {"history": self.history, **recording, **saving}

    def run(self, resumed: Resumed | None, report: bool, plots: bool = True) -> Run:
        """Train from the start, or from a resumed state; draw plots and report if wanted, and return the run."""
        if plots and self.spec.plots and self.ranks.count == 1:
            self._draw_beside()
        with self.drawing or nullcontext():
            self._learn(resumed, report)
            try:
                with self.ranks.together(), self.signals.promptly():
                    return self._draw(report, plots)
            except (Interrupted, OSError) as error:
                missing = f"specnet plot {self.directory.path}, specnet report {self.directory.path}"
                error.add_note(f"training is complete; to draw what is missing: {missing}")
                raise

    def _draw_beside(self) -> None:
        """Begin a second process for the plots, if that is safe and saves time."""
        from specnet.runs.drawing import DrawingProcess, can_draw_beside

        if can_draw_beside(self.manifest, self.experiment.model.network.params.flat.nbytes):
            with suppress(OSError):  # the system may allow no further process
                self.drawing = DrawingProcess(self._load, self.directory.close)

    def _learn(self, resumed: Resumed | None, report: bool) -> None:
        self.observers.follow(self.spec, self.directory.path, self.trainer)
        if resumed:  # later checkpoints go before the history of their epochs does
            states = [state for state in (resumed.latest, resumed.best) if state]
            self.checkpoints.resume(resumed.listing, *states)
            # A process that was killed has left its epochs, but did not write how long they took.
            self.before = self.trainer.seconds_before = max(self.before, resumed.history.seconds)
            self.idle_since = self.manifest["finished"] if self.trainer.done else None
        self.history.open(resumed.history if resumed else None)
        with located(self.spec), closing(self.history):
            try:
                self._train(resumed)
            except DivergenceError as error:
                with suppress(OSError, SpecnetError):  # the error of the divergence comes first
                    run = self._load()
                    if report and (page := self._report(run)):
                        error.add_note(f"the page shows how: {page}")
                    self.observers.diverged(run)
                raise

    def _load(self) -> Run:
        """Return the run, without loading its data again."""
        run = Run(self.directory.path)
        run.data, run.data_symptoms = self.experiment.data, self.experiment.data_symptoms
        return run

    def _draw(self, report: bool, plots: bool) -> Run:
        """Write results, and plots and the report if wanted, and return the run; plots that fail are warnings."""
        run, content = self._load(), None
        write_results(run)
        if self.drawing:
            self.drawing.begin()
            if report:
                from specnet.report.page import page

                with suppress(Exception):  # it will be met again, after the plots
                    content = page(run)
        known = len(run.warnings)
        if run.history and plots:  # a run that diverged in its first epoch has nothing to show
            for number, plot in enumerate(self.spec.plots):
                try:
                    with located(self.spec, "plots", number):
                        if drawn := self.drawing and self.drawing.receive():
                            run.keep_plot(plot, *drawn)
                        else:
                            run.plot(plot)
                except PlotError as error:
                    self.observers.warned(f"plots.{number} was not drawn: {error.message}")
        for warning in run.warnings[known:]:
            self.observers.warned(warning)
        self.observers.results(run.metrics, run.plots)
        if report:
            self._report(run, content)
        return run

    def _report(self, run: Run, content: str | None = None) -> Path | None:
        """Write the report and return its path. The run does not need it: an error in the page is only a warning."""
        try:
            return run.report() if content is None else run.keep_report(content)
        except (OSError, MemoryError):
            raise
        except Exception as error:
            self.observers.warned(f"report.html cannot be written: {type(error).__name__}: {error}")
            return None

    def begin(self) -> None:
        """Save the initial state of a new run.

        The manifest marks a run that can be resumed, so it comes after the state. Copies of plugins come last, as
        resuming writes them again: without a manifest they could not be told from other files.
        """
        if self.begun:
            return
        write_json(self.directory.file("spec.json"), self.spec.to_json())
        self.note_best()
        self.save()
        self._write_manifest("running")
        self.begun = True
        keep_plugins(self.directory, self.spec)

    def _go_on(self, resumed: Resumed) -> None:
        """Record the spec of the resumed run, which may have changed a little, before writing it."""
        self._write_manifest("running")
        self.begun = True
        keep_plugins(self.directory, self.spec)
        write_json(self.directory.file("spec.json"), self.spec.to_json())
        self.latest, self.best = resumed.latest, resumed.best
        self._write(final=False)  # makes the files consistent, wherever the last process ended

    def _train(self, resumed: Resumed | None) -> None:
        try:
            try:
                if resumed:
                    self._go_on(resumed)
                if self.ranks.count > 1:
                    self.ranks.gather((resumed.latest if resumed else self.experiment.state(), self.directory.path))
                with staying():
                    status = train(self.trainer)
                self.save(final=True)
                self.trainer.batches.release()
                reason = self.trainer.stopped or self.trainer.finished
                self.manifest |= {"stopped_early": self.trainer.finished is not None, "reason": reason}
                self._write_manifest(status)
            except DivergenceError as error:
                if not self.begun:  # the initial weights are to blame, and nothing is saved
                    raise
                self._diverge(error)
        except DivergenceError:
            raise
        except Interrupted as error:
            if not hasattr(error, "__notes__"):  # after a second signal nothing is saved
                error.add_note(f"earlier states are in {self.directory.path}; to resume: {self.again}")
            raise
        except BaseException as error:
            if self.begun:
                with suppress(OSError):
                    self._write_manifest("failed", error)
                    error.add_note(f"earlier states are in {self.directory.path}; to resume: {self.again}")
            raise

    def interrupt(self, error: Interrupted) -> None:
        self.save()
        self._write_manifest("interrupted")
        error.add_note(f"its state is saved; to resume: {self.again}")

    def _diverge(self, error: DivergenceError) -> None:
        """End with the state that the spec asks for. The diverged state is not saved."""
        restored = self.best if self.spec.training.on_divergence == "restore_best" else None
        if restored:
            self.latest = restored
        self._write(final=True)
        if restored:
            self.checkpoints.forget_after(restored.progress["step"])
        self._write_manifest("diverged", error)
        if not restored:
            error.add_note(f"earlier states are in {self.directory.path}")
            raise error
        self.observers.warned(f"{error.message}; the best state so far is restored")

    def note_best(self) -> None:
        """Keep the current state as the best so far: it may be written later, or never."""
        self.moment = self._now()
        self.best = self._state()

    def _state(self, copied: bool = True) -> TrainingState:
        state = self.experiment.state(copied)
        state.progress["identity"] = self.identity
        return state

    def _now(self) -> dict[str, int]:
        return {"epoch": self.trainer.epoch, "step": self.trainer.step}

    def save(self, final: bool = False) -> None:
        """Save the current state, and the best one if it is not saved yet; without a monitor the last is the best."""
        if self.experiment.best.watch is None:
            self.moment, self.best = self._now(), None
        if self.best and self.moment == self._now():
            self.latest = self.best
        else:  # written at once, so not copied
            self.latest = self._state(copied=False)
        self._write(final)

    def _write(self, final: bool) -> None:
        """Write the files that states depend on first, so that the states are valid as soon as they exist."""
        self.history.sync()
        if self.recorder and (final or self.recorded != [*self.recorder.frames]):
            arrays, self.recorded = self.recorder.arrays, [*self.recorder.frames]
            save: Callable[..., None] = np.savez_compressed if final else np.savez  # compression is slow
            write_file(self.directory.file("record.npz"), lambda file: save(file, **arrays))
        self.checkpoints.save(self.latest, self.best)

    def _write_manifest(self, status: str, error: BaseException | None = None) -> None:
        self.manifest |= {
            "status": status,
            "finished": None if status == "running" else self.idle_since or now(),
            "seconds": round(self.before + (0 if self.idle_since else time.perf_counter() - self.start), 3),
            "error": _reason(error) if error else None,
        }
        write_json(self.directory.file("manifest.json"), self.manifest)


def _reason(error: BaseException) -> str:
    """Return the reason why a run ended, in one line for its manifest."""
    if isinstance(error, SpecnetError):
        return error.message
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return f"{type(error).__name__}: {error}"
