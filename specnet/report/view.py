"""What a page says of a run in words and tables."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from specnet.errors import SpecnetError
from specnet.functions import format_number, is_image
from specnet.network.summary import describe_layer
from specnet.recording.classes import output_names
from specnet.recording.curves import DEAD_UNITS, OF_WEIGHTS
from specnet.recording.scene import limits
from specnet.report.base import Reported
from specnet.report.packing import thumbnails
from specnet.report.paths import shorten_paths
from specnet.report.results import Example, PredictedNumbers, Worst
from specnet.report.series import PanelJson

_Made = TypeVar("_Made")

INPUTS = 8
"""Inputs of an example that are shown at most, where it is no image."""
CONFUSION_CLASSES = 60
"""Classes up to which a confusion matrix is shown."""


class Part(NamedTuple):
    """A part of a page, or why it is missing."""

    value: Any
    reason: str = ""


def make_part(run: Reported, make: Callable[[], _Made]) -> Part:
    """Return what `make` returns of a run, or why it does not: data may have been moved since."""
    try:
        return Part(make())
    except SpecnetError as error:
        return Part(None, shorten_paths(error.message, run))


def facts(run: Reported) -> list[tuple[str, str]]:
    """Return the facts that a page begins with: name and value."""
    manifest, best = run.manifest, run.best
    epochs = run.history["epoch"][-1] if run.history else 0
    rows = [
        ("status", run.status),
        ("epochs", f"{epochs:,} of {run.spec.training.epochs:,}"),
        ("time", duration(manifest["seconds"])),
        ("started", manifest["started"].replace("T", " ").replace("+00:00", " UTC")),
        ("seed", str(run.spec.seed)),
        ("parameters", f"{sum(parameter.size for parameter in run.params.values()):,}"),
    ]
    if best["value"] is not None:  # there is none before the first epoch is complete
        rows.append((f"best {best['monitor']}", f"{format_number(best['value'])} at epoch {best['epoch']:,}"))
    return rows


def duration(seconds: float) -> str:
    """Return a time as one says it.

    >>> duration(0.615), duration(83.2), duration(7384)
    ('0.61 s', '1 min 23 s', '2 h 3 min')
    """
    if seconds < 10:
        return f"{seconds:.2g} s"
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


class LayerRow(NamedTuple):
    """A layer, and for each value that a record has of it where its curve is: panel and name, as a JSON value."""

    name: str
    type: str
    shape: str
    parameters: int
    cells: list[str]


class LayerTable(NamedTuple):
    """All layers of a run, and the titles of what a record has of them."""

    titles: list[str]
    rows: list[LayerRow]


def layer_table(run: Reported, panels: Sequence[PanelJson]) -> LayerTable:
    """Return name, type, output shape and parameters of each layer, and where its curves are."""
    titles = (*OF_WEIGHTS, DEAD_UNITS)
    numbers = [number for number, panel in enumerate(panels) if panel["title"] in titles]
    curves = {(number, series["name"]) for number in numbers for series in panels[number]["series"]}
    rows = []
    for name, layer in run.model.network.named.items():
        size = sum(math.prod(parameter.shape) for parameter in layer.parameters)
        cells = [json.dumps([number, name]) if (number, name) in curves else "" for number in numbers]
        rows.append(LayerRow(name, describe_layer(layer), " × ".join(map(str, layer.output_shape)) or "1", size, cells))
    return LayerTable([panels[number]["title"] for number in numbers], rows)


class ExampleView(NamedTuple):
    """An example, where it comes from, and its image or else its inputs as text."""

    example: Example
    place: str
    image: str | None
    inputs: str


def show_examples(run: Reported, worst: Worst) -> list[ExampleView]:
    """Return examples with their images, or the first of their inputs."""
    if not (examples := worst.examples):
        return []
    places = [run.data.place(worst.split, example.row) for example in examples]
    inputs = np.stack([example.inputs for example in examples])
    shown: list[tuple[str | None, str]]
    if is_image(inputs.shape[1:]):
        shown = [(image, "") for image in thumbnails(inputs)]
    else:
        shown = [(None, describe_inputs(run, each)) for each in inputs]
    found = zip(examples, places, shown, strict=True)
    return [ExampleView(example, place, *picture) for example, place, picture in found]


def describe_inputs(run: Reported, inputs: np.ndarray) -> str:
    """Return the first of a sample's numbers as text, by name where they have names."""
    names = run.input_names if len(run.input_names) == inputs.size else ()
    first = inputs.reshape(-1)[:INPUTS].tolist()
    texts = ["missing" if math.isnan(number) else format_number(number) for number in first]
    if names:
        texts = [f"{name} {number}" for name, number in zip(names, texts, strict=False)]
    return ", ".join(texts) + (" …" if inputs.size > INPUTS else "")


def residual_pictures(run: Reported, residuals: PredictedNumbers) -> list[dict[str, Any]]:
    """Return what the page's script draws of residuals, as JSON values."""
    (name,) = output_names(run, None, 1)
    common = {
        "classes": None,
        "label": residuals.label,
        "split": residuals.split,
        "outputs": [name],
        "truth": [[number] for number in residuals.truth.tolist()],
        "prediction": residuals.prediction.tolist(),
        "counts": residuals.counts.tolist(),
        "edge": residuals.edge,
        "beyond": residuals.beyond,
        "range": limits([residuals.truth, residuals.prediction], 0.08),  # shows each prediction
    }
    return [{"kind": "fit", **common}, {"kind": "histogram", **common}]


def describe_manifest(manifest: Mapping[str, Any]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield the parts of a manifest, each with its rows: where in the part, and what stands there."""
    held = {key: value for key, value in manifest.items() if isinstance(value, dict | list)}
    yield "run", list(rows_of({key: value for key, value in manifest.items() if key not in held}))
    for key, value in held.items():
        if rows := list(rows_of(value)):
            yield key, rows


def rows_of(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Yield what a JSON value holds, each with its place; nulls and empty lists are left out."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from rows_of(each, f"{place} {key}".strip())
    elif isinstance(value, list) and any(isinstance(each, dict | list) for each in value):
        for number, each in enumerate(value, start=1):
            yield from rows_of(each, f"{place} {number}".strip())
    elif value not in (None, []):
        yield place, ", ".join(map(str, value)) if isinstance(value, list) else str(value)
