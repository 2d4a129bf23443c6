"""`Symptom`: a finding about a run, with its evidence, its place in the spec and what to try."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any, NamedTuple

from specnet.errors import Diagnostic
from specnet.functions import format_number
from specnet.location import Location
from specnet.recording.curves import DEAD_UNITS, OF_WEIGHTS
from specnet.words import Pointer

Number = int | float | str


class Picture(NamedTuple):
    """A picture or table of a run's page: the section that it is in, and its title."""

    section: str
    title: str


LOSS = Picture("training", "loss")
RATES = Picture("training", "learning rate")
GRADIENTS, UPDATES, WEIGHTS = (Picture("training", title) for title in OF_WEIGHTS)
UNITS = Picture("training", DEAD_UNITS)
SCORES = Picture("results", "Loss and metrics")
NETWORK = Picture("layers", "Table of layers")
WHOLE_SPEC = Picture("spec", "Spec")


class Cure(NamedTuple):
    """Something to try: what for, and values of `--set`, usually one."""

    purpose: str
    overrides: tuple[str, ...]

    @property
    def options(self) -> str:
        """What to type."""
        return " ".join(f"--set {shlex.quote(override)}" for override in self.overrides)

    def __str__(self) -> str:
        return f"{self.purpose}: {self.options}"


SCALED = Cure("to scale them", ("transforms.inputs+=standardize",))
"""What to try for inputs that are large or small."""


class Symptom(NamedTuple):
    """A finding: a stable code, a sentence, its evidence in numbers by name, and its place in the spec.

    `cure` is what to try; None if no setting helps. `picture` of the page shows it. `location` is that of the
    place.
    """

    code: str
    message: str
    evidence: Mapping[str, Number] = {}
    pointer: Pointer = ()
    cure: Cure | None = None
    picture: Picture = LOSS
    location: Location | None = None

    @property
    def text(self) -> str:
        """The finding in one line, with what to type."""
        return f"{self.message}; {self.cure}" if self.cure else self.message

    @property
    def numbers(self) -> str:
        """The evidence in one line."""
        shown = ((name, each if isinstance(each, str) else format_number(each)) for name, each in self.evidence.items())
        return ", ".join(f"{name} {value}" for name, value in shown)

    @property
    def diagnostic(self) -> Diagnostic:
        """The finding as a warning about the spec."""
        help = str(self.cure) if self.cure else None
        return Diagnostic(self.code, self.message, self.pointer, help, self.location, "warning")

    def to_json(self) -> dict[str, Any]:
        """Return the finding as a JSON value."""
        return {
            **self.diagnostic.to_json(),
            "evidence": dict(self.evidence),
            "overrides": list(self.cure.overrides) if self.cure else [],
            "picture": dict(self.picture._asdict()),
        }
