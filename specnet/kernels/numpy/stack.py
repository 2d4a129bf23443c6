"""Layers one after the other."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from specnet.layers.base import Layer
from specnet.layers.stack import Stack
from specnet.task import Shape
from specnet.workspace import Workspace


class StackKernel(Stack):
    """Lets an activation write its outputs over those of the linear layer before it, which nothing else needs."""

    def build(self, shape: Shape) -> Shape:
        shape = super().build(shape)
        self.set_singly(False)
        scratch = Workspace()
        for layer in self.layers:
            if hasattr(layer, "scratch"):
                layer.scratch = scratch  # the same for all: it stays in the cache
        self.passes_masks = all(type(layer).mask_out is Layer.mask_out for layer in self.layers)
        return shape

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        if self.linked or self.mask is not None or self._mask_out is not None or not self.passes_masks:
            return super().forward(x, training)
        for layer in self.layers:
            x = layer.forward(x, training)
        return x

    def set_singly(self, singly: bool) -> None:
        super().set_singly(singly)
        for before, layer in pairwise(self.layers):
            if hasattr(layer, "over"):
                layer.over = not singly and before.name is None and getattr(before, "disposable", False)
