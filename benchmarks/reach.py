"""What specnet is meant to reach: bounds on its figures, as multiples of those of a peer in the same rounds."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.measure import Comparison

FLOAT32, FLOAT64, C = ("a float32", "b float32"), ("a float64", "b float64"), ("c 32", "c 128", "c 512")

AT_MOST: dict[str, dict[str, float]] = {
    "floor": dict.fromkeys((*FLOAT32, *FLOAT64, *C), 1.10) | {"d": 1.6, "whole process": 1.25},
    "products": dict.fromkeys(("a float32", "a float64"), 1.6)
    | dict.fromkeys(("b float32", "b float64"), 1.85)
    | {"c 32": 1.95, "c 128": 1.37, "c 512": 1.15, "c 32, compiled": 1.45},
    "import click": {"--help": 1.5},
    "bare steps": {"full batch": 1.03, "batches": 1.03},
    "loadtxt": {"1,000,000 x 20 numbers": 1.3, "peak memory of 1,000,000 x 20 numbers": 2.0},
    "pandas": dict.fromkeys(("50,000 x 3 numbers, 5 categories", "50,000 x 3 numbers, 5 categories in quotes"), 1.5),
    "PyTorch layer": {
        "conv2d 28x28x1 to 32, first": 1.6,
        "conv2d 14x14x32 to 64": 1.4,
        "max_pool2d 26x26x32": 0.35,
        "batch_norm 14x14x32": 1.6,
        "batch_norm 256": 0.9,
        "layer_norm 64x128": 1.9,
        "layer_norm 64": 1.3,
        "lstm 50x32 to 64": 1.4,
        "gru 50x32 to 64": 0.85,
        "attention 64x64, 4 heads": 0.9,
        "embedding of 1000 in 64, first": 1.3,
    },
    "commands one by one": {"20 seeds of the spiral, two processes": 0.3},
    "no record": dict.fromkeys(("spiral", "regression", "mnist", "notebook_spiral"), 1.03),
}
"""Specnet's figure is at most so many times that of the peer, by work."""

FASTER: dict[str, dict[str, float]] = {
    "notebook as written": dict.fromkeys(FLOAT32, 6.5),
    "notebook": dict.fromkeys(FLOAT64, 3.0),
    "scikit-learn": dict.fromkeys(FLOAT32, 4.0) | dict.fromkeys(FLOAT64, 3.0) | {"c 32": 2.5, "c 512": 1.6},
    "PyTorch": dict.fromkeys(FLOAT32, 2.3)
    | dict.fromkeys(FLOAT64, 1.4)
    | {"c 32": 2.0, "c 128": 1.7, "c 512": 1.1, "d": 5.0},
    "JAX": dict.fromkeys((*FLOAT32, *FLOAT64, *C, "c 128, compiled", "c 512, compiled"), 1.0)
    | dict.fromkeys(("a float32, compiled", "b float32, compiled", "c 32, compiled"), 1.05)
    | {"d": 1.5},
    "PyTorch, fused Adam": {"c wide, compiled": 1.0},
    "import torch": {"run of one epoch": 2.0},
    "one process": {"784-2048-2048-10, batch 512, 2 ranks": 1.6},
    "PyTorch script": {"spiral with pictures": 2.5},
}
"""Specnet is at least so many times as fast as the peer, by work."""


@dataclass(frozen=True)
class Verdict:
    """How specnet compares with a peer, what it is meant to reach (or nothing), and whether it does (or None)."""

    found: str
    reach: str
    reached: bool | None


def judge(comparison: Comparison, peer: str) -> Verdict:
    """Hold specnet against a peer. Bounds are those of one thread."""
    bounded = comparison.work if comparison.threads == "1" else ""
    if peer in AT_MOST or comparison.unit == "B":
        times, most = comparison.ratio("specnet", peer), AT_MOST.get(peer, {}).get(bounded)
        return Verdict(f"takes {times:.2f} x", f"<= {most:.2f}" if most else "", times <= most if most else None)
    speed, least = comparison.ratio(peer, "specnet"), FASTER.get(peer, {}).get(bounded)
    reach = "" if least is None else "ahead" if least == 1 else f">= {least}"
    return Verdict(f"{speed:.2f} x as fast", reach, None if least is None else speed >= least)
