from datetime import datetime, timedelta

import numpy as np
import pytest
from helpers import fitted

import specnet
from specnet.errors import DataError

rng = np.random.default_rng(21)


TIMES = ["1969-12-31T23:59", "1970-01-01T00:00", "2000-02-29T12:30", "2023-12-31T06:01", "1900-03-01T00:00"]
DAYS = np.array(TIMES, "M8[ms]").astype(np.int64)[:, None] / 86_400_000
ALL = ["year", "month", "day", "day_of_year", "weekday", "hour", "minute"]


def test_parts_are_those_of_the_calendar():
    y = fitted({"type": "date_parts", "parts": ALL}, DAYS).apply(DAYS)
    times = [datetime.fromisoformat(text) for text in TIMES]
    expected = [[t.year, t.month, t.day, t.timetuple().tm_yday, t.weekday(), t.hour, t.minute] for t in times]
    assert y.tolist() == expected


@pytest.mark.parametrize("seed", range(3))
def test_parts_of_random_times_are_those_of_the_calendar(seed):
    seconds = np.random.default_rng(seed).integers(-2_000_000_000, 4_000_000_000, (200, 1))
    y = fitted({"type": "date_parts", "parts": ["day_of_year", "weekday", "hour", "minute"]}, DAYS).apply(
        seconds / 86400
    )
    times = [datetime(1970, 1, 1) + timedelta(seconds=int(each)) for each in seconds[:, 0]]
    assert y.tolist() == [[t.timetuple().tm_yday, t.weekday(), t.hour, t.minute] for t in times]


def test_cyclic_parts_are_points_of_a_circle():
    transform = fitted({"type": "date_parts", "parts": ["year", "month"], "cyclic": True}, DAYS)
    y = transform.apply(DAYS)
    month = 2 * np.pi * np.array([12, 1, 2, 12, 3]) / 12
    expected = np.stack([[1969, 1970, 2000, 2023, 1900], np.sin(month), np.cos(month)], axis=1)
    np.testing.assert_allclose(y, expected, atol=1e-12)
    assert transform.output_names(("born",)) == ("born.year", "born.month.sin", "born.month.cos")


def test_each_date_column_has_its_own_parts():
    x = np.concatenate([DAYS, DAYS[::-1]], axis=1)
    transform = fitted({"type": "date_parts", "parts": ["year", "month"]}, x)
    assert transform.output_names(("a", "b")) == ("a.year", "a.month", "b.year", "b.month")
    assert transform.apply(x)[0].tolist() == [1969, 12, 1900, 3]


def test_a_number_that_is_no_date_is_refused_by_feature_and_row():
    for wrong in (1e9, -1e9, np.nan, np.inf):
        with pytest.raises(DataError, match="feature 0 has a number that is not a date in row 1"):
            fitted("date_parts", DAYS).apply(np.array([[1.0], [wrong]]))


@pytest.mark.parametrize("parts", [[], ["year", "year"], ["century"], "year"])
def test_parts_that_make_no_sense_are_refused(parts):
    with pytest.raises(specnet.SpecnetError):
        specnet.build("transforms", {"type": "date_parts", "parts": parts})
