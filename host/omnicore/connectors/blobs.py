"""Bytes as they travel in JSON: text where they are UTF-8, else `{"base64": "..."}`."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

__all__ = ["shown", "wrapped"]


def shown(data: bytes) -> str | dict[str, str]:
    """Bytes as a JSON value.

    >>> shown(b"tea"), shown(b"\\xff")
    ('tea', {'base64': '/w=='})
    """
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def wrapped(value: Any) -> bytes | None:
    """The bytes of `{"base64": "..."}`; None for anything else."""
    if not isinstance(value, Mapping) or set(value) != {"base64"} or not isinstance(value["base64"], str):
        return None
    try:
        return base64.b64decode(value["base64"], validate=True)
    except ValueError:
        return None
