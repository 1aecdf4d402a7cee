"""What never gets into a cassette: credentials by the names of their fields, by their form, or by their value."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from omnicore.config.settings import is_secret

__all__ = ["HIDDEN", "Redaction"]

HIDDEN = "[redacted]"
_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-auth-token"})
_WORDS = "token|secret|password|passwd|credential|api[-_]?key|private[-_]?key|signature"
# Idempotent, all of them: what was replayed is compared with what was recorded after both went through here.
_FORMS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(rf'("(?=[^"\\]*(?:{_WORDS}))[^"\\]*+"\s*:\s*)"(?:[^"\\]|\\.)*"', re.IGNORECASE), rf'\1"{HIDDEN}"'),
    (
        re.compile(rf"((?:^|[?&;\s])[^=&?;\s]{{0,80}}(?:{_WORDS})[^=&?;\s]{{0,80}}=)[^&;\s\"]*", re.IGNORECASE),
        rf"\1{HIDDEN}",
    ),
    (  # JSON in a text of JSON, where an escape begins with two backslashes and the end of a text with one
        re.compile(
            rf'(\\"(?=[^"\\]*(?:{_WORDS}))[^"\\]*+\\"\s*:\s*)\\"(?:[^"\\]|\\\\(?:\\.|[^\\]))*\\"', re.IGNORECASE
        ),
        rf'\1\\"{HIDDEN}\\"',
    ),
    (re.compile(r"\bBearer\s+[\w.~+/=-]+|\b(?i:bearer)\s+[\w.~+/=-]{16,}"), f"Bearer {HIDDEN}"),
    (re.compile(r"(\bAuthorization\s*:\s*Basic\s+)[\w+/=-]+", re.IGNORECASE), rf"\1{HIDDEN}"),
    (re.compile(r"://[^/@\s:]+:[^/@\s]+@"), f"://{HIDDEN}@"),
)
_LEAST_SECRET = 4  # shorter values stand in too many places by chance


class Redaction:
    """Hides secrets in JSON values.

    Args:
        keys: names of fields and headers whose texts are hidden, beside those that sound secret anyway.
        patterns: regular expressions; what they match is hidden.
        secrets: texts that are hidden wherever they stand.
    """

    def __init__(self, keys: Iterable[str] = (), patterns: Iterable[str] = (), secrets: Iterable[str] = ()) -> None:
        self._keys = frozenset(key.lower() for key in keys)
        self._patterns = tuple(re.compile(pattern) for pattern in patterns)
        self._secrets: tuple[str, ...] = ()
        self.hide(secrets)

    def hide(self, secrets: Iterable[str]) -> None:
        """Hides these texts as well, also as they stand in a URL."""
        fit = [secret for secret in secrets if len(secret) >= _LEAST_SECRET and secret not in HIDDEN]
        known = {one for secret in fit for one in (secret, quote(secret, safe=""))}
        self._secrets = tuple(sorted({*self._secrets, *known}, key=len, reverse=True))

    def request(self, request: Any) -> Any:
        """A request without its secrets; a `value` under a `key` that names a secret is one."""
        hidden = self._value(request, secret=False)
        if self._names_secret(request) and "value" in request:
            hidden["value"] = HIDDEN
        return hidden

    def reply(self, reply: Any, request: Any) -> Any:
        """The reply to a request without its secrets."""
        hidden = self._value(reply, secret=False)
        if self._names_secret(request) and isinstance(reply, Mapping) and reply.get("value") is not None:
            hidden["value"] = HIDDEN
        return hidden

    def _names_secret(self, request: Any) -> bool:
        key = request.get("key") if isinstance(request, Mapping) else None
        return isinstance(key, str) and self._is_secret(key)

    def _is_secret(self, name: str) -> bool:
        lower = name.lower()
        return lower in _HEADERS or lower in self._keys or is_secret(name)

    def _value(self, value: Any, *, secret: bool) -> Any:
        if isinstance(value, str):
            return HIDDEN if secret else self._text(value)
        if isinstance(value, Mapping):
            if set(value) == {"base64"} and isinstance(value["base64"], str):
                return HIDDEN if secret else {"base64": self._base64(value["base64"])}
            return {
                self._text(name): self._value(one, secret=secret or self._is_secret(name))
                for name, one in value.items()
            }
        return [self._value(one, secret=secret) for one in value] if isinstance(value, (list, tuple)) else value

    def _base64(self, text: str) -> str:
        try:
            data = base64.b64decode(text, validate=True)
        except ValueError:
            return self._text(text)
        found = self._text(data.decode("latin-1"))
        for secret in self._secrets:  # a secret beyond ASCII reads otherwise in Latin-1
            found = found.replace(secret.encode().decode("latin-1"), HIDDEN)
        shown = base64.b64encode(found.encode("latin-1")).decode()
        if any(secret in shown for secret in self._secrets):  # keys are often base64 themselves
            shown = base64.b64encode(HIDDEN.encode()).decode()
        return shown

    def _text(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        for pattern, hidden in _FORMS:
            text = pattern.sub(hidden, text)
        for pattern in self._patterns:
            text = pattern.sub(HIDDEN, text)
        return text
