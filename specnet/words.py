"""How names, places and errors are written in messages."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence

Pointer = tuple[str | int, ...]
MAX_QUOTED = 60
"""Maximum number of characters shown of a name."""
_LISTED = 5
"""Number of items that a message names; the rest is counted."""


def show_pointer(pointer: Pointer) -> str:
    """Return a pointer as in `--set`, `layers.2.units`.

    >>> show_pointer(("layers", 2, "units"))
    'layers.2.units'
    """
    return ".".join(shorten(str(part)) for part in pointer)


def json_pointer(pointer: Pointer) -> str:
    """Return a pointer as in RFC 6901, `/layers/2/units`.

    >>> json_pointer(("layers", 2, "a/b"))
    '/layers/2/a~1b'
    """
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in pointer)


def printable(text: str) -> str:
    """Return a text with control and invisible characters escaped.

    >>> printable("a\\x1b[31m")
    'a\\\\u001b[31m'
    """
    return "".join(char if char.isprintable() or char == "\n" else f"\\u{ord(char):04x}" for char in text)


def show_path(path: object) -> str:
    """Return a path in one line, with control and invisible characters escaped.

    >>> show_path("a\\nb")
    'a\\\\nb'
    """
    return printable(str(path)).replace("\n", "\\n")


def shorten(text: str) -> str:
    """Return the beginning of a text that is too long for a message."""
    return text if len(text) <= MAX_QUOTED else f"{text[: MAX_QUOTED - 1]}…"


def quote(name: str) -> str:
    """Return a name as quoted in messages. Beside ASCII letters, those of other scripts are escaped: some look alike.

    >>> quote("tanh"), quote("t\\u0430nh"), quote("Gr\\u00f6\\u00dfe"), quote("a\\u200b")
    ('"tanh"', '"t\\\\u0430nh"', '"Größe"', '"a\\\\u200b"')
    """
    latin = any(char.isascii() and char.isalpha() for char in name)
    shown = json.dumps(name, ensure_ascii=False)
    return shorten("".join(char if _is_clear(char, latin) else json.dumps(char)[1:-1] for char in shown))


def _is_clear(char: str, latin: bool) -> bool:
    """Return whether a character is shown as it is; `latin` says whether it stands beside ASCII letters."""
    if char.isascii():
        return True
    marks = unicodedata.category(char).startswith("M")  # may join the letter before to another one
    foreign = latin and char.isalpha() and not unicodedata.name(char, "").startswith("LATIN ")
    return char.isprintable() and not marks and not foreign


def os_reason(error: OSError) -> str:
    """Return why a file cannot be opened, read or written, in words."""
    plain = {FileNotFoundError: "there is no such file", IsADirectoryError: "it is a directory, not a file"}
    return plain.get(type(error)) or error.strerror or str(error)


def describe_error(error: BaseException) -> str:
    """Return class and text of an error, even if converting it to text fails.

    >>> describe_error(ZeroDivisionError("division by zero"))
    'ZeroDivisionError: division by zero'
    """
    try:
        text = str(error)
    except Exception:
        text = "it cannot be shown"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def enumerate_some(items: Sequence[str], separator: str = ", ") -> str:
    """Return the first few items as text, and how many more there are."""
    more = [f"… and {len(items) - _LISTED} more"] if len(items) > _LISTED else []
    return separator.join([*items[:_LISTED], *more])


def first_few(items: Sequence[str], what: str) -> list[str]:
    """Return the first few items, and if there are more, how many of `what`.

    >>> first_few(["a", "b", "c", "d", "e", "f", "g"], "letters")[4:]
    ['e', 'and 2 more letters']
    """
    more = [f"and {len(items) - _LISTED:,} more {what}"] if len(items) > _LISTED else []
    return [*items[:_LISTED], *more]
