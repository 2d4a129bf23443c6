"""How much memory a network takes in training, measured on a few samples of zeros."""

from __future__ import annotations

import math
import time
import tracemalloc
import warnings
import weakref
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import groupby
from typing import Any, ClassVar, Literal

import numpy as np

from specnet.errors import SpecnetError
from specnet.faults import guarded
from specnet.kernels.base import KernelSet, Textbook
from specnet.layers.base import Layer
from specnet.losses.base import Loss
from specnet.network.network import Network
from specnet.network.parameters import FlatVector, lay_out
from specnet.network.wrapping import Call, check_result, wrapped
from specnet.plugin_code import staying
from specnet.randomness import stream
from specnet.task import Shape
from specnet.words import Pointer, show_pointer


class TooLongError(SpecnetError):
    """A dry run takes more time than it is worth."""


class OutOfMemoryError(SpecnetError):
    """A dry run takes more memory than there is."""

    code = "memory"

    def __init__(self, samples: int, pointer: Pointer) -> None:
        help = "make it smaller, or allow more with --memory-budget"
        message = f"{show_pointer(pointer)} takes more memory than the budget, with batches of {samples}"
        super().__init__(message, pointer=pointer, help=help)
        self.complete = True


@dataclass(frozen=True)
class Subject:
    """A network to train: layers and loss of a spec, and the shapes of their inputs and targets.

    `target` and `classes` are those of a `Plan`, None where they are not known. `kernels` compute.
    """

    layers: Sequence[Layer]
    input_shape: Shape
    dtype: Literal["float32", "float64"]
    loss: Loss | None = None
    target: Shape | None = None
    classes: int | None = None
    kernels: type[KernelSet] = Textbook
    masked: bool = False

    def mask(self, rows: int) -> np.ndarray | None:
        """Return a mask of samples if the dataset has one."""
        return np.ones((rows, self.input_shape[0]), bool) if self.masked else None


@dataclass(frozen=True)
class Usage:
    """Bytes that a dry run takes: the peak, and those of each layer after a step, parameters and gradients excluded."""

    peak: int
    layers: Mapping[Pointer, int]


@staying()
def dry_run(subject: Subject, batch: int, rows: int, deadline: float = math.inf) -> Usage:
    """Return the memory of two training steps on `batch` samples, with an evaluation of `rows` samples between them.

    Parameters are zeros, and all layers share the memory of one for parameters and gradients.

    Raises:
        BrokenComponentError: naming a layer that raises anything but a `SpecnetError`.
        TooLongError: at the first layer that ends after `deadline`, a value of `time.thread_time`.
        OutOfMemoryError: naming the layer for which no memory was left.
    """
    network = ZeroNetwork(subject.layers, subject.input_shape, subject.dtype, kernels=subject.kernels)
    loss = subject.kernels.instantiate(subject.loss)
    evaluated = _zeros(subject, network, rows)
    meter = Meter(batch, deadline)
    with _quiet(), wrapped(network, meter.metered), _tracing() as start:
        try:
            x, target = _zeros(subject, network, batch)  # batches are copied to the same memory
            _step(subject, network, loss, x, target)
            layers = meter.stop()
            _gradient(loss, network.propagate(evaluated[0], mask=subject.mask(rows)), evaluated[1])
            _step(subject, network, loss, x, target)
        except MemoryError:
            raise OutOfMemoryError(batch, ("loss",)) from None
        return Usage(tracemalloc.get_traced_memory()[1] - start, layers)


def warm_up(subject: Subject) -> None:
    """Run one sample, so that kernels load or compile their code before they are measured; errors are left to that."""
    with suppress(Exception), _quiet():
        network = ZeroNetwork(subject.layers, subject.input_shape, subject.dtype, kernels=subject.kernels)
        loss = subject.kernels.instantiate(subject.loss)
        x, target = _zeros(subject, network, 1)
        _step(subject, network, loss, x, target)


class SharedVector(FlatVector):
    """A vector of zeros in which the arrays of all layers overlap."""

    def __init__(self, shapes: Mapping[str, Shape], dtype: np.dtype) -> None:
        layers = groupby(shapes, lambda name: name.rpartition(".")[0])
        self.slots = [slot for _, names in layers for slot in lay_out({name: shapes[name] for name in names})]
        self.flat = np.zeros(max((slot.part.stop for slot in self.slots), default=0), dtype)
        self._views = {slot.name: self._view(slot) for slot in self.slots}


class ZeroNetwork(Network):
    """A network whose parameters are zeros that all layers share."""

    vector: ClassVar[type[FlatVector]] = SharedVector

    def _initialize(self, seed: int | None) -> None:
        rng = stream(0, "layers")
        for place, layer in self.named.items():
            layer.rng = rng
            for state in layer.states:
                self.state[f"{place}.{state.name}"][...] = state.value


class Meter:
    """Counts the memory that each layer of a network allocates and holds, by its place.

    An array that a layer returns counts for that layer as long as the array exists.
    """

    def __init__(self, samples: int, deadline: float) -> None:
        self._samples = samples
        self._deadline = deadline
        self._held: Counter[Pointer] = Counter()
        self._inside = 0
        """Bytes allocated in the current call that count for other layers."""
        self._known: dict[int, weakref.ref[np.ndarray]] = {}
        self._counting = True

    def stop(self) -> dict[Pointer, int]:
        """Stop counting, and return the bytes that layers hold."""
        self._counting = False
        return dict(self._held)

    def metered(self, name: str, layer: Layer, method: str, call: Call) -> Call:
        """Return a method of a layer that counts what it allocates."""

        def counted(x: np.ndarray, *rest: Any) -> Any:
            before, start, self._inside = self._inside, _allocated(), 0
            self._know(x)
            with guarded(layer, layer.place, method):
                try:
                    y = call(x, *rest)
                except MemoryError:
                    raise OutOfMemoryError(self._samples, layer.place) from None
            check_result(layer, method, x, y)
            if self._counting:
                grown = _allocated() - start
                self._held[layer.place] += grown - self._inside
                self._inside = before + grown
                self._know(y, layer.place)
            if time.thread_time() > self._deadline:
                raise TooLongError("the dry run takes too long")
            return y

        return counted

    def _know(self, array: Any, place: Pointer | None = None) -> None:
        """Register a new array; one made by a layer counts until it is freed."""
        if not isinstance(array, np.ndarray):
            return
        while isinstance(array.base, np.ndarray):
            array = array.base
        key, size = id(array), array.nbytes
        if key in self._known:
            return

        def freed(_: weakref.ref[np.ndarray]) -> None:
            del self._known[key]
            if place is not None and self._counting:
                self._held[place] -= size
                self._inside -= size

        self._known[key] = weakref.ref(array, freed)


def _allocated() -> int:
    return tracemalloc.get_traced_memory()[0]


@contextmanager
def _tracing() -> Iterator[int]:
    """Trace allocations, and yield the bytes that were traced before."""
    traced = tracemalloc.is_tracing()
    if not traced:
        tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        yield _allocated()
    finally:
        if not traced:
            tracemalloc.stop()


@contextmanager
def _quiet() -> Iterator[None]:
    """Ignore warnings caused by zeros, such as 0 / 0."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _zeros(subject: Subject, network: Network, count: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Return inputs and targets of zeros; no targets if their shape is unknown or zeros are invalid."""
    x = np.zeros((count, *network.input_shape), int if network.whole else network.dtype)
    if subject.loss is None or subject.target is None:
        return x, None
    target = np.zeros((count, *subject.target), network.dtype if subject.classes is None else int)
    try:
        return x, subject.loss.prepare(target, network.output_shape, network.dtype)
    except MemoryError:
        raise
    except Exception:
        return x, None


def _step(subject: Subject, network: Network, loss: Loss | None, x: np.ndarray, target: np.ndarray | None) -> None:
    """Run forward and backward on a batch."""
    # In one expression: a name for the outputs would keep their memory during `backpropagate`.
    network.backpropagate(_gradient(loss, network.propagate(x, True, subject.mask(len(x))), target))


def _gradient(loss: Loss | None, y: np.ndarray, target: np.ndarray | None) -> np.ndarray:
    """Return dL/dy for a batch of these targets; zeros if the loss cannot compute it."""
    if loss is not None and target is not None:
        try:
            loss.forward(y, target)
            if isinstance(dy := loss.backward(), np.ndarray) and dy.shape == y.shape:
                return dy
        except MemoryError:
            raise
        except Exception:  # a loss may refuse outputs that are all zeros
            return np.zeros_like(y)
    return np.zeros_like(y)
