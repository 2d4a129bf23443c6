"""Data files that a spec names: make their paths absolute, and check that they exist."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel

from specnet.datasets.data_file import DataFile, DataFolder
from specnet.errors import Diagnostic
from specnet.spec.document import Document
from specnet.spec.model import Spec
from specnet.spec.pretrained import WeightsPath
from specnet.words import Pointer


def resolve_files(spec: Spec, document: Document) -> list[Diagnostic]:
    """Make every data file's path absolute, and return a mistake for each that cannot be read.

    A relative path starts from the folder of the file that names it, which may be a spec that this one extends.
    """
    mistakes: list[Diagnostic] = []

    def resolved(value: Any, place: Pointer) -> Any:
        if isinstance(value, DataFile):
            source = document.source(place)
            if isinstance(value, WeightsPath):  # not needed by a run that is resumed
                folder = source.directory if source else document.directory
                return WeightsPath(folder.absolute() / value)
            try:
                return type(value)(_find(source.directory if source else document.directory, value))
            except ValueError as fault:
                mistakes.append(Diagnostic("missing-file", str(fault), place))
        elif isinstance(value, (list, tuple)):
            return type(value)(resolved(item, (*place, number)) for number, item in enumerate(value))
        elif isinstance(value, dict):
            return {key: resolved(item, (*place, key)) for key, item in value.items()}
        elif isinstance(value, BaseModel):
            for name, field in type(value).model_fields.items():
                before = getattr(value, name)
                if (after := resolved(before, (*place, field.alias or name))) is not before:
                    object.__setattr__(value, name, after)  # frozen for all others
        return value

    resolved(spec, ())
    return mistakes


def _find(folder: Path, path: DataFile) -> Path:
    """Return the absolute path of an ordinary file or a folder, or raise a ValueError."""
    absolute = folder.absolute() / path
    if not str(absolute).isprintable():
        raise ValueError("the path's folder has a name that cannot be printed or saved in a run's spec")
    try:
        absolute.stat()
    except OSError as error:  # missing, name too long, no permission for its folder
        what = "folder" if isinstance(path, DataFolder) else "file"
        raise ValueError(f"there is no {what} {absolute}: {error.strerror}") from error
    if isinstance(path, DataFolder):
        if not absolute.is_dir():
            raise ValueError(f"{absolute} is not a folder")
    elif not absolute.is_file():
        raise ValueError(f"{absolute} is not an ordinary file")
    return absolute
