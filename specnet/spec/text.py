"""Spec files as text: strict JSON in UTF-8, with the place of each value."""

from __future__ import annotations

import codecs
import json
import math
import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from specnet.diagnostics import MAX_MISTAKES, show_value
from specnet.errors import Diagnostic, SpecError
from specnet.location import Location
from specnet.words import Pointer, os_reason

MAX_BYTES = 1_000_000
"""Maximum bytes of a spec; one of a thousand layers has a tenth of this."""
MAX_DEPTH = 100
"""Maximum depth of brackets; a layer inside a layer takes two."""
MAX_DIGITS = 400
"""Maximum digits of an integer."""
SPACE = re.compile(r"[ \t\n\r]*")
# The closing quote is optional, so that an unterminated string is read once, not again from each quote in it.
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"?|[][{}:,]|[^][{}:,"\s]+', re.DOTALL)
SURROGATE = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
EXPECTED = {
    "Expecting value": "expected a value",
    "Expecting property name": "expected a key in double quotes",
    "Expecting ':'": "expected a colon after the key",
    "Expecting ','": "expected a comma or a closing bracket",
    "Unterminated string": "this string does not end: expected a closing quote",
    "Invalid control character": "a string cannot contain an unescaped line break or control character",
    "Invalid \\u": "expected four hexadecimal digits after \\u",
    "Invalid \\": 'expected one of " \\ / b f n r t u after a backslash',
}
"""Our messages, by the first words of the parser's."""
HELP = {
    r"'": "strings and keys need double quotes",
    r"//|/\*|#": 'JSON has no comments; use "description" for a note',
    r"(True|False|None|undefined|nil)\b": "JSON spells these true, false and null",
    r"=": "JSON needs a colon between key and value",
    r"(?<=0)\w": "JSON numbers are decimal, without leading zeros",
    r"(?<=\d)[\w.]": "a number looks like 12, -0.5 or 1e-3",
    r"[-+.]": "a number begins with a digit, or with a minus sign and a digit",
    r"[^\W\d]": "text needs double quotes",
}
"""What to type instead, by the text at which the parser failed."""


@dataclass(frozen=True)
class Source:
    """A text with its name, and the folder for relative paths in it."""

    name: str
    text: str
    directory: Path
    from_file: bool = True

    def location(self, start: int, end: int) -> Location:
        """Return the place of the characters from `start` to `end`; of several lines, only the first."""
        number = bisect_right(self._starts, start) - 1
        begin, line = self._starts[number], self._lines[number]
        # For a list or an object over several lines only the opening bracket is marked.
        width = end - start if end <= begin + len(line) else 1
        return Location(self.name, number + 1, start - begin + 1, line, width, self.from_file)

    @cached_property
    def _lines(self) -> list[str]:
        return [line.removesuffix("\r") for line in self.text.split("\n")]

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

    def mistake(self, start: int, end: int, code: str, message: str, help: str | None = None) -> Diagnostic:
        """Return a mistake in the characters from `start` to `end`."""
        return Diagnostic(code, message, (), help, self.location(start, end))


class Span(NamedTuple):
    """The place of a value, and of its key if it has one."""

    source: Source
    start: int
    end: int
    key: tuple[int, int] | None = None


Spans = dict[Pointer, Span]


class Parsed(NamedTuple):
    """A JSON value, the places of its parts, and mistakes in text that could be parsed."""

    value: Any
    spans: Spans
    mistakes: list[Diagnostic]


def read_json(path: Path) -> Parsed:
    """Return the content of a JSON file.

    Raises:
        SpecError: if it cannot be read, or its syntax is wrong.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        run = isinstance(error, IsADirectoryError) and (path / "spec.json").is_file()
        help = f"did you mean {path / 'spec.json'}?" if run else None
        raise SpecError([Diagnostic("file", os_reason(error), help=help)], file=str(path)) from error
    if len(content) > MAX_BYTES:
        message = f"the file has more than {MAX_BYTES:,} bytes, too many for a spec"
        raise SpecError([Diagnostic("file", message)], file=str(path))
    text = content.removeprefix(codecs.BOM_UTF8).decode(errors="replace")
    source = Source(str(path), text, path.parent)
    try:
        parsed = parse_json(source)
    except SpecError as error:
        found = _check_encoding(source, content, {})
        # If it is not UTF-8, it is rarely JSON: one reason is enough.
        syntax = [] if "\ufffd" in text or "\0" in text[:4] else error.diagnostics
        raise SpecError([*found, *syntax], file=str(path)) from None
    return parsed._replace(mistakes=[*_check_encoding(source, content, parsed.spans), *parsed.mistakes])


def _check_encoding(source: Source, content: bytes, spans: Spans) -> list[Diagnostic]:
    """Check that there is no byte order mark, and that every byte belongs to a character."""
    mistakes = []
    if content.startswith(codecs.BOM_UTF8):
        content = content.removeprefix(codecs.BOM_UTF8)
        message = "the file begins with a byte order mark"
        mistakes.append(source.mistake(0, 1, "encoding", message, "save it as UTF-8 without one"))
    try:
        content.decode()
        start, message = 0, "the file is not UTF-8: its bytes look like UTF-16 or UTF-32"
        if b"\0" not in content[:4]:
            return mistakes
    except UnicodeDecodeError as error:
        start = len(content[: error.start].decode())
        message = f"the file is not UTF-8: byte 0x{content[error.start]:02x} is not part of a character"
    # The innermost value that contains the character.
    pointer = max((place for place, span in spans.items() if span.start <= start < span.end), key=len, default=())
    found = source.mistake(start, start + 1, "encoding", message, "save it as UTF-8")
    return [*mistakes, found._replace(pointer=pointer)]


def parse_json(source: Source, start: int = 0) -> Parsed:
    """Return the JSON value that begins at `start`.

    Duplicate keys, numbers outside the range of a float and text after the value are recorded as mistakes.

    Raises:
        SpecError: if the syntax is wrong, saying what was expected where.
    """
    text, begin = source.text, SPACE.match(source.text, start).end()  # type: ignore[union-attr]
    _check_depth(source, begin)
    try:
        _, end = _DECODER.raw_decode(text, begin)
    except json.JSONDecodeError as error:
        raise SpecError([_explain(source, error, begin)]) from None
    reader = _Reader(source, begin, end)
    behind = SPACE.match(text, end).end()  # type: ignore[union-attr]
    if behind < len(text):
        message = f"expected the end of the text, found {show_value(text[behind])}"
        help = _help(text, behind) if re.match("[^][{}]", text[behind]) else "a spec is a single JSON value"
        reader.mistakes.append(source.mistake(behind, behind + 1, "syntax", message, help))
    return Parsed(reader.value, reader.spans, reader.mistakes)


# Longer integers are recorded by the reader.
_DECODER = json.JSONDecoder(parse_int=lambda text: int(text) if len(text) <= MAX_DIGITS else math.inf)


def _check_depth(source: Source, start: int) -> None:
    """Check the depth of brackets before the recursive parser runs."""
    depth = 0
    for token in TOKEN.finditer(source.text, start):
        depth += (token[0] in ("[", "{")) - (token[0] in ("]", "}"))
        if depth > MAX_DEPTH:
            message = f"lists and objects are nested more than {MAX_DEPTH} deep"
            raise SpecError([source.mistake(*token.span(), "too-deep", message)])


def _explain(source: Source, error: json.JSONDecodeError, begin: int) -> Diagnostic:
    """Return a mistake with what was expected, what was found, and what to type instead."""
    text, place = source.text, error.pos
    before = text[begin:place].rstrip()
    if error.msg.startswith("Illegal trailing comma") or (text[place : place + 1] in ("}", "]") and before[-1:] == ","):
        # Python before 3.13 reports the bracket after the comma.
        place = place if text[place] == "," else begin + len(before) - 1
        message = "found a comma before a closing bracket"
        return source.mistake(place, place + 1, "syntax", message, "leave it out")
    message = next((words for start, words in EXPECTED.items() if error.msg.startswith(start)), error.msg)
    help = None
    if error.msg.startswith("Expecting"):
        message += f", found {show_value(text[place]) if place < len(text) else 'the end of the text'}"
        help = _help(text, place)
    # At the end of the text the last character is marked, as an empty last line would show nothing.
    place = min(place, max(len(text.rstrip()) - 1, 0)) if place >= len(text.rstrip()) else place
    return source.mistake(place, place + 1, "syntax", message, help)


def _help(text: str, place: int) -> str | None:
    return next((help for pattern, help in HELP.items() if re.compile(pattern).match(text, place)), None)


class _Reader:
    """Reads the tokens of valid JSON text, with the place of each value and the mistakes that the parser tolerates."""

    def __init__(self, source: Source, start: int, end: int) -> None:
        self.source = source
        self.tokens = TOKEN.finditer(source.text, start, end)
        self.spans: Spans = {}
        self.mistakes: list[Diagnostic] = []
        self.value = self._value(next(self.tokens), ())

    def _value(self, token: re.Match[str], pointer: Pointer, key: tuple[int, int] | None = None) -> Any:
        value: Any
        end = token.end()
        if token[0] == "{":
            value, end = self._object(pointer)
        elif token[0] == "[":
            value, end = self._list(pointer)
        elif token[0][0] == '"':
            value = self._string(token, pointer)
        else:
            value = self._scalar(token, pointer)
        self.spans[pointer] = Span(self.source, token.start(), end, key)
        return value

    def _object(self, pointer: Pointer) -> tuple[dict[str, Any], int]:
        value: dict[str, Any] = {}
        while (token := next(self.tokens))[0] != "}":
            if token[0] == ",":
                continue
            key = self._string(token, pointer, is_key=True)
            if key in value:
                message, first = f"the key {show_value(key)} appears twice", self.spans[*pointer, key].start
                help = f"it is already in line {self.source.location(first, first).line}"
                self._mistake(token, (*pointer, key), "duplicate-key", message, help)
            next(self.tokens)  # the colon
            value[key] = self._value(next(self.tokens), (*pointer, key), token.span())
        return value, token.end()

    def _list(self, pointer: Pointer) -> tuple[list[Any], int]:
        value: list[Any] = []
        while (token := next(self.tokens))[0] != "]":
            if token[0] != ",":
                value.append(self._value(token, (*pointer, len(value))))
        return value, token.end()

    def _string(self, token: re.Match[str], pointer: Pointer, is_key: bool = False) -> str:
        text: str = json.loads(token[0])
        if any("\ud800" <= char <= "\udfff" for char in text):
            text = json.loads(SURROGATE.sub(r"\\ufffd", token[0]))
            place = (*pointer, text) if is_key else pointer
            self._mistake(token, place, "encoding", "half of a surrogate pair is not a character")
        return text

    def _scalar(self, token: re.Match[str], pointer: Pointer) -> Any:
        text, value = token[0], _DECODER.decode(token[0])
        if value is None or isinstance(value, bool):
            return value
        if text.lstrip("-") in ("NaN", "Infinity"):
            self._mistake(token, pointer, "not-finite", f"{text} is not a JSON number")
        elif math.isinf(float(text)):
            self._mistake(token, pointer, "out-of-range", f"the number {_short(text)} is too large")
        elif value == 0 and re.match("-?[0.]*[1-9]", text):
            self._mistake(token, pointer, "out-of-range", f"the number {_short(text)} is too small: it would become 0")
        return value

    def _mistake(
        self, token: re.Match[str], pointer: Pointer, code: str, message: str, help: str | None = None
    ) -> None:
        if len(self.mistakes) < MAX_MISTAKES:
            self.mistakes.append(Diagnostic(code, message, pointer, help, self.source.location(*token.span())))


def _short(number: str) -> str:
    return number if len(number) <= 40 else f"{number[:20]}… of {len(number)} characters"
