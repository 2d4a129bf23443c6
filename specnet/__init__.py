"""specnet: train small neural networks from one JSON file.

    import specnet
    run = specnet.run(specnet.load_spec("specs/spiral.json"))
    run.history["validation/loss"], run.predict(x)

Names are imported when first used, so that `specnet --help` does not wait for NumPy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from specnet.api import *  # noqa: F403

__all__ = [
    "Activation",
    "Bundle",
    "Callback",
    "Component",
    "Data",
    "DataError",
    "DataFile",
    "Dataset",
    "ElementwiseLoss",
    "Exporter",
    "Group",
    "Initializer",
    "KernelSet",
    "Layer",
    "Logger",
    "Loss",
    "MeanMetric",
    "Metric",
    "Network",
    "Observer",
    "Optimizer",
    "Outline",
    "Plot",
    "PlotError",
    "RandomTransform",
    "Ranks",
    "Rows",
    "Run",
    "Samples",
    "Schedule",
    "ShapeError",
    "Spec",
    "SpecnetError",
    "SplitPlot",
    "Stack",
    "StreamedSamples",
    "Transform",
    "WatchingSchedule",
    "build",
    "build_network",
    "cross_validate",
    "explain",
    "load_group",
    "load_model",
    "load_run",
    "load_spec",
    "load_weights",
    "reference",
    "refit",
    "register",
    "repeat",
    "resume",
    "run",
    "scheduled",
    "trace",
    "try_cures",
]


_LIGHT = {
    "load_model": "specnet.runs.opening",
    "load_run": "specnet.runs.opening",
    "load_spec": "specnet.spec.load",
    "resume": "specnet.runs.start",
    "run": "specnet.runs.start",
}
"""Names whose module imports less than `specnet.api`."""


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module(_LIGHT.get(name, "specnet.api")), name)
    raise AttributeError(f"module 'specnet' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
