"""`Program`: a trained model as steps, each of one component, from raw inputs to predictions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet import registry
from specnet.component import Component, fresh_copy
from specnet.errors import ExportError, SpecnetError
from specnet.exporters.tracing import Node, Traced, UntraceableError
from specnet.faults import definition_name, describe_component, guarded
from specnet.layers.base import Parameter, RunningState
from specnet.network.network import Network
from specnet.transforms.pipeline import Pipeline
from specnet.words import Pointer, show_pointer

if TYPE_CHECKING:
    from specnet.training.model import Model

Find = Callable[[Component], Any]
"""Returns a component's own emitter, or None."""


@dataclass
class ProgramStep:
    """What a component computes: its place, a name such as `layers.0`, and the node of its output, if there is one.

    `assigned` are other results, such as gradients, by what they are assigned to.
    """

    place: Pointer
    name: str
    component: Component
    method: str
    output: Node | None
    assigned: Mapping[str, Node] = field(default_factory=dict)

    def describe(self) -> str:
        """Return place, name and formula: the first sentence of the component's docstring, or that of derivatives."""
        name = f"{self.name}, {self.component.to_spec()['type']}"
        if self.method in ("predictions", "invert"):
            return f"{name}: {'predictions for outputs' if self.method == 'predictions' else 'undone'}"
        text = " ".join((type(self.component).__doc__ or "").split())
        if self.method == "backward":
            found = re.search(r"\bd\w*(/d\w+)? = (?!dL/dy).*?(?=[.;] |[.]?$)", text)
            return f"{name}: {found[0]}" if found else name
        return f"{name}: {re.split(r'; d|[.] ', text)[0].removesuffix('.')}"


@dataclass
class Program:
    """A model from raw inputs (n, ...) to predictions (n, ...); `arrays` are what its transforms have learned."""

    steps: list[ProgramStep]
    output: Node
    arrays: Mapping[str, np.ndarray]


class Follower:
    """Follows the components of a model, each as a step; `target` is the exporter's name, for messages."""

    def __init__(self, target: str, find: Find) -> None:
        self.target, self.find = target, find
        self.steps: list[ProgramStep] = []

    def watch(self, component: Any, method: str, place: Pointer, name: str) -> None:
        """Let a method of a component, which takes an array first, be a step."""
        compute = getattr(component, method)

        def step(x: Any, *args: Any) -> Any:
            if not isinstance(x, Traced):
                return compute(x, *args)
            emitter = self.find(component) if method != "invert" else None
            if emitter:
                value = np.array(compute(x.value, *args))
                y = Traced(Node("call", (x.node,), value, component=component, emitter=emitter))
            else:
                y = self.follow(component, place, method, lambda: compute(x, *args))
            if y.node is not x.node:
                self.steps.append(ProgramStep(place, name, component, method, y.node))
            return y

        vars(component)[method] = step

    def name_arrays(self, network: Network, name: str) -> None:
        """Let the parameters and the running state of a layer have names, unless it has code of its own."""
        layer = network.named[name]
        if self.find(layer):
            return
        declared: list[Parameter | RunningState] = [*layer.parameters, *layer.states]
        for own in [each.name for each in declared]:
            setattr(layer, own, Traced(Node("array", (f"{name}.{own}",), getattr(layer, own))))
        for shared in layer.shared:
            source = network.sources[f"{name}.{shared.name}"]
            array = Traced(Node("array", (source,), network.params[source]))
            setattr(layer, shared.name, array.swapaxes(-1, -2) if shared.transpose else array)

    def follow(self, component: Component, place: Pointer, method: str, compute: Callable[[], Any]) -> Any:
        """Return what a method of a component computes, or raise an ExportError if it cannot be followed."""
        try:
            with guarded(component, place, method):
                y = compute()
                if not isinstance(y, Traced) and not (y is None and method == "backward"):
                    raise UntraceableError("it returns an array that is not computed from its input")
                return y
        except SpecnetError as error:
            cause = error.__cause__
            if not isinstance(error, UntraceableError) and not isinstance(cause, (UntraceableError, TypeError)):
                raise
            why = error.message if isinstance(error, UntraceableError) else str(cause)
            message = f"{describe_component(component, place)} cannot be exported to {self.target}: {why}"
            help = f"give {definition_name(component)} a method {self.target}: docs/write-an-exporter.md"
            found = ExportError(message, pointer=place, help=help)
            found.complete = True
            raise found from None


def textbook(network: Network, dtype: Any = None) -> Network:
    """Return a network with the same weights, rounded to a dtype, whose layers are the definitions themselves."""
    copied = Network(network.layers, network.input_shape, np.dtype(dtype or network.dtype).name, None)  # type: ignore[arg-type]
    copied.params.flat[...] = network.params.flat
    copied.state.flat[...] = network.state.flat
    return copied


def follow(model: Model, x: Traced, target: str, find: Find, dtype: Any = None) -> Program:
    """Return the program of a model, followed on raw inputs.

    `find` returns what a component has for this target instead of its definition, or None. `dtype` is that of the
    network, by default its own.

    Raises:
        ExportError: naming a component that cannot be followed and has nothing of its own.
    """
    follower = Follower(target, find)
    inputs, targets = _Pipeline(model.inputs, follower), _Pipeline(model.targets, follower)
    network = textbook(model.network, dtype)
    for name, layer in network.named.items():
        follower.name_arrays(network, name)
        follower.watch(layer, "forward", layer.place, name)
    loss = fresh_copy(model.loss, registry.definition)
    loss.task = model.task
    follower.watch(loss, "predictions", ("loss",), "loss")
    y: Any = x
    with np.errstate(all="ignore"):
        y = _as_taken(network, inputs.apply(y))
        y = loss.interpret(network.stack.forward(y, False), targets.invert)
    return Program(follower.steps, y.node, {**inputs.arrays(), **targets.arrays()})


def follow_inputs(model: Model, x: Traced) -> Program:
    """Return the program of the transforms of inputs, with numbers as the network takes them."""
    follower = Follower("notebook", lambda component: None)
    inputs = _Pipeline(model.inputs, follower)
    y: Any = x
    with np.errstate(all="ignore"):
        y = _as_taken(model.network, inputs.apply(y))
    return Program(follower.steps, y.node, inputs.arrays())


def _as_taken(network: Network, x: Any) -> Any:
    """Return transformed inputs in the dtype that a network takes."""
    return x.astype(network.dtype if not network.whole else x.dtype if x.dtype.kind in "iu" else np.int64)


class _Pipeline(Pipeline):
    """A fitted pipeline that is followed: the step of a transform ends where its columns are back in their place."""

    def __init__(self, fitted: Pipeline, follower: Follower) -> None:
        super().__init__([fresh_copy(transform) for transform in fitted.transforms], fitted.place)
        self.features, self.follower = fitted.features, follower
        self.restore(fitted.arrays())
        for number, transform in enumerate(self.transforms):
            place: Pointer = (*self.place, number)
            for method in ("apply", "invert"):
                follower.watch(transform, method, place, show_pointer(place))

    def _apply(self, number: int, x: Any) -> Any:
        before = len(self.follower.steps)
        y: Any = super()._apply(number, x)
        for step in self.follower.steps[before:]:
            step.output = y.node
        return y
