"""From a file or a mapping to a checked `Spec`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, to_json

from specnet.diagnostics import explain, explain_unknown_keys
from specnet.errors import Diagnostic, SpecError
from specnet.spec.checks import check_spec
from specnet.spec.model import Spec
from specnet.spec.overrides import apply_overrides
from specnet.spec.text import read_json


def load_spec(source: str | Path | Mapping[str, Any], overrides: Sequence[str] = ()) -> Spec:
    """Return the spec in a JSON file, or that a mapping describes, after checking everything that needs no data.

    `overrides` are `path=value` strings, such as `training.epochs=20` or `layers.0.units=8`. Relative paths in a
    file start from its folder, those in a mapping from the working directory.

    Raises:
        SpecError: with every mistake that was found.
    """
    if isinstance(source, Mapping):
        return _checked(apply_overrides(dict(source), overrides), Path())
    path = Path(source)
    try:
        document = apply_overrides(read_json(path), overrides)
        if isinstance(document, dict):
            document.setdefault("name", re.sub(r"[^A-Za-z0-9._-]+", "-", path.stem).lstrip("._-")[:100] or "run")
        spec = _checked(document, path.parent)
    except SpecError as error:
        error.file = str(path)
        raise
    spec._source = path
    return spec


def parse_spec(document: Any, directory: Path, *, files_exist: bool) -> Spec:
    """Return the spec that a JSON value describes; relative paths start from `directory`.

    Raises:
        SpecError: with every field that is wrong, data files that do not exist among them if they should.
    """
    context = {"directory": directory, "files_exist": files_exist}
    try:
        return Spec.model_validate_json(to_json(document), strict=True, context=context)
    except PydanticSerializationError as error:
        raise SpecError([Diagnostic("wrong-type", f"the spec holds what JSON cannot: {error}")]) from error
    except ValidationError as error:
        raise explain(explain_unknown_keys(error, Spec)) from None


def _checked(document: Any, directory: Path) -> Spec:
    spec = parse_spec(document, directory, files_exist=True)
    mistakes = check_spec(spec)
    if mistakes:
        raise SpecError(mistakes)
    return spec
