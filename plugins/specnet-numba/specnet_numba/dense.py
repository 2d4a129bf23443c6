"""Activations, and linear layers that leave their bias to the activation behind them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from specnet.kernels.numpy import linear, stack
from specnet.kernels.numpy.activation import Over
from specnet.layers.activation import Relu, Sigmoid, Tanh
from specnet_numba import activations

FEW = 8
"""Units below which a row is too short for vector instructions."""


class OnePassActivation(Over):
    """An activation in one pass, which adds the bias of the layer before it, if `biased` is that layer."""

    pass_forward: ClassVar[Callable[..., None]]
    pass_back: ClassVar[Callable[..., None]]

    def model_post_init(self, context: object) -> None:
        super().model_post_init(context)
        self.biased: LinearKernel | None = None

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        if self.over and x.flags.c_contiguous:
            self.y = x
        else:
            self.y = self.buffer("y", x.shape)
            self.y[...] = x
        if self.biased is None:
            self.rows, bias = (1, x.size), np.empty(0, x.dtype)
        else:
            self.rows, bias = (x.size // x.shape[-1], x.shape[-1]), self.biased.bias
        type(self).pass_forward(self.y.reshape(self.rows), bias)
        return self.y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        dy = np.ascontiguousarray(dy)
        dbias = np.empty(0, dy.dtype) if self.biased is None else self.biased.grad.bias
        type(self).pass_back(dy.reshape(self.rows), self.y.reshape(self.rows), dbias)
        return dy


class SigmoidKernel(OnePassActivation, Sigmoid):
    """A sigmoid in one pass."""

    pass_forward, pass_back = activations.sigmoid, activations.sigmoid_back


class TanhKernel(OnePassActivation, Tanh):
    """A tanh in one pass."""

    pass_forward, pass_back = activations.tanh, activations.tanh_back


class ReluKernel(OnePassActivation, Relu):
    """A rectifier in one pass."""

    pass_forward, pass_back = activations.relu, activations.relu_back


class LinearKernel(linear.LinearKernel):
    """A linear layer that computes its products alone if `bias_later`: the next layer adds b and sums db."""

    def model_post_init(self, context: Any) -> None:
        super().model_post_init(context)
        self.bias_later = False

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        if not self.bias_later:
            return super().forward(x, training)
        self.rows = x if x.ndim == 2 else x.reshape(-1, x.shape[-1])
        y = self.rows.dot(self.weight, out=self.buffer("y", (len(self.rows), self.output_shape[-1])))
        return y if x.ndim == 2 else y.reshape(*x.shape[:-1], -1)

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        if not self.bias_later:
            return super().backward(dy)
        rows = dy if dy.ndim == 2 else dy.reshape(-1, dy.shape[-1])
        self.rows.T.dot(rows, out=self.grad.weight)
        if not self.needs_dx:
            return None
        dx = rows.dot(self.weight.T, out=self.buffer("dx", self.rows.shape))
        return dx if dy.ndim == 2 else dx.reshape(*dy.shape[:-1], -1)


class StackKernel(stack.StackKernel):
    """Lets an activation add the bias of the linear layer whose outputs it overwrites."""

    def set_singly(self, singly: bool) -> None:
        super().set_singly(singly)
        for before, layer in pairwise(self.layers):
            if isinstance(before, LinearKernel):
                activation = isinstance(layer, OnePassActivation) and layer.over
                before.bias_later = activation and before.use_bias and before.output_shape[-1] >= FEW
                if isinstance(layer, OnePassActivation):
                    layer.biased = before if before.bias_later else None
