"""JSON as people write it."""

from __future__ import annotations

import json
from typing import Any

WIDTH = 96
"""Characters in a line of JSON."""


def tidy(value: Any, indent: str = "", taken: int = 0) -> str:
    """Return JSON as people write it: what fits on a line is on one line, of which a key has `taken` some already.

    >>> tidy({"name": "a", "layers": ["tanh"]})
    '{"name": "a", "layers": ["tanh"]}'
    """
    line = json.dumps(value, ensure_ascii=False)
    if len(indent) + taken + len(line) <= WIDTH or not isinstance(value, dict | list) or not value:
        return line
    inner = f"{indent}  "
    if isinstance(value, dict):
        begin, end = "{}"
        keys = [f"{json.dumps(key, ensure_ascii=False)}: " for key in value]
        items = [inner + key + tidy(each, inner, len(key)) for key, each in zip(keys, value.values(), strict=True)]
    else:
        begin, end = "[]"
        items = [inner + tidy(each, inner) for each in value]
    return "\n".join([begin, ",\n".join(items), indent + end])
