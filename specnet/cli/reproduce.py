"""`specnet reproduce`."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from specnet.cli.options import (
    allow_kernels_option,
    format_option,
    kernels_option,
    open_run,
    out_option,
    plugin_option,
    run_argument,
)
from specnet.cli.output import echo, echo_json, is_quiet
from specnet.errors import RunError, UsageError
from specnet.words import printable, show_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from specnet.runs.run import Run
    from specnet.runs.verification.reproduction import Reproduction
    from specnet.testing.whole_network import CheckedGradient


@click.command()
@run_argument
@click.option(
    "--set",
    "overrides",
    metavar="PATH=VALUE",
    multiple=True,
    help="Override a value of the spec that does not affect training, such as dataset.path=/new/place.",
)
@plugin_option
@out_option("Keep the second run in this directory, which must not exist; by default it is removed.")
@kernels_option
@allow_kernels_option
@click.option("--training-only", is_flag=True, hidden=True)
@format_option()
def reproduce(
    run: Path,
    overrides: tuple[str, ...],
    out: Path | None,
    kernels: str | None,
    allow: bool,
    training_only: bool,
    form: str,
) -> None:
    """Train a run again and compare both runs.

    Trains in a new process and compares every byte of checkpoints, history (apart from the seconds), record and
    results. Measures loss and metrics of the run's checkpoint again, and compares the gradient of the whole network
    with central differences in float64 at some checkpoints. If something differs, prints the first step that differs
    and possible reasons, and exits with 3. The directory RUN is only read.

    \b
    Example:
      specnet reproduce runs/spiral
    """
    import tempfile
    from pathlib import Path

    from specnet.runs.storage.directory import find_writer
    from specnet.testing.whole_network import check_gradients_of

    if training_only:
        _train(run, out, overrides, kernels, allow, form)
        return
    loaded = open_run(run, "best", kernels, allow)
    if writer := find_writer(run):
        raise UsageError(f"{writer} is still training {run}", help="wait until the run has ended")
    with ExitStack() as stack:
        second = out or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="specnet-"))) / run.name
        _start(run, second, overrides, kernels, allow, form)
        found, gradients = _compare(loaded, second), [*check_gradients_of(loaded)]
    failed = [each for each in gradients if each.mismatch]
    if form == "json":
        echo_json(_to_json(found, gradients))
    else:
        _show(found, gradients, loaded)
        if out:
            echo(f"The second run was saved in {show_path(out)}")
    if not found.same:
        since = f" from step {found.step} on" if found.step is not None else ""
        raise RunError(f"the second run differs{since}")
    if failed:
        raise RunError(f"the gradient is wrong at step {failed[0].step}")


def _train(run: Path, out: Path | None, overrides: Sequence[str], kernels: str | None, allow: bool, form: str) -> None:
    """Train the run again in this process."""
    from specnet.cli.progress import show_progress
    from specnet.runs.verification.retraining import train_again

    assert out is not None
    with show_progress(is_quiet(), form) as observer:
        train_again(run, out, overrides, kernels, allow, observer)


def _start(run: Path, out: Path, overrides: Sequence[str], kernels: str | None, allow: bool, form: str) -> None:
    """Train the run again in a new process, which writes to standard error; exit with its code if it fails."""
    from specnet import registry
    from specnet.local import LocalEntry

    files = {entry.file.path for entry in registry.LOCAL_ENTRIES.values() if isinstance(entry, LocalEntry)}
    options = [f"--set={override}" for override in overrides] + [f"--plugin={file}" for file in sorted(files)]
    options += [f"--kernels={kernels}"] * (kernels is not None)
    options += ["--allow-other-kernels"] * allow + ["-q"] * is_quiet()
    command = ["reproduce", str(run), f"--out={out}", "--training-only", f"--format={form}", *options]
    with subprocess.Popen([sys.executable, "-P", "-m", "specnet", *command], stdin=subprocess.DEVNULL) as process:
        try:
            code = process.wait()
        except BaseException:
            process.kill()
            raise
    if code:
        click.get_current_context().exit(code if code > 0 else 128 - code)


def _compare(run: Run, second: Path) -> Reproduction:
    from specnet.runs.verification.reproduction import compare_runs, damage, measure_again

    found = compare_runs(run.directory, second)
    again = measure_again(run)
    return found._replace(parts=[*found.parts, *([again] if again else [])], reasons=[*found.reasons, *damage(run)])


def _show(found: Reproduction, gradients: Sequence[CheckedGradient], run: Run) -> None:
    from specnet.cli.show import show_table
    from specnet.words import quote

    rows = [[part.what, part.agreement, printable(part.detail)] for part in found.parts]
    for each in gradients:
        agreement = "wrong" if each.mismatch else "correct"
        about = each.mismatch or f"{each.parameters:,} parameters, central differences in float64"
        rows.append([f"gradient at step {each.step}", agreement, printable(about)])
    show_table(["part", "", ""], rows)
    echo()
    if found.same:
        echo(f"{quote(run.name)} was reproduced: both runs are the same.")
        reasons = "What has changed since the run was made"
    else:
        until = f"the same up to step {found.until} and " if found.until is not None else ""
        since = f"different from step {found.step} on" if found.step is not None else "different"
        echo(f"The runs are {until}{since}.")
        reasons = "Possible reasons"
        if not found.reasons:
            echo("Versions, kernels, BLAS, threads and machine are those of the first run: a component may not be")
            echo("deterministic, or a file of the run has been replaced.")
    if found.reasons:
        echo(f"{reasons}:")
    for reason in found.reasons:
        echo(printable(f"  {reason}"))


def _to_json(found: Reproduction, gradients: Sequence[CheckedGradient]) -> dict[str, Any]:
    return {
        "same": found.same and not any(each.mismatch for each in gradients),
        "same_until_step": found.until,
        "different_from_step": found.step,
        "parts": [part._asdict() for part in found.parts],
        "gradients": [each._asdict() for each in gradients],
        "reasons": found.reasons,
    }
