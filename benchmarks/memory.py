"""Peak memory of an epoch of c on as many samples as MNIST has, each peer in a process of its own.

`python -m benchmarks.memory PEER FILE` is such a process. It prints its peak, and what of it came after the imports.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

from benchmarks.measure import Comparison
from benchmarks.peers import find, installed

BATCH = 128
ROWS = 468 * BATCH


def measure(rounds: int, short: bool) -> list[Comparison]:
    """Return the bytes that each peer needs; more than three rounds tell nothing new."""
    from benchmarks.work import write_digits

    found: dict[str, dict[str, list[float]]] = {"whole process": {}, "above its imports": {}}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "digits.npz"
        write_digits(path, 4 * BATCH if short else ROWS)
        for name in installed("specnet", "floor", "PyTorch"):
            peaks = [peak(name, path) for _ in range(min(rounds, 3))]
            for what, values in zip(found, zip(*peaks, strict=True), strict=True):
                found[what][name] = list(values)
    return [Comparison("memory", what, figures, unit="B") for what, figures in found.items()]


def peak(name: str, path: Path) -> list[float]:
    """Return the peak of a peer's process, and what of it came after its imports."""
    command = [sys.executable, "-m", "benchmarks.memory", name, str(path)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def train(name: str, path: Path) -> list[float]:
    """Train for an epoch in this process, and return what `peak` tells."""
    make = find(name)
    import numpy as np

    from benchmarks.work import Work, digits_spec

    if name == "specnet":
        import specnet
        from specnet.runs.experiment import Experiment
        from specnet.training.loop import run_epoch

        imported = peak_now()
        run_epoch(Experiment(specnet.load_spec(digits_spec(path, BATCH))).trainer)
    else:
        imported = peak_now()
        with np.load(path) as file:
            x, target = file["inputs"], file["targets"]
        rng, units = np.random.default_rng(0), (784, 256, 128, 10)
        layers = [
            (np.float32(0.05) * rng.standard_normal(shape, np.float32), np.zeros(shape[1], np.float32))
            for shape in pairwise(units)
        ]
        make(Work(None, x, target, layers, "cross_entropy", 0.001, BATCH, True))(1)
    return [peak_now(), peak_now() - imported]


def peak_now() -> int:
    """Return the most bytes that this process has had in memory so far.

    On Linux `ru_maxrss` would not do: a process inherits it from the one that has started it.
    """
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return 1024 * int(line.split()[1])


if __name__ == "__main__":
    print(json.dumps(train(sys.argv[1], Path(sys.argv[2]))))
