"""Files of other samples for a trained run, and files of its predictions."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import ZipFile

import numpy as np
from numpy.lib.format import dtype_to_descr, write_array_header_1_0

from specnet.component import build, find_class
from specnet.datasets.base import AnySamples, Dataset
from specnet.datasets.rows import Rows, pieces
from specnet.errors import DataError, SpecError, SpecnetError, UsageError
from specnet.metrics.base import drop_column
from specnet.numpy_files import read_npy
from specnet.runs.files import write_file
from specnet.runs.run import Run
from specnet.task import class_scores, classes


@contextmanager
def blamed_on(path: Path, run: Run) -> Iterator[None]:
    """Make errors from inside name the file of samples, and the place in it, instead of one in the run's spec."""
    try:
        yield
    except SpecnetError as error:
        if isinstance(error, DataError) and error.row is not None and path.suffix != ".npy":
            error.name_row(error.row, _reader(run, path).place(path, error.row))
        found = [diagnostic._replace(pointer=()) for diagnostic in error.diagnostics]
        raise SpecError(found, file=str(path)) from error


def read_samples(run: Run, path: Path) -> AnySamples:
    """Return inputs and targets, in the dataset's units, from a `.csv` or `.npz` file.

    Columns and arrays have the names that the run's dataset uses.

    Raises:
        SpecnetError: if the file cannot be read or lacks what is needed.
    """
    return _reader(run, path).read(path, targets=True, classes=run.classes)


def read_inputs(run: Run, path: Path) -> np.ndarray:
    """Return inputs, in the dataset's units, from a `.csv`, `.npz` or `.npy` file.

    Raises:
        SpecnetError: if the file cannot be read or lacks what is needed.
    """
    if path.suffix != ".npy":
        inputs = _reader(run, path).read(path, targets=False, classes=run.classes).inputs
        return inputs[:] if isinstance(inputs, Rows) else inputs
    return read_npy(path)


def _reader(run: Run, path: Path) -> Dataset:
    """Return the dataset component to read this file: the run's own if it can, else one with its names."""
    if path.suffix in run.dataset.extensions:
        return run.dataset
    tables: tuple[str, ...] = find_class("datasets", "csv").extensions
    if path.suffix not in (*tables, ".npz"):
        raise UsageError(f"{path}: the file name should end in .csv, .npz or .npy")
    kind = "npz" if path.suffix == ".npz" else "csv"
    description: dict[str, Any] = {"type": kind, "path": str(path)}
    if kind == "csv":
        if not run.input_names:
            raise UsageError(f"{path}: the inputs of this run have no column names", help="save them as .npz or .npy")
        description |= {"inputs": run.input_names, "targets": run.target_names or ["target"]}
    reader = build("datasets", description)
    assert isinstance(reader, Dataset)
    return reader


def write_arrays(file: BinaryIO, arrays: Mapping[str, np.ndarray | Rows]) -> None:
    """Write arrays as `numpy.savez` does, larger than memory piece by piece."""
    with ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            header = {"descr": dtype_to_descr(array.dtype), "fortran_order": False, "shape": array.shape}
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                write_array_header_1_0(member, header)
                for piece in pieces(array):
                    member.write(np.ascontiguousarray(piece).data)


def write_predictions(run: Run, predictions: np.ndarray, output: Path) -> None:
    """Write predictions to a `.csv`, `.npy` or `.npz` file (array `predictions`).

    Raises:
        UsageError: if the file has another extension, or predictions have too many axes for a table.
    """
    if output.suffix == ".csv":
        content = predictions_csv(run, predictions)
        write_file(output, lambda file: file.write(content))
    elif output.suffix == ".npy":
        write_file(output, lambda file: np.save(file, predictions, allow_pickle=False))
    elif output.suffix == ".npz":
        write_file(output, lambda file: np.savez(file, predictions=predictions))
    else:
        raise UsageError(f"{output}: the file name should end in .csv, .npy or .npz")


def predictions_csv(run: Run, predictions: np.ndarray) -> bytes:
    """Return CSV in UTF-8, a row for each prediction.

    The first columns have the predictions, under the names of the targets, and classes by name. For classes and
    labels, columns "probability of NAME" follow, or "score of NAME" if the loss does not take probabilities.

    Raises:
        UsageError: if predictions have too many axes for a table.
    """
    if predictions.ndim > 2:
        raise UsageError(
            f"predictions of shape {predictions.shape[1:]} do not fit into a table", help="write them to .npy"
        )
    columns = [*_columns(run, predictions)]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([name for name, _ in columns])
    writer.writerows(zip(*(values.tolist() for _, values in columns), strict=True))
    return stream.getvalue().encode()


def _columns(run: Run, predictions: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the name and the values (n,) of each column."""
    part = run.task.only
    rows = predictions if predictions.ndim == 2 else predictions[:, np.newaxis]
    if part.kind == "regression":
        numbered = tuple(f"y{number}" for number in range(rows.shape[1]))
        yield from zip(run.target_names if len(run.target_names) == len(numbered) else numbered, rows.T, strict=True)
        return
    # Outputs beyond the dataset's classes have numbers instead of names.
    names = [*part.classes, *map(str, range(len(part.classes), rows.shape[1]))]
    if part.has_classes:
        (target,) = run.target_names if len(run.target_names) == 1 else ("class",)
        yield target, np.array(names, object)[drop_column(classes(predictions))]
    else:
        yield from zip(names, (rows >= 0.5).astype(np.int64).T, strict=True)
    if predictions.dtype.kind in "iu":
        return
    what = "score" if run.spec.loss.takes == "numbers" else "probability"
    if part.has_classes and rows.shape[1] == 1:
        rows, names = (rows, names[1:]) if what == "score" else (class_scores(rows), names)
    yield from zip([f"{what} of {name}" for name in names], rows.T, strict=True)
