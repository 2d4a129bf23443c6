"""Commands that several processes, started by `mpiexec`, run together: rank 0 speaks for all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from specnet.cli.output import be_quiet
from specnet.errors import SpecnetError, UsageError
from specnet.launch import launched

if TYPE_CHECKING:
    from specnet.training.ranks import Ranks


@contextmanager
def on_all_ranks() -> Iterator[Ranks]:
    """Connect the processes. Only rank 0 prints, and errors that all have; another adds its rank to its own error.

    Raises:
        UsageError: if there are several processes and nothing that connects them.
    """
    from specnet.runs.sharding import open_ranks

    rank, count = launched()
    if rank:
        be_quiet()
    try:
        ranks = open_ranks()
    except SpecnetError as error:
        if rank:
            raise click.exceptions.Exit(error.exit_code) from None
        raise
    try:
        with ranks:
            yield ranks
    except BaseException as error:
        if rank and ranks.is_shared(error):
            raise click.exceptions.Exit(0) from None
        if rank:
            error.add_note(f"this was on rank {rank} of {count}")
        raise


def refuse_ranks(command: str) -> None:
    """Raise a UsageError on the first of several processes, as they cannot share this command; the others just end."""
    rank, count = launched()
    if rank:
        raise click.exceptions.Exit(UsageError.exit_code)
    if count > 1:
        message = f"{count} processes were started together, which would all do the same"
        raise UsageError(message, help=f"start specnet {command} without mpiexec; only run and resume share their work")
