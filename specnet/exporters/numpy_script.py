"""The target `numpy`: a script that predicts with NumPy alone."""

from __future__ import annotations

import math
import runpy
import textwrap
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from specnet.datasets.text_files import SEPARATORS
from specnet.exporters.base import Exporter, table_columns
from specnet.exporters.program import follow
from specnet.exporters.source import NumpySource, show_array
from specnet.exporters.tracing import traced_input
from specnet.runs.storage.files import write_bytes, write_file
from specnet.runs.trained.model import TrainedModel

_INSIDE = 100
"""Numbers up to which weights are written into the script."""


class NumpyScript(Exporter):
    """A readable Python script that needs only NumPy, with the weights inside or, if there are many, in an `.npz` file.

    A component that cannot be followed has a method `numpy(code, x)`, as `specnet.exporters.source.Code` says.
    """

    extension = ".py"

    def write(self, run: TrainedModel, rows: np.ndarray, path: Path) -> Iterable[str]:
        program = follow(run.model, traced_input(rows), "numpy", lambda component: getattr(component, "numpy", None))
        source = NumpySource(program.arrays)
        output = source.write(program)
        size = sum(array.size for array in source.arrays.values())
        columns, dataset = table_columns(run, rows), run.dataset
        header, row = _printed(run, program.output.value)
        delimiter, decimal = getattr(dataset, "delimiter", None), getattr(dataset, "decimal", ".")
        encoding = getattr(dataset, "encoding", "utf-8")
        marks = {getattr(dataset, "thousands", None): "", decimal: "."}
        content = render(
            "script.py.j2",
            about=_quoted(textwrap.fill(f"{run.name}: {run.spec.description or 'predictions of a network.'}", 110)),
            step=int(run.checkpoint.stem.removeprefix("step-")),
            name=_quoted(path.name),
            columns=columns,
            kinds={column.type for column in columns or ()},
            weights={name: show_array(array) for name, array in source.arrays.items()} if size <= _INSIDE else None,
            missing="{" + ", ".join(map(repr, dict.fromkeys(["", *getattr(dataset, "na_values", ())]))) + "}",
            shape=", ".join(map(str, rows.shape[1:])),
            lines=source.lines,
            output=output,
            marks="".join(f".replace({mark!r}, {new!r})" for mark, new in marks.items() if mark not in (None, new)),
            delimiter=delimiter,
            separators=SEPARATORS,
            encoding="utf-8-sig" if encoding == "utf-8" else encoding,
            header=header,
            row=row,
        )
        write_bytes(path, content)
        if size > _INSIDE:
            write_file(path.with_suffix(".npz"), lambda file: np.savez(file, **source.arrays))  # type: ignore[arg-type]
        return ()

    def predict(self, run: TrainedModel, rows: np.ndarray, path: Path) -> np.ndarray:
        with np.errstate(all="ignore"):
            predictions: np.ndarray = runpy.run_path(str(path))["predict"](rows)
        return predictions


def render(template: str, **values: object) -> bytes:
    """Return a template of this folder with its values in place."""
    environment = Environment(
        loader=PackageLoader("specnet.exporters", ""), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["code"] = repr
    text = environment.get_template(template).render(values)
    return ("\n".join(map(str.rstrip, text.splitlines())) + "\n").encode()


def _quoted(text: str) -> str:
    """Return a text for the inside of a docstring."""
    return text.replace("\\", "\\\\").replace('"""', '\\"' * 3)


def _printed(run: TrainedModel, predictions: np.ndarray) -> tuple[list[str], str]:
    """Return the header of the predictions that the script prints, and the code for the cells of a row."""
    part, width = run.task.parts[0], math.prod(predictions.shape[1:])
    names = [*part.classes, *map(str, range(len(part.classes), max(width, 2)))]
    what = "score" if run.spec.loss.takes == "numbers" else "probability"
    if len(run.task.parts) > 1:
        return [f"y{each}" for each in range(width)], "*row"
    if part.has_classes and predictions.dtype.kind == "f":
        (target,) = run.target_names if len(run.target_names) == 1 else ("class",)
        chosen = "row[0] >= 0.5" if width == 1 else "int(np.argmax(row))"
        shown = names[1:] if width == 1 else names
        return [target, *(f"{what} of {name}" for name in shown)], f"{names!r}[{chosen}], *row"
    if part.kind == "multilabel":
        return [f"{what} of {name}" for name in names[:width]], "*row"
    return [*run.target_names] if len(run.target_names) == width else [f"y{each}" for each in range(width)], "*row"
