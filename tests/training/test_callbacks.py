"""Callbacks: when they run, what they may do, and that their state survives."""

import json

import numpy as np
import pytest

import specnet
from specnet import Callback, load_spec
from specnet.errors import BrokenComponentError, Interrupted, UsageError
from specnet.runs.experiment import Experiment
from specnet.training.callbacks import GuardedCallback, overriding
from specnet.training.loop import train
from specnet.training.state import TrainingState

SPEC = {
    "name": "spec",
    "seed": 3,
    "dataset": {"type": "spiral", "n_samples": 40},
    "split": {"validation": 0.2},
    "layers": [{"type": "linear", "units": 4}, "tanh", {"type": "linear", "units": 1}],
    "loss": "bce_with_logits",
    "training": {"epochs": 3, "batch_size": 16},
    "record": None,
    "plots": [],
}


class Noting(Callback):
    """Notes each call and the epoch and step it sees."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def begin(self, training):
        self.calls.append(("begin", training.epoch, training.step))

    def step(self, training):
        self.calls.append(("step", training.epoch, training.step))

    def epoch(self, training, values):
        self.calls.append(("epoch", values["epoch"], values["step"]))

    def end(self, training, status):
        self.calls.append(("end", status))


class Averaging(Callback):
    """Keeps a running mean of the parameters, an array, and counts epochs."""

    def begin(self, training):
        if training.step == 0:
            self.mean, self.epochs = np.zeros_like(training.model.network.params.flat), 0

    def step(self, training):
        self.mean += 0.5 * (training.model.network.params.flat - self.mean)

    def epoch(self, training, values):
        self.epochs += 1

    def state(self):
        return {"mean": self.mean, "epochs": self.epochs}

    def restore(self, saved):
        self.mean, self.epochs = saved["mean"].copy(), saved["epochs"]


def test_callbacks_run_at_each_step_and_epoch_in_the_order_in_which_they_are_given(tmp_path):
    order = []

    def named(name):
        class Named(Callback):
            def epoch(self, training, values):
                order.append(name)

        return Named()

    noting = Noting()
    specnet.run(SPEC, tmp_path / "run", callbacks=[named("first"), noting, named("second")], report=False)
    steps = [
        [("step", epoch, 2 * epoch + step) for step in (1, 2)] + [("epoch", epoch + 1, 2 * epoch + 2)]
        for epoch in range(3)
    ]
    assert noting.calls == [("begin", 0, 0), *(call for epoch in steps for call in epoch), ("end", "finished")]
    assert order == ["first", "second"] * 3


def test_a_callback_that_stops_training_ends_the_run_in_order_and_it_can_be_resumed(tmp_path):
    class Stop(Callback):
        def epoch(self, training, values):
            if values["epoch"] == 2:
                training.stop("enough for today")

    run = specnet.run(SPEC, tmp_path / "run", callbacks=[Stop()], report=False)
    assert (run.status, run.manifest["reason"], len(run.history["epoch"])) == ("stopped", "enough for today", 2)
    resumed = specnet.resume(tmp_path / "run", report=False)
    whole = specnet.run(SPEC, tmp_path / "whole", report=False)
    assert (resumed.status, resumed.manifest["reason"]) == ("finished", None)
    assert resumed.model.network.params.flat.tobytes() == whole.model.network.params.flat.tobytes()


@pytest.mark.parametrize("step", [1, 2, 3])
def test_the_state_of_a_callback_survives_an_interruption(step, tmp_path):
    class Interrupting(Callback):
        def step(self, training):
            if training.step == step:
                import signal

                signal.raise_signal(signal.SIGINT)

    whole, halves = Averaging(), Averaging()
    specnet.run(SPEC, tmp_path / "whole", callbacks=[whole], report=False)
    with pytest.raises(Interrupted):
        specnet.run(SPEC, tmp_path / "run", callbacks=[Averaging(), Interrupting()], report=False)
    specnet.resume(tmp_path / "run", callbacks=[halves], report=False)
    assert halves.mean.tobytes() == whole.mean.tobytes()
    assert halves.epochs == whole.epochs == 3


def test_a_run_is_not_resumed_without_a_callback_whose_state_it_has_saved(tmp_path):
    specnet.run(SPEC, tmp_path / "run", callbacks=[Averaging()], report=False)
    with pytest.raises(UsageError, match="the callback Averaging"):
        specnet.resume(tmp_path / "run", ["training.epochs=4"], report=False)


PLUGIN = """
from specnet import Callback

class Limit(Callback):
    epochs: int = 1

    def epoch(self, training, values):
        if values["epoch"] >= self.epochs:
            training.stop(f"{self.epochs} epochs are enough")

class Fails(Callback):
    def epoch(self, training, values):
        raise ZeroDivisionError("no reason")
"""
POINTS = "[specnet.callbacks]\nlimit = acme_callbacks:Limit\nfails = acme_callbacks:Fails"


def test_a_spec_names_callbacks_of_plugins(install, tmp_path):
    install("acme", POINTS, acme_callbacks=PLUGIN)
    training = SPEC["training"] | {"callbacks": [{"type": "limit", "epochs": 2}]}
    run = specnet.run(SPEC | {"training": training}, tmp_path / "run", report=False)
    assert (run.status, len(run.history["epoch"])) == ("finished", 2)
    assert json.loads((tmp_path / "run/spec.json").read_text())["training"]["callbacks"] == [
        {"type": "limit", "epochs": 2}
    ]
    assert len(specnet.resume(tmp_path / "run", report=False).history["epoch"]) == 2


def test_a_callback_of_a_spec_that_fails_is_named_with_its_place(install, tmp_path):
    install("acme", POINTS, acme_callbacks=PLUGIN)
    training = SPEC["training"] | {"callbacks": ["fails"]}
    with pytest.raises(
        BrokenComponentError, match=r"fails in epoch \(.*acme_callbacks\.py:\d+\): ZeroDivisionError: no reason"
    ) as raised:
        specnet.run(SPEC | {"training": training}, tmp_path / "run", report=False)
    assert raised.value.pointer == ("training", "callbacks", 0)


class Listing(Callback):
    """Keeps a list that grows and a count that is a scalar of NumPy, and hands both out as they are."""

    def __init__(self):
        super().__init__()
        self.seen, self.count = [], np.int64(0)

    def epoch(self, training, values):
        self.seen.append(values["epoch"])
        self.count += 1

    def state(self):
        return {"seen": self.seen, "count": self.count, "share": np.float32(0.5)}

    def restore(self, saved):
        self.seen, self.count = saved["seen"], saved["count"]


def stored(run, name):
    return run.progress["parts"][f"callbacks.{name}"]["values"]


def test_a_checkpoint_has_the_state_of_callbacks_at_its_own_step(tmp_path):
    worst = SPEC | {"checkpoint": {"monitor": "train/loss", "mode": "max"}}  # the first epoch is the best one
    specnet.run(worst, tmp_path / "run", callbacks=[Listing()], report=False)
    best, latest = (specnet.load_run(tmp_path / "run", which) for which in ("best", "latest"))
    assert (best.best["epoch"], stored(best, "Listing 1")) == (1, {"seen": [1], "count": 1, "share": 0.5})
    assert stored(latest, "Listing 1") == {"seen": [1, 2, 3], "count": 3, "share": 0.5}


def test_a_restored_callback_can_change_what_it_got_without_changing_the_state():
    state, array = TrainingState(), np.zeros(2)
    state.put("callbacks.one", {"list": [{"a": 1}], "array": array, "tuple": (1, np.bool_(True))})
    taken = state.take("callbacks.one")
    assert taken == {"list": [{"a": 1}], "array": taken["array"], "tuple": [1, True]}
    taken["list"][0]["a"] = 2
    taken["array"][0] = 2
    assert state.take("callbacks.one")["list"] == [{"a": 1}] and not array.any()


@pytest.mark.parametrize(
    ("value", "kind"),
    [({1, 2}, "set"), (np.array([None]), "array of object"), ([np.zeros(1)], "array of float64"), ({1: 2}, "dict"),
     (1j, "complex"), (np.datetime64("2020"), "date")],
)  # fmt: skip
def test_what_cannot_be_saved_is_named_with_the_callback_it_belongs_to(value, kind, install, tmp_path):
    class Odd(Callback):
        def state(self):
            return {"fine": 1, "odd": value}

    with pytest.raises(BrokenComponentError, match=f"Odd fails in state: TypeError: odd contains .* of type {kind};"):
        specnet.run(SPEC, tmp_path / "run", callbacks=[Odd()], report=False)


@pytest.mark.parametrize("saved", [{1: 2}, {(1, 2): 3}, [1, 2], "text"])
def test_a_state_that_has_no_names_is_refused_with_the_callback_it_belongs_to(saved, tmp_path):
    class Odd(Callback):
        def state(self):
            return saved

    with pytest.raises(BrokenComponentError, match="Odd fails in state: TypeError: only a dictionary whose keys are"):
        specnet.run(SPEC, tmp_path / "run", callbacks=[Odd()])


def test_an_error_in_restore_is_that_of_the_callback_and_no_checkpoint_is_blamed(tmp_path):
    class Odd(Callback):
        def state(self):
            return {"n": 1}

        def restore(self, saved):
            raise KeyError("other")

    specnet.run(SPEC, tmp_path / "run", callbacks=[Odd()])
    before = sorted((tmp_path / "run" / "checkpoints").iterdir())
    with pytest.raises(BrokenComponentError, match="Odd fails in restore: KeyError"):
        specnet.resume(tmp_path / "run", ["training.epochs=4"], callbacks=[Odd()])
    assert sorted((tmp_path / "run" / "checkpoints").iterdir()) == before


@pytest.mark.parametrize("reason", ["", 7, None])
def test_a_stop_needs_a_reason_as_text(reason, tmp_path):
    class Stop(Callback):
        def step(self, training):
            training.stop(reason)

    with pytest.raises(UsageError, match="expects a reason as text"):
        specnet.run(SPEC, tmp_path / "run", callbacks=[Stop()])
    specnet.load_run(tmp_path / "run")


def test_what_a_callback_of_a_spec_cannot_save_is_shown_at_its_place(install, tmp_path):
    install("acme", "[specnet.callbacks]\nodd = acme_odd:Odd", acme_odd=ODD)
    training = SPEC["training"] | {"callbacks": ["odd"]}
    with pytest.raises(BrokenComponentError, match=r"training\.callbacks\.0 \(Odd of acme.*odd contains") as raised:
        specnet.run(SPEC | {"training": training}, tmp_path / "run", report=False)
    assert raised.value.pointer == ("training", "callbacks", 0)


ODD = """
from specnet import Callback

class Odd(Callback):
    def state(self):
        return {"odd": object()}
"""


def trainer(*callbacks):
    experiment = Experiment(load_spec(SPEC), callbacks)
    return experiment.trainer


class Ending(Noting):
    """Notes its calls, and fails where it is told to."""

    def __init__(self, fails=()):
        super().__init__()
        self.fails = fails

    def begin(self, training):
        super().begin(training)
        if "begin" in self.fails:
            raise RuntimeError("begin of this one")

    def end(self, training, status):
        super().end(training, status)
        if "end" in self.fails:
            raise ValueError(f"end of this one, {status}")


def test_only_callbacks_that_have_begun_end():
    first, failing, last = Ending(), Ending(["begin"]), Ending()
    with pytest.raises(RuntimeError, match="begin of this one"):
        train(trainer(first, failing, last))
    assert (first.calls, failing.calls, last.calls) == ([("begin", 0, 0), ("end", "failed")], [("begin", 0, 0)], [])


@pytest.mark.parametrize("fails", [[], ["begin"]])
def test_all_callbacks_end_and_the_first_error_counts(fails):
    callbacks = [Ending(["end"]), Ending(["end"]), Ending()]
    with pytest.raises((RuntimeError, ValueError)) as raised:
        train(trainer(*callbacks, Ending(fails)))
    assert str(raised.value) == ("begin of this one" if fails else "end of this one, finished")
    assert [callback.calls[-1][0] for callback in callbacks] == ["end"] * 3


def test_an_error_that_is_handled_around_training_hides_none_of_it():
    try:
        raise KeyError
    except KeyError:
        with pytest.raises(ValueError, match="end of this one"):
            train(trainer(Ending(["end"])))


@pytest.mark.parametrize("name", ["history", "recorder", "observers", "checkpoints", "best", "training.callbacks.0"])
def test_callbacks_may_have_the_names_of_those_of_specnet_and_each_keeps_its_state(name, tmp_path):
    named = type(name, (Listing,), {})
    first, second = named(), named()
    run = specnet.run(SPEC | {"record": {"every": 1}}, tmp_path / "run", callbacks=[first, second], report=False)
    assert first.seen == second.seen == [1, 2, 3]
    assert len(run.history["epoch"]) == len(run.record["epochs"]) - 1 == 3
    again = named(), named()
    again[1].seen = None
    specnet.resume(tmp_path / "run", ["training.epochs=4"], callbacks=again, report=False)
    assert [each.seen for each in again] == [[1, 2, 3, 4]] * 2


def test_a_callback_of_a_spec_costs_nothing_in_steps_that_it_does_not_follow():
    class Following(Callback):
        def step(self, training):
            pass

    quiet, following = (GuardedCallback(each, ("training", "callbacks", 0)) for each in (Noted(), Following()))
    assert overriding([quiet, following], "step") == [following.step]
    assert overriding([quiet], "epoch") == [quiet.epoch]


class Noted(Callback):
    """Follows epochs alone."""

    def epoch(self, training, values):
        pass
