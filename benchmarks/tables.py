"""Reading tables: a million rows of 20 numbers next to `np.loadtxt`, 50,000 rows with categories next to pandas.

Specnet finds the types of all columns, and makes inputs and targets of them; `np.loadtxt` and `pandas.read_csv` only
read. "pandas, encoded" makes the same arrays of its columns. Each reading has a process of its own.

`python -m benchmarks.tables READER FILE` is such a process: it reads the first lines, for the imports, then the file.
It prints its seconds, and its peak of memory.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path
from time import perf_counter

from benchmarks.measure import Comparison, take_turns
from benchmarks.memory import peak_now
from benchmarks.process import set_threads

ROWS = 50_000


def measure(rounds: int, short: bool) -> list[Comparison]:
    """Return seconds of each file, and the peak of memory with numbers alone."""
    divisor = 100 if short else 1
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        numbers = write_numbers(folder / "numbers.csv", 1_000_000 // divisor)
        files = {"1,000,000 x 20 numbers": (numbers, ["loadtxt"])}
        for work, quoted in (("categories", csv.QUOTE_MINIMAL), ("categories in quotes", csv.QUOTE_NONNUMERIC)):
            path = write_categories(folder / f"{quoted}.csv", ROWS // divisor, quoted)
            files[f"50,000 x 3 numbers, 5 {work}"] = path, ["pandas", "pandas, encoded"]
        for work, (path, peers) in files.items():
            peaks: dict[str, list[float]] = {reader: [] for reader in ("specnet", *peers)}
            calls = {reader: partial(read, reader, path, peaks[reader]) for reader in peaks}
            found.append(Comparison("tables", work, take_turns(calls, min(rounds, 5)), per="file"))
            if path == numbers:
                found.append(Comparison("tables", f"peak memory of {work}", peaks, unit="B"))
    return found


def write_numbers(path: Path, rows: int) -> Path:
    """Write a table of random numbers with six decimals."""
    import numpy as np

    rng = np.random.default_rng(0)
    with path.open("w") as file:
        file.write(",".join([*(f"x{number}" for number in range(20)), "y"]) + "\n")
        for _ in range(0, rows, 10_000):
            np.savetxt(file, rng.standard_normal((min(rows, 10_000), 21)), "%.6f", ",")
    return path


def write_categories(path: Path, rows: int, quoting: int) -> Path:
    """Write a table with three columns of numbers, and five of 2 to 40 categories."""
    import numpy as np

    rng = np.random.default_rng(0)
    numbers = rng.standard_normal((rows, 3)).round(4).tolist()
    counts = {"island": 3, "kind": 8, "sex": 2, "city": 40, "species": 3}
    words = [[f"{name} {code}" for code in rng.integers(0, count, rows)] for name, count in counts.items()]
    with path.open("w", newline="") as file:
        writer = csv.writer(file, quoting=quoting)  # type: ignore[arg-type]
        writer.writerow(["a", "b", "c", *counts])
        writer.writerows([*row, *texts] for row, *texts in zip(numbers, *words, strict=True))
    return path


def read(reader: str, path: Path, peaks: list[float]) -> float:
    """Return the seconds in which a reader of `READERS` reads a file in a process of its own, and keep its peak."""
    command = [sys.executable, "-m", "benchmarks.tables", reader, str(path)]
    seconds, peak = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    peaks.append(peak)
    return seconds


def loadtxt() -> Callable[[str], object]:
    """Return what reads a file with `np.loadtxt`."""
    import numpy as np

    return partial(np.loadtxt, delimiter=",", skiprows=1)


def pandas() -> Callable[[str], object]:
    """Return what reads a file with pandas."""
    import pandas as pd

    return pd.read_csv


def encoded() -> Callable[[str], object]:
    """Return what reads a file with pandas, and makes the inputs and classes that specnet makes."""
    import pandas as pd

    def load(path: str) -> object:
        table = pd.read_csv(path)
        classes = table.pop("species").astype("category").cat.codes.to_numpy()
        return pd.get_dummies(table, dtype=float).to_numpy(), classes

    return load


def specnet() -> Callable[[str], object]:
    """Return what finds the types of the columns of a file, and loads its samples."""
    import numpy as np

    from specnet import build

    def load(path: str) -> object:
        target = "y" if "numbers" in path else "species"
        dataset = build("datasets", {"type": "csv", "path": path, "inputs": "*", "targets": [target]})
        resolved, _ = dataset.resolve(classes=False, reserved=(), early=False)
        return resolved.load(np.random.default_rng(0))

    return load


READERS = {"loadtxt": loadtxt, "pandas": pandas, "pandas, encoded": encoded, "specnet": specnet}


if __name__ == "__main__":
    set_threads(1)
    call = READERS[sys.argv[1]]()
    with tempfile.TemporaryDirectory() as temporary, Path(sys.argv[2]).open() as lines:
        first = Path(temporary) / f"first {Path(sys.argv[2]).name}"
        first.write_text("".join(islice(lines, 200)))
        call(str(first))
    start = perf_counter()
    call(sys.argv[2])
    print(json.dumps([perf_counter() - start, peak_now()]))
