"""Groups of runs: a directory whose folders are runs that differ in seeds or folds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from specnet.errors import RunError, UsageError
from specnet.report.entries import RunSet, single
from specnet.runs.provenance.manifest import read_manifest
from specnet.runs.run import Run


def find_members(directory: Path) -> list[Path]:
    """Return the run directories in a directory, by name; numbers in their order."""
    found = [path for path in directory.iterdir() if (path / "manifest.json").exists() and not path.is_symlink()]
    return sorted(found, key=_by_number)


def _by_number(path: Path) -> tuple[bool, str, str]:
    return not path.name.isdecimal(), path.name.rjust(20, "0"), path.name


def _groups_in(path: Path) -> list[Path]:
    """Return the groups in a directory that has no runs of its own, as that of a sweep, or else the directory."""
    if not path.is_dir() or (path / "manifest.json").exists() or find_members(path):
        return [path]
    groups = [each for each in path.iterdir() if each.is_dir() and not each.is_symlink() and find_members(each)]
    return sorted(groups, key=_by_number) or [path]


def open_entries(paths: Sequence[Path], open_run: Callable[[Path], Run], warn: Callable[[str], None]) -> list[RunSet]:
    """Return what these directories contain: runs, and groups of runs. A group given alone is returned as its runs.

    The directory of a sweep stands for the groups of its trials.

    Runs of a group that cannot be read or have no results are left out, as are groups without any other, and `warn` is
    called with the reason.

    Raises:
        RunError: if a directory is neither a run nor contains one.
        UsageError: if no run in any of them has results.
    """
    entries: list[RunSet] = []
    for given in paths:
        for path in _groups_in(given):
            members = find_members(path) if path.is_dir() and not (path / "manifest.json").exists() else []
            runs, left_out = _open_members(members)
            if runs:
                entries.append(RunSet(path.absolute().name, path, runs, is_group=True))
                for name, reason in left_out.items():
                    warn(f"left out {name} of {path.name}: {reason}")
            elif members or any((path / name).is_file() for name in ("plan.json", "summary.json")):
                warn(f"left out {path}: {_no_results(left_out)}")
            else:
                entries.append(single(open_run(path)))
    if not entries:
        raise UsageError("there is nothing to compare", help=f"specnet runs {paths[0]} shows how its runs ended")
    if len(paths) == len(entries) == 1 and entries[0].is_group:
        return [single(run) for run in entries[0].runs if isinstance(run, Run)]
    return entries


def _open_members(members: Sequence[Path]) -> tuple[list[Run], dict[str, str]]:
    """Return the runs of a group that can be read, and why others cannot, by their names."""
    runs, left_out = [], {}
    for member in members:
        try:
            if not (member / "results.json").exists():
                diverged = read_manifest(member)["status"] == "diverged"
                raise RunError("it diverged" if diverged else "it has no results yet")
            runs.append(Run(member, allow_other_kernels=True))
        except RunError as error:
            left_out[member.name] = error.message
    return runs, left_out


def _no_results(left_out: Mapping[str, str]) -> str:
    """Return why none of the runs of a group can be compared."""
    if set(left_out.values()) == {"it diverged"}:
        return "all of its runs diverged"
    return ", ".join(f"{name}: {reason}" for name, reason in left_out.items()) or "it has no runs yet"
