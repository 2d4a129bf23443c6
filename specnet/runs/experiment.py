"""From a spec to training: data loaded and split, transforms fitted, network built, everything checked."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from specnet.component import fresh_copy
from specnet.datasets.base import AnySamples, Data, Dataset, Samples, StreamedSamples, evenly_chosen
from specnet.datasets.rows import row_bytes
from specnet.diagnostics import show_value
from specnet.errors import DataError, Diagnostic, ShapeError, SpecError, SpecnetError
from specnet.faults import guarded
from specnet.improvement import ImprovementTracker, Mode
from specnet.optimizers.base import Optimizer
from specnet.plugin_code import staying
from specnet.recording.recorder import Recorder
from specnet.runs.building import build_model, load_data, located, named_rows, transform
from specnet.schedules.base import Schedule, WatchingSchedule
from specnet.schedules.scheduled import ScheduledFields, pointer_of
from specnet.spec.checks import check_network, missing_split
from specnet.spec.model import Spec
from specnet.spec.units import loaded_task, resolve_loaded
from specnet.task import Task
from specnet.training.callbacks import BestTracker, Callback, FollowMonitors, GuardedCallback, StopEarly
from specnet.training.state import TrainingState
from specnet.training.trainer import AFTER, Trainer, after_epoch
from specnet.training.trial import try_step
from specnet.words import Pointer, quote

LARGE = 30.0
"""Mean size of an input above which training is likely to fail."""
_LOOKED_AT = 1000
"""Samples that are looked at for this."""


def _check_batch(samples: AnySamples, size: int | None) -> None:
    """Check that a batch of streamed training samples fits into the dataset's buffer."""
    if isinstance(samples, StreamedSamples):
        size = min(size or len(samples.inputs), len(samples.inputs))
        if size * row_bytes(samples.inputs, samples.targets) > samples.buffer:
            raise DataError(
                f"a step of {size:,} samples takes more than the dataset's buffer",
                pointer=("training", "batch_size"),
                help="make the batch smaller or the buffer larger",
            )


@dataclass(frozen=True)
class Untrained:
    """What a plot may use before training."""

    name: str
    dataset: Dataset
    data: Data
    input_names: tuple[str, ...]
    task: Task
    predict: Callable[..., np.ndarray]
    params: Mapping[str, np.ndarray]
    record: Mapping[str, np.ndarray]
    history: Mapping[str, np.ndarray] = field(default_factory=dict)


class Experiment:
    """Everything that a run trains with.

    Raises:
        SpecnetError: if data, transforms, layers, loss, metrics, monitors or plots do not fit each other.
    """

    @staying()
    def __init__(self, spec: Spec, callbacks: Sequence[Callback] = ()) -> None:
        self.data = load_data(spec)
        inputs, targets, transformed = transform(spec, self.data)
        with located(spec):
            self.spec = spec = resolve_loaded(spec, self.data, transformed["train"])
            shape, rows = transformed["train"].inputs.shape[1:], len(transformed["train"].inputs)
            _check_batch(transformed["train"], spec.training.batch_size)
            check_network(spec, shape, rows)
            self.model = build_model(spec, shape, inputs, targets, spec.seed)
            self.task = loaded_task(spec, self.data, self.model.network.output_shape)
            self.model.set_task(self.task)
            self.warnings = [*self._check_classes(), *self._unscaled(transformed["train"])]
            self.splits = {}
            for name, samples in self.data.splits.items():
                with named_rows(self.data, name):
                    self.splits[name] = self.model.prepare(transformed[name], samples.targets)
            try_step(self.model, self.splits["train"], spec.training.batch_size)
            self._check_splits()
            self.best = BestTracker(self._watch_best())
            stopping = self._watch_stopping()
            optimizer = spec.kernels.instantiate(spec.optimizer)
            self.schedules = self._begin_schedules(optimizer)
            self.recorder = self._make_recorder()
            self._check_plots()
            watching = {place: each for place, each in self.schedules.items() if isinstance(each, WatchingSchedule)}
            monitors = [each.monitor for each in (self.best.watch, stopping, *watching.values()) if each]
            watched = {monitor.partition("/")[0] for monitor in monitors}
            # The test split is for the end, unless it is monitored.
            measured = [name for name in (*self.splits, AFTER) if name == "validation" or name in watched - {"train"}]
            self.trainer = Trainer(self.model, optimizer, spec.training, self.splits, spec.seed, measured)
            self.trainer.callbacks = self._make_callbacks(watching, stopping, callbacks)
        # These two never change during a run. They are in every checkpoint, so that one is enough to predict.
        arrays = inputs.arrays() | targets.arrays()
        self._learned = {name.removeprefix("transforms."): array for name, array in arrays.items()}
        self._described = {
            "input_shape": list(shape),
            "classes": list(self.data.classes),
            "input_names": list(self.data.input_names),
            "target_names": list(self.data.target_names),
            "task": self.task.to_json(),
        }

    def state(self, copied: bool = True) -> TrainingState:
        """Return the whole state; `copied` as in `Trainer.state`.

        Raises:
            DivergenceError: if it holds a number that is not finite.
        """
        state = self.trainer.state(copied)
        state.put("transforms", self._learned)
        state.progress["data"] = self._described
        return state

    def restore(self, state: TrainingState, callbacks: bool = True) -> None:
        """Continue from a state; `callbacks` as in `Trainer.restore`.

        Raises:
            ValueError: if it cannot be a state of this experiment.
        """
        if state.progress["data"]["input_shape"] != list(self.model.network.input_shape):
            raise ValueError("the inputs had another shape")
        self.trainer.restore(state, callbacks)
        for place, schedule in self.schedules.items():
            if not math.isfinite(schedule(self.trainer.step)):
                raise ValueError(f"the schedule of {place} has no value")

    def _make_callbacks(
        self, watching: Mapping[str, WatchingSchedule], stopping: ImprovementTracker | None, further: Sequence[Callback]
    ) -> dict[str, Callback]:
        """Return the callbacks of the spec and of the user by name, in the order in which they run."""
        named: dict[str, Callback] = {"schedules": FollowMonitors(watching)} if watching else {}
        named["best"] = self.best
        if stopping:
            named["early_stopping"] = StopEarly(stopping)
        for number, callback in enumerate(fresh_copy(self.spec.training.callbacks)):
            place = ("training", "callbacks", number)
            named[".".join(map(str, place))] = GuardedCallback(callback, place)
        counts: Counter[str] = Counter()
        for callback in further:  # names with a space, unlike those of specnet's own callbacks
            counts[name := type(callback).__name__] += 1
            named[f"{name} {counts[name]}"] = callback
        return named

    def _unscaled(self, train: AnySamples) -> Iterator[str]:
        """Yield a warning if inputs are so large that a network hardly learns from them."""
        if self.model.network.whole or not isinstance(train, Samples):
            return
        x = evenly_chosen(train, _LOOKED_AT).inputs.astype(np.float64)
        with np.errstate(over="ignore"):
            size = np.mean(np.abs(x), axis=0)
        if size.max(initial=0.0) > LARGE:
            place = np.unravel_index(int(np.argmax(size)), size.shape)
            names = self.model.inputs.names(self.data.input_names)
            what = f"column {quote(names[place[0]])}" if names and size.ndim == 1 else "a feature"
            yield (
                f"inputs are large: {what} is about {size[place]:,.3g}, and networks learn badly from such numbers; "
                "to scale them: --set transforms.inputs+=standardize"
            )

    def _check_classes(self) -> Iterator[str]:
        """Check that there are outputs for all classes that the dataset names; yield a warning if there are more."""
        classes, outputs = self.data.classes, self.model.network.output_shape
        if not classes or self.spec.transforms.targets:
            return
        try:
            self.model.loss.check_shapes(outputs, self.data.train.targets.shape[1:], len(classes))
        except ShapeError as error:
            error.message += f"; the classes are {show_value(classes)}"
            raise
        if outputs and outputs[-1] > len(classes) > 2:
            yield (
                f"the last layer has {outputs[-1]} outputs for {len(classes)} classes, {show_value(classes)}: "
                f"give it {len(classes)} units, or leave them out"
            )

    def _check_splits(self) -> None:
        """Check all samples, and compute each metric, to find mistakes before training.

        For streamed samples, metrics are computed on the first few, the others are only prepared.
        """
        measures = self.model.measures()
        for name, split in self.splits.items():
            self.model.check_metrics(split)
            with named_rows(self.data, name):
                pieces = split.pieces()
                first = next(pieces)
                for _ in pieces:  # only prepared
                    pass
            if not self.model.metrics:
                continue
            measures.reset()
            y, mask = self.model.outputs(first.inputs, first.mask)
            counted = first.masked(mask)
            with np.errstate(over="ignore", invalid="ignore"):
                measures.update(y, counted.truth, counted.weight)
            if self.model.weight_of(counted):
                measures.compute()

    def _make_recorder(self) -> Recorder | None:
        record, batch_size = self.spec.record, self.spec.training.batch_size
        return Recorder(record, self.model, self.data, self.splits["train"], batch_size) if record else None

    def _check_plots(self) -> None:
        mistakes: list[Diagnostic] = []
        untrained = Untrained(
            self.spec.name,
            self.spec.dataset,
            self.data,
            self.data.input_names,
            self.task,
            self.model.predict,
            self.model.network.params,
            self.recorder.arrays if self.recorder else {},
        )
        for number, plot in enumerate(self.spec.plots):
            try:
                plot.check(untrained)
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

    def _watch_stopping(self) -> ImprovementTracker | None:
        stopping = self.spec.training.early_stopping
        if stopping is None:
            return None
        mode = self._mode(stopping.monitor, stopping.mode, ("training", "early_stopping", "monitor"))
        return ImprovementTracker(after_epoch(stopping.monitor), mode, stopping.min_delta, stopping.patience)

    def _begin_schedules(self, optimizer: Optimizer) -> dict[str, Schedule]:
        """Return all schedules by place, with those that watch a value prepared for training."""
        named = self.model.network.named
        schedules = ScheduledFields({"optimizer": optimizer, "loss": self.model.loss, **named}).schedules
        for place, schedule in schedules.items():
            if isinstance(schedule, WatchingSchedule):
                pointer = pointer_of(place)
                mode = self._mode(schedule.monitor, schedule.mode, (*pointer, "monitor"))
                with guarded(schedule, pointer, "begin"):
                    schedule.begin(mode)
        return schedules

    def _mode(self, monitor: str, given: Mode | None, place: Pointer) -> Mode:
        """Return whether smaller or larger values of a monitored name are better, after checking that it will exist."""
        split, _, name = monitor.partition("/")
        if split not in self.splits:
            raise SpecError([missing_split(monitor, place)])
        higher = name != "loss" and self.model.metrics[name].higher_is_better
        return given or ("max" if higher else "min")
