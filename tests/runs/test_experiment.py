import pytest

import specnet
from specnet.errors import BrokenComponentError, SpecError
from specnet.runs.experiment import Experiment
from specnet.training.loop import run_epoch

SPEC = {
    "seed": 3,
    "dataset": {"type": "spiral", "n_samples": 60},
    "split": {"validation": 0.2, "test": 0.1},
    "layers": [{"type": "linear", "units": 1}],
    "loss": "bce_with_logits",
    "metrics": ["accuracy", "mse"],
    "training": {"epochs": 8},
}
PLUGIN = """
from typing import Annotated

import numpy as np
from specnet import Data, Dataset, Optimizer, Samples
from specnet.schedules.base import WatchingSchedule, scheduled

class Grouped(Optimizer):
    learning_rate: Annotated[float, scheduled(gt=0)]
    rates: list[Annotated[float, scheduled(gt=0)]]

    def update(self, w, g, state, step): ...

class Silent(Dataset):
    def load(self, rng):
        return Data(Samples(np.zeros((4, 2)), np.array([0.0, 1.0, 1.0, 0.0])))

class Rising(WatchingSchedule):
    def begin(self, mode):
        if mode == "max":
            raise RuntimeError("no top")

    def __call__(self, step):
        return 0.1
"""


def plateau(**fields):
    return {"type": "reduce_on_plateau", "initial": 1.0, "patience": 1, **fields}


def experiment(optimizer, **changes):
    return Experiment(specnet.load_spec(SPEC | {"optimizer": optimizer} | changes))


def sgd(rate):
    return {"type": "sgd", "learning_rate": rate}


@pytest.fixture
def plugin(install):
    parts = {"optimizers": "Grouped", "schedules": "Rising", "datasets": "Silent"}
    points = "\n".join(f"[specnet.{group}]\n{name.lower()} = acme_parts:{name}" for group, name in parts.items())
    install("acme", points, acme_parts=PLUGIN)


@pytest.mark.parametrize(
    ("rate", "places"),
    [
        (0.1, []),
        ({"type": "constant", "value": 1}, ["learning_rate"]),
        (plateau(), ["learning_rate"]),
    ],
)
def test_schedules_are_those_of_the_optimizer_that_trains(rate, places):
    found = experiment(sgd(rate))
    assert list(found.schedules) == [f"optimizer.{place}" for place in places]
    for place in places:
        assert found.schedules[f"optimizer.{place}"] is found.trainer.scheduled.schedules[f"optimizer.{place}"]


def test_a_schedule_deeper_in_the_optimizer_is_named_by_its_place(plugin):
    rates = [0.1, plateau(), {"type": "constant", "value": 2}]
    found = experiment({"type": "grouped", "learning_rate": plateau(), "rates": rates})
    assert list(found.schedules) == [f"optimizer.{place}" for place in ("learning_rate", "rates.1", "rates.2")]
    assert found.schedules["optimizer.rates.2"](0) == 2
    found.trainer.scheduled.set(0)
    assert found.trainer.optimizer.rates == [0.1, 1.0, 2.0]


@pytest.mark.parametrize(
    ("monitor", "mode", "better"),
    [
        ("validation/loss", None, "lower"),
        ("train/mse", None, "lower"),
        ("validation/accuracy", None, "higher"),
        ("validation/accuracy", "min", "lower"),
        ("validation/mse", "max", "higher"),
    ],
)
def test_a_schedule_learns_which_values_are_better(monitor, mode, better):
    schedule = experiment(sgd(plateau(monitor=monitor, mode=mode))).schedules["optimizer.learning_rate"]
    values = []
    for value in (0.5, 0.6, 0.7) if better == "higher" else (0.7, 0.6, 0.5):
        schedule.look({monitor: value})
        values.append(schedule(0))
    assert values == [1.0, 1.0, 1.0]
    schedule.look({monitor: 0.6})
    assert schedule(0) == 0.1


@pytest.mark.parametrize(
    ("monitor", "measured"),
    [
        ("train/loss", ["validation"]),
        ("validation/accuracy", ["validation"]),
        ("test/loss", ["validation", "test"]),
    ],
)
def test_the_split_that_a_schedule_monitors_is_measured(monitor, measured):
    found = experiment(sgd(plateau(monitor=monitor)))
    assert [*found.trainer.measured] == measured
    assert monitor in run_epoch(found.trainer)


def test_a_schedule_cannot_monitor_a_split_that_the_data_turn_out_not_to_have(plugin):
    with pytest.raises(SpecError, match="there are no test samples") as caught:
        experiment(sgd(plateau(monitor="test/loss")), dataset="silent", split={})
    assert caught.value.diagnostics[0].pointer == ("optimizer", "learning_rate", "monitor")


def test_experiments_of_one_spec_share_no_state_with_it_or_with_each_other():
    spec = specnet.load_spec(SPEC | {"optimizer": sgd(plateau(monitor="validation/accuracy"))})
    before = spec.to_json(), spec.optimizer.learning_rate.save()
    first = Experiment(spec).schedules["optimizer.learning_rate"]
    for value in (0.9, 0.8, 0.7):
        first.look({"validation/accuracy": value})
    second = Experiment(spec).schedules["optimizer.learning_rate"]
    assert (first(0), second(0)) == (pytest.approx(0.01), 1.0)
    assert (spec.to_json(), spec.optimizer.learning_rate.save()) == before
    # Not even what somebody did to the schedule of the spec itself tells in a run.
    spec.optimizer.learning_rate.look({"validation/accuracy": 2.0})
    assert Experiment(spec).schedules["optimizer.learning_rate"].save() == second.save()


def test_a_schedule_that_fails_to_begin_is_named(plugin):
    assert experiment(sgd("rising")).schedules["optimizer.learning_rate"](0) == 0.1
    with pytest.raises(
        BrokenComponentError,
        match=r"optimizer\.learning_rate \(Rising of acme 1\.0\) fails in begin \(.*acme_parts\.py:\d+\): .* no top",
    ):
        experiment(sgd({"type": "rising", "monitor": "validation/accuracy"}))
