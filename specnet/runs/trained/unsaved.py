"""Runs without a directory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from specnet.datasets.base import Data
from specnet.runs.trained.model import TrainedModel
from specnet.spec.model import Spec
from specnet.training.model import Model


class UnsavedRun(TrainedModel):
    """A run in memory, as a plot gets it; before training `record` has at most one frame, and `history` is empty."""

    def __init__(
        self, spec: Spec, described: dict[str, Any], model: Model, data: Data, record: Mapping[str, np.ndarray]
    ) -> None:
        self.spec, self.described, self.model, self.data, self.record = spec, described, model, data, record
        self.history: Mapping[str, np.ndarray] = {}
