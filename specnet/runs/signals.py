"""SIGINT and SIGTERM: a run finishes its step, saves its state and leaves."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any, Self

from specnet.errors import Interrupted

HANDLED = (signal.SIGINT, signal.SIGTERM)


class Signals:
    """Inside a `with`, turns the two signals into `Interrupted`.

    It is raised at once, but while `deferred` is set only by the next `check`. A second signal is always raised at
    once. Outside the main thread, where Python takes no handlers, nothing changes.
    """

    def __init__(self) -> None:
        self.deferred = False
        self._received: signal.Signals | None = None
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._previous = {number: signal.signal(number, self._handle) for number in HANDLED}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Raise what has been deferred.

        Raises:
            Interrupted: if a signal has come.
        """
        if self._received is not None:
            raise Interrupted(self._received.name, self._received)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if not self.deferred or self._received is not None:
            raise Interrupted(signal.Signals(number).name, number)
        self._received = signal.Signals(number)
