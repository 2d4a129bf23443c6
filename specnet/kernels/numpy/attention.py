"""Attention for a few samples at a time, so that their scores stay in the cache."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from specnet.kernels.numpy.blocks import BlockwiseLayer
from specnet.layers.attention import MultiHeadAttention


class MultiHeadAttentionKernel(BlockwiseLayer, MultiHeadAttention):
    """Attention in buffers, if nothing is masked or dropped; else the definition.

    It keeps E = exp(S - max(S)), and r = 1 / sum(E) of each row instead of P = r E: factors of rows go into C and dC,
    which have fewer columns. Of Q only Q / sqrt(d) is kept.
    """

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.fast = self.mask is None and not (training and self.dropout)
        if not self.fast:
            return super().forward(x, training)
        (n, time, _), heads = x.shape, (self.groups, self.num_heads // self.groups)
        self.x, self.scale = x.reshape(n * time, -1), x.dtype.type(self.key_size**-0.5)
        qkv = np.dot(self.x, self.weight, out=self.buffer("qkv", (n * time, self.weight.shape[1])))
        if self.use_bias:
            qkv += self.bias
        q, k, v = np.split(qkv.reshape(n, time, -1), self.joints, axis=-1)
        self.q = self.turn(self.split(q, self.num_heads)) * self.scale
        self.k, self.v = self.turn(self.split(k, self.groups)), self.split(v, self.groups)
        self.e = self.buffer("e", (n, *heads, time, time))
        self.r = self.buffer("r", (n, *heads, time, 1))
        self.c = self.buffer("c", (n, time, self.num_heads * self.value_size))
        c, ones = self.split(self.c, self.num_heads), np.ones(time, x.dtype)
        later = np.triu(np.full((time, time), -np.inf, x.dtype), 1) if self.causal else None
        for block in self.sample_blocks(n):
            e = np.matmul(self.q[block], self.k[block].swapaxes(-1, -2), out=self.e[block])
            if later is not None:
                e += later
            e -= np.max(e, axis=-1, keepdims=True)
            np.exp(e, out=e)
            np.divide(1, e.reshape(-1, time).dot(ones).reshape(self.r[block].shape), out=self.r[block])
            np.multiply(np.matmul(e, self.v[block]), self.r[block], out=c[block])
        y = np.dot(self.c.reshape(n * time, -1), self.output_weight, out=self.buffer("y", self.x.shape))
        if self.use_bias:
            y += self.output_bias
        return y.reshape(x.shape)

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        if not self.fast:
            return super().backward(dy)
        n, time, features = dy.shape
        rows, c, ones = dy.reshape(n * time, features), self.c.reshape(n * time, -1), np.ones(n * time, dy.dtype)
        np.dot(c.T, rows, out=self.grad.output_weight)
        joined = np.dot(rows, self.output_weight.T, out=self.buffer("dc", c.shape))
        along = (joined * c).reshape(-1, self.value_size).dot(np.ones(self.value_size, dy.dtype))  # sum(dC C)
        along = self.split(along.reshape(n, time, -1), self.num_heads)
        dc = self.split(joined.reshape(self.c.shape), self.num_heads)
        dqkv = self.buffer("dqkv", (n, time, self.weight.shape[1]))
        q, k, v = np.split(dqkv, self.joints, axis=-1)
        dq, dk, dv = (self.split(q, self.num_heads), self.split(k, self.groups), self.split(v, self.groups))
        for block in self.sample_blocks(n):
            e, r, dc_block = self.e[block], self.r[block], dc[block]
            dc_block *= r
            dv[block] = np.sum(e.swapaxes(-1, -2) @ dc_block, axis=2, keepdims=True)
            ds = np.matmul(dc_block, self.v[block].swapaxes(-1, -2), out=self.room("ds", e.shape))
            ds -= along[block] * r
            ds *= e
            dq[block] = self.turn(np.matmul(ds, self.k[block]), -1) * self.scale
            dk[block] = self.turn(np.sum(ds.swapaxes(-1, -2) @ self.q[block], axis=2, keepdims=True), -1)
        all_rows = dqkv.reshape(n * time, -1)
        np.dot(self.x.T, all_rows, out=self.grad.weight)
        if self.use_bias:
            np.dot(ones, all_rows, out=self.grad.bias)
            np.dot(ones, rows, out=self.grad.output_bias)
        if not self.needs_dx:
            return None
        return np.dot(all_rows, self.weight.T, out=self.buffer("dx", rows.shape)).reshape(dy.shape)

    def sample_blocks(self, samples: int) -> Iterator[slice]:
        """Yield the samples of each block."""
        return self.blocks(samples, self.num_heads * self.input_shape[0] ** 2)
