"""What the doctor finds, in a run directory or in what is installed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

Severity = Literal["error", "note"]
LISTED = 5
"""Things of one kind that a finding names at most; of more, the number is told."""


class Finding(NamedTuple):
    """Something about one part of what was looked at that one should know, and what to do about it.

    An error is about what is damaged, lost or cannot be used; a note about anything else.
    """

    part: str
    severity: Severity
    message: str
    help: str | None = None


class Report(NamedTuple):
    """What there is to say of a run directory.

    `parts` has each part that was looked at, with a word on what is there. `resume` is the step that `specnet resume`
    would go on from and `evaluate` the one that `specnet evaluate` would use; None where these would refuse the run.
    """

    directory: Path
    parts: dict[str, str]
    findings: list[Finding]
    resume: int | None
    evaluate: int | None
    verdict: str


class Installation(NamedTuple):
    """What is installed: versions by name, the machine, and of each distribution how many components by group.

    A component that cannot be used is an error, a claim to the name of a built-in a note.
    """

    versions: dict[str, str]
    machine: dict[str, Any]
    distributions: dict[str, dict[str, int]]
    findings: list[Finding]
    verdict: str


def has_errors(findings: Iterable[Finding]) -> bool:
    """Tell whether one of the findings is an error."""
    return any(finding.severity == "error" for finding in findings)


def enumerate_some(items: Sequence[str], separator: str = ", ") -> str:
    """Return the first few items as a text, and how many more there are."""
    more = [f"… and {len(items) - LISTED} more"] if len(items) > LISTED else []
    return separator.join([*items[:LISTED], *more])
