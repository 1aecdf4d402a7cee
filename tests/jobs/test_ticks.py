"""When schedules tick: time zones, gaps and folds of their clocks, and what was missed."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.errors import InvalidInput
from omnicore.jobs.ticks import choose, ticks_of

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold).timestamp()


def walk(expression: str, start: float, count: int) -> list[str]:
    ticks, found = ticks_of("cron", expression, "Europe/Berlin", start), []
    for _ in range(count):
        start = ticks.after(start) or 0.0
        found.append(datetime.fromtimestamp(start, BERLIN).isoformat())
    return found


def test_cron_follows_the_time_zone() -> None:
    assert walk("30 8 * * MON-FRI", at("2026-01-02T08:30"), 2) == [
        "2026-01-05T08:30:00+01:00",
        "2026-01-06T08:30:00+01:00",
    ]


def test_a_time_that_is_left_out_in_spring_ticks_once_the_gap_is_over() -> None:
    assert walk("30 2 * * *", at("2026-03-28T12:00"), 2) == ["2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"]


def test_a_time_that_comes_twice_in_autumn_ticks_once() -> None:
    assert walk("30 2 * * *", at("2026-10-24T12:00"), 2) == ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]
    for fold in (0, 1):
        assert walk("30 2 * * *", at("2026-10-25T02:45", fold), 1) == ["2026-10-26T02:30:00+01:00"]
    assert walk("30 2 * * *", at("2026-10-25T02:10", 1), 1) == ["2026-10-26T02:30:00+01:00"]


def test_every_half_hour_is_every_half_hour_of_real_time() -> None:
    for start in (at("2026-03-29T00:00"), at("2026-10-25T00:00")):
        ticks, moment, found = ticks_of("cron", "*/30 * * * *", "Europe/Berlin", start), start, []
        for _ in range(12):
            found.append((ticks.after(moment) or 0) - moment)
            moment += found[-1]
        assert found == [1800] * 12


@given(
    st.sampled_from(["30 2 * * *", "*/7 * * * *", "0 0 1 * *", "15 1-5 * * SUN", "59 23 31 12 *"]),
    st.floats(at("2025-01-01T00:00"), at("2027-01-01T00:00")),
)
def test_back_from_a_moment_finds_what_came_before_it(expression: str, moment: float) -> None:
    ticks = ticks_of("cron", expression, "Europe/Berlin", moment)
    before = next(ticks.back_from(moment))
    following = ticks.after(before)
    assert before <= moment
    assert following is not None
    assert following > moment


@given(st.floats(1, 1e7), st.floats(0, 2e9), st.floats(0, 1e9))
def test_intervals_do_not_drift(every: float, begin: float, passed: float) -> None:
    ticks = ticks_of("interval", str(every), "UTC", begin)
    following = ticks.after(begin + passed)
    assert following is not None
    assert begin + passed <= following <= begin + passed + every + 1e-3
    assert round((following - begin) / every, 3) == round((following - begin) / every)


def test_a_single_moment_is_one_tick() -> None:
    ticks = ticks_of("once", "2030-01-31T08:00", "Europe/Berlin", 0)
    moment = at("2030-01-31T08:00")
    assert ticks.after(0) == moment
    assert ticks.after(moment) is None
    assert list(ticks.back_from(moment)) == [moment]
    assert list(ticks.back_from(moment - 1)) == []
    assert ticks_of("once", "2030-01-31T08:00+05:00", "UTC", 0).after(0) == moment - 4 * 3600
    assert ticks_of("once", "1900000000", "UTC", 0).after(0) == 1_900_000_000


@pytest.mark.parametrize(
    ("missed", "expected"),
    [("skip", []), ("one", [500.0]), ("all", [300.0, 400.0, 500.0])],
)
def test_missed_ticks_are_skipped_or_made_up_for_once_or_each(missed: str, expected: list[float]) -> None:
    ticks = ticks_of("interval", "100", "UTC", 0)
    tick = choose(ticks, 200, 590, missed, grace_s=60, most=3)
    assert (list(tick.runs), tick.next_at) == (expected, 600)


def test_a_tick_that_is_a_little_late_is_not_missed() -> None:
    tick = choose(ticks_of("interval", "100", "UTC", 0), 200, 510, "skip", grace_s=60, most=3)
    assert (tick.runs, tick.next_at) == ((500,), 600)


def test_a_year_of_missed_seconds_costs_only_what_is_made_up_for() -> None:
    year = 366 * 86_400
    tick = choose(ticks_of("cron", "* * * * * *", "UTC", 0), 0, year, "all", grace_s=60, most=5)
    assert tick.runs == tuple(range(year - 4, year + 1))


@pytest.mark.parametrize(
    ("kind", "spec", "timezone"),
    [
        ("cron", "every day", "UTC"),
        ("cron", "0 0 30 2 *", "UTC"),
        ("cron", "* * * *", "UTC"),
        ("cron", "*" * 500, "UTC"),
        ("cron", "0 0 * * *", "Mars/Olympus"),
        ("cron", "0 0 * * *", "../../etc/passwd"),
        ("cron", "0 0 * * *", "\0"),
        ("cron", "0 0 * * *", ""),
        ("interval", "0.5", "UTC"),
        ("interval", "nan", "UTC"),
        ("interval", "1e300", "UTC"),
        ("interval", "soon", "UTC"),
        ("once", "tomorrow", "UTC"),
        ("once", "1e300", "UTC"),
        ("once", "-1", "UTC"),
        ("once", "9999-12-31T23:59:59", "UTC"),
        ("never", "1", "UTC"),
    ],
)
def test_what_cannot_be_understood_or_never_ticks_is_refused(kind: str, spec: str, timezone: str) -> None:
    with pytest.raises(InvalidInput):
        ticks_of(kind, spec, timezone, 0)
