"""Layers one after the other."""

from __future__ import annotations

from itertools import pairwise

from specnet.layers.base import Shape
from specnet.layers.stack import Stack


class StackKernel(Stack):
    """Lets an activation write its outputs over those of the linear layer before it, which nothing else needs."""

    def build(self, shape: Shape) -> Shape:
        shape = super().build(shape)
        self.set_singly(False)
        return shape

    def set_singly(self, singly: bool) -> None:
        super().set_singly(singly)
        for before, layer in pairwise(self.layers):
            if hasattr(layer, "over"):
                layer.over = not singly and getattr(before, "disposable", False)
