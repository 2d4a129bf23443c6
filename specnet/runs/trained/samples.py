"""Files of other samples for a trained run, and files of its predictions."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import ZipFile

import numpy as np
from numpy.lib.format import dtype_to_descr, write_array_header_1_0

from specnet.component import build, find_class
from specnet.datasets.base import AnySamples, Dataset
from specnet.datasets.columnar import Columnar
from specnet.datasets.memory import column_names
from specnet.datasets.rows import Rows, pieces
from specnet.datasets.text_files import STDIN
from specnet.errors import DataError, SpecError, SpecnetError, UsageError
from specnet.numpy_files import read_npy
from specnet.runs.storage.files import write_bytes, write_file
from specnet.runs.trained.model import TrainedModel
from specnet.runs.trained.predictions import name_predictions

_SETTING = re.compile(r'\bset "\w+"|\bwrite \{|--set ')
"""Advice to change the spec."""


@contextmanager
def blamed_on(path: Path, run: TrainedModel) -> Iterator[None]:
    """Make errors from inside name the file of samples, and the place in it, instead of one in the run's spec."""
    try:
        yield
    except SpecnetError as error:
        if isinstance(error, DataError) and error.row is not None and path.suffix.lower() != ".npy":
            error.name_row(error.row, _reader(run, path).place(path, error.row))
        found = [each._replace(pointer=(), help=each.help and _for_a_new_run(each.help)) for each in error.diagnostics]
        raise SpecError(found, file=str(path)) from error


def _for_a_new_run(help: str) -> str:
    """Return advice that says so if it changes the spec, because a run reads other files like its training data."""
    note = "; to change the spec, start a new run: this one reads every file like its training data"
    return help + note if _SETTING.search(help) else help


def read_samples(run: TrainedModel, path: Path) -> AnySamples:
    """Return inputs and targets, in the dataset's units, from a `.csv` or `.npz` file.

    Columns and arrays have the names that the run's dataset uses.

    Raises:
        SpecnetError: if the file cannot be read or lacks what is needed.
    """
    return _reader(run, path).read(path, targets=True, classes=run.classes)


def read_inputs(run: TrainedModel, path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    """Return inputs, in the dataset's units, from a `.csv`, `.npz` or `.npy` file, and their mask.

    Raises:
        SpecnetError: if the file cannot be read or lacks what is needed.
    """
    if path.suffix.lower() != ".npy":
        samples = _reader(run, path).read(path, targets=False, classes=run.classes)
        return samples.inputs[:], None if samples.mask is None else samples.mask[:]
    return read_npy(path), None


def _reader(run: TrainedModel, path: Path) -> Dataset:
    """Return the dataset component to read this file: the run's own if it can, else one with its names."""
    suffix = path.suffix.lower() or ".csv" * (path == STDIN)
    if suffix in run.dataset.extensions or (run.dataset.reads_folders and path.is_dir()):
        return run.dataset
    tables: tuple[str, ...] = find_class("datasets", "csv").extensions
    if suffix not in (*tables, ".npz"):
        *others, last = dict.fromkeys([".csv", ".npz", ".npy", *run.dataset.extensions])
        what = "a directory, not a file whose name ends in" if path.is_dir() else "the file name should end in"
        raise UsageError(f"{path}: {what} {', '.join(others)} or {last}")
    kind = "npz" if suffix == ".npz" else "csv"
    description: dict[str, Any] = {"type": kind, "path": str(path)}
    if kind == "csv" and isinstance(run.dataset, Columnar):  # the same columns, written as text
        written = run.dataset.to_spec()
        description |= {name: written[name] for name in Columnar.model_fields}
    elif kind == "csv":
        if not run.input_names:
            raise UsageError(f"{path}: the inputs of this run have no column names", help="save them as .npz or .npy")
        description |= column_names(run.input_names, run.target_names, run.classes)
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


KeptColumns = Mapping[str, Sequence[str]]
"""Columns of the file of inputs, as text, that are written beside the predictions."""


def read_kept(run: TrainedModel, path: Path, names: Sequence[str]) -> KeptColumns:
    """Return columns of a file of inputs as text, by name, or raise a SpecnetError if it has no such columns."""
    if not names:
        return {}
    if path.suffix.lower() == ".npy":
        raise UsageError(f"{path} has no named columns to keep", help="leave out --keep")
    return dict(zip(names, _reader(run, path).read_text(path, names), strict=True))


Beside = Mapping[str, np.ndarray]
"""Further columns (n,) of numbers, such as spreads, that follow predictions."""


def write_predictions(
    run: TrainedModel, predictions: np.ndarray, output: Path, kept: KeptColumns, beside: Beside | None = None
) -> None:
    """Write predictions to a `.csv`, `.npy` or `.npz` file (array `predictions`); columns `beside` only to CSV.

    Raises:
        UsageError: if the file has another extension, or predictions have too many axes for a table.
    """
    if kept and output.suffix != ".csv":
        raise UsageError(f"{output}: only .csv files can contain kept columns", help="leave out --keep")
    if output.suffix == ".csv":
        write_bytes(output, predictions_csv(run, predictions, kept, beside))
    elif output.suffix == ".npy":
        write_file(output, lambda file: np.save(file, predictions, allow_pickle=False))
    elif output.suffix == ".npz":
        write_file(output, lambda file: np.savez(file, predictions=predictions))
    else:
        raise UsageError(f"{output}: the file name should end in .csv, .npy or .npz")


def predictions_csv(
    run: TrainedModel, predictions: np.ndarray, kept: KeptColumns, beside: Beside | None = None
) -> bytes:
    """Return CSV in UTF-8, a row for each prediction.

    The columns `kept` come first. A prediction with the name of one of them is called "predicted NAME". Then columns
    have the predictions, under the names of the targets, and classes by name. For classes and
    labels, columns "probability of NAME" follow, or "score of NAME" if the loss does not take probabilities.
    Columns `beside` come last.

    Raises:
        UsageError: if predictions have too many axes for a table.
    """
    if predictions.ndim > 2:
        raise UsageError(
            f"predictions of shape {predictions.shape[1:]} do not fit into a table", help="write them to .npy"
        )
    made = [*name_predictions(run, predictions), *(beside or {}).items()]
    columns = [(name, np.array(texts, object)) for name, texts in kept.items()]
    columns += [(f"predicted {name}" if name in kept else name, values) for name, values in made]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([name for name, _ in columns])
    writer.writerows(zip(*(values.tolist() for _, values in columns), strict=True))
    return stream.getvalue().encode()
