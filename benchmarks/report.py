"""The tables: one text for the terminal and for RESULTS.md."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.measure import Comparison
from benchmarks.peers import missing
from benchmarks.reach import FASTER, judge

TITLES = {
    "training": "Seconds of a step of training",
    "startup": "Seconds until a command is done",
    "checkpoint": "Seconds of a checkpoint",
    "memory": "Peak memory of an epoch of c, as many samples as MNIST's",
    "streaming": "Seconds of a sample, and peak memory, of data that do not fit into memory",
    "overhead": "Seconds of a step of a run with bar, history and checks, against bare steps",
    "recording": "Seconds of a run with the record that is kept by default, against the same without",
    "growth": "Seconds of an epoch, as the network grows",
    "tables": "Seconds until a table is read, and peak memory",
    "layers": "Seconds of forward and backward of a layer, for a batch",
    "networks": "Seconds of a step of whole networks, and peak memory above what is imported",
    "seeds": "Seconds until several seeds are trained on two cores, against a command for each",
    "mpi": "Seconds of a step on several ranks of MPI, one thread each, against one process",
    "kernels": "Seconds of a step of training with the kernels that Numba compiles, against others",
    "optimizers": "Seconds of 20 steps of an optimizer on 235,146 parameters, and of its formula line by line",
}
INTRODUCTION = """\
`python -m benchmarks` has written this. Peers take turns in rounds: a figure is the best or the median over rounds,
a comparison the median of the ratios within rounds. What specnet is meant to reach stands beside it, with what the
floor reaches itself in brackets; the floor is straight-line NumPy for exactly that network. The notebook is measured
in the dtype of the work, and as it was written, in float64, where specnet is content with float32.

- a: the notebook's regression, 600 x 1-64-64-1, sigmoid, squared error, SGD, full batch.
- b: its spiral, 400 x 2-64-64-1, sigmoid, binary cross-entropy, SGD, full batch.
- c: 4,096 x 784-256-128-10, ReLU, cross-entropy, Adam, batches of 32, 128 and 512, float32.
- d: 4,096 x 4-16-16-10, the same in batches of 32.

The products are the matrix products of a step alone, so that bounds on their multiples hold on any machine.

Before the others are timed, the losses of all peers over a few epochs are checked to be those of specnet. The bound
of the notebook in float32 is held against the notebook as written.
"""


def render(comparisons: Sequence[Comparison], machine: Mapping[str, Any], rounds: int | None) -> str:
    """Return everything that was found, as Markdown; without a number of rounds it was only tried out."""
    parts = ["# Results", INTRODUCTION, describe(machine)]
    if rounds:
        parts += [f"{rounds} rounds. {summary(comparisons)}"]
    else:
        parts += ["This is the short form, at sizes that mean nothing: it shows that everything works, not how fast."]
    for (benchmark, threads), group in groupby(comparisons, lambda each: (each.benchmark, each.threads)):
        parts.append(f"## {TITLES[benchmark]}" + {"1": "", "all": ", all threads"}[threads])
        parts.append(table(list(group), judged=rounds is not None))
    return "\n\n".join(part.strip() for part in parts) + "\n"


def describe(machine: Mapping[str, Any]) -> str:
    """Return what measured, and who was not there."""
    packages = ("specnet", "numpy", "numba", "scikit-learn", "torch", "jax")
    versions = [f"{name} {found}" for name in packages if (found := version_of(name))]
    absent = f"\n\nNot installed, and so left out: {', '.join(missing())}." if missing() else ""
    return (
        f"Measured on {processor()} with {machine['cpus']} cores, {machine['platform']}, {machine['blas']} with its "
        f"kernel {machine['blas_kernel']}, Python {platform.python_version()}, {', '.join(versions)}.{absent}"
    )


def version_of(name: str) -> str | None:
    """Return the version of a distribution, if it is installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def processor() -> str:
    """Return what the processor calls itself."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def summary(comparisons: Iterable[Comparison]) -> str:
    """Return how much of the reach is reached, and what is not."""
    verdicts = [
        (f"{each.work} against {peer}", verdict)
        for each in comparisons
        for peer in each.figures
        if peer != "specnet" and (verdict := judge(each, peer)).reached is not None
    ]
    text = f"{sum(bool(verdict.reached) for _, verdict in verdicts)} of {len(verdicts)} bounds are reached."
    short = [f"- {what}: {verdict.found}, not {verdict.reach}" for what, verdict in verdicts if not verdict.reached]
    return "\n".join([text, *(["", "Not reached:", "", *short] if short else [])])


def table(comparisons: Sequence[Comparison], judged: bool) -> str:
    """Return a row for each peer of each work, with what is meant to be reached if it is judged by that."""
    header = ["work", "peer", "best", "median", "specnet against it"]
    rows = [[*header, "reach", ""] if judged else header]
    for each in comparisons:
        for peer, values in each.figures.items():
            row = [each.work, peer, amount(min(values), each.unit), amount(median(values), each.unit)]
            rows.append(row + (against(each, peer) if peer != "specnet" else ["", "", ""])[: 3 if judged else 1])
    return markdown(rows)


def against(comparison: Comparison, peer: str) -> list[str]:
    """Return how specnet compares with a peer, the reach with that of the floor in brackets, and the answer."""
    verdict = judge(comparison, peer)
    bracketed = verdict.reach and peer in FASTER and "floor" in comparison.figures
    times = f" ({comparison.ratio(peer, 'floor'):.2f})" if bracketed else ""
    word = {True: "reached", False: "not reached", None: ""}[verdict.reached]
    return [verdict.found, verdict.reach + times, word]


def amount(value: float, unit: str) -> str:
    """Return a figure with a unit that suits it.

    >>> amount(0.00123, "s"), amount(2.5e8, "B")
    ('1.23 ms', '250 MB')
    """
    if unit == "B":
        return f"{value / 1e6:.0f} MB"
    scale, name = next(pair for pair in ((1.0, "s"), (1e-3, "ms"), (0.0, "us")) if value >= pair[0])
    return f"{value / (scale or 1e-6):.3g} {name}"


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Return rows, the first of them a header, as a table that is also legible as it is."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    padded = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows]
    padded.insert(1, ["-" * width for width in widths])
    return "\n".join(f"| {' | '.join(row)} |" for row in padded)
