"""`refit`: train what a group has judged, on all samples."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from specnet.parts import parts
from specnet.runs.observers import Observer
from specnet.runs.run import Run
from specnet.runs.start import run
from specnet.schedules.base import Schedule
from specnet.spec.load import load_spec
from specnet.spec.model import Spec
from specnet.studies.group import Group


def refit(
    group: Group | str | Path, out: str | Path | None = None, *, data: Any = None, observer: Observer | None = None
) -> Run:
    """Train the spec of a group on all samples, without validation and test, and return the run.

    It has as many epochs as `refit_epochs` says. `out` is by default `runs/` and the spec's name with `-refit`, or the
    next free one. If the group was trained on `data`, it needs the same.

    Raises:
        SpecnetError: if the group has no results, or its spec cannot do without a validation split.
    """
    group = group if isinstance(group, Group) else Group(group, data)
    spec = refit_spec(group.spec, refit_epochs(group), data)
    return run(spec, out, observer)


def refit_epochs(group: Group) -> int:
    """Return how many epochs all samples are trained for.

    Where runs stop early, or keep their best state by a validation split, it is the median of the epochs of the states
    that they kept; otherwise it is the spec's number.
    """
    spec = group.spec
    epochs = [run.best["epoch"] for run in group.runs if run.best["monitor"]]
    return max(1, math.ceil(np.median(epochs))) if epochs else spec.training.epochs


def refit_spec(spec: Spec, epochs: int, data: Any = None) -> Spec:
    """Return a spec that trains for some epochs on all samples, with nothing that looks at another split.

    Schedules that reach the end of a run keep their length. Anything else that monitors a split, which is gone, is a
    SpecError.
    """
    document = spec.to_json()
    training = spec.training
    for pointer, part in parts(spec):
        if isinstance(part, Schedule) and epochs < training.epochs:
            place: Any = document
            for key in pointer:
                place = place[key]
            if place.get("steps", 0) is None and place.get("epochs", 0) is None:
                place["epochs"] = training.epochs
    document["name"] = f"{spec.name}-refit"
    document["split"] = {}
    document["training"] |= {"epochs": epochs, "early_stopping": None}
    for section, key in (("training", "stop_at"), ("checkpoint", "monitor")):
        monitored = document[section][key]
        name = monitored["monitor"] if isinstance(monitored, dict) else monitored
        if name and not name.startswith("train/"):
            document[section][key] = None
    if document["training"]["on_divergence"] == "restore_best" and document["checkpoint"]["monitor"] is None:
        document["training"]["on_divergence"] = "stop"
    return load_spec(document, kernels=spec.kernels_name, memory_budget=spec.memory_budget, data=data)
