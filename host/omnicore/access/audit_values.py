"""What may stand in a row of the record: JSON values without secrets, of bounded size."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any

from omnicore.access.keys import SHOWN
from omnicore.config.setting import is_secret
from omnicore.storage.tables.audit_chain import canonical

__all__ = ["HIDDEN", "MOST_BYTES", "kept_text", "kept_value"]

HIDDEN = "[redacted]"
MOST_BYTES = 8192
"""The most that `before` or `after` take in a row."""

_TEXT = 1024
_ITEMS = 100
_DEPTH = 8
_DIGITS = 64  # bits of a number; a longer one is shown by its digest
_NAMES = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-auth-token", "x-csrf-token"}
    | {"csrf", "passphrase", "code", "signature"}
)
_FORMS: tuple[tuple[re.Pattern[str], str], ...] = (
    (SHOWN, HIDDEN),
    (re.compile(r"\b(?i:bearer)\s+[\w.~+/=-]{8,}"), f"Bearer {HIDDEN}"),
    (re.compile(r"\b(?i:basic)\s+[\w+/]{8,}={0,2}"), f"Basic {HIDDEN}"),
    (re.compile(r"://[^/@\s:]{0,200}:[^/@\s]{1,500}@"), f"://{HIDDEN}@"),
    (
        re.compile(r"(?i)((?:token|secret|passw(?:or)?d|api[-_]?key|signature)[\"']?\s*[=:]\s*[\"']?)[^\s\"'&;,]+"),
        rf"\1{HIDDEN}",
    ),
)


def kept_text(text: str, most: int = 200) -> str:
    """A name as a column takes it: bounded, and every character one that can be stored and shown.

    >>> kept_text("a" + chr(0) + chr(0xD800))
    'a\\\\x00\\\\ud800'
    """
    if len(text) <= most and text.isprintable():
        return text
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text[:most])
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def kept_value(value: Any, hide: Callable[[Any], Any] = lambda value: value) -> str | None:
    """A value as canonical JSON of at most `MOST_BYTES`, its secrets hidden by their names and forms.

    What is too long stands there by its size and SHA-256. None stays None.

    Args:
        hide: hides further secrets in a JSON value, which is of bounded depth by then.
    """
    if value is None:
        return None
    text = canonical(hide(_clean(value, _DEPTH)))
    return text if len(text) <= MOST_BYTES else canonical(_digest(text.encode()))


def _clean(value: Any, depth: int) -> Any:
    if isinstance(value, (bool, int, float)):
        return _number(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bytes):
        return _digest(value)
    if value is None or depth == 0:
        return None if value is None else "…"
    return _members(value, depth) if isinstance(value, Mapping) else _items(value, depth)


def _number(value: float) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if value.bit_length() <= _DIGITS else _digest(f"{value:x}".encode())
    return float(value) if math.isfinite(value) else str(value)


def _members(value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    # A form of its own for `{"name": "api_key", "value": ...}`, where the secret's name is a value.
    named = any(isinstance(value.get(key), str) and _is_secret(value[key]) for key in ("key", "name", "setting"))
    kept: dict[str, Any] = {}
    for key, one in islice(value.items(), _ITEMS):
        name = _text(str(key)[:_TEXT])
        hidden = one is not None and (_is_secret(name) or (named and name == "value"))
        kept[name] = HIDDEN if hidden else _clean(one, depth - 1)
    if len(value) > _ITEMS:
        kept["…"] = len(value) - _ITEMS
    return kept


def _items(value: Any, depth: int) -> Any:
    if not isinstance(value, Iterable):
        return _text(str(value))
    taken = list(islice(iter(value), _ITEMS + 1))
    kept = [_clean(one, depth - 1) for one in taken[:_ITEMS]]
    return kept if len(taken) <= _ITEMS else [*kept, "…"]


def _is_secret(name: str) -> bool:
    return is_secret(name) or name.lower() in _NAMES


def _text(text: str) -> Any:
    if len(text) > _TEXT:
        return _digest(text.encode("utf-8", "surrogatepass"))
    return _hidden(text)


def _hidden(text: str) -> str:
    for form, instead in _FORMS:
        text = form.sub(instead, text)
    return text


def _digest(data: bytes) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
