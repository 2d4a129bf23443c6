"""Small runs of every kind that a page replays, and what their records say that it shows."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import sampled

import specnet
from specnet.errors import DivergenceError
from specnet.task import classes

EPOCHS = 6
GRID = 128
"""Points along each of two inputs that are shown at most."""
IMAGES = 24
"""Images that are shown at most."""


def rows(count: int, features: int) -> np.ndarray:
    return np.random.default_rng(7).normal(size=(count, features))


def tanh(outputs: int) -> list[Any]:
    return [{"type": "linear", "units": 8}, "tanh", {"type": "linear", "units": outputs}]


def spec(dataset: Any, outputs: int, loss: str, *metrics: str, **changes: Any) -> dict[str, Any]:
    return {
        "seed": 3,
        "dataset": dataset,
        "split": {"validation": 0.2, "test": 0.2},
        "layers": tanh(outputs),
        "loss": loss,
        "metrics": list(metrics),
        "optimizer": {"type": "adam", "learning_rate": 0.03},
        "training": {"epochs": EPOCHS, "batch_size": 10},
        "record": {"every": 1},
        "plots": [],
        **changes,
    }


def arrays(folder: Path, inputs: np.ndarray, targets: np.ndarray) -> dict[str, str]:
    """A dataset of these inputs and targets."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "data.npz", inputs=inputs, targets=targets)
    return {"type": "npz", "path": str(folder / "data.npz")}


def thirds(x: np.ndarray) -> np.ndarray:
    """Three classes, about as many of each."""
    return np.digitize(x[:, 0] + 0.5 * x[:, -1], [-0.5, 0.5])


SPIRAL = {"type": "spiral", "n_samples": 80}
KINDS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "two classes in a plane": lambda folder: spec(
        SPIRAL, 1, "bce_with_logits", "accuracy", record={"every": 1, "points": 21}),
    "three classes in a plane": lambda folder: spec(
        arrays(folder, rows(90, 2), thirds(rows(90, 2))), 3, "cross_entropy", "accuracy",
        record={"every": 1, "points": 15}),
    "a number over a plane": lambda folder: spec(
        arrays(folder, rows(60, 2), np.sin(rows(60, 2)).sum(axis=1, keepdims=True)), 1, "mse", "r2",
        record={"every": 1, "points": 17}),
    "two numbers over a plane": lambda folder: spec(arrays(folder, rows(60, 2), rows(60, 2)[:, ::-1] ** 2), 2, "mse"),
    "a grid finer than is shown": lambda folder: spec(SPIRAL, 1, "bce_with_logits", record={"every": 2, "points": 200}),
    "responses of units": lambda folder: spec(
        SPIRAL, 1, "bce_with_logits", record={"every": 1, "points": 21, "units": True}),
    "a curve": lambda folder: spec({"type": "waves", "n_samples": 60}, 1, "mse", "mae", transforms={
        "inputs": ["standardize"], "targets": ["standardize"]}),
    "two classes over a line": lambda folder: spec(
        arrays(folder, rows(60, 1), (rows(60, 1)[:, 0] > 0).astype(int)), 1, "bce_with_logits"),
    "three classes over a line": lambda folder: spec(
        arrays(folder, rows(60, 1), thirds(rows(60, 1))), 3, "cross_entropy", "accuracy"),
    "images": lambda folder: spec(
        {"type": "shapes", "n_samples": 160, "noise": 0.05}, 4, "cross_entropy", "accuracy",
        layers=["flatten", {"type": "linear", "units": 4}]),
    "classes of many inputs": lambda folder: spec(
        arrays(folder, rows(120, 4), thirds(rows(120, 4))), 3, "cross_entropy", "accuracy"),
    "numbers of many inputs": lambda folder: spec(
        arrays(folder, rows(100, 4), rows(100, 4)[:, :1] * 2 + 1), 1, "mse", "r2"),
}  # fmt: skip
"""A spec for each kind of problem, with data in a folder."""
TWO = "two classes in a plane"
"""The kind that stands for all where the kind does not matter."""
PICTURED = [kind for kind in KINDS if kind != "images"]
"""Kinds that are drawn on a canvas."""
CLASSES = [kind for kind in KINDS if "class" in kind or kind == "images"]
NUMBERS = ["a number over a plane", "a curve", "numbers of many inputs"]
"""Kinds with one number for each sample."""
EVIL = "<b>{}</b></script><!--<img src=x onerror='window.hacked=1'>\"&\u2028"
"""A text that would do harm in a page if it became more than text."""


def each_kind(kinds: list[str], step: int = 5) -> Any:
    """Try kinds of pages, in an order in which tests of the same kind follow each other."""
    return pytest.mark.parametrize("kind", sampled(kinds, step), scope="module")


class Example:
    """A run with its page; it may have diverged."""

    def __init__(self, spec: dict[str, Any], folder: Path) -> None:
        with suppress(DivergenceError):
            specnet.run(specnet.load_spec(spec), out=folder / "run")
        self.run = specnet.load_run(folder / "run")
        self.path = self.run.report()

    @property
    def lines(self) -> dict[int, dict[str, float]]:
        """The lines of the history, by epoch."""
        lines = (self.run.directory / "history.jsonl").read_text().splitlines()
        return {line["epoch"]: line for line in map(json.loads, lines)}

    @property
    def epochs(self) -> list[int]:
        """The epochs of the frames."""
        return self.run.record["epochs"].tolist()

    def frames(self) -> dict[str, np.ndarray]:
        """What the page shows, frame by frame, read from the record alone."""
        record = self.run.record
        found = record["predictions"].astype(np.float64)
        if "axis_1" in record:
            step = -(-found.shape[1] // GRID)
            found = np.swapaxes(found, 1, 2)[:, ::step, ::step]
        elif self.images:
            found = found[:, self.rows]
        if self.run.spec.loss.takes == "numbers" or ("axis_0" in record and "axis_1" not in record):
            shown = {"value": found}
        elif found.shape[-1] == 1:
            shown = {"probability": found[..., 0]}
        else:
            shown = {"winner": classes(found), "share": found.max(axis=-1)}
            if "axis_0" not in record and not self.images:  # of a sample it is the share of what it is
                shown["share"] = found[:, np.arange(found.shape[1]), self.shown(self.samples.targets)]
        for name in record["unit_layers"].tolist():
            shown[f"units/{name}"] = np.transpose(record[f"units/{name}"].astype(np.float64), (0, 3, 2, 1))
        return shown

    @property
    def samples(self) -> Any:
        """The samples of the last split."""
        return list(self.run.data.splits.values())[-1]

    @property
    def rows(self) -> np.ndarray:
        """Which samples of the record are shown: all, but of images only some."""
        count = len(self.run.record["sample_rows"])
        return np.unique(np.linspace(0, count - 1, min(count, IMAGES if self.images else count)).round().astype(int))

    def shown(self, values: np.ndarray) -> np.ndarray:
        """Those of the values of each sample of the last split that the page shows."""
        return np.asarray(values)[self.run.record["sample_rows"][self.rows]]

    @property
    def images(self) -> bool:
        """Whether the samples are images."""
        return self.run.data.train.inputs.ndim == 4


def maker(folder: Path) -> Callable[[str], Example]:
    """Makes the example of a kind, trained when it is first asked for."""

    @cache
    def make(kind: str) -> Example:
        own = folder / kind.replace(" ", "-")
        return Example(KINDS[kind](own), own)

    return make
