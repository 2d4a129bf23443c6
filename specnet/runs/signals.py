"""SIGINT, SIGTERM and SIGHUP: a run finishes its step, saves its state and exits."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Self

from specnet.errors import Interrupted

HANDLED = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Signals:
    """Inside a `with`, turns the signals into `Interrupted`, except those that are ignored, as `nohup` does.

    The next `check` raises it, or the signal itself inside `promptly`, where nothing can be lost. A second signal is
    always raised at once. Outside the main thread, where Python allows no handlers, nothing changes.
    """

    def __init__(self) -> None:
        self._prompt = False
        self._received: signal.Signals | None = None
        self._thrown: Interrupted | None = None
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            heeded = [number for number in HANDLED if signal.getsignal(number) != signal.SIG_IGN]
            self._previous = {number: signal.signal(number, self._handle) for number in heeded}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        if self._thrown is not None and not isinstance(error, Interrupted):
            # It was lost in a finalizer, or compiled code replaced it by another error.
            raise self._thrown from error

    @contextmanager
    def promptly(self) -> Iterator[None]:
        """Inside this `with`, raise signals at once, including one that has arrived before."""
        self.check()
        self._prompt = True
        try:
            yield
        finally:
            self._prompt = False

    @property
    def arrived(self) -> bool:
        """Whether a signal has arrived."""
        return self._received is not None

    def check(self) -> None:
        """Raise `Interrupted` if a signal has arrived."""
        if self._received is not None:
            raise Interrupted(self._received.name, self._received)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        at_once = self._prompt or self._received is not None
        self._received = signal.Signals(number)
        if at_once:
            self._thrown = Interrupted(self._received.name, number)
            raise self._thrown


@contextmanager
def signals_unhandled(seconds: int) -> Iterator[None]:
    """Inside the `with`, signals end the process at once: a handler would wait for compiled code to return.

    So does SIGALRM, after these seconds.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heeded = [number for number in HANDLED if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (*heeded, signal.SIGALRM)}
    try:
        signal.alarm(seconds)
        yield
    finally:
        signal.alarm(0)
        for number, handler in before.items():
            signal.signal(number, handler)
