"""Networks as estimators of scikit-learn: `SpecnetClassifier` and `SpecnetRegressor`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state, compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, column_or_1d, validate_data

from specnet import load_spec
from specnet.metrics.base import drop_column
from specnet.spec.document import read_document
from specnet.task import class_scores, classes
from specnet_sklearn.fitting import Fit, continue_fit, start_fit

LAYERS = ({"type": "linear", "units": 100}, "relu", "linear")
"""The network if no other is given: its last layer has as many units as the targets need."""
_IGNORED = ("$schema", "dataset", "split", "plots", "record", "checkpoint")
"""Keys of a spec that have no meaning here."""


class SpecnetEstimator(BaseEstimator):
    """What both estimators share. A parameter that is None is that of `spec`, or else the default.

    Parameters
    ----------
    layers : list, default=[{"type": "linear", "units": 100}, "relu", "linear"]
        The network, as in a spec. The last linear layer has as many units as the targets need.
    loss, optimizer : str or dict
        As in a spec.
    transforms : list, default=["standardize"]
        Transforms of the inputs, as in a spec.
    epochs, batch_size : int, default=100, 32
        Length and batches of training; `batch_size="full"` is all samples.
    early_stopping : bool, default=False
        Whether to set `validation_fraction` of the samples aside, to end training when the loss on them has not
        improved for `patience` epochs, and to keep the best weights.
    warm_start : bool, default=False
        Whether `fit` continues from the weights of the last one.
    spec : dict or path, default=None
        A whole spec. Its data are not used.
    dtype : {"float64", "float32"}
        Precision of the network.
    random_state : int, RandomState or None
        Determines initial weights, the order of samples and what is set aside.

    Attributes
    ----------
    history_ : dict of arrays
        A value for each epoch, such as `history_["train/loss"]` and `history_["validation/loss"]`.
    n_iter_ : int
        The number of epochs.
    model_ : specnet's Model
        The network with its transforms; `model_.network.params` are the weights by name.
    """

    default_loss = ""

    def __init__(
        self,
        layers: Any = None,
        *,
        loss: Any = None,
        optimizer: Any = None,
        transforms: Any = None,
        epochs: int | None = None,
        batch_size: int | str | None = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        patience: int = 10,
        warm_start: bool = False,
        spec: Any = None,
        dtype: str = "float64",
        random_state: Any = None,
    ) -> None:
        self.layers = layers
        self.loss = loss
        self.optimizer = optimizer
        self.transforms = transforms
        self.epochs = epochs
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.warm_start = warm_start
        self.spec = spec
        self.dtype = dtype
        self.random_state = random_state

    def _spec_json(self) -> dict[str, Any]:
        """Return the spec of a fit, without its dataset."""
        given = read_document(Path(self.spec)).value if isinstance(self.spec, (str, Path)) else self.spec or {}
        if not isinstance(given, Mapping):
            raise TypeError(f"spec should be a dict or the path of a file, not {type(given).__name__}")
        made: dict[str, Any] = {"layers": [*LAYERS], "loss": self.default_loss}
        made["transforms"] = {"inputs": ["standardize"]}
        made |= {key: value for key, value in given.items() if key not in _IGNORED}
        own = {"loss": self.loss, "optimizer": self.optimizer, "layers": self.layers and [*self.layers]}
        made |= {key: value for key, value in own.items() if value is not None}
        if self.transforms is not None:
            made["transforms"] = made["transforms"] | {"inputs": [*self.transforms]}
        settings = {"epochs": self.epochs, "batch_size": self.batch_size}
        if self.early_stopping:
            settings["early_stopping"] = {"monitor": "validation/loss", "patience": self.patience}  # type: ignore[assignment]
            made["split"] = {"validation": self.validation_fraction}
        given_settings = {key: value for key, value in settings.items() if value is not None}
        made["training"] = made.get("training", {}) | given_settings
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        return {"name": type(self).__name__, **made, "seed": seed, "dtype": self.dtype, "plots": [], "record": None}

    def _fit(
        self,
        x: np.ndarray,
        y: np.ndarray,
        weight: Any,
        names: Mapping[str, Any],
        go_on: bool,
        epochs: int | None = None,
    ) -> Self:
        """Train on samples; `names` are fields of the dataset, `epochs` a number instead of the spec's."""
        if weight is not None:
            if not (used := weight > 0).any():
                raise ValueError("sample weights must contain at least one non-zero number")
            x, y, weight = x[used], y[used], weight[used]
        if go_on and hasattr(self, "fit_"):
            self.fit_ = continue_fit(self.fit_, (x, y, weight), epochs)
        else:
            dataset = {"type": "arrays", "input_names": [*getattr(self, "feature_names_in_", ())], **names}
            self.fit_ = start_fit(load_spec(self._spec_json() | {"dataset": dataset}, data=(x, y, weight)), epochs)
        self.model_, self.history_ = self.fit_.model, self.fit_.history
        self.n_iter_ = len(self.history_["train/loss"])
        return self

    def _check(self, X: Any, y: Any, sample_weight: Any, reset: bool, **options: Any) -> tuple[np.ndarray, Any, Any]:
        x, y = validate_data(self, X, y, reset=reset, dtype=[np.float64, np.float32], **options)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, x, ensure_non_negative=True)
        return x, y, sample_weight

    def _raw_predictions(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return self.model_.predict(validate_data(self, X, reset=False, dtype=[np.float64, np.float32]))

    def _repr_html_(self) -> str:
        """Return the page of the fit, or scikit-learn's diagram before it and after unpickling."""
        fit: Fit | None = getattr(self, "fit_", None)
        page = fit and fit.page()
        return page or super()._repr_html_()


class SpecnetClassifier(ClassifierMixin, SpecnetEstimator):
    """A network that predicts classes, which may be numbers or text.

    Parameters and attributes are those of `SpecnetEstimator`, and these:

    Parameters
    ----------
    class_weight : "balanced" or dict, default=None
        Weights of the classes, which are multiplied with `sample_weight`.

    Attributes
    ----------
    classes_ : array
        The classes, in the order of the columns of `predict_proba`.
    """

    default_loss = "cross_entropy"

    def __init__(
        self,
        layers: Any = None,
        *,
        loss: Any = None,
        optimizer: Any = None,
        transforms: Any = None,
        epochs: int | None = None,
        batch_size: int | str | None = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        patience: int = 10,
        class_weight: Any = None,
        warm_start: bool = False,
        spec: Any = None,
        dtype: str = "float64",
        random_state: Any = None,
    ) -> None:
        super().__init__(
            layers,
            loss=loss,
            optimizer=optimizer,
            transforms=transforms,
            epochs=epochs,
            batch_size=batch_size,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            patience=patience,
            warm_start=warm_start,
            spec=spec,
            dtype=dtype,
            random_state=random_state,
        )
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on inputs X (n, features) and classes y (n,), with a weight for each sample if given."""
        x, y, weight = self._check(X, y, sample_weight, reset=True)
        check_classification_targets(y)
        y = column_or_1d(y, warn=True)
        known = np.unique(y)
        go_on = self.warm_start and np.array_equal(known, getattr(self, "classes_", ()))
        return self._fit_classes(x, y, weight, known, go_on)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train for one epoch on some samples; the first call needs all `classes`, or takes those of y."""
        first = not hasattr(self, "fit_")
        x, y, weight = self._check(X, y, sample_weight, reset=first)
        check_classification_targets(y)
        y = column_or_1d(y, warn=True)
        known = (np.unique(y) if classes is None else np.unique(classes)) if first else self.classes_
        if not np.isin(y, known).all():
            raise ValueError(f"y has the classes {np.unique(y)}, and the first call had {known}")
        return self._fit_classes(x, y, weight, known, not first, epochs=1)

    def _fit_classes(
        self, x: np.ndarray, y: np.ndarray, weight: Any, known: np.ndarray, go_on: bool, epochs: int | None = None
    ) -> Self:
        if len(known) < 2:
            raise ValueError(f"a classifier needs at least two classes, and y has 1 class: {known[0]}")
        if self.class_weight is not None:
            own = compute_sample_weight(self.class_weight, y)
            weight = own if weight is None else own * weight
        self.classes_ = known
        names = {"classes": [str(name) for name in known.tolist()]}
        self._fit(x, np.searchsorted(known, y), weight, names, go_on, epochs)
        outputs = self.model_.network.output_shape
        if outputs != (len(known),) and (outputs not in ((), (1,)) or len(known) != 2):
            raise ValueError(f"there are {len(known)} classes, and the network returns shape {outputs}")
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the classes of inputs (n, features)."""
        found = drop_column(classes(self._raw_predictions(X)))
        return self.classes_[found]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class (n, classes), in the order of `classes_`.

        Those of a loss that is not one of probabilities, such as "hinge", are not calibrated.
        """
        found = self._raw_predictions(X)
        found = found if found.ndim == 2 else found[:, np.newaxis]
        return class_scores(found) if found.shape[1] == 1 else found


class SpecnetRegressor(RegressorMixin, SpecnetEstimator):
    """A network that predicts one number or several.

    Targets are standardized for training, by their weighted mean and deviation, unless `spec` transforms targets.
    Parameters and attributes are those of `SpecnetEstimator`.
    """

    default_loss = "mse"

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on inputs X (n, features) and targets y (n,) or (n, k), with a weight for each sample if given."""
        return self._fit_numbers(X, y, sample_weight, True, self.warm_start)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one epoch on some samples; the first call fits the transforms."""
        return self._fit_numbers(X, y, sample_weight, not hasattr(self, "fit_"), True, epochs=1)

    def _fit_numbers(
        self, X: Any, y: Any, sample_weight: Any, reset: bool, go_on: bool, epochs: int | None = None
    ) -> Self:
        x, y, weight = self._check(X, y, sample_weight, reset=reset, multi_output=True, y_numeric=True)
        y, self._columns = np.asarray(y, np.float64).reshape(len(y), -1), y.shape[1:]
        if not (go_on and hasattr(self, "fit_")):
            own = "targets" in self._spec_json()["transforms"]
            counted = np.ones(len(y)) if own or weight is None else weight
            self.target_mean_ = np.zeros(y.shape[1]) if own else np.average(y, axis=0, weights=counted)
            deviation = np.sqrt(np.average((y - self.target_mean_) ** 2, axis=0, weights=counted))
            self.target_scale_ = np.where(deviation > 0, deviation, 1.0) if not own else np.ones(y.shape[1])
        return self._fit(x, (y - self.target_mean_) / self.target_scale_, weight, {}, go_on, epochs)

    def predict(self, X: Any) -> np.ndarray:
        """Return the targets (n,) or (n, k) of inputs (n, features)."""
        found = self._raw_predictions(X)
        found = found.reshape(len(found), -1) * self.target_scale_ + self.target_mean_
        return found.reshape(len(found), *self._columns)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
