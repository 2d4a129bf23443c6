"""The public names; `specnet` imports this module when one of them is first used."""

from __future__ import annotations

from specnet.component import Component as Component
from specnet.component import build as build
from specnet.component import reference as reference
from specnet.datasets.base import Data as Data
from specnet.datasets.base import DataFile as DataFile
from specnet.datasets.base import Dataset as Dataset
from specnet.datasets.base import Outline as Outline
from specnet.datasets.base import Samples as Samples
from specnet.datasets.base import StreamedSamples as StreamedSamples
from specnet.datasets.rows import Rows as Rows
from specnet.errors import DataError as DataError
from specnet.errors import PlotError as PlotError
from specnet.errors import ShapeError as ShapeError
from specnet.errors import SpecnetError as SpecnetError
from specnet.initializers.base import Initializer as Initializer
from specnet.kernels.base import KernelSet as KernelSet
from specnet.layers.base import Activation as Activation
from specnet.layers.base import Layer as Layer
from specnet.layers.stack import Stack as Stack
from specnet.local import register as register
from specnet.losses.base import ElementwiseLoss as ElementwiseLoss
from specnet.losses.base import Loss as Loss
from specnet.metrics.base import MeanMetric as MeanMetric
from specnet.metrics.base import Metric as Metric
from specnet.network.network import Network as Network
from specnet.network.network import build_network as build_network
from specnet.optimizers.base import Optimizer as Optimizer
from specnet.plots.base import Plot as Plot
from specnet.plots.base import SplitPlot as SplitPlot
from specnet.runs.observers import Logger as Logger
from specnet.runs.observers import Observer as Observer
from specnet.runs.run import Run as Run
from specnet.runs.run import load_run as load_run
from specnet.runs.start import resume as resume
from specnet.runs.start import run as run
from specnet.schedules.base import Schedule as Schedule
from specnet.schedules.base import WatchingSchedule as WatchingSchedule
from specnet.schedules.base import scheduled as scheduled
from specnet.spec.load import load_spec as load_spec
from specnet.spec.model import Spec as Spec
from specnet.training.callbacks import Callback as Callback
from specnet.transforms.base import RandomTransform as RandomTransform
from specnet.transforms.base import Transform as Transform
