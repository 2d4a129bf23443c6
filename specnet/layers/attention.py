"""Attention: each position of a sequence takes what it needs from the others."""

from __future__ import annotations

import itertools
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import Field, PositiveInt, model_validator

from specnet.errors import ShapeError
from specnet.functions import softmax
from specnet.initializers.base import Initializer
from specnet.layers.embedding import angles
from specnet.layers.regularization import draw_kept
from specnet.layers.weighted import WeightedLayer
from specnet.schedules.base import scheduled
from specnet.task import Shape


class MultiHeadAttention(WeightedLayer):
    """y = (C_1, ..., C_h) W_o + b_o with C = P V, P = softmax(Q K^T / sqrt(d)), (Q, K, V) = x W + b for each head.

    A sequence attends to itself: row t of P says how much position t takes from each position, none from masked ones
    or, if `causal`, later ones. With fewer heads for K and V than for Q, neighbours share theirs. dV = P^T dC,
    dP = dC V^T, dS = P (dP - sum(dP P)) / sqrt(d) with sum(dP P) = sum(dC C), dQ = dS K, dK = dS^T Q. Vaswani et al.,
    "Attention is all you need", 2017; Ainslie et al., "GQA", 2023, for shared heads.
    """

    axes = ("time", "features")
    output = "numbers"
    mask: ClassVar[Any] = "use"
    examples = (
        {"num_heads": 1, "causal": True, "dropout": 0.3},
        {"num_heads": 4, "num_key_value_heads": 2, "key_dim": 2, "value_dim": 3, "rotary": True, "use_bias": False},
        {"num_heads": 2, "num_key_value_heads": 1, "key_dim": 4, "causal": True, "rotary": True},
    )
    num_heads: PositiveInt = Field(description="heads of Q", examples=[1])
    key_dim: PositiveInt | None = Field(
        default=None, description="d, the columns of Q and K of a head; null: the features divided among the heads"
    )
    value_dim: PositiveInt | None = Field(default=None, description="columns of V of a head; null: `key_dim`")
    num_key_value_heads: PositiveInt | None = Field(
        default=None, description="heads of K and V, each shared by several of Q; null: `num_heads`"
    )
    causal: bool = Field(default=False, description="whether a position sees only itself and those before it")
    rotary: bool = Field(default=False, description="whether Q and K are rotated by angles that depend on the position")
    dropout: Annotated[float, scheduled(ge=0, lt=1)] = Field(
        default=0.0, description="share of P that is dropped in training: a number or a schedule"
    )
    use_bias: bool = Field(default=True, description="whether to add b and b_o")
    weight_init: Initializer = Field(  # type: ignore[assignment]
        default="glorot_uniform", description="initial W and W_o"
    )
    bias_init: Initializer = Field(default="zeros", description="initial b and b_o")  # type: ignore[assignment]

    @model_validator(mode="after")
    def _heads_share_evenly(self) -> Self:
        if self.num_heads % (self.num_key_value_heads or 1):
            raise ValueError(f"{self.num_key_value_heads} heads for keys and values do not divide {self.num_heads}")
        return self

    def build(self, input_shape: Shape) -> Shape:
        features = input_shape[-1]
        if self.key_dim is None and features % self.num_heads:
            message = f"has {self.num_heads} heads, which do not divide {features} features"
            divisors = [heads for heads in range(1, features + 1) if features % heads == 0]
            nearest = min(divisors, key=lambda heads: abs(heads - self.num_heads))
            raise ShapeError(message, pointer=("num_heads",), help=f'take {nearest} heads, or set "key_dim"')
        key_dim = self.key_dim or features // self.num_heads
        if self.rotary and key_dim % 2:
            raise ShapeError(f"turns pairs of columns, but its key_dim is {key_dim}", pointer=("rotary",))
        self.groups = self.num_key_value_heads or self.num_heads
        self.key_size, self.value_size = key_dim, self.value_dim or key_dim
        columns = (self.num_heads * key_dim, self.groups * key_dim, self.groups * self.value_size)
        *self.joints, total = itertools.accumulate(columns)
        self.declare("weight", (features, total), self.weight_init)
        self.declare("output_weight", (self.num_heads * self.value_size, features), self.weight_init)
        if self.use_bias:
            self.declare("bias", (total,), self.bias_init, fan_in=features)
            self.declare("output_bias", (features,), self.bias_init, fan_in=self.num_heads * self.value_size)
        return input_shape

    def flops(self) -> int:
        (time, features), heads = self.input_shape, self.num_heads
        columns = heads * (self.key_size + self.value_size)
        products = features * (columns + self.groups * (self.key_size + self.value_size)) + time * columns
        return 2 * time * products + 5 * heads * time * time

    def split(self, x: np.ndarray, heads: int) -> np.ndarray:
        """Return (n, groups, heads of a group, time, columns of a head) for (n, time, columns)."""
        return x.reshape(len(x), x.shape[1], self.groups, heads // self.groups, -1).transpose(0, 2, 3, 1, 4)

    def join(self, x: np.ndarray) -> np.ndarray:
        """Undo `split`."""
        return x.transpose(0, 3, 1, 2, 4).reshape(len(x), x.shape[3], -1)

    def turn(self, x: np.ndarray, sign: int = 1) -> np.ndarray:
        """Turn columns (i, i + d / 2) as a pair by the angle t w_i at position t, w_i = 10000^(-2 i / d).

        Scores then depend on the distance of positions. Su et al., "RoFormer", 2021. With `sign` -1 it is undone, as
        gradients need it.
        """
        if not self.rotary:
            return x
        half = x.shape[-1] // 2
        angle = angles(x.shape[-2], half, 2 * half)
        cos, sin = np.cos(angle).astype(x.dtype), (sign * np.sin(angle)).astype(x.dtype)
        a, b = x[..., :half], x[..., half:]
        return np.concatenate([a * cos - b * sin, a * sin + b * cos], axis=-1)

    def seen(self) -> np.ndarray | None:
        """Return which positions each one sees, (n, 1, 1, time, time) or less; None: all of them."""
        time = self.input_shape[0]
        before = np.tri(time, dtype=bool) if self.causal else None
        if self.mask is None:
            return before
        keys = self.mask[:, np.newaxis, np.newaxis, np.newaxis]
        return keys if before is None else keys & before

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self.x, qkv = x, x @ self.weight
        if self.use_bias:
            qkv = qkv + self.bias
        q, k, v = np.split(qkv, self.joints, axis=-1)
        self.q, self.k = (self.turn(self.split(each, heads)) for each, heads in ((q, self.num_heads), (k, self.groups)))
        self.v = self.split(v, self.groups)
        self.scale = x.dtype.type(self.key_size**-0.5)
        scores = (self.q @ self.k.swapaxes(-1, -2)) * self.scale
        if (seen := self.seen()) is None:
            p = softmax(scores)
        else:  # a row that sees nothing has 0 everywhere
            p = np.where(seen, softmax(np.where(seen, scores, np.finfo(x.dtype).min)), x.dtype.type(0))
        self.p, self.m = p, None
        if training and self.dropout:
            self.m = draw_kept(self.rng, self.dropout, p.shape, x.dtype)
            p = p * self.m
        self.dropped, self.c = p, p @ self.v
        y = self.join(self.c) @ self.output_weight
        if self.use_bias:
            y = y + self.output_bias
        return self.unmasked(y)

    def unmasked(self, y: np.ndarray) -> np.ndarray:
        """Return 0 at masked positions, and y elsewhere."""
        return y if self.mask is None else np.where(self.mask[..., np.newaxis], y, y.dtype.type(0))

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        dy = self.unmasked(dy)
        rows = dy.reshape(-1, dy.shape[-1])
        self.grad.output_weight[...] = self.join(self.c).reshape(-1, self.output_weight.shape[0]).T @ rows
        dc = self.split(dy @ self.output_weight.T, self.num_heads)
        dv = np.sum(self.dropped.swapaxes(-1, -2) @ dc, axis=2, keepdims=True)
        dp = dc @ self.v.swapaxes(-1, -2)
        if self.m is not None:
            dp = dp * self.m
        ds = self.p * (dp - np.sum(dc * self.c, axis=-1, keepdims=True)) * self.scale
        dq, dk = ds @ self.k, np.sum(ds.swapaxes(-1, -2) @ self.q, axis=2, keepdims=True)
        dqkv = np.concatenate([self.join(each) for each in (self.turn(dq, -1), self.turn(dk, -1), dv)], axis=-1)
        all_rows = dqkv.reshape(-1, dqkv.shape[-1])
        self.grad.weight[...] = self.x.reshape(-1, self.x.shape[-1]).T @ all_rows
        if self.use_bias:
            self.grad.bias[...], self.grad.output_bias[...] = all_rows.sum(axis=0), rows.sum(axis=0)
        return dqkv @ self.weight.T if self.needs_dx else None
