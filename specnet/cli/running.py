"""`specnet run` and `specnet resume`."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from specnet.cli.options import (
    PATH,
    allow_kernels_option,
    build_loggers,
    format_option,
    kernels_option,
    load,
    parse_bytes,
    run_argument,
    spec_argument,
    spec_options,
)
from specnet.cli.output import echo, echo_json, is_quiet
from specnet.cli.together import on_all_ranks
from specnet.errors import DivergenceError, UsageError
from specnet.words import show_path

if TYPE_CHECKING:
    from pathlib import Path

    from specnet.runs.run import Run

threads_option = click.option(
    "--threads",
    type=click.IntRange(min=1),
    help="BLAS threads; by default OPENBLAS_NUM_THREADS, or one for small layers and more for large ones. "
    "A resumed run uses the same number.",
)


def training_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that `run` and `resume` share."""
    changed_code = click.option(
        "--allow-changed-code", is_flag=True, help="Resume with components whose code or version has changed."
    )
    logger = click.option(
        "--logger",
        "loggers",
        metavar="NAME",
        multiple=True,
        help="Also send the history to this logger: csv, or one from a plugin, as a name or JSON; may be repeated.",
    )
    strict = click.option(
        "--strict", is_flag=True, help="Refuse to resume if NumPy, the BLAS kernel or the number of threads differs."
    )
    report = click.option(
        "--report/--no-report", default=True, help="Whether to write report.html at the end; by default yes."
    )
    return kernels_option(allow_kernels_option(changed_code(logger(strict(report(format_option()(command)))))))


@click.command()
@spec_argument
@click.option("-o", "--out", type=PATH, help="Run directory; by default runs/NAME, with the spec's name.")
@spec_options
@click.option("--resume", "go_on", is_flag=True, help="Resume the run in the run directory, if there is one.")
@threads_option
@click.option(
    "--shards",
    type=click.IntRange(1, 10_000),
    help="Divide each batch into this many shards, for processes started by mpiexec. A resumed run uses the same "
    "number.",
)
@training_options
def run(
    spec: Path,
    out: Path | None,
    overrides: tuple[str, ...],
    budget: str | None,
    go_on: bool,
    threads: int | None,
    shards: int | None,
    kernels: str | None,
    allow: bool,
    allow_changed_code: bool,
    loggers: tuple[str, ...],
    strict: bool,
    report: bool,
    form: str,
) -> None:
    """Train the network that SPEC describes.

    Writes a run directory with weights, history, plots and a page that replays it. An existing run is never
    overwritten: without --out, NAME-2, NAME-3, … is used instead. With --resume, continues a run that was stopped for
    any reason; a finished run does not change.

    \b
    Example:
      specnet run specs/spiral.json --set training.epochs=200
      mpiexec -n 4 python -m mpi4py -m specnet run specs/spiral.json --shards 4
    """
    _import_runs()
    import specnet
    from specnet.cli.progress import show_progress
    from specnet.runs.sharding import check_shards

    given = {"--strict": strict, "--allow-other-kernels": allow, "--allow-changed-code": allow_changed_code}
    for option in [name for name, is_given in given.items() if is_given]:
        if not go_on:
            raise UsageError(f"{option} needs a run to resume", help="add --resume, or leave it out")
    with on_all_ranks() as ranks:
        with ranks.together():
            check_shards(shards or 1, ranks)
            loaded = load(spec, overrides, budget, kernels)
        with show_progress(is_quiet(), form) as observer:
            finished = specnet.run(
                loaded,
                out,
                observer,
                loggers=[] if ranks.rank else build_loggers(loggers),
                resume=go_on,
                strict=strict,
                threads=threads,
                report=report,
                shards=shards,
                kernels=kernels,
                allow_other_kernels=allow,
                allow_changed_code=allow_changed_code,
            )
    if ranks.rank == 0:
        show_run(finished, report, form)


@click.command()
@run_argument
@spec_options
@click.option("--checkpoint", metavar="latest|best|STEP", default="latest", help="Checkpoint to resume from.")
@threads_option
@training_options
def resume(
    run: Path,
    overrides: tuple[str, ...],
    budget: str | None,
    allow: bool,
    loggers: tuple[str, ...],
    report: bool,
    form: str,
    **options: Any,
) -> None:
    """Resume a run from its newest intact checkpoint.

    On the same machine it ends with the same bytes as an uninterrupted run. --set training.epochs=N makes a run
    longer, --set dataset.path=/new/place names data that were moved. Nothing else that affects training may change.

    \b
    Example:
      specnet resume runs/spiral --set training.epochs=800
    """
    _import_runs()
    import specnet
    from specnet.cli.progress import show_progress
    from specnet.runs.provenance.manifest import read_manifest
    from specnet.runs.sharding import check_shards

    with on_all_ranks() as ranks:
        with ranks.together():
            if ranks.count > 1:
                check_shards(read_manifest(run).get("shards", 1), ranks)
        with show_progress(is_quiet(), form) as observer:
            finished = specnet.resume(
                run,
                overrides,
                observer,
                memory_budget=parse_bytes(budget),
                loggers=[] if ranks.rank else build_loggers(loggers),
                report=report,
                allow_other_kernels=allow,
                **options,
            )
    if ranks.rank == 0:
        show_run(finished, report, form)


def _import_runs() -> None:
    """Import what a run needs; the garbage collector then leaves it out, as modules stay until the process ends."""
    if click.get_current_context().find_root().obj is None:  # not in a process of its own
        return
    gc.disable()
    try:
        import specnet.cli.progress
        import specnet.runs.start  # noqa: F401
    finally:
        gc.freeze()
        gc.enable()


def show_run(finished: Run, report: bool, form: str) -> None:
    """Print how a run ended, its results and files; then raise a DivergenceError if its best state was restored."""
    from specnet.cli.show import describe_findings, run_to_json, show_link, show_results

    page = finished.directory / "report.html"
    written = report and page.is_file()
    if form == "json":
        echo_json(run_to_json(finished, page if written else None))
    elif not is_quiet():
        if finished.manifest.get("stopped_early"):
            why = finished.manifest.get("reason")
            echo(f"stopped early, after epoch {finished.history['epoch'][-1]}{f': {why}' if why else ''}")
        show_results(finished)
        best = finished.best
        value = f", {best['monitor']} {best['value']:.4g}" if best["value"] is not None else ""
        which = "best" if best["monitor"] else "last"
        echo(f"\nThese results are from the {which} checkpoint: epoch {best['epoch']}{value}.")
        echo(f"The run was saved in {show_path(finished.directory)}")
        for path in finished.plots:
            show_link(path, "  ")
        if written:
            echo("Replay and results:")
            show_link(page, "  ")
        for line in describe_findings(finished):
            echo(line)
    if finished.status == "diverged":
        raise DivergenceError(finished.manifest["error"])
