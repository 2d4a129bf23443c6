"""Metrics on classes."""

from __future__ import annotations

import numpy as np

from specnet.errors import ShapeError
from specnet.functions import class_numbers, classes
from specnet.metrics.base import Metric, drop_column


class Accuracy(Metric):
    """Share of samples whose class is predicted.

    Targets are class numbers, 0 and 1 where there is one output, or one-hot.
    """

    pass

    def __call__(self, prediction: np.ndarray, target: np.ndarray) -> float:
        predicted, wanted = drop_column(classes(prediction)), drop_column(target)
        if wanted.shape != predicted.shape:
            one_hot = class_numbers(target)
            wanted = wanted if one_hot is None else drop_column(one_hot)
        meant = wanted.shape == predicted.shape and np.array_equal(wanted, np.rint(wanted))
        if meant and not np.issubdtype(prediction.dtype, np.integer):
            # One probability tells class 0 from class 1, several scores tell as many classes.
            count = max(prediction.shape[-1] if prediction.ndim > 1 else 1, 2)
            meant = bool(((wanted >= 0) & (wanted < count)).all())
        if not meant:
            raise ShapeError(
                "accuracy takes 0 and 1 for one output, class numbers or one-hot targets for several; here targets "
                f"have shape {target.shape[1:]}, predictions {prediction.shape[1:]}, or a target is no class of theirs",
                help="for numbers there are the metrics mse, mae and r2",
            )
        return float(np.mean(predicted == wanted))
