"""Check everything in a run directory, without changing it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from specnet.errors import RunError, SpecnetError, UsageError, os_reason, quote
from specnet.numpy_files import read_npz
from specnet.report.pictures import FORMATS
from specnet.runs.archive import Stamp, open_archive
from specnet.runs.directory import FOLDERS, LOCK, OWN, entries, find_writer, is_free
from specnet.runs.experiment import Experiment
from specnet.runs.files import TEMPORARY, read_json
from specnet.runs.findings import Finding, Report, Severity, enumerate_some, has_errors
from specnet.runs.history import read_until
from specnet.runs.index import NAME, Index, file_name
from specnet.runs.manifest import read_manifest, read_spec
from specnet.runs.plugins import changed_plugins, damaged_copies
from specnet.runs.resume import changed_setting, check_components_unchanged, check_data_unchanged, restore, take_over
from specnet.runs.run import load_run
from specnet.runs.state import check_progress, read_checkpoint
from specnet.runs.threads import blas_threads, recorded_threads
from specnet.spec.model import Spec

STATUSES = ("running", "finished", "interrupted", "diverged", "failed")
TEMPORARIES = ("left by a process that was killed", "resume removes them")
LEFT = ("left by a process that was killed while saving", "resume replaces or removes them")
IN_THE_WAY = ("named like checkpoints, but not written by the run", "move them away: resume does not overwrite them")
FOREIGN = ("not written by the run", "they are neither loaded nor changed")


def examine(directory: str | Path) -> Report:
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
        self.index: Index | None = None
        self.experiment: Experiment | None = None
        self.believed: dict[int, dict[str, Any]] = {}
        """The progress in each intact checkpoint, by step."""
        self.resume: int | None = None
        self.evaluate: int | None = None
        self.refused = False
        """Whether `resume` would refuse a run without damage."""
        self._part = ""

    def report(self) -> Report:
        """Check everything and return the report."""
        if not (self.directory / "manifest.json").is_file():
            if self.writer or ((self.directory / LOCK).exists() and is_free(self.directory)):
                return self._unbegun()
            if not (self.directory / "latest.json").is_file():
                read_manifest(self.directory)  # raises the error that every command reports for such a directory
        self._look_at_manifest()
        self._look_at_spec()
        self._look_at_components()
        self._look_at_index()
        self._look_at_checkpoints()
        self._look_at_history()
        self._look_at_data()
        self._look_at_record()
        self._look_at_files()
        self._look_at_resume()
        self._look_at_evaluate()
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

    @property
    def _newest(self) -> dict[str, Any] | None:
        """The progress of the newest intact state."""
        # A run that skipped damaged checkpoints may still have later ones from before.
        steps = [step for step in self.believed if self.index and step <= self.index.latest_step]
        return self.believed[max(steps)] if steps else None

    def _unbegun(self) -> Report:
        with self._look("manifest"):
            verdict = "a run is starting" if self.writer else "a run ended here before it started"
            help = None if self.writer else f"to start it: specnet run SPEC --out {self.directory}"
            self._tell("note", f"{verdict}: there is no manifest.json yet", help)
        return Report(self.directory, self.parts, self.findings, None, None, verdict)

    def _look_at_manifest(self) -> None:
        help = f"bring it back from a copy, or start again: specnet run {self.directory / 'spec.json'}"
        with self._look("manifest", help):
            self.manifest = read_manifest(self.directory)
            self._look_at_status(self.manifest)

    def _look_at_status(self, manifest: Mapping[str, Any]) -> None:
        status = self.parts["manifest"] = str(manifest.get("status"))
        go_on = f"to resume: specnet resume {self.directory}"
        if self.writer:
            self._tell("note", f"it is in progress: {self.writer} is writing to it")
        elif status == "running":
            self._tell("note", 'its status is "running", but no process is writing to it: it was killed', go_on)
        elif status not in STATUSES:
            self._tell("error", f"{self.directory / 'manifest.json'} is damaged: unknown status {quote(status)}")
        elif status != "finished":
            reason = ": ".join([status, *str(manifest.get("error") or "").splitlines()[:1]])
            self._tell("note", f"it is {reason}", None if status == "diverged" else go_on)

    def _look_at_spec(self) -> None:
        if self.manifest is None:
            return
        with self._look(
            "spec", 'bring it back from a copy; the checkpoints contain it as well, as their member "spec"'
        ):
            self.spec = read_spec(self.directory, self.manifest)

    def _look_at_components(self) -> None:
        if self.manifest is None or self.spec is None:
            return
        with self._look("components"):
            try:
                check_components_unchanged(self.manifest, self.spec, self.directory)
            except UsageError as error:
                self._refuse(error.message, error.help)
        if self.manifest.get("plugins"):
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

    def _look_at_index(self) -> None:
        help = "bring it back from a copy: without it no checkpoint can be verified"
        for name in ("latest", "best"):
            with self._look(name, help):
                read_json(self.directory / f"{name}.json")
        if any(finding.part in ("latest", "best") for finding in self.findings):
            return
        with self._look("latest", help):
            self.index = Index(self.directory)

    def _look_at_checkpoints(self) -> None:
        index = self.index
        if index is None:
            return
        with self._look("checkpoints"):
            for step, stamps in sorted(index.stamps.items()):
                try:
                    self.believed[step] = self._read(self.directory / "checkpoints" / file_name(step), stamps)
                except RunError as error:
                    # The writing process may have deleted or replaced it since the index was read.
                    if self.writer and Index(self.directory).stamps.get(step) != stamps:
                        continue
                    if step > index.latest_step:
                        self._tell("note", error.message, "a run that resumed before it replaces it")
                    else:
                        self._tell("error", error.message, "bring it back from a copy; the one before it is used")
        self.parts["checkpoints"] = f"{len(self.believed)} of {len(index.stamps)} intact"
        self.parts |= {"latest": f"step {index.latest_step}", "best": f"step {index.best_step}"}
        if latest := self.believed.get(index.latest_step):
            self._look_at_name(index, "latest", index.latest, latest)
            self._look_at_name(index, "best", index.best, _values(latest, "checkpoints"))
        best = self.believed.get(index.best_step)
        told = any(finding.part == "best" for finding in self.findings)
        if best and not told and _values(best, "best")["best"] != index.best.get("value"):
            with self._look("best"):
                message = f"{self.directory / 'best.json'} has another value than {file_name(index.best_step)}"
                self._tell("error", message, "resume writes best.json again")

    def _read(self, path: Path, stamps: Sequence[Stamp]) -> dict[str, Any]:
        """Return a checkpoint's progress; without the spec, only its digest is verified."""
        if self.spec:
            return read_checkpoint(path, stamps, self.spec).progress
        with open_archive(path, stamps) as archive:
            progress: dict[str, Any] = json.loads(str(archive.read("progress")))
            check_progress(progress, path.name)
            return progress

    def _look_at_name(self, index: Index, which: str, entry: Mapping[str, Any], moment: Mapping[str, int]) -> None:
        """Compare `latest.json` or `best.json` with the newest checkpoint."""
        name, known = file_name(moment["step"]), index.stamps.get(moment["step"], [])
        stamped = (entry.get("sha256"), entry.get("bytes")) in known
        if which == "best" and index.best_step > index.latest_step and index.best_step in self.believed:
            return  # a run that diverged has saved its best state after the latest
        if stamped and (name, moment["epoch"], moment["step"]) == tuple(
            map(entry.get, ("checkpoint", "epoch", "step"))
        ):
            return
        # A process that ends between writing latest.json and best.json leaves the second one behind.
        killed = self.writer or self.parts["manifest"] in ("running", "failed")
        with self._look(which):
            message = f"{self.directory / which}.json does not name {name} as it was saved"
            help = f"{entry['checkpoint']} is used; resume writes {which}.json again"
            self._tell("note" if which == "best" and killed else "error", message, help)

    def _look_at_history(self) -> None:
        path, newest = self.directory / "history.jsonl", self._newest
        with self._look(
            "history",
            f"bring it back from a copy, or repeat the training: specnet resume {self.directory} --checkpoint 0",
        ):
            try:
                lines = path.read_bytes().splitlines(keepends=True)
            except OSError as error:
                raise RunError(f"{path} cannot be read: {os_reason(error)}") from error
            if lines and not lines[-1].endswith(b"\n"):
                del lines[-1]
                if not self.writer:
                    self._tell(
                        "note", f"{path} ends in an incomplete line: the process was killed", "resume removes it"
                    )
            self.parts["history"] = f"{len(lines)} epochs"
            wrong = dict(_wrong_lines(lines))
            if wrong:
                told = [f"line {number} {what}" for number, what in wrong.items()]
                self._tell("error", f"{path} is damaged: {enumerate_some(told, '; ')}", "bring it back from a copy")
            if newest is None or any(number <= _values(newest, "history")["length"] for number in wrong):
                return
            read_until(path, _values(newest, "history"))
            more = len(lines) - _values(newest, "history")["length"]
            if more and not self.writer and self.index and self.index.latest_step in self.believed:
                message = f"it has {more} {'epoch' if more == 1 else 'epochs'} after the newest checkpoint"
                self._tell("note", message, "resume continues from that checkpoint")

    def _look_at_data(self) -> None:
        if self.manifest is None or self.spec is None:
            return
        with self._look("data"):
            experiment = Experiment(self.spec)
            for message in check_data_unchanged(self.manifest, experiment):
                self._tell("note", message)
            self.experiment = experiment

    def _look_at_record(self) -> None:
        if self.spec is None or self.spec.record is None:
            return
        path = self.directory / "record.npz"
        with self._look(
            "record",
            f"bring it back from a copy, or repeat the training: specnet resume {self.directory} --checkpoint 0",
        ):
            read_npz(path)
            if self.experiment and self.experiment.recorder and self._newest:
                take_over(self.experiment.recorder, path, self._newest["epoch"])

    def _look_at_files(self) -> None:
        index = self.index
        saved = {file_name(step) for step in index.stamps} if index else set()
        left = {file_name(step) for step in index.pending | index.dropped} if index else set()
        found: dict[tuple[str, str], list[str]] = {kind: [] for kind in (TEMPORARIES, LEFT, IN_THE_WAY, FOREIGN)}
        copies = {plugin["copy"] for plugin in (self.manifest or {}).get("plugins", ())}
        with self._look("files"):
            for path in sorted(entries(self.directory)):
                name = str(path.relative_to(self.directory))
                of_checkpoint = path.parent.name == "checkpoints" and NAME.fullmatch(path.name)
                if TEMPORARY.fullmatch(path.name):
                    found[TEMPORARIES].append(name)
                elif of_checkpoint and path.name in left:
                    found[LEFT].append(name)
                elif name in OWN or name in copies or (of_checkpoint and (index is None or path.name in saved)):
                    self._look_at_link(path, name)
                elif of_checkpoint:
                    found[IN_THE_WAY].append(name)
                elif path.parent.name != "plots" or path.suffix[1:] not in FORMATS:
                    found[FOREIGN].append(name)
            if self.writer:  # still in use, and there may be more than were named when the index was read
                del found[TEMPORARIES], found[LEFT], found[IN_THE_WAY]
            for (what, help), names in found.items():
                if names:
                    self._tell("note", f"{what}: {enumerate_some(names)}", help)

    def _look_at_link(self, path: Path, name: str) -> None:
        message = f"{path} is a symbolic link, and a run writes only inside its directory"
        if path.is_symlink() and name in (LOCK, *FOLDERS):
            self._refuse(message, f"replace it by its target: {path.readlink()}")
        elif path.is_symlink():
            self._tell("note", message, "resume puts a file in its place")

    def _look_at_resume(self) -> None:
        if self.experiment is None or not self.believed or self.writer:
            return
        with self._look("resume"):
            try:
                resumed, reasons = restore(self.experiment, self.directory, callbacks=False)
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
                run = load_run(self.directory)
            except RunError:
                if self.spec:
                    message = "neither the best checkpoint nor one before it is intact"
                    self._tell("error", message, "--checkpoint names another")
            else:
                self._tell_new(run.warnings)
                self.evaluate = run.progress["step"]
                self.parts["evaluate"] = f"step {self.evaluate}"

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
        if not damaged and self.refused:
            return "intact, but resume refuses it"
        if not damaged:
            return "intact" if self.parts["manifest"] in ("finished", "diverged") else f"intact, and {go_on}"
        if self.resume is not None:
            return f"damaged, but {go_on}"
        if self.evaluate is not None:
            return f"damaged: it cannot be resumed, but step {self.evaluate} can be used"
        return "lost: it can be neither resumed nor used" if self.believed else "lost: no checkpoint is intact"


def _wrong_lines(lines: Sequence[bytes]) -> Iterator[tuple[int, str]]:
    """Yield the number of each history line that does not follow those before it, and what is wrong with it."""
    epoch = step = 0
    names: list[str] = []
    for number, text in enumerate(lines, 1):
        try:
            line = json.loads(text)
            now = int(line["epoch"]), int(line["step"])
        except (KeyError, TypeError, ValueError, RecursionError):
            yield number, "is not an epoch in JSON"
            epoch += 1
            continue
        names = names or list(line)
        if now[0] != epoch + 1:
            yield number, f"has epoch {now[0]} after epoch {epoch}"
        elif now[1] <= step:
            yield number, f"has step {now[1]} after step {step}"
        elif list(line) != names:
            yield number, "has other names than the lines before it"
        epoch, step = now


def _values(progress: Mapping[str, Any], callback: str) -> dict[str, Any]:
    """Return the values of a callback in the progress of a checkpoint."""
    values: dict[str, Any] = progress["parts"][f"callbacks.{callback}"]["values"]
    return values
