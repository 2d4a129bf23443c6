"""What is known of a run while it trains."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from time import monotonic
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

from specnet.errors import SpecnetError
from specnet.functions import thin
from specnet.improvement import ImprovementTracker
from specnet.recording.curves import spans_decades
from specnet.report.entries import RunSet
from specnet.report.series import history_panels, metrics_of, rounded
from specnet.report.view import duration
from specnet.runs.provenance.manifest import read_spec
from specnet.runs.storage.directory import entries
from specnet.spec.model import Spec
from specnet.training.trainer import after_epoch
from specnet.words import describe_error
from specnet_watch.directories import NO_MANIFEST, is_written, open_inside, read_state
from specnet_watch.following import PIECE, FollowedHistory

LETTERS = 400_000
"""Letters that the frames of a replay take at most."""
SPARK = 48
"""Points of the curve in a row of the table."""
REST = 10.0
"""After making a replay, wait this many times as long as it took before making the next."""

_MAKING = Lock()
"""One replay is made at a time."""


class WatchedRun:
    """A run directory that is read again and again; `most` is how many rows of its history are kept.

    All methods may be called by several threads. None raises for what a directory contains: `facts` tell it.
    """

    def __init__(self, name: str, directory: Path, most: int) -> None:
        self.name, self.directory = name, directory
        self.lock = Lock()
        self.history = FollowedHistory(directory / "history.jsonl", most)
        self.spec: Spec | None = None
        self.manifest: Mapping[str, Any] = NO_MANIFEST
        self.problems = {"manifest": "", "spec": ""}
        self._seen = (-1, -1)
        self._scene: tuple[int, dict[str, Any]] = (0, {})
        self._rest = 0.0

    def update(self, most: int = PIECE) -> bool:
        """Look at the directory again, and return whether there may be more of its history to read."""
        with self.lock:
            seen = _mark(self.directory / "manifest.json"), _mark(self.directory / "spec.json")
            if seen[0] != self._seen[0] or self.manifest["status"] in ("running", "starting"):
                self._look_at_manifest()
            if seen != self._seen and "spec" in self.manifest:
                self._look_at_spec()
            self._seen = seen
            return self.history.update(most)

    def _look_at_manifest(self) -> None:
        try:
            self.manifest, self.problems["manifest"] = read_state(self.directory), ""
        except SpecnetError as error:
            self.problems["manifest"] = error.message
            status = "running" if is_written(self.directory) else "damaged"
            self.manifest = {**self.manifest, "status": status}

    def _look_at_spec(self) -> None:
        """Read the spec, and the history from its beginning if the spec has changed."""
        path = self.directory / "spec.json"
        try:
            with open_inside(path):  # is not a link
                spec = read_spec(self.directory, self.manifest)
            if self.spec is None or spec.digest() != self.spec.digest():
                self.spec = spec
                self.history = FollowedHistory(self.history.path, self.history.most, _watch(spec))
            self.problems["spec"] = ""
        except SpecnetError as error:
            self.problems["spec"] = error.message

    def facts(self) -> dict[str, Any]:
        """Return status, progress and best value as JSON."""
        with self.lock:
            history, status = self.history, self.manifest["status"]
            epochs = self.spec.training.epochs if self.spec else None
            loss = next((name for name in ("validation/loss", "train/loss") if name in history.last), None)
            left = status == "running" and epochs and history.line and (epochs - history.line) * history.pace
            best = history.watch.best if history.watch else None
            problems = [*self.problems.values(), history.problem]
            seconds = history.seconds or self.manifest["seconds"]
            return {
                "name": self.name,
                "status": status,
                "epoch": history.line,
                "epochs": epochs,
                "loss": None if loss is None else rounded(history.last[loss]),
                "loss name": loss,
                "best": None if best is None else rounded(best),
                "best epoch": history.best_epoch if best is not None else None,
                "monitor": history.watch.monitor if history.watch else None,
                "seconds": seconds,
                "time": duration(seconds) if history.line else "",
                "left": duration(left) if left and left >= 1 else "",
                "started": self.manifest["started"],
                "error": self.manifest["error"] or "",
                "problem": self._shorten("\n".join(filter(None, problems))),
                "href": run_address(self.name),
                "report": _mark(self.directory / "report.html"),
                "record": _mark(self.directory / "record.npz"),
            }

    def _shorten(self, text: str) -> str:
        """Return a message with the names of this run's files instead of their paths."""
        return text.replace(f"{self.directory}{os.sep}", "")

    def row(self) -> dict[str, Any]:
        """Return the facts and a short curve of the loss."""
        facts = self.facts()
        with self.lock:
            if not (name := facts["loss name"]):
                return facts | {"spark": [], "log": False}
            columns = self.history.columns()
            shown = thin(columns[name], SPARK)
            points = zip(columns["epoch"][shown].tolist(), columns[name][shown].tolist(), strict=True)
            spark = [[epoch, rounded(value)] for epoch, value in points]
            return facts | {"spark": spark, "log": spans_decades([columns[name]])}

    def curves(self, position: str) -> dict[str, Any] | None:
        """Return the rows of the history after a position, and how to draw them; None if there is nothing new."""
        with self.lock:
            history = self.history
            if position == history.position:
                return None
            after, rows = history.rows_after(position)
            return {
                "id": history.position,
                "after": after,
                "names": history.names,
                "rows": [[row[0], *map(rounded, row[1:])] for row in rows],
                "panels": self._panels(),
            }

    def _panels(self) -> list[dict[str, Any]]:
        """Return the panels of the report without their points; each series names its column instead."""
        columns = self.history.columns()
        if not self.history.rows:
            return []
        run = SimpleNamespace(history=columns, spec=self.spec or SimpleNamespace(metrics=()))
        panels = [*history_panels([RunSet(self.name, self.directory, [run])])]  # type: ignore[list-item]
        for panel in panels:
            for series in panel["series"]:
                y = series.pop("y")
                del series["x"]
                series["column"] = next(name for name, values in columns.items() if values is y)
        return panels

    def is_rested(self) -> bool:
        """Return whether the replay may be made again: making it should take a small part of the time."""
        return monotonic() >= self._rest

    def scene(self) -> dict[str, Any]:
        """Return the replay of the frames so far, as in the report, or a `reason` if it cannot be made."""
        with _MAKING:
            mark, start = _mark(self.directory / "record.npz"), monotonic()
            if mark != self._scene[0]:
                self._scene = mark, self._make_scene()
                self._rest = monotonic() + REST * (monotonic() - start)
            return self._scene[1]

    def _make_scene(self) -> dict[str, Any]:
        from specnet.plugin_code import staying
        from specnet.report.paths import shorten_paths
        from specnet.report.replay import replay
        from specnet.runs.run import Run

        if any(path.is_symlink() for path in entries(self.directory)):
            return {"reason": "The directory of this run has symbolic links, which are not followed."}
        try:
            with staying():
                run = Run(self.directory, "latest", allow_other_kernels=True)
                try:
                    return {"scene": replay(run, LETTERS)}
                except SpecnetError as error:
                    return {"reason": shorten_paths(error.message, run)}
        except Exception as error:  # of a plugin, or of a file that the run has just replaced
            reason = error.message if isinstance(error, SpecnetError) else describe_error(error)
            return {"reason": self._shorten(reason)}


def _watch(spec: Spec) -> ImprovementTracker | None:
    """Return the tracker of the value by which a run chooses its best state; None if it chooses none."""
    checkpoint, stopping = spec.checkpoint, spec.training.early_stopping
    monitor = checkpoint.monitor or (stopping.monitor if stopping else "")
    if not monitor:
        return ImprovementTracker("validation/loss", "min")
    larger = any(metric.higher_is_better for metric in metrics_of(spec, monitor.partition("/")[2]))
    mode = checkpoint.mode or (stopping and stopping.mode) or ("max" if larger else "min")
    return ImprovementTracker(after_epoch(monitor), mode)


def _mark(path: Path) -> int:
    """Return a number that changes when a file is replaced; 0 if the file does not exist."""
    try:
        status = path.lstat()
    except OSError:
        return 0
    return hash((status.st_ino, status.st_mtime_ns, status.st_size)) & 0xFFFFFFFFFFFF


def run_address(name: str) -> str:
    """Return the address of the page of a run on the site."""
    return f"/run/{quote(name, errors='surrogateescape')}/"
