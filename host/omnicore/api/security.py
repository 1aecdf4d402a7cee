"""What every answer tells browsers: that it is no page, and who else may use it."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["HSTS", "SECURITY", "completed"]

Header = tuple[bytes, bytes]

SECURITY: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
"""For what is no page: JSON, text and bytes, which no browser may take for anything else. Pages bring their own."""

HSTS: Header = (b"strict-transport-security", b"max-age=31536000")
"""Only over https: over http browsers ignore it."""


def completed(headers: Iterable[Header], always: tuple[Header, ...]) -> list[Header]:
    """The headers of an answer, and of `always` those that it does not bring itself."""
    found = list(headers)
    names = {name for name, _ in found}
    return found + [one for one in always if one[0] not in names]
