"""Steps of a spec's training as numbers, in float64 and by the definitions of all components."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from specnet.datasets.base import Data
from specnet.errors import UsageError
from specnet.names import MAX_LISTED
from specnet.report.trace import Trace
from specnet.runs.experiment import Experiment
from specnet.runs.trained.building import located
from specnet.spec.load import load_spec, with_data
from specnet.spec.model import Spec
from specnet.training.callbacks import overriding
from specnet.training.loop import take_step
from specnet.training.trace import Tracer
from specnet.training.trainer import Trainer

FEW_SAMPLES = 2
"""Samples of each batch by default, or all if there are fewer."""
MOST_ROWS = 3_000
"""Arrays of a trace at most."""


def trace(
    spec: Spec | str | Path | Mapping[str, Any],
    samples: int | None = FEW_SAMPLES,
    steps: int = 1,
    layer: str | None = None,
    data: Any = None,
) -> Trace:
    """Return the first steps of a spec's training as numbers; anything but a `Spec` is passed to `load_spec` first.

    They are computed in float64 by the definitions of all components, from the spec's data and seed: a run of the spec
    with `"dtype": "float64"` and the kernels "textbook" computes the same. Nothing is written.

    Args:
        spec: the spec.
        samples: the number of samples of each batch that are used, its first ones; None means all of them, as in a run.
            If there is only one, the default means that.
        steps: the number of steps.
        layer: the name of a layer, such as "layers.2", or its `name` in the spec, to leave out all others.
        data: samples to train on, as `load_spec` takes them, or the spec's `Data`, if they are already loaded.

    Raises:
        UsageError: if there are fewer samples or steps, there is no such layer, or the trace has more than
            3,000 arrays.
        SpecnetError: if the spec does not fit its data.
        DivergenceError: if a number is not finite.
    """
    loaded = data if isinstance(data, Data) else None
    given = data if loaded is None else None
    spec = with_data(spec, given) if isinstance(spec, Spec) else load_spec(spec, data=given)
    metrics = spec.metrics if steps > 1 else []  # they matter after an epoch
    changes = {"dtype": "float64", "record": None, "plots": [], "metrics": metrics}
    plain = spec.model_copy(update=changes).with_kernels("textbook")
    trainer = Experiment(plain, new=True, data=loaded).trainer
    batches = trainer.batches
    check_count("samples", samples, max(batches.count, FEW_SAMPLES), "training samples")
    check_count("steps", steps, trainer.pace.steps(trainer.training.epochs), "steps in a run")
    tracer = Tracer(trainer, chosen(trainer, layer))
    with located(plain), tracer.following(), np.errstate(over="ignore", invalid="ignore"):
        follow_steps(trainer, samples, steps, tracer)
    used = batches.size if samples is None else min(samples, batches.size)
    about = f"{used} of the {batches.size} samples of a batch, by the definitions of all components, in float64"
    return Trace(spec.name, f"{spec.name}: {about}", tracer.rows)


def follow_steps(trainer: Trainer, samples: int | None, steps: int, tracer: Tracer) -> None:
    """Train for some steps as `train` does, on the first `samples` of each batch; a long trace is a UsageError."""
    callbacks = list(trainer.callbacks.values())
    after_step = overriding(callbacks, "step")
    for callback in callbacks:
        callback.begin(trainer)
    while not trainer.done:
        for batch in trainer.batches:
            trainer.add_loss(*take_step(trainer, batch if samples is None else batch.select(slice(samples))))
            for call in after_step:
                call(trainer)
            if len(tracer.rows) > MOST_ROWS:
                message = f"the trace has more than {MOST_ROWS:,} arrays"
                raise UsageError(message, help="name one layer, or choose fewer steps")
            if trainer.step == steps:
                return
        line = trainer.finish_epoch(trainer.measure(), 0.0)
        for callback in callbacks:
            callback.epoch(trainer, line)


def check_count(name: str, count: int | None, most: int, what: str) -> None:
    """Raise a UsageError if a number of samples or steps is not from 1 to `most`."""
    if count is not None and not 1 <= count <= most:
        raise UsageError(f"{count:,} {name}: expected 1 to {most:,} {what}")


def chosen(trainer: Trainer, layer: str | None) -> Callable[[str], bool]:
    """Return a function that returns whether a place belongs to a layer (None: to any), or raise a UsageError."""
    if layer is None:
        return lambda place: True
    named = trainer.model.network.named
    names = {each.name: name for name, each in named.items() if each.name} | {name: name for name in named}
    if layer not in names:
        raise UsageError(f'there is no layer "{layer}"', help=f"one of: {', '.join([*names][:MAX_LISTED])}")
    found = names[layer]
    return lambda place: place == found or place.startswith(f"{found}.")
