"""Local files with a run's components: their digests in the manifest, their copies in the run directory."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from specnet.errors import RunError
from specnet.local import LocalEntry, LocalFile
from specnet.parts import components_in
from specnet.runs.storage.directory import RunDirectory
from specnet.runs.storage.files import read_bytes, write_bytes
from specnet.spec.model import Spec
from specnet.words import printable

LOCAL = re.compile(r"(\w[\w.-]*\.py) \(sha256 ([0-9a-f]{12})\)", re.ASCII)
"""A local file with a component, as named in a manifest."""


def local_files(spec: Spec) -> dict[str, LocalFile]:
    """Return the local files with components of a spec, by the place of their copies in a run directory."""
    files: dict[str, LocalFile] = {}
    for _, entry in components_in(spec):
        if isinstance(entry, LocalEntry) and entry.file not in files.values():
            stem, number = entry.file.name.removesuffix(".py"), 1
            while (copy := f"plugins/{stem}{f'-{number}' if number > 1 else ''}.py") in files:
                number += 1
            files[copy] = entry.file
    return files


def describe_plugins(spec: Spec) -> list[dict[str, str]]:
    """Return a manifest's entry for each local file with components of a spec."""
    return [
        {"file": printable(file.path), "sha256": file.digest, "copy": copy} for copy, file in local_files(spec).items()
    ]


def keep_plugins(directory: RunDirectory, spec: Spec) -> None:
    """Copy the local files with components of a spec into its run directory. The copies are never executed."""
    for copy, file in local_files(spec).items():
        write_bytes(directory.file(*copy.split("/")), file.content)


def damaged_copies(manifest: Mapping[str, Any], run: Path) -> Iterator[str]:
    """Yield a sentence for each copy in a run directory that is missing or has changed."""
    for plugin in manifest["plugins"]:
        path = run / plugin["copy"]
        try:
            digest = hashlib.sha256(read_bytes(path)).hexdigest()
        except RunError as error:
            yield error.message
        else:
            if digest != plugin["sha256"]:
                yield f"{path} is damaged: its SHA-256 does not match the manifest"


def is_same(before: str, now: str) -> bool:
    """Return whether a component has the same origin, as in manifests. A file may be moved and renamed."""
    files = LOCAL.fullmatch(before), LOCAL.fullmatch(now)
    return before == now or (files[0] is not None and files[1] is not None and files[0][2] == files[1][2])


def changed_plugins(manifest: Mapping[str, Any], spec: Spec) -> Iterator[str]:
    """Yield a sentence for each local file that has changed since the run was made."""
    before = {plugin["sha256"] for plugin in manifest["plugins"]}
    for file in local_files(spec).values():
        if file.digest not in before:
            yield f"{printable(file.path)} has changed since the run was made: its SHA-256 is {file.digest}"
