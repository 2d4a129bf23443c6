"""Specs that are sick in one way each, by the code of the finding that names it."""

from __future__ import annotations

from typing import Any

import numpy as np

OUT = {"type": "linear", "units": 1}
HIDDEN = {"type": "linear", "units": 16}
WIDE, NARROW = (HIDDEN | {"weight_init": {"type": "normal", "std": std}} for std in (10, 1e-3))
MOONS: dict[str, Any] = {
    "dataset": {"type": "moons", "n_samples": 200, "noise": 0.1},
    "split": {"validation": 0.5},
    "layers": [HIDDEN, "tanh", OUT],
    "loss": "bce_with_logits",
    "optimizer": {"type": "adam", "learning_rate": 0.03},
    "metrics": ["accuracy"],
    "training": {"epochs": 40},
    "plots": [],
}
WAVES = MOONS | {
    "dataset": {"type": "waves", "n_samples": 200},
    "transforms": {"inputs": ["standardize"]},
    "loss": "mse",
    "metrics": ["mse", "r2"],
}


def adam(rate: Any) -> dict[str, Any]:
    return {"optimizer": {"type": "adam", "learning_rate": rate}}


def sgd(rate: float) -> dict[str, Any]:
    return {"optimizer": {"type": "sgd", "learning_rate": rate}}


SICK: dict[str, dict[str, Any]] = {
    "diverged": WAVES | sgd(5),
    "no-gain": MOONS | sgd(1e-4),
    "large-learning-rate": MOONS | sgd(100),
    "wide-weights": MOONS | {"layers": [WIDE, "tanh", WIDE, "tanh", OUT]},
    "narrow-weights": MOONS | {"layers": [NARROW, "relu", NARROW, "relu", OUT]},
    "starting-loss": WAVES | {"dataset": {"type": "formula", "x": {"x": [-1, 1]}, "y": "100 + sin(3 * x)"}},
    "one-batch": MOONS | sgd(0.01) | {"layers": [*[HIDDEN, "sigmoid"] * 5, OUT]},
    "dead-units": MOONS | {"layers": [HIDDEN | {"bias_init": {"type": "constant", "value": -10}}, "relu", OUT]},
    "saturated-units": MOONS | adam(3),
    "constant-units": MOONS | sgd(0.01) | {"layers": [NARROW, "sigmoid", NARROW, "sigmoid", OUT]},
    "rising-loss": MOONS | adam({"type": "linear", "initial": 0.01, "final": 3}),
    "oscillating-loss": MOONS | sgd(15) | {"training": {"epochs": 60, "batch_size": "full"}},
    "large-updates": MOONS | sgd(30) | {"training": {"epochs": 60, "batch_size": "full"}},
    "small-updates": MOONS | adam(1e-7),
    "plateau": MOONS | adam(0.001) | {"layers": [*[HIDDEN, "sigmoid"] * 3, OUT], "training": {"epochs": 100}},
    "still-improving": MOONS | sgd(0.02) | {"training": {"epochs": 20}},
    "schedule-over": MOONS | adam({"type": "cosine", "initial": 0.03, "epochs": 5}),
    "always-clipping": MOONS | sgd(0.1) | {"training": {"epochs": 40, "clip_norm": 0.001}},
    "wide-interval": MOONS | {"split": {"validation": 0.15}},
}

RNG = np.random.default_rng(0)
A, B, NOISE = RNG.normal(size=(3, 200))
T = A + 0.1 * NOISE
SIDE = np.where(T > 0, "yes", "no")
LABEL = RNG.choice(["no", "yes"], 200, p=[0.3, 0.7])
REPEATED = np.arange(200) % 20
LEARNED_BY_HEART = adam(0.03) | {
    "layers": [{"type": "linear", "units": 64}, "tanh", "linear"],
    "checkpoint": {"monitor": "train/loss"},
    "training": {"epochs": 100},
}
TABLES: dict[str, tuple[dict[str, np.ndarray], dict[str, Any]]] = {
    "unscaled-inputs": ({"a": 1000 * A, "t": T}, {}),
    "leaking-inputs": ({"a": A, "copy": 2 * T, "t": T}, {}),
    "constant-inputs": ({"a": A, "b": np.ones(200), "t": T}, {}),
    "duplicates": ({"a": A[REPEATED], "t": T[REPEATED]}, {}),
    "unequal-classes": ({"a": A, "t": np.where(np.arange(200) % 25, "no", "yes")}, {}),
    "few-samples": ({"a": A, "t": np.where(np.arange(200) % 60, "no", "yes")}, {}),
    "few-validation-samples": ({"a": A[:30], "t": T[:30]}, {}),
    "many-outputs": ({"a": A, "t": np.array(["a", "b", "c"])[np.digitize(A, [-0.5, 0.5])]},
                     {"layers": [{"type": "linear", "units": 5}]}),
    "many-parameters": ({"a": A, "b": B, "t": T}, {"layers": [{"type": "linear", "units": 3000}, "tanh", "linear"]}),
    "uneven-groups": ({"a": A, "g": np.where(np.arange(200) < 150, "x", np.where(B > 0, "y", "z")), "t": T},
                      {"split": {"validation": 0.2, "by": "group", "column": "g"}}),
    "below-baseline": ({"a": A, "b": B, "c": NOISE, "t": LABEL}, LEARNED_BY_HEART),
    "below-linear": ({"a": A, "b": B, "t": A + B}, {"layers": [HIDDEN, "tanh", "linear"], "training": {"epochs": 5}}),
    "gap": ({"a": A, "b": B, "c": NOISE, "t": LABEL},
            LEARNED_BY_HEART),
}  # fmt: skip
"""Columns of a table, the last of which is to be learned, and what the spec has besides."""
