"""Findings of the doctor, in a run directory or in the installation."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, NamedTuple

Severity = Literal["error", "note"]


class Finding(NamedTuple):
    """A finding about one part, and what to do about it.

    An error means that something is damaged, lost or cannot be used; a note is anything else.
    """

    part: str
    severity: Severity
    message: str
    help: str | None = None


class Report(NamedTuple):
    """The findings on a run directory.

    `parts` has each checked part with a short description. `resume` is the step that `specnet resume` would continue
    from, and `evaluate` the one that `specnet evaluate` would use; None if these would refuse the run.
    """

    directory: Path
    parts: dict[str, str]
    findings: list[Finding]
    resume: int | None
    evaluate: int | None
    verdict: str


class Installation(NamedTuple):
    """The installation: versions by name, the machine, and the number of components by distribution and group.

    `kernels` is what sets of kernels say about themselves. `extras` are the plugins that extras of specnet install,
    with their versions, or how to install them.

    A component that cannot be used is an error, a claim to the name of a built-in a note.
    """

    versions: dict[str, str]
    machine: dict[str, Any]
    distributions: dict[str, dict[str, int]]
    kernels: dict[str, str]
    extras: dict[str, str]
    findings: list[Finding]
    verdict: str


def has_errors(findings: Iterable[Finding]) -> bool:
    """Return whether one of the findings is an error."""
    return any(finding.severity == "error" for finding in findings)
