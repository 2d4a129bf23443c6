"""`specnet explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from specnet.cli.options import PATH, format_option, open_run, plugin_option, run_argument
from specnet.cli.output import echo, echo_json, is_quiet
from specnet.words import printable, show_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from specnet.diagnosis.table import Diagnosis
    from specnet.runs.run import Run
    from specnet.studies.cures import TriedCure


@click.command()
@run_argument
@click.option("--try", "tried", is_flag=True, help="Train with each proposed --set, and say whether it helps.")
@click.option("--seeds", default="3", show_default=True, metavar="N|A,B,…", help="Seeds of --try, as in repeat.")
@click.option("-o", "--out", type=PATH, help="Directory for the runs of --try; by default runs/NAME-cures.")
@click.option(
    "-j",
    "--jobs",
    "workers",
    type=click.IntRange(min=1),
    help="Runs of --try that are trained at the same time; by default one for each core.",
)
@plugin_option
@format_option()
def explain(run: Path, tried: bool, seeds: str, out: Path | None, workers: int | None, form: str) -> None:
    """Point out problems of a run, and suggest remedies.

    Each finding has a code, evidence in numbers, its place in the spec, a picture of the report page that shows it,
    and a --set option to try. With --try, trains the spec with several seeds, unchanged and with each of these
    options, and shows the difference with its 95 % interval. RUN itself is only read.

    \b
    Example:
      specnet explain runs/spiral
      specnet explain runs/spiral --try --seeds 5
    """
    from specnet.studies.cures import explain as find

    loaded = open_run(run, "best")
    found = find(loaded)
    outcomes = _try(loaded, found, seeds, out, workers, form) if tried else []
    if form == "json":
        echo_json(found.to_json() | ({"tried": [each.to_json() for each in outcomes]} if tried else {}))
    elif not is_quiet():
        _show(loaded, found)
        if outcomes:
            _show_outcomes(outcomes)


def _try(
    run: Run, found: Diagnosis, seeds: str, out: Path | None, workers: int | None, form: str
) -> Sequence[TriedCure]:
    from specnet.cli.group_progress import show_group_progress
    from specnet.studies.cures import try_cures
    from specnet.studies.plans import parse_seeds

    numbers = parse_seeds(seeds)
    if not any(each.cure for each in found.findings):
        return []
    with show_group_progress(is_quiet(), form) as observer:
        return [*try_cures(run, found.findings, numbers, out, workers=workers, observer=observer)]


def _show(run: Run, found: Diagnosis) -> None:
    for each in found.findings:
        echo(each.diagnostic._replace(help=None).render())
        if each.numbers:
            echo(f"   = evidence: {printable(each.numbers)}")
        echo(f"   = page: {each.picture.title}")
        if each.cure:
            echo(f"   = to try, {printable(str(each.cure))}")
        echo()
    count = len(found.findings)
    echo(f"{show_path(run.directory)}: {f'{count} finding' + 's' * (count > 1) if count else 'nothing stands out'}")
    reasons: dict[str, list[str]] = {}
    for code, reason in found.unchecked.items():
        reasons.setdefault(reason, []).append(code)
    for reason, codes in reasons.items():
        echo(f"not checked: {', '.join(codes)}: {printable(reason)}")


def _show_outcomes(outcomes: Sequence[TriedCure]) -> None:
    from specnet.cli.show import show_table
    from specnet.functions import format_number

    columns = ["finding", "tried", "value", "before", "after", "gain", "95 % interval", ""]
    rows = []
    for each in outcomes:
        assert each.finding.cure
        cells = ["", "", "", "", ""]
        if each.value and each.before and each.after:
            means = [_mean(values) for values in (each.before, each.after)]
            gain = "" if each.better is None else format_number(each.better)
            limits = "" if each.interval is None else " to ".join(map(format_number, each.interval))
            cells = [each.value, *means, gain, limits]
        rows.append([each.finding.code, each.finding.cure.options, *cells, each.verdict])
    echo()
    show_table(columns, rows, numbers=["before", "after", "gain"])


def _mean(values: Sequence[float]) -> str:
    from math import isfinite

    from specnet.functions import format_number

    known = [each for each in values if isfinite(each)]
    return format_number(sum(known) / len(known)) if known else "diverged"
