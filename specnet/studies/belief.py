"""Whether a run has ended, and whether its files are those of the run that was planned."""

from __future__ import annotations

from pathlib import Path

from specnet.errors import RunError, SpecnetError
from specnet.runs.provenance.manifest import read_manifest, read_spec
from specnet.runs.results import read_results
from specnet.runs.resume import check_data_unchanged
from specnet.runs.storage.checkpoints import Listing, best_of
from specnet.runs.storage.history import History
from specnet.runs.storage.state import file_name
from specnet.runs.trained.building import load_data
from specnet.spec.model import Spec
from specnet.spec.units import adopt_resolved, resolve_dataset


def ended(directory: Path) -> str | None:
    """Return the status of a run that is complete, with its results; None if there is more to do."""
    try:
        status = str(read_manifest(directory)["status"])
    except RunError:
        return None
    complete = status in ("finished", "stopped") and (directory / "results.json").is_file()
    return status if complete or status == "diverged" else None


def find_fault(directory: Path, spec: Spec) -> str | None:
    """Return why a run that has ended is not believed: another spec or other data, or a file that cannot be read."""
    try:
        _check(directory, spec)
    except SpecnetError as error:
        return error.message
    return None


def _check(directory: Path, spec: Spec) -> None:
    manifest = read_manifest(directory)
    before = read_spec(directory, manifest)
    spec = resolve_dataset(adopt_resolved(spec, before))[0]
    if spec.digest() != before.digest():
        raise RunError("it was trained with a different spec")
    if not spec.dataset.synthetic:
        check_data_unchanged(manifest, spec, load_data(spec))
    listing = Listing(directory, manifest["identities"])
    intact, refused = listing.read(listing.steps)
    if not intact or refused:
        raise next(iter(refused.values()), RunError("it has no checkpoints"))
    newest = intact[max(intact)]
    best = best_of(newest)["step"]
    history = History.read(directory / "history.jsonl", newest["parts"]["callbacks.history"]["values"])
    if best not in intact:
        raise RunError(f"its best checkpoint, {file_name(best)}, is gone")
    if manifest["status"] == "diverged":
        return
    if len(history["epoch"]) > newest["epoch"]:
        raise RunError(f"its checkpoint of epoch {len(history['epoch'])} is gone")
    if not read_results(directory, file_name(best)):
        raise RunError(f"{directory / 'results.json'} is damaged")
