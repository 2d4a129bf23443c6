"""What the tests of runs that were stopped share."""

import json

import numpy as np
from helpers import newest

from specnet.runs.storage.checkpoints import best_of

LINEAR = {"type": "linear", "units": 1}
DRIFT = """
from specnet import Layer

class Drift(Layer):
    '''Takes a running mean away and adds noise: state, random numbers and a parameter at once.'''

    def build(self, input_shape):
        self.declare("gain", input_shape, "zeros")
        self.declare_state("mean", input_shape, 0.5)
        self.declare_state("count", (1,))
        return input_shape

    def forward(self, x, training):
        if training:
            self.mean *= 0.9
            self.mean += 0.1 * x.mean(axis=0)
            self.count += 1
            x = x + self.rng.normal(size=x.shape).astype(x.dtype)
        self.x = x - self.mean / (1 + self.count)
        return self.x * (1 + self.gain)

    def backward(self, dy):
        self.grad.gain[...] = (dy * self.x).sum(axis=0)
        return dy * (1 + self.gain)
"""


def contents(directory):
    """Everything that a run ends in, seconds apart."""
    history = [json.loads(line) | {"seconds": 0} for line in (directory / "history.jsonl").read_text().splitlines()]
    last = newest(directory)
    with np.load(last) as file:
        best = best_of(json.loads(str(file["progress"])))
    record = directory / "record.npz"
    return {
        "history": history,
        "latest": last.name,
        "best": (best, (directory / "checkpoints" / best["checkpoint"]).read_bytes()),
        "record": record.read_bytes() if record.exists() else None,
        "file": last.read_bytes(),
    }


def files(directory):
    """Every file but the lock, which tells who has looked last."""
    return {path: path.read_bytes() for path in directory.rglob("*") if path.is_file() and path.name != ".lock"}


def small(**changes):
    """A spec of 8 steps in 4 epochs."""
    return {
        "seed": 5,
        "dataset": {"type": "spiral", "n_samples": 36},
        "split": {"validation": 0.2},
        "layers": [LINEAR],
        "loss": "bce_with_logits",
        "metrics": ["accuracy"],
        "training": {"epochs": 4, "batch_size": 20},
        "plots": [],
        **changes,
    }


def change(directory, *keys):
    """Let a manifest tell something else."""
    *path, key, value = keys
    manifest = json.loads((directory / "manifest.json").read_text())
    place = manifest
    for step in path:
        place = place[step]
    place[key] = value
    (directory / "manifest.json").write_text(json.dumps(manifest))
