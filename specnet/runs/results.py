"""What is written of trained runs: `results.json`, and the page that compares several."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from specnet.runs.directory import inside
from specnet.runs.files import write_file, write_json
from specnet.runs.run import Run


def write_results(run: Run) -> None:
    """Write loss and metrics of each split to `results.json`, the checkpoint that they are of, and the baselines.

    Values that are not finite are null.
    """
    scores = _finite({split: run.evaluate(split) for split in run.data.splits})
    moment = {"checkpoint": run.checkpoint.name, "epoch": run.progress["epoch"], "step": run.progress["step"]}
    best = {"monitor": run.best["monitor"], "value": run.best["value"]}
    write_json(inside(run.directory, "results.json"), moment | best | scores | {"baseline": _finite(run.baselines)})


def _finite(scores: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float | None]]:
    return {
        split: {name: float(value) if math.isfinite(value) else None for name, value in values.items()}
        for split, values in scores.items()
    }


def write_comparison(runs: Sequence[Run], output: Path) -> Path:
    """Write a page with runs side by side to a file and return its path."""
    from specnet.report.page import page

    content = page(runs).encode("utf-8", "backslashreplace")
    write_file(output, lambda file: file.write(content))
    return output
