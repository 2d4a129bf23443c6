"""Parameters that a layer shares with an earlier one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from specnet.component import build
from specnet.errors import ShapeError
from specnet.layers.base import Layer, Parameter, Shared, walk
from specnet.layers.merging import layer_mistake
from specnet.names import suggest
from specnet.words import show_pointer

AT_OWNER = ("trainable", "l1", "l2", "max_norm", "unit_norm", "non_negative")
"""Fields of shared parameters, which belong to the layer that has them."""
_lists: ContextVar[tuple[Sequence[Layer], ...]] = ContextVar("lists", default=())


@contextmanager
def sharing_with(layers: Sequence[Layer]) -> Iterator[None]:
    """Let layers that are built inside the `with` share parameters of these layers; the last of them is being built."""
    token = _lists.set((*_lists.get(), layers))
    try:
        yield
    finally:
        _lists.reset(token)


def find_named(layer: Any) -> Layer:
    """Return the layer whose parameters another one shares: the nearest earlier one with the name `layer.share`.

    Those of the same list come first, with the layers inside them, then those of the list around it, and so on.

    Raises:
        SpecError: if no earlier layer has the name, or several at the same distance have it.
    """
    known, place = list[str](), (*layer.place, "share")
    for layers in reversed(_lists.get()):
        inner = [each for top in layers for _, each in walk(top, "") if each.name and hasattr(each, "output_shape")]
        found = [each for each in inner if each.name == layer.share]
        if len(found) > 1:
            several = " and ".join(dict.fromkeys(show_pointer(each.place) for each in found))
            message = f'several layers have the name "{layer.share}": {several}'
            raise layer_mistake("duplicate-name", message, place, "share one by itself, or choose other names")
        if found:
            return found[0]
        known += [each.name for each in inner if each.name]
    message = f'no layer before {show_pointer(layer.place)} has the name "{layer.share}"'
    first = 'give an earlier layer this "name": a layer can only share one before it'
    help = suggest(layer.share, known) if known else first
    raise layer_mistake("unknown-layer", message, place, help)


def check_settings(layer: Any, owner: Any) -> None:
    """Check that a layer does not set what belongs to parameters that it shares.

    Raises:
        SpecError: at the field.
    """
    fields = type(layer).model_fields
    chosen = [name for name in fields if name in AT_OWNER or name.endswith("_init")]
    if getattr(layer, "transpose", False):  # it has a bias of its own
        chosen = [name for name in chosen if name not in ("trainable", "bias_init")]
    for name in chosen:
        default = fields[name].get_default(call_default_factory=True)
        if name.endswith("_init"):
            default = build("initializers", default)
        if getattr(layer, name) not in (default, getattr(owner, name, default)):
            message = f"{show_pointer(layer.place)} uses the parameters of {show_pointer(owner.place)}, with its {name}"
            raise layer_mistake("shared-parameter", message, (*layer.place, name), f'set "{name}" there')


def shared_parameter(layer: Layer, parameter: Parameter, owner: Layer, transpose: bool) -> Shared:
    """Return how a layer uses the parameter of an owner instead of one that it has declared.

    Raises:
        ShapeError: if the owner has no such parameter, or of another shape.
    """
    name, of = parameter.name, show_pointer(owner.place)
    declared: list[Parameter | Shared] = [*owner.parameters, *owner.shared]
    source = next((each for each in declared if each.name == name), None)
    if source is None:
        raise ShapeError(f"uses the parameters of {of}, which has no {name}", pointer=("share",))
    shape = source.parameter.shape if isinstance(source, Shared) else source.shape
    shape = (*shape[:-2], *shape[-2:][::-1]) if transpose else shape
    if shape != parameter.shape:
        turned = " (transposed)" if transpose else ""
        message = f"needs a {name} of shape {parameter.shape}, but that of {of}{turned} has shape {shape}"
        raise ShapeError(message, pointer=("share",))
    if isinstance(source, Shared):
        owner, transpose = source.owner, source.transpose != transpose
    return Shared(parameter, owner, transpose)
