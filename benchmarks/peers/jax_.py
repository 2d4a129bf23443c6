"""JAX with one `jit` call a step, which draws its batch from the samples, and gives its buffers back."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.work import Train, Work

jax.config.update("jax_enable_x64", True)  # or float64 would be float32

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


def make(work: Work) -> Train:
    """Return what trains the work."""
    x, target = jnp.asarray(work.x), jnp.asarray(work.target)
    classify, n = work.loss == "cross_entropy", len(work.x)
    activation = jax.nn.relu if classify else jax.nn.sigmoid

    def loss(layers: Any, x: jax.Array, target: jax.Array) -> jax.Array:
        for weight, bias in layers[:-1]:
            x = activation(x @ weight + bias)
        weight, bias = layers[-1]
        y = x @ weight + bias
        if work.loss == "mse":
            return jnp.mean((y - target) ** 2)
        if work.loss == "bce":
            return jnp.mean(jax.nn.softplus(y) - target * y)
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(y), target[:, None], axis=1))

    @partial(jax.jit, donate_argnums=0)
    def sgd(layers: Any, x: jax.Array, target: jax.Array) -> tuple[Any, jax.Array]:
        value, grads = jax.value_and_grad(loss)(layers, x, target)
        return jax.tree.map(lambda w, g: w - work.rate * g, layers, grads), value

    @partial(jax.jit, donate_argnums=0)
    def adam(state: Any, x: jax.Array, target: jax.Array, rows: jax.Array) -> tuple[Any, jax.Array]:
        layers, mean, square, step = state
        value, grads = jax.value_and_grad(loss)(layers, x[rows], target[rows])
        step = step + 1
        mean = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, mean, grads)
        square = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, square, grads)
        rate = (work.rate / (1 - BETA1**step)).astype(value.dtype)
        scale = (1 / (1 - BETA2**step)).astype(value.dtype)
        layers = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v * scale) + EPSILON), layers, mean, square)
        return (layers, mean, square, step), value

    layers = jax.tree.map(jnp.asarray, work.copy_layers())
    rng = np.random.default_rng(0)
    if not classify:
        state: Any = layers
    else:
        state = (layers, *(jax.tree.map(jnp.zeros_like, layers) for _ in range(2)), jnp.float64(0))

    def epoch() -> float:
        nonlocal state
        if not classify:
            state, value = sgd(state, x, target)
            return float(value)
        total = 0.0
        order = rng.permutation(n) if work.shuffle else np.arange(n)
        for start in range(0, n, work.batch):
            rows = order[start : start + work.batch]
            state, value = adam(state, x, target, rows)
            total += float(value) * len(rows)
        return total / n

    return lambda epochs: [epoch() for _ in range(epochs)]
