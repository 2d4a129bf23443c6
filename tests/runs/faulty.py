"""A command: a run goes wrong in each of its system calls in turn, and what it leaves is taken up again.

`python faulty.py START MODE STEP FOLDER` prints a JSON object. START says where the run begins: in an "empty"
directory, or in that of a run which was "interrupted" between the last step of its second epoch and the end of that.
MODE says what happens in the call: it fails "once", it and all that follow fail "for good", or the process is "killed".
STEP is 1 to try all calls; otherwise only the first and each STEPth call of each name are tried.

A process that is to be killed is forked, which is safe only where no other thread runs: so not in pytest's own.
"""

import builtins
import errno
import gc
import io
import json
import os
import re
import shutil
import signal
import sys
from collections import Counter
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest.mock import patch

import specnet
from specnet.errors import Interrupted
from specnet.regular_files import FLAGS
from specnet.runs.observers import Observer
from specnet.runs.storage.checkpoints import Checkpoints
from specnet.runs.storage.files import TEMPORARY
from specnet.training.trainer import Trainer

SPEC = {
    "seed": 2,
    "dataset": {"type": "spiral", "n_samples": 12},
    "layers": [{"type": "linear", "units": 2}, "dropout", {"type": "linear", "units": 1}],
    "loss": "bce_with_logits",
    "optimizer": {"type": "adam", "learning_rate": 0.3},
    "training": {"batch_size": 6},
    "checkpoint": {"every": 3, "keep": 1, "monitor": "train/loss"},
    "record": {"every": 1, "points": 2},
    "plots": [],
}
"""Of the first three epochs the second is the best."""
EPOCHS = {"empty": 1, "interrupted": 3}
FUNCTIONS = ("open", "fsync", "chmod", "replace", "unlink", "mkdir", "rmdir", "ftruncate", "lseek")
"""Those of `os` by which a run changes something, or reads what it has written. `File` does the writing."""
REASON = {"once": errno.EIO, "for good": errno.ENOSPC}


class Faults:
    """Notes system calls, and lets the `number`th of a name go wrong.

    They are numbered by name, as a save has two threads, whose calls come in any order.
    """

    def __init__(self, name="", number=0, mode=""):
        self.noted = []
        self._counts = Counter()
        self._fault, self._mode, self._failing = (name, number), mode, False

    def is_next(self, name):
        """Whether the next call of this name is to go wrong."""
        return self._fault == (name, self._counts[name] + 1)

    def meet(self, name, path=None):
        """Note a call that is about to be made, and let it go wrong if its turn has come."""
        due = self.is_next(name)
        self._counts[name] += 1
        self.noted.append((name, self._counts[name], path and Path(path).name))
        if due and self._mode == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if due or self._failing:
            self._failing = self._mode == "for good"
            raise OSError(REASON[self._mode], os.strerror(REASON[self._mode]), path)

    @contextmanager
    def watching(self):
        """Inside the `with` all calls are met, and the ends of saves are noted."""
        save = Checkpoints.save

        def saved(checkpoints, latest, best):
            save(checkpoints, latest, best)
            self.noted.append(("saved", *([each.progress["epoch"], each.progress["step"]] for each in (latest, best))))

        with ExitStack() as stack:
            for name in FUNCTIONS:
                stack.enter_context(patch.object(os, name, self._watched(name, getattr(os, name))))
            stack.enter_context(patch.object(io, "open", self._open))
            stack.enter_context(patch.object(Checkpoints, "save", saved))
            yield

    def _watched(self, name, function):
        def call(*arguments, **options):
            if name == "open" and arguments[1] == FLAGS:  # only reads
                return function(*arguments, **options)
            paths = [os.fspath(each) for each in arguments if isinstance(each, (str, Path))]
            self.meet(name, paths[-1] if paths else None)
            return function(*arguments, **options)

        return call

    def _open(self, file, mode="r", *arguments, **options):
        """Take the place of `io.open`, which `Path.open` and `os.fdopen` call."""
        if mode == "rb" and not isinstance(file, int) and TEMPORARY.fullmatch(Path(file).name):
            raw = File(file, mode)
            raw.faults = self
            return raw
        if mode in ("r", "rb"):
            return builtins.open(file, mode, *arguments, **options)  # noqa: PTH123
        if not isinstance(file, int):
            self.meet("open", os.fspath(file))
        raw = File(file, mode)
        raw.faults = self
        return io.BufferedWriter(raw)


class File(io.FileIO):
    """A file whose writes and reads are met. Before a write that goes wrong half of its bytes are written."""

    halved = False

    def write(self, data):
        if self.faults.is_next("write") and not self.halved:
            self.halved = True
            return super().write(data[: len(data) // 2])
        self.faults.meet("write")
        return super().write(data)

    def readinto(self, buffer):
        self.faults.meet("read")
        return super().readinto(buffer)


def attempt(spec, directory, faults):
    """Run a spec in a directory; return the error that ended that, as a JSON value."""
    with faults.watching():
        try:
            specnet.run(spec, directory, resume=True, report=False)
        except Exception as error:
            return {
                "type": type(error).__name__,
                "number": getattr(error, "errno", None),
                "file": getattr(error, "filename", None),
            }
    return None


def kill(spec, directory, faults):
    """Do the same in a process of its own, which has to die of it."""
    if child := os.fork():
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status)
    else:
        attempt(spec, directory, faults)
        os._exit(0)


def interrupt(spec, directory):
    """Leave the run as a signal does that comes in the last step of the second epoch."""
    add = Trainer.add_loss

    def signalled(trainer, loss, batch):
        add(trainer, loss, batch)
        if trainer.epoch == 1 and not trainer.batches.within_epoch:
            signal.raise_signal(signal.SIGTERM)

    try:
        with patch.object(Trainer, "add_loss", signalled):
            specnet.run(spec, directory, report=False)
    except Interrupted:
        return


def content(directory):
    """Return the bytes of the files that a run has left, but for seconds and what tells when and where it ran."""
    found = {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}
    if "history.jsonl" in found:
        found["history.jsonl"] = re.sub(rb'"seconds": [^}]+', b"", found["history.jsonl"])
    return {name: found[name] for name in found.keys() - {".lock", "manifest.json", "results.json", "report.html"}}


def temporary(directory):
    """Return the names of files that are not whole."""
    return [path.name for path in directory.rglob("*") if TEMPORARY.fullmatch(path.name)]


def examine(spec, directory, whole, known):
    """Return what is left in a directory, and what comes of it when the run is taken up.

    This is `known` where the same was left before, but for the bytes of temporary files, which nothing reads.
    """
    path, left = directory / "manifest.json", sorted(temporary(directory))
    status = json.loads(path.read_text())["status"] if path.exists() else None
    files = {name: bytes for name, bytes in content(directory).items() if not TEMPORARY.fullmatch(Path(name).name)}
    state = status, tuple(name[: -len("12345678.tmp")] for name in left), tuple(sorted(files.items()))
    if state not in known:
        known[state] = take_up(spec, directory, whole)
    return {"status": status, "left": left, **known[state]}


def take_up(spec, directory, whole):
    """Load the run and go on; return from where, of what it warned, and what then is not as in one that nothing hit."""
    path, observer, warnings = directory / "manifest.json", Observer(), []
    began = path.exists()
    if began:
        best, latest = (specnet.load_run(directory, which) for which in ("best", "latest"))
        warnings += best.warnings + latest.warnings
    observer.warned = warnings.append
    specnet.run(spec, directory, observer, resume=True, report=False)
    found = content(directory)
    believed = latest.progress if began else {"epoch": 0, "step": 0}
    return {
        "believed": [believed["epoch"], believed["step"]],
        "warnings": warnings,
        "different": [name for name in found.keys() | whole.keys() if found.get(name) != whole.get(name)],
    }


def main(start, mode, step, folder):
    os.fsync = lambda handle: None  # takes most of the time, and shows only where the machine itself goes down
    spec = specnet.load_spec(SPEC, [f"training.epochs={EPOCHS[start]}"])
    base, whole = folder / "base", content(specnet.run(spec, folder / "whole", report=False).directory)
    if start == "interrupted":
        interrupt(spec, base)
    else:
        base.mkdir()

    def copy():
        shutil.rmtree(folder / "run", ignore_errors=True)
        return Path(shutil.copytree(base, folder / "run"))

    recorded = Faults()
    attempt(spec, copy(), recorded)
    gc.freeze()  # what is never collected need not be copied for a process that is forked
    cases, known = [], {}
    for place, (name, number, _) in enumerate(recorded.noted):
        if name != "saved" and (number - 1) % step == 0:
            directory = copy()
            error = (kill if mode == "killed" else attempt)(spec, directory, Faults(name, number, mode))
            cases.append({"place": place, "error": error, **examine(spec, directory, whole, known)})
    json.dump({"noted": recorded.noted, "cases": cases}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
