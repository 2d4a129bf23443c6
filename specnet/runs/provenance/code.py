"""Digests of the code that a run is trained with: the version of a distribution says little while it is developed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import specnet
from specnet.distributions import BUILTIN, version
from specnet.local import LocalEntry
from specnet.parts import components_in
from specnet.spec.model import Spec

WITHOUT_TRAINING = ("cli", "plots", "report", "testing")
"""Folders of specnet whose code a run is not trained with."""
SOURCES = (".py", ".so", ".pyd", ".c")
"""Endings of files that may contain code."""


def digest_modules(modules: Iterable[str]) -> str:
    """Return the SHA-256 of the files of modules, and of the files beside them in their packages."""
    files: set[Path] = set()
    for module in modules:
        spec = find_spec(module)
        if spec and spec.origin:
            path = Path(spec.origin)
            files |= {path, *(path.parent.iterdir() if spec.parent else ())}
    digest = hashlib.sha256()
    for path in sorted(path for path in files if path.suffix in SOURCES and path.is_file()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


@cache
def digest_own_code() -> str:
    """Return the SHA-256 of specnet's own source files, but for those that cannot change how a run is trained."""
    package = Path(specnet.__file__).parent
    sources = []
    for folder, folders, files in os.walk(package):  # three times as fast as `Path.rglob`
        place = Path(folder).relative_to(package)
        folders[:] = [name for name in folders if str(place / name) not in WITHOUT_TRAINING]
        sources += [place / name for name in files if name.endswith(".py")]
    digest = hashlib.sha256()
    for place in sorted(sources):
        digest.update(place.as_posix().encode() + b"\0" + (package / place).read_bytes())
    return digest.hexdigest()


def describe_code(spec: Spec) -> dict[str, str]:
    """Return the digest of specnet's code, and of each component that a plugin brings, such as `layers.swish`.

    Plots do not count. The digest of a local file is part of the component's version.
    """
    found = {BUILTIN: digest_own_code()}
    for component, entry in components_in(spec):
        if entry.group != "plots" and entry.distribution != BUILTIN and not isinstance(entry, LocalEntry):
            found[f"{entry.group}.{entry.name}"] = digest_modules([type(component).__module__])
    return dict(sorted(found.items()))


def changed_code(manifest: Mapping[str, Any], spec: Spec) -> Iterator[str]:
    """Yield a sentence for each component whose code has changed since a run was made."""
    before = manifest["code"]
    for name, digest in describe_code(spec).items():
        if before.get(name, digest) != digest:
            owner = f"{BUILTIN} {version()}" if name == BUILTIN else f"{name} of {manifest['components'].get(name)}"
            yield f"the code of {owner} has changed since the run was made"
