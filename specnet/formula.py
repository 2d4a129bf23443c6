"""The formulas that components state in their docstrings."""

from __future__ import annotations

import re
from typing import Any

from specnet import registry


def formula_of(component: Any) -> str:
    """Return the formulas of a component, in one line: the sentences of its class's docstring that have any.

    A formula has " = " or "<-". A class that states none, or has no docstring of its own, has the formula "".
    """
    text = " ".join((registry.definition(type(component)).__doc__ or "").split())
    sentences = re.split(r"(?<=\.)\s+", text)
    return " ".join(sentence for sentence in sentences if " = " in sentence or "<-" in sentence)
