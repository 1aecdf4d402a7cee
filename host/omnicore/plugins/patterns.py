"""Regular expressions of strangers, with a bound on what one match may cost.

Python's `re` backtracks and cannot be interrupted, so a plugin's schema could stop the host with one pattern.
Taken are patterns whose worst case is a polynomial that is known beforehand; long texts are then refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["SafePattern", "UnsafePatternError", "safe_pattern"]

_STEPS = 16_000_000  # about half a second of `re` at its worst
_MOST_DEGREE = 4
_MOST_CHOICES = 6
_MOST_COPIES = 1_000
_TOKEN = re.compile(
    r"(?P<escape>\\.)|(?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])|(?P<special>\(\?[^:])|(?P<open>\((?:\?:)?)"
    r"|(?P<close>\))|(?P<either>\|)|(?P<count>\{(?!\})(?P<least>[0-9]*)(?P<comma>,)?(?P<most>[0-9]*)\})"
    r"|(?P<repeat>[*+])|(?P<maybe>\?)|(?P<other>.)",
    re.DOTALL,
)
_QUANTIFIERS = ("repeat", "maybe", "count")


class UnsafePatternError(ValueError):
    """A pattern that is not taken; the text says why."""


@dataclass(frozen=True, slots=True)
class SafePattern:
    """A pattern that matches within its budget. Units: `longest` characters of a text it is tried on."""

    pattern: re.Pattern[str]
    longest: int


@dataclass(slots=True)
class _Tally:
    """What a group holds: open-ended repeats, two-way choices, and how often its fixed parts are copied."""

    repeats: int = 0
    choices: int = 0
    copies: int = 1

    def add(self, inner: _Tally) -> None:
        self.repeats += inner.repeats
        self.choices += inner.choices
        self.copies = max(self.copies, inner.copies)


def safe_pattern(text: str) -> SafePattern:
    """Compiles a pattern. Raises: UnsafePatternError: no valid one, or one that could run away."""
    tally = _tally(text)
    try:
        compiled = re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise UnsafePatternError(f"is no regular expression that Python knows: {error}") from error
    anchored = text.startswith("^") and tally.choices == 0
    degree = tally.repeats + (not anchored)
    if degree > _MOST_DEGREE or tally.choices > _MOST_CHOICES or tally.copies > _MOST_COPIES:
        raise UnsafePatternError("has too many repeats and choices to be safe")
    return SafePattern(compiled, int((_STEPS / 2**tally.choices) ** (1 / max(degree, 1))))


def _tally(text: str) -> _Tally:
    stack, last, before = [_Tally()], _Tally(), ""
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup or ""
        if kind == "special" or (kind == "escape" and token.group()[1].isdigit()):
            raise UnsafePatternError("uses a look-around, a flag, a named group or a back reference")
        if kind == "open":
            stack.append(_Tally())
        elif kind == "close" and len(stack) > 1:
            last = stack.pop()
            stack[-1].add(last)
        elif kind in _QUANTIFIERS:
            # `a+?` and `a++` say how the repeat before them matches, they repeat nothing themselves.
            if before not in _QUANTIFIERS:
                _quantify(stack[-1], last, token)
        elif kind == "either":
            stack[-1].choices += 1
        else:
            last = _Tally()
        before = kind
    return stack[0]


def _quantify(group: _Tally, atom: _Tally, token: re.Match[str]) -> None:
    if token.lastgroup == "count" and not token["comma"]:
        times = int(token["least"][:6])
        group.copies = max(group.copies, atom.copies * times)
        group.repeats += atom.repeats * max(times - 1, 0)
        group.choices += atom.choices * max(times - 1, 0)
    elif atom.repeats or atom.choices:
        raise UnsafePatternError("repeats a part that itself repeats or has choices")
    elif token.lastgroup == "maybe":
        group.choices += 1
    else:
        group.repeats += 1
