"""Forms of dates are found in texts that are all dates, and in no others."""

from datetime import UTC, datetime

import pytest

from specnet.datasets.date_forms import find_date_forms, parse_date

MOMENT = datetime(2021, 1, 31, 22, 5, tzinfo=UTC)
FORMS = {
    "%d.%m.%Y": ["31.01.2021", "1.2.2021"],
    "%m/%d/%Y": ["01/31/2021", "2/1/2021"],
    "%d/%m/%Y": ["31/01/2021", "2/1/2021"],
    "%Y-%m-%d": ["2021-1-31", "2021-10-1"],
    "%Y/%m/%d": ["2021/1/31", "2021/10/1"],
    "%Y.%m.%d": ["2021.01.31", "2021.02.01"],
    "%d.%m.%y": ["31.01.21", "1.2.21"],
    "%d %b %Y": ["31 Jan 2021", "1 Feb 2021"],
    "%d. %B %Y": ["31. January 2021", "1. May 2021"],
    "%B %d, %Y": ["January 31, 2021", "May 1, 2021"],
    "%m/%d/%Y %I:%M %p": ["01/31/2021 10:05 PM", "02/01/2021 9:00 AM"],
    "%d.%m.%Y %H:%M": ["31.01.2021 22:05", "01.02.2021 00:00"],
    "%d-%m-%YT%H:%M:%S": ["31-01-2021T22:05:00", "01-02-2021T00:00:01"],
    "%Y%m%d": ["20210131", "20210201"],
}


@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_found(form):
    assert find_date_forms(FORMS[form]) == [form]
    assert parse_date(FORMS[form][0], form).date() == MOMENT.date()


def test_where_days_and_months_may_be_exchanged_both_forms_are_found():
    assert find_date_forms(["01/02/2021", "03/04/2021"]) == ["%d/%m/%Y", "%m/%d/%Y"]
    assert find_date_forms(["01/01/2021", "02/02/2021"]) == ["%d/%m/%Y"]  # either reads the same


@pytest.mark.parametrize(
    "texts",
    [
        [], ["31.01.2021"], ["31.01.2021", "32.01.2021"], ["31.01.2021", "unknown"], ["1.2.3", "1.2.4"],
        ["20211301", "20211302"], ["12345678", "23456789"], ["10.0.0.1", "10.0.0.2"], ["12-34-5678", "12-35-5678"],
        ["red 31", "blue 30"],
    ],
)  # fmt: skip
def test_other_texts_are_no_dates(texts):
    assert find_date_forms(texts) == []


def test_without_a_form_dates_are_those_of_iso_8601():
    for text in ("2021-01-31T22:05", "2021-01-31 22:05:00", "2021/01/31 22:05", "2021-01-31T23:05+01:00"):
        assert parse_date(text, None) == MOMENT
    assert parse_date("2021-01", None) == datetime(2021, 1, 1, tzinfo=UTC)
    assert parse_date("31.01.2021", None) is None
