"""The contract of exporters, and the export of a run by one of them."""

from __future__ import annotations

import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

import numpy as np

from specnet.component import find_class
from specnet.datasets.columnar import Columnar
from specnet.datasets.columns import Column
from specnet.datasets.sampling import evenly_chosen
from specnet.errors import DataError, ExportError, UsageError
from specnet.exporters.tracing import largest_difference
from specnet.runs.run import Run
from specnet.runs.trained.model import TrainedModel

COMPARED = 200
"""Rows with which an exported model is compared with the run."""


class Exporter(ABC):
    """Writes a trained network for use elsewhere: a target of `specnet export`.

    The entry point of the class is in the group `specnet.exporters`. `write` writes the file `path`, and others beside
    it. `predict` computes with what was written: its predictions for some rows of the data are compared with those of
    the run. A difference larger than `bound`, relative to the largest prediction, is an error.
    """

    group: ClassVar[str] = "exporters"
    extension: ClassVar[str] = ""
    """Extension of the file's name, such as ".py"."""
    other_extensions: ClassVar[tuple[str, ...]] = ()
    """Further extensions that the file's name may have."""
    needs_rows: ClassVar[bool] = True
    """Whether it needs rows of the data; `write` gets none otherwise."""

    @abstractmethod
    def write(self, run: TrainedModel, rows: np.ndarray, path: Path) -> Iterable[str]:
        """Write a run's model, and return notes about it; `rows` are some raw inputs.

        Raises:
            SpecnetError: naming a component that this target does not have.
        """

    def predict(self, run: TrainedModel, rows: np.ndarray, path: Path) -> np.ndarray | None:
        """Return what the written model predicts for raw inputs; None if it is not compared."""
        return None

    def bound(self, run: TrainedModel) -> float:
        """Return the largest difference that is allowed."""
        return 1e-10 if run.spec.dtype == "float64" else 1e-5


def export(run: TrainedModel, target: str, path: Path, rows: np.ndarray | None = None) -> list[str]:
    """Write a run's model for a target, and return lines that describe it.

    It is compared with `run.predict` on raw inputs `rows`, by default those of the last split, or those that a bundle
    contains. Files are only put in place after that.

    Raises:
        UsageError: if a file already exists, or its name has another extension than the target's.
        ExportError: if a component cannot be exported, or predictions differ.
    """
    exporter: Exporter = find_class("exporters", target)()
    if path.suffix not in (extensions := (exporter.extension, *exporter.other_extensions)):
        raise UsageError(f"{path}: the file name should end in {' or '.join(extensions)}")
    if rows is None:
        rows = _rows_to_compare(run) if exporter.needs_rows else np.empty(0)
    rows = rows[:COMPARED]
    if exporter.needs_rows and not len(rows):
        raise DataError("there are no rows to compare with")
    expected = run.predict(rows) if exporter.needs_rows else rows  # refuses rows that do not fit
    with tempfile.TemporaryDirectory(prefix=".export-", dir=path.parent) as folder:
        staged = Path(folder) / path.name
        lines = [*exporter.write(run, rows, staged)]
        lines += _compare(exporter, run, rows, expected, staged)
        written = sorted(each.name for each in Path(folder).iterdir() if each.is_file())
        for name in written:
            if os.path.lexists(path.parent / name):
                raise UsageError(f"{path.parent / name} already exists", help="choose another name, or remove it")
        for name in written:
            (Path(folder) / name).rename(path.parent / name)
    return [f"{target}: {', '.join(str(path.parent / name) for name in written)}", *lines]


def _rows_to_compare(run: TrainedModel) -> np.ndarray:
    if not isinstance(run, Run):
        return run.rows
    try:
        return evenly_chosen(run.data.last_split[1], COMPARED).inputs
    except DataError as error:
        error.help = "to compare with other rows: --data FILE"
        raise


def _compare(exporter: Exporter, run: TrainedModel, rows: np.ndarray, expected: np.ndarray, path: Path) -> list[str]:
    found = exporter.predict(run, rows, path)
    if found is None:
        return []
    difference, bound = largest_difference(found, expected), exporter.bound(run)
    told = f"largest difference from the run's predictions for {len(rows)} rows: {difference:.2g}"
    if not difference <= bound:
        raise ExportError(f"{told}, more than {bound:g}; nothing was written")
    return [f"{told} (at most {bound:g})"]


def table_columns(run: TrainedModel, rows: np.ndarray) -> list[Column] | None:
    """Return the columns of a table that become raw inputs `rows`; None if samples are no rows of one."""
    names, dataset = run.input_names, run.dataset
    if rows.ndim != 2 or rows.shape[1] != len(names):
        return None
    if isinstance(dataset, Columnar):
        return [*dataset.inputs]
    return [Column(name=name, type="number") for name in names]


def transform_arrays(run: TrainedModel) -> dict[str, np.ndarray]:
    """Return what the transforms of a run have learned, by name; without empty arrays."""
    arrays = {**run.model.inputs.arrays(), **run.model.targets.arrays()}
    return {name: array for name, array in arrays.items() if array.size}
