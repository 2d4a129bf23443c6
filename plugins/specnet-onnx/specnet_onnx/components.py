"""Components of specnet that have an operator of their own in ONNX, or need other formulas."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from specnet.exporters.tracing import Node
from specnet.registry import definition
from specnet.transforms.dates import PERIODS
from specnet_onnx.graph import Graph


def find_emitter(component: Any) -> Callable[[Graph, Node], str] | None:
    """Return what writes a component to a graph, given the node of its input; None if its own NumPy code does."""
    if own := getattr(component, "onnx", None):
        return lambda graph, x: str(own(graph, graph.names[x]))
    cls = definition(type(component))
    emitter = EMITTERS.get(f"{cls.__module__.removeprefix('specnet.')}:{cls.__qualname__}")
    return partial(emitter, component) if emitter else None


def _operator(name: str, *fields: str, **attributes: Any) -> Callable[..., str]:
    """Return an emitter that adds one operator, with fields of the component as attributes."""

    def emit(component: Any, graph: Graph, x: Node) -> str:
        return str(graph.add(name, graph.names[x], **attributes, **{each: getattr(component, each) for each in fields}))

    return emit


def _leaky_relu(layer: Any, graph: Graph, x: Node) -> str:
    return str(graph.LeakyRelu(graph.names[x], alpha=layer.negative_slope))


def _gelu(layer: Any, graph: Graph, x: Node) -> str:
    return str(graph.Gelu(graph.names[x], approximate="tanh" if layer.approximate else "none"))


def _date_parts(transform: Any, graph: Graph, x: Node) -> str:
    return graph.follow(partial(date_parts, transform), x)


def date_parts(transform: Any, x: Any) -> Any:
    """Return what `DateParts` does, from the number of days alone.

    Years begin in March, as leap days are their last ones then. Hinnant, "chrono-compatible low-level date algorithms",
    2014.
    """
    milliseconds = np.rint(x * 86_400_000.0).astype(np.int64)
    days = milliseconds // 86_400_000
    era, day_of_era = (days + 719_468) // 146_097, (days + 719_468) % 146_097
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_march_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month_from_march = (5 * day_of_march_year + 2) // 153
    month = (month_from_march + 2) % 12 + 1
    year = year_of_era + era * 400 + (month <= 2).astype(np.int64)
    before = year - 1
    new_year = 365 * (year - 1970) + before // 4 - before // 100 + before // 400 - 477
    parts = {
        "year": year,
        "month": month,
        "day": day_of_march_year - (153 * month_from_march + 2) // 5 + 1,
        "day_of_year": days - new_year + 1,
        "weekday": (days + 3) % 7,
        "hour": milliseconds % 86_400_000 // 3_600_000,
        "minute": milliseconds % 3_600_000 // 60_000,
    }
    found: list[Any] = []
    for part in transform.parts:
        if transform.cyclic and part in PERIODS:
            angle = 2 * np.pi * parts[part].astype(np.float64) / PERIODS[part]
            found += [np.sin(angle), np.cos(angle)]
        else:
            found.append(parts[part].astype(np.float64))
    return np.stack(found, axis=2).reshape(len(x), -1)


EMITTERS: dict[str, Callable[..., str]] = {
    "layers.activation:Relu": _operator("Relu"),
    "layers.activation:Sigmoid": _operator("Sigmoid"),
    "layers.activation:Softplus": _operator("Softplus"),
    "layers.activation:Softmax": _operator("Softmax", axis=-1),
    "layers.activation:Elu": _operator("Elu", "alpha"),
    "layers.activation:LeakyRelu": _leaky_relu,
    "layers.activation:Gelu": _gelu,
    "losses.binary:BceWithLogits": _operator("Sigmoid"),
    "losses.classification:CrossEntropy": _operator("Softmax", axis=-1),
    "transforms.dates:DateParts": _date_parts,
}
"""Emitters by module and class: functions of the component, the graph and the node of its input."""
