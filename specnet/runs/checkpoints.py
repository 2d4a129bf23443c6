"""Checkpoints: a trainer's whole state in one `.npz`."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from specnet.errors import RunError
from specnet.runs.files import file_digest, read_json, write_file, write_json
from specnet.spec.model import Spec
from specnet.training.trainer import Snapshot

MEMBERS = {"params", "slots", "state", "layout", "spec", "progress"}


class Checkpoints:
    """The checkpoints of one run: the first, the newest few and the best.

    `latest.json` and `best.json` in the run directory name them with their SHA-256.
    """

    def __init__(self, directory: Path, keep: int) -> None:
        self.directory = directory
        self.folder = directory / "checkpoints"
        self.keep = keep
        self._written: dict[int, str] = {}

    def write(self, snapshot: Snapshot, layout: list[dict[str, Any]], spec: Spec) -> None:
        """Write a snapshot as the latest checkpoint, unless its step has been written already."""
        step = snapshot.progress["step"]
        if step not in self._written:
            path = self.folder / f"step-{step:08d}.npz"
            members = {
                "params": snapshot.params,
                "slots": snapshot.slots,
                "state": snapshot.state,
                "layout": np.array(json.dumps(layout)),
                "spec": np.array(json.dumps(spec.to_json())),
                "progress": np.array(json.dumps(snapshot.progress)),
            }
            write_file(path, lambda file: np.savez(file, allow_pickle=False, **members))
            self._written[step] = file_digest(path)

    def name_latest(self, snapshot: Snapshot) -> None:
        """Say that this snapshot, already written, is the newest state."""
        write_json(self.directory / "latest.json", self._entry(snapshot))

    def name_best(self, snapshot: Snapshot, monitor: str, value: float | None) -> None:
        """Say that this snapshot, already written, is the best state by a monitored value."""
        entry = self._entry(snapshot) | {"monitor": monitor, "value": value}
        write_json(self.directory / "best.json", entry)

    def prune(self, best: int) -> None:
        """Delete what is neither the first, nor the best step, nor one of the newest. Only own files are touched."""
        newest = sorted(self._written)[-self.keep :]
        for step in sorted(set(self._written) - {0, best, *newest}):
            (self.folder / f"step-{step:08d}.npz").unlink(missing_ok=True)
            del self._written[step]

    def _entry(self, snapshot: Snapshot) -> dict[str, Any]:
        step = snapshot.progress["step"]
        return {
            "checkpoint": f"step-{step:08d}.npz",
            "sha256": self._written[step],
            "epoch": snapshot.progress["epoch"],
            "step": step,
        }


def find_checkpoint(directory: Path, which: str) -> Path:
    """Return the path of the checkpoint that `which` names: "best", "latest" or a step number.

    Raises:
        RunError: if there is none, or if it is not the file whose digest was recorded.
    """
    if which.isdecimal():
        path = directory / "checkpoints" / f"step-{int(which):08d}.npz"
        if not path.is_file():
            there = sorted(found.name for found in path.parent.glob("step-*.npz"))
            raise RunError(f"{path} does not exist", help=f"there are {', '.join(there) or 'no checkpoints'}")
        return path
    entry = read_json(directory / f"{which}.json")
    if not {"checkpoint", "sha256"} <= entry.keys():
        raise RunError(f"{directory / f'{which}.json'} does not name a checkpoint")
    path = directory / "checkpoints" / Path(str(entry["checkpoint"])).name
    if not path.is_file():
        raise RunError(f"{path}, which {which}.json names, does not exist")
    if file_digest(path) != entry["sha256"]:
        raise RunError(f"{path} is not what was saved: its SHA-256 differs from that in {which}.json")
    return path


def read_checkpoint(path: Path) -> tuple[Snapshot, list[dict[str, Any]]]:
    """Return the snapshot in a checkpoint and its layout; nothing is unpickled.

    Raises:
        RunError: if the file is damaged or is no checkpoint.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            if set(file.files) != MEMBERS:
                raise RunError(f"{path} is not a checkpoint: its members are {', '.join(sorted(file.files))}")
            arrays = {name: file[name] for name in file.files}
            layout, progress = json.loads(str(arrays["layout"])), json.loads(str(arrays["progress"]))
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise RunError(f"{path} is damaged: {error}") from error
    return Snapshot(arrays["params"], arrays["slots"], arrays["state"], progress), layout
