"""Check everything in a run directory, without changing it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from specnet.datasets.memory import InMemory
from specnet.errors import RunError, SpecnetError, UsageError
from specnet.runs.experiment import Experiment
from specnet.runs.provenance.manifest import read_manifest, read_spec
from specnet.runs.provenance.plugins import changed_plugins, damaged_copies
from specnet.runs.provenance.threads import blas_threads, recorded_threads
from specnet.runs.results import read_results
from specnet.runs.resume import changed_setting, check_components_unchanged, check_data_unchanged, restore, take_over
from specnet.runs.run import Run
from specnet.runs.storage.checkpoints import Listing, best_of
from specnet.runs.storage.directory import FOLDERS, LOCK, find_writer, is_free
from specnet.runs.storage.history import check_history, ends_incomplete, read_until
from specnet.runs.storage.record import read_record
from specnet.runs.storage.state import ForeignError, file_name, read_checkpoint, read_texts
from specnet.runs.verification.findings import Finding, Report, Severity, has_errors
from specnet.runs.verification.strays import TEMPORARIES, sort_files
from specnet.spec.model import Spec
from specnet.training.state import TrainingState
from specnet.words import enumerate_some

RETRAIN = "restore it from a copy, or repeat the training: specnet resume {} --checkpoint 0"


def examine_run(directory: str | Path) -> Report:
    """Check everything in a run directory and return a report; nothing is changed or printed.

    Raises:
        RunError: if it does not contain a run.
        OSError: if it cannot be listed.
    """
    return _Examination(Path(directory)).report()


class _Examination:
    """A check of a run directory, part by part. Parts that depend on a damaged one are skipped."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.findings: list[Finding] = []
        self.parts: dict[str, str] = {}
        self.writer = find_writer(directory)
        self.manifest: dict[str, Any] | None = None
        self.spec: Spec | None = None
        self.listing: Listing | None = None
        self.experiment: Experiment | None = None
        self.believed: dict[int, dict[str, Any]] = {}  # progress in each intact checkpoint, by step
        self.newest: TrainingState | None = None
        self.resume: int | None = None
        self.evaluate: int | None = None
        self.refused = False  # whether resume would refuse a run without damage
        self._part = ""

    def report(self) -> Report:
        """Check everything and return the report."""
        if not os.path.lexists(self.directory / "manifest.json"):
            if self.writer or (os.path.lexists(self.directory / LOCK) and is_free(self.directory)):
                return self._unbegun()
            if not (self.directory / "checkpoints" / file_name(0)).is_file():
                read_manifest(self.directory)  # raises the error that every command reports for such a directory
        for look in (
            self._look_at_manifest, self._look_at_spec, self._look_at_components, self._look_at_checkpoints,
            self._look_at_history, self._look_at_data, self._look_at_record, self._look_at_files, self._look_at_resume,
            self._look_at_evaluate,
        ):  # fmt: skip
            look()
        return Report(self.directory, self.parts, self.findings, self.resume, self.evaluate, self._verdict())

    @contextmanager
    def _look(self, part: str, help: str | None = None) -> Iterator[None]:
        """Check a part: errors from inside become findings, with `help` if they have none."""
        self._part = part
        self.parts.setdefault(part, "")
        try:
            yield
        except SpecnetError as error:
            for found in error.diagnostics:
                self._tell("error", found.message, found.help or help)

    def _tell(self, severity: Severity, message: str, help: str | None = None) -> None:
        self.findings.append(Finding(self._part, severity, message, help))

    def _unbegun(self) -> Report:
        with self._look("manifest"):
            verdict = "a run is starting" if self.writer else "a run ended here before it started"
            help = None if self.writer else f"to start it: specnet run SPEC --out {self.directory}"
            self._tell("note", f"{verdict}: there is no manifest.json yet", help)
        return Report(self.directory, self.parts, self.findings, None, None, verdict)

    def _look_at_manifest(self) -> None:
        with self._look("manifest", f"to rebuild it from a checkpoint: specnet doctor {self.directory} --repair"):
            self.manifest = read_manifest(self.directory)
            self._look_at_status(self.manifest)

    def _look_at_status(self, manifest: Mapping[str, Any]) -> None:
        status = self.parts["manifest"] = manifest["status"]
        go_on = f"to resume: specnet resume {self.directory}"
        if self.writer:
            self._tell("note", f"it is in progress: {self.writer} is writing to it")
        elif status == "running":
            self._tell("note", 'its status is "running", but no process is writing to it: it was killed', go_on)
        elif status != "finished":
            reason = ": ".join([status, *(manifest["error"] or "").splitlines()[:1]])
            self._tell("note", f"it is {reason}", None if status == "diverged" else go_on)

    def _look_at_spec(self) -> None:
        if self.manifest is None:
            return
        with self._look("spec", f"to rebuild it from a checkpoint: specnet doctor {self.directory} --repair"):
            self.spec = read_spec(self.directory, self.manifest)

    def _look_at_components(self) -> None:
        if self.manifest is None or self.spec is None:
            return
        with self._look("components"):
            try:
                check_components_unchanged(self.manifest, self.spec, self.directory)
            except UsageError as error:
                self._refuse(error.message, error.help)
        if self.manifest["plugins"]:
            with self._look("plugins"):
                for message in changed_plugins(self.manifest, self.spec):
                    self._tell("note", message)
                for message in damaged_copies(self.manifest, self.directory):
                    self._tell("note", message, "resume writes it again")
        with self._look("machine"), blas_threads(None, recorded_threads(self.manifest)):  # as in `resume`
            for message in changed_setting(self.manifest):
                self._tell("note", message)

    def _refuse(self, message: str, help: str | None) -> None:
        """Add a note on what `resume` would refuse without any damage."""
        self.refused = True
        self._tell("note", f"{message}; resume refuses this", help)

    def _look_at_checkpoints(self) -> None:
        with self._look("checkpoints"):
            listing = self.listing = Listing(self.directory, self.manifest and self.manifest["identities"])
            foreign = 0
            for step in listing.steps:
                try:
                    self.believed[step] = self._read(step)
                except ForeignError as error:
                    foreign += 1
                    self._tell("note", error.message, "move it away: resume does not overwrite it")
                except RunError as error:
                    # The writing process may have deleted or replaced it since the directory was listed.
                    if not (self.writer and step not in Listing(self.directory, None).steps):
                        self._tell("error", error.message, "the one before it is used; resume renames it")
            self.parts["checkpoints"] = f"{len(self.believed)} of {len(listing.steps) - foreign} intact"
            if self.believed:
                best = best_of(self.believed[max(self.believed)])
                self.parts["checkpoints"] += f", {best['checkpoint']} is the best"
                if best["step"] not in listing.steps:
                    self._tell("error", f"{listing.path(best['step'])}, the best one, does not exist")

    def _read(self, step: int) -> dict[str, Any]:
        """Return a checkpoint's progress; without the spec, only its digest and progress are checked."""
        assert self.listing
        path, identities = self.listing.path(step), self.manifest and self.manifest["identities"]
        if self.spec is None or identities is None:
            return read_texts(path, identities)["progress"]
        self.newest = read_checkpoint(path, self.spec, identities)
        return self.newest.progress

    def _look_at_history(self) -> None:
        path = self.directory / "history.jsonl"
        newest = self.believed[max(self.believed)] if self.believed else None
        with self._look("history", RETRAIN.format(self.directory)):
            length, wrong = check_history(path)
            if ends_incomplete(path) and not self.writer:
                self._tell("note", f"{path} ends in an incomplete line: the process was killed", "resume removes it")
            self.parts["history"] = f"{length} epochs"
            if wrong:
                message = enumerate_some(list(wrong.values()), "; ")
                self._tell("error", f"{path} is damaged: {message}", "restore it from a copy")
            saved = newest and newest["parts"]["callbacks.history"]["values"]
            if not saved or any(number <= saved["length"] for number in wrong):
                return
            read_until(path, saved)
            more = length - saved["length"]
            if more and not self.writer and self.listing and self.listing.steps[-1] in self.believed:
                message = f"it has {more} {'epoch' if more == 1 else 'epochs'} after the newest checkpoint"
                self._tell("note", message, "resume continues from that checkpoint")

    def _look_at_data(self) -> None:
        if self.manifest is None or self.spec is None:
            return
        with self._look("data"):
            if isinstance(self.spec.dataset, InMemory):
                self._tell("note", "the data were given in Python, and resume needs the same again")
                return
            try:
                experiment = Experiment(self.spec, shards=self.manifest.get("shards", 1))
                for message in check_data_unchanged(self.manifest, experiment.spec, experiment.data):
                    self._tell("note", message)
                self.experiment = experiment
            except SpecnetError as error:  # the data are the user's: the run is not damaged
                for found in error.diagnostics:
                    self._refuse(found.message, found.help)

    def _look_at_record(self) -> None:
        if self.spec is None or self.spec.record is None:
            return
        path = self.directory / "record.npz"
        with self._look("record", RETRAIN.format(self.directory)):
            if self.experiment and self.experiment.recorder and self.newest:
                take_over(self.experiment.recorder, path, self.newest)
            elif self.newest:
                read_record(path, self.spec.record, self.newest)

    def _look_at_files(self) -> None:
        copies = {plugin["copy"] for plugin in (self.manifest or {}).get("plugins", ())}
        with self._look("files"):
            own, strays = sort_files(self.directory, copies)
            for name in own:
                self._look_at_link(name)
            if self.writer:  # still in use
                del strays[TEMPORARIES]
            for (what, help), names in strays.items():
                if names:
                    self._tell("note", f"{what}: {enumerate_some(names)}", help)

    def _look_at_link(self, name: str) -> None:
        path = self.directory / name
        message = f"{path} is a symbolic link, and a run writes only inside its directory"
        if path.is_symlink() and name in (LOCK, *FOLDERS):
            self._refuse(message, f"replace it with its target: {path.readlink()}")
        elif path.is_symlink():
            self._tell("note", message, "resume replaces it with a file")

    def _look_at_resume(self) -> None:
        if self.experiment is None or self.manifest is None or not self.believed or self.writer:
            return
        with self._look("resume"):
            try:
                resumed, reasons = restore(self.experiment, self.directory, self.manifest, callbacks=False)
            except RunError as error:
                self._tell_new(error.message.splitlines()[1:])
            else:
                self._tell_new(reasons)
                step = resumed.latest.progress["step"]
                self.parts["resume"] = "refused" if self.refused else f"from step {step}"
                self.resume = None if self.refused else step

    def _look_at_evaluate(self) -> None:
        if not self.believed:
            return
        with self._look("evaluate"):
            try:
                run = Run(self.directory)
            except RunError:
                if self.spec:
                    message = "neither the best checkpoint nor one before it is intact"
                    self._tell("error", message, "--checkpoint names another")
            else:
                self._tell_new(run.warnings)
                self.evaluate = run.progress["step"]
                self.parts["evaluate"] = f"step {self.evaluate}"
                if run.status == "finished" and read_results(self.directory, run.checkpoint.name) is None:
                    help = f"to rebuild it: specnet doctor {self.directory} --repair"
                    self._tell("note", "results.json is missing, damaged or of another checkpoint", help)

    def _tell_new(self, reasons: Iterable[str]) -> None:
        """Report what has not been reported for another part."""
        told = [finding.message for finding in self.findings]
        for reason in reasons:
            if not any(message in reason or reason in message for message in told):
                self._tell("error", reason)

    def _verdict(self) -> str:
        damaged = has_errors(self.findings)
        go_on = f"can be resumed from step {self.resume}: specnet resume {self.directory}"
        if self.writer:
            return f"{'damaged' if damaged else 'intact'}, and in progress"
        if not damaged:
            done = self.resume is None or self.parts["manifest"] in ("finished", "diverged")
            return "intact, but resume refuses it" if self.refused else "intact" if done else f"intact, and {go_on}"
        if self.resume is not None:
            return f"damaged, but {go_on}"
        if self.evaluate is not None:
            return f"damaged: it cannot be resumed, but step {self.evaluate} can be used"
        return "lost: it can be neither resumed nor used" if self.believed else "lost: no checkpoint is intact"
