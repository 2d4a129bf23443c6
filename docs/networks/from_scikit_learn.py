"""A classifier of scikit-learn and the same here: their probabilities are equal."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from sklearn.datasets import load_iris
from sklearn.neural_network import MLPClassifier

import specnet

x, y = load_iris(return_X_y=True)
theirs = MLPClassifier([8, 8], activation="tanh", solver="lbfgs", max_iter=2000, random_state=0).fit(x, y)
layers = [
    {"type": "linear", "units": 8},
    "tanh",
    {"type": "linear", "units": 8},
    "tanh",
    {"type": "linear", "units": 3},
]

with TemporaryDirectory() as folder:
    file = str(Path(folder) / "iris.npz")
    pairs = zip((0, 2, 4), theirs.coefs_, theirs.intercepts_, strict=True)
    arrays = {f"layers.{n}": {"weight": w, "bias": b} for n, w, b in pairs}
    np.savez(file, **{f"{place}.{name}": a for place, each in arrays.items() for name, a in each.items()})
    network = specnet.build_network([*layers, "softmax"], (4,), "float64")
    specnet.load_weights(network, file=file)

difference = np.abs(network.forward(x) - theirs.predict_proba(x)).max()
print(f"largest difference: {difference:.1e}")
assert difference < 1e-12
