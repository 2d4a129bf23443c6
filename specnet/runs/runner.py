"""`run` and `resume`: train a spec and leave a run directory, or go on with one."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import numpy as np

from specnet.errors import DivergenceError, Interrupted, SpecnetError, UsageError, os_reason
from specnet.runs.checkpoints import Checkpoints
from specnet.runs.directory import RunDirectory, claim_directory, take_directory
from specnet.runs.experiment import Experiment, located
from specnet.runs.files import write_file, write_json
from specnet.runs.history import HistoryWriter
from specnet.runs.manifest import components, describe, describe_setting, describe_spec, now, read_manifest, read_spec
from specnet.runs.resume import (
    Resumed,
    changed_setting,
    check_components_unchanged,
    check_data_unchanged,
    check_spec_unchanged,
    restore,
)
from specnet.runs.run import Run, load_run
from specnet.runs.signals import Signals
from specnet.runs.threads import blas_threads, check_threads, fitting_threads, recorded_threads
from specnet.spec.load import load_spec
from specnet.spec.model import Spec
from specnet.training.trainer import Snapshot


class Observer:
    """Is told how a run goes on; does nothing by itself."""

    def taken(self, wanted: Path) -> None:
        """The directory that was asked for is taken: the run gets another."""

    def warned(self, message: str) -> None:
        """Something is not as it was when the run was made; the run goes on all the same."""

    def started(self, spec: Spec, directory: Path, epoch: int) -> None:
        """Training begins or goes on, in this directory, after so many epochs."""

    def epoch(self, line: Mapping[str, Any]) -> None:
        """An epoch is over; its line of the history."""


def run(
    spec: Spec | str | Path | Mapping[str, Any],
    out: str | Path | None = None,
    observer: Observer | None = None,
    *,
    resume: bool = False,
    strict: bool = False,
    threads: int | None = None,
) -> Run:
    """Train a spec and return its run; what is not a `Spec` yet is given to `load_spec` first.

    `out` names the run directory, by default `runs/` and the spec's name; if that is taken, the next free of
    `-2`, `-3`, … is used. With `resume`, a run of the spec in that very directory goes on, if there is one; then
    errors, `strict` and `threads` are those of `resume`.

    `threads` is the number of BLAS threads; by default as many as the environment says (`OPENBLAS_NUM_THREADS`), or
    else one, and more for matrix products that are large, whatever was set before. Afterwards there are as many as
    before.

    SIGINT, SIGTERM and SIGHUP end the step that is being taken, save the state and raise `Interrupted`; a second one
    raises it at once.

    Raises:
        SpecnetError: if the spec does not fit its data; then no directory is made.
        UsageError: if `out` cannot be a directory, or there are fewer cores than `threads`.
        DivergenceError: if a number is no longer finite; what was saved before stays. With the spec's
            `"on_divergence": "restore_best"` the run is returned instead, its status "diverged".
        Interrupted: after one of these signals.
        OSError: if a file cannot be written; what was saved before stays.
    """
    if not isinstance(spec, Spec):
        spec = load_spec(spec)
    check_threads(threads)
    wanted, observer = Path(out) if out is not None else Path("runs") / spec.name, observer or Observer()
    with Signals() as signals:
        if resume and (wanted / "manifest.json").exists():
            return _go_on(wanted, spec, observer, signals, strict, threads)
        experiment = _set_up(spec, signals)
        claimed = _take(wanted) if resume else claim_directory(wanted)
        if claimed is None:
            return _go_on(wanted, spec, observer, signals, strict, threads)
        with claimed as directory, blas_threads(threads, _fitting_threads(experiment)):
            if directory.path != wanted:
                observer.taken(wanted)
            return _Runner(experiment, directory, describe(spec, experiment.data), observer, signals).run(None)


def resume(
    run: str | Path,
    overrides: Sequence[str] = (),
    observer: Observer | None = None,
    *,
    checkpoint: str | int = "latest",
    memory_budget: int | None = None,
    strict: bool = False,
    threads: int | None = None,
) -> Run:
    """Go on with the run in a directory, from the newest of its checkpoints that can be believed, and return it.

    `checkpoint` may be an earlier one, "best" or a step: what came after that is repeated.

    It ends in the bytes of a run that was never interrupted, on a machine with the same NumPy, BLAS and threads; with
    `strict` another one is refused, otherwise the observer is warned. `threads` is the number of BLAS threads; by
    default as many as the environment says, or else as the run has had. `overrides` may make the run longer, as
    `training.epochs=200` does, or change what does not bear on training.

    Raises:
        RunError: if the directory is not that of a run, or cannot be trusted.
        SpecnetError: if spec, data or distributions have changed since the run was made.
        UsageError: if there are fewer cores than `threads`.
        BusyError: if another process writes to the directory.
        DivergenceError, Interrupted, OSError: as `run` does.
    """
    check_threads(threads)
    directory = Path(run)
    read_manifest(directory)
    with Signals() as signals:
        return _go_on(
            directory, overrides, observer or Observer(), signals, strict, threads, str(checkpoint), memory_budget
        )


def _take(wanted: Path) -> RunDirectory | None:
    """Lock the directory for a run that may be resumed later, and so cannot be in another; None if one has begun."""
    try:
        wanted.mkdir(parents=True, exist_ok=True)
        directory = take_directory(wanted)
    except OSError as error:
        raise UsageError(f"{wanted} cannot be made: {os_reason(error)}", help="name another with --out") from error
    if directory is None and not (wanted / "manifest.json").exists():
        raise UsageError(f"{wanted} holds other files and no run", help="name another directory with --out")
    return directory


def _set_up(spec: Spec, signals: Signals) -> Experiment:
    """Return a spec's experiment, set up with one thread: what transforms fit does not depend on their number."""
    with signals.promptly(), blas_threads(1):
        return Experiment(spec)


def _fitting_threads(experiment: Experiment) -> int:
    rows = len(experiment.splits["train"].x)
    batch = min(experiment.spec.training.batch_size or rows, rows)
    return fitting_threads(experiment.model.network.named.values(), batch)


def _go_on(
    path: Path,
    given: Spec | Sequence[str],
    observer: Observer,
    signals: Signals,
    strict: bool,
    threads: int | None,
    checkpoint: str = "latest",
    memory_budget: int | None = None,
) -> Run:
    """Resume the run in a directory with the spec given, or with its own and overrides."""
    with RunDirectory(path) as directory, ExitStack() as stack:
        directory.clean()
        manifest = read_manifest(path)
        stack.enter_context(blas_threads(threads, recorded_threads(manifest)))
        before = read_spec(path, manifest)
        spec = given if isinstance(given, Spec) else load_spec(path / "spec.json", given, memory_budget)
        check_spec_unchanged(before, spec)
        check_components_unchanged(manifest, spec)
        warnings = changed_setting(manifest)
        experiment = _set_up(spec, signals)
        warnings += check_data_unchanged(manifest, experiment)
        if strict and warnings:
            raise UsageError("\n".join(["bits may differ from those of a run on one machine", *warnings]))
        resumed, refused = restore(experiment, path, checkpoint)
        for message in [*warnings, *refused]:
            observer.warned(message)
        epoch = experiment.trainer.epoch
        begun = epoch + (experiment.trainer.position > 0)
        if begun > spec.training.epochs:
            message = f"the run has begun epoch {begun} already, there cannot be only {spec.training.epochs} of them"
            raise UsageError(message, help=f"let training.epochs be {begun} or more")
        replaced = before.digest() if before.digest() != spec.digest() else None
        manifest |= {"spec": describe_spec(spec, replaced), "components": components(spec)}
        if not experiment.done:
            where = {"at": now(), "epoch": epoch, "step": experiment.trainer.step}
            manifest["resumed"].append(where | describe_setting())
        return _Runner(experiment, directory, manifest, observer, signals).run(resumed)


class _Runner:
    """Trains an experiment and writes everything that its run directory holds."""

    def __init__(
        self,
        experiment: Experiment,
        directory: RunDirectory,
        manifest: dict[str, Any],
        observer: Observer,
        signals: Signals,
    ) -> None:
        self.experiment = experiment
        self.spec = spec = experiment.spec
        self.trainer = experiment.trainer
        self.recorder = experiment.recorder
        self.directory = directory
        self.manifest = manifest
        self.observer = observer
        self.signals = signals
        self.checkpoints = Checkpoints(directory, spec, experiment.model.network.params.layout)
        every = spec.checkpoint.every
        if every is None and spec.checkpoint.every_steps is None:
            every = -(-spec.training.epochs // 10)
        self.every = every
        self.again = f"specnet resume {directory.path}"
        self.recorded: list[int] = []
        """Epochs of the frames that are written."""
        self.line: Mapping[str, Any] | None = None
        """The last line of the history."""
        self.before = manifest["seconds"]
        self.start = time.perf_counter()
        self.latest: Snapshot
        self.best: Snapshot | None
        self.moment: dict[str, int]
        """Epoch and step of the best state, which there may be no snapshot of."""

    def run(self, resumed: Resumed | None) -> Run:
        """Train from the start, or from where a run has been taken up again; draw the plots and return the run."""
        self.observer.started(self.spec, self.directory.path, self.trainer.epoch)
        lines = resumed.history if resumed else ()
        if resumed:
            self.line = next(reversed(resumed.history), None)
        with located(self.spec), closing(HistoryWriter(self.directory.file("history.jsonl"), lines)) as self.history:
            if not resumed:
                self._begin()
            self._train(resumed)
        try:
            with self.signals.promptly():
                return self._draw()
        except (Interrupted, OSError) as error:
            error.add_note(f"training is over; to draw the plots: specnet plot {self.directory.path}")
            raise

    def _draw(self) -> Run:
        """Draw the plots and return the run."""
        run = load_run(self.directory.path)
        run.data = self.experiment.data  # spares loading it again
        if run.history:  # a run that diverged in its first epoch has nothing to show
            for number, plot in enumerate(self.spec.plots):
                with located(self.spec, "plots", number):
                    run.plot(plot)
        return run

    def _begin(self) -> None:
        """Save the initial state. The manifest comes last: where it is, there is a run that can go on."""
        write_json(self.directory.file("spec.json"), self.spec.to_json())
        self._note_best()
        self._save()
        self._write_manifest("running")

    def _go_on(self, resumed: Resumed) -> None:
        """Announce the spec that the run goes on with, which may have changed a little, before it is written."""
        self._write_manifest("running")
        write_json(self.directory.file("spec.json"), self.spec.to_json())
        self.latest, self.best, self.moment = resumed.latest, resumed.best, resumed.latest.progress["best"]
        self.checkpoints.resume(*(snapshot for snapshot in (self.latest, self.best) if snapshot))
        self._write(final=False)  # brings what the files name into line, wherever the process before this one ended

    def _train(self, resumed: Resumed | None) -> None:
        try:
            try:
                if resumed:
                    self._go_on(resumed)
                self._check_signals()
                while not self.experiment.done:
                    self._run_epoch()
                if self.recorder and self.line:
                    self.recorder.keep(self.trainer.epoch, self.line, self.trainer.norms)
                self._save(final=True)
                self.manifest["stopped_early"] = self.experiment.stopped_early
                self._write_manifest("finished")
            except DivergenceError as error:
                self._diverge(error)
        except DivergenceError:
            raise
        except Interrupted as error:
            if not hasattr(error, "__notes__"):  # a second signal, after which nothing more is saved
                error.add_note(f"what was saved before is in {self.directory.path}; to go on: {self.again}")
            raise
        except BaseException as error:
            with suppress(OSError):
                self._write_manifest("failed", error)
                error.add_note(f"what was saved before is in {self.directory.path}; to go on: {self.again}")
            raise

    def _run_epoch(self) -> None:
        epoch = self.trainer.epoch + 1
        due = self.recorder is not None and epoch == self.recorder.next
        self.trainer.measures_steps = due or (self.recorder is not None and epoch == self.spec.training.epochs)
        line, improved = self.experiment.run_epoch(self._between)
        self.line = line
        self.history.append(line)
        if improved:
            self._note_best()
        if self.recorder and due:
            self.recorder.keep(epoch, line, self.trainer.norms)
        if (self.every and epoch % self.every == 0) or self._is_due():
            self._save()
        self.observer.epoch(line)
        self._check_signals()

    def _between(self) -> None:
        """Between two steps of an epoch, and between the last one and its end."""
        if self.trainer.within_epoch and self._is_due():
            self._save()
        self._check_signals()

    def _is_due(self) -> bool:
        every = self.spec.checkpoint.every_steps
        return every is not None and self.trainer.step % every == 0

    def _check_signals(self) -> None:
        try:
            self.signals.check()
        except Interrupted as error:
            self._save()
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
        self.observer.warned(f"{error.message}; the best state until then is restored")

    def _note_best(self) -> None:
        """Keep the state of now, the best so far: it may be written later, or never."""
        self.moment = self._now()
        self.best = self.experiment.snapshot(best=self.moment, **self.history.state)

    def _now(self) -> dict[str, int]:
        return {"epoch": self.trainer.epoch, "step": self.trainer.step}

    def _save(self, final: bool = False) -> None:
        """Save the state of now, and the best one if it is not saved yet."""
        if self.best and self.moment == self._now():
            self.latest = self.best
        else:  # it is written at once, and need not be copied
            self.latest = self.experiment.snapshot(copy=False, best=self.moment, **self.history.state)
        self._write(final)

    def _write(self, final: bool) -> None:
        """Write what belongs to the states before them, so that they can be believed as soon as they are there."""
        self.history.sync()
        if self.recorder and (final or self.recorded != [*self.recorder.frames]):
            arrays, self.recorded = self.recorder.arrays, [*self.recorder.frames]
            save = np.savez_compressed if final else np.savez  # compressing takes its time
            write_file(self.directory.file("record.npz"), lambda file: save(file, **arrays))
        value = self.best.progress["watches"]["best"]["best"] if self.best else None
        self.checkpoints.save(self.latest, self.best, {"monitor": self.experiment.best.monitor, "value": value})

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
