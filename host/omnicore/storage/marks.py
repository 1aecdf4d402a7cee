"""Statements as every table here writes them, with `?` as in SQLite, in the words of psycopg and PostgreSQL."""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["copy_of", "many_of", "with_percent_marks"]

_MARK = "?"
# Texts, names, dollar-quoted bodies and comments are passed by as a whole: a `?` inside of them is no mark.
_TOKEN = re.compile(r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/ | \? | %""", re.VERBOSE | re.DOTALL)
_PLAIN_INSERT = re.compile(r"INSERT INTO (\w+ \([\w\", ]+\)) VALUES \(\?(?:, \?)*\)")
_INSERT_ONCE = re.compile(
    r"(INSERT INTO \w+ \([\w\", ]+\) VALUES )(\(\?(?:, \?)*\))( ON CONFLICT(?: \([\w, ]+\))? DO NOTHING)"
)


@lru_cache(maxsize=2048)
def with_percent_marks(sql: str) -> str:
    """The statement with `%s` for each mark and every `%` doubled, also those in texts.

    >>> with_percent_marks("SELECT '?%' WHERE a = ?")
    "SELECT '?%%' WHERE a = %s"

    A comment that begins with an exclamation mark is for PostgreSQL alone, as it is for MySQL elsewhere:

    >>> with_percent_marks("SELECT a FROM t /*! FOR UPDATE */")
    'SELECT a FROM t  FOR UPDATE '
    """
    return _TOKEN.sub(_marked, sql)


@lru_cache(maxsize=256)
def copy_of(sql: str) -> str | None:
    """The COPY that does what a plain INSERT does for many rows; None for any other statement.

    >>> copy_of("INSERT INTO t (a, b) VALUES (?, ?)"), copy_of("INSERT INTO t (a) VALUES (?) ON CONFLICT DO NOTHING")
    ('COPY t (a, b) FROM STDIN', None)
    """
    found = _PLAIN_INSERT.fullmatch(sql)
    return None if found is None else f"COPY {found[1]} FROM STDIN"


@lru_cache(maxsize=256)
def many_of(sql: str, rows: int) -> str | None:
    """The INSERT of so many rows at once for one that leaves out what is there; None for any other statement.

    >>> many_of("INSERT INTO t (a, b) VALUES (?, ?) ON CONFLICT DO NOTHING", 2)
    'INSERT INTO t (a, b) VALUES (?, ?), (?, ?) ON CONFLICT DO NOTHING'
    """
    found = _INSERT_ONCE.fullmatch(sql)
    return None if found is None else f"{found[1]}{', '.join([found[2]] * rows)}{found[3]}"


def _marked(found: re.Match[str]) -> str:
    token = found.group()
    if token.startswith("/*!"):
        return token[3:-2]
    return "%s" if token == _MARK else token.replace("%", "%%")
