"""The progress of a run in a notebook."""

from __future__ import annotations

import html
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from specnet.functions import format_number
from specnet.runs.observers import Observer, TrainingView

_REFRESH = 0.2
"""Seconds between two updates at least."""


class Shown:
    """Text and a share from 0 to 1, as a notebook displays them."""

    def __init__(self, text: str, share: float) -> None:
        self.text, self.share = text, share

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return f'<progress value="{self.share:.4f}"></progress> {html.escape(self.text)}'


class ResultTable:
    """Loss and metrics of each split, as a notebook displays them."""

    def __init__(self, scores: Mapping[str, Mapping[str, float]]) -> None:
        names = list(dict.fromkeys(name for values in scores.values() for name in values))
        self.rows = [["split", *names]]
        for split, values in scores.items():
            self.rows.append([split, *(format_number(values[name]) if name in values else "" for name in names)])

    def __repr__(self) -> str:
        widths = [max(map(len, column)) for column in zip(*self.rows, strict=True)]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in self.rows
        )

    def _repr_html_(self) -> str:
        head, *rows = [[html.escape(cell) for cell in row] for row in self.rows]
        cells = "".join(f"<tr><th>{row[0]}</th>{''.join(f'<td>{cell}</td>' for cell in row[1:])}</tr>" for row in rows)
        return f"<table><tr>{''.join(f'<th>{name}</th>' for name in head)}</tr>{cells}</table>"


class NotebookProgress(Observer):
    """A bar with epoch and losses below the cell that trains, and the results below it."""

    def __init__(self, display: Any) -> None:
        self.display = display
        self.shown = Shown("", 0.0)
        self.last = 0.0

    def begin(self, view: TrainingView) -> None:
        self.shown = Shown(f"{view.spec.name}: epoch {view.epoch:,}", view.epoch / view.spec.training.epochs)
        self.handle = self.display(self.shown, display_id=True)

    def epoch(self, view: TrainingView, values: Mapping[str, Any]) -> None:
        epochs = view.spec.training.epochs
        losses = "".join(f", {name} {format_number(values[name])}" for name in values if name.endswith("/loss"))
        self.shown = Shown(f"{view.spec.name}: epoch {view.epoch:,} of {epochs:,}{losses}", view.epoch / epochs)
        if (now := time.monotonic()) - self.last >= _REFRESH:
            self.last = now
            self.handle.update(self.shown)

    def end(self, view: TrainingView, status: str) -> None:
        self.shown.text += f", {status}"
        self.handle.update(self.shown)

    def results(self, view: TrainingView, scores: Mapping[str, Mapping[str, float]], plots: Sequence[Path]) -> None:
        self.display(ResultTable(scores))

    def warned(self, message: str) -> None:
        self.display(Shown(f"warning: {message}", 1.0))


def notebook_progress() -> NotebookProgress | None:
    """Return what shows progress in a notebook, None elsewhere: in scripts, and in IPython's terminal."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython and hasattr(ipython, "get_ipython") else None
    return NotebookProgress(ipython.display.display) if ipython and hasattr(shell, "kernel") else None
