# Made from specs/doors by `python -m sdk.generate`; change it there.
"""Send HTTP requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from omnicore_sdk import _core

__all__ = ["Response", "fetch"]


@dataclass(frozen=True, slots=True)
class Response:
    """An answer; a status of 400 and above is one, too."""

    status: int
    """100 to 599."""
    headers: Mapping[str, str]
    """By lower-case names, repeated ones joined by `, `."""
    body: bytes
    """As it came."""


def _read_response(reply: _core.Wire) -> Response:
    return Response(status=reply["status"], headers=reply["headers"], body=_core.to_bytes(reply["body"]))


def fetch(
    url: str,
    *,
    method: str | None = None,
    headers: Mapping[str, str] | None = None,
    body: bytes | str | None = None,
) -> Response:
    """Sends a request and waits for the whole answer.

    Args:
        url: absolute, http or https.
        method: GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS; GET when left out.
        headers: those of the connection itself are the host's.
        body: what is sent.

    Raises: DoorError: the door refused or failed.
    """
    request = _core.present(
        method=method,
        headers=None if headers is None else {**headers},
        body=None if body is None else _core.to_wire(body),
    )
    request |= {"url": url}
    return _read_response(_core.call("http_fetch_v1", request))
