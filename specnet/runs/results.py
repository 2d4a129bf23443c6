"""What is written of trained runs: `results.json`, and the page that compares several."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, FiniteFloat

from specnet.errors import RunError
from specnet.runs.storage.directory import inside
from specnet.runs.storage.files import check_model, read_run_json, write_json, write_text

if TYPE_CHECKING:
    from specnet.report.entries import RunSet
    from specnet.runs.run import Run

_Scores = dict[str, FiniteFloat | None]


class _Results(BaseModel):
    """The content of `results.json`; splits that a run does not have are missing."""

    checkpoint: str
    train: _Scores
    validation: _Scores | None = None
    test: _Scores | None = None
    interval: dict[str, dict[str, list[FiniteFloat]]] = {}


def write_results(run: Run) -> None:
    """Write loss and metrics of each split to `results.json`, the checkpoint that they are of, and what is beside them.

    Values that are not finite are null.
    """
    scores = {split: finite_scores(run.evaluate(split)) for split in run.data.splits}
    moment = {"checkpoint": run.checkpoint.name, "epoch": run.progress["epoch"], "step": run.progress["step"]}
    best = {"monitor": run.best["monitor"], "value": run.best["value"]}
    write_json(inside(run.directory, "results.json"), moment | best | scores | beside_scores(run))


def beside_scores(run: Run) -> dict[str, Any]:
    """Return what is written beside loss and metrics, as JSON: baselines, and intervals of the test split."""
    intervals = run.intervals.items()
    return {
        "baseline": {split: finite_scores(values) for split, values in run.baselines.items()},
        "linear_baseline": {split: finite_scores(values) for split, values in run.linear_baselines.items()},
        "interval": {split: {name: [*limits] for name, limits in found.items()} for split, found in intervals},
    }


def read_results(directory: Path, checkpoint: str) -> dict[str, dict[str, float]] | None:
    """Return loss and metrics of each split from `results.json`; None unless it is intact and of this checkpoint."""
    if (found := _read(directory, checkpoint)) is None:
        return None
    splits = {split: found[split] for split in ("train", "validation", "test") if found.get(split)}
    return {
        split: {name: math.nan if value is None else value for name, value in values.items()}
        for split, values in splits.items()
    }


def read_intervals(directory: Path, checkpoint: str) -> dict[str, dict[str, tuple[float, float]]]:
    """Return the intervals in `results.json`, by split and name; empty unless it is intact and of this checkpoint."""
    found = (_read(directory, checkpoint) or {}).get("interval", {})
    return {
        split: {name: (limits[0], limits[-1]) for name, limits in intervals.items() if limits}
        for split, intervals in found.items()
    }


def _read(directory: Path, checkpoint: str) -> dict[str, Any] | None:
    path = directory / "results.json"
    try:
        found = read_run_json(path)
        check_model(_Results, found, path)
    except RunError:
        return None
    return found if found["checkpoint"] == checkpoint else None


def finite_scores(values: Mapping[str, float]) -> dict[str, float | None]:
    """Return values as JSON: those that are not finite are null."""
    return {name: float(value) if math.isfinite(value) else None for name, value in values.items()}


def write_comparison(entries: Sequence[Run | RunSet], output: Path, left_out: Sequence[str] = ()) -> Path:
    """Write a page with runs and groups of runs side by side to a file and return its path.

    `left_out` says what the page does not show, and why.
    """
    from specnet.report.compare_page import compare_page

    write_text(output, compare_page(entries, output, left_out))
    return output
