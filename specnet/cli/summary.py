"""`specnet summary`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

from specnet.cli.options import format_option, kernels_option, load, spec_argument, spec_options
from specnet.cli.output import echo, echo_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from specnet.network.network import Network
    from specnet.network.summary import Cost
    from specnet.spec.model import Spec
    from specnet.task import Shape
    from specnet.words import Pointer


@click.command()
@spec_argument
@spec_options
@kernels_option
@format_option()
def summary(spec: Path, form: str, **options: Any) -> None:
    """Show the layers of SPEC and their costs.

    Memory and operations are for one sample: the memory that a layer keeps between steps, and the operations of the
    forward pass, where a multiplication and an addition count as two. Memory and time are measured, time on random
    inputs, unless the network is very large. Data are loaded only if they determine the input shape or the units of
    the last layer.

    \b
    Example:
      specnet summary specs/mnist.json
    """
    import numpy as np

    from specnet.cli.show import show_table
    from specnet.component import type_name
    from specnet.network.summary import describe_layer, layer_costs
    from specnet.runs.trained.building import load_data, located, transform
    from specnet.spec.checks import check_network
    from specnet.spec.memory import estimate_memory, show_bytes
    from specnet.spec.plan import make_plan
    from specnet.spec.units import last_open, resolve_loaded
    from specnet.words import show_pointer

    loaded = load(spec, **options)
    plan = make_plan(loaded)
    if plan.inputs is None or last_open(loaded) is not None:
        data = load_data(loaded)
        samples = transform(loaded, data)[2]["train"]
        with located(loaded):
            loaded = resolve_loaded(loaded, data, samples)
            plan = check_network(loaded, samples.inputs.shape[1:], len(samples.inputs))
    assert plan.inputs is not None
    batch = plan.batch(loaded.training.largest_batch) or 1
    with located(loaded):
        estimate = estimate_memory(loaded, plan)
        seconds, compared = _time(loaded, plan.inputs, batch) if estimate.measured else ([], {})
    costs, step = layer_costs(plan.layers), sum(seconds)
    if form == "json":
        found = _to_json(costs, estimate.activations) | {"batch_size": batch, "step_seconds": seconds}
        echo_json(found | {"input_shape": plan.inputs} | compared)
        return
    given = np.dtype(loaded.dtype).itemsize * math.prod(plan.inputs)
    rows = [["inputs", "", plan.inputs, "", show_bytes(given), "", ""]]
    for cost in costs:
        name = describe_layer(cost.layer) + (f" x {cost.copies}" if cost.copies > 1 else "")
        share = f"{seconds[int(cost.place[1])] / step:.0%}" if seconds and len(cost.place) == 2 else ""
        numbers = [f"{cost.parameters:,}", show_bytes(estimate.activations[cost.place]), f"{cost.flops:,}", share]
        rows.append([show_pointer(cost.place), name, cost.output_shape, *numbers])
    optimizer = type_name(loaded.optimizer)
    rows.append(["optimizer", optimizer, "", "", "", "", f"{seconds[-1] / step:.0%}" if seconds else ""])
    total = sum(cost.parameters for cost in costs), sum(cost.flops for cost in costs)
    memory = show_bytes(given + sum(estimate.activations.values()))
    rows.append(["total", "", "", f"{total[0]:,}", memory, f"{total[1]:,}", "100%" if seconds else ""])
    numbers = ["parameters", "memory", "FLOPs", "time"]
    show_table(["", "type", "output", *numbers], rows, numbers=numbers)
    training = f"\nTraining on batches of {batch} takes {estimate} of memory"
    if not seconds:
        echo(f"{training}. The network is too large to measure it and the time of a step here.")
        return
    echo(f"{training}, {step * 1e3:.3g} ms a step.")
    names = [*(f"layers.{number}" for number in range(len(seconds) - 1)), optimizer]
    echo(f"{names[seconds.index(max(seconds))]} takes the most time.")
    _show_comparison(compared, loaded.kernels_name)


def _time(spec: Spec, input_shape: Shape, batch: int) -> tuple[list[float], dict[str, Any]]:
    """Return the seconds of a step in each layer and in the optimizer, and the comparison of `_compare_kernels`."""
    from specnet.network.network import Network
    from specnet.runs.provenance.threads import blas_threads, fitting_threads
    from specnet.training.timing import time_step

    network = Network(spec.layers, input_shape, spec.dtype, spec.seed, spec.kernels)
    with blas_threads(None, fitting_threads(network.named.values(), batch)):  # as in training
        seconds = list(time_step(network, spec.optimizer, batch))
        return seconds, _compare_kernels(spec, network, batch, sum(seconds))


def _compare_kernels(spec: Spec, network: Network, batch: int, step: float) -> dict[str, Any]:
    """Return from how many steps on a set of kernels that starts slowly pays; nothing for others."""
    from specnet.kernels.base import DEFAULT, find_kernels
    from specnet.network.network import Network
    from specnet.training.timing import time_step

    start = spec.kernels.start_seconds
    if not start:
        return {}
    default = Network(spec.layers, network.input_shape, spec.dtype, spec.seed, find_kernels(DEFAULT))
    usual = sum(time_step(default, spec.optimizer, batch))
    pays = math.ceil(start / (usual - step)) if usual > step else None
    return {"default_step_seconds": usual, "kernels_start_seconds": start, "pays_from_steps": pays}


def _show_comparison(compared: Mapping[str, Any], kernels: str) -> None:
    if not compared:
        return
    usual, start = compared["default_step_seconds"] * 1e3, compared["kernels_start_seconds"]
    pays = compared["pays_from_steps"]
    verdict = f"it pays off after about {pays:,} steps" if pays else "it does not pay off here"
    echo(f"With the default kernels a step takes {usual:.3g} ms. {kernels} starts about {start:g} s later: {verdict}.")


def _to_json(costs: Sequence[Cost], activations: Mapping[Pointer, int]) -> dict[str, Any]:
    from specnet.component import type_name
    from specnet.words import show_pointer

    layers = [
        {
            "place": show_pointer(cost.place),
            "type": type_name(cost.layer),
            "name": cost.layer.name,
            "share": getattr(cost.layer, "share", None),
            "copies": cost.copies,
            "output_shape": cost.output_shape,
            "parameters": cost.parameters,
            "bytes": activations[cost.place],
            "flops": cost.flops,
        }
        for cost in costs
    ]
    return {"parameters": sum(cost.parameters for cost in costs), "layers": layers}
