"""Findings inside a trained network: units that pass nothing on, and steps beside the weights that they change."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from specnet.component import type_name
from specnet.diagnosis.evidence import Evidence
from specnet.diagnosis.probe import Probed
from specnet.diagnosis.symptom import SCALED, UNITS, UPDATES, Cure, Symptom
from specnet.schedules.scheduled import pointer_of

_MOST = 0.5
"""Share of a layer's units from which they are told: a quarter of dead rectifiers is common and harmless."""
_FEWEST = 10
"""Training samples from which it says something that units are the same for all of them."""
_UNMOVED = 1e-3
"""Share of its norm by which training should at least move a layer: a single usual step does."""
_DONE = 0.9
"""Share of the loss of a constant prediction that training has removed, from which its steps are as they should be."""
_STEEP = 0.1
"""Median length of a step beside the norm of the layer above which it forgets: a usual one is 0.001."""


def dead_units(evidence: Evidence) -> Iterator[Symptom]:
    """Most units of a layer are 0 for all samples, and pass no gradient back."""
    yield from _units(evidence, "dead-units", "are dead: they are 0 for all of {} training samples", lambda p: p.dead)


def saturated_units(evidence: Evidence) -> Iterator[Symptom]:
    """Most units of a layer are at their limit for all samples, and pass no gradient back."""
    what = "are saturated: they are at their limit for all of {} training samples"
    yield from _units(evidence, "saturated-units", what, lambda p: p.saturated)


def constant_units(evidence: Evidence) -> Iterator[Symptom]:
    """Most units of a layer have the same output for all samples."""
    what = "are constant: their output is the same for all of {} training samples"
    yield from _units(evidence, "constant-units", what, lambda p: p.constant)


def _units(evidence: Evidence, code: str, what: str, share: Callable[[Probed], float]) -> Iterator[Symptom]:
    hidden = [name for name, found in evidence.after.items() if found.units and not evidence.is_output(name)]
    worst = max(hidden, key=lambda name: share(evidence.after[name]), default=None)
    if evidence.batch.rows < _FEWEST or worst is None or (after := share(evidence.after[worst])) <= _MOST:
        return
    place, layer, units = pointer_of(worst), evidence.model.network.named[worst], evidence.after[worst].units
    before = share(evidence.before[worst])
    kind = type_name(layer)
    message = f"{round(after * units)} of {units} units of {worst} ({kind}) {what.format(evidence.after[worst].rows)}"
    cure: Cure | None
    if evidence.unscaled:
        cure = SCALED._replace(purpose="to scale the inputs")
    elif before <= _MOST:
        cure = evidence.with_rate(0.1, "to take smaller steps")
    else:  # training has not made them so
        recovering = Cure("for units that recover", (f"{worst}=leaky_relu",))
        cure = recovering if code == "dead-units" else evidence.usual_weights()
    yield Symptom(code, message, {"share": after, "before training": before}, place, cure, UNITS)


def small_updates(evidence: Evidence) -> Iterator[Symptom]:
    """All steps together have hardly changed a layer."""
    if evidence.spec.pretrained or not evidence.history or evidence.run.status == "diverged":
        return
    moved = evidence.moved
    name = min(moved, key=lambda name: moved[name], default=None)
    if name is not None and moved[name] < _UNMOVED:
        message = f"training has hardly moved {name}: by {moved[name]:.2g} of its norm, all steps together"
        cure = evidence.with_rate(10, "to take larger steps") if moved[name] else None
        yield Symptom("small-updates", message, {"moved": moved[name]}, pointer_of(name), cure, UPDATES)


def large_updates(evidence: Evidence) -> Iterator[Symptom]:
    """Each step changes a large part of a layer."""
    found = evidence.usual_step
    name = max(found, key=lambda name: found[name], default=None)
    if name is not None and found[name] > _STEEP and (evidence.learned or 0.0) < _DONE:
        message = f"steps are large: a step changes {name} by {found[name]:.0%} of its norm"
        cure = evidence.with_rate(0.1, "to take smaller steps")
        yield Symptom("large-updates", message, {"step / weight norm": found[name]}, pointer_of(name), cure, UPDATES)
