"""Installed distributions: their versions and requirements, and how pip changes them."""

from __future__ import annotations

import re

import importlib_metadata

from specnet.words import quote

BUILTIN = "specnet"
DISTRIBUTION_NAME = re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII)
"""A distribution's name. Metadata are untrusted: only names like this become part of a command."""


def pip_command(action: str, distribution: str) -> str:
    """Return a pip command for a distribution; plain words if its name is unsafe in a command."""
    if DISTRIBUTION_NAME.fullmatch(distribution):
        return f"pip {action} {distribution}"
    return f"remove the distribution {show_distribution(distribution)}"


def show_distribution(distribution: str) -> str:
    """Return a distribution's name for messages, quoted if it is unusual."""
    return distribution if DISTRIBUTION_NAME.fullmatch(distribution) else quote(distribution)


def requirements(distribution: str, *, optional: bool = False) -> list[str]:
    """Return the names of the distributions that one requires; `optional` ones are for some machines, or an extra."""
    try:
        lines = importlib_metadata.requires(distribution)
    except Exception:  # Metadata are missing or damaged.
        lines = None
    names = [re.split(r"[^\w.-]", line)[0] for line in lines or () if optional or ";" not in line]
    return [name for name in names if DISTRIBUTION_NAME.fullmatch(name)]


def extras() -> dict[str, str]:
    """Return the plugins that extras of specnet install, by the name of the extra: `pip install "specnet[NAME]"`."""
    lines = importlib_metadata.requires(BUILTIN) or ()
    found = (re.match(r"(specnet-[\w-]+)[^;]*;.*extra == ['\"](\w+)", line) for line in lines)
    return {match[2]: match[1] for match in found if match}


def version() -> str:
    """Return the version of specnet."""
    return importlib_metadata.version(BUILTIN)


def own_requirement() -> str:
    """Return the requirement of distributions made for this specnet, such as "specnet>=0.2,<0.3"."""
    major, minor, *_ = (*version().split("."), "0")
    return f"{BUILTIN}>={major}.{minor},<{major}.{int(minor) + 1}"


def is_installed(distribution: str) -> bool:
    """Return whether a distribution is installed."""
    try:
        return bool(importlib_metadata.distribution(distribution))
    except importlib_metadata.PackageNotFoundError:
        return False


def same_distribution(one: str, other: str) -> bool:
    """Return whether two names are the same distribution, as installers compare them."""
    return re.sub(r"[-_.]+", "-", one).lower() == re.sub(r"[-_.]+", "-", other).lower()
