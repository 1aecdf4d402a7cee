"""Keys of sessions and tokens: 256 random bits behind a prefix. Only their digests are kept."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable

__all__ = ["OWN", "SESSION", "SHOWN", "TOKEN", "csrf_of", "digest_of", "is_key", "new_key"]

SESSION = "oms_"
TOKEN = "omc_"  # noqa: S105 -- how tokens begin
OWN = "own_"
"""How the key of a server's own machine begins."""

SHOWN = re.compile(r"(?:oms|omc|own)_[A-Za-z0-9_-]{43}")
"""A key wherever it stands in a text that somebody else will read."""

_BYTES = 32
_KEY = re.compile(r"om[sc]_[A-Za-z0-9_-]{43}\Z")


def new_key(prefix: str, chance: Callable[[int], str] = secrets.token_urlsafe) -> str:
    """A key. Prefixes let a person and a scanner of source code tell what has leaked."""
    return prefix + chance(_BYTES)


def is_key(text: str) -> bool:
    """Whether a text has the form of a key, so that others need not be looked for."""
    return _KEY.match(text) is not None


def digest_of(key: str) -> str:
    """What is kept of a key. It needs no salt and no slow hash: nobody guesses 256 bits."""
    return hashlib.sha256(key.encode()).hexdigest()


def csrf_of(key: str) -> str:
    """The CSRF token of a session: bound to its key, and of no use to learn it."""
    return hashlib.sha256(b"csrf:" + key.encode()).hexdigest()
