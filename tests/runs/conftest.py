import signal

import pytest

import specnet
from specnet.training.trainer import Trainer

LAYERS = [{"type": "linear", "units": 6}, "tanh", {"type": "dropout", "rate": 0.1}, {"type": "linear", "units": 1}]


def spiral(**changes):
    """Return a spec that is trained in a moment, with changes."""
    return {
        "seed": 3,
        "dataset": {"type": "spiral", "n_samples": 60},
        "split": {"validation": 0.2, "test": 0.1},
        "transforms": {"inputs": ["standardize"]},
        "layers": LAYERS,
        "loss": "bce_with_logits",
        "metrics": ["accuracy"],
        "training": {"epochs": 8, "batch_size": 10},
        "plots": [],
        **changes,
    }


@pytest.fixture
def train(tmp_path):
    """Train a small spec with changes, in a folder of its own."""

    def call(out="run", report=False, **changes):
        return specnet.run(specnet.load_spec(spiral(**changes)), out=tmp_path / out, report=report)

    return call


@pytest.fixture
def stop(monkeypatch):
    """Let a signal come in a step of the next run."""

    def call(step, number=signal.SIGINT):
        add = Trainer.add_loss

        def stopped(self, loss, batch):
            add(self, loss, batch)
            if self.step == step:
                monkeypatch.setattr(Trainer, "add_loss", add)
                signal.raise_signal(number)

        monkeypatch.setattr(Trainer, "add_loss", stopped)

    return call
