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

SMALL, GATHERED = 4096, 65_536
"""Numbers of outputs up to which a batch is gathered, and from which on metrics take those gathered."""


class Measures:
    """The metrics of a split or an epoch, by name, while they take one batch after the other.

    `interpret` turns outputs into predictions. A metric that returns several numbers has one name for each,
    `f1/cat` for instance. So have the heads of a loss, `loss/species`, which it has computed before `update`.

    If all metrics are shares, which are exact for any division into batches, they take several small batches at once.
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
        self.shares = all(metric.is_share for metric in self.metrics.values())
        self.reset()

    def reset(self) -> None:
        """Forget all samples."""
        self._clear()
        self._each("reset", lambda name, metric: metric.reset())

    def update(self, y: np.ndarray, truth: np.ndarray, weight: np.ndarray | None = None) -> None:
        """Add a batch as `add` does, or gather it to add it later with others."""
        if self.metrics and self.shares and weight is None and y.size <= SMALL:
            self._gathered.append((y.copy(), truth.copy()))
            self._size += y.size
            if self._size >= GATHERED:
                self.flush()
        else:
            self.add(y, truth, weight)

    def add(self, y: np.ndarray, truth: np.ndarray, weight: np.ndarray | None = None) -> None:
        """Add outputs y of a batch, and its targets in the dataset's units.

        Raises:
            ComponentError: if a metric does not accept weights and the batch has some.
        """
        if not self.metrics:
            return
        rest = [truth]
        if weight is not None:
            rest.append(weight)
            for number, metric in enumerate(self.metrics.values()):
                require_weight(metric, "update", ("metrics", number))
        prediction = self.interpret(y)
        self._each("update", lambda name, metric: metric.update(prediction, *rest))

    def _clear(self) -> None:
        self._gathered: list[tuple[np.ndarray, np.ndarray]] = []
        self._size = 0

    def flush(self) -> None:
        """Let metrics take the batches gathered so far, before they are saved."""
        gathered = self._gathered
        self._clear()
        if gathered:
            with np.errstate(over="ignore", invalid="ignore"):
                self.add(*map(np.concatenate, zip(*gathered, strict=True)))

    def compute(self) -> dict[str, float]:
        """Return every metric of all samples since the last reset."""
        values: dict[str, float] = {}

        def read(name: str, metric: Metric) -> None:
            metric.keep(**metric.kept)  # as Python numbers, as in a checkpoint
            value = metric.compute()
            if isinstance(value, Mapping):
                values.update({f"{name}/{part}": float(number) for part, number in value.items()})
            else:
                values[name] = float(value)

        self.flush()
        self._each("compute", read)
        return dict(sorted(values.items(), key=lambda item: not item[0].startswith("loss/")))  # after the loss itself

    def merge(self, other: Measures) -> None:
        """Add what other measures have accumulated over their samples."""
        self.flush()
        other.flush()
        self._each("merge", lambda name, metric: metric.merge(other.metrics[name]))

    def restore(self, kept: Mapping[str, Mapping[str, Any]]) -> None:
        """Continue from the values of the same metrics.

        Raises:
            ValueError: if they are those of other metrics.
        """
        if list(kept) != list(self.metrics):
            raise ValueError(f"there are the metrics {', '.join(self.metrics)}, not {', '.join(kept)}")
        self._clear()
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
