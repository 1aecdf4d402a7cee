"""Ticks of schedules: cron, intervals and single moments, and the treatment of missed ticks. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice, takewhile
from typing import Literal, Protocol
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from omnicore.errors import InvalidInput

Kind = Literal["cron", "interval", "once"]
Missed = Literal["skip", "one", "all"]
_SHORTEST_S = 1.0
_LATEST = 253_370_764_800.0  # the year 9999: nothing that is written as a date lies after it
_CRON_CHARACTERS = 200


class Ticks(Protocol):
    """The moments of one schedule. Units: seconds since the Unix epoch."""

    def after(self, moment: float) -> float | None:
        """The first tick after a moment."""

    def back_from(self, moment: float) -> Iterator[float]:
        """Ticks up to and with a moment, the latest first."""


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron expression in a time zone, with Debian's rules where clocks change.

    A fixed time that falls into the gap in spring ticks when the gap is over; one that comes twice in autumn
    ticks the first time. Expressions with `*` for minute or hour follow real time. Source: cron(8) of Debian.
    """

    expression: str
    timezone: str

    def after(self, moment: float) -> float | None:
        """The first tick after a moment; none when there is none for 50 years."""
        return next((tick for tick in self._walk(moment, reverse=False) if tick > moment), None)

    def back_from(self, moment: float) -> Iterator[float]:
        """Ticks up to and with a moment, the latest first."""
        return (tick for tick in self._walk(math.floor(moment) + 1, reverse=True) if tick <= moment)

    def _walk(self, moment: float, *, reverse: bool) -> Iterator[float]:
        start = datetime.fromtimestamp(moment, zone(self.timezone))
        return (when.timestamp() for when in CronSim(self.expression, start, reverse=reverse))


@dataclass(frozen=True, slots=True)
class Interval:
    """Every so many seconds, counted from `begin`, so that lateness does not add up."""

    every_s: float
    begin: float

    def after(self, moment: float) -> float | None:
        """The first tick after a moment."""
        return self._tick(max(1, math.floor((moment - self.begin) / self.every_s) + 1))

    def back_from(self, moment: float) -> Iterator[float]:
        """Ticks up to and with a moment, the latest first."""
        number = math.floor((moment - self.begin) / self.every_s)
        return (self._tick(one) for one in range(number, 0, -1))

    def _tick(self, number: int) -> float:
        return self.begin + number * self.every_s


@dataclass(frozen=True, slots=True)
class Once:
    """One moment."""

    at: float

    def after(self, moment: float) -> float | None:
        """The moment, while it is to come."""
        return self.at if moment < self.at else None

    def back_from(self, moment: float) -> Iterator[float]:
        """The moment, once it has come."""
        return iter((self.at,) if self.at <= moment else ())


def ticks_of(kind: str, spec: str, timezone: str, begin: float) -> Ticks:
    """The ticks of a schedule: a cron expression, seconds, or a date as ISO 8601 or seconds since the epoch.

    Raises: InvalidInput: it cannot be understood, or would never tick.
    """
    zone(timezone)
    if kind == "cron":
        return _cron(spec, timezone, begin)
    if kind == "interval":
        seconds = _number(spec)
        if seconds is None or not _SHORTEST_S <= seconds <= _LATEST:
            raise InvalidInput(f"{spec[:80]!r} is no interval", remedy=f"give seconds, at least {_SHORTEST_S:g}")
        return Interval(seconds, begin)
    if kind == "once":
        return Once(_moment(spec, timezone))
    raise InvalidInput(f"{kind[:80]!r} is no kind of schedule", remedy="use cron, interval or once")


def some_after(ticks: Ticks, moment: float, most: int) -> Iterator[float]:
    """Up to `most` ticks after a moment, the first one first."""
    for _ in range(most):
        found = ticks.after(moment)
        if found is None:
            return
        yield found
        moment = found


def said(ticks: Ticks) -> str:
    """A cron expression in English; empty for other kinds."""
    if not isinstance(ticks, Cron):
        return ""
    return CronSim(ticks.expression, datetime.fromtimestamp(0, UTC)).explain()


def zone(name: str) -> ZoneInfo:
    """The time zone of a name such as `Europe/Berlin`. Raises: InvalidInput."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:  # zoneinfo's own error is a KeyError
        raise InvalidInput(
            f"{name[:80]!r} is no time zone", remedy="use a name such as UTC or Europe/Berlin"
        ) from error


@dataclass(frozen=True, slots=True)
class Tick:
    """The ticks that a schedule runs now, oldest first, and its next tick."""

    runs: tuple[float, ...]
    next_at: float | None


def choose(ticks: Ticks, since: float, now: float, missed: str, *, grace_s: float, most: int) -> Tick:
    """The ticks to run of those from `since` until `now`.

    The latest one counts as on time for `grace_s`. Missed ones: `skip` runs none of them, `one` the latest,
    `all` the latest `most`.
    """
    wanted = most if missed == "all" else 1
    found = list(islice(takewhile(lambda tick: tick >= since, ticks.back_from(now)), wanted))
    if missed == "skip":
        found = [tick for tick in found if now - tick <= grace_s]
    return Tick(tuple(reversed(found)), ticks.after(now))


def _cron(spec: str, timezone: str, begin: float) -> Cron:
    cron = Cron(spec, timezone)
    try:
        if len(spec) <= _CRON_CHARACTERS and cron.after(begin) is not None:
            return cron
        problem = "it never ticks"
    except (CronSimError, ValueError) as error:
        problem = str(error)
    raise InvalidInput(
        f"{spec[:80]!r} is no cron expression: {problem}",
        remedy="write minute, hour, day, month and weekday, such as `30 8 * * MON-FRI`",
    )


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _moment(text: str, timezone: str) -> float:
    seconds = _number(text)
    if seconds is None:
        try:
            when = datetime.fromisoformat(text)
            seconds = (when if when.tzinfo else when.replace(tzinfo=zone(timezone))).astimezone(UTC).timestamp()
        except (ValueError, OverflowError) as error:
            raise InvalidInput(
                f"{text[:80]!r} is no moment", remedy="write it as 2030-01-31T08:00 or seconds since the epoch"
            ) from error
    if not 0 <= seconds <= _LATEST:
        raise InvalidInput(f"{text[:80]!r} lies too far away", remedy="give a date up to the year 9998")
    return seconds
