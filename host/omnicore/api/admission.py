"""What may talk to the host at all: the name it is called by, and the page that a browser sends from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address

from omnicore.api.problems import Problem, RefusalError
from omnicore.config.settings import Settings

__all__ = ["Admission", "is_unsafe"]

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_AUTHORITY = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::[0-9]{1,5})?", re.IGNORECASE)
_MOST_REMEMBERED = 64


class Admission:
    """Decides over requests by their headers. Names are compared in lower case."""

    def __init__(self, settings: Settings) -> None:
        self._hosts = frozenset(_names(settings))
        self._passed: set[bytes] = set()

    def check(self, headers: Mapping[bytes, bytes], *, unsafe: bool) -> None:
        """Raises: RefusalError: 421 for a strange name, 403 from a strange page.

        Args:
            unsafe: the request could change something, or is a WebSocket, which pages may open anywhere.
        """
        host = headers.get(b"host", b"")
        if host not in self._passed:
            self._check_host(host)
        if unsafe:
            self._check_origin(headers, host)

    def _check_host(self, host: bytes) -> None:
        # Without this a page could have its own name resolve to 127.0.0.1 and so become the same origin.
        text = host.decode("latin-1").lower()
        match = _AUTHORITY.fullmatch(text)
        if match is None or not ({match["name"], text} & self._hosts):
            raise RefusalError(
                Problem(
                    421,
                    "wrong-host",
                    f"this host is not called {text[:80]!r}",
                    "use a name from the setting allowed_hosts, or add this one to it",
                )
            )
        if len(self._passed) < _MOST_REMEMBERED:
            self._passed.add(host)

    def _check_origin(self, headers: Mapping[bytes, bytes], host: bytes) -> None:
        origin = headers.get(b"origin")
        strange = headers.get(b"sec-fetch-site") == b"cross-site"
        if origin is not None:
            text = origin.decode("latin-1").lower().partition("://")[2]
            strange = text != host.decode("latin-1").lower() and text not in self._hosts
        if strange:
            raise RefusalError(
                Problem(
                    403,
                    "wrong-origin",
                    "a page of another site sent this request",
                    "use a page of this host, or add the page's host and port to the setting allowed_hosts",
                )
            )


def is_unsafe(kind: str, method: str) -> bool:
    """Whether a request may only come from our own pages, or from no page at all."""
    return kind == "websocket" or method not in _SAFE


def _names(settings: Settings) -> list[str]:
    names = [_bracketed(name.lower()) for name in settings.allowed_hosts]
    try:
        address = ip_address(settings.host.strip("[]"))
    except ValueError:
        return names
    return names if address.is_unspecified else [*names, _bracketed(str(address))]


def _bracketed(name: str) -> str:
    return f"[{name}]" if name.count(":") > 1 and not name.startswith("[") else name
