"""`Location`: a place in a text, which can be shown with its line."""

from __future__ import annotations

import unicodedata
from typing import NamedTuple


class Location(NamedTuple):
    """Part of one line of a file or an override; line and column count from 1, in characters."""

    file: str
    line: int
    column: int
    text: str
    width: int = 1
    from_file: bool = True

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.from_file else self.file

    def underline(self, room: int) -> tuple[str, str]:
        """Return the line, shortened to `room` characters, as a terminal can show it, and carets below the place."""
        middle = self.column - 1
        end = middle + min(self.width, room)
        before = _visible(self.text[max(0, middle - room) : middle])
        marked, after = _visible(self.text[middle:end]), _visible(self.text[end : end + room])
        if max(len(self.text), middle + 1, _cells(before + marked + after)) > room:
            kept = _beginning(before[::-1], room * 5 // 12)[::-1]
            before = f"…{kept}" if len(kept) < middle else kept
        line = before + marked + after
        shown = _beginning(line, room)
        if len(shown) < len(line) or end + room < len(self.text):
            shown += "…"
        return shown, " " * _cells(before) + "^" * min(_cells(marked) or 1, room - _cells(before))


def _visible(text: str) -> str:
    """Return a text as a terminal can show it."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text.replace("\t", " "))


def _beginning(text: str, cells: int) -> str:
    """Return the longest beginning of a text that fits into this many columns."""
    end = min(len(text), cells)
    while _cells(text[:end]) > cells:
        end -= 1
    return text[:end]


def _cells(text: str) -> int:
    """Return the number of terminal columns of a text."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(unicodedata.combining(char) > 0 for char in text)
