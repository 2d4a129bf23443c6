"""Rebuild the spec, the manifest and the results of a run from a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from specnet.errors import RunError, SpecError
from specnet.runs.provenance.manifest import (
    check_manifest,
    describe_setting,
    describe_spec,
    now,
    read_manifest,
    read_spec,
)
from specnet.runs.results import read_results, write_results
from specnet.runs.run import Run
from specnet.runs.storage.checkpoints import Listing
from specnet.runs.storage.directory import RunDirectory
from specnet.runs.storage.files import read_run_json, write_json
from specnet.runs.storage.history import History
from specnet.runs.storage.state import identify, read_texts
from specnet.spec.model import Spec
from specnet.spec.parse import parse_spec


def repair(path: Path) -> list[str]:
    """Rebuild spec, manifest and results in a run directory if they are damaged or missing; return what was rebuilt.

    Raises:
        RunError: if there is no intact checkpoint.
        BusyError: if another process writes to the directory.
        DataError: if results are to be rebuilt, and the data cannot be loaded; the rest is rebuilt.
    """
    with RunDirectory(path) as directory:
        return [*_repair_description(directory), *_repair_results(path)]


def _repair_results(path: Path) -> list[str]:
    """Measure a finished run again if its results are missing or damaged."""
    run = Run(path)
    if run.status != "finished" or read_results(path, run.checkpoint.name) is not None:
        return []
    write_results(run)
    return ["results.json"]


def _repair_description(directory: RunDirectory) -> list[str]:
    path = directory.path
    try:
        manifest = read_manifest(path)
    except RunError:
        texts, spec = _newest(path)
        rebuilt = [] if (kept := _read_spec(path, texts)) else ["spec.json"]
        manifest = _manifest(path, texts, kept or spec)
        check_manifest(manifest, path / "manifest.json")
        if not kept:
            write_json(directory.file("spec.json"), texts["spec"])
        write_json(directory.file("manifest.json"), manifest)
        return [*rebuilt, "manifest.json"]
    try:
        read_spec(path, manifest)
    except RunError:
        texts, spec = _newest(path, manifest["identities"])
        manifest["spec"] = describe_spec(spec) | {"file": manifest["spec"]["file"]}
        write_json(directory.file("spec.json"), texts["spec"])
        write_json(directory.file("manifest.json"), manifest)
        return ["spec.json"]
    return []


def _newest(path: Path, identities: list[str] | None = None) -> tuple[dict[str, Any], Spec]:
    """Return the texts in the newest intact checkpoint, and the spec among them."""
    listing = Listing(path, identities)
    file = listing.path(listing.newest()["step"])
    texts = read_texts(file, identities)
    try:
        spec = parse_spec(texts["spec"])
    except SpecError as error:
        raise RunError(f"the spec in {file} is not valid\n{error}") from None
    if not _matches(texts["spec"], spec, texts):
        raise RunError(f"{file} is damaged: its identity does not match its spec and origin")
    return texts, spec


def _read_spec(path: Path, texts: Mapping[str, Any]) -> Spec | None:
    """Return the spec in a run directory if it determines the same training as that in a checkpoint."""
    try:
        document = read_run_json(path / "spec.json")
        spec = parse_spec(document)
    except (RunError, SpecError):
        return None
    return spec if _matches(document, spec, texts) else None


def _matches(document: Any, spec: Spec, texts: Mapping[str, Any]) -> bool:
    try:
        return identify(document, spec, texts["origin"]) == texts["progress"]["identity"]
    except (AttributeError, KeyError, TypeError):  # of a crafted origin
        return False


def _manifest(path: Path, texts: Mapping[str, Any], spec: Spec) -> dict[str, Any]:
    """Return the manifest of a run, as far as a checkpoint and the history know it."""
    origin, progress = texts["origin"], texts["progress"]
    done = progress["finished"] or progress["epoch"] >= spec.training.epochs
    plugins = [{"file": plugin["copy"].rpartition("/")[2], **plugin} for plugin in origin["plugins"]]
    try:
        state = progress["parts"]["callbacks.history"]["values"]
        seconds = sum(History.read(path / "history.jsonl", state).get("seconds", [])[: state["length"]])
    except RunError:
        seconds = 0
    return {
        "format": origin["format"],
        "status": "finished" if done else "interrupted",
        "started": now(),
        "finished": now(),
        "seconds": float(seconds),
        "error": None,
        "seed": spec.seed,
        "spec": describe_spec(spec),
        "data": origin["data"],
        "pretrained": origin.get("pretrained"),
        "components": origin["components"],
        "code": origin["code"],
        "plugins": plugins,
        "kernels": origin["kernels"],
        "shards": origin["shards"],
        **describe_setting(),
        "identities": _identities(path, texts["spec"], spec),
        "resumed": [],
    }


def _identities(path: Path, document: Any, spec: Spec) -> list[str]:
    """Return the identities of all intact checkpoints of a spec."""
    listing, found = Listing(path, None), set()
    for step in listing.read(listing.steps)[0]:
        texts = read_texts(listing.path(step), None)
        if _matches(document, spec, texts):
            found.add(texts["progress"]["identity"])
    return sorted(found)
