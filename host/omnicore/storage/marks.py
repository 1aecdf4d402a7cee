"""The marks of parameters: `?` as SQLite and every table here write them, `%s` as psycopg does."""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["with_percent_marks"]

_MARK = "?"
# Texts, names, dollar-quoted bodies and comments are passed by as a whole: a `?` inside of them is no mark.
_TOKEN = re.compile(r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/ | \? | %""", re.VERBOSE | re.DOTALL)


@lru_cache(maxsize=2048)
def with_percent_marks(sql: str) -> str:
    """The statement with `%s` for each mark and every `%` doubled, also those in texts.

    >>> with_percent_marks("SELECT '?%' WHERE a = ?")
    "SELECT '?%%' WHERE a = %s"
    """
    return _TOKEN.sub(_marked, sql)


def _marked(found: re.Match[str]) -> str:
    token = found.group()
    return "%s" if token == _MARK else token.replace("%", "%%")
