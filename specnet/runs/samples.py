"""Files of further samples for a trained run, and files of its predictions."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from specnet.component import build
from specnet.datasets.base import Dataset, Samples, explain_os_error
from specnet.errors import DataError, SpecError, SpecnetError, UsageError
from specnet.functions import classes
from specnet.runs.files import write_file
from specnet.runs.run import Run


@contextmanager
def about(path: Path) -> Iterator[None]:
    """Let errors from inside name the file of samples, instead of a place in the run's spec."""
    try:
        yield
    except SpecnetError as error:
        found = [diagnostic._replace(pointer=()) for diagnostic in error.diagnostics]
        raise SpecError(found, file=str(path)) from error


def read_samples(run: Run, path: Path) -> Samples:
    """Return inputs and targets, in the dataset's units, from a `.csv` or `.npz` file.

    Columns and arrays have the names that the run's dataset uses.

    Raises:
        SpecnetError: if the file cannot be read or does not hold what is needed.
    """
    return _reader(run, path).read(path, targets=True, classes=run.classes)


def read_inputs(run: Run, path: Path) -> np.ndarray:
    """Return inputs, in the dataset's units, from a `.csv`, `.npz` or `.npy` file.

    Raises:
        SpecnetError: if the file cannot be read or does not hold what is needed.
    """
    if path.suffix != ".npy":
        return _reader(run, path).read(path, targets=False, classes=run.classes).inputs
    try:
        with path.open("rb") as file:
            inputs = np.lib.format.read_array(file, allow_pickle=False)
    except OSError as error:
        raise explain_os_error(path, error) from error
    except (ValueError, EOFError) as error:
        raise DataError(f"{path} is not an .npy file of a plain array: {error}") from error
    return np.asarray(inputs)


def _reader(run: Run, path: Path) -> Dataset:
    """The dataset component that reads files like this one: the run's own if it can, else one with its names."""
    if path.suffix and path.suffix == run.dataset.suffix:
        return run.dataset
    if path.suffix not in (".csv", ".npz"):
        raise UsageError(f"{path}: the file's name should end in .csv, .npz or .npy")
    description: dict[str, Any] = {"type": path.suffix.removeprefix("."), "path": str(path)}
    if path.suffix == ".csv":
        if not run.input_names:
            raise UsageError(f"{path}: the inputs of this run have no column names", help="give them as .npz or .npy")
        description |= {"inputs": run.input_names, "targets": run.target_names or ["target"]}
    reader = build("datasets", description)
    assert isinstance(reader, Dataset)
    return reader


def write_predictions(run: Run, predictions: np.ndarray, output: Path) -> None:
    """Write predictions to a `.csv`, `.npy` or `.npz` file (array `predictions`).

    Raises:
        UsageError: if the file's name has another ending, or predictions are too deep for a table.
    """
    if output.suffix == ".csv":
        content = predictions_csv(run, predictions)
        write_file(output, lambda file: file.write(content))
    elif output.suffix == ".npy":
        write_file(output, lambda file: np.save(file, predictions, allow_pickle=False))
    elif output.suffix == ".npz":
        write_file(output, lambda file: np.savez(file, predictions=predictions))
    else:
        raise UsageError(f"{output}: the file's name should end in .csv, .npy or .npz")


def predictions_csv(run: Run, predictions: np.ndarray) -> bytes:
    """Return CSV in UTF-8, a row for each prediction; a class goes by name, after the probabilities of all classes.

    Raises:
        UsageError: if predictions are too deep for a table.
    """
    if predictions.ndim > 2:
        raise UsageError(f"predictions of shape {predictions.shape[1:]} are no table", help="write them to .npy")
    rows = predictions if predictions.ndim == 2 else predictions[:, np.newaxis]
    columns: list[str] = list(run.target_names) if len(run.target_names) == rows.shape[1] else []
    if run.classes:
        # A network may have more outputs than the dataset has classes; those have numbers alone.
        names = [*run.classes, *map(str, range(len(run.classes), max(rows.shape[1], len(run.classes))))]
        chosen = [names[number] for number in classes(predictions)]
        if np.issubdtype(predictions.dtype, np.integer):
            rows = np.empty((len(predictions), 0))
        columns = [*(names if rows.shape[1] > 1 else ["probability"] * rows.shape[1]), "class"]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns or [f"y{number}" for number in range(rows.shape[1])])
    for number, row in enumerate(rows.tolist()):
        writer.writerow([*row, chosen[number]] if run.classes else row)
    return stream.getvalue().encode()
