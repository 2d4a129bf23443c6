"""A plugin whose layers and other components have mistakes."""

import pytest

PLUGIN = """
from specnet import Layer
from specnet.errors import ShapeError

class Expecting(Layer):
    features: int = 8

    def build(self, input_shape):
        if input_shape != (self.features,):
            raise ShapeError(f"expects {self.features} features", pointer=("features",))
        return input_shape

    def forward(self, x, training):
        return x

    def backward(self, dy):
        return dy

class Failing(Expecting):
    def build(self, input_shape):
        return input_shape[7]

class Forgetting(Expecting):
    def build(self, input_shape):
        self.declare("weight", input_shape, "zeros")

class Asking(Expecting):
    def build(self, input_shape):
        import specnet
        specnet.build("initializers", "zeross")

class Holding(Expecting):
    def build(self, input_shape):
        raise ShapeError("is bad", pointer=("layers", 0))

class Idle(Expecting):
    features: int = 2

    def flops(self):
        raise RuntimeError("no work")

class Lost(Expecting):
    features: int = 2

    def forward(self, x, training):
        raise RuntimeError("no way")

class Stuck(Expecting):
    features: int = 2

    def backward(self, dy):
        raise RuntimeError("no way back")

class Unkind(Expecting):
    features: int = 2

    @property
    def output(self):
        raise RuntimeError("no kind")
"""
OTHERS = """
import numpy as np
from specnet import Dataset, Loss, Schedule, Transform
from specnet.datasets.base import Outline
from specnet.datasets.data_file import DataFile
from specnet.errors import ShapeError

class Files(Dataset):
    paths: list[DataFile]
    named: dict[str, DataFile] = {}

    def load(self, rng): ...

class Outlining(Dataset):
    def outline(self):
        raise RuntimeError("no outline")

    def load(self, rng): ...

class Preparing(Loss):
    def prepare(self, target, output_shape, dtype):
        return np.eye(output_shape[-1])[target]

    def forward(self, y, target): ...
    def backward(self): ...

class Endless(Schedule):
    def __call__(self, step):
        return 0.1

    def length(self):
        raise RuntimeError("no end")

class Picky(Transform):
    def output_shape(self, shape):
        raise ShapeError("needs images")

    def apply(self, x): ...
    def invert(self, y): ...
"""
NAMES = ("expecting", "failing", "forgetting", "asking", "holding", "unkind", "idle", "lost", "stuck")
POINTS = {
    "datasets": ("files", "outlining"),
    "losses": ("preparing",),
    "schedules": ("endless",),
    "transforms": ("picky",),
}


@pytest.fixture
def plugin(install):
    """Install a layer that takes a number of features that it is told, and components with mistakes."""
    points = "\n".join(f"{name} = acme_layers:{name.title()}" for name in NAMES)
    for group, names in POINTS.items():
        points += f"\n[specnet.{group}]\n" + "\n".join(f"{name} = acme_others:{name.title()}" for name in names)
    install("acme", points, acme_layers=PLUGIN, acme_others=OTHERS)
