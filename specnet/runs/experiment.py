"""From a spec to training: data loaded and split, transforms fitted, network built, everything checked."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from specnet.component import fresh_copy
from specnet.datasets.base import Data
from specnet.diagnosis.data import data_symptoms
from specnet.diagnosis.symptom import Symptom
from specnet.diagnostics import show_value
from specnet.errors import Diagnostic, ShapeError, SpecError, SpecnetError
from specnet.faults import guarded
from specnet.improvement import ImprovementTracker, Mode
from specnet.optimizers.base import Optimizer
from specnet.plugin_code import staying
from specnet.recording.recorder import Recorder
from specnet.runs.pretrained import load_pretrained
from specnet.runs.trained.building import build_model, check_batch, load_data, located, named_rows, transform
from specnet.runs.trained.input_schema import find_ranges
from specnet.runs.trained.unsaved import UnsavedRun
from specnet.schedules.base import WatchingSchedule
from specnet.schedules.scheduled import ScheduledFields, pointer_of
from specnet.spec.checks import check_history_splits, check_network, missing_split, unknown_value
from specnet.spec.metrics import check_task
from specnet.spec.model import Spec
from specnet.spec.units import loaded_task, resolve_dataset, resolve_loaded
from specnet.training.callbacks import (
    BestTracker,
    Callback,
    FollowMonitors,
    GuardedCallback,
    StopAfter,
    StopAtValue,
    StopEarly,
    check_callbacks,
)
from specnet.training.communicator import Communicator
from specnet.training.ranks import Ranks
from specnet.training.settings import Training
from specnet.training.state import TrainingState
from specnet.training.trainer import AFTER, Trainer, after_epoch
from specnet.training.trial import try_step
from specnet.transforms.pipeline import Pipeline
from specnet.words import Pointer


class Experiment:
    """Everything that a run trains with; pretrained weights are read if the run is `new`.

    Each batch is divided into `shards`, which the processes of `ranks` share. `data` are those of the spec, if they are
    loaded already.

    Raises:
        SpecnetError: if data, transforms, layers, loss, metrics, monitors or plots do not fit each other.
    """

    @staying()
    def __init__(
        self,
        spec: Spec,
        callbacks: Sequence[Callback] = (),
        new: bool = False,
        shards: int = 1,
        ranks: Ranks | None = None,
        data: Data | None = None,
    ) -> None:
        with located(spec):
            spec, warnings = resolve_dataset(spec)
        self.data = data or load_data(spec)
        inputs, targets, transformed = transform(spec, self.data)
        with located(spec):
            self.spec = spec = resolve_loaded(spec, self.data, transformed["train"])
            shape, rows = transformed["train"].inputs.shape[1:], len(transformed["train"].inputs)
            check_batch(transformed["train"], spec.training.step_size)
            check_network(spec, shape, rows)
            self.model = build_model(spec, shape, inputs, targets, spec.seed_of("start"))
            self.model.network.draw_from(spec.seed_of("order"))
            self.pretrained = load_pretrained(spec.pretrained, self.model.network) if new and spec.pretrained else None
            self.task = loaded_task(spec, self.data, self.model.network.output_shape)
            self.model.set_task(self.task)
            if mistakes := [*check_task(spec.loss, spec.metrics, self.task)]:
                raise SpecError(mistakes)
            self._describe(inputs, targets)
            self._column_warnings = [found.message for found in warnings]
            self._check_classes()
            self.splits = {}
            for name, samples in self.data.splits.items():
                with named_rows(self.data, name):
                    self.splits[name] = self.model.prepare(transformed[name], samples.targets)
            try_step(self.model, self.splits["train"], spec.training.largest_batch)
            self._check_splits()
            if mistakes := [*check_history_splits(spec, self.splits)]:
                raise SpecError(mistakes)
            self.best = BestTracker(self._watch_best())
            stopping = self._make_stopping()
            optimizer = spec.kernels.instantiate(spec.optimizer)
            training = fresh_copy(spec.training)
            scheduled = self._begin_schedules(optimizer, training)
            self.schedules = scheduled.schedules
            self.recorder = self._make_recorder()
            self._check_plots()
            watching = scheduled.watching
            measured = self._measured([self.best.watch, *watching.values(), *stopping.values()])
            communicator = Communicator(shards, spec.training.gradient_accumulation_steps, ranks)
            seed = spec.seed_of("order")
            self.trainer = Trainer(self.model, optimizer, training, self.splits, seed, measured, communicator)
            self.trainer.batches.leave_out(spec.split.leave_out)
            self.trainer.callbacks = self._make_callbacks(watching, stopping, check_callbacks(callbacks))

    def _describe(self, inputs: Pipeline, targets: Pipeline) -> None:
        """Set what never changes during a run. It is in every checkpoint, so that one is enough to predict."""
        arrays = inputs.arrays() | targets.arrays()
        self._fixed = TrainingState()
        self._fixed.put("transforms", {name.removeprefix("transforms."): array for name, array in arrays.items()})
        self._fixed.put("inputs", find_ranges(self.data.train))
        self._described = {
            "input_shape": list(self.model.network.input_shape),
            "classes": list(self.data.classes),
            "input_names": list(self.data.input_names),
            "features": [list(feature) for feature in self.data.input_features],
            "target_names": list(self.data.target_names),
            "task": self.task.to_json(),
        }

    def state(self, copied: bool = True) -> TrainingState:
        """Return the whole state, or raise a DivergenceError if it is not finite; `copied` as in `Trainer.state`."""
        state = self.trainer.state(copied)
        state.add(self._fixed)
        state.progress["data"] = self._described
        return state

    def restore(self, state: TrainingState, callbacks: bool = True) -> None:
        """Continue from a state, or raise a ValueError if it is of another run; `callbacks` as in `Trainer.restore`."""
        if state.progress["data"]["input_shape"] != list(self.model.network.input_shape):
            raise ValueError("the inputs had a different shape")
        self.trainer.restore(state, callbacks)
        for place, schedule in self.schedules.items():
            if not math.isfinite(schedule(self.trainer.step)):
                raise ValueError(f"the schedule of {place} has no value")

    def _make_callbacks(
        self, watching: Mapping[str, WatchingSchedule], stopping: Mapping[str, Callback], further: Sequence[Callback]
    ) -> dict[str, Callback]:
        """Return the callbacks of the spec and of the user by name, in the order in which they run."""
        named: dict[str, Callback] = {"schedules": FollowMonitors(watching)} if watching else {}
        named |= {"best": self.best, **stopping}
        for number, callback in enumerate(fresh_copy(self.spec.training.callbacks)):
            place = ("training", "callbacks", number)
            named[".".join(map(str, place))] = GuardedCallback(callback, place)
        counts: Counter[str] = Counter()
        for callback in further:  # names with a space, unlike those of specnet's own callbacks
            counts[name := type(callback).__name__] += 1
            named[f"{name} {counts[name]}"] = callback
        return named

    @property
    def warnings(self) -> list[str]:
        """Warnings about data and network."""
        return [*self._column_warnings, *(found.text for found in self.data_symptoms)]

    @cached_property
    def data_symptoms(self) -> list[Symptom]:
        """Findings about data and network."""
        return data_symptoms(self.spec, self.data, self.model, self.task)

    def _check_classes(self) -> None:
        """Check that there are outputs for all classes that the dataset names."""
        classes = self.data.classes
        if not classes or self.spec.transforms.targets:
            return
        try:
            shape = self.data.train.targets.shape[1:]
            self.model.loss.check_shapes(self.model.network.output_shape, shape, len(classes))
        except ShapeError as error:
            error.message += f"; the classes are {show_value(classes)}"
            raise

    def _check_splits(self) -> None:
        """Check all samples, and compute each metric, to find mistakes before training.

        For streamed samples, metrics are computed on the first few, the others are only prepared.
        """
        measures = self.model.measures()
        self._value_names: dict[str, list[str]] = {}  # in the history, by split
        for name, split in self.splits.items():
            self.model.check_metrics(split)
            with named_rows(self.data, name):
                pieces = split.pieces()
                first = next(pieces)
                for _ in pieces:  # only prepared
                    pass
            if not measures.metrics:
                continue
            measures.reset()
            y, mask = self.model.outputs(first.inputs, first.mask)
            counted = first.masked(mask)
            with np.errstate(over="ignore", invalid="ignore"):
                self.model.loss_of(y, counted)
                measures.update(y, counted.truth, counted.weight)
            if self.model.weight_of(counted):
                self._value_names[name] = ["loss", *measures.compute()]

    def _measured(self, watches: Sequence[Any]) -> list[str]:
        """Return the splits to measure after each epoch: validation, and those that are asked for or monitored.

        `watches` are all that may have a monitor. Otherwise the test split is for the end.
        """
        monitors = [each.monitor for each in watches if hasattr(each, "monitor")]
        watched = {monitor.partition("/")[0] for monitor in monitors} | {*self.spec.training.history}
        return [name for name in (*self.splits, AFTER) if name == "validation" or name in watched - {"train"}]

    def _make_recorder(self) -> Recorder | None:
        record, training = self.spec.record, self.spec.training
        batch_size = training.in_step(training.batch_in()(0))
        return Recorder(record, self.model, self.data, self.splits["train"], batch_size) if record else None

    def unsaved_run(self) -> UnsavedRun:
        """Return the run as a plot gets it before training."""
        record = self.recorder.arrays if self.recorder else {}
        return UnsavedRun(self.spec, self._described, self.model, self.data, record)

    def _check_plots(self) -> None:
        mistakes, run = list[Diagnostic](), self.unsaved_run()
        for number, plot in enumerate(self.spec.plots):
            try:
                plot.check(run)
            except SpecnetError as error:
                mistakes += error.at("plots", number).diagnostics
        if mistakes:
            raise SpecError(mistakes)

    def _watch_best(self) -> ImprovementTracker | None:
        """Return the watch that decides which state is the best; None where none is: the last is used then."""
        checkpoint, stopping = self.spec.checkpoint, self.spec.training.early_stopping
        monitor, mode = checkpoint.monitor, checkpoint.mode
        place: Pointer = ("checkpoint", "monitor")
        if monitor is None and stopping:
            monitor, place, mode = stopping.monitor, ("training", "early_stopping", "monitor"), mode or stopping.mode
        if monitor is None and "validation" in self.splits:
            monitor = "validation/loss"
        if monitor is None:
            if self.spec.training.on_divergence == "restore_best":
                message = "there is no best state to restore: there are no validation samples, and no monitor"
                help = 'give "split" a validation share, or "checkpoint" a monitor, such as "train/loss"'
                raise SpecError([Diagnostic("unknown-monitor", message, ("training", "on_divergence"), help)])
            return None
        return ImprovementTracker(after_epoch(monitor), self._mode(monitor, mode, place))

    def _make_stopping(self) -> dict[str, Callback]:
        """Return the callbacks that end training before the last epoch, by their keys in the spec."""
        training, named = self.spec.training, dict[str, Callback]()
        if early := training.early_stopping:
            mode = self._mode(early.monitor, early.mode, ("training", "early_stopping", "monitor"))
            watch = ImprovementTracker(after_epoch(early.monitor), mode, early.min_delta, early.patience)
            named["early_stopping"] = StopEarly(watch, early.min_epochs)
        if target := training.stop_at:
            mode = self._mode(target.monitor, target.mode, ("training", "stop_at", "monitor"))
            named["stop_at"] = StopAtValue(after_epoch(target.monitor), mode, target.value)
        if training.max_seconds:
            named["max_seconds"] = StopAfter(training.max_seconds)
        return named

    def _begin_schedules(self, optimizer: Optimizer, training: Training) -> ScheduledFields:
        """Return all schedules, with those that watch a value prepared for training."""
        of_layers = self.model.network.scheduled.fields
        fields = ScheduledFields({"optimizer": optimizer, "loss": self.model.loss, "training": training}, of_layers)
        for place, schedule in fields.watching.items():
            pointer = pointer_of(place)
            mode = self._mode(schedule.monitor, schedule.mode, (*pointer, "monitor"))
            with guarded(schedule, pointer, "begin"):
                schedule.begin(mode)
        return fields

    def _mode(self, monitor: str, given: Mode | None, place: Pointer) -> Mode:
        """Return whether smaller or larger values of a monitored name are better, after checking that it will exist."""
        split, _, name = monitor.partition("/")
        if split not in self.splits:
            raise SpecError([missing_split(monitor, place)])
        if name not in (values := self._value_names.get(split, [name])):
            raise SpecError([unknown_value(monitor, place, [split], values)])
        metric = self.model.metrics.get(name.partition("/")[0])
        return given or ("max" if metric is not None and metric.higher_is_better else "min")
