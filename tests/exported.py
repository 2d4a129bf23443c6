"""A small model for each built-in layer, transform and loss, to export it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from helpers import built_in

import specnet
from specnet.component import find_class
from specnet.errors import ShapeError, SpecnetError
from specnet.network.network import Network
from specnet.testing.examples import examples
from specnet.training.model import Model
from specnet.transforms.base import Transform
from specnet.transforms.pipeline import Pipeline

SHAPES: tuple[tuple[int, ...], ...] = ((5,), (4, 5), (6, 6, 3), (8,))
"""Shapes of samples to try a layer with: the first that it takes."""


def model(
    layers: list[Any], shape: tuple[int, ...], loss: Any, inputs: Any = (), targets: Any = (), dtype: Any = "float64"
) -> Model:
    """Return a model with parameters that are all different, and fitted transforms."""
    network = Network([specnet.build("layers", layer) for layer in layers], shape, dtype, seed=1)  # type: ignore[misc]
    rng = np.random.default_rng(2)
    network.params.flat[...] += rng.normal(size=network.params.flat.shape) * 0.1
    network.state.flat[...] += rng.uniform(size=network.state.flat.shape)
    pipelines = (Pipeline(each, ("transforms", name)) for each, name in ((inputs, "inputs"), (targets, "targets")))
    return Model(network, specnet.build("losses", loss), *pipelines)  # type: ignore[arg-type]


def models(dtype: str = "float64") -> Iterator[tuple[str, Model, np.ndarray]]:
    """Yield names of components, models and raw inputs for them."""
    rng = np.random.default_rng(3)
    for name in built_in("layers"):
        for layer in examples(find_class("layers", name)):
            made, shape = _build(layer, dtype)
            yield f"{name} {layer}", made, layer.example_inputs(rng, (7, *shape)).astype(dtype)
    for name in built_in("losses"):
        for loss in examples(find_class("losses", name)):
            y = loss.example_outputs(rng, (7, 12)).astype(dtype)
            yield f"{name} {loss}", model(["dropout"], (12,), loss, dtype=dtype), y
    for name in built_in("transforms"):
        for transform in examples(find_class("transforms", name)):
            if not isinstance(transform, Transform):
                continue
            x = rng.uniform(1, 200, (40, 3))
            if type(transform).categorical or name == "ordinal":
                x = rng.integers(2, 6, (40, 3))
            if type(transform).takes_missing:
                x[3:9, 0] = np.nan
            x = np.concatenate([x, x[::-1]])
            pipeline = Pipeline([transform], ("transforms", "inputs"))
            y = pipeline.fit(x)
            yield f"{name} {transform}", _around(model(["flatten"], y.shape[1:], "mse", dtype=dtype), pipeline), x[:11]
            if type(transform).inverts():
                pipeline.place = ("transforms", "targets")
                inverting = model(["flatten"], y.shape[1:], "mse", dtype=dtype)
                inverting.targets = pipeline
                yield f"{name} {transform} undone", inverting, y[:11]


def _around(made: Model, pipeline: Pipeline) -> Model:
    made.inputs = pipeline
    return made


def _build(layer: Any, dtype: str) -> tuple[Model, tuple[int, ...]]:
    for shape in SHAPES:
        try:
            return model([layer], shape, "mse", dtype=dtype), shape
        except ShapeError:
            continue
    raise SpecnetError(f"no shape was found for {layer}")


LENGTHS, TOWNS = ("1.5", "", "3", "4.25", "5", "6"), ("Ulm", "Köln", "Bonn", "")
DAYS = ("2024-05-31", "2023-01-02 12:00", "1969-12-24")
TOWNS_SPEC: dict[str, Any] = {
    "name": "towns",
    "dataset": {
        "type": "csv",
        "path": "towns.csv",
        "inputs": [
            "length", {"name": "town", "type": "category", "missing": "category"},
            {"name": "floor", "type": "category", "handle_unknown": "ignore"}, "seen", "day",
        ],
        "targets": ["long"],
    },
    "transforms": {
        "inputs": ["impute", {"type": "date_parts", "columns": ["day"], "cyclic": True}, "standardize"],
    },
    "layers": [{"type": "linear", "units": 8}, {"type": "residual", "layers": ["gelu"]}, "linear"],
    "loss": "bce_with_logits",
    "training": {"epochs": 3, "batch_size": 8},
    "plots": [],
}  # fmt: skip


def train_towns(folder: Path, **changes: Any) -> specnet.Run:
    """Return a run on a table with numbers, categories, a pair of them, dates and gaps."""
    cells = zip(LENGTHS * 10, TOWNS * 15, ("1", "2", "3") * 20, ("y", "n") * 30, DAYS * 20, strict=True)
    lines = [",".join([*row, "no" if row[0] < "3" else "yes"]) for row in cells]
    (folder / "towns.csv").write_text("\n".join(["length,town,floor,seen,day,long", *lines]), encoding="utf-8")
    (folder / "towns.json").write_text(json.dumps(TOWNS_SPEC | changes))
    return specnet.run(specnet.load_spec(folder / "towns.json"), out=folder / "towns", report=False)
