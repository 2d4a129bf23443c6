"""Checkpoints: a trainer's whole state in one `.npz`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from specnet.datasets.base import read_npz
from specnet.errors import DataError, RunError, UsageError
from specnet.runs.files import file_digest, read_json, write_file, write_json
from specnet.spec.model import Spec
from specnet.training.trainer import Snapshot

MEMBERS = {"params", "slots", "state", "layout", "spec", "progress"}
STEP = re.compile(r"(?:step-)?0*([0-9]{1,19})(?:\.npz)?")
"""A step number, or the name of its checkpoint."""


class Checkpoints:
    """The checkpoints of one run: the first, the newest few and the best.

    `best.json` in the run directory names the best one with its SHA-256, `latest.json` the newest, and the SHA-256
    of all that are there.
    """

    def __init__(self, directory: Path, spec: Spec, layout: list[dict[str, Any]]) -> None:
        self.directory = directory
        self.keep = spec.checkpoint.keep
        self._texts = {"layout": np.array(json.dumps(layout)), "spec": np.array(json.dumps(spec.to_json()))}
        self._digests: dict[int, str] = {}

    def save(self, latest: Snapshot, best: Snapshot, monitored: dict[str, Any]) -> None:
        """Write both snapshots where they are not written yet, name them, and delete those that are not kept.

        `monitored` tells by what value the best one is best. Only files that this object wrote are deleted.
        """
        for snapshot in (latest, best):
            step = snapshot.progress["step"]
            if step not in self._digests:
                self._digests[step] = self._write(self._path(step), snapshot)
        kept = {0, latest.progress["step"], best.progress["step"], *sorted(self._digests)[-self.keep :]}
        dropped = set(self._digests) - kept
        digests = {self._path(step).name: self._digests[step] for step in sorted(kept)}
        write_json(self.directory / "best.json", self._entry(best) | monitored)
        write_json(self.directory / "latest.json", self._entry(latest) | {"digests": digests})
        for step in dropped:
            self._path(step).unlink(missing_ok=True)
            del self._digests[step]

    def _write(self, path: Path, snapshot: Snapshot) -> str:
        """Write a checkpoint and return its SHA-256."""
        members: dict[str, Any] = {
            "params": snapshot.params,
            "slots": snapshot.slots,
            "state": snapshot.state,
            **self._texts,
            "progress": np.array(json.dumps(snapshot.progress)),
        }
        write_file(path, lambda file: np.savez(file, **members))
        return file_digest(path)

    def _path(self, step: int) -> Path:
        return self.directory / "checkpoints" / f"step-{step:08d}.npz"

    def _entry(self, snapshot: Snapshot) -> dict[str, Any]:
        step = snapshot.progress["step"]
        return {
            "checkpoint": self._path(step).name,
            "sha256": self._digests[step],
            "epoch": snapshot.progress["epoch"],
            "step": step,
        }


def find_checkpoint(directory: Path, which: str) -> Path:
    """Return the path of the checkpoint that `which` names: "best", "latest", a step number or the file's name.

    Raises:
        UsageError: if there is none of that name.
        RunError: if it is not the file whose digest was recorded.
    """
    step = STEP.fullmatch(which)
    if not step and which not in ("best", "latest"):
        raise UsageError(f'there is no checkpoint "{which}"', help="best, latest or the number of a step")
    index = directory / ("latest.json" if step else f"{which}.json")
    entry = read_json(index)
    try:
        digests = dict(entry["digests"] if step else {entry["checkpoint"]: entry["sha256"]})
        name = f"step-{int(step[1]):08d}.npz" if step else Path(entry["checkpoint"]).name
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"{index} does not name checkpoints") from error
    if name not in digests:
        steps = [found[1] for found in map(STEP.fullmatch, digests) if found]
        raise UsageError(f"the run has no checkpoint {name}", help=f"best, latest or one of: {', '.join(steps)}")
    path = directory / "checkpoints" / name
    if not path.is_file():
        raise RunError(f"{path}, which the run has saved, does not exist")
    if file_digest(path) != digests[name]:
        raise RunError(f"{path} is not what was saved: it has another SHA-256")
    return path


def read_checkpoint(path: Path) -> tuple[Snapshot, list[dict[str, Any]], dict[str, Any]]:
    """Return the snapshot in a checkpoint, its layout and its spec; nothing is unpickled.

    Raises:
        RunError: if the file is damaged or is no checkpoint.
    """
    try:
        arrays = read_npz(path)
        if set(arrays) != MEMBERS:
            raise RunError(f"{path} is not a checkpoint: its members are {', '.join(sorted(arrays))}")
        layout, spec, progress = (json.loads(str(arrays[name])) for name in ("layout", "spec", "progress"))
    except (DataError, ValueError) as error:
        raise RunError(f"{path} is damaged: {error}") from error
    return Snapshot(arrays["params"], arrays["slots"], arrays["state"], progress), layout, spec
