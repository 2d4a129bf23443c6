"""Pretrained weights: a network's first parameters and running state, from another run or a file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pydantic import ValidationError

from specnet.errors import DataError, SpecnetError, WeightsError
from specnet.layer_numbers import layer_numbers
from specnet.layers.base import Layer
from specnet.names import nearest
from specnet.network.network import Network
from specnet.numpy_files import open_npz, read_npz
from specnet.runs.opening import load_model
from specnet.runs.storage.archive import DamagedError, open_archive
from specnet.runs.trained.layouts import Rule, find_rule, source_name
from specnet.spec.parse import parse_spec
from specnet.spec.pretrained import Pretrained
from specnet.words import os_reason

_LAYOUTS = {"pt": "torch", "tf": "keras"}
"""Layouts by what the metadata of files say."""


class _Source(NamedTuple):
    """Arrays by name, how they lie, and the file that they are in."""

    arrays: Mapping[str, np.ndarray]
    layout: str
    path: Path


def load_weights(network: Network, **settings: Any) -> None:
    """Set the weights of a network, from the source that `settings` name, as in the `pretrained` section of a spec.

    Raises:
        SpecnetError: if they cannot be read, or do not fit the network.
    """
    try:
        chosen = Pretrained(**settings)
    except ValidationError as error:
        raise WeightsError(str(error)) from None
    load_pretrained(chosen, network)


def load_pretrained(settings: Pretrained, network: Network) -> dict[str, Any]:
    """Set the weights of a network, and return where they come from, as JSON; errors as of `load_weights`."""
    try:
        source = _read(settings)
        count = _take(settings, source, network)
        content = source.path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{error.filename} cannot be read: {os_reason(error)}", pointer=_place(settings)) from None
    except SpecnetError as error:
        error.pointer = error.pointer or _place(settings)
        raise
    return {"file": str(source.path), "sha256": hashlib.sha256(content).hexdigest(), "arrays": count}


def _place(settings: Pretrained) -> tuple[str, str]:
    return ("pretrained", "run" if settings.run else "file")


def _read(settings: Pretrained) -> _Source:
    path = Path(settings.run or settings.file or "")
    if not path.exists():
        raise WeightsError(f"there is no {'run' if settings.run else 'file'} {path}", code="missing-file")
    if settings.run or path.suffix not in (".npz", ".safetensors"):
        model = load_model(path)
        network = model.model.network
        file = path if path.is_file() else path / "checkpoints" / Path(model.checkpoint).name
        return _Source({**network.params, **network.state}, "specnet", file)
    if path.suffix == ".npz":
        return _Source(_read_npz(path), settings.layout or "specnet", path)
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError:
        help = 'pip install "specnet[safetensors]"'
        raise WeightsError(f"{path} needs the package safetensors, which is not installed", help=help) from None
    try:
        with safe_open(path, "np") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            layout = _LAYOUTS.get((file.metadata() or {}).get("format", ""), "specnet")
    except (SafetensorError, TypeError) as error:
        raise WeightsError(f"{path} cannot be read: {error}") from None
    return _Source(arrays, settings.layout or layout, path)


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays in a file of NumPy, or the parameters and the running state in a checkpoint."""
    try:
        with open_npz(path) as file:
            checkpoint = "layout" in file
        if not checkpoint:
            return read_npz(path)
        with open_archive(path) as archive:
            spec = parse_spec(json.loads(str(archive.read("spec"))), str(path))
            shape = json.loads(str(archive.read("progress")))["data"]["input_shape"]
            network = Network(spec.layers, tuple(shape), spec.dtype, None)
            network.params.flat[...] = archive.read("params")
            network.state.flat[...] = archive.read("state")
            return {**network.params, **network.state}
    except (DataError, DamagedError) as error:
        raise WeightsError(error.message) from None


def _take(settings: Pretrained, source: _Source, network: Network) -> int:
    """Set the chosen parameters and running state, and return their number."""
    chosen, taken, used = None, 0, set[str]()
    if settings.layers is not None:
        chosen = layer_numbers(settings.layers, len(network.layers))
        if beyond := [number for number in chosen if number >= len(network.layers)]:
            message = f"there is no layer {beyond[0]}: the network has {len(network.layers)}"
            raise WeightsError(message, pointer=("pretrained", "layers"))
    for place, layer in network.named.items():
        number = int(place.split(".")[1])
        if chosen is not None and number not in chosen:
            continue
        vectors = [(each.name, network.params) for each in layer.parameters]
        vectors += [(each.name, network.state) for each in layer.states]
        for name, vector in vectors:
            found = _origin(settings.map, place, name)
            if found is None:
                continue
            rule = find_rule(source.layout, layer, name, network.layers[:number] if place.count(".") == 1 else ())
            vector[f"{place}.{name}"][...] = _made(settings, source, layer, f"{place}.{name}", found, rule)
            used.add(found.key)
            taken += 1
    if unknown := [key for key in settings.map or {} if key not in used]:
        known = [*network.named, *network.params, *network.state]
        near = nearest(unknown[0], known)
        help = f'did you mean "{near}"?' if near else f"layers are {', '.join(network.named)}"
        message = f"there is no layer or parameter {unknown[0]} to take weights"
        raise WeightsError(message, pointer=("pretrained", "map", unknown[0]), help=help)
    if not taken:
        raise WeightsError("none of these layers has weights", pointer=("pretrained", "layers"))
    return taken


class _Origin(NamedTuple):
    """What a parameter is called in the source: all of it, or the name of a layer and the place below it."""

    key: str
    source: str
    below: str
    whole: bool


def _origin(names: Mapping[str, str] | None, place: str, parameter: str) -> _Origin | None:
    """Return what a parameter is called in the source; None if a map leaves it out."""
    if names is None:
        return _Origin("", place, "", False)
    if (full := f"{place}.{parameter}") in names:
        return _Origin(full, names[full], "", True)
    parts = place.split(".")
    for length in range(len(parts), 1, -1):
        if (key := ".".join(parts[:length])) in names:
            return _Origin(key, names[key], place.removeprefix(key), False)
    return None


def _made(settings: Pretrained, source: _Source, layer: Layer, name: str, origin: _Origin, rule: Rule) -> np.ndarray:
    """Return the values of a parameter or of running state, after checking their shape."""
    pointer = ("pretrained", "map", origin.key) if origin.key else _place(settings)
    names = [origin.source]
    if not origin.whole:
        names = [source_name(source.layout, origin.source, origin.below, each) for each in rule.names]
        if settings.map is None and not {*names} <= source.arrays.keys():  # of torch.nn.Sequential
            short = origin.source.removeprefix("layers.")
            names = [source_name(source.layout, short, origin.below, each) for each in rule.names]
    for each in names:
        if each not in source.arrays:
            near = nearest(each, source.arrays)
            listed = ", ".join(sorted(source.arrays)[:20])
            help = f'did you mean "{near}"?' if near else f'name them in "map"; it has {listed}'
            raise WeightsError(f'{source.path} has no array "{each}", for {name}', pointer=pointer, help=help)
    arrays = [source.arrays[each] for each in names]
    quoted = " and ".join(f'"{each}"' for each in names)
    own = getattr(layer, name.rpartition(".")[2])
    try:
        values = rule.make(*arrays)
    except (ValueError, TypeError):
        values = arrays[0]
    if values.dtype.kind != "f":
        message = f"{quoted} of {source.path.name} has values of type {values.dtype}, not floating-point numbers"
        help = "save weights as float32; integers may be quantized weights, which need a scale"
        raise WeightsError(message, pointer=pointer, help=help if values.dtype.kind in "iu" else None)
    if values.shape != own.shape:
        turned = "" if values is arrays[0] else f", turned to {values.shape}"
        shapes = " and ".join(str(each.shape) for each in arrays)
        message = f"{name} has shape {own.shape}, but {quoted} of {source.path.name} {shapes}{turned}"
        other = 'for a file of PyTorch or Keras: "layout": "torch" or "keras"'
        raise WeightsError(message, pointer=pointer, help=other if source.layout == "specnet" else None)
    with np.errstate(over="ignore"):  # too large for float32
        values = values.astype(own.dtype)
    if not np.isfinite(values).all():
        message = f"{quoted} of {source.path.name} has numbers that are not finite in {own.dtype}"
        raise WeightsError(message, pointer=pointer)
    return values
