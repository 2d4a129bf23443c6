import contextlib
import signal
import threading

import pytest

from specnet.errors import Interrupted
from specnet.runs.signals import HANDLED, Signals, signals_unhandled

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


@pytest.mark.parametrize("number", HANDLED)
def test_a_signal_is_raised_promptly_where_that_is_asked_for(number):
    told = f"stopped by {number.name}"
    with pytest.raises(Interrupted, match=told) as error, Signals() as signals, signals.promptly():
        signal.raise_signal(number)
    assert error.value.exit_code == CODES[number]


@pytest.mark.parametrize("number", HANDLED)
def test_a_signal_that_is_deferred_waits_for_the_next_check(number):
    with Signals() as signals:
        signals.check()
        with signals.promptly():
            pass
        signal.raise_signal(number)
        with pytest.raises(Interrupted) as error:
            signals.check()
    assert error.value.exit_code == CODES[number]


@pytest.mark.parametrize("second", HANDLED)
def test_a_second_signal_is_raised_at_once(second):
    with pytest.raises(Interrupted) as error, Signals():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(second)
    assert error.value.exit_code == CODES[second]


def test_an_interrupt_is_a_keyboard_interrupt_so_that_loops_over_runs_end():
    with pytest.raises(KeyboardInterrupt), Signals() as signals:
        signal.raise_signal(signal.SIGTERM)
        signals.check()


def test_handlers_are_as_before_afterwards():
    before = [signal.getsignal(number) for number in HANDLED]
    with Signals():
        assert [signal.getsignal(number) for number in HANDLED] != before
    assert [signal.getsignal(number) for number in HANDLED] == before


def test_a_signal_that_has_come_before_is_raised_before_anything_is_begun():
    with Signals() as signals:
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(Interrupted), signals.promptly():
            pytest.fail("it should not begin")


def test_outside_the_main_thread_nothing_changes():
    found = []

    def look():
        before = [signal.getsignal(number) for number in HANDLED]
        with Signals():
            found.append([signal.getsignal(number) for number in HANDLED] == before)

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [True]


def test_a_signal_that_was_swallowed_is_raised_at_the_end():
    with pytest.raises(Interrupted), Signals() as signals, signals.promptly(), contextlib.suppress(Interrupted):
        signal.raise_signal(signal.SIGTERM)  # it is lost where Python lets nothing through, as in a finalizer


def test_a_signal_that_was_made_another_error_of_is_raised_in_its_place():
    with pytest.raises(Interrupted) as error, Signals() as signals, signals.promptly():
        try:
            signal.raise_signal(signal.SIGTERM)
        except Interrupted as inner:  # as compiled code does with whatever its callbacks raise
            raise ValueError("a callback has failed") from inner
    assert (error.value.exit_code, type(error.value.__cause__)) == (143, ValueError)


def test_an_error_after_a_signal_that_was_deferred_is_told_as_it_is():
    with pytest.raises(OSError, match="disk"), Signals():
        signal.raise_signal(signal.SIGTERM)
        raise OSError("the disk is full")


def test_a_signal_that_is_ignored_stays_so():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Signals() as signals, signals.promptly():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_signals_end_the_process_where_none_is_handled_and_are_handled_again_afterwards():
    numbers = [*HANDLED, signal.SIGALRM]
    before = [signal.getsignal(number) for number in numbers]
    with signals_unhandled(seconds=60):
        assert {signal.getsignal(number) for number in numbers} == {signal.SIG_DFL}
        assert signal.alarm(60) > 0
    assert [signal.getsignal(number) for number in numbers] == before
    assert signal.alarm(0) == 0


def test_a_thread_leaves_signals_as_they_are():
    found = []

    def look():
        with signals_unhandled(seconds=60):
            found.append([signal.getsignal(number) for number in HANDLED])

    before = [signal.getsignal(number) for number in HANDLED]
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [before]
