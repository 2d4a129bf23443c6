"""The settings of matplotlib that pictures are drawn under: its own defaults, and fonts for all characters."""

from __future__ import annotations

import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import TypeVar

_Made = TypeVar("_Made")

_MISSING = re.compile(r"Glyph (\d+) ")
"""How matplotlib's warning about a character begins that no font has."""
UNFIT = ("last resort", "emoji", "blank")
"""Parts of names of fonts that show every character as a box, in bitmaps, or not at all."""


@contextmanager
def default_settings() -> Iterator[None]:
    """Use matplotlib's own defaults, whatever its settings file, `MPLBACKEND` or the program say, and restore them."""
    load_matplotlib()
    from matplotlib import rc_context, rcParamsDefault

    # The backend matters to pyplot alone, which no picture uses.
    with rc_context({name: value for name, value in rcParamsDefault.items() if name != "backend"}):
        yield


def load_matplotlib() -> None:
    """Import matplotlib, also where `MPLBACKEND` names a backend that is missing here, as in a notebook's shell."""
    if "matplotlib" in sys.modules or (backend := os.environ.pop("MPLBACKEND", None)) is None:
        return
    try:
        from matplotlib import rcParams

        with suppress(ValueError):
            rcParams["backend"] = backend
    finally:
        os.environ["MPLBACKEND"] = backend


def with_fallback_fonts(draw: Callable[[], _Made]) -> tuple[_Made, frozenset[int]]:
    """Return what `draw` returns and the characters that it lacks; draw again if other installed fonts have some."""
    from matplotlib import rc_context

    drawn, missing = watch_characters(draw)
    if fonts := fonts_with(missing):
        with suppress(Exception), rc_context({"font.family": ["sans-serif", *fonts]}):
            return watch_characters(draw)
    return drawn, missing


def watch_characters(draw: Callable[[], _Made]) -> tuple[_Made, frozenset[int]]:
    """Return what `draw` returns, and which characters no font had."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        drawn = draw()
    found = [_MISSING.match(str(each.message)) for each in caught]
    for warning, match in zip(caught, found, strict=True):
        if not match:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return drawn, frozenset(int(match[1]) for match in found if match)


@cache
def fonts_with(characters: frozenset[int]) -> list[str]:
    """Return names of installed fonts that have as many of these characters as possible together."""
    from matplotlib.font_manager import fontManager, get_font

    fonts, left = [], set(characters)
    upright = {font.name: font.fname for font in fontManager.ttflist if font.style == "normal" and font.weight == 400}
    for name in sorted(upright):
        if not left:
            break
        if any(part in name.lower() for part in UNFIT):
            continue
        with suppress(Exception):  # a broken font has no characters
            if known := left & get_font(upright[name]).get_charmap().keys():
                fonts.append(name)
                left -= known
    return fonts
