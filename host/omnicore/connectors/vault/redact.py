"""Takes known secrets out of texts and JSON values, in the forms that services and libraries write them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

__all__ = ["HIDDEN", "Redactor"]

HIDDEN = "[redacted]"
_LEAST = 4  # shorter ones stand in too many places by chance


class Redactor:
    """Hides the secrets it was told of. Its cost grows with the text times the number of secrets, in C."""

    __slots__ = ("_forms",)

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: tuple[str, ...] = ()
        self.hide(*secrets)

    def hide(self, *secrets: str) -> None:
        """Hides these from now on as well."""
        found = {form for secret in secrets if len(secret) >= _LEAST for form in _forms(secret)}
        # The longest first: a short secret inside a long one must not leave the rest of it to be read.
        self._forms = tuple(sorted({*self._forms, *found}, key=lambda form: (-len(form), form)))

    def text(self, text: str) -> str:
        """The text without secrets."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, HIDDEN)
        return text

    def value(self, value: Any) -> Any:
        """A JSON value without secrets, in keys neither."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.value(one) for key, one in value.items()}
        return [self.value(one) for one in value] if isinstance(value, (list, tuple)) else value

    def holds(self, text: str) -> bool:
        """Whether a secret stands in the text."""
        return any(form in text for form in self._forms)

    def __repr__(self) -> str:
        return f"Redactor({len(self._forms)} forms)"


def _forms(secret: str) -> set[str]:
    data = secret.encode()
    inside = {_within_base64(data, before) for before in range(3)}
    written = {secret, quote(secret, safe=""), quote(secret), quote_plus(secret), json.dumps(secret)[1:-1]}
    written |= {json.dumps(secret, ensure_ascii=False)[1:-1], data.hex(), secret.strip()}
    return {form for form in (*written, *inside) if len(form) >= _LEAST}


def _within_base64(data: bytes, before: int) -> str:
    """What a text's base64 surely holds when these bytes stand in it after `before` others, modulo three.

    So `user:password` of HTTP's basic scheme is found by the password alone.
    """
    coded = base64.b64encode(b"\0" * before + data).decode().rstrip("=")
    start = (0, 2, 3)[before]
    end = len(coded) - (1 if (before + len(data)) % 3 else 0)
    found = coded[start:end]
    return found if len(found) >= 2 * _LEAST else ""
