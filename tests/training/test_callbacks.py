"""Callbacks: when they run, what they may do, and that their state survives."""

import json

import numpy as np
import pytest

import specnet
from specnet import Callback
from specnet.errors import BrokenComponentError, Interrupted, UsageError

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
    specnet.run(SPEC, tmp_path / "run", callbacks=[named("first"), noting, named("second")])
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

    run = specnet.run(SPEC, tmp_path / "run", callbacks=[Stop()])
    assert (run.status, run.manifest["reason"], len(run.history["epoch"])) == ("stopped", "enough for today", 2)
    resumed = specnet.resume(tmp_path / "run")
    whole = specnet.run(SPEC, tmp_path / "whole")
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
    specnet.run(SPEC, tmp_path / "whole", callbacks=[whole])
    with pytest.raises(Interrupted):
        specnet.run(SPEC, tmp_path / "run", callbacks=[Averaging(), Interrupting()])
    specnet.resume(tmp_path / "run", callbacks=[halves])
    assert halves.mean.tobytes() == whole.mean.tobytes()
    assert halves.epochs == whole.epochs == 3


def test_a_run_is_not_resumed_without_a_callback_whose_state_it_has_saved(tmp_path):
    specnet.run(SPEC, tmp_path / "run", callbacks=[Averaging()])
    with pytest.raises(UsageError, match="the callback Averaging"):
        specnet.resume(tmp_path / "run", ["training.epochs=4"])


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
    run = specnet.run(SPEC | {"training": training}, tmp_path / "run")
    assert (run.status, len(run.history["epoch"])) == ("finished", 2)
    assert json.loads((tmp_path / "run/spec.json").read_text())["training"]["callbacks"] == [
        {"type": "limit", "epochs": 2}
    ]
    assert len(specnet.resume(tmp_path / "run").history["epoch"]) == 2


def test_a_callback_of_a_spec_that_fails_is_named_with_its_place(install, tmp_path):
    install("acme", POINTS, acme_callbacks=PLUGIN)
    training = SPEC["training"] | {"callbacks": ["fails"]}
    with pytest.raises(BrokenComponentError, match="fails in epoch: ZeroDivisionError: no reason") as raised:
        specnet.run(SPEC | {"training": training}, tmp_path / "run")
    assert raised.value.pointer == ("training", "callbacks", 0)
