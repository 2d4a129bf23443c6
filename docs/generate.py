"""Write `docs/components`: a page for each group, made of docstrings and fields. Run it as `python docs/generate.py`.

Only what specnet itself brings is told; `specnet components GROUP NAME` tells the same of plugins.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from specnet import registry
from specnet.component import find_class
from specnet.spec.describe import describe_fields

FOLDER = Path(__file__).parent / "components"


def pages() -> dict[str, str]:
    """Return each page by the name of its file."""
    return {"README.md": index(), **{f"{group}.md": page(group) for group in registry.GROUPS}}


def built_in(group: str) -> list[str]:
    """Return the names of a group that specnet itself brings."""
    return [name for name, (entry, *_) in registry.claims(group).items() if entry.distribution == registry.BUILTIN]


def index() -> str:
    """Return the page that leads to all others."""
    rows = ["# Components", "", "Written by `python docs/generate.py`.", ""]
    for group in registry.GROUPS:
        rows.append(f"- [{group}]({group}.md): {', '.join(f'`{name}`' for name in built_in(group))}")
    return "\n".join([*rows, ""])


def page(group: str) -> str:
    """Return the page of a group: its contract, then each component with its fields."""
    names = built_in(group)
    base = next(cls for cls in find_class(group, names[0]).__mro__ if vars(cls).get("group") == group)
    contract = f"Any other is a class derived from `specnet.{base.__name__}`, whose docstring says:"
    quoted = "\n".join(f"> {line}".rstrip() for line in docstring(base).splitlines())
    parts = [f"# {group.capitalize()}", contract, quoted, *(component(group, name) for name in names)]
    return "\n\n".join(parts) + "\n"


def component(group: str, name: str) -> str:
    """Return what is told of a component."""
    cls = find_class(group, name)
    parts = [f"## {name}", docstring(cls)]
    if fields := describe_fields(cls):
        rows = [("field", "type", "default", "", ""), ("---",) * 5]
        rows += [(f"`{each.name}`", each.type, f"`{each.default}`", each.description, each.limits) for each in fields]
        parts.append("\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |" for row in rows))
    return "\n\n".join(parts)


def docstring(cls: type) -> str:
    """Return a class's docstring so that Markdown shows it as it is, code in it as code."""
    spoken_and_code = (inspect.getdoc(cls) or "").split("`")
    spoken_and_code[::2] = [re.sub(r"([*<\\])", r"\\\1", text) for text in spoken_and_code[::2]]
    return "`".join(spoken_and_code)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.iterdir():
        path.unlink()
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
