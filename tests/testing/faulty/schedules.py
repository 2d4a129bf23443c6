"""Schedules without a mistake, and with one each."""

import math

from testing.faulty.base import CONTINUES, SAME, fault, good

from specnet import Schedule, WatchingSchedule


@good
class Half(Schedule):
    """1 / (1 + step)."""

    def __call__(self, step):
        return 1.0 / (1 + step)


@good
class Best(WatchingSchedule):
    """The best value so far."""

    def begin(self, mode):
        self.best = 1.0

    def __call__(self, step):
        return self.best

    def look(self, values):
        self.best = min(self.best, values[self.monitor])

    def save(self):
        return {"best": self.best}

    def restore(self, saved):
        self.best = saved["best"]


@fault("values are finite and not negative", "after 11 steps the value is -")
class Negative(Schedule):
    def __call__(self, step):
        return 1.0 - step / 10


@fault("values are finite and not negative", "after 12345 steps the value is inf")
class Endless(Schedule):
    def __call__(self, step):
        return float(1.1 ** min(step, 7000)) if step < 7000 else math.inf


@fault(SAME, "values in a second step: ")
class Decaying(Schedule):
    def __call__(self, step):
        self.value = getattr(self, "value", 1.0) * 0.9
        return self.value


@fault("the last binding counts", "after an earlier binding")
class Bound(Schedule):
    """Smaller with each run that it is bound to."""

    def bind(self, steps_per_epoch, total_steps):
        self.bindings = getattr(self, "bindings", 0) + 1

    def __call__(self, step):
        return 1.0 / self.bindings


@fault("its length is a number of steps", "length returns 2.5")
class Broken(Half):
    def length(self):
        return 2.5


@fault(CONTINUES, "values in step .*, if it is restored after step")
class Unsaved(Best):
    def save(self):
        return {}

    def restore(self, saved):
        pass


@fault(CONTINUES, "the state saved after step 0 was")
class Live(Best):
    def begin(self, mode):
        self.state = {"best": 1.0, "seen": []}

    def __call__(self, step):
        return self.state["best"]

    def look(self, values):
        self.state["best"] = min(self.state["best"], values[self.monitor])

    def save(self):
        return self.state

    def restore(self, saved):
        self.state = saved
