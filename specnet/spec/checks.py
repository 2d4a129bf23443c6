"""Checks of a spec that need no data: they find what no single field can know."""

from __future__ import annotations

from collections import Counter

from specnet import registry
from specnet.errors import Diagnostic, Pointer, suggest
from specnet.spec.model import Spec


def check_spec(spec: Spec) -> list[Diagnostic]:
    """Return every mistake found."""
    return [*_check_metrics(spec), *_check_monitors(spec)]


def _check_metrics(spec: Spec) -> list[Diagnostic]:
    """No metric is named twice: its name is its column in the history."""
    counts = Counter(registry.name_of("metrics", type(metric)) for metric in spec.metrics)
    return [
        Diagnostic("duplicate-metric", f'the metric "{name}" is named {count} times', ("metrics",))
        for name, count in counts.items()
        if count > 1
    ]


def _check_monitors(spec: Spec) -> list[Diagnostic]:
    """Monitored values will exist."""
    monitors: dict[Pointer, str | None] = {("checkpoint", "monitor"): spec.checkpoint.monitor}
    if spec.training.early_stopping:
        monitors["training", "early_stopping", "monitor"] = spec.training.early_stopping.monitor
    values = ["loss", *(registry.name_of("metrics", type(metric)) for metric in spec.metrics)]
    # Whether a dataset brings samples of its own for validation and test is known only when it is loaded.
    known = [f"{split}/{value}" for split in ("train", "validation", "test") for value in values]
    return [
        Diagnostic("unknown-monitor", f'there will be no value "{monitor}"', place, suggest(monitor, known))
        for place, monitor in monitors.items()
        if monitor is not None and monitor not in known
    ]
