"""Which events fit which filters, and what ties several events together. Pure.

An event is an envelope of CloudEvents: a mapping with `id`, `source`, `type` and, where there is some, `data`.

Source: CNCF Serverless Workflow DSL 1.0.3, event filters; CloudEvents 1.0.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from omnicore.errors import InvalidInput
from omnicore.workflows.entries import Fault
from omnicore.workflows.graph import EventFilter

__all__ = [
    "check_attribute",
    "correlated",
    "correlation_of",
    "event_correlation",
    "expected_of",
    "literal_of",
    "match",
    "pattern_of",
    "text_of",
    "wait_correlation",
]

_LONGEST_PATTERN = 256
_LONGEST_TEXT = 200
_LONGEST_VALUE = 512  # characters of an attribute that a regular expression is held against
_SPECIAL = re.compile(r"[\\^$*+?()\[\]{}|]")
_TOKENS = re.compile(r"\\.|\[\^?\]?(?:[^\]\\]|\\.)*\]|\(\??|\)|[*+?|]|\{\d*(?:,\d*)?\}", re.DOTALL)
_MOST_REPEATS = 3
_MOST_WAYS: int = _LONGEST_VALUE**_MOST_REPEATS


def match(event: Mapping[str, Any], wanted: EventFilter, scope: Mapping[str, Any]) -> bool:
    """Whether an event has what a filter asks for; what it correlates is not looked at.

    A text is compared as it is where it holds nothing of a regular expression but dots, else as a regular
    expression over the whole value. `data` is evaluated over the event's data: true or false decide, anything
    else has to be equal to the data.

    Raises: Fault: an expression failed.
    """
    if not all(_attribute(event, name, want, scope) for name, want in wanted.attributes.items()):
        return False
    if wanted.data is None:
        return True
    found = wanted.data(event.get("data"), scope)
    return found if isinstance(found, bool) else bool(found == event.get("data"))


def correlation_of(event: Mapping[str, Any], wanted: EventFilter, scope: Mapping[str, Any]) -> dict[str, Any] | None:
    """The values by name that tie an event to others; `from` is evaluated over the envelope.

    None: one of them is not there, so the event is tied to nothing. Raises: Fault: an expression failed.
    """
    found = {name: source(event, scope) for name, (source, _) in wanted.correlate.items()}
    return None if any(value is None for value in found.values()) else found


def expected_of(wanted: EventFilter, scope: Mapping[str, Any]) -> dict[str, Any]:
    """The values that a filter's `expect` gives, by name; those that the first event decides are left out.

    `.` is the input of the task that listens.
    """
    given = scope.get("input")
    return {name: expect(given, scope) for name, (_, expect) in wanted.correlate.items() if expect is not None}


def correlated(
    event: Mapping[str, Any], wanted: EventFilter, scope: Mapping[str, Any], before: Mapping[str, Any]
) -> dict[str, Any] | None:
    """What ties the events together once this one has come, or None: it belongs to others.

    `before` is what the events before it have decided, across all filters of one `listen` or trigger: names that
    several filters share have to have one value.
    """
    found = correlation_of(event, wanted, scope)
    if found is None:
        return None
    fixed = {**before, **expected_of(wanted, scope)}
    if any(name in fixed and fixed[name] != value for name, value in found.items()):
        return None
    return {**before, **found}


def text_of(values: Mapping[str, Any]) -> str:
    """Values that correlate as one short text, to find waits by."""
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), default=str)
    return text if len(text) <= _LONGEST_TEXT else "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def wait_correlation(filters: Sequence[EventFilter], scope: Mapping[str, Any]) -> str:
    """What `WaitRow.correlation` of a `listen` holds: what its events must have, where that is one and the same.

    Empty: any event of the right kind may be for it. An event is looked for under its own text and under the empty one.
    """
    texts = {_wait_text(one, scope) for one in filters}
    return texts.pop() if len(texts) == 1 else ""


def event_correlation(event: Mapping[str, Any], wanted: EventFilter, scope: Mapping[str, Any]) -> str | None:
    """The text under which waits for this event stand; None: it lacks what they would be tied by."""
    found = correlation_of(event, wanted, scope)
    return None if found is None else text_of(found) if found else ""


def _wait_text(wanted: EventFilter, scope: Mapping[str, Any]) -> str:
    try:
        expected = expected_of(wanted, scope)
    except Fault:  # it is found under the empty text, and then fails or fits
        return ""
    return text_of(expected) if expected and len(expected) == len(wanted.correlate) else ""


def literal_of(wanted: EventFilter) -> str | None:
    """The one `type` that a filter can fit, to find it by; None: it may fit several."""
    kind = wanted.attributes.get("type")
    return kind if isinstance(kind, str) and not _SPECIAL.search(kind) else None


def check_attribute(text: str) -> str:
    """The text itself. Raises: InvalidInput: a regular expression that is wrong, or could take for ever."""
    if _SPECIAL.search(text):
        pattern_of(text)
    return text


@lru_cache(maxsize=1024)
def pattern_of(text: str) -> re.Pattern[str]:
    """The compiled regular expression. Raises: InvalidInput."""
    if len(text) > _LONGEST_PATTERN:
        raise InvalidInput(
            f"the regular expression {text[:40]!r}... is too long",
            remedy=f"keep it within {_LONGEST_PATTERN} characters",
        )
    if _explodes(text):
        raise InvalidInput(
            f"the regular expression {text[:80]!r} could take for ever",
            remedy=f"use {_MOST_REPEATS} repeats at most, and no repeat or choice inside of a repeated group",
        )
    try:
        return re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise InvalidInput(f"{text[:80]!r} is no regular expression: {error}", remedy="mend or escape it") from error


def _explodes(text: str) -> bool:
    """Whether it could be tried in too many ways: those of each repeat and choice, multiplied.

    A repeated group with a repeat or a choice in it can take time that doubles with each character.
    """
    inside: list[bool] = [False]
    ways = 1
    for token in _TOKENS.finditer(text):
        found = token.group()
        if found in ("(", "(?"):
            inside.append(False)
        elif found == ")" and len(inside) > 1:
            held = inside.pop()
            if held and text[token.end() : token.end() + 1] in ("*", "+", "{"):
                return True
            inside[-1] = inside[-1] or held
        elif (more := _ways(found)) > 0:
            inside[-1] = True
            ways *= more
    return ways > _MOST_WAYS


def _ways(sign: str) -> int:
    """In how many ways a repeat or a choice can be tried; 0: it is neither."""
    if sign in ("*", "+"):
        return _LONGEST_VALUE
    if sign in ("?", "|"):
        return 3  # more than there are: many in a row cost more than one after the other
    if sign[0] != "{" or sign == "{}":
        return 0
    least, comma, most = sign[1:-1].partition(",")
    if max(int(least or 0), int(most or 0)) > _LONGEST_VALUE:
        return _MOST_WAYS + 1
    return (int(most or _LONGEST_VALUE) - int(least or 0) + 1) if comma else 1


def _attribute(event: Mapping[str, Any], name: str, want: Any, scope: Mapping[str, Any]) -> bool:
    if callable(want):  # an expression
        want = want(event, scope)
    found = event.get(name)
    if not isinstance(want, str) or not isinstance(found, str):
        return type(found) is type(want) and bool(found == want)
    if found == want:
        return True
    if not _SPECIAL.search(want):
        return False
    return len(found) <= _LONGEST_VALUE and pattern_of(want).fullmatch(found) is not None
