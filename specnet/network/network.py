"""`Network`: a stack of layers over two flat vectors."""

from __future__ import annotations

import html
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Literal

import numpy as np

from specnet.component import fresh_copy
from specnet.errors import DataError, ShapeError, SpecnetError, UsageError
from specnet.faults import definition_name
from specnet.kernels.base import KernelSet, Textbook, find_kernels, named_kernels
from specnet.layers.base import Layer, walk
from specnet.layers.stack import Stack, take_whole
from specnet.network.parameters import FlatVector
from specnet.randomness import restore_stream, save_stream, stream
from specnet.schedules.scheduled import ScheduledFields
from specnet.task import Shape


class Network:
    """A stack of layers, built for one input shape.

    Layers write to arrays that they keep: use a network in one Python thread at a time. Networks support `pickle` and
    `copy.deepcopy`: the copy continues training like the original.

    It takes inputs in its dtype or, if `whole` is true, whole numbers.

    `params` and `grads` map names such as `layers.0.weight` to views into their flat vectors; `state` holds the
    running state of layers, which is not optimized. `sources` maps names of shared parameters, such as
    `layers.2.weight`, to those of the parameters that they are, transposed or not. The given layers are copied:
    networks share no state. Without a seed, parameters are 0, or those of `params`. `kernels` replace the definitions
    of layers. Fields with a schedule, `scheduled`, are the numbers of the first step until training sets them.

    Raises:
        ShapeError: naming the layer that cannot take the outputs of the one before it.
    """

    vector: ClassVar[type[FlatVector]] = FlatVector
    """Type of the vectors of parameters and gradients."""

    def __init__(
        self,
        layers: Sequence[Layer],
        input_shape: Shape,
        dtype: Literal["float32", "float64"] = "float32",
        seed: int | None = 0,
        kernels: type[KernelSet] = Textbook,
        params: FlatVector | None = None,
    ) -> None:
        if np.dtype(dtype).name not in ("float32", "float64"):
            raise UsageError(f"a network's dtype is float32 or float64, not {dtype}")
        self.input_shape, self.dtype, self.kernels = tuple(input_shape), np.dtype(dtype), kernels
        self.stack = kernels.kernel(Stack)(kernels.instantiate(list(layers)), ("layers",), "layers")
        self.output_shape = self.stack.build(self.input_shape)
        self.layers = self.stack.layers
        self.shapes = [layer.output_shape for layer in self.layers]
        self.whole = take_whole(self.layers)
        self.rows: int | None = None
        self.named = name_layers(self.layers)
        self.scheduled = ScheduledFields(self.named)
        self.scheduled.set(0)
        self.sources: dict[str, str] = {}
        self._allocate(params)
        self._share()
        self._initialize(seed)
        self.freeze(())

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how to rebuild this network: layers without run-time state, then vectors and random numbers."""
        layers = fresh_copy(self.layers)
        streams = {place: save_stream(layer.rng) for place, layer in self.named.items()}
        saved = {"params": self.params.flat, "grads": self.grads.flat, "state": self.state.flat, "streams": streams}
        return _unpickle, (layers, self.input_shape, self.dtype.name, named_kernels(self.kernels)), saved

    def __setstate__(self, saved: dict[str, Any]) -> None:
        for vector in ("params", "grads", "state"):
            getattr(self, vector).flat[...] = saved[vector]
        for place, state in saved["streams"].items():
            restore_stream(self.named[place].rng, state)

    def _allocate(self, params: FlatVector | None) -> None:
        """Allocate the flat vectors and set the views of each layer."""
        parameters, states = declared_shapes(self.named)
        self.params = self.vector(parameters, self.dtype) if params is None else params
        self.grads = self.vector(parameters, self.dtype)
        self.state = FlatVector(states, self.dtype)
        for place, layer in self.named.items():
            layer.dtype = self.dtype
            for parameter in layer.parameters:
                setattr(layer, parameter.name, self.params[f"{place}.{parameter.name}"])
                setattr(layer.grad, parameter.name, self.grads[f"{place}.{parameter.name}"])
            for state in layer.states:
                setattr(layer, state.name, self.state[f"{place}.{state.name}"])

    def _share(self) -> None:
        """Set the views of parameters shared with other layers, each with its own gradient to add."""
        self._added: list[tuple[np.ndarray, np.ndarray]] = []
        names = {id(layer): name for name, layer in self.named.items()}
        for name, layer in self.named.items():
            for shared in layer.shared:
                source = f"{names[id(shared.owner)]}.{shared.name}"
                view, total = self.params[source], self.grads[source]
                if shared.transpose:
                    view, total = view.swapaxes(-1, -2), total.swapaxes(-1, -2)
                grad = np.zeros(view.shape, self.dtype)
                setattr(layer, shared.name, view)
                setattr(layer.grad, shared.name, grad)
                self.sources[f"{name}.{shared.name}"] = source
                self._added.append((total, grad))

    def draw_from(self, seed: int) -> None:
        """Let layers draw their random numbers in training, as for dropout, from a seed."""
        for place, layer in self.named.items():
            layer.rng = stream(seed, place)

    def _initialize(self, seed: int | None) -> None:
        """Draw initial values; each parameter and each layer has its own random stream."""
        self.draw_from(seed or 0)
        for place, layer in self.named.items():
            for state in layer.states:
                self.state[f"{place}.{state.name}"][...] = state.value
            for parameter in layer.parameters if seed is not None else ():
                name = f"{place}.{parameter.name}"
                rng = stream(seed or 0, f"init.{name}")
                try:
                    values = parameter.initializer.sample(rng, parameter.shape, parameter.fan_in, parameter.fan_out)
                except SpecnetError as error:
                    raise error.at(*layer.place) from None
                with np.errstate(over="ignore"):
                    self.params[name][...] = values
                if not np.isfinite(self.params[name]).all():
                    message = f"an initial {parameter.name} is not finite as {self.dtype}"
                    raise SpecnetError(message, pointer=layer.place, code="not-finite")

    def freeze(self, numbers: Collection[int]) -> None:
        """Keep the parameters of these layers, and of those inside them, as they are: their gradients are 0."""
        for number in numbers:
            self.layers[number].frozen = True
        for outer in [layer for layer in self.named.values() if layer.frozen]:
            for _, layer in walk(outer, ""):
                layer.frozen = True
        self._frozen = [self.grads[slot.name] for slot in self.grads.slots if self.named[slot.layer].frozen]
        self.stack.set_needs_dx(False)

    def __repr__(self) -> str:
        return (
            f"Network({len(self.layers)} layers, {self.input_shape} to {self.output_shape}, "
            f"{self.params.flat.size:,} parameters, {self.dtype})"
        )

    def _repr_html_(self) -> str:
        """Return a table of the layers, as notebooks show it."""
        rows = [("", "type", "output", "parameters")]
        for name, layer in self.named.items():
            size = sum(math.prod(parameter.shape) for parameter in layer.parameters)
            rows.append((name, definition_name(layer), str(layer.output_shape), f"{size:,}"))
        rows.append(("total", "", str(self.output_shape), f"{self.params.flat.size:,}"))
        cells = ["".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in rows]
        return f"<table>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>"

    def forward(self, x: np.ndarray, training: bool = False, mask: np.ndarray | None = None) -> np.ndarray:
        """Return the outputs (n, *output_shape) in the network's dtype for inputs (n, *input_shape).

        `training` enables what happens only in training, such as dropout. `mask` (n, time) of bool is True at the
        positions of sequences that count; None means all.

        Raises:
            ShapeError: if the inputs have another shape, or if a layer cannot take masked positions.
            DataError: as `convert` does.
        """
        x = self.convert(x)
        self.check_inputs(x)
        return self.propagate(x, training, mask).copy()

    @contextmanager
    def singly(self) -> Iterator[None]:
        """Run layers one by one inside the `with`, with any kernels, so that outputs between them can be read."""
        self.stack.set_singly(True)
        try:
            yield
        finally:
            self.stack.set_singly(False)

    def convert(self, x: np.ndarray) -> np.ndarray:
        """Return inputs as the first layer takes them: whole numbers in an integer dtype, others in the network's.

        Raises:
            DataError: naming the first row with a number that the layer does not take, if it takes whole numbers.
        """
        x = np.asarray(x, None if self.whole else self.dtype)
        if not self.whole:
            return x
        whole, wrong = x, np.zeros(x.shape, bool)
        if x.dtype.kind not in "iu":
            with np.errstate(invalid="ignore"):
                whole = x.astype(np.int64)
            wrong = whole != x
        expected = "whole numbers"
        if not wrong.any() and (bound := self.layers[0].whole_below) is not None:
            expected = f"whole numbers from 0 to {bound - 1}"
            wrong = (whole < 0) | (whole >= bound)
        if wrong.any():
            row, name = np.argwhere(wrong)[0][0], definition_name(self.layers[0])
            message = f"layers.0 ({name}) expects {expected}, but the input in {{place}} has {x[wrong][0]:g}"
            raise DataError(message, row=row, pointer=("layers", 0))
        return whole

    def check_inputs(self, x: np.ndarray) -> None:
        """Raise a ShapeError if inputs do not have the shape that the network takes."""
        if x.ndim == 0 or x.shape[1:] != self.input_shape:
            one = "inputs begin with an axis of samples: x[np.newaxis]" if x.shape == self.input_shape else None
            raise ShapeError(f"inputs have shape {x.shape[1:]}, but the network takes {self.input_shape}", help=one)

    def propagate(self, x: np.ndarray, training: bool = False, mask: np.ndarray | None = None) -> np.ndarray:
        """Do the same as `forward` without a copy or checks: y is valid until the next forward pass."""
        self.stack.mask, self.rows = mask, len(x)
        return self.stack.forward(x, training)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """Write all gradients for the last `forward` and return dx, given dy = dL/dy of its outputs' shape.

        Whole numbers have no dx: it is 0.

        Raises:
            ShapeError: if dy has another shape.
            UsageError: if there was no `forward`.
        """
        dy = np.array(dy, self.dtype)
        if self.rows is None:
            raise UsageError("backward needs the outputs of a forward pass", help="call forward first")
        if dy.shape[1:] != self.output_shape:
            raise ShapeError(f"gradients have shape {dy.shape[1:]}, but the network returns {self.output_shape}")
        if len(dy) != self.rows:
            raise ShapeError(f"there are gradients of {len(dy)} samples, but the last forward had {self.rows}")
        self.stack.set_needs_dx(not self.whole)
        try:
            dx = self.backpropagate(dy)
            return np.zeros((len(dy), *self.input_shape), self.dtype) if dx is None else dx.copy()
        finally:
            self.stack.set_needs_dx(False)

    def backpropagate(self, dy: np.ndarray) -> Any:
        """Write all gradients for the last `forward`, without dx unless the stack needs it; dy may be overwritten.

        Nothing is computed below the lowest layer that is trained.
        """
        dx = self.stack.backward(dy)
        for total, grad in self._added:
            np.add(total, grad, out=total)
        for grad in self._frozen:
            grad.fill(0)
        return dx


def _unpickle(
    layers: Sequence[Layer], shape: Shape, dtype: Literal["float32", "float64"], kernels: str | type[KernelSet]
) -> Network:
    """Return a pickled network without its vectors; raises a `ComponentError` if its set of kernels is missing."""
    return Network(layers, shape, dtype, None, find_kernels(kernels) if isinstance(kernels, str) else kernels)


def name_layers(layers: Sequence[Layer]) -> dict[str, Layer]:
    """Return connected layers and all layers inside them by name, such as "layers.2.layers.0"."""
    return {name: inner for number, layer in enumerate(layers) for name, inner in walk(layer, f"layers.{number}")}


def declared_shapes(named: Mapping[str, Layer]) -> tuple[dict[str, Shape], dict[str, Shape]]:
    """Return the shapes of all parameters, and of all running state, that named layers have declared."""
    parameters = {
        f"{place}.{parameter.name}": parameter.shape for place, layer in named.items() for parameter in layer.parameters
    }
    states = {f"{place}.{state.name}": state.shape for place, layer in named.items() for state in layer.states}
    return parameters, states
