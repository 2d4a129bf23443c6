"""All checks in one table, and `diagnose`, which carries them out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from specnet.diagnosis.curves import (
    always_clipping,
    diverged,
    oscillating_loss,
    plateau,
    rising_loss,
    schedule_over,
    still_improving,
)
from specnet.diagnosis.evidence import Diagnosed, Evidence
from specnet.diagnosis.outcome import below_baseline, gap, no_gain, wide_interval
from specnet.diagnosis.start import narrow_weights, starting_loss, wide_weights
from specnet.diagnosis.steps import large_learning_rate, one_batch
from specnet.diagnosis.symptom import Symptom
from specnet.diagnosis.units import constant_units, dead_units, large_updates, saturated_units, small_updates
from specnet.errors import SpecnetError
from specnet.plugin_code import staying
from specnet.words import describe_error


class Check(NamedTuple):
    """A check: the codes that it finds, how, and whether it takes further steps."""

    codes: tuple[str, ...]
    find: Callable[[Evidence], Iterator[Symptom]]
    thorough: bool = False


OF_DATA = (
    "unscaled-inputs", "leaking-inputs", "constant-inputs", "duplicates", "unequal-classes", "few-samples",
    "few-validation-samples", "many-outputs", "many-parameters", "uneven-groups",
)  # fmt: skip
"""Codes of findings about the data, of which a run warns before it trains."""
CHECKS = (
    Check(("diverged",), diverged),
    Check(OF_DATA, lambda evidence: iter(evidence.run.data_symptoms)),
    Check(("no-gain",), no_gain),
    Check(("large-learning-rate",), large_learning_rate, thorough=True),
    Check(("wide-weights",), wide_weights),
    Check(("narrow-weights",), narrow_weights),
    Check(("starting-loss",), starting_loss),
    Check(("one-batch",), one_batch, thorough=True),
    Check(("dead-units",), dead_units),
    Check(("saturated-units",), saturated_units),
    Check(("constant-units",), constant_units),
    Check(("rising-loss",), rising_loss),
    Check(("oscillating-loss",), oscillating_loss),
    Check(("large-updates",), large_updates),
    Check(("small-updates",), small_updates),
    Check(("plateau",), plateau),
    Check(("below-baseline", "below-linear"), below_baseline),
    Check(("gap",), gap),
    Check(("still-improving",), still_improving),
    Check(("schedule-over",), schedule_over),
    Check(("always-clipping",), always_clipping),
    Check(("wide-interval",), wide_interval),
)
"""All checks. What explains more comes first."""
_CAUSES = {
    "unscaled-inputs", "large-learning-rate", "wide-weights", "narrow-weights", "starting-loss", "one-batch",
    "dead-units", "saturated-units", "constant-units",
}  # fmt: skip
"""Findings that may be the reason why nothing was gained: their cures come before a guess of the learning rate."""
_GUESSED = ("diverged", "no-gain")
"""Findings whose cure is such a guess."""


class Diagnosis(NamedTuple):
    """The findings about a run, the most telling first, and why checks could not be done, by their codes."""

    findings: list[Symptom]
    unchecked: dict[str, str]

    def __str__(self) -> str:
        return "\n".join(f"{found.code}: {found.text}" for found in self.findings) or "nothing stands out"

    def to_json(self) -> dict[str, Any]:
        """Return both as a JSON value."""
        return {"findings": [found.to_json() for found in self.findings], "unchecked": dict(self.unchecked)}


@staying()
def diagnose(run: Diagnosed, thorough: bool = True) -> Diagnosis:
    """Return what stands out in a run; without `thorough`, by what takes little time."""
    evidence, made = Evidence(run), Diagnosis([], {})
    for check in CHECKS:
        if thorough or not check.thorough:
            try:
                made.findings.extend(check.find(evidence))
            except SpecnetError as error:
                made.unchecked.update(dict.fromkeys(check.codes, error.message))
            except Exception as error:  # in the code of a plugin, for what its author has not thought of
                made.unchecked.update(dict.fromkeys(check.codes, describe_error(error)))
    if _CAUSES & {found.code for found in made.findings}:
        known = [each._replace(cure=None) if each.code in _GUESSED else each for each in made.findings]
        made = made._replace(findings=known)
    return made
