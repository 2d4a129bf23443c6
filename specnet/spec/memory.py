"""Memory that training takes, and memory that is available."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from specnet.errors import Diagnostic
from specnet.network.dry_run import Subject, TooLongError, Usage, dry_run, warm_up
from specnet.network.summary import Cost, layer_costs
from specnet.optimizers.base import all_needs, all_state_names
from specnet.spec.model import Spec
from specnet.spec.plan import Plan
from specnet.training.model import ROWS
from specnet.words import Pointer, show_pointer

CGROUP = Path("/sys/fs/cgroup/memory.max")
BYTE_UNITS = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}
MAX_DRY_RUN_BYTES = 256_000_000
"""Bytes of parameters, or of outputs in a dry run, above which dry runs are skipped."""
MAX_DRY_RUN_SECONDS = 2.0
"""CPU time of this thread that dry runs may take, in seconds."""
MAX_DRY_RUN_OPERATIONS = 2_000_000_000
"""Operations of a forward pass for one sample above which dry runs are skipped."""
UFUNC_BUFFER = 8192
"""Size of the buffer of NumPy's ufuncs: only larger arrays grow in proportion to samples."""
_measured: deque[tuple[Subject, dict[tuple[int, int], Usage | None]]] = deque(maxlen=8)
"""Results of the latest dry runs, by their samples; None if they took too long."""


@dataclass(frozen=True)
class Estimate:
    """Bytes that training takes, without the dataset.

    `layers` counts parameters, gradients, optimizer slots and activations of each layer, `activations` what each layer
    holds for one sample. Without `measured` it is a lower bound, derived from shapes.
    """

    total: float
    layers: Mapping[Pointer, float]
    activations: Mapping[Pointer, int]
    measured: bool

    def __str__(self) -> str:
        return f"{'' if self.measured else 'at least '}{show_bytes(self.total)}"


def estimate_memory(spec: Spec, plan: Plan) -> Estimate:
    """Estimate the memory of training from the shapes that layers declare, and if that is not too much, by dry runs.

    Raises:
        BrokenComponentError: naming a layer that raises anything but a `SpecnetError`.
        OutOfMemoryError: naming a layer that takes more than the budget for a few samples.
    """
    assert plan.inputs is not None
    costs, item = layer_costs(plan.layers), np.dtype(spec.dtype).itemsize
    batch = plan.batch(size := spec.training.largest_batch) or 1
    if size is None:
        batch = -(-batch // spec.training.gradient_accumulation_steps)
    copies = 2 + (len(all_state_names(spec.optimizer)) if spec.optimizer else 0)
    copies += bool(spec.training.weight_averaging)
    trained = {cost.place: item * copies * cost.parameters for cost in costs}
    jacobian = 0
    if spec.optimizer and "jacobian" in all_needs(spec.optimizer):  # and its product with itself, in float64
        rows, columns = batch * math.prod(plan.output_shape or (1,)), sum(cost.parameters for cost in costs)
        jacobian = columns * (rows * (item + 16) + columns * 16)
    certain = {cost.place: item * cost.outputs if _is_held(cost) else 0 for cost in costs}

    def estimate(activations: Mapping[Pointer, int], all_activations: float, measured: bool) -> Estimate:
        layers = {place: size + batch * activations.get(place, 0) for place, size in trained.items()}
        return Estimate(sum(trained.values()) + jacobian + all_activations, layers, activations, measured)

    least = estimate(certain, batch * (item * math.prod(plan.inputs) + sum(certain.values())), measured=False)
    if least.total > spec.memory_budget or plan.output_shape is None or not _is_small(costs, item):
        return least
    masked = plan.outline.masked
    subject = Subject(spec.layers, plan.inputs, spec.dtype, spec.loss, plan.targets, plan.classes, spec.kernels, masked)
    widest = max(math.prod(shape) for shape in (plan.inputs, *(cost.output_shape for cost in costs)))
    first = max(min(UFUNC_BUFFER // widest, MAX_DRY_RUN_BYTES // (12 * item * sum(cost.outputs for cost in costs))), 1)
    found = _activations(subject, batch, spec.memory_budget - sum(trained.values()), first)
    return estimate(*found, measured=True) if found else least


def _is_held(cost: Cost) -> bool:
    """Return whether outputs certainly need their own memory: others may be written over inputs."""
    return cost.parameters > 0 or math.prod(cost.layer.input_shape) != math.prod(cost.output_shape)


def _is_small(costs: Sequence[Cost], item: int) -> bool:
    """Return whether a dry run will take little time and memory."""
    parameters, outputs = sum(cost.parameters for cost in costs), sum(cost.outputs for cost in costs)
    operations = sum(cost.flops for cost in costs)
    return item * max(parameters, 3 * outputs) <= MAX_DRY_RUN_BYTES and operations <= MAX_DRY_RUN_OPERATIONS


def _activations(subject: Subject, batch: int, budget: float, size: int) -> tuple[Mapping[Pointer, int], float] | None:
    """Return the bytes that each layer holds for one sample, and those of a step; None if measuring takes too long.

    If samples, those of a batch and those evaluated at a time, are more than three times `size`, three dry runs on
    fewer show how fast memory grows. Memory for work done in blocks of samples stops growing, so an estimate that
    seems too large is repeated with twice as many.
    """
    if subject.kernels.start_seconds:
        warm_up(subject)
    found, deadline = None, time.thread_time() + MAX_DRY_RUN_SECONDS
    more = (3, 1) if batch >= ROWS else (1, 3)  # grow the larger first, as the smaller may use its memory
    with allocation_limit(budget):
        try:
            while 3 * size < max(batch, ROWS):
                runs = [_run(subject, size * b, size * r, deadline) for b, r in ((1, 1), more, (3, 3))]
                slopes = [max(high.peak - low.peak, 0) / (2 * size) for low, high in pairwise(runs)]
                further = sorted((max(batch - size, 0), max(ROWS - size, 0)), reverse=True)
                total = runs[0].peak + sum(slope * count for slope, count in zip(slopes, further, strict=True))
                found = _growth(runs[0], runs[-1], 2 * size), total
                if total <= budget or 2 * runs[-1].peak > MAX_DRY_RUN_BYTES:
                    return found
                size *= 2
            most = max(batch, ROWS)
            layers = _growth(_run(subject, 1, 1, deadline), _run(subject, most, 1, deadline), most - 1)
            return layers, _run(subject, batch, ROWS, deadline).peak
        except TooLongError:
            return found


def _growth(less: Usage, more: Usage, samples: int) -> dict[Pointer, int]:
    """Return the bytes that each layer holds for a sample, given two dry runs that differ by `samples`."""
    return {place: max(round((more.layers[place] - less.layers[place]) / samples), 0) for place in more.layers}


def _run(subject: Subject, batch: int, rows: int, deadline: float) -> Usage:
    """Return the usage of a dry run, cached if possible.

    Raises:
        TooLongError: if it takes too long, or did so before.
    """
    known = next((known for other, known in _measured if other == subject), None)
    try:
        if known is None:
            _measured.append((subject, known := {}))
            dry_run(subject, 1, 1, deadline)  # the first one also allocates what is only loaded once
        if (batch, rows) not in known:
            known[batch, rows] = dry_run(subject, batch, rows, deadline)
    except TooLongError:
        assert known is not None
        known[batch, rows] = None
    if (usage := known[batch, rows]) is None:
        raise TooLongError("the dry run takes too long")
    return usage


def check_memory(spec: Spec, plan: Plan) -> Iterator[Diagnostic]:
    """Yield a mistake, at the layer that takes the most, if training takes more than the budget."""
    if plan.inputs is None:
        return
    estimate = estimate_memory(spec, plan)
    if estimate.total <= spec.memory_budget or not estimate.layers:
        return
    place = max(estimate.layers, key=lambda place: estimate.layers[place])
    message = f"training would take {estimate} of memory, but the budget is {show_bytes(spec.memory_budget)}; "
    message += f"{show_pointer(place)} takes the most, {show_bytes(estimate.layers[place])}"
    help = "make it smaller, or training.batch_size, or allow more with --memory-budget"
    yield Diagnostic("memory", message, place, help)


@contextmanager
def allocation_limit(size: float) -> Iterator[None]:
    """Limit further allocations to `size` bytes, and some for Python itself, if the system supports it."""
    import psutil  # not needed by `--help`

    process = psutil.Process()
    if not hasattr(psutil, "RLIMIT_AS"):
        yield
        return
    soft, hard = process.rlimit(psutil.RLIMIT_AS)
    limit = process.memory_info().vms + size + MAX_DRY_RUN_BYTES
    if limit >= (2**62 if soft == psutil.RLIM_INFINITY else soft):
        yield
        return
    process.rlimit(psutil.RLIMIT_AS, (int(limit), hard))
    try:
        yield
    finally:
        process.rlimit(psutil.RLIMIT_AS, (soft, hard))


def machine_memory() -> float:
    """Return the bytes that this process may use: the machine's, or less if a limit is set."""
    import psutil

    limits = [psutil.virtual_memory().total]
    if hasattr(psutil, "RLIMIT_AS"):
        soft, _ = psutil.Process().rlimit(psutil.RLIMIT_AS)
        limits += [soft] if soft != psutil.RLIM_INFINITY else []
    if CGROUP.exists() and (text := CGROUP.read_text().strip()).isdecimal():
        limits.append(int(text))
    return min(limits)


def show_bytes(count: float) -> str:
    """Return a number of bytes as text.

    >>> show_bytes(14_400_000_000)
    '14.4 GB'
    """
    if count >= 1e15:
        return "more than 1,000 TB"
    unit = max((unit for unit in BYTE_UNITS if BYTE_UNITS[unit] <= count), key=BYTE_UNITS.__getitem__, default="B")
    return f"{count / BYTE_UNITS[unit]:.3g} {unit}"
