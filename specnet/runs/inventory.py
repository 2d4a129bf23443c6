"""The runs in a folder: what they are, what takes how much space, and their removal."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from specnet.errors import RunError, UsageError
from specnet.report.entries import flat_values
from specnet.report.pictures import FORMATS
from specnet.runs.provenance.manifest import read_manifest
from specnet.runs.storage.directory import FOLDERS, LOCK, OWN, RunDirectory, entries, find_writer
from specnet.runs.storage.files import TEMPORARY, read_run_json
from specnet.runs.storage.history import read_last
from specnet.runs.storage.state import NAME

KIND_OF = {
    "checkpoints": "checkpoints",
    "record.npz": "record",
    "plots": "pages",
    "report.html": "pages",
    "logs": "logs",
    "influence": "influence",
}
"""What the files and folders of a run count as; all others are `other`."""
_DEEPEST = 8
"""Folders inside each other that are searched."""


class ListedRun(NamedTuple):
    """A run in a folder.

    `sizes` are bytes by kind, `writer` is the process that trains it, `foreign` are files that no run has written.
    """

    directory: Path
    name: str
    manifest: Mapping[str, Any]
    sizes: Mapping[str, int]
    writer: str | None
    foreign: list[str]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(self.sizes.values())

    @property
    def status(self) -> str:
        """How the run ended; killed if its manifest says running and no process writes to it."""
        status = str(self.manifest["status"])
        return "killed" if status == "running" and self.writer is None else "running" if self.writer else status


def find_runs(folder: Path, damaged: list[str]) -> Iterator[ListedRun]:
    """Yield the runs in a folder and the folders in it, by name. Links are not followed.

    Messages about directories with a manifest that cannot be read are added to `damaged`. A folder that does not exist
    raises a UsageError.
    """
    if not folder.is_dir():
        message = f"{folder} is not a directory" if folder.exists() else f"there is no directory {folder}"
        raise UsageError(message, help="specnet runs DIR lists the runs and groups in a directory")
    for directory in _walk(folder, _DEEPEST):
        try:
            manifest = read_manifest(directory)
            name = "." if directory == folder else directory.relative_to(folder).as_posix()
            yield ListedRun(
                directory, name, manifest, measure_sizes(directory), find_writer(directory), foreign_files(directory)
            )
        except (RunError, OSError) as error:
            damaged.append(str(getattr(error, "message", error)))


def _walk(folder: Path, deep: int) -> Iterator[Path]:
    """Yield the directories that have a manifest."""
    if os.path.lexists(folder / "manifest.json"):
        yield folder
        return
    with suppress(PermissionError):
        for path in sorted(folder.iterdir()) if deep else ():
            if path.is_dir() and not (path.is_symlink() or path.name.startswith(".")):
                yield from _walk(path, deep - 1)


def measure_sizes(directory: Path) -> dict[str, int]:
    """Return the bytes of the files in a run directory by kind."""
    found: Counter[str] = Counter(dict.fromkeys([*KIND_OF.values(), "other"], 0))
    for folder, _, files in os.walk(directory):
        for file in files:
            path = Path(folder, file)
            with suppress(FileNotFoundError):  # a run may delete it meanwhile
                found[KIND_OF.get(path.relative_to(directory).parts[0], "other")] += path.lstat().st_size
    return dict(found)


def foreign_files(directory: Path) -> list[str]:
    """Return what is in a run directory that no run writes, links among them."""
    return [
        path.relative_to(directory).as_posix()
        for path in sorted(entries(directory))
        if path.is_symlink() or not _is_own(path.relative_to(directory), path)
    ]


def _is_own(place: Path, path: Path) -> bool:
    if TEMPORARY.fullmatch(place.name) and path.is_file():
        return True
    if len(place.parts) == 1:
        return place.name in OWN and path.is_dir() == (place.name in (*FOLDERS, "logs", "influence"))
    endings = {"checkpoints": NAME.fullmatch(place.name), "plots": place.suffix[1:] in FORMATS}
    return path.is_file() and bool(endings.get(place.parts[0], place.suffix == ".py"))


def list_values(run: ListedRun) -> dict[str, Any]:
    """Return the values of a run that conditions can select it by: status, sizes, results, and all of its spec."""
    manifest = run.manifest
    values: dict[str, Any] = {
        "run": run.name,
        "status": run.status,
        "started": manifest["started"],
        "seconds": manifest["seconds"],
        "epochs": read_last(run.directory / "history.jsonl").get("epoch"),
        "seed": manifest["seed"],
    }
    with suppress(RunError):
        results = read_run_json(run.directory / "results.json")
        values |= {"best epoch": results.get("epoch"), "monitor": results.get("monitor"), "value": results.get("value")}
        for split in ("train", "validation", "test"):
            scores = results.get(split)
            if isinstance(scores, dict):
                values |= {f"{split}/{name}": value for name, value in scores.items()}
    values |= {"size": run.size} | {f"size of {kind}": size for kind, size in run.sizes.items()}
    with suppress(RunError):
        values |= dict(flat_values(read_run_json(run.directory / "spec.json")))
    return values


def why_kept(run: ListedRun) -> str | None:
    """Return why a run is not to be removed; None if it may be."""
    if run.writer:
        return f"in use: {run.writer} writes to it"
    if run.foreign:
        return f"it has files that no run wrote: {', '.join(run.foreign[:3])}{' …' if len(run.foreign) > 3 else ''}"
    return None


def remove_run(directory: Path) -> None:
    """Remove a run directory, its manifest last: until then it is recognized as a run.

    Raises:
        BusyError: if a process writes to it.
        UsageError: if it has files that no run has written; then nothing is removed.
        OSError: if a file cannot be removed.
    """
    with RunDirectory(directory):
        read_manifest(directory)
        if foreign := foreign_files(directory):
            raise UsageError(f"{directory} has files that no run wrote: {foreign[0]}")
        for path in directory.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name not in ("manifest.json", LOCK):
                path.unlink()
        (directory / "manifest.json").unlink()
        (directory / LOCK).unlink()
    directory.rmdir()
