"""A step of training of whole networks: a convolutional one, an LSTM and a transformer, and the memory they need.

Both peers compute the same losses from the same weights, as is checked before they are timed. Peaks of memory are
those of processes of their own: `python -m benchmarks.networks PEER WORK` is such a process.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.measure import Comparison, clocked, take_turns
from benchmarks.memory import peak_now
from benchmarks.peers import installed
from benchmarks.process import set_threads
from benchmarks.training import Disagreement

STEPS = 4
"""Steps of an epoch."""
TOLERANCE = 1e-3
"""Relative difference of losses in float32, over two epochs."""


@dataclass(frozen=True)
class NetworkWork:
    """A network as in a spec, its loss, the shapes of inputs and targets of a sample, and the size of a batch.

    With `classes` there are as many classes of targets, and of inputs if the network takes whole numbers.
    """

    name: str
    layers: list[Any]
    loss: str
    inputs: tuple[int, ...]
    targets: tuple[int, ...]
    batch: int
    classes: int | None = None

    def data(self, batches: int) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs and targets."""
        rng, count = np.random.default_rng(0), batches * self.batch
        whole = self.layers[0]["type"] == "embedding"
        x = rng.integers(self.classes, size=(count, *self.inputs)) if whole else rng.normal(size=(count, *self.inputs))
        if self.classes is None:
            return x, rng.normal(size=(count, *self.targets))
        target = rng.integers(self.classes, size=(count, *self.targets))
        target.reshape(-1)[: self.classes] = range(self.classes)
        return x, target

    def spec(self, short: bool) -> Any:
        """Return the spec of its training, with the data."""
        import specnet

        spec = {
            "layers": self.layers,
            "loss": self.loss,
            "optimizer": {"type": "adam", "learning_rate": 0.001},
            "training": {"epochs": 1, "batch_size": self.batch, "shuffle": False},
            "split": {"validation": 0.0},
            "plots": [],
            "record": None,
        }
        return specnet.load_spec(spec, data=self.data(1 if short else STEPS))


def block(width: int, heads: int) -> list[Any]:
    """Return a block of a transformer, with normalization first."""
    attention = {"type": "multi_head_attention", "num_heads": heads, "causal": True}
    dense = [{"type": "linear", "units": 4 * width}, "relu", {"type": "linear", "units": width}]
    return [{"type": "residual", "layers": ["layer_norm", *part]} for part in ([attention], dense)]


WORK = (
    NetworkWork(
        "digits: two convolutions, batches of 64",
        [
            {"type": "conv2d", "filters": 16, "kernel_size": 3}, "relu", "max_pool2d",
            {"type": "conv2d", "filters": 32, "kernel_size": 3}, "relu", "max_pool2d",
            "flatten", {"type": "linear", "units": 10},
        ],
        "cross_entropy", (28, 28, 1), (), 64, 10,
    ),
    NetworkWork(
        "LSTM of 64 units, 100 steps, batches of 50",
        [{"type": "lstm", "units": 64}, {"type": "linear", "units": 1}], "mse", (100, 2), (1,), 50,
    ),
    NetworkWork(
        "transformer of two blocks, 64 positions x 64, batches of 32",
        [
            {"type": "embedding", "input_dim": 64, "output_dim": 64}, "positional_encoding",
            *block(64, 4), *block(64, 4), "layer_norm", {"type": "linear", "units": 64},
        ],
        "cross_entropy", (64,), (64,), 32, 64,
    ),
)  # fmt: skip


def measure(rounds: int, short: bool) -> list[Comparison]:
    """Return the seconds of a step, and the bytes that training takes above what is imported."""
    found = []
    for work in WORK:
        peers = {name: train(name, work, short) for name in installed("specnet", "PyTorch")}
        check_losses({name: [run() for _ in range(2)] for name, run in peers.items()})
        turns = {name: clocked(run) for name, run in peers.items()}
        steps = 1 if short else STEPS
        figures = {name: [each / steps for each in values] for name, values in take_turns(turns, rounds).items()}
        found.append(Comparison("networks", work.name, figures, per="step"))
    for number, work in enumerate(WORK):
        names = installed("specnet", "PyTorch")
        peaks = {name: [peak(name, number, short) for _ in range(min(rounds, 2))] for name in names}
        found.append(Comparison("networks", f"memory of {work.name}", peaks, unit="B"))
    return found


def check_losses(losses: Mapping[str, Iterable[float]]) -> None:
    """Check that all peers have the same losses.

    Raises:
        Disagreement: if they have not.
    """
    for name, values in losses.items():
        if not np.allclose(list(values), list(losses["specnet"]), rtol=TOLERANCE):
            raise Disagreement(f"{name} has the losses {values}, specnet {losses['specnet']}")


def train(name: str, work: NetworkWork, short: bool) -> Callable[[], float]:
    """Return what trains for an epoch and returns its loss, by a peer."""
    from specnet.runs.experiment import Experiment
    from specnet.training.loop import run_epoch

    trainer = Experiment(work.spec(short)).trainer
    if name == "specnet":
        return lambda: run_epoch(trainer)["train/loss"]
    from benchmarks.peers.torch_networks import make

    split = trainer.splits["train"]
    return make(work, trainer.model.network.params, split.inputs, split.targets)


def peak(name: str, number: int, short: bool) -> float:
    """Return the peak memory of two epochs above what a peer's process has imported."""
    command = [sys.executable, "-m", "benchmarks.networks", name, str(number), str(short)]
    found: float = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


if __name__ == "__main__":
    set_threads(1)
    peer, chosen, tiny = sys.argv[1], WORK[int(sys.argv[2])], sys.argv[3] == "True"
    import_module("specnet.runs.experiment" if peer == "specnet" else "benchmarks.peers.torch_networks")
    before = peak_now()
    run = train(peer, chosen, tiny)
    for _ in range(2):
        run()
    print(json.dumps(peak_now() - before))
