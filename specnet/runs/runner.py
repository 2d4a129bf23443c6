"""`run`: train a spec and leave a run directory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from specnet.errors import DivergenceError
from specnet.runs.checkpoints import Checkpoints
from specnet.runs.directory import claim_directory
from specnet.runs.experiment import Experiment, located
from specnet.runs.files import write_json
from specnet.runs.history import HistoryWriter
from specnet.runs.manifest import describe, now
from specnet.runs.run import Run, load_run
from specnet.spec.load import load_spec
from specnet.spec.model import Spec
from specnet.training.trainer import Snapshot


class Observer:
    """Is told how a run goes on; does nothing by itself."""

    def taken(self, wanted: Path) -> None:
        """The directory that was asked for is taken: the run gets another."""

    def started(self, spec: Spec, directory: Path) -> None:
        """Training begins, in this directory."""

    def epoch(self, line: Mapping[str, Any]) -> None:
        """An epoch is over; its line of the history."""


def run(
    spec: Spec | str | Path | Mapping[str, Any], out: str | Path | None = None, observer: Observer | None = None
) -> Run:
    """Train a spec and return its run; what is not a `Spec` yet is given to `load_spec` first.

    `out` names the run directory, by default `runs/` and the spec's name; if that is taken, the next free of
    `-2`, `-3`, … is used.

    Raises:
        SpecnetError: if the spec does not fit its data; then no directory is made.
        UsageError: if `out` cannot be a directory.
        DivergenceError: if the loss is no longer finite; what was saved before stays.
    """
    if not isinstance(spec, Spec):
        spec = load_spec(spec)
    experiment = Experiment(spec)
    wanted = Path(out) if out is not None else Path("runs") / spec.name
    directory = claim_directory(wanted)
    observer = observer or Observer()
    if directory != wanted:
        observer.taken(wanted)
    observer.started(spec, directory)
    with located(spec):
        _Runner(experiment, directory).train(observer)
    finished = load_run(directory)
    finished.data = experiment.data  # spares loading it again for the plots
    for number, plot in enumerate(spec.plots):
        with located(spec, "plots", number):
            finished.plot(plot)
    return finished


class _Runner:
    """Trains an experiment and writes everything that its run directory holds but plots."""

    def __init__(self, experiment: Experiment, directory: Path) -> None:
        self.experiment = experiment
        self.spec = spec = experiment.spec
        self.trainer = experiment.trainer
        self.directory = directory
        self.manifest = describe(spec, experiment.data)
        self.checkpoints = Checkpoints(directory, spec, experiment.model.network.params.layout)
        self.every = spec.checkpoint.every or -(-spec.training.epochs // 10)
        # What never changes during a run, in every checkpoint, so that one alone is enough to predict.
        self._fixed = {
            "transforms": {"inputs": experiment.model.inputs.save(), "targets": experiment.model.targets.save()},
            "data": {
                "input_shape": list(experiment.model.network.input_shape),
                "classes": list(experiment.data.classes),
                "input_names": list(experiment.data.input_names),
                "target_names": list(experiment.data.target_names),
            },
        }
        self._best: Snapshot | None = None
        self._latest: Snapshot

    def train(self, observer: Observer) -> None:
        write_json(self.directory / "spec.json", self.spec.to_json())
        self._finish("running")
        self._save()
        try:
            status = self._epochs(observer)
        except (DivergenceError, KeyboardInterrupt) as error:
            self._write()
            self._write_record()
            self._finish("diverged" if isinstance(error, DivergenceError) else "interrupted")
            error.add_note(f"what was saved before is in {self.directory}")
            raise
        except BaseException:
            self._finish("failed")
            raise
        self._finish(status)

    def _epochs(self, observer: Observer) -> str:
        trainer, recorder, stopping = self.trainer, self.experiment.recorder, self.experiment.stopping
        stopped = False
        with HistoryWriter(self.directory / "history.jsonl") as history:
            while trainer.epoch < self.spec.training.epochs and not stopped:
                line = trainer.run_epoch()
                history.append(line)
                improved = self.experiment.best.look(line)
                if stopping:
                    stopping.look(line)
                    stopped = stopping.exhausted
                if improved:
                    self._best = self._snapshot()
                if recorder and trainer.epoch % recorder.every == 0:
                    recorder.keep(trainer.epoch)
                if trainer.epoch % self.every == 0:
                    self._save()
                observer.epoch(line)
        self._save()
        if recorder:
            recorder.keep(trainer.epoch)
        self._write_record()
        return "stopped early" if stopped else "completed"

    def _snapshot(self) -> Snapshot:
        snapshot = self.trainer.snapshot()
        watches = {"best": self.experiment.best, "early_stopping": self.experiment.stopping}
        snapshot.progress.update(
            self._fixed,
            history_length=self.trainer.epoch,
            watches={name: watch.save() for name, watch in watches.items() if watch},
        )
        return snapshot

    def _save(self) -> None:
        """Save the state of now, and the best one if it is not saved yet."""
        self._latest = self._snapshot()
        self._write()

    def _write(self) -> None:
        best = self.experiment.best
        monitored = {"monitor": best.monitor, "value": best.best}
        self.checkpoints.save(self._latest, self._best or self._latest, monitored)

    def _write_record(self) -> None:
        if self.experiment.recorder:
            self.experiment.recorder.write(self.directory / "record.npz")

    def _finish(self, status: str) -> None:
        self.manifest["status"] = status
        self.manifest["finished"] = None if status == "running" else now()
        write_json(self.directory / "manifest.json", self.manifest)
