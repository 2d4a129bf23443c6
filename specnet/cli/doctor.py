"""The command `doctor`: check a run directory, or the installation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from specnet.cli.options import PATH, format_option, plugin_option
from specnet.cli.output import echo, echo_json, is_quiet, note
from specnet.errors import UsageError
from specnet.words import printable, show_path

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from specnet.runs.verification.findings import Finding


@click.command()
@click.argument("run", metavar="[RUN]", required=False, type=PATH)
@format_option()
@click.option(
    "--repair", "repaired", is_flag=True, help="First rebuild damaged spec.json and manifest.json from a checkpoint."
)
@plugin_option
def doctor(run: Path | None, form: str, repaired: bool) -> None:
    """Check the files of a run, or the installation.

    Checks every file, every checkpoint, the data, and where the run would resume. Changes nothing without --repair.
    Without RUN, shows installed versions, and components that cannot be used.

    Exits with 0 if there are only notes, with 3 if part of a run is damaged or lost, and with 2 if a component
    cannot be used.

    \b
    Example:
      specnet doctor runs/spiral
    """
    from specnet.runs.verification.findings import has_errors

    if repaired:
        _repair(run)
    findings = _show_installation(form) if run is None else _show_run(run, form)
    if has_errors(findings):
        click.get_current_context().exit(2 if run is None else 3)


def _repair(directory: Path | None) -> None:
    from specnet.runs.verification.repair import repair

    if directory is None:
        raise UsageError("--repair needs the directory of a run")
    if rebuilt := repair(directory):
        note(f"rebuilt from a checkpoint: {', '.join(rebuilt)}")


def _show_run(directory: Path, form: str) -> list[Finding]:
    from specnet.cli.show import show_table
    from specnet.runs.verification.doctor import examine_run

    report = examine_run(directory)
    if form == "json":
        findings = [finding._asdict() for finding in report.findings]
        echo_json({**report._asdict(), "directory": str(directory), "findings": findings})
        return report.findings
    worst = dict.fromkeys(report.parts, "ok")
    for finding in report.findings:
        if worst[finding.part] != "error":
            worst[finding.part] = finding.severity
    show_table(["part", "", ""], [[part, worst[part], word] for part, word in report.parts.items()])
    _show_findings(report.findings)
    echo(f"\n{show_path(directory)}: {printable(report.verdict)}")
    return report.findings


def _show_installation(form: str) -> list[Finding]:
    from specnet.cli.show import show_table
    from specnet.runs.verification.installation import examine_installation

    found = examine_installation()
    if form == "json":
        echo_json({**found._asdict(), "findings": [finding._asdict() for finding in found.findings]})
        return found.findings
    show_table(["version", ""], found.versions.items())
    echo()
    show_table(["machine", ""], [[name, _show(value)] for name, value in found.machine.items()])
    echo()
    show_table(
        ["distribution", "components"],
        [
            [name, ", ".join(f"{group} {count}" for group, count in counts.items())]
            for name, counts in found.distributions.items()
        ],
    )
    if found.kernels:
        echo()
        show_table(["kernels", ""], found.kernels.items())
    echo()
    show_table(["extra", ""], found.extras.items())
    _show_findings(found.findings)
    echo(f"\n{found.verdict}")
    return found.findings


def _show(value: object) -> object:
    return ", ".join(value) if isinstance(value, list) else "unknown" if value is None else value


def _show_findings(findings: Iterable[Finding]) -> None:
    for finding in findings:
        err = finding.severity == "error" and is_quiet()
        echo(f"\n{finding.severity}[{finding.part}]: {printable(finding.message)}", err=err)
        if finding.help:
            echo(f"   = help: {printable(finding.help)}", err=err)
