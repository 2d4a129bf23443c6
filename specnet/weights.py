"""Weights of samples, as losses and metrics take them."""

from __future__ import annotations

import inspect
import math
from functools import cache
from typing import Any

import numpy as np

from specnet.component import Component
from specnet.errors import ComponentError, ShapeError
from specnet.faults import describe_component
from specnet.words import Pointer


def aligned(weight: np.ndarray, shape: tuple[int, ...], dtype: Any = np.float64) -> np.ndarray:
    """Return weights with an axis for each of `shape`, so that they broadcast over an array of that shape.

    Axes are matched from the first on: weights (n,) count for whole samples (n, ...).

    >>> aligned(np.array([1, 0]), (2, 3)).shape
    (2, 1)

    Raises:
        ShapeError: if they do not fit.
    """
    if weight.ndim > len(shape) and weight.shape[len(shape) :] == (1,) * (weight.ndim - len(shape)):
        weight = weight.reshape(weight.shape[: len(shape)])
    found = weight.shape + (1,) * (len(shape) - weight.ndim)
    if len(found) != len(shape) or any(one not in (1, size) for one, size in zip(found, shape, strict=True)):
        raise ShapeError(f"weights of shape {weight.shape} do not fit elements of shape {shape}")
    return weight.reshape(found).astype(dtype, copy=False)


def weighted(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return values times weights, and 0 where a weight is 0, even if the value there is not finite."""
    return np.multiply(values, weight, out=np.zeros_like(values), where=weight != 0)


def total_weight(shape: tuple[int, ...], weight: np.ndarray | None) -> float:
    """Return the sum of the weights of all elements of an array of `shape`, each 1 if `weight` is None."""
    if weight is None:
        return float(math.prod(shape))
    return float(np.broadcast_to(aligned(weight, shape), shape).sum())


def takes_weight(component: Component, method: str) -> bool:
    """Return whether a method of a component has a parameter `weight`."""
    return _takes_weight(getattr(type(component), method))


@cache
def _takes_weight(function: Any) -> bool:
    parameters = inspect.signature(function).parameters
    return "weight" in parameters or any(each.kind is each.VAR_POSITIONAL for each in parameters.values())


def require_weight(component: Component, method: str, place: Pointer) -> None:
    """Raise a ComponentError, naming it and its distribution, if a component cannot use weights of samples."""
    if not takes_weight(component, method):
        where = describe_component(component, place)
        error = ComponentError(
            f"the samples have weights or a mask, but {where} cannot use them: its {method} has no parameter weight",
            pointer=place,
            help="use data without these, or another component",
        )
        error.complete = True
        raise error
