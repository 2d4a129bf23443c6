"""The command `specnet sweep`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from specnet.cli.many import engine_options
from specnet.cli.options import PATH, format_option, parse_bytes, plugin_option
from specnet.cli.output import claim_output, echo, echo_json, is_quiet, note
from specnet.errors import DivergenceError, UsageError
from specnet.words import show_path

if TYPE_CHECKING:
    from specnet_sweep.results import SweepResult

SHOWN = 10
"""Trials in the table."""


@click.command("sweep")
@click.argument("file", metavar="SWEEP", type=PATH)
@click.option(
    "-o", "--out", type=PATH, help="Directory of the sweep; by default runs/NAME-sweep, with the spec's name."
)
@plugin_option
@click.option("--memory-budget", "budget", metavar="BYTES", help="Memory that training may use, such as 2GB.")
@engine_options
@format_option()
def sweep_command(
    file: Path,
    out: Path | None,
    budget: str | None,
    workers: int | None,
    engine: str | None,
    threads: int | None,
    kernels: str | None,
    form: str,
) -> None:
    """Try the values of a spec that the file SWEEP lists, and show which are best.

    Writes a directory with a numbered directory for each trial, the list of trials in trials.json, and the best trial
    in best.json. Run the command again to resume a sweep that was stopped or killed.

    \b
    Example:
      specnet sweep sweep.json -j 2
    """
    from specnet_sweep.progress import show_sweep_progress
    from specnet_sweep.running import sweep

    with show_sweep_progress(is_quiet(), form) as observer:
        result = sweep(
            file,
            out,
            workers=workers,
            threads=threads,
            engine=engine,
            kernels=kernels,
            memory_budget=parse_bytes(budget),
            observer=observer,
        )
    show_sweep(result, form)


claim_output(sweep_command)


def show_sweep(result: SweepResult, form: str) -> None:
    """Print the best trials, and where all of them are.

    Raises:
        DivergenceError: if no trial has a value, and some diverged.
        UsageError: if all failed.
    """
    from specnet.cli.show import show_table
    from specnet_sweep.results import best_rows

    counts = ", ".join(f"{count} {status}" for status, count in result.counts.items())
    if form == "json":
        echo_json({"directory": str(result.directory)} | result.to_json())
    elif not is_quiet():
        titles, numbers, rows = best_rows(result, SHOWN)
        show_table(titles, rows, numbers)
        echo(f"\n{len(result.trials)} trials: {counts}")
        if result.best:
            echo(f"The best is in {show_path(result.directory / str(result.best.number))}")
        echo(f"The trials were saved in {show_path(result.directory)}")
    failed: dict[str, list[int]] = {}
    for trial in result.trials:
        if trial.error:
            failed.setdefault(trial.error, []).append(trial.number)
    for error, numbers in failed.items():
        which = f"trial {numbers[0]}" + (f" and {len(numbers) - 1} others" if len(numbers) > 1 else "")
        note(f"warning: {which} failed: {error}")
    if not result.best:
        if "diverged" in result.counts:
            raise DivergenceError(f"no trial has a value: {counts}")
        help = f"after a correction, choose another directory with --out, or remove {show_path(result.directory)}"
        raise UsageError(f"no trial has a value: {counts}", help=help)
