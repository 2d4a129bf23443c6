"""What a page needs to train a network again: initial weights, samples, random numbers and rates of the run."""

from __future__ import annotations

import base64
import json
import math
import zlib
from typing import Any, cast

import numpy as np

from specnet.component import fresh_copy, type_name
from specnet.datasets.base import Samples
from specnet.errors import SpecnetError
from specnet.functions import evenly_spaced
from specnet.report.base import Reported
from specnet.report.javascript import LOSS_TWINS, OPTIMIZER_TWINS, TRAINING, check_layers, check_twin, scripts_of
from specnet.report.paths import relative_paths
from specnet.schedules.base import Schedule, WatchingSchedule
from specnet.schedules.scheduled import ScheduledFields, rates_by_step
from specnet.spec.shortest import shortest_spec
from specnet.training.batches import Batch
from specnet.training.settings import Training

LAB_LETTERS = 400_000
"""Letters that samples, weights and rates take in a page at most."""
LAB_NUMBERS = 1_000_000
"""Numbers that are packed to see how many letters they take at most."""
COMPARED_EPOCHS = 2000
"""Epochs whose recorded loss is compared at most."""
FOLLOWED_TO = {"float64": 1e-10, "float32": 1e-2}
"""Relative difference of the loss up to which training in a page, in float64, follows a run of this dtype."""
LAB_SCRIPTS = ("bench.js", "loss_chart.js", "live_scene.js", "take_home.js", "laboratory.js")
_OTHERS = ("gradient_accumulation_steps", "weight_averaging", "callbacks")
"""Settings of training that the page does not have. Those that end training early need none."""


def laboratory(run: Reported) -> dict[str, Any]:
    """Return what a page trains a network with, as JSON, or raise a SpecnetError if a part has no twin or is gone."""
    spec = run.spec.to_json()
    _check(run, spec)
    if (
        math.prod(run.data.train.inputs.shape) + run.model.network.params.flat.size > LAB_NUMBERS
    ):  # deflating them would take seconds
        raise _too_large()
    splits = {name: prepare(run, name) for name in ("train", "validation") if name in run.data.splits}
    batch, first, epochs = splits["train"], run.state(0), run.history["epoch"] if run.history else np.empty(0, int)
    loss = spec["loss"]
    if loss.get("class_weight") is not None:
        loss |= {"class_weight": cast(Any, run.model.loss).class_factors().tolist()}
    names = ["shuffle", *(name for name, layer in run.model.network.named.items() if type_name(layer) == "dropout")]
    train = cast(Samples, run.data.train)
    compared = evenly_spaced(len(epochs), COMPARED_EPOCHS)
    value = {
        "spec": relative_paths(shortest_spec(run.spec), run.directory),
        **{section: spec[section] for section in ("layers", "optimizer", "training", "dtype")},
        "loss": loss,
        "tolerance": FOLLOWED_TO[run.spec.dtype],
        "input": run.model.network.input_shape,
        "params": pack_array(first.arrays["params"]),
        "state": pack_array(first.arrays["state"]),
        "splits": {name: pack_batch(split) for name, split in splits.items()},
        "generators": {name: generator_state(first.progress["generators"][name]) for name in names},
        "rates": {name: pack_array(values) for name, values in rates(run, batch.rows).items()},
        "epochs": epochs[compared].tolist(),
        "last": run.spec.training.epochs if run.status == "diverged" or not len(epochs) else int(epochs[-1]),
        "losses": pack_array(run.history["train/loss"][compared] if len(epochs) else np.empty(0)),
        "axes": affine(train.inputs, batch.inputs),
        "target": affine(train.targets, batch.targets),
    }
    if len(json.dumps(value)) > LAB_LETTERS:
        raise _too_large()
    return value


def _too_large() -> SpecnetError:
    return SpecnetError(f"samples and weights take more than the {LAB_LETTERS / 1e6:.1f} MB that this page may contain")


def _check(run: Reported, spec: dict[str, Any]) -> None:
    """Raise a SpecnetError that names the first part of a run's training that has no twin."""
    check_layers(spec["layers"], "layers")
    check_twin(spec["loss"], LOSS_TWINS, "loss")
    check_twin(spec["optimizer"], OPTIMIZER_TWINS, "optimizer")
    defaults = Training()
    for name in _OTHERS:
        if getattr(run.spec.training, name) != getattr(defaults, name):
            raise SpecnetError(f"training.{name} has no twin in JavaScript", pointer=("training", name))
    for name in (name for name in Training.model_fields if isinstance(getattr(run.spec.training, name), Schedule)):
        raise SpecnetError(f"a schedule of training.{name} has no twin in JavaScript", pointer=("training", name))
    for field in ScheduledFields({"optimizer": run.spec.optimizer}).fields:
        if field.name not in ("learning_rate", "weight_decay"):
            message = f"a schedule of optimizer.{field.name} has no twin in JavaScript"
            raise SpecnetError(message, pointer=("optimizer", field.name))
    if run.spec.split.leave_out:
        raise SpecnetError("split.leave_out has no twin in JavaScript", pointer=("split", "leave_out"))
    if run.manifest.get("shards", 1) > 1:
        raise SpecnetError("training in shards has no twin in JavaScript")
    if run.model.inputs.random:
        raise SpecnetError("random transforms have no twin in JavaScript", pointer=("transforms", "inputs"))


def prepare(run: Reported, split: str) -> Batch:
    """Return the samples of a split as network and loss take them; streamed or weighted ones are a SpecnetError."""
    samples = run.data.splits[split]
    if not isinstance(samples, Samples):
        raise SpecnetError("its samples do not fit into memory")
    if samples.weight is not None or samples.mask is not None:
        raise SpecnetError("weights and masks of samples have no twin in JavaScript")
    model = run.model
    prepared = model.prepare(samples.map(model.inputs.apply, model.targets.apply), samples.targets)
    assert isinstance(prepared, Batch)
    return prepared


def rates(run: Reported, rows: int) -> dict[str, np.ndarray]:
    """Return the optimizer's fields with schedules: a value for each step, by the field's name.

    What a schedule that watches a value has made of it is in the history, epoch by epoch.

    Raises:
        SpecnetError: if the values are not those that the history has, as in a run resumed with other epochs.
    """
    steps = -(-rows // min(run.spec.training.batch_size or rows, rows))
    scheduled = ScheduledFields({"optimizer": fresh_copy(run.spec.optimizer)})
    if scheduled.fields and steps * run.spec.training.epochs > LAB_NUMBERS:
        raise _too_large()
    watching = {field.name for field in scheduled.fields if isinstance(field.value, WatchingSchedule)}
    found = rates_by_step(run.spec.optimizer, steps, steps * run.spec.training.epochs)
    for name, values in found.items() if run.history else ():
        recorded = run.history[f"optimizer.{name}"]
        if name in watching:
            found[name] = np.repeat(recorded, steps)
        elif not np.allclose(values[steps - 1 :: steps][: len(recorded)], recorded, rtol=1e-12, atol=0):
            why = "the run was resumed, or a schedule monitors a value"
            message = f"optimizer.{name} was not that of the spec in all epochs: {why}"
            raise SpecnetError(message, pointer=("optimizer", name))
    return found


def affine(raw: np.ndarray, transformed: np.ndarray) -> dict[str, list[float]] | None:
    """Return `shift` and `scale` of up to two columns with transformed = (raw - shift) / scale; None if it is not so.

    >>> affine(np.array([[1.0], [3.0]]), np.array([[0.0], [1.0]]))
    {'shift': [1.0], 'scale': [2.0]}
    """
    x, y = (array.reshape(len(array), -1).astype(np.float64) for array in (raw, transformed))
    if x.shape != y.shape or x.shape[1] > 2 or len(x) < 2 or np.isnan(x).any() or not (np.ptp(y, axis=0) > 0).all():
        return None
    scale = np.sum((y - y.mean(axis=0)) * x, axis=0) / np.sum(np.square(y - y.mean(axis=0)), axis=0)
    shift = x.mean(axis=0) - scale * y.mean(axis=0)
    if not np.allclose(y * scale + shift, x, rtol=0, atol=1e-5 * float(np.ptp(x))):
        return None
    return {"shift": shift.tolist(), "scale": scale.tolist()}


def pack_batch(batch: Batch) -> dict[str, Any]:
    """Return samples as a JSON value: x and t are flat."""
    return {"n": batch.rows, "x": pack_array(batch.inputs), "t": pack_array(batch.targets)}


def pack_array(array: np.ndarray) -> dict[str, str]:
    """Return numbers exactly, in the least dtype of floats that holds them: deflated, as text in base64."""
    small = array.astype("<f4")
    kept = small if np.array_equal(small, array) else array.astype("<f8")
    octets = np.ascontiguousarray(kept).reshape(-1, 1).view(np.uint8).reshape(kept.size, kept.itemsize).T
    return {"dtype": kept.dtype.name, "data": base64.b64encode(zlib.compress(octets.tobytes(), 9)).decode()}


def generator_state(saved: dict[str, Any]) -> dict[str, Any]:
    """Return the state of NumPy's PCG64 as JSON that a browser reads: large numbers are text."""
    large = {name: str(value) for name, value in saved["state"].items()}
    return {**large, "has_uint32": saved["has_uint32"], "uinteger": saved["uinteger"]}


def scripts(value: dict[str, Any]) -> list[str]:
    """Return the names of the scripts that the page needs for a laboratory, in order."""
    return [*scripts_of(value["layers"], TRAINING), *LAB_SCRIPTS]
