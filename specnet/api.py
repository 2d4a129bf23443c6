"""The public names, in one place; `specnet` itself imports this module when one of them is first used."""

from __future__ import annotations

from specnet.component import Component, build, reference
from specnet.datasets.base import Data, DataFile, Dataset, Samples
from specnet.errors import SpecnetError
from specnet.initializers.base import Initializer
from specnet.layers.base import Layer
from specnet.losses.base import Loss
from specnet.metrics.base import Metric
from specnet.optimizers.base import Optimizer
from specnet.plots.base import Plot
from specnet.runs.run import Run, load_run
from specnet.runs.runner import Observer, run
from specnet.schedules.base import Schedule
from specnet.spec.load import load_spec
from specnet.spec.model import Spec
from specnet.training.network import Network, build_network
from specnet.transforms.base import Transform

__all__ = [
    "Component",
    "Data",
    "DataFile",
    "Dataset",
    "Initializer",
    "Layer",
    "Loss",
    "Metric",
    "Network",
    "Observer",
    "Optimizer",
    "Plot",
    "Run",
    "Samples",
    "Schedule",
    "Spec",
    "SpecnetError",
    "Transform",
    "build",
    "build_network",
    "load_run",
    "load_spec",
    "reference",
    "run",
]
