import json

import pytest

import specnet
from specnet.errors import SpecError
from specnet.schedules.base import Schedule, WatchingSchedule

COSINE = {"type": "cosine", "initial": 0.5, "steps": 10}


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("rate", [0.25, 1, COSINE, {"type": "constant", "value": 2}])
def test_a_hyper_parameter_takes_a_number_or_a_schedule(optimizer, rate):
    built = specnet.build("optimizers", {"type": optimizer, "learning_rate": rate})
    written = json.loads(json.dumps(built.to_spec()))
    assert isinstance(built.learning_rate, Schedule) == isinstance(rate, dict)
    again = specnet.build("optimizers", written)
    assert again.to_spec() == written
    assert again == built


def test_a_schedule_given_as_an_instance_is_taken():
    schedule = specnet.build("schedules", COSINE)
    sgd = type(specnet.build("optimizers", "sgd"))(learning_rate=schedule)
    assert sgd.learning_rate(0) == 0.5
    assert sgd.to_spec()["learning_rate"] == schedule.to_spec()


@pytest.mark.parametrize(
    ("rate", "code"),
    [
        (0, "out-of-range"),
        (-0.1, "out-of-range"),
        (float("nan"), "out-of-range"),
        (float("inf"), "out-of-range"),
        (True, "wrong-type"),
        (None, "wrong-type"),
        ([0.1], "wrong-type"),
        ("0.1", "wrong-type"),
        ({**COSINE, "initial": -0.1}, "out-of-range"),
        ({"type": "constant", "value": 0}, "out-of-range"),
        ({"initial": 0.1}, "missing-key"),
    ],
)
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_what_is_no_learning_rate_is_refused_where_it_stands(optimizer, rate, code):
    with pytest.raises(SpecError) as caught:
        specnet.build("optimizers", {"type": optimizer, "learning_rate": rate})
    assert [(found.code, found.pointer) for found in caught.value.diagnostics] == [(code, ("learning_rate",))]


def test_a_mistake_inside_a_schedule_is_located_inside_it():
    with pytest.raises(SpecError) as caught:
        specnet.build("optimizers", {"type": "sgd", "learning_rate": {**COSINE, "steps": 0}})
    assert caught.value.diagnostics[0].pointer == ("learning_rate", "steps")


class Doubling(WatchingSchedule):
    def begin(self, mode):
        self.begun = mode

    def __call__(self, step):
        return {"min": 1.0, "max": 2.0}[self.begun]


@pytest.mark.parametrize(("mode", "value"), [(None, 1.0), ("min", 1.0), ("max", 2.0)])
def test_a_schedule_that_watches_a_value_has_begun_when_it_is_built(mode, value):
    assert Doubling(mode=mode)(0) == value


def test_a_schedule_that_watches_a_value_says_how_it_begins():
    class Forgetful(WatchingSchedule):
        def __call__(self, step):
            return 1.0

    with pytest.raises(TypeError, match="begin"):
        Forgetful()
