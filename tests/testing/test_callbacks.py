"""What `specnet.testing` finds in callbacks, and the guide that shows how to write one."""

import json
import re
from pathlib import Path

import pytest

import specnet
from specnet import Callback
from specnet.testing import ConformanceError, check_callback, examine

GUIDE = (Path(__file__).parents[2] / "docs" / "write-a-callback.md").read_text()


def blocks(language):
    found = re.findall(r"^```(\w*)\n(.*?)^```$", GUIDE, flags=re.M | re.S)
    return [text for named, text in found if named == language]


@pytest.fixture
def target(local, tmp_path):
    """The class of the guide, registered."""
    (code,) = blocks("python")
    names = {"__name__": "target"}
    exec(code, names)
    return specnet.register("callbacks", "target")(names["Target"])


class Silent(Callback):
    """Does nothing."""


class Forgetful(Callback):
    """Counts epochs and forgets them."""

    def model_post_init(self, context):
        self.count = 0

    def epoch(self, training, values):
        self.count += 1

    def state(self):
        return {"count": self.count}


class Unsaved(Silent):
    def state(self):
        return {"pair": (1, 2)}


class Failing(Silent):
    def end(self, training, status):
        raise KeyError(status)


def test_a_callback_without_a_mistake_passes():
    check_callback(Silent())


@pytest.mark.parametrize(
    ("cls", "check", "words"),
    [
        (Forgetful, "restored it continues exactly", "after epoch 1 its state ends as {'count': 3}, not {'count': 4}"),
        (Unsaved, "its state can be saved", "pair of its state, (1, 2), changes when"),
        (Failing, "it follows a whole training", "KeyError: 'finished'"),
    ],
)  # fmt: skip
def test_a_mistake_is_found(cls, check, words):
    (found,) = [outcome for outcome in examine(cls()) if not outcome.passed]
    assert (found.check, words in found.reason) == (check, True), found.reason


def test_the_callback_of_the_guide_is_right_and_stops_the_run_of_its_spec(target, tmp_path):
    check_callback(target(value=0.65))
    (spec,) = blocks("json")
    spec = json.loads(spec)
    run = specnet.run(spec, out=tmp_path / "run", report=False)
    assert (run.status, len(run.history["epoch"]) < 50) == ("finished", True)
    del spec["training"]["callbacks"]
    run = specnet.run(spec, out=tmp_path / "again", callbacks=[target(value=0.68)], report=False)
    assert (run.status, len(run.history["epoch"]) < 50) == ("stopped", True)


def test_the_mistake_that_the_guide_shows_is_found_in_these_words(target):
    (shown,) = blocks("")
    without = type("Without", (target,), {"restore": Callback.restore})
    with pytest.raises(ConformanceError) as raised:
        check_callback(without())
    for line in shown.splitlines():
        assert line.strip().removeprefix("FAILED ").partition("0.79")[0] in str(raised.value)
