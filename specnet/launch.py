"""Processes that a launcher such as mpiexec has started together."""

from __future__ import annotations

import os

LAUNCHERS = (("PMI_RANK", "PMI_SIZE"), ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"))
"""Where launchers such as mpiexec write the number of a process, and of how many."""


def launched() -> tuple[int, int]:
    """Return which process this is, and of how many that a launcher has started together."""
    for rank, count in LAUNCHERS:
        if (found := os.environ.get(count, "")).isdecimal() and os.environ.get(rank, "").isdecimal():
            return int(os.environ[rank]), int(found)
    return 0, 1
