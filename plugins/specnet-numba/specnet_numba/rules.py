"""Steps of optimizers in one pass over the parameters w, the gradients g and the state, all of them flat.

`rate` is the learning rate, and `shrink` the rate times the weight decay, of which each parameter has the share in
`decay`. Constants come as float64; they are rounded to the dtype of w, in which everything is computed.
"""

from __future__ import annotations

import numpy as np

from specnet_numba.compiling import compiled


@compiled
def decayed(w, i, decay, shrink):
    """Return parameter i after weight decay."""
    return w[i] - shrink * decay[i] * w[i] if shrink else w[i]


@compiled
def average(mean, i, value, beta, rest):
    """Add a value to a running mean, and return it."""
    mean[i] = beta * mean[i] + rest * value
    return mean[i]


@compiled
def sgd(w, g, decay, shrink, rate):
    """Gradient descent."""
    kind = w.dtype.type
    rate, shrink = kind(rate), kind(shrink)
    for i in range(w.size):
        w[i] = decayed(w, i, decay, shrink) - rate * g[i]


@compiled
def momentum(w, g, velocity, decay, shrink, inside, rate, kept, taken, ahead):
    """Gradient descent with momentum of `inside` times g; `ahead` is 0, or the momentum if it is Nesterov's."""
    kind = w.dtype.type
    inside, rate, shrink = kind(inside), kind(rate), kind(shrink)
    kept, taken, ahead = kind(kept), kind(taken), kind(ahead)
    for i in range(w.size):
        step = inside * g[i]
        change = average(velocity, i, step, kept, taken)
        if ahead:
            change = step + ahead * change
        w[i] = decayed(w, i, decay, shrink) - rate * change


@compiled
def adam(w, g, m, v, decay, shrink, beta_1, rest_1, beta_2, rest_2, rate, epsilon):
    """Adam."""
    kind = w.dtype.type
    beta_1, rest_1, beta_2, rest_2 = kind(beta_1), kind(rest_1), kind(beta_2), kind(rest_2)
    shrink, rate, epsilon = kind(shrink), kind(rate), kind(epsilon)
    for i in range(w.size):
        mean, square = average(m, i, g[i], beta_1, rest_1), average(v, i, g[i] * g[i], beta_2, rest_2)
        w[i] = decayed(w, i, decay, shrink) - rate * mean / (np.sqrt(square) + epsilon)


@compiled
def amsgrad(w, g, m, v, v_max, decay, shrink, beta_1, rest_1, beta_2, rest_2, rate, epsilon):
    """Adam with the largest second moment so far."""
    kind = w.dtype.type
    beta_1, rest_1, beta_2, rest_2 = kind(beta_1), kind(rest_1), kind(beta_2), kind(rest_2)
    shrink, rate, epsilon = kind(shrink), kind(rate), kind(epsilon)
    for i in range(w.size):
        mean, square = average(m, i, g[i], beta_1, rest_1), average(v, i, g[i] * g[i], beta_2, rest_2)
        v_max[i] = np.maximum(v_max[i], square)
        w[i] = decayed(w, i, decay, shrink) - rate * mean / (np.sqrt(v_max[i]) + epsilon)


@compiled
def nadam(w, g, m, v, decay, shrink, beta_1, rest_1, beta_2, rest_2, rate_m, rate_g, epsilon, correction):
    """Adam with Nesterov's momentum: shares of mean and gradient in the step, and 1 / (1 - b2^t)."""
    kind = w.dtype.type
    beta_1, rest_1, beta_2, rest_2 = kind(beta_1), kind(rest_1), kind(beta_2), kind(rest_2)
    shrink, rate_m, rate_g = kind(shrink), kind(rate_m), kind(rate_g)
    epsilon, correction = kind(epsilon), kind(correction)
    for i in range(w.size):
        mean, square = average(m, i, g[i], beta_1, rest_1), average(v, i, g[i] * g[i], beta_2, rest_2)
        change = (rate_m * mean + rate_g * g[i]) / (np.sqrt(square * correction) + epsilon)
        w[i] = decayed(w, i, decay, shrink) - change


@compiled
def unscaled(w, g, m, v, decay, shrink, beta_1, rest_1, beta_2, rest_2, rate):
    """Rectified Adam while few gradients are known: the mean alone."""
    kind = w.dtype.type
    beta_1, rest_1, beta_2, rest_2 = kind(beta_1), kind(rest_1), kind(beta_2), kind(rest_2)
    shrink, rate = kind(shrink), kind(rate)
    for i in range(w.size):
        average(v, i, g[i] * g[i], beta_2, rest_2)
        w[i] = decayed(w, i, decay, shrink) - rate * average(m, i, g[i], beta_1, rest_1)


@compiled
def adamax(w, g, m, u, decay, shrink, beta_1, rest_1, beta_2, rate, epsilon):
    """Adam with the largest gradient."""
    kind = w.dtype.type
    beta_1, rest_1, beta_2 = kind(beta_1), kind(rest_1), kind(beta_2)
    shrink, rate, epsilon = kind(shrink), kind(rate), kind(epsilon)
    for i in range(w.size):
        u[i] = np.maximum(beta_2 * u[i], np.abs(g[i]) + epsilon)
        w[i] = decayed(w, i, decay, shrink) - rate * average(m, i, g[i], beta_1, rest_1) / u[i]


@compiled
def adagrad(w, g, s, decay, shrink, rate, epsilon):
    """Adagrad."""
    kind = w.dtype.type
    shrink, rate, epsilon = kind(shrink), kind(rate), kind(epsilon)
    for i in range(w.size):
        s[i] += g[i] * g[i]
        w[i] = decayed(w, i, decay, shrink) - rate * g[i] / (np.sqrt(s[i]) + epsilon)


@compiled
def rmsprop(w, g, v, mean, velocity, decay, shrink, rho, rest, kept, rate, epsilon, centered):
    """RMSprop; `kept` is the momentum. Without it `velocity` is not used, and without `centered` the mean is not."""
    kind = w.dtype.type
    rho, rest, kept, shrink, rate, epsilon = kind(rho), kind(rest), kind(kept), kind(shrink), kind(rate), kind(epsilon)
    for i in range(w.size):
        square, gradient = average(v, i, g[i] * g[i], rho, rest), g[i]
        if centered:
            centre = average(mean, i, gradient, rho, rest)
            square = np.maximum(square - centre * centre, kind(0))
        change = gradient / (np.sqrt(square) + epsilon)
        if kept:
            change = average(velocity, i, change, kept, kind(1))
        w[i] = decayed(w, i, decay, shrink) - rate * change


@compiled
def adadelta(w, g, v, u, decay, shrink, rho, rest, rate, epsilon):
    """Adadelta."""
    kind = w.dtype.type
    rho, rest, shrink, rate, epsilon = kind(rho), kind(rest), kind(shrink), kind(rate), kind(epsilon)
    for i in range(w.size):
        square = average(v, i, g[i] * g[i], rho, rest)
        change = np.sqrt((u[i] + epsilon) / (square + epsilon)) * g[i]
        average(u, i, change * change, rho, rest)
        w[i] = decayed(w, i, decay, shrink) - rate * change


@compiled
def lion(w, g, m, decay, shrink, beta_1, rest_1, beta_2, rest_2, rate):
    """Lion."""
    kind = w.dtype.type
    beta_1, rest_1, beta_2, rest_2 = kind(beta_1), kind(rest_1), kind(beta_2), kind(rest_2)
    shrink, rate = kind(shrink), kind(rate)
    for i in range(w.size):
        x = decayed(w, i, decay, shrink)
        w[i] = x - rate * np.sign(beta_1 * m[i] + rest_1 * g[i])
        average(m, i, g[i], beta_2, rest_2)
