"""Checks of a spec that need no data: they find what no single field can know."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import get_args

from specnet import registry
from specnet.datasets.base import DATA_FILE
from specnet.errors import Diagnostic, Pointer, suggest
from specnet.spec.model import Spec


def check_spec(spec: Spec) -> list[Diagnostic]:
    """Return every mistake found."""
    return [*_check_files(spec), *_check_metrics(spec), *_check_monitors(spec)]


def _check_files(spec: Spec) -> list[Diagnostic]:
    """Every file that the dataset names exists."""
    found = []
    for name, field in type(spec.dataset).model_fields.items():
        path = getattr(spec.dataset, name)
        marks = [*field.metadata, *(mark for kind in get_args(field.annotation) for mark in get_args(kind))]
        if DATA_FILE in marks and path is not None and not _is_file(path):
            place = ("dataset", field.alias or name)
            found.append(Diagnostic("missing-file", f"there is no file {path}", place))
    return found


def _is_file(path: str) -> bool:
    try:
        return Path(path).is_file()
    except OSError:  # A name that is too long, a folder that may not be entered.
        return False


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
    # Whether a dataset brings validation samples of its own is known only when it is loaded.
    known = [f"{split}/{value}" for split in ("train", "validation") for value in values]
    return [
        Diagnostic("unknown-monitor", f'there will be no value "{monitor}"', place, suggest(monitor, known))
        for place, monitor in monitors.items()
        if monitor is not None and monitor not in known
    ]
