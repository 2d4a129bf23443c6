"""Data files that a spec names: their paths made absolute, and whether they are there."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

from specnet.component import parts
from specnet.datasets.base import DataFile
from specnet.errors import Diagnostic
from specnet.spec.document import Document
from specnet.spec.model import Spec


def resolve_files(spec: Spec, document: Document) -> list[Diagnostic]:
    """Make every data file's path absolute, and return a mistake for each that cannot be read.

    A relative path starts from the folder of the file that names it, which may be a spec that this one extends.
    """
    mistakes = []
    for pointer, model in parts(spec):
        if not isinstance(model, BaseModel):
            continue
        for name, field in type(model).model_fields.items():
            path = getattr(model, name)
            if isinstance(path, DataFile):
                place = (*pointer, field.alias or name)
                source = document.source(place)
                folder = source.directory if source else document.directory
                try:
                    object.__setattr__(model, name, DataFile(_find(folder, path)))
                except ValueError as fault:
                    mistakes.append(Diagnostic("missing-file", str(fault), place))
    return mistakes


def _find(folder: Path, path: str) -> Path:
    """The absolute path of an ordinary file. Raises ValueError if there is none."""
    absolute = folder.absolute() / path
    if not str(absolute).isprintable():
        raise ValueError("the path's folder has a name that cannot be printed, and so not be written into a run's spec")
    try:
        absolute.stat()
    except OSError as error:  # it is not there, its name is too long, its folder may not be entered
        raise ValueError(f"there is no file {absolute}: {error.strerror}") from error
    if not absolute.is_file():
        raise ValueError(f"{absolute} is not an ordinary file")
    return absolute
