"""Checkpoints: a trainer's whole state in one `.npz`, of which a run keeps a few."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from specnet.errors import UsageError
from specnet.runs.archive import Stamp, matching, stage_archive
from specnet.runs.directory import RunDirectory
from specnet.runs.files import Staged, write_json
from specnet.runs.index import Index, file_name, show_stamps
from specnet.spec.model import Spec
from specnet.training.state import TrainingState


class Checkpoints:
    """The checkpoints of one run for its only writer: the first, the newest few and the best.

    `best.json` names the best one, `latest.json` the newest and all others, each with SHA-256 and size. Other files
    do not belong to the run: they are left alone, and never overwritten.
    """

    def __init__(self, directory: RunDirectory, spec: Spec, layout: list[dict[str, Any]]) -> None:
        self.directory = directory
        self.keep = spec.checkpoint.keep
        self._texts = {"layout": np.array(json.dumps(layout)), "spec": np.array(json.dumps(spec.to_json()))}
        self._latest: dict[str, Any] = {}
        self._best: dict[str, Any] = {}
        self._dropped: set[int] = set()
        self._stamps: dict[int, Stamp] = {}
        self._owned: set[int] = set()
        self._believed: set[tuple[int, int]] = set()

    def resume(self, *states: TrainingState) -> None:
        """Take over the checkpoints of a run that resumes from `states`, all of them read from its files."""
        index, folder = Index(self.directory.path), self.directory.path / "checkpoints"
        self._latest, self._best = index.latest, index.best
        self._believed = {_key(state) for state in states}
        # A checkpoint that was about to be added is not named yet: it will be written again.
        self._dropped = (index.dropped | index.pending) - {step for step, _ in self._believed}
        self._stamps = {
            step: matching(folder / file_name(step), stamps)
            for step, stamps in index.stamps.items()
            if step not in self._dropped
        }
        self._owned = set(index.stamps)

    def save(self, latest: TrainingState, best: TrainingState | None, monitored: dict[str, Any]) -> None:
        """Write both states if needed, name them, and delete those that are no longer kept.

        `monitored` is the value of the best one; without a best one, the named one stays. Whatever fails, and
        whenever the process ends, the files that `latest.json` names are there as they were saved.

        Raises:
            OSError: if they cannot be written.
            UsageError: if a foreign file has the name of a checkpoint.
        """
        wanted = [state for state in (latest, best) if state and _key(state) not in self._believed]
        new = {state.progress["step"]: state for state in wanted}
        staged: dict[int, tuple[Staged, Stamp]] = {}
        try:
            for step, state in new.items():
                staged[step] = self._stage(step, state)
            self._announce({step: stamp for step, (_, stamp) in staged.items()})
            for file, _ in staged.values():
                file.commit()
        finally:
            for file, _ in staged.values():
                file.discard()  # does nothing after commit
        self._stamps |= {step: stamp for step, (_, stamp) in staged.items()}
        self._owned |= set(staged)
        self._believed |= set(map(_key, new.values()))
        if best:
            self._best = self._entry(best) | monitored
        self._write_indexes(latest)

    def _stage(self, step: int, state: TrainingState) -> tuple[Staged, Stamp]:
        path = self.directory.file("checkpoints", file_name(step))
        if step not in self._owned and os.path.lexists(path):
            help = f"move it away, then: specnet resume {self.directory.path}"
            raise UsageError(f"{path} is in the way: this run did not write it", help=help)
        return stage_archive(path, state.arrays | self._texts | {"progress": np.array(json.dumps(state.progress))})

    def _announce(self, stamps: Mapping[int, Stamp]) -> None:
        """Record in `latest.json` what is about to be renamed.

        If the process ends before the checkpoint is named there, the file still counts as the run's own.
        """
        if stamps and self._latest:
            self._owned |= set(stamps)
            write_json(self.directory.file("latest.json"), self._latest | {"pending": show_stamps(stamps)})

    def _write_indexes(self, latest: TrainingState) -> None:
        now = latest.progress["step"]
        # After `now` there may be some that were skipped, because they or their files were damaged.
        earlier = sorted(step for step in self._stamps if step <= now)
        kept = {0, now, self._best["step"], *earlier[-self.keep :]}
        dropped = {step for step in earlier if step not in kept} | (self._dropped - set(self._stamps))
        self._stamps = {step: stamp for step, stamp in self._stamps.items() if step not in dropped}
        self._latest = self._entry(latest) | {"checkpoints": show_stamps(self._stamps)}
        # If this process is killed, the next one deletes what is recorded here.
        noted = {"dropped": [file_name(step) for step in sorted(dropped)]} if dropped else {}
        write_json(self.directory.file("latest.json"), self._latest | noted)
        write_json(self.directory.file("best.json"), self._best)
        for step in dropped:
            self.directory.file("checkpoints", file_name(step)).unlink(missing_ok=True)
        self._dropped = set()

    def _entry(self, state: TrainingState) -> dict[str, Any]:
        step = state.progress["step"]
        stamp = self._stamps[step]
        return {
            "checkpoint": file_name(step),
            "sha256": stamp.sha256,
            "bytes": stamp.size,
            "epoch": state.progress["epoch"],
            "step": step,
        }


def _key(state: TrainingState) -> tuple[int, int]:
    """Return the identity of a state: the last step and the end of an epoch have the same step number."""
    return state.progress["step"], state.progress["epoch"]
