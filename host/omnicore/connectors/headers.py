"""Header fields that come from guests and from servers: checked, cut to size, and put in one form. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from omnicore.errors import InvalidInput, LimitExceeded

__all__ = ["from_guest", "from_server", "method_name", "same_origin_only"]

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_UNFIT = re.compile("[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
_GUEST_FIELDS, _GUEST_BYTES = 100, 16 * 1024
_SERVER_FIELDS, _SERVER_BYTES = 200, 64 * 1024

# The connection is the host's: fields about it, its length and its coding are not a guest's to set.
_HOSTS_OWN = frozenset(
    {
        *("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"),
        *("host", "content-length", "expect", "accept-encoding", "proxy-authorization", "http2-settings"),
    }
)
_CREDENTIALS = frozenset({"authorization", "cookie", "cookie2"})


def method_name(method: str) -> str:
    """The method in upper case. Raises: InvalidInput for one that is not in `METHODS`."""
    upper = method.upper()
    if upper not in METHODS:
        raise InvalidInput(f"{method[:40]!r} is no HTTP method", remedy=f"use one of {', '.join(METHODS)}")
    return upper


def from_guest(headers: Mapping[str, str]) -> dict[str, str]:
    """The fields to send, by lower-case name, without those the host sets itself.

    Raises:
        InvalidInput: a name or a value that could break out of its line.
        LimitExceeded: more than 100 fields or 16 KiB.
    """
    clean: dict[str, str] = {}
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name) or _UNFIT.search(value):
            raise InvalidInput(f"the header {name[:80]!r} holds characters that a header cannot hold")
        if name.lower() not in _HOSTS_OWN:
            clean[name.lower()] = value.strip(" \t")
    _bound("request", clean.items(), _GUEST_FIELDS, _GUEST_BYTES)
    return clean


def from_server(fields: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The answer's fields by lower-case name, repeated ones joined by `, `. Raises: LimitExceeded."""
    pairs = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in fields]
    _bound("response", pairs, _SERVER_FIELDS, _SERVER_BYTES)
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def same_origin_only(headers: Mapping[str, str]) -> dict[str, str]:
    """The fields that may follow a redirect to another origin: all but credentials."""
    return {name: value for name, value in headers.items() if name not in _CREDENTIALS}


def _bound(side: str, pairs: Iterable[tuple[str, str]], fields: int, size: int) -> None:
    sizes = [len(name) + len(value) for name, value in pairs]
    if len(sizes) > fields or sum(sizes) > size:
        raise LimitExceeded(
            f"the {side}'s headers exceed {fields} fields or {size} bytes", limit="http_headers", allowed=size
        )
