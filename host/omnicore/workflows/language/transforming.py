"""Expressions that change the text of a secret. They would change what stands for it, and nothing would tell.

A look at the signs of jq, not at its grammar: what is told is certain, and not all of it is told. Time grows with the
length of the expression only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Transformed", "transformed"]

# Possessive, so that a long run of anything costs what it is long.
_TOKEN = re.compile(
    r"""\s++ | \#[^\n]*+
      | (?P<secret>\$secrets\s*+(?:\.\s*+(?P<member>[A-Za-z_]\w*+)|\.?\s*+\[\s*+"(?P<quoted>[^"\\]*+)"\s*+\]))
      | (?P<opener>@[A-Za-z0-9]++(?=\s*+"))
      | (?P<format>@[A-Za-z0-9]++)
      | (?P<word>\$?[A-Za-z_]\w*+(?:::\w++)*+)
      | (?P<field>\.[A-Za-z_]\w*+)
      | (?P<sign>\|=|//=?|[-+*/%=!<>]=|.)""",
    re.VERBOSE | re.DOTALL,
)
_IN_TEXT = re.compile(r'[^"\\]++|\\\(|\\.|"', re.DOTALL)
_CHANGE = frozenset(
    (
        *("ascii_downcase", "ascii_upcase", "ltrimstr", "rtrimstr", "trimstr", "trim", "ltrim", "rtrim", "explode"),
        *("split", "splits", "sub", "gsub", "test", "match", "capture", "scan", "length", "utf8bytelength"),
        *("startswith", "endswith", "contains", "inside", "index", "rindex", "indices", "fromjson", "tonumber"),
        *("@base64", "@base64d", "@base32", "@base32d", "@html", "@sh", "@urid"),
    )
)
"""What makes something else of a text. Not `@uri`: in a URL secrets are encoded as they are put in."""
_KEEP = frozenset({".", "tostring", "@text", "@uri"})
_KEYWORDS = frozenset(("if", "then", "elif", "else", "and", "or", "try", "catch", "reduce", "foreach", "as", "def"))


@dataclass(frozen=True, slots=True)
class Transformed:
    """A secret, and what changes it."""

    secret: str
    by: str


@dataclass(slots=True)
class _Level:
    """What stands between two brackets, or within a text. `secret`: one that is part of what the stage gives."""

    opening: str
    secret: str = ""
    piped: str = ""
    """The one that the stage is given."""
    first: bool = True
    binds: bool = False
    form: str = ""

    def next_stage(self) -> None:
        """After `|`; what was bound by `as` gives nothing on."""
        self.piped = "" if self.binds else self.secret
        self.secret, self.first, self.binds = "", True, False

    def next_part(self) -> None:
        """Something that has nothing to do with what stood before."""
        self.secret = self.piped = ""
        self.first, self.binds = False, False


def transformed(filter: str) -> Iterator[Transformed]:
    """The secrets whose text a filter changes, and by what."""
    levels, before, at = [_Level("(")], "", 0
    while at < len(filter):
        level = levels[-1]
        if level.opening == '"':
            found = _IN_TEXT.match(filter, at)
            if found is None:  # a lone backslash at the end
                return
            if found[0] == "\\(":
                levels.append(_Level("("))
            elif found[0] == '"':
                yield from _closed(levels)
            at = found.end()
            continue
        token = _TOKEN.match(filter, at)
        if token is None:
            return
        at = token.end()
        if token.lastgroup is not None:
            yield from _taken(levels, token, before)
            before = token[0]


def _taken(levels: list[_Level], token: re.Match[str], before: str) -> Iterator[Transformed]:
    """One token outside of texts."""
    level, text = levels[-1], token[0]
    if token["secret"]:
        level.secret = token["member"] or token["quoted"] or ""
        level.first = False
    elif text == '"':
        levels.append(_Level('"', form=before if before[:1] == "@" else ""))
        level.first = False
    elif text in ("(", "[", "{"):
        called = text == "(" and (before[-1:].isalnum() or before[-1:] == "_") and before not in _KEYWORDS
        levels.append(_Level("call" if called else text))
        level.first = False
    elif text in (")", "]", "}"):
        yield from _closed(levels)
    elif text == "|":
        level.next_stage()
    elif text == ";" or (level.opening == "{" and text in (",", ":")):
        level.next_part()
    elif token["opener"]:
        level.first = False
    else:
        yield from _named(level, text)


def _named(level: _Level, text: str) -> Iterator[Transformed]:
    """A function, a keyword or an operator."""
    if level.first and level.piped:
        if text in _CHANGE:
            yield Transformed(level.piped, text)
        elif text in _KEEP:
            level.secret = level.piped
    if text == "as":
        level.binds = True
    elif text in ("then", "==", "!="):
        level.secret = ""
    level.first = False


def _closed(levels: list[_Level]) -> Iterator[Transformed]:
    """The end of a text or of brackets; what is in a list, an object or an argument is not what they give."""
    level = levels.pop()
    if not levels:
        levels.append(_Level("("))
        return
    if level.opening == '"' and level.secret and level.form in _CHANGE:
        yield Transformed(level.secret, level.form)
    elif level.opening in ("(", '"') and level.secret:
        levels[-1].secret = level.secret
