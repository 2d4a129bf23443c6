"""What a run keeps for its replay: what it predicts and how its layers are, frame by frame."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from specnet.datasets.base import Data
from specnet.errors import DataError
from specnet.functions import evenly_spaced
from specnet.layers.base import Activation, Layer
from specnet.network.norms import Norms, check_norms, layer_norms, layers_with_parameters, step_norms
from specnet.network.summary import layer_costs
from specnet.network.wrapping import Call, wrapped
from specnet.recording.curvature import CURVATURES, CurvatureProbe, choose_rows
from specnet.recording.curves import COUNTERS
from specnet.recording.frame_schedule import STEP, FrameSchedule, Work
from specnet.recording.inputs import UNIT_POINTS, grid_inputs, recorded_inputs
from specnet.recording.proof import digest
from specnet.recording.text import check_writes, write
from specnet.spec.model import Record
from specnet.training.batches import PreparedSplit
from specnet.training.callbacks import Callback
from specnet.training.model import ROWS, Model
from specnet.training.trainer import Trainer

_UNITS = 64
"""Units of a layer whose responses are kept: its first ones."""
_LARGEST = float(np.finfo(np.float16).max)
PROBED = 200
"""Training samples by which units are judged."""
FLAT = 0.01
"""Slope of an activation below which a unit hardly learns."""

Frame = dict[str, np.ndarray]


class Recorder(Callback):
    """Collects the frames of a run, the first of the model as it is given.

    `arrays` are those of `record.npz`: `epochs` (frames,), the last one of which there ever was a frame, `reached`,
    and what `RecordedInputs` has of the inputs whose predictions are kept; then for each frame

    - `predictions` (frames, *shape, ...) of these inputs, probabilities in float16, other numbers in float32;
    - the history's columns at that epoch, `train/loss` and so on (frames,), NaN in the first frame;
    - of the layers that have parameters, named by `layers`, `weight_norms`, and `gradient_norms` and `update_norms` in
      the epoch's last step, (frames, layers);
    - of the activations, named by `activations`, `dead_units` (frames, activations): the share of units that
      are dead or saturated, as their slope is less than 0.01 for all of 200 training samples;
    - of the training loss on at most 256 samples, if the spec asks for it, its largest `curvature`s
      (frames, curvatures), the eigenvalues of its Hessian, and in small networks all `parameters` (frames, n) in
      float32;
    - `tokens` (frames, tokens) that a network of a text writes, if the spec asks for them;
    - of the hidden layers that are named by `unit_layers`, if the spec asks for them, `units/NAME`
      (frames, points[, points], units): the responses of at most 64 units, in float16.

    Raises:
        DataError: if the spec asks for what there is not.
    """

    def __init__(self, record: Record, model: Model, data: Data, train: PreparedSplit, batch_size: int | None) -> None:
        super().__init__()
        self.record, self.data = record, data
        self.model, self.network = model, model.network
        self.inputs = recorded_inputs(record, model, data)
        probed = evenly_spaced(train.rows, PROBED)
        self.probed_inputs = choose_rows(train.inputs, probed)
        self.probed_mask = None if train.mask is None else choose_rows(train.mask, probed)
        self.activations = {name: layer for name, layer in self.network.named.items() if isinstance(layer, Activation)}
        if record.tokens:
            check_writes(model, data)
        self.responding: list[str] = []
        if record.units:
            self.grid = grid_inputs(record, model, data, UNIT_POINTS[data.train.inputs.shape[1]])
            self.responding = self._find_units()
        self.probe = CurvatureProbe(model, train) if record.curvature else None
        self.fixed = self.inputs.arrays | {
            "layers": np.array(layers_with_parameters(self.network), np.str_),
            "activations": np.array(list(self.activations), np.str_),
            "unit_layers": np.array(self.responding, np.str_),
        }
        if self.probe:
            self.fixed["curvatures"] = np.arange(CURVATURES)
        self.frames: dict[int, Frame] = {0: self._frame({"train/loss": math.nan}, None)}
        self.digests = {0: digest(self.frames[0])}
        self._join_digests()
        self.proof = {name: digest({name: array}).hex() for name, array in self.fixed.items()}
        self.reached = 0
        self.norms: Norms | None = None
        size = sum(array.nbytes for array in self.frames[0].values())
        self.schedule = FrameSchedule(record.every, record.budget // size, self._work(train.rows, batch_size))

    def _find_units(self) -> list[str]:
        """Return the names of the layers whose units respond: activations of features that are not the outputs."""
        found = [
            f"layers.{number}"
            for number, layer in enumerate(self.network.layers[:-1])
            if isinstance(layer, Activation) and len(layer.output_shape) == 1
        ]
        if not found:
            raise DataError("no layer but the last is an activation of features", pointer=("record", "units"))
        return found

    def _work(self, rows: int, batch_size: int | None) -> Work:
        """Return what a frame and an epoch take, in operations; a step takes those of three forward passes."""
        flops = sum(cost.flops for cost in layer_costs(self.network.layers))
        asked = len(self.inputs.x) + len(self.probed_inputs) + (len(self.grid.x) if self.responding else 0)
        asked += self.record.tokens
        steps = math.ceil(rows / (batch_size or rows))
        return Work(asked * flops + STEP, 3 * rows * flops + steps * STEP)

    @property
    def next(self) -> int:
        """The next epoch of which a frame is due."""
        return self.schedule.next

    def begin(self, training: Trainer) -> None:
        if training.step == 0 and self.probe:
            self.frames[0] |= self.probe.measure(training)
            self.digests[0] = digest(self.frames[0])
            self._join_digests()
        self._look_ahead(training)

    def step(self, training: Trainer) -> None:
        if training.batches.position < training.batches.count:
            self._look_ahead(training)
        elif self._is_due(training):
            self.norms = step_norms(self.network, self._before)

    def epoch(self, training: Trainer, values: Mapping[str, Any]) -> None:
        if training.epoch == self.next or training.done:
            further = self.probe.measure(training) if self.probe else {}
            with training.evaluation_weights():
                self.keep(training.epoch, {**values, **further}, self.norms)
        self.norms = None
        self._look_ahead(training)

    def _is_due(self, training: Trainer) -> bool:
        """Return whether the epoch under way has a frame."""
        return training.epoch + 1 in (self.next, training.training.epochs)

    def _look_ahead(self, training: Trainer) -> None:
        """Copy the parameters if the next step is the last one of an epoch with a frame: its norms are measured."""
        batches = training.batches
        if 0 < batches.count - batches.position <= batches.size and self._is_due(training):
            self._before = self.network.params.flat.copy()

    def state(self) -> dict[str, Any]:
        """Return the norms of the last step, and digests of everything that is kept."""
        return {"norms": self.norms, "fixed": self.proof, **self.joined}

    def _join_digests(self) -> None:
        """Find what `state` returns about the frames, which are the same in most epochs."""
        digests = np.frombuffer(b"".join(self.digests[epoch] for epoch in self.frames), np.uint8)
        self.joined = {"epochs": np.array(list(self.frames)), "digests": digests.reshape(len(self.frames), -1)}

    def restore(self, saved: dict[str, Any]) -> None:
        if saved["fixed"] != self.proof:
            raise ValueError("the replay shows other inputs or layers")
        if saved["norms"]:
            check_norms(self.network, saved["norms"])
        self.norms = saved["norms"]

    def keep(self, epoch: int, line: Mapping[str, Any], norms: Norms | None) -> None:
        """Keep a frame of the model as it is after an epoch, unless it is kept already.

        `line` is that epoch's of the history, and `norms` are those of its last step. A frame that is not due stays
        until the next one comes.
        """
        while self.schedule.next <= epoch:
            self.schedule.take()
        if epoch not in self.frames:
            self.frames[epoch] = self._frame(line, norms)
            self.digests[epoch] = digest(self.frames[epoch])
        self.reached = max(self.reached, epoch)
        for old in set(self.frames) - {*self.schedule.kept, epoch}:
            del self.frames[old], self.digests[old]
        self._join_digests()

    def _frame(self, line: Mapping[str, Any], norms: Norms | None) -> Frame:
        nothing = [math.nan] * len(layers_with_parameters(self.network))
        norms = norms or {"gradient_norms": nothing, "update_norms": nothing}
        norms = {"weight_norms": layer_norms(self.network, self.network.params.flat), **norms}
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows shows as infinite
            return {
                "predictions": self._predict(),
                **{name: np.array(value, np.float64) for name, value in line.items() if name not in COUNTERS},
                **{name: np.array(values, np.float32) for name, values in norms.items()},
                "dead_units": self._judge_units(),
                **(self.probe.parameters() if self.probe else {}),
                **self._respond(),
                **({"tokens": write(self.model, self.data, self.record.tokens)} if self.record.tokens else {}),
            }

    def _predict(self) -> np.ndarray:
        predictions = self.model.interpret(self.model.outputs(self.inputs.x, self.inputs.mask)[0])
        if np.issubdtype(predictions.dtype, np.floating):
            predictions = predictions.astype(np.float32 if self.model.loss.takes == "numbers" else np.float16)
        return predictions.reshape(*self.inputs.shape, *predictions.shape[1:])

    def _judge_units(self) -> np.ndarray:
        """Return the share of units of each activation that learn from none of the probed samples."""
        shares = []
        with self.network.singly():
            self.network.propagate(self.probed_inputs, mask=self.probed_mask)
            for layer in self.activations.values():
                slope = layer.backward(np.ones_like(layer.y))  # of positions of sequences, in `time_distributed`
                shares.append(np.mean(np.all(np.abs(slope) < FLAT, axis=0)))
        return np.array(shares, np.float32)

    def _respond(self) -> Frame:
        """Return the responses of hidden units over their grid."""
        if not self.responding:
            return {}
        parts: dict[str, list[np.ndarray]] = {name: [] for name in self.responding}

        def watch(name: str, layer: Layer, method: str, call: Call) -> Call:
            def keep(*arguments: Any) -> np.ndarray:
                y: np.ndarray = call(*arguments)
                parts[name].append(np.clip(y[:, :_UNITS], -_LARGEST, _LARGEST).astype(np.float16))
                return y

            return keep if method == "forward" and name in parts else call

        with self.network.singly(), wrapped(self.network, watch):
            for start in range(0, len(self.grid.x), ROWS):
                self.network.propagate(self.grid.x[start : start + ROWS], training=False)
        found = {name: np.concatenate(part) for name, part in parts.items()}
        return {f"units/{name}": y.reshape(*self.grid.shape, -1) for name, y in found.items()}

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """What has been kept, as the arrays of `record.npz`."""
        frames = list(self.frames.values())
        stacked = {
            name: np.stack([frame.get(name, np.full(np.shape(array), math.nan)) for frame in frames])
            for name, array in frames[-1].items()
        }
        told = {"epochs": np.array(list(self.frames)), "reached": np.array(self.reached)}
        return {**told, **self.fixed, **stacked}

    def resume(self, arrays: Mapping[str, np.ndarray], epoch: int) -> None:
        """Continue from the proven arrays of a run that resumes from the end of `epoch`, or from within the next one.

        If the run has once reached a later epoch, it may have dropped frames to save space; it would drop them again. A
        missing frame raises a ValueError.
        """
        schedule = self.schedule.at(epoch)
        epochs, reached = arrays["epochs"].tolist(), int(arrays["reached"])
        if reached <= epoch and (missing := set(schedule.kept) - set(epochs)):
            raise ValueError(f"there is no frame of epoch {min(missing)}")
        stacked = {name: array for name, array in arrays.items() if name not in ("epochs", "reached", *self.fixed)}
        kept = {*schedule.kept, epoch}
        self.frames = {
            each: {name: array[number] for name, array in stacked.items()}
            for number, each in enumerate(epochs)
            if each in kept
        }
        self.digests = {each: digest(frame) for each, frame in self.frames.items()}
        self._join_digests()
        self.schedule, self.reached = schedule, reached
