"""An epoch of c on a file several times as large as the memory that its process may have.

`python -m benchmarks.streaming` prints what it finds, and what the same process says without streaming.
`python -m benchmarks.streaming SPEC OUT LIMIT` is such a process: it limits its own address space and trains.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.measure import Comparison

BATCH = 128
LIMIT = 256_000_000
"""Bytes of address space. Before there are any data, Python takes 13 MB of them, NumPy 92, two buffers of OpenBLAS 67
and specnet with all else that it imports 36. The buffer for samples then takes 64."""
ROWS = 2_560 * BATCH
"""Samples in the file: 1 GB, or 2 GB as float64, which is what the default buffer does not hold."""
FEATURES = 784


def measure(rounds: int, short: bool) -> list[Comparison]:
    """Return seconds per sample beside those with a small file in memory, and the peak beside limit and file.

    The short form has a file that would fit, of a few MB, and a buffer that it does not fit into.
    """
    from benchmarks.measure import Comparison, take_turns

    rows = 16 * BATCH if short else ROWS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        large = write_spec(folder / "large", rows, buffer=1 if short else 1024)
        small = write_spec(folder / "small", rows // 16, buffer=1024)
        peaks: list[float] = []

        def stream() -> float:
            found = train(large, folder)
            peaks.append(found["peak"])
            return found["seconds"] / rows

        def in_memory() -> float:
            return train(small, folder, limit=resource.RLIM_INFINITY)["seconds"] / (rows // 16)

        seconds = take_turns({"specnet": stream, "in memory": in_memory}, min(rounds, 3))
        size = (folder / "large" / "inputs.npy").stat().st_size
    count = len(peaks)
    return [
        Comparison("streaming", "c 128, from a file", seconds, per="sample"),
        Comparison(
            "streaming", "peak memory", {"specnet": peaks, "limit": [LIMIT] * count, "file": [size] * count}, unit="B"
        ),
    ]


def write_spec(folder: Path, rows: int, buffer: float) -> Path:
    """Write samples of the size of MNIST's, a few at a time, and return the spec of an epoch on them."""
    import numpy as np

    from benchmarks.work import digits_spec

    folder.mkdir()
    rng = np.random.default_rng(0)
    paths = folder / "inputs.npy", folder / "targets.npy"
    with paths[0].open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (rows, FEATURES)}
        np.lib.format.write_array_header_1_0(file, header)
        for _ in range(rows // BATCH):
            file.write(rng.standard_normal((BATCH, FEATURES), np.float32).data)
    np.save(paths[1], rng.integers(0, 10, rows))
    files = {"type": "npy", "inputs": str(paths[0]), "targets": str(paths[1]), "buffer": buffer}
    spec = digits_spec(paths[0], BATCH) | {"dataset": files, "plots": []}
    (folder / "spec.json").write_text(json.dumps(spec))
    return folder / "spec.json"


def train(spec: Path, folder: Path, *overrides: str, limit: int = LIMIT) -> dict[str, Any]:
    """Run a spec in a process with the limit, and return peak memory and seconds of its epoch, or what it fails of."""
    with tempfile.TemporaryDirectory(dir=folder) as out:
        command = [sys.executable, "-m", "benchmarks.streaming", str(spec), f"{out}/run", str(limit), *overrides]
        process = subprocess.run(command, check=False, capture_output=True, text=True)
    return json.loads(process.stdout) if process.returncode == 0 else {"error": process.stderr.strip()}


def run_limited(path: str, out: str, limit: str, *overrides: str) -> dict[str, Any]:
    """Do what `train` asks for, in this process."""
    resource.setrlimit(resource.RLIMIT_AS, (int(limit), int(limit)))
    import specnet
    from benchmarks.memory import peak_now

    try:
        run = specnet.run(specnet.load_spec(path, overrides), out)
    except specnet.SpecnetError as error:
        sys.exit(str(error))
    return {"peak": peak_now(), "seconds": float(run.history["seconds"][-1])}


def main() -> None:
    """Print what is found in one round, and that the same process fails without streaming."""
    from benchmarks.process import set_threads
    from benchmarks.report import amount

    set_threads(1)
    speed, memory = measure(1, False)
    for name, values in memory.figures.items():
        print(f"{name:10} {amount(values[0], 'B')}")
    for name, values in speed.figures.items():
        print(f"{name:10} {1 / values[0]:,.0f} samples/s")
    print(f"streamed in {speed.ratio('specnet', 'in memory'):.2f} x the time of data in memory")
    with tempfile.TemporaryDirectory() as folder:
        spec = write_spec(Path(folder) / "large", ROWS // 2, buffer=1024)
        print("without streaming:", train(spec, Path(folder), "dataset.buffer=1000000").get("error", "no error"))


if __name__ == "__main__":
    if sys.argv[1:]:
        print(json.dumps(run_limited(*sys.argv[1:])))
    else:
        main()
