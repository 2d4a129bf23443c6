"""specnet: the trainer of a run, with its checks and its line of history for each epoch, without the disk."""

from __future__ import annotations

from benchmarks.work import Train, Work
from specnet.runs.experiment import Experiment
from specnet.training.loop import run_epoch


def make(work: Work, kernels: str = "numpy") -> Train:
    """Return what trains the work's spec with a set of kernels."""
    assert work.spec
    trainer = Experiment(work.spec.with_kernels(kernels)).trainer
    return lambda epochs: [run_epoch(trainer)["train/loss"] for _ in range(epochs)]
