"""A convolutional network of PyTorch and the same here: their outputs are equal."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

import specnet

theirs = nn.Sequential(
    nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8 * 4 * 4, 10)
)
layers = [
    {"type": "conv2d", "filters": 8, "kernel_size": 3, "padding": 1},
    "relu",
    "max_pool2d",
    "flatten",
    {"type": "linear", "units": 10},
]

with TemporaryDirectory() as folder:
    file = str(Path(folder) / "digits.safetensors")
    save_file(theirs.state_dict(), file)
    network = specnet.build_network(layers, (8, 8, 1))
    specnet.load_weights(network, file=file, layout="torch")

x = np.random.default_rng(0).normal(size=(5, 8, 8, 1)).astype(np.float32)
y = theirs(torch.from_numpy(x.transpose(0, 3, 1, 2))).detach().numpy()
difference = np.abs(network.forward(x) - y).max()
print(f"largest difference: {difference:.1e}")
assert difference < 1e-5
