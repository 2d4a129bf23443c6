"""A training step as a program: forward, loss and backward of a batch, and the optimizer's rule as it is written."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Mapping
from functools import partial
from types import NoneType
from typing import Any

import numpy as np

from specnet import registry
from specnet.component import fresh_copy
from specnet.errors import ExportError
from specnet.exporters.program import Follower, Program, ProgramStep, textbook
from specnet.exporters.tracing import Node, Traced, UntraceableError
from specnet.layers.base import Parameter, Shared
from specnet.losses.base import Loss
from specnet.network.network import Network
from specnet.optimizers.base import Optimizer
from specnet.schedules.scheduled import ScheduledFields, rates_by_step
from specnet.training.model import Model
from specnet.words import Pointer


class _Generator:
    """A generator whose draws are recorded; `x` is a batch, whose length they have."""

    def __init__(self, name: str, x: Node) -> None:
        self.name, self.x = name, x

    def __getattr__(self, method: str) -> Any:
        if method not in ("random", "standard_normal"):
            raise UntraceableError(f"it draws random numbers with {method}")
        return partial(self._draw, method)

    def _draw(self, method: str, shape: tuple[int, ...], *rest: Any) -> Traced:
        value = getattr(np.random.default_rng(0), method)(shape, *rest)
        return Traced(Node("draw", (self.name, method, self.x, shape, *rest), value))


def follow_training(model: Model, x: Traced, target: Traced) -> Program:
    """Return the program of a training step, from transformed inputs and prepared targets to the loss of the batch.

    It assigns gradients to `g["layers.0.weight"]`, and changed running state to `w["layers.0.…"]`. A component that
    cannot be followed is an ExportError.
    """
    follower = Follower("notebook", lambda component: None)
    network, totals = textbook(model.network), dict[str, Any]()
    for name in network.named:
        _watch(follower, network, name, x.node, totals)
    loss = fresh_copy(model.loss, registry.definition)
    loss.task = model.task
    for each in loss.heads:
        _watch_sum(each, of_samples=each is not loss and loss.reduction == "sum")
    y: Any = x
    with np.errstate(all="ignore"):
        generator: Any = _Generator('rng["transforms"]', x.node)
        for number, transform in enumerate(model.inputs.randoms, start=len(model.inputs.transforms)):
            pointer: Pointer = (*model.inputs.place, number)
            y = follower.follow(transform, pointer, "apply", partial(transform.apply, y, generator))
        y = network.stack.forward(y, True)
        value = follower.follow(loss, ("loss",), "forward", lambda: loss.forward(y, target))  # type: ignore[arg-type]
        follower.steps.append(ProgramStep(("loss",), "loss", loss, "forward", value.node))
        dy = follower.follow(loss, ("loss",), "backward", loss.backward)
        follower.steps.append(ProgramStep(("loss",), "loss", loss, "backward", dy.node))
        network.stack.backward(dy)
    return Program(follower.steps, value.node, {})


def _watch(follower: Follower, network: Network, name: str, x: Node, totals: dict[str, Any]) -> None:
    """Let forward and backward of a layer be steps, with gradients and running state as their results.

    `totals` are the gradients so far, to which those of shared parameters are added.
    """
    layer = network.named[name]
    follower.watch(layer, "forward", layer.place, name)
    layer.rng = _Generator(f'rng["{name}"]', x)
    forward, backward = layer.forward, layer.backward
    parameters: list[Parameter | Shared] = [*layer.parameters, *layer.shared]
    for parameter in parameters:
        gradient = Node("input", (parameter.name,), getattr(layer.grad, parameter.name))
        setattr(layer.grad, parameter.name, Traced(gradient))
    follower.name_arrays(network, name)

    def step(x: Any, training: bool) -> Any:
        before = {each.name: getattr(layer, each.name).node for each in layer.states}
        y = forward(x, training)
        changed = {each: getattr(layer, each).node for each in before if getattr(layer, each).node is not before[each]}
        if changed:
            follower.steps[-1].assigned = {f'w["{name}.{each}"]': node for each, node in changed.items()}
        return y

    def back(dy: Any) -> Any:
        before = dy.node
        dx = follower.follow(layer, layer.place, "backward", lambda: backward(dy))
        grads = {}
        for each in parameters:
            grad, own = getattr(layer.grad, each.name), f"{name}.{each.name}"
            source = network.sources.get(own, own)
            grad = grad.swapaxes(-1, -2) if getattr(each, "transpose", False) else grad
            totals[source] = totals[source] + grad if source in totals else grad
            grads[f'g["{source}"]'] = totals[source].node
        node = None if dx is None or dx.node is before else dx.node
        if grads or node:
            follower.steps.append(ProgramStep(layer.place, name, layer, "backward", node, grads))
        return dx

    vars(layer)["forward"], vars(layer)["backward"] = step, back


def _watch_sum(loss: Loss, of_samples: bool) -> None:
    """Let the sum of a loss and the scale of its gradient be traced: they depend on the number of samples.

    If it is one `of_samples`, elements are divided by their number in a sample.
    """

    def reduce(elements: Any, weight: Any = None) -> Any:
        if weight is not None:
            raise UntraceableError("it has weights of samples or classes")
        if of_samples:
            return np.sum(elements) / loss.divisor
        loss.count = Node("size", (elements.node,), np.array(elements.size))
        return np.mean(elements) if loss.reduction == "mean" else np.sum(elements)

    def scale(slope: Traced) -> Traced:
        if of_samples or loss.reduction == "sum":
            return slope / loss.divisor if of_samples else slope
        return Traced(Node("divide", (slope.node, loss.count), slope.value / int(loss.count.value)))

    vars(loss)["reduce"], vars(loss)["scale"] = reduce, scale


def write_rule(optimizer: Optimizer) -> str:
    """Return an optimizer as a class with its fields and its rule, as its definition is written.

    Raises:
        ExportError: if the rule evaluates the loss again, needs all parameters at once or wraps another optimizer.
    """
    cls = registry.definition(type(optimizer))
    inner = any(isinstance(getattr(optimizer, name), Optimizer) for name in cls.model_fields)
    if optimizer.needs or optimizer.whole_vector or inner:
        raise ExportError(f"{cls.__name__} needs more than gradients, and cannot be exported", pointer=("optimizer",))
    found: dict[str, str] = {}
    _quote(cls, "update", found)
    fields = {name: getattr(optimizer, name) for name in cls.model_fields}
    plain = (int, float, str, list, tuple, NoneType)
    lines = [f"{name} = {value!r}" for name, value in fields.items() if isinstance(value, plain)]
    doc = " ".join((cls.__doc__ or "").split())
    body = "\n\n".join(["\n".join([*textwrap.wrap(f'"""{doc}"""', 110), "", *lines]), *found.values()])
    helpers = "".join(f"{text}\n\n\n" for text in _helpers(cls, found).values())
    return f"{helpers}class {cls.__name__}:\n{textwrap.indent(body, '    ')}"


def _helpers(cls: type, found: Mapping[str, str]) -> dict[str, str]:
    """Return the functions and numbers of modules that quoted methods use, as code by name."""
    helpers: dict[str, str] = {}
    for name, text in found.items():
        known = getattr(cls, name).__globals__
        for node in ast.walk(ast.parse(text)):
            value = known.get(node.id) if isinstance(node, ast.Name) else None
            if inspect.isfunction(value):
                helpers[value.__name__] = _without_annotations(value)
            elif isinstance(value, (int, float)):
                assert isinstance(node, ast.Name)
                helpers[node.id] = f"{node.id} = {value!r}"
    return helpers


def _quote(cls: type, name: str, found: dict[str, str]) -> None:
    """Add the source of a method, and of those that it calls, without annotations."""
    found[name] = _without_annotations(getattr(cls, name))
    for node in ast.walk(ast.parse(found[name])):
        match node:
            case ast.Attribute(value=ast.Name(id="self"), attr=called) if called not in found:
                if inspect.isfunction(getattr(cls, called, None)):
                    _quote(cls, called, found)


def _without_annotations(function: Any) -> str:
    """Return the source of a function."""
    definition = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    assert isinstance(definition, ast.FunctionDef)
    definition.returns = None
    for argument in (*definition.args.args, *definition.args.kwonlyargs):
        argument.annotation = None
    return ast.unparse(definition)


def scheduled_rates(optimizer: Optimizer, steps: int, total: int) -> dict[str, np.ndarray]:
    """Return the values (total,) of scheduled fields, or raise an ExportError if a schedule watches training."""
    if ScheduledFields({"optimizer": optimizer}).watching:
        raise ExportError("a schedule watches a value, which a notebook does not support", pointer=("optimizer",))
    return rates_by_step(optimizer, steps, total)
