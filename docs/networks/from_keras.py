"""A recurrent network of Keras and the same here: their outputs are equal."""

from pathlib import Path
from tempfile import TemporaryDirectory

import keras
import numpy as np
from safetensors.numpy import save_file

import specnet

theirs = keras.Sequential(
    [
        keras.Input((20,)),
        keras.layers.Embedding(50, 8, name="words"),
        keras.layers.GRU(16, name="gru"),
        keras.layers.Dense(3, name="classes"),
    ]
)
layers = [
    {"type": "embedding", "input_dim": 50, "output_dim": 8},
    {"type": "gru", "units": 16},
    {"type": "linear", "units": 3},
]

with TemporaryDirectory() as folder:
    file = str(Path(folder) / "words.safetensors")
    arrays = {w.path: np.ascontiguousarray(keras.ops.convert_to_numpy(w)) for w in theirs.weights}
    save_file({path.removeprefix(f"{theirs.name}/"): array for path, array in arrays.items()}, file)
    network = specnet.build_network(layers, (20,))
    names = {"layers.0": "words", "layers.1": "gru/gru_cell", "layers.2": "classes"}
    specnet.load_weights(network, file=file, layout="keras", map=names)

x = np.random.default_rng(0).integers(50, size=(5, 20))
difference = np.abs(network.forward(x) - theirs.predict(x, verbose=0)).max()
print(f"largest difference: {difference:.1e}")
assert difference < 1e-5
