"""How much memory training takes, told from shapes alone, and how much there is."""

from __future__ import annotations

import math
import os
import resource
from collections.abc import Sequence
from itertools import dropwhile
from pathlib import Path

import numpy as np

from specnet.errors import Diagnostic, show_pointer
from specnet.layers.base import Layer, Shape
from specnet.spec.model import Spec
from specnet.training.model import ROWS
from specnet.training.summary import Cost, layer_costs

CGROUP = Path("/sys/fs/cgroup/memory.max")
LOSS_ARRAYS = 2
"""Arrays of the size of outputs that a loss holds at a time, or some more."""
UNITS = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}


def training_bytes(spec: Spec, costs: Sequence[Cost], inputs: Shape, batch: int) -> tuple[int, list[int]]:
    """Return the bytes that training takes on batches of this size, in all and for each layer.

    Counted are parameters, their gradients, the optimizer's slots, one batch of inputs, what layers have memory for,
    what a loss makes of outputs, and scratch of the size of the widest output. Layers also see what is evaluated,
    so many rows at a time. On top come the dataset and what a layer needs only while it computes: training takes a
    few per cent more where layers are many, and up to twice as much where they are one or two.
    """
    copies = 2 + (len(spec.optimizer.slot_names) if spec.optimizer else 0)
    item = np.dtype(spec.dtype).itemsize
    rows = max(batch, ROWS)
    needs = [item * (copies * cost.parameters + rows * cost.activations) for cost in costs]
    outputs = [math.prod(cost.output_shape) for cost in costs if len(cost.place) == 2][-1:]
    backward = dropwhile(lambda cost: not cost.parameters, costs)  # which ends at the lowest layer that is trained
    scratch = max((math.prod(cost.output_shape) for cost in backward), default=0)
    return sum(needs) + item * batch * (math.prod(inputs) + LOSS_ARRAYS * sum(outputs) + scratch), needs


def check_memory(spec: Spec, layers: Sequence[Layer], inputs: Shape, batch: int, budget: float) -> list[Diagnostic]:
    """Return a mistake, at the layer that takes most, if training built layers takes more bytes than the budget."""
    costs = layer_costs(layers)
    total, needs = training_bytes(spec, costs, inputs, batch)
    if total <= budget or not needs:
        return []
    most = max(range(len(needs)), key=needs.__getitem__)
    place = costs[most].place
    message = f"training would take {show_bytes(total)} of memory, the budget is {show_bytes(budget)}; "
    message += f"{show_pointer(place)} takes the most, {show_bytes(needs[most])}"
    help = "make it smaller, or training.batch_size, or allow more with --memory-budget"
    return [Diagnostic("memory", message, place, help)]


def machine_memory() -> float:
    """Return the bytes that this process may have: the machine's, or less where a limit is set."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    address_space, _ = resource.getrlimit(resource.RLIMIT_AS)
    if address_space != resource.RLIM_INFINITY:
        limits.append(address_space)
    if CGROUP.exists() and (text := CGROUP.read_text().strip()).isdecimal():
        limits.append(int(text))
    return min(limits)


def show_bytes(count: float) -> str:
    """Return a number of bytes as people say it.

    >>> show_bytes(14_400_000_000)
    '14.4 GB'
    """
    if count >= 1e15:
        return "more than 1,000 TB"
    unit = max((unit for unit in UNITS if UNITS[unit] <= count), key=UNITS.__getitem__, default="B")
    return f"{count / UNITS[unit]:.3g} {unit}"
