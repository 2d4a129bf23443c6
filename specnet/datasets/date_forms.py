"""Dates as people write them: which forms the texts of a column have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import product

_DAYS = (
    "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%y",
    "%d/%m/%y", "%m/%d/%y", "%d %b %Y", "%d-%b-%Y", "%d %B %Y", "%d. %B %Y", "%b %d, %Y", "%B %d, %Y",
)  # fmt: skip
_TIMES = ("", " %H:%M", " %H:%M:%S", "T%H:%M", "T%H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_FORMS = ["%Y%m%d", *(day + time for day, time in product(_DAYS, _TIMES))]
_LIKE_A_DATE = re.compile(
    r"(19|20)\d{6}|(\d{1,4}([./-])\d{1,2}\3\d{1,4}|\d{1,2}(\. |[ -])[A-Za-z]+[ -]\d{4}|[A-Za-z]+ \d{1,2}, \d{4})"
    r"([ T]\d{1,2}:\d{2}(:\d{2})?( [AaPp][Mm])?)?"
)
_MONTH = re.compile(r"\d{4}-\d{2}")
_SAMPLE = 100


def find_date_forms(texts: Iterable[str]) -> list[str]:
    """Return the forms that all texts are dates of; several where the first number may be the day or the month."""
    known = [*texts]
    if len(known) < 2 or not all(map(_LIKE_A_DATE.fullmatch, known)):
        return []
    found: dict[tuple[datetime | None, ...], str] = {}  # of forms that read the same dates the first is enough
    for form in _FORMS:
        if all(parse_date(text, form) for text in known):
            found.setdefault(tuple(parse_date(text, form) for text in known[:_SAMPLE]), form)
    return [*found.values()]


def parse_date(text: str, form: str | None) -> datetime | None:
    """Return a date in this form, by default ISO 8601, in UTC if it has no time zone; None if it is no such date."""
    try:
        if form:
            moment = datetime.strptime(text, form)
        else:
            text = text.replace("/", "-")
            moment = datetime.fromisoformat(f"{text}-01" if _MONTH.fullmatch(text) else text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def advise_dates(name: str, forms: Sequence[str]) -> str:
    """Return what to write so that a column is read as dates of the first of these forms."""
    first, *others = map(json.dumps, forms)
    column = f'{{"name": {json.dumps(name, ensure_ascii=False)}, "type": "date", "format": {first}}}'
    others = [f"or {form} if its first number is the month" for form in others[:1]]
    return ", ".join([f"to read them, write {column}", *others])
