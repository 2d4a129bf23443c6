"""scikit-learn's `MLPRegressor` and `MLPClassifier`, told to do no more than the work asks for."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from benchmarks.work import Train, Work


def make(work: Work) -> Train:
    """Return what trains the work; all epochs asked for are of one `fit`, so that its fixed costs are shared out."""
    classify, regress = work.loss == "cross_entropy", work.loss == "mse"
    # Its squared loss is half of ours.
    half = 0.5 if regress else 1.0
    model = (MLPRegressor if regress else MLPClassifier)(
        hidden_layer_sizes=[bias.size for _, bias in work.layers[:-1]],
        activation="relu" if classify else "logistic",
        solver="adam" if classify else "sgd",
        learning_rate_init=work.rate / half,
        alpha=0.0,
        batch_size=work.batch,
        momentum=0.0,
        shuffle=work.shuffle and work.batch < len(work.x),
        tol=0.0,
        n_iter_no_change=10**9,
        max_iter=1,
        warm_start=True,
    )
    target = np.ravel(work.target)
    fit(model, work.x, target)  # makes its arrays, which then get the weights that all peers start from
    for own, (weight, bias) in zip(zip(model.coefs_, model.intercepts_, strict=True), work.layers, strict=True):
        own[0][...], own[1][...] = weight, bias

    def train(epochs: int) -> list[float]:
        model.set_params(max_iter=epochs)
        fit(model, work.x, target)
        return [loss / half for loss in model.loss_curve_[-epochs:]]

    return train


def fit(model: MLPRegressor | MLPClassifier, x: np.ndarray, target: np.ndarray) -> None:
    """Fit, without the warning that so few epochs cannot be enough."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(x, target)
