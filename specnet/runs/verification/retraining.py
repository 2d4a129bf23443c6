"""Train a run again, from its spec, into another directory: with the checkpoints of the same steps."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from specnet.errors import DivergenceError, Interrupted
from specnet.runs.experiment import Experiment
from specnet.runs.observers import Observer, Observers
from specnet.runs.provenance.kernels import choose_kernels
from specnet.runs.provenance.manifest import new_manifest, read_manifest, read_spec
from specnet.runs.provenance.threads import blas_threads, recorded_threads
from specnet.runs.results import write_results
from specnet.runs.resume import check_data_unchanged, check_spec_unchanged
from specnet.runs.run import Run
from specnet.runs.runner import Runner
from specnet.runs.signals import Signals
from specnet.runs.start import set_up
from specnet.runs.storage.checkpoints import Listing
from specnet.runs.storage.directory import claim_directory
from specnet.spec.load import load_spec
from specnet.spec.model import Spec
from specnet.spec.units import adopt_resolved, resolve_dataset
from specnet.training.callbacks import Callback
from specnet.training.trainer import Trainer


class StopAfterEpoch(Callback):
    """Ends training after an epoch, for a reason that a clock or a callback from Python gave in the first run."""

    def __init__(self, epoch: int, reason: str, final: bool) -> None:
        super().__init__()
        self.at, self.reason, self.final = epoch, reason, final

    def epoch(self, training: Trainer, values: Mapping[str, Any]) -> None:
        if training.epoch == self.at:
            (training.finish if self.final else training.stop)(self.reason)


class Retraining(Runner):
    """A runner that also saves and keeps the states after these steps, and ends after the epoch and step of `until`."""

    until: tuple[int, int] | None = None
    steps: Collection[int] = ()

    def keep(self, steps: Collection[int], until: tuple[int, int] | None) -> None:
        """Set which states are wanted."""
        self.steps = self.checkpoints.pinned = steps
        self.until = until

    @property
    def is_over(self) -> bool:
        """Whether training is where it should end."""
        return self.until == (self.trainer.epoch, self.trainer.step)

    def is_due(self) -> bool:
        return super().is_due() or self.trainer.step in self.steps

    def check_signals(self) -> None:
        super().check_signals()
        if self.is_over:
            self.save()
            raise Interrupted("the end of the first run", 0)

    def _draw(self, report: bool, plots: bool) -> Run:
        run = self._load()
        write_results(run)
        return run


def train_again(
    run: Path,
    out: Path,
    overrides: Sequence[str] = (),
    kernels: str | None = None,
    allow_other_kernels: bool = False,
    observer: Observer | None = None,
) -> None:
    """Train the spec of a run again into a new directory, with the set of kernels and the BLAS threads of the run.

    A run that a signal, a clock or a callback from Python has stopped is repeated up to where it stopped. `overrides`
    may change what does not affect training, such as the path of a file.

    Raises:
        SpecnetError: if the run cannot be trusted, its spec or data have changed, or training cannot start.
        Interrupted: after a signal.
    """
    manifest = read_manifest(run)
    listing = Listing(run, manifest["identities"])
    newest = listing.newest()
    chosen, _ = choose_kernels(manifest, run, kernels, allow_other_kernels, exactly=False)
    before = read_spec(run, manifest)
    spec = load_spec(run / "spec.json", overrides, kernels=chosen)
    spec, _ = resolve_dataset(adopt_resolved(spec, before))
    check_spec_unchanged(before, spec)
    observers = Observers(observer, ())
    with Signals() as signals:
        experiment, until = _set_up(spec, manifest, newest, signals)
        for message in check_data_unchanged(manifest, experiment.spec, experiment.data):
            observers.warned(message)
        with claim_directory(out, exactly=True) as directory, blas_threads(recorded_threads(manifest)):
            shards = manifest.get("shards", 1)
            described = new_manifest(experiment.spec, experiment.data, shards, experiment.pretrained)
            runner = Retraining(experiment, directory, described, observers, signals)
            runner.keep(listing.steps, until)
            try:
                runner.run(None, report=False, plots=False)
            except DivergenceError:
                pass  # the manifest says so
            except Interrupted:
                if not runner.is_over:
                    raise


def _set_up(
    spec: Spec, manifest: Mapping[str, Any], newest: Mapping[str, Any], signals: Signals
) -> tuple[Experiment, tuple[int, int] | None]:
    """Return the experiment, and epoch and step at which to end it where the spec does not say."""
    epoch, status, reason = newest["epoch"], manifest["status"], manifest.get("reason")
    shards = manifest.get("shards", 1)
    if status == "stopped":
        return set_up(spec, [StopAfterEpoch(epoch, reason or "", final=False)], signals, True, shards), None
    experiment = set_up(spec, (), signals, True, shards)
    clock = experiment.trainer.callbacks.get("max_seconds")
    if clock:
        by_clock = newest["finished"] is not None and newest["finished"].startswith("training has taken")
        experiment.trainer.callbacks["max_seconds"] = StopAfterEpoch(
            epoch if by_clock else 0, newest["finished"] or "", True
        )
    return experiment, None if status in ("finished", "diverged") else (epoch, newest["step"])
