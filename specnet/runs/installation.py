"""What is installed, and what of it cannot be used."""

from __future__ import annotations

import os
import re
from collections import Counter

import importlib_metadata

from specnet import registry
from specnet.runs.findings import Finding, Installation, has_errors
from specnet.runs.manifest import describe_setting
from specnet.spec.schema import unusable


def examine_installation() -> Installation:
    """Look at what specnet depends on and at every component, which is imported for that."""
    setting = describe_setting()
    required = [line for line in importlib_metadata.requires(registry.BUILTIN) or () if "extra ==" not in line]
    names = [re.split(r"[^\w.-]", line)[0] for line in required]
    findings = [Finding("components", "error", error.message, error.help) for error in unusable()]
    if kernel := os.environ.get("OPENBLAS_CORETYPE"):
        message = f"OPENBLAS_CORETYPE={kernel} in the environment decides on the BLAS kernel"
        findings.append(Finding("machine", "note", message, "unset it, and OpenBLAS takes what suits the processor"))
    distributions: dict[str, Counter[str]] = {}
    for group in registry.GROUPS:
        for entries in registry.claims(group).values():
            for entry in entries:
                distributions.setdefault(f"{entry.distribution} {entry.version}", Counter())[group] += 1
            if entries[0].distribution == registry.BUILTIN:
                findings += map(_passed_over, entries[1:])
    broken = sum(finding.severity == "error" for finding in findings)
    return Installation(
        setting["versions"] | {name: importlib_metadata.version(name) for name in names},
        setting["machine"],
        {name: dict(counts) for name, counts in sorted(distributions.items())},
        findings,
        f"{broken} of the components cannot be used" if has_errors(findings) else "all components can be used",
    )


def _passed_over(entry: registry.Entry) -> Finding:
    claim = f'the {registry.SINGULAR[entry.group]} "{entry.name}" of {entry.distribution} {entry.version}'
    message = f"{claim} is passed over, as a built-in has that name"
    return Finding("components", "note", message, "its author can give it another name")
