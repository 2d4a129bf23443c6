"""The set of kernels of a run, and whether it is the current one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field

from specnet import registry
from specnet.component import find_class
from specnet.errors import ComponentError, UsageError
from specnet.kernels.base import DEFAULT
from specnet.local import LocalEntry
from specnet.runs.provenance.code import digest_modules
from specnet.runs.provenance.components import bring_back

Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class RecordedKernels(BaseModel):
    """What a manifest says of every set of kernels; further keys are facts of a set."""

    name: str
    distribution: str
    version: str
    sha256: Digest


def describe_kernels(name: str) -> dict[str, str]:
    """Return a manifest's entry for a set of kernels: facts, name, origin and digest, or raise a ComponentError."""
    found, entry = find_class("kernels", name), registry.find("kernels", name)
    modules = {found.__module__, *(target.partition(":")[0] for target in found.replaces.values())}
    digest = entry.file.digest if isinstance(entry, LocalEntry) else digest_modules(modules)
    facts = {fact: str(value) for fact, value in found.facts.items()}
    return facts | {"name": name, "distribution": entry.distribution, "version": entry.version, "sha256": digest}


def choose_kernels(
    manifest: Mapping[str, Any], run: Path, given: str | None, allow_other: bool, exactly: bool
) -> tuple[str, list[str]]:
    """Return the set to resume or use a run with, by default its own, and warnings if it has changed.

    `exactly` also requires the same version and code, if bits matter. `allow_other` accepts any set: the given one, or
    the default if the run's own is gone.

    Raises:
        UsageError: if it is another set, or the run's own is gone, unless `allow_other`.
        ComponentError: if there is no set of the given name.
    """
    before = manifest["kernels"]
    try:
        now = describe_kernels(given or before["name"])
    except ComponentError as error:
        if given:
            raise
        if not allow_other:
            message = f"the run was made with the set of kernels {show_kernels(before)}: {error.message}"
            raise UsageError(message, help=_help(before, run)) from error
        now = describe_kernels(DEFAULT)
    if now == before:
        return now["name"], []
    message = f"the run was made with the set of kernels {show_kernels(before)}, now it is {show_kernels(now)}"
    same = ("name", "distribution", *(("version", "sha256") if exactly else ()))
    if any(before[key] != now[key] for key in same) and not allow_other:
        raise UsageError(message, help=_help(before, run, untried=now["name"] != before["name"]))
    return now["name"], [f"{message}; last bits may differ"]


def show_kernels(kernels: Mapping[str, str]) -> str:
    """Return a manifest's entry for a set of kernels as text."""
    fixed = RecordedKernels.model_fields
    facts = "".join(f", {name} {value}" for name, value in kernels.items() if name not in fixed)
    name, distribution, version, digest = (kernels[each] for each in fixed)
    return f'"{name}" of {distribution} {version} (sha256 {digest[:12]}{facts})'


def _help(kernels: Mapping[str, str], run: Path, untried: bool = False) -> str:
    """Return what to install, or to add; `untried` says that a set of another name was asked for."""
    owner = {f"kernels.{kernels['name']}": f"{kernels['distribution']} {kernels['version']}"}
    first = f"use --kernels {kernels['name']}" if untried else bring_back(owner, run)
    return "; ".join(filter(None, [first, "or add --allow-other-kernels: last bits may differ"]))
