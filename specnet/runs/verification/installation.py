"""Check what is installed."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator

import importlib_metadata

from specnet import registry
from specnet.component import find_class
from specnet.distributions import BUILTIN, extras, is_installed, requirements
from specnet.errors import ComponentError
from specnet.kernels.base import find_kernels
from specnet.names import nearest
from specnet.runs.provenance.manifest import describe_setting
from specnet.runs.verification.findings import Finding, Installation, has_errors
from specnet.spec.schema import unusable
from specnet.words import quote


def examine_installation() -> Installation:
    """Check the dependencies of specnet and import every component."""
    setting = describe_setting()
    names = requirements(BUILTIN)
    findings = [Finding("components", "error", error.message, error.help) for error in (*unusable(), *_broken())]
    if kernel := os.environ.get("OPENBLAS_CORETYPE"):
        message = f"OPENBLAS_CORETYPE={kernel} in the environment selects the BLAS kernel"
        findings.append(Finding("machine", "note", message, "unset it to let OpenBLAS choose for the processor"))
    distributions: dict[str, Counter[str]] = {}
    for group in registry.SINGULAR:
        for entries in registry.claims(group).values():
            for entry in entries:
                distributions.setdefault(entry.owner, Counter())[group] += 1
            if entries[0].distribution == BUILTIN:
                findings += map(_passed_over, entries[1:])
    findings += [*_ignored(), *_incomplete(distributions)]
    broken = sum(finding.severity == "error" for finding in findings)
    return Installation(
        setting["versions"] | {name: importlib_metadata.version(name) for name in names},
        setting["machine"],
        {name: dict(counts) for name, counts in sorted(distributions.items())},
        {name: about for name in registry.claims("kernels") if (about := _about_kernels(name))},
        {name: _find_extra(name, plugin) for name, plugin in extras().items()},
        findings,
        f"{broken} of the components cannot be used" if has_errors(findings) else "all components can be used",
    )


def _about_kernels(name: str) -> str:
    try:
        return find_kernels(name).about()
    except ComponentError:  # it is among the findings
        return ""


def _find_extra(name: str, plugin: str) -> str:
    if is_installed(plugin):
        return f"{plugin} {importlib_metadata.version(plugin)}"
    return f'not installed: pip install "{BUILTIN}[{name}]"'


def _broken() -> Iterator[ComponentError]:
    """Yield the errors of commands, loggers and so on that cannot be used."""
    for group in registry.OTHER_GROUPS:
        for name in registry.claims(group):
            try:
                find_class(group, name)
            except ComponentError as error:
                yield error


def _passed_over(entry: registry.Entry) -> Finding:
    message = f"{entry} is ignored, because a built-in has that name"
    return Finding("components", "note", message, "its author should rename it")


def _ignored() -> Iterator[Finding]:
    """Yield findings on entry points that no spec can name."""
    for point in registry.entry_points():
        group, owner = point.group.removeprefix("specnet."), " ".join(registry.owner_of(point))
        if group not in registry.SINGULAR:
            message = f"{owner} registers {quote(point.name)} in {point.group}, which is not a group of this specnet"
            near = nearest(group, registry.SINGULAR)
            meant = f'did you mean "specnet.{near}"? If not, ' if near else ""
            help = f"{meant}a later specnet may have it: pip install --upgrade specnet"
            yield Finding("components", "note", message, help)
        elif not registry.COMPONENT_NAME.fullmatch(point.name):
            one = f"{registry.SINGULAR[group]} {quote(point.name)}"
            message = f"the {one} of {owner} is ignored: the name is not valid"
            help = "its author should use lowercase letters, digits and _, a letter first"
            yield Finding("components", "note", message, help)


def _incomplete(owners: Iterable[str]) -> Iterator[Finding]:
    """Yield findings on distributions whose requirements are not installed."""
    for owner in owners:
        needed = requirements(owner.partition(" ")[0])
        if missing := [name for name in needed if not is_installed(name)]:
            message = f"{owner} needs {' and '.join(missing)}, which is not installed"
            yield Finding("components", "note", message, f"pip install {' '.join(missing)}")
