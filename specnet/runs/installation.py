"""What is installed, and what of it cannot be used."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator

import importlib_metadata

from specnet import registry
from specnet.component import find_class
from specnet.errors import ComponentError, quote
from specnet.names import nearest
from specnet.runs.findings import Finding, Installation, has_errors
from specnet.runs.manifest import describe_setting
from specnet.spec.schema import unusable


def examine_installation() -> Installation:
    """Look at what specnet depends on and at every component, which is imported for that."""
    setting = describe_setting()
    names = registry.requirements(registry.BUILTIN)
    findings = [Finding("components", "error", error.message, error.help) for error in (*unusable(), *_broken())]
    if kernel := os.environ.get("OPENBLAS_CORETYPE"):
        message = f"OPENBLAS_CORETYPE={kernel} in the environment decides on the BLAS kernel"
        findings.append(Finding("machine", "note", message, "unset it, and OpenBLAS takes what suits the processor"))
    distributions: dict[str, Counter[str]] = {}
    for group in registry.SINGULAR:
        for entries in registry.claims(group).values():
            for entry in entries:
                distributions.setdefault(entry.owner, Counter())[group] += 1
            if entries[0].distribution == registry.BUILTIN:
                findings += map(_passed_over, entries[1:])
    findings += [*_ignored(), *_incomplete(distributions)]
    broken = sum(finding.severity == "error" for finding in findings)
    return Installation(
        setting["versions"] | {name: importlib_metadata.version(name) for name in names},
        setting["machine"],
        {name: dict(counts) for name, counts in sorted(distributions.items())},
        findings,
        f"{broken} of the components cannot be used" if has_errors(findings) else "all components can be used",
    )


def _broken() -> Iterator[ComponentError]:
    """Why each of the commands, loggers and so on that cannot be used cannot be."""
    for group in registry.FURTHER:
        for name in registry.claims(group):
            try:
                find_class(group, name)
            except ComponentError as error:
                yield error


def _passed_over(entry: registry.Entry) -> Finding:
    message = f"{entry} is passed over, as a built-in has that name"
    return Finding("components", "note", message, "its author can give it another name")


def _ignored() -> Iterator[Finding]:
    """Entry points that no spec can name."""
    for point in registry.points():
        group, owner = point.group.removeprefix("specnet."), " ".join(registry.owner(point))
        if group not in registry.SINGULAR:
            message = f"{owner} registers {quote(point.name)} in {point.group}, a group that this specnet does not have"
            near = nearest(group, registry.SINGULAR)
            meant = f'did you mean "specnet.{near}"? If not, ' if near else ""
            help = f"{meant}a later specnet may have it: pip install --upgrade specnet"
            yield Finding("components", "note", message, help)
        elif not registry.NAME.fullmatch(point.name):
            one = f"{registry.SINGULAR[group]} {quote(point.name)}"
            message = f"the {one} of {owner} is ignored: such a name cannot be used"
            help = "its author can give it a name of small letters, digits and _ that begins with a letter"
            yield Finding("components", "note", message, help)


def _incomplete(owners: Iterable[str]) -> Iterator[Finding]:
    """Distributions that need others which are not installed."""
    for owner in owners:
        needed = registry.requirements(owner.partition(" ")[0])
        if missing := [name for name in needed if not registry.is_installed(name)]:
            message = f"{owner} needs {' and '.join(missing)}, which cannot be found"
            yield Finding("components", "note", message, f"pip install {' '.join(missing)}")
