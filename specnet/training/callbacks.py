"""The contract of callbacks, and features of a spec that are callbacks."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, ClassVar

from specnet.component import Component
from specnet.errors import DivergenceError, Interrupted, UsageError
from specnet.faults import guarded
from specnet.improvement import ImprovementTracker, Mode
from specnet.schedules.base import WatchingSchedule
from specnet.schedules.scheduled import pointer_of
from specnet.words import Pointer

if TYPE_CHECKING:
    from specnet.training.state import TrainingState
    from specnet.training.trainer import Trainer


class Callback(Component):
    """Code that runs at fixed points of training. Each method does nothing by default.

    `training` is the trainer: `training.epoch` and `training.step` count completed epochs and steps, `training.model`
    holds the network, `training.stop(reason)` ends training after the epoch. The run is then finished if the spec names
    the callback; a run stopped by a callback from Python can be resumed. `state` returns what a callback needs to
    resume exactly: a run saves it, and passes it to `restore` when it is resumed.
    """

    group: ClassVar[str] = "callbacks"

    def begin(self, training: Trainer) -> None:
        """Run once before the first step, also in a resumed run."""

    def step(self, training: Trainer) -> None:
        """Run after each step."""

    def epoch(self, training: Trainer, values: Mapping[str, Any]) -> None:
        """Run after each epoch; `values` is its line of the history, and cannot be changed."""

    def end(self, training: Trainer, status: str) -> None:
        """Run once at the end; `status` is finished, stopped, interrupted, diverged or failed."""

    def state(self) -> dict[str, Any]:
        """Return what a resumed run needs: JSON values, or arrays of numbers, by name."""
        return {}

    def restore(self, saved: dict[str, Any]) -> None:
        """Continue from what `state` returned."""


def check_callbacks(given: Any) -> Sequence[Callback]:
    """Return the callbacks that a caller passes.

    Raises:
        UsageError: if they are not a list of callbacks, but one of them, a class or a function.
    """
    if not isinstance(given, (list, tuple)) or not all(isinstance(each, Callback) for each in given):
        raise UsageError(f"callbacks is a list of specnet.Callback objects, not {given!r}")
    return given


def overriding(callbacks: Iterable[Callback], method: str) -> list[Any]:
    """Return the bound methods of the callbacks that define `method`: calling the others would waste time."""
    calls = [getattr(callback, method) for callback in callbacks]
    return [call for call in calls if getattr(call, "__func__", None) is not getattr(Callback, method)]


def end_of(training: Trainer) -> str:
    """Return how training has ended without an error: finished or stopped."""
    return "stopped" if training.stopped else "finished"


@contextmanager
def callbacks_begun(training: Trainer) -> Iterator[None]:
    """Begin the callbacks before training, and end those that have begun after it, even if one of them fails.

    Raises:
        BaseException: the first of the errors of training and of callbacks.
    """
    begun: list[Callback] = []
    errors: list[BaseException] = []
    try:
        for callback in training.callbacks.values():
            callback.begin(training)
            begun.append(callback)
        yield
        status = end_of(training)
    except BaseException as error:
        status = {DivergenceError: "diverged", Interrupted: "interrupted"}.get(type(error), "failed")
        errors.append(error)
    for callback in begun:
        try:
            callback.end(training, status)
        except BaseException as error:
            errors.append(error)
    if errors:
        raise errors.pop(0)


class GuardedCallback(Callback):
    """A callback that a spec names: its errors show the place in the spec, and a stop is final."""

    def __init__(self, callback: Callback, place: Pointer) -> None:
        super().__init__()
        self.callback = callback
        self.place = place
        if type(callback).step is Callback.step:
            vars(self)["step"] = super().step  # where `overriding` looks

    def _call(self, method: str, *arguments: Any) -> Any:
        with guarded(self.callback, self.place, method):
            return getattr(self.callback, method)(*arguments)

    def begin(self, training: Trainer) -> None:
        self._call("begin", training)

    def step(self, training: Trainer) -> None:
        with _stopping_for_good(training):
            self._call("step", training)

    def epoch(self, training: Trainer, values: Mapping[str, Any]) -> None:
        with _stopping_for_good(training):
            self._call("epoch", training, values)

    def end(self, training: Trainer, status: str) -> None:
        self._call("end", training, status)

    def state(self) -> dict[str, Any]:
        return self._call("state")

    def restore(self, saved: dict[str, Any]) -> None:
        self._call("restore", saved)


def check_reason(reason: str) -> str:
    """Return the reason for a stop.

    Raises:
        UsageError: if it is no text, or empty.
    """
    if not isinstance(reason, str) or not reason:
        raise UsageError(f"training.stop expects a reason as text, not {reason!r}")
    return reason


def save_callback(state: TrainingState, name: str, callback: Callback) -> None:
    """Put what a callback has to save into a state.

    Raises:
        BrokenComponentError: if it cannot be saved.
    """
    saved = callback.state()
    if saved is not None and not (isinstance(saved, dict) and not saved):
        source = (callback.callback, callback.place) if isinstance(callback, GuardedCallback) else (callback, ())
        state.put_result(f"callbacks.{name}", saved, *source, "state")


def restore_callback(name: str, callback: Callback, saved: dict[str, Any]) -> None:
    """Let a callback continue from what it has saved.

    Raises:
        BrokenComponentError: if it is not one of specnet's own, and raises an error.
    """
    with guarded(callback, (), "restore") if " " in name else nullcontext():  # which a name given in Python contains
        callback.restore(saved)


@contextmanager
def _stopping_for_good(training: Trainer) -> Iterator[None]:
    """Inside, a stop counts as requested by the spec: a resumed run trains no further."""
    before = training.stopped
    yield
    if training.stopped != before:
        training.finish(training.stopped or "")
        training.stopped = before


class FollowMonitors(Callback):
    """Passes each epoch's values to the schedules that watch one of them."""

    def __init__(self, schedules: Mapping[str, WatchingSchedule]) -> None:
        super().__init__()
        self.schedules = schedules

    def epoch(self, training: Trainer, values: Mapping[str, Any]) -> None:
        for place, schedule in self.schedules.items():
            with guarded(schedule, pointer_of(place), "look"):
                schedule.look(values)

    def state(self) -> dict[str, Any]:
        return {place: schedule.save() for place, schedule in self.schedules.items()}

    def restore(self, saved: dict[str, Any]) -> None:
        for place, schedule in self.schedules.items():
            schedule.restore(saved[place])


class BestTracker(Callback):
    """Records whether the last epoch is the best so far by a monitored value; never, if there is none."""

    def __init__(self, watch: ImprovementTracker | None) -> None:
        super().__init__()
        self.watch = watch
        self.improved = False

    def epoch(self, training: Trainer, values: Mapping[str, Any]) -> None:
        self.improved = self.watch is not None and self.watch.look(values)

    def state(self) -> dict[str, Any]:
        return self.watch.save() if self.watch else {"best": None, "waited": 0}

    def restore(self, saved: dict[str, Any]) -> None:
        if self.watch:
            self.watch.restore(saved)


class StopEarly(Callback):
    """Ends training when a monitored value has not improved for too long, and some epochs are over."""

    def __init__(self, watch: ImprovementTracker, min_epochs: int = 0) -> None:
        super().__init__()
        self.watch, self.monitor, self.min_epochs = watch, watch.monitor, min_epochs

    def epoch(self, training: Trainer, values: Mapping[str, Any]) -> None:
        self.watch.look(values)
        if self.watch.exhausted and training.epoch >= self.min_epochs:
            training.finish(f"{self.monitor} has not improved for {self.watch.waited} epochs")

    def state(self) -> dict[str, Any]:
        return self.watch.save()

    def restore(self, saved: dict[str, Any]) -> None:
        self.watch.restore(saved)


class StopAtValue(Callback):
    """Ends training when a monitored value has reached another."""

    def __init__(self, monitor: str, mode: Mode, value: float) -> None:
        super().__init__()
        self.monitor, self.mode, self.value = monitor, mode, value

    def epoch(self, training: Trainer, values: Mapping[str, Any]) -> None:
        found = values[self.monitor]
        if found <= self.value if self.mode == "min" else found >= self.value:
            training.finish(f"{self.monitor} has reached {self.value:g}")


class StopAfter(Callback):
    """Ends training after some time, with that of a run's earlier processes, at the end of an epoch."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    def begin(self, training: Trainer) -> None:
        self.start = time.perf_counter() - training.seconds_before

    def epoch(self, training: Trainer, values: Mapping[str, Any]) -> None:
        if time.perf_counter() - self.start >= self.seconds:
            training.finish(f"training has taken {self.seconds:g} seconds")
