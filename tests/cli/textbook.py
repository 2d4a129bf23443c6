"""A plugin file with layers as a textbook has them. They declare nothing but fields and axes."""

import numpy as np
from pydantic import Field, PositiveInt

from specnet import Initializer, Layer, register
from specnet.errors import ShapeError
from specnet.functions import sigmoid, softmax


@register("layers", "textbook_conv2d")
class Conv2d(Layer):
    """Cross-correlation y[i, j] = sum_ab x[i + a, j + b] W[a, b] + b without padding.

    Input (height, width, in), output (height - k + 1, width - k + 1, filters). For each place (a, b) of the kernel
    dW[a, b] = x_ab^T dy and dx_ab += dy W[a, b]^T, where x_ab is the part of x that this place sees.
    LeCun et al., 1989.
    """

    axes = ("height", "width", "channels")
    filters: PositiveInt = Field(default=3)
    kernel_size: PositiveInt = Field(default=2)
    weight_init: Initializer = Field(default="glorot_uniform")

    def build(self, input_shape):
        height, width, channels = input_shape
        k = self.kernel_size
        if min(height, width) < k:
            raise ShapeError(f"needs images of at least {k} x {k}")
        self.declare("weight", (k, k, channels, self.filters), self.weight_init)
        self.declare("bias", (self.filters,), "zeros")
        self.places = [(a, b) for a in range(k) for b in range(k)]
        return (height - k + 1, width - k + 1, self.filters)

    def part(self, x, a, b):
        height, width, _ = self.output_shape
        return x[:, a : a + height, b : b + width]

    def forward(self, x, training):
        self.x = x
        return sum(self.part(x, *place) @ self.weight[place] for place in self.places) + self.bias

    def backward(self, dy):
        dx = np.zeros_like(self.x)
        for place in self.places:
            self.grad.weight[place] = np.tensordot(self.part(self.x, *place), dy, axes=[[0, 1, 2]] * 2)
            self.part(dx, *place)[...] += dy @ self.weight[place].T
        self.grad.bias[...] = dy.sum(axis=(0, 1, 2))
        return dx


@register("layers", "textbook_batch_norm")
class BatchNorm(Layer):
    """y = gamma (x - mean) / sqrt(variance + epsilon) + beta, of each feature over batch and leading axes.

    In training mean and variance are the batch's; otherwise their moving averages. With z the normalized x,
    dgamma = sum dy z, dbeta = sum dy, dx = gamma / std (dy - mean dy - z mean(dy z)). Ioffe & Szegedy, 2015.
    """

    axes = (..., "features")
    momentum: float = Field(default=0.9, ge=0, lt=1)
    epsilon: float = Field(default=1e-5, gt=0)

    def build(self, input_shape):
        self.declare("gamma", input_shape[-1:], "ones")
        self.declare("beta", input_shape[-1:], "zeros")
        self.declare_state("moving_mean", input_shape[-1:])
        self.declare_state("moving_variance", input_shape[-1:], 1.0)
        return input_shape

    def forward(self, x, training):
        mean, variance, self.over = self.moving_mean, self.moving_variance, tuple(range(x.ndim - 1))
        if training:
            mean, variance = x.mean(axis=self.over), x.var(axis=self.over)
            self.moving_mean += (1 - self.momentum) * (mean - self.moving_mean)
            self.moving_variance += (1 - self.momentum) * (variance - self.moving_variance)
        self.std = np.sqrt(variance + self.epsilon)
        self.z = (x - mean) / self.std
        return self.gamma * self.z + self.beta

    def backward(self, dy):
        self.grad.gamma[...], self.grad.beta[...] = (dy * self.z).sum(axis=self.over), dy.sum(axis=self.over)
        centred = dy - dy.mean(axis=self.over) - self.z * (dy * self.z).mean(axis=self.over)
        return self.gamma / self.std * centred


@register("layers", "textbook_lstm")
class Lstm(Layer):
    """c = f c + i g, h = o tanh(c), with (i, f, o) = sigmoid and g = tanh of x W + h U + b, step by step.

    Input (time, features), output the last h (units). Backward goes through time from the last step to the first.
    Hochreiter & Schmidhuber, 1997; Gers et al., 2000, for the forget gate.
    """

    axes = ("time", "features")
    units: PositiveInt = Field(default=3)
    weight_init: Initializer = Field(default="glorot_uniform")

    def build(self, input_shape):
        self.declare("weight", (input_shape[-1], 4 * self.units), self.weight_init)
        self.declare("recurrent_weight", (self.units, 4 * self.units), self.weight_init)
        self.declare("bias", (4 * self.units,), "zeros")
        return (self.units,)

    def forward(self, x, training):
        h = c = np.zeros((len(x), self.units), x.dtype)
        self.x, self.steps = x, []
        for t in range(x.shape[1]):
            i, f, o, g = np.split(x[:, t] @ self.weight + h @ self.recurrent_weight + self.bias, 4, axis=1)
            i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)
            self.steps.append((h, c, i, f, o, g))
            c = f * c + i * g
            h = o * np.tanh(c)
        return h

    def backward(self, dh):
        dx, dc = np.empty_like(self.x), 0
        self.grad.weight[...] = self.grad.recurrent_weight[...] = self.grad.bias[...] = 0
        for t in reversed(range(len(self.steps))):
            h, c, i, f, o, g = self.steps[t]
            tanh = np.tanh(f * c + i * g)
            dc = dc + dh * o * (1 - tanh**2)
            gates = dc * g * i * (1 - i), dc * c * f * (1 - f), dh * tanh * o * (1 - o), dc * i * (1 - g**2)
            da = np.concatenate(gates, axis=1)
            self.grad.weight += self.x[:, t].T @ da
            self.grad.recurrent_weight += h.T @ da
            self.grad.bias += da.sum(axis=0)
            dx[:, t], dh, dc = da @ self.weight.T, da @ self.recurrent_weight.T, dc * f
        return dx


@register("layers", "textbook_multi_head_attention")
class MultiHeadAttention(Layer):
    """y = concat(P_1 V_1, ..., P_h V_h) W with P = softmax(Q K^T / sqrt(d)) and (Q, K, V) = x W_qkv, for h heads.

    Input and output (time, features). With C = P V: dV = P^T dC, dP = dC V^T, dS = P (dP - sum(dP P)) / sqrt(d),
    dQ = dS K, dK = dS^T Q. Vaswani et al., "Attention is all you need", 2017.
    """

    axes = ("time", "features")
    num_heads: PositiveInt = Field(default=1)
    weight_init: Initializer = Field(default="glorot_uniform")

    def build(self, input_shape):
        time, features = input_shape
        if features % self.num_heads:
            raise ShapeError(f"divides its features among {self.num_heads} heads")
        self.declare("weight_qkv", (features, 3 * features), self.weight_init)
        self.declare("weight", (features, features), self.weight_init)
        self.scale, self.heads = (
            (features // self.num_heads) ** -0.5,
            (time, self.num_heads, features // self.num_heads),
        )
        return input_shape

    def split(self, x):
        return x.reshape(len(x), *self.heads).swapaxes(1, 2)

    def join(self, x):
        return x.swapaxes(1, 2).reshape(len(x), *self.input_shape)

    def forward(self, x, training):
        self.x, (self.q, self.k, self.v) = x, map(self.split, np.split(x @ self.weight_qkv, 3, axis=-1))
        self.p = softmax(self.q @ self.k.swapaxes(2, 3) * self.scale)
        self.c = self.join(self.p @ self.v)
        return self.c @ self.weight

    def backward(self, dy):
        dc = self.split(dy @ self.weight.T)
        dp, dv = dc @ self.v.swapaxes(2, 3), self.p.swapaxes(2, 3) @ dc
        ds = self.p * (dp - (dp * self.p).sum(axis=-1, keepdims=True)) * self.scale
        dqkv = np.concatenate([*map(self.join, (ds @ self.k, ds.swapaxes(2, 3) @ self.q, dv))], axis=-1)
        self.grad.weight_qkv[...] = np.tensordot(self.x, dqkv, axes=[[0, 1]] * 2)
        self.grad.weight[...] = np.tensordot(self.c, dy, axes=[[0, 1]] * 2)
        return dqkv @ self.weight_qkv.T
