"""A network before its training, as plots see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from specnet.datasets.base import Data, Dataset
from specnet.layers.base import Layer
from specnet.task import Task


@dataclass(frozen=True)
class Untrained:
    """What a plot may use before training."""

    name: str
    dataset: Dataset
    data: Data
    input_names: tuple[str, ...]
    transformed_names: tuple[str, ...]
    task: Task
    predict: Callable[..., np.ndarray]
    evaluate: Callable[..., dict[str, float]]
    input_gradient: Callable[..., np.ndarray]
    params: Mapping[str, np.ndarray]
    layers: Sequence[Layer]
    look_inside: Callable[..., dict[str, np.ndarray]]
    record: Mapping[str, np.ndarray]
    history: Mapping[str, np.ndarray] = field(default_factory=dict)
