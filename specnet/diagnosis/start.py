"""Findings in a network before its first step: its weights and its loss."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from specnet.diagnosis.evidence import Evidence
from specnet.diagnosis.symptom import LOSS, NETWORK, UNITS, Cure, Number, Picture, Symptom
from specnet.functions import format_number
from specnet.layers.base import walk
from specnet.schedules.scheduled import pointer_of
from specnet.words import Pointer

_CONFIDENT = 2.0
"""Loss before training beside that of equal probabilities (ln k) above which the network is confident, and wrong."""
_OFF = 10.0
"""Squared error before training beside the variance of the targets above which they are far from the outputs. Usual
weights have outputs of variance 1 to 2 for targets of variance 1."""
_SATURATED = 0.75
"""Share of the outputs of a layer that are at a limit before training."""
_VANISHING, _EXPLODING = 1e-3, 100.0
"""Spread of the last hidden layer beside that of the inputs."""


def wide_weights(evidence: Evidence) -> Iterator[Symptom]:
    """Initial weights are so large that units saturate, or that signals grow from layer to layer."""
    if evidence.spec.pretrained or evidence.unscaled:
        return
    hidden = [name for name in evidence.before if not evidence.is_output(name)]
    flat = max(hidden, key=lambda name: evidence.before[name].flat, default=None)
    if flat is not None and (share := evidence.before[flat].flat) > _SATURATED:
        message = f"initial weights are wide: {share:.0%} of the outputs of {flat} are at a limit before training"
        yield _weights(evidence, "wide-weights", message, {"share at a limit": share}, UNITS)
    elif (growth := _growth(evidence)) is not None and growth > _EXPLODING:
        message = f"initial weights are wide: the last hidden layer varies {growth:,.0f} times as much as the inputs"
        yield _weights(evidence, "wide-weights", message, {"growth": growth}, NETWORK)


def narrow_weights(evidence: Evidence) -> Iterator[Symptom]:
    """Initial weights are so small that signals vanish from layer to layer."""
    dead = any(each.dead > _SATURATED for each in evidence.before.values())
    if evidence.spec.pretrained or evidence.unscaled or dead:
        return
    if (growth := _growth(evidence)) is not None and growth < _VANISHING:
        message = f"initial weights are narrow: the last hidden layer varies by {growth:.2g} of what the inputs do"
        yield _weights(evidence, "narrow-weights", message, {"growth": growth}, NETWORK)


def starting_loss(evidence: Evidence) -> Iterator[Symptom]:
    """The loss before training is far above that of a network that knows nothing."""
    constant = evidence.constant_loss
    if evidence.spec.pretrained or evidence.unscaled or len(evidence.run.task.parts) > 1 or constant is None:
        return
    loss = evidence.initial_loss
    numbers = evidence.model.loss.takes == "numbers"
    expected, limit = (constant, _OFF) if numbers else (evidence.uniform_loss, _CONFIDENT)
    if not expected or not loss > limit * expected:
        return
    what = "a constant prediction" if numbers else "equal probabilities"
    message = f"the loss before training is {format_number(loss)}, compared with {format_number(expected)} for {what}"
    found: dict[str, Number] = {"loss": loss, what: expected}
    if numbers and not evidence.spec.transforms.targets and evidence.loss_of(0.0) > limit * expected:
        cure = Cure("to scale the targets", ("transforms.targets+=standardize",))
        place: Pointer = ("transforms", "targets")
        yield Symptom("starting-loss", f"{message}: targets are far from 0", found, place, cure, LOSS)
    else:
        yield _weights(evidence, "starting-loss", f"{message}: outputs are large", found, LOSS)


def _weights(evidence: Evidence, code: str, message: str, numbers: dict[str, Number], picture: Picture) -> Symptom:
    """Return a finding about initial weights."""
    cure = evidence.usual_weights()
    place = pointer_of(cure.overrides[0].partition("=")[0]) if cure else ("layers",)
    return Symptom(code, message, numbers, place, cure, picture)


def _growth(evidence: Evidence) -> float | None:
    """Return the spread of the inputs of the last trained layer of the network's list beside that of its own inputs."""
    network = evidence.initial.network
    trained = [n for n, layer in enumerate(network.layers) if any(each.parameters for _, each in walk(layer, ""))]
    if network.whole or not trained or trained[-1] == 0:
        return None
    x = evidence.batch.inputs.reshape(-1, evidence.batch.inputs.shape[-1]).astype(np.float64)
    spread = float(x.std(axis=0).mean())
    return evidence.before[f"layers.{trained[-1] - 1}"].spread / spread if spread else None
