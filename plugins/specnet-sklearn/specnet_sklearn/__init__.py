"""Datasets of scikit-learn for specnet, and networks as its estimators.

The library is imported when a dataset is loaded or an estimator is used, not before.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from specnet_sklearn.estimators import SpecnetClassifier, SpecnetRegressor

__all__ = ["SpecnetClassifier", "SpecnetRegressor"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("specnet_sklearn.estimators"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
