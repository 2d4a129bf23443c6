"""`Measures`: the metrics of a run while they accumulate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from specnet.component import fresh_copy
from specnet.faults import guarded
from specnet.losses.base import Loss
from specnet.metrics.base import Metric
from specnet.training.heads import HeadLosses
from specnet.weights import require_weight


class Measures:
    """The metrics of a split or an epoch, by name, while they take one batch after the other.

    `interpret` turns outputs into predictions. A metric that returns several numbers has one name for each,
    `f1/cat` for instance. So have the heads of a loss, `loss/species`, which it has computed before `update`.
    """

    def __init__(
        self, metrics: Mapping[str, Metric], interpret: Callable[[np.ndarray], np.ndarray], loss: Loss | None = None
    ) -> None:
        self.metrics: dict[str, Metric] = fresh_copy(dict(metrics))
        for name, metric in metrics.items():
            self.metrics[name].task = metric.task  # type: ignore[misc]
        if loss is not None and loss.head_sums:
            self.metrics["loss"] = HeadLosses.model_construct(loss=loss)
        self.interpret = interpret
        self.reset()

    def reset(self) -> None:
        """Forget all samples."""
        self._each("reset", lambda name, metric: metric.reset())

    def update(self, y: np.ndarray, truth: np.ndarray, weight: np.ndarray | None = None) -> None:
        """Add outputs y of a batch, and its targets in the dataset's units.

        Raises:
            ComponentError: if a metric does not accept weights and the batch has some.
        """
        if not self.metrics:
            return
        if weight is not None:
            for number, metric in enumerate(self.metrics.values()):
                require_weight(metric, "update", ("metrics", number))
        prediction = self.interpret(y)
        batch = (prediction, truth) if weight is None else (prediction, truth, weight)
        self._each("update", lambda name, metric: metric.update(*batch))

    def compute(self) -> dict[str, float]:
        """Return every metric of all samples since the last reset."""
        values: dict[str, float] = {}

        def add(name: str, metric: Metric) -> None:
            metric.keep(**metric.kept)  # as Python numbers, as in a checkpoint
            value = metric.compute()
            if isinstance(value, Mapping):
                values.update({f"{name}/{part}": float(number) for part, number in value.items()})
            else:
                values[name] = float(value)

        self._each("compute", add)
        return dict(sorted(values.items(), key=lambda item: not item[0].startswith("loss/")))  # after the loss itself

    def merge(self, other: Measures) -> None:
        """Add what others have accumulated over other samples."""
        self._each("merge", lambda name, metric: metric.merge(other.metrics[name]))

    def restore(self, kept: Mapping[str, Mapping[str, Any]]) -> None:
        """Continue from the values of the same metrics.

        Raises:
            ValueError: if they are those of other metrics.
        """
        if list(kept) != list(self.metrics):
            raise ValueError(f"there are the metrics {', '.join(self.metrics)}, not {', '.join(kept)}")
        for name, metric in self.metrics.items():
            metric.restore(kept[name])

    def _each(self, method: str, call: Callable[[str, Metric], None]) -> None:
        """Call a method of each metric, and add its place to any error."""
        done = 0
        try:  # around all of them, as this is done for each batch
            for name, metric in self.metrics.items():
                call(name, metric)
                done += 1
        except BaseException:
            with guarded(list(self.metrics.values())[done], ("metrics", done), method):
                raise
