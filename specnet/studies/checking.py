"""Find what makes the runs of a group impossible before anything is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from specnet.errors import RunError, SpecnetError, UsageError
from specnet.runs.experiment import Experiment
from specnet.runs.provenance.manifest import data_digest, read_manifest
from specnet.runs.provenance.threads import blas_threads
from specnet.runs.trained.building import keeping_data, load_data
from specnet.studies.plans import Member


def check_members(members: Sequence[Member]) -> None:
    """Set up the first run of a group, and divide the samples as the others do, to find what is wrong."""
    first, *others = members
    with keeping_data():
        with blas_threads(1):
            Experiment(first.spec)
        for member in others:
            load_data(member.spec)


def check_same_data(members: Sequence[Member], path: Path) -> None:
    """Raise a UsageError if the first run that has begun in a group's directory was trained on other data.

    So nothing is trained on other data; each run is checked again when it is believed or resumed.
    """
    for about, spec in members:
        try:
            manifest = read_manifest(path / about.name)
        except RunError:
            continue
        if not spec.dataset.synthetic and data_digest(load_data(spec)) != manifest["data"]["sha256"]:
            message = f"the runs in {path} were trained on other data: their SHA-256 does not match"
            raise UsageError(message, help="restore the old data, or choose another directory with --out")
        return


@contextmanager
def blamed_on_options(folds: int, group: str | None, order: bool, stratify: bool | None) -> Iterator[None]:
    """Raise a UsageError with the option of `cross-validate` in place of errors about the split that it has changed."""
    try:
        yield
    except SpecnetError as error:
        found = error.diagnostics[0]
        section, *keys = found.pointer or ("",)
        if section != "split" or (keys == ["by"] and group is None):  # what the spec itself says
            raise
        option = f"--folds {folds}" + (" --order" if order else "")
        if keys and keys[0] in ("by", "column") and group is not None:
            option = f"--group {group}"
        elif keys == ["stratify"] and stratify is not None:
            option = "--stratify"
        help = "leave --group out" if keys == ["by"] else found.help
        raise UsageError(f"{option}: {found.message}", help=help) from error
