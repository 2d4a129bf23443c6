"""Write `docs/components`, a page for each group, `docs/coming-from*.md` and `specs/specnet.schema.json`.

Run it as `python docs/generate.py`. The pages contain specnet's own components; `specnet components GROUP NAME` shows
the same for plugins.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from specnet import registry
from specnet.component import find_class
from specnet.field_synonyms import FIELDS
from specnet.plots.base import Trained
from specnet.runs.files import write_json
from specnet.spec.describe import describe_fields
from specnet.spec.schema import make_schema
from specnet.synonyms import TYPES, Alias

FOLDER = Path(__file__).parent / "components"
COMING_FROM = Path(__file__).parent / "coming-from.md"
SCHEMA = Path(__file__).parents[1] / "specs" / "specnet.schema.json"

MEANINGS = [
    "Shapes exclude the batch axis and are inferred from the dataset's input shape. Images are channels-last, "
    "as in Keras.",
    'A layer has no `activation`. The activation is a layer of its own, such as `"relu"`.',
    "The weight of `linear` is (inputs, units), as in Keras; PyTorch's is its transpose.",
    "`cross_entropy` takes logits, as PyTorch's does; Keras' takes probabilities by default. `bce` takes "
    "probabilities, `bce_with_logits` logits. Whichever is used, `predict` returns probabilities.",
    "A loss is the mean over all elements of a batch, or for `cross_entropy` over all samples.",
    "`split.validation` is a share drawn at random; Keras' `validation_split` takes the last samples.",
    "`clip_norm` limits the norm of all gradients together: Keras' `global_clipnorm`, PyTorch's `clip_grad_norm_`.",
    "`every` counts epochs, `every_steps` steps. A schedule without a length reaches the end of the run.",
    '`gelu` is exact, as in PyTorch and Keras; `"approximate": true` is the tanh approximation.',
    "`min_delta` is absolute; the `threshold` of PyTorch's `ReduceLROnPlateau` is relative by default.",
    "Monitored values are named by split and value: Keras' `val_loss` is `validation/loss`, its `loss` `train/loss`.",
    "`epsilon` of `adam` is 1e-8, as in PyTorch; Keras has 1e-7.",
    "`negative_slope` of `leaky_relu` is 0.01, as in PyTorch; Keras has 0.3.",
]
"""Words and numbers whose meaning differs from Keras, PyTorch or scikit-learn."""


def pages() -> dict[str, str]:
    """Return each page by the name of its file."""
    return {"README.md": index(), **{f"{group}.md": page(group) for group in registry.GROUPS}}


def built_in(group: str) -> list[str]:
    """Return the names of specnet's own components in a group."""
    return [name for name, (entry, *_) in registry.claims(group).items() if entry.distribution == registry.BUILTIN]


def index() -> str:
    """Return the page that links to all others."""
    rows = ["# Components", "", "Written by `python docs/generate.py`.", ""]
    for group in registry.GROUPS:
        rows.append(f"- [{group}]({group}.md): {', '.join(f'`{name}`' for name in built_in(group))}")
    return "\n".join([*rows, ""])


def page(group: str) -> str:
    """Return the page of a group: its contract, then each component with its fields."""
    names = built_in(group)
    classes = [find_class(group, name).__mro__ for name in names]
    found = Counter(next(cls for cls in mro if vars(cls).get("group") == group) for mro in classes)
    bases = [base for base, _ in found.most_common()]
    parts = [f"# {group.capitalize()}"]
    for base in bases:
        parts += [f"A new component is a class derived from `specnet.{base.__name__}`:", contract(base)]
    if group == "plots":
        parts += ["Attributes and methods of `run`:", members(Trained)]
    if group == "losses":
        parts += [CLASS_FIELDS, class_fields(names), WITHOUT_CLASS_FIELDS]
    return "\n\n".join([*parts, *(component(group, name) for name in names)]) + "\n"


CLASS_FIELDS = """## Fields of losses

All losses take `reduction`, and weights of samples, from the column that the dataset names as `sample_weight`. Losses
within `sum` use the reduction of the sum. Losses on classes have more fields:"""
WITHOUT_CLASS_FIELDS = """Most other losses learn numbers, which have no classes. `kl_divergence` learns distributions:
smooth the targets themselves. `dice` compares masks that contain both classes.

The hinge losses have no `label_smoothing`, because their targets can only be yes or no. `ordinal` has none, because it
would move targets to the farthest class as well as to the next one. Binary losses have no `ignore_index`, because every
number is a valid target: give samples to be ignored the weight 0."""


def class_fields(names: Iterable[str]) -> str:
    """Return a table of the losses on classes, and which of the fields of classes each has."""
    columns = ("class_weight", "label_smoothing", "ignore_index")
    found = {name: find_class("losses", name).model_fields for name in names}
    rows = [
        (f"`{name}`", *("yes" if each in fields else "" for each in columns))
        for name, fields in found.items()
        if fields.keys() & {*columns}
    ]
    return table(("loss", *(f"`{each}`" for each in columns)), rows)


def contract(base: type) -> str:
    """Return the docstring of a base class as a quotation, and its documented members."""
    quoted = "\n".join(f"> {line}".rstrip() for line in docstring(base).splitlines())
    return "\n\n".join([quoted, "Its attributes and methods:", members(base)])


def members(cls: type) -> str:
    """Return a list of the documented public attributes, properties and methods of a class."""
    rows = []
    body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0].body  # type: ignore[attr-defined]
    for node, after in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, ast.FunctionDef) and not node.name.startswith(("_", "model_")):
            arguments = ", ".join(argument.arg for argument in [*node.args.args[1:], *node.args.kwonlyargs])
            decorated = {getattr(each, "id", "") for each in node.decorator_list}
            name = node.name if "property" in decorated else f"{node.name}({arguments})"
            rows.append((name, ast.get_docstring(node) or ""))
        elif isinstance(node, ast.AnnAssign) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            rows.append((ast.unparse(node.target), inspect.cleandoc(str(after.value.value))))
    return "\n".join(f"- `{name}`: {shown(text.partition(chr(10) * 2)[0])}" for name, text in rows if text)


def component(group: str, name: str) -> str:
    """Return the section of a component."""
    cls = find_class(group, name)
    parts = [f"## {name}", docstring(cls)]
    if fields := describe_fields(cls):
        rows = [(f"`{each.name}`", each.type, f"`{each.default}`", each.description, each.limits) for each in fields]
        parts.append(table(("field", "type", "default", "", ""), rows))
    return "\n\n".join(parts)


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |" for row in lines)


def coming_from() -> str:
    """Return the page that translates other tools' names."""
    parts = [
        "# Coming from Keras, PyTorch or scikit-learn",
        "Generated by `python docs/generate.py`. A spec has one name for each thing. If it contains another tool's\n"
        "name, in upper or lower case, with or without underscores, the error suggests the right one. The pages\n"
        "for [Keras](coming-from-keras.md), [PyTorch](coming-from-pytorch.md) and\n"
        "[scikit-learn](coming-from-scikit-learn.md) are shorter, and show how to load weights.",
        "## Different meanings",
        "\n".join(f"- {meaning}" for meaning in MEANINGS),
    ]
    for group, types in TYPES.items():
        parts += [f"## {group.capitalize()}", translations(types)]
        fields = {place.partition(".")[2]: rows for place, rows in FIELDS.items() if place.startswith(f"{group}.")}
        for name, rows in fields.items():
            parts += [f"{'Common fields' if name == '*' else f'Fields of `{name}`'}:", translations(rows)]
    parts.append("## Other keys")
    for place, rows in FIELDS.items():
        if place.partition(".")[0] not in TYPES:
            parts += [f"In `{place}`:" if place else "At the top level:", translations(rows)]
    return "\n\n".join(parts) + "\n"


INTRODUCTIONS = {
    "keras": """Keras
Most names in specnet are those of Keras, in snake_case. Save the weights under their paths, as contiguous arrays; `map`
maps layers of the spec to layers of Keras. A layer inside another layer has both names, such as `gru/gru_cell`. The two
directions of a bidirectional layer are mapped separately: `layers.0.both.0.branches.0.0` is the forward one, and
`layers.0.both.0.branches.1.0` the backward one.""",
    "pytorch": """PyTorch
Save the `state_dict`. Without a `map`, modules of a `Sequential` must have the same places as in `layers`. With a
`map`, name each module: `"map": {"layers.0": "features.0"}`.""",
    "scikit-learn": """scikit-learn
`SpecnetClassifier` and `SpecnetRegressor` of `specnet[sklearn]` are scikit-learn estimators. Save weights as an `.npz`
file; scikit-learn and specnet arrange them in the same way.""",
}
"""Name of each tool, and what to say about its weights."""


def elsewhere() -> dict[str, str]:
    """Return the page of each tool by the name of its file."""
    return {f"coming-from-{name}.md": from_tool(name) for name in INTRODUCTIONS}


def from_tool(name: str) -> str:
    """Return the page of a tool: a network, and its names by group, which are in `docs/names`."""
    tool, _, weights = INTRODUCTIONS[name].partition("\n")
    script = f"networks/from_{name.replace('-', '_')}.py"
    parts = [
        f"# Coming from {tool}",
        "Generated by `python docs/generate.py`. Errors suggest the right name for [all synonyms](coming-from.md).",
        f"## Weights\n\n{weights}\nThis script compares the outputs of the same network in {tool} and in specnet:",
        f"```python\n{(Path(__file__).parent / script).read_text(encoding='utf-8').strip()}\n```",
        f"With {tool} installed, run it with `python docs/{script}`. In the tables below, *here* means specnet and\n"
        f"*there* means {tool}.",
    ]
    for group, rows in name_rows(name).items():
        cells = [(f"`{there}`", here_in_words(here), note) for there, here, note in rows]
        parts.append(f"## {group.capitalize()}\n\n{table((tool, 'here', ''), cells)}")
    return "\n\n".join(parts) + "\n"


def name_rows(name: str) -> dict[str, list[tuple[str, str, str]]]:
    """Return the rows of a tool's table by group: name there; component here, and its fields after a colon; a note."""
    groups: dict[str, list[tuple[str, str, str]]] = {}
    for line in (Path(__file__).parent / "names" / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            rows = groups.setdefault(line.removeprefix("# "), [])
        else:
            there, here, note = (cell.strip() for cell in line.split("|"))
            rows.append((there, here, note))
    return groups


def here_in_words(here: str) -> str:
    """Return a component and its fields as code."""
    name, _, fields = here.partition(":")
    shown = ", ".join(f"`{field.strip()}`" for field in fields.split(",") if field)
    return f"`{name}`" + (f": {shown}" if shown else "")


def translations(rows: Iterable[Alias]) -> str:
    """Return the table of other tools' names."""
    cells = (
        (", ".join(f"`{name}`" for name in row.others.split()), row.name and f"`{row.name}`", row.note) for row in rows
    )
    return table(("elsewhere", "here", ""), cells)


def docstring(cls: type) -> str:
    """Return a class's docstring for Markdown."""
    return shown(inspect.getdoc(cls) or "")


def shown(text: str) -> str:
    """Return text escaped for Markdown, except for code."""
    spoken_and_code = text.split("`")
    spoken_and_code[::2] = [re.sub(r"([*<\\])", r"\\\1", text) for text in spoken_and_code[::2]]
    return "`".join(spoken_and_code)


if __name__ == "__main__":
    made = pages()  # before anything is removed: it may fail
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.iterdir():
        path.unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    COMING_FROM.write_text(coming_from(), encoding="utf-8")
    for name, text in elsewhere().items():
        COMING_FROM.with_name(name).write_text(text, encoding="utf-8")
    write_json(SCHEMA, make_schema(plugins=False))
