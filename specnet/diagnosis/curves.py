"""Findings in the curves of a run: its loss, its learning rate and its clipping."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from specnet.diagnosis.evidence import Evidence
from specnet.diagnosis.symptom import GRADIENTS, RATES, Cure, Symptom
from specnet.functions import format_number
from specnet.schedules.base import Schedule
from specnet.words import show_pointer

_LOST = 0.5
"""Share of what the training loss had gained, above which losing it again is told."""
_ROUGH = 0.1
"""Mean change from epoch to epoch, as a share of all that was gained, above which a loss oscillates."""
_TURNS = 0.5
"""Share of epochs at which the loss turns up or down, above which it oscillates: 2/3 in a random order."""
_LEVEL = 0.05
"""Share of the loss of a constant prediction below which nothing is learned yet."""
_WAITED = 0.3
"""Share of the epochs that may pass without learning."""
_FALLING = 0.05
"""Share of all that was gained that the last tenth of the epochs gains in a training that stopped too early."""
_OVER = 0.01
"""Share of its maximum at which a learning rate no longer trains."""
_IDLE = 0.3
"""Share of the epochs that may be left by then."""
_CLIPPED = 0.95
"""Share of the recorded steps that are clipped if clipping is always active."""
_PARTS = 40
"""Parts of the epochs, whose medians are compared."""
_LEFT = 0.1
"""Share of the loss of a constant prediction from which there is something left to gain."""
_FEWEST = 10
"""Epochs of which the course of a loss can be judged."""


def diverged(evidence: Evidence) -> Iterator[Symptom]:
    """A number was no longer finite."""
    if evidence.run.status == "diverged":
        epochs = len(evidence.losses)
        cure = evidence.with_rate(0.1, "to take smaller steps") or Cure("to limit steps", ("training.clip_norm=1",))
        message = f"the run diverged: {evidence.run.manifest['error']}"
        yield Symptom("diverged", message, {"complete epochs": epochs}, evidence.rate_place, cure)


def rising_loss(evidence: Evidence) -> Iterator[Symptom]:
    """The training loss ends far above where it has been."""
    losses = evidence.losses
    if len(losses) < _FEWEST:
        return
    (smooth, starts), last = _smooth(losses), _last(losses)
    least = float(smooth.min())
    gained = max(losses[0], last) - least
    if last - least > _LOST * gained > 0 and last > _LEFT * abs(evidence.start):
        epoch = int(starts[smooth.argmin()]) + 1
        message = (
            f"the training loss rises again, from {format_number(least)} about epoch {epoch} to {format_number(last)}"
        )
        numbers = {"lowest": least, "last": last, "lost": float((last - least) / gained)}
        cure = evidence.with_rate(0.1, "to take smaller steps")
        yield Symptom("rising-loss", message, numbers, evidence.rate_place, cure)


def oscillating_loss(evidence: Evidence) -> Iterator[Symptom]:
    """The training loss jumps up and down, by much of all that was gained."""
    losses = evidence.losses
    half = losses[len(losses) // 2 :]
    if len(losses) < 2 * _FEWEST:
        return
    change = np.diff(half)
    start = evidence.start
    gained = start - losses.min()
    turns = np.mean(change[1:] * change[:-1] < 0)
    rough = np.median(np.abs(change)) / gained if gained > _LEVEL * abs(start) else 0.0
    if turns > _TURNS and rough > _ROUGH:
        message = f"the training loss jumps by {rough:.0%} of all that it gained, from one epoch to the next"
        numbers = {"jump": float(rough), "turns": float(turns)}
        cure = evidence.with_rate(0.1, "to take smaller steps")
        yield Symptom("oscillating-loss", message, numbers, evidence.rate_place, cure)


def plateau(evidence: Evidence) -> Iterator[Symptom]:
    """The network learns in the end, but predicted a constant for a large part of the epochs."""
    losses, constant = evidence.losses, evidence.constant_loss
    if len(losses) < _FEWEST or constant is None:
        return
    smooth, starts = _smooth(losses)
    below = starts[smooth < (1 - _LEVEL) * constant]
    if len(below) and (waited := int(below[0])) > _WAITED * len(losses):
        level = f"{1 - _LEVEL:.0%} of {format_number(constant)}, the loss of a constant prediction"
        message = f"in the first {waited} of {len(losses)} epochs the training loss was not below {level}"
        cure = evidence.with_rate(10, "to get below it sooner")
        numbers = {"epochs": waited, "of": len(losses), "constant prediction": constant}
        yield Symptom("plateau", message, numbers, evidence.rate_place, cure)


def still_improving(evidence: Evidence) -> Iterator[Symptom]:
    """Training ended at its last epoch while the loss was falling."""
    epochs, run = evidence.spec.training.epochs, evidence.run
    if run.status != "finished" or run.manifest.get("stopped_early") or len(evidence.losses) < epochs or epochs < 2:
        return
    names = [name for name in ("train/loss", "validation/loss") if name in evidence.history]
    shares = {name: _last_gain(evidence.history[name], evidence.start) for name in names}
    if min(shares.values()) > _FALLING and _last(evidence.losses) > _LEFT * evidence.start:
        name, share = min(shares.items(), key=lambda item: item[1])
        tenth = max(1, epochs // 10)
        what = f"{tenth} epochs" if tenth > 1 else "epoch"
        message = f"training stopped while still improving: {share:.0%} of the gain of {name} is from the last {what}"
        cure = Cure("to train longer", (f"training.epochs={2 * epochs}",))
        yield Symptom("still-improving", message, {"gain": share, "epochs": epochs}, ("training", "epochs"), cure)


def schedule_over(evidence: Evidence) -> Iterator[Symptom]:
    """The learning rate is almost 0 for a large part of the epochs."""
    rates, (place, rate) = evidence.rates, evidence.rated
    if rates is None or len(rates) < _FEWEST or not rates.max() > 0:
        return
    alive = np.flatnonzero(rates > _OVER * rates.max())
    if (idle := len(rates) - 1 - int(alive[-1])) > _IDLE * len(rates):
        epochs = evidence.spec.training.epochs
        cure = Cure("for a constant rate", (f"{show_pointer(place)}={rates.max():.3g}",))
        if isinstance(rate, Schedule):
            ends = [f"{show_pointer(place)}.{name}=null" for name in ("steps", "epochs") if getattr(rate, name, None)]
            cure = Cure("to make it as long as the training", tuple(ends)) if ends else cure
        message = f"the learning rate was below 1 % of its maximum in the last {idle} of {len(rates)} epochs"
        yield Symptom("schedule-over", message, {"epochs": idle, "of": epochs}, place, cure, RATES)


def always_clipping(evidence: Evidence) -> Iterator[Symptom]:
    """The norm of the gradients is at its limit in almost every recorded step: the limit sets the length of steps."""
    limit, record = evidence.spec.training.clip_norm, evidence.run.record
    if limit is None or "gradient_norms" not in record:
        return
    norms = np.sqrt(np.nansum(record["gradient_norms"].astype(np.float64) ** 2, axis=1))[1:]
    if len(norms) >= _FEWEST and (share := float(np.mean(norms > 0.999 * limit))) > _CLIPPED:
        message = f"{share:.0%} of the recorded steps are clipped: training.clip_norm sets their length"
        cure = Cure("to clip only the largest", (f"training.clip_norm={10 * limit:g}",))
        yield Symptom("always-clipping", message, {"share": share}, ("training", "clip_norm"), cure, GRADIENTS)


def _smooth(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the medians of at most 40 parts of the epochs, and the number of epochs before each part."""
    parts = np.array_split(values, min(len(values), _PARTS))
    starts = np.cumsum([0, *(len(part) for part in parts[:-1])])
    return np.array([np.median(part) for part in parts]), starts


def _last(values: np.ndarray) -> float:
    """Return the median of the last tenth."""
    return float(np.median(values[-max(1, len(values) // 10) :]))


def _last_gain(values: np.ndarray, start: float) -> float:
    """Return the share of all that was gained, from a loss on, that the last tenth gained over the tenth before it."""
    tenth = max(1, len(values) // 10)
    gained, before = max(start, values[0]) - values.min(), float(np.median(values[-2 * tenth : -tenth]))
    return (before - _last(values)) / gained if gained > 0 else 0.0
