"""Times that a question speaks of, in English and German, as seconds since the epoch.

"What happened last week?" is asked about a week, not about the words: recall answers from that time first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

_MOST_CHARACTERS = 2000
_DAY = timedelta(days=1)
_LEAST_YEAR, _MOST_YEAR = 1900, 2199
_DAYS = {"day": 1, "week": 7, "weekend": 7, "month": 30, "year": 365}
_MOST_BACK = 1000  # of any unit


@dataclass(frozen=True, slots=True)
class SpokenTime:
    """The time from `since` until just before `until`, None for no bound, and the words that say it."""

    words: str
    since: float | None
    until: float | None


_Span = tuple[datetime, datetime]

_COUNTED = (
    ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    ("ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwölf"),
)
_NUMBERS = {
    **{word: at for words in _COUNTED for at, word in enumerate(words, 1)},
    **dict.fromkeys(("a", "an", "einem", "einer", "einen"), 1),
    **dict.fromkeys(("couple of", "a couple of"), 2),
    **dict.fromkeys(("few", "a few", "ein paar", "paar", "einigen"), 3),
}
_UNITS = {
    **{"day": "day", "days": "day", "tag": "day", "tage": "day", "tagen": "day"},
    **{"week": "week", "weeks": "week", "woche": "week", "wochen": "week"},
    **{"month": "month", "months": "month", "monat": "month", "monate": "month", "monaten": "month", "monats": "month"},
    **{"year": "year", "years": "year", "jahr": "year", "jahre": "year", "jahren": "year", "jahres": "year"},
    **{"weekend": "weekend", "wochenende": "weekend"},
}
_MONTHS = {
    word: at
    for words in (
        "january february march april may june july august september october november december",
        "januar februar märz april mai juni juli august september oktober november dezember",
        "jan feb mar apr may jun jul aug sep oct nov dec",
        "jänner feber maerz apr mai jun jul aug sept okt nov dez",
    )
    for at, word in enumerate(words.split(), 1)
}
_WEEKDAYS = {
    word: at
    for words in (
        "monday tuesday wednesday thursday friday saturday sunday",
        "montag dienstag mittwoch donnerstag freitag samstag sonntag",
    )
    for at, word in enumerate(words.split())
} | {"sonnabend": 5}


def _any(words: Iterable[str]) -> str:
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


_COUNT = rf"(?P<count>\d{{1,4}}|{_any(_NUMBERS)})"
_UNIT = rf"(?P<unit>{_any(_UNITS)})"
_MONTH = rf"(?P<month>{_any(_MONTHS)})"
_WEEKDAY = rf"(?P<weekday>{_any(_WEEKDAYS)})"
_YEAR = r"(?P<year>(?:19|20|21)\d\d)"
_LAST = r"(?:last|past|previous|letzte[nmrs]?|vergangene[nmrs]?|vorige[nmrs]?)"
_THIS = r"(?:this|diese[nmrs]?)"


def _midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def _day(now: datetime, back: int) -> _Span:
    start = _midnight(now) - back * _DAY
    return start, start + _DAY


def _month(year: int, month: int) -> _Span:
    at = year * 12 + month - 1
    return _on(at // 12, at % 12 + 1, 1), _on((at + 1) // 12, (at + 1) % 12 + 1, 1)


def _on(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day)


def _whole(unit: str, now: datetime, back: int) -> _Span:
    """The day, week, weekend, month or year so many before this one."""
    if unit == "day":
        return _day(now, back)
    if unit in ("week", "weekend"):
        monday = _midnight(now) - now.weekday() * _DAY - 7 * back * _DAY
        return (monday, monday + 7 * _DAY) if unit == "week" else (monday + 5 * _DAY, monday + 7 * _DAY)
    if unit == "month":
        at = now.year * 12 + now.month - 1 - back
        return _month(at // 12, at % 12 + 1)
    return _on(now.year - back, 1, 1), _on(now.year - back + 1, 1, 1)


def _count(match: re.Match[str]) -> int:
    found = match["count"]
    return min(int(found) if found.isdigit() else _NUMBERS[found], _MOST_BACK)


def _ago(match: re.Match[str], now: datetime) -> _Span:
    unit, count = _UNITS[match["unit"]], _count(match)
    if unit != "week":
        return _whole(unit, now, count)
    # Nobody who says "two weeks ago" means a week that begins on Monday.
    middle = _midnight(now) - 7 * count * _DAY
    return middle - 3 * _DAY, middle + 4 * _DAY


def _during(match: re.Match[str], now: datetime) -> _Span:
    return _midnight(now) - _DAYS[_UNITS[match["unit"]]] * _count(match) * _DAY, _midnight(now) + _DAY


def _last_month(match: re.Match[str], now: datetime) -> _Span:
    """The month of that name, in its year, or the newest that has begun."""
    month = _MONTHS[match["month"]]
    year = match.groupdict().get("year")
    if year is not None:
        return _month(int(year), month)
    return _month(now.year if month <= now.month else now.year - 1, month)


def _date(match: re.Match[str], now: datetime) -> _Span:
    given = match.groupdict()
    month = int(given["number"]) if given.get("number") else _MONTHS[match["month"]]
    start = _on(int(given["year"] or now.year), month, int(match["day"]))
    if given["year"] is None and start > now:
        start = start.replace(year=now.year - 1)
    return start, start + _DAY


def _weekday(match: re.Match[str], now: datetime) -> _Span:
    back = (now.weekday() - _WEEKDAYS[match["weekday"]]) % 7 or 7
    return _day(now, back)


_LEADS: dict[str, str] = {
    **dict.fromkeys(("in", "on", "at", "during", "im", "am", "an", "im jahr", "in the year"), "within"),
    **dict.fromkeys(("since", "seit", "seit dem", "from", "ab"), "since"),
    **dict.fromkeys(("after", "nach", "nach dem"), "after"),
    **dict.fromkeys(("before", "until", "till", "by", "vor", "vor dem", "bis", "bis zum"), "before"),
}
"""Words before a time, and what they make of it."""

_Rule = tuple[re.Pattern[str], Callable[[re.Match[str], datetime], _Span]]


def _rule(pattern: str, found: Callable[[re.Match[str], datetime], _Span], *, alone: bool = True) -> _Rule:
    """A rule. `alone`: whether its words are a time without a word like `in` before them; `may` is none."""
    lead = rf"(?:(?P<lead>{_any(_LEADS)})(?: the)? ){'?' if alone else ''}"
    return re.compile(rf"(?<!\w){lead}(?:{pattern})(?!\w)"), found


_DAY_NUMBER = r"(?P<day>[0-3]?\d)"
_RULES: tuple[_Rule, ...] = (
    _rule(r"(?:the )?day before yesterday|vorgestern", lambda _, now: _day(now, 2)),
    _rule(r"yesterday(?:'s)?|last night|gestern", lambda _, now: _day(now, 1)),
    _rule(r"today(?:'s)?|tonight|this (?:morning|afternoon|evening)|heute", lambda _, now: _day(now, 0)),
    _rule(rf"{_COUNT} {_UNIT} ago", _ago),
    _rule(rf"vor {_COUNT} {_UNIT}", _ago),
    _rule(rf"(?:(?:over|for|während der) )?{_LAST} {_COUNT} {_UNIT}", _during),
    _rule(rf"{_LAST} {_UNIT}", lambda match, now: _whole(_UNITS[match["unit"]], now, 1)),
    _rule(rf"{_THIS} {_UNIT}", lambda match, now: _whole(_UNITS[match["unit"]], now, 0)),
    _rule(rf"{_LAST} {_WEEKDAY}", _weekday),
    _rule(_WEEKDAY, _weekday, alone=False),
    _rule(r"(?P<year>(?:19|20|21)\d\d)-(?P<number>[01]\d)-(?P<day>[0-3]\d)", _date),
    _rule(rf"{_DAY_NUMBER}\.\s?(?P<number>[01]?\d)\.\s?{_YEAR}", _date),
    _rule(rf"{_MONTH}\.? {_DAY_NUMBER}(?:st|nd|rd|th)?(?:,? {_YEAR})?", _date),
    _rule(rf"{_DAY_NUMBER}(?:st|nd|rd|th|\.)?(?: of)? {_MONTH}(?:,? {_YEAR})?", _date),
    _rule(rf"{_MONTH} (?:of )?{_YEAR}", _last_month),
    _rule(rf"(?:{_LAST} )?{_MONTH}", _last_month, alone=False),
    _rule(rf"(?:{_LAST}|{_THIS}) {_MONTH}", _last_month),
    _rule(_YEAR, lambda match, _: (_on(int(match["year"]), 1, 1), _on(int(match["year"]) + 1, 1, 1)), alone=False),
)


_WORD = re.compile(r"\w+")
_TELLING = frozenset(
    {*_UNITS, *_MONTHS, *_WEEKDAYS, "yesterday", "vorgestern", "gestern", "today", "tonight", "heute", "night"}
    | {"morning", "afternoon", "evening"}
)
"""Words of which each time has one, unless it has a number."""


def spoken_time(text: str, now: float) -> SpokenTime | None:
    """The time that a text speaks of, seen from `now` in the zone of the host; None for none.

    >>> spoken_time("What is my name?", 0.0) is None
    True
    """
    lowered = text[:_MOST_CHARACTERS].lower()
    if not any(word in _TELLING or word[0].isdigit() for word in _WORD.findall(lowered)):
        return None
    try:
        at = datetime.fromtimestamp(now)
    except (ValueError, OverflowError, OSError):  # before or after all calendars
        return None
    found: list[tuple[int, re.Match[str], _Span]] = []
    for pattern, rule in _RULES:
        match = pattern.search(lowered)
        if match is None:
            continue
        try:
            span = rule(match, at)
        except (ValueError, OverflowError):  # the 31st of February, or before all calendars
            continue
        if _LEAST_YEAR <= span[0].year <= _MOST_YEAR:
            found.append((match.start(), match, span))
    if not found:
        return None
    # The longest says it best: of "in May 2025" more than of "in May".
    _, match, (start, end) = max(found, key=lambda one: (one[1].end() - one[1].start(), -one[0]))
    since, until = start.timestamp(), end.timestamp()
    meant = _LEADS[match["lead"] or "in"]
    return {
        "within": SpokenTime(match[0], since, until),
        "since": SpokenTime(match[0], since, None),
        "after": SpokenTime(match[0], until, None),
        "before": SpokenTime(match[0], None, since),
    }[meant]
