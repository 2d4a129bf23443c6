"""What the peers train: the same network from the same weights on the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from specnet import Spec

SPECS = Path(__file__).parents[1] / "specs"

Train = Callable[[int], list[float]]
"""Trains on for so many epochs, and returns the loss of each: the mean that its batches had before their updates."""


@dataclass(frozen=True)
class Work:
    """A dense network and its training: plain SGD on sigmoids for "mse" and "bce", Adam on ReLU for "cross_entropy".

    Inputs `x` (n, features); `target` (n, 1) in their dtype, or class numbers (n,); a weight (in, out) and a bias
    (out,) for each layer. With "bce" the last layer has a sigmoid too; cross-entropy takes logits. Only specnet needs
    the spec, so that other peers can do without.
    """

    spec: Spec | None
    x: np.ndarray
    target: np.ndarray
    layers: list[tuple[np.ndarray, np.ndarray]]
    loss: Literal["mse", "bce", "cross_entropy"]
    rate: float
    batch: int
    shuffle: bool

    def copy_layers(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return weights and biases that a peer may change."""
        return [(weight.copy(), bias.copy()) for weight, bias in self.layers]


def prepare(spec: dict[str, Any] | Path, *overrides: str) -> Work:
    """Return the work that a spec describes, from the weights that specnet starts with."""
    import specnet
    from specnet.runs.experiment import Experiment

    loaded = specnet.load_spec(spec, [*overrides, "metrics=[]", "plots=[]", "record=null"])
    experiment = Experiment(loaded)
    params, train = experiment.model.network.params, experiment.splits["train"]
    places = [name.removesuffix(".weight") for name in params if name.endswith(".weight")]
    resolved = loaded.to_json()
    return Work(
        loaded,
        train.inputs,
        train.targets,
        [(params[f"{place}.weight"], params[f"{place}.bias"]) for place in places],
        resolved["loss"]["type"],
        resolved["optimizer"]["learning_rate"],
        loaded.training.batch_size or len(train.inputs),
        loaded.training.shuffle,
    )


def write_digits(path: Path, rows: int, features: int = 784) -> None:
    """Write samples, of the size of MNIST's by default: normal features, and classes from a random linear map."""
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((rows, features), np.float32)
    targets = np.argmax(inputs @ rng.standard_normal((features, 10), np.float32), axis=1)
    targets[:10] = np.arange(10)  # few features may leave a class out
    np.savez(path, inputs=inputs, targets=targets)


def digits_spec(path: Path, batch: int, hidden: tuple[int, ...] = (256, 128), shuffle: bool = True) -> dict[str, Any]:
    """Return the spec of a classifier of such samples, 784-256-128-10 if not told otherwise."""
    stack: list[Any] = []
    for units in hidden:
        stack += [{"type": "linear", "units": units, "weight_init": "he_normal"}, "relu"]
    return {
        "name": "digits",
        "dataset": {"type": "npz", "path": str(path)},
        "layers": [*stack, {"type": "linear", "units": 10}],
        "loss": "cross_entropy",
        "optimizer": {"type": "adam", "learning_rate": 0.001},
        "training": {"epochs": 1, "batch_size": batch, "shuffle": shuffle},
    }
