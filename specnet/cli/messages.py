"""Messages on standard error: on a terminal they are cut to its width and coloured."""

from __future__ import annotations

import os
import re
import shutil
import sys

import click


def terminal_width() -> int | None:
    """Return the columns of the terminal that shows messages, or None if they go elsewhere."""
    return shutil.get_terminal_size().columns if _is_terminal() else None


def _is_terminal() -> bool:
    try:
        return sys.stderr is not None and sys.stderr.isatty()
    except ValueError:  # closed
        return False


def coloured(text: str) -> str:
    """Return messages with colours if standard error is a terminal, and `NO_COLOR` is not set."""
    if not _is_terminal() or os.environ.get("NO_COLOR"):
        return text
    return "\n".join(map(_coloured, text.split("\n")))


def _coloured(line: str) -> str:
    if found := re.match(r"(error|warning)(\[[\w-]+\])?:", line):
        color = "red" if found[1] == "error" else "yellow"
        return click.style(found[0], fg=color, bold=True) + line[found.end() :]
    if found := re.match(r" *(-->|= \w+:)", line):
        return click.style(found[0], fg="cyan") + line[found.end() :]
    if found := re.match(r"( *\d* \|)( *)(\^*)", line):
        carets = click.style(found[3], fg="red", bold=True) if found[3] else ""
        return click.style(found[1], fg="cyan") + found[2] + carets + line[found.end() :]
    return line
