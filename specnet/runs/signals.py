"""SIGINT, SIGTERM and SIGHUP: a run finishes its step, saves its state and leaves."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any, Self

from specnet.errors import Interrupted

HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """Inside a `with`, turns the signals into `Interrupted`, but those that are ignored, as `nohup` does.

    It is raised at once, but while `deferred` is set only by the next `check`. A second signal is always raised at
    once. Outside the main thread, where Python takes no handlers, nothing changes.
    """

    def __init__(self) -> None:
        self.deferred = False
        self._received: signal.Signals | None = None
        self._told = False
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            heeded = [number for number in HANDLED if signal.getsignal(number) != signal.SIG_IGN]
            self._previous = {number: signal.signal(number, self._handle) for number in heeded}
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        if kind is None and not self._told:
            self.check()

    def check(self) -> None:
        """Raise what was deferred, or was raised where Python lets nothing through, as in a finalizer.

        Raises:
            Interrupted: if a signal has come.
        """
        if self._received is not None:
            self._told = True
            raise Interrupted(self._received.name, self._received)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        at_once = not self.deferred or self._received is not None
        self._received = signal.Signals(number)
        if at_once:
            raise Interrupted(self._received.name, number)
