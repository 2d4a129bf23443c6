import numpy as np
import pytest

from specnet.recording.frame_schedule import FRAMES, FREE, SHARE, FrameSchedule, Work

CHEAP = Work(frame=1.0, epoch=1e6)


def until(epoch, every=None, most=1000, work=CHEAP):
    return FrameSchedule(every, most, work).at(epoch).kept


def test_frames_come_every_so_many_epochs_where_that_is_asked_for():
    assert until(20, every=6) == [0, 6, 12, 18]


def test_frames_come_ever_further_apart_where_nothing_is_asked_for():
    kept = until(10_000)
    assert kept[:21] == list(range(21))
    gaps = np.diff(kept)
    assert (np.diff(gaps) >= 0).all()
    assert (gaps <= np.maximum(1, np.array(kept[:-1]) / 10)).all()
    assert len(kept) < 90


@pytest.mark.parametrize("every", [None, 1, 7])
@pytest.mark.parametrize("most", [2, 3, 10, 1000])
def test_what_is_kept_depends_on_the_epochs_gone_by_alone(every, most):
    walking = FrameSchedule(every, most, CHEAP)
    for epoch in range(1, 200):
        if walking.next == epoch:
            walking.take()
        assert walking.kept == until(epoch, every, most)
        assert walking.next == FrameSchedule(every, most, CHEAP).at(epoch).next > epoch


@pytest.mark.parametrize("most", [1, 2, 3, 10, 50])
def test_where_there_is_no_room_the_first_and_the_last_stay_and_most_of_the_beginning(most):
    kept = until(1000, every=1, most=most)
    assert (kept[0], kept[-1], len(kept)) == (0, 1000, max(most, 2))
    if most >= 10:
        roots = np.sqrt(kept)
        assert np.diff(roots).max() < 4 * roots[-1] / most
        assert sum(epoch <= 250 for epoch in kept) >= 0.4 * most  # half of the way in the square root


def test_there_are_no_more_frames_than_a_replay_shows():
    assert len(until(5000, every=1, most=10**9)) == FRAMES


@pytest.mark.parametrize(("frame", "epoch"), [(FREE / 4, 1e8), (FREE * 3, 1e9), (FREE / 30, 1e5)])
def test_frames_take_a_little_and_beyond_that_a_hundredth_of_the_training(frame, epoch):
    work = Work(frame, epoch)
    for last in (10, 100, 1000, 10_000):
        kept = until(last, work=work)
        assert (len(kept) == 1) or len(kept) * frame <= FREE + SHARE * epoch * last
    assert len(until(10_000, work=work)) > 5
    assert len(until(10**6, work=Work(FREE / 30, 1.0))) == 30
