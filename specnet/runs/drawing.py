"""A second process for the pictures of a run: it imports matplotlib while the first one trains.

Only the first process writes. The second one sends pictures, and ends as soon as the first does, however that ends.
The first process draws what it does not get from there, so pictures and messages are the same without a second one.
"""

from __future__ import annotations

import atexit
import gc
import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing import get_context, parent_process
from typing import TYPE_CHECKING, Any, Self

from specnet.distributions import BUILTIN
from specnet.runs.provenance.threads import recorded_threads, usable_cores
from specnet.runs.signals import HANDLED

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from specnet.runs.run import Run

LARGEST = 2**26
"""Bytes of parameters up to which there is a second process: it keeps a copy of what training changes."""
PATIENT = 0.2
"""Seconds that the second process has to end by itself."""


def can_draw_beside(manifest: Mapping[str, Any], parameters: int) -> bool:
    """Return whether a second process is safe and saves time. `parameters` is the size of all parameters in bytes.

    The second process is a fork: it has no threads but its own, and sees nothing that plugins put into memory later.
    """
    owners = {owner.partition(" ")[0] for owner in manifest["components"].values()}
    return (
        sys.platform == "linux"
        and hasattr(os, "fork")
        and "matplotlib" not in sys.modules
        and usable_cores() > (recorded_threads(manifest) or 1)
        and threading.active_count() == 1
        and parent_process() is None  # that of a pool may have no child
        and parameters <= LARGEST
        and owners | {manifest["kernels"]["distribution"]} == {BUILTIN}
    )


class DrawingProcess:
    """Draws the plots of a run's spec after training. `load` returns the run; `leave` closes its directory there.

    Raises:
        OSError: if the system allows no further process.
    """

    def __init__(self, load: Callable[[], Run], leave: Callable[[], None]) -> None:
        fork = get_context("fork")
        self._pipe, other = fork.Pipe()
        self._process = fork.Process(target=_serve, args=(self._pipe, other, load, leave), daemon=True)
        self._process.start()
        other.close()

    def begin(self) -> None:
        """Let it draw: the run is complete."""
        with suppress(OSError):  # it has ended, as `receive` will see
            self._pipe.send(None)

    def receive(self) -> tuple[bytes, list[str]] | None:
        """Wait for the next plot and return its PNG and warnings; None if it was not drawn."""
        try:
            return self._pipe.recv()
        except (EOFError, OSError):
            return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe.close()
        self._process.join(PATIENT)
        self._process.kill()
        self._process.join()


def _serve(theirs: Connection, pipe: Connection, load: Callable[[], Run], leave: Callable[[], None]) -> None:
    for number in HANDLED:  # Ctrl-C reaches both processes, and the first one decides what ends
        signal.signal(number, signal.SIG_DFL if number == signal.SIGTERM else signal.SIG_IGN)
    leave()
    theirs.close()
    gc.freeze()  # what there is now is finalized by the first process alone
    atexit._clear()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(Exception):
        _draw(pipe, load)
    atexit._run_exitfuncs()  # matplotlib may have made a temporary folder


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _draw(pipe: Connection, load: Callable[[], Run]) -> None:
    from specnet.plots.style import figure
    from specnet.report.pictures import write_picture, write_png
    from specnet.report.settings import default_settings

    with default_settings():
        write_png(figure("specnet", 1, 1), io.BytesIO())  # imports what every picture needs
    pipe.recv()
    run = load()
    for plot in run.spec.plots:
        file, drawn = io.BytesIO(), None
        with suppress(Exception):
            warnings = write_picture(plot, run, file, "png")
            drawn = file.getvalue(), warnings
        pipe.send(drawn)
