"""Secrets in runs: placeholders everywhere, replaced only at the moment of a call.

A run only ever has placeholders: unguessable texts derived from the run's own random number. `$secrets.token` gives
one, it may be joined to other texts, and rows, logs and events hold nothing else. A step puts the secrets in where the
call is made, and removes them from everything that comes back.
"""

from __future__ import annotations

import asyncio
import hmac
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from omnicore.clock import Clock
from omnicore.connectors.redaction import Redactor
from omnicore.connectors.vault import Vault
from omnicore.errors import NotFound
from omnicore.workflows.faults import Fault

if TYPE_CHECKING:
    from omnicore.clock import Clock
    from omnicore.connectors.vault import Vault

__all__ = ["PREFIX", "SecretReader", "StepSecrets", "marked", "placeholders"]


PREFIX = "omnisecret_"
"""Placeholders begin with it. Letters, digits and `_` only, so that no encoding of URLs or JSON changes them."""

_HEX = 40
_KEPT_S = 5.0  # a secret that was changed is the new one after this time
_MOST = 256
_OTHERS = ("connector.", "webhook.")


def placeholders(nonce: str, names: Iterable[str]) -> dict[str, str]:
    """The placeholder of each secret in the run with this nonce, an unguessable text.

    >>> placeholders("n", ["token"]) == placeholders("n", ["token"]) != placeholders("m", ["token"])
    True
    """
    key = nonce.encode()
    return {name: PREFIX + hmac.digest(key, name.encode(), "sha256").hex()[:_HEX] for name in names}


def marked(value: Any, names: Mapping[str, str]) -> Any:
    """A JSON value as people are shown it: `<secret:NAME>` where a placeholder stands.

    Args: names: placeholder by name, as `Start.secrets`.
    """
    return _replaced(value, {stands: f"<secret:{name}>" for name, stands in names.items()}) if names else value


class StepSecrets:
    """The secrets of a run for one effect. Its `repr` tells none."""

    __slots__ = ("_redactor", "_values")

    def __init__(self, values: Mapping[str, str] | None = None, missing: Mapping[str, str] | None = None) -> None:
        self._values: dict[str, str] = dict(values) if values else {}
        if missing:
            self._values |= {stands: _Missing(name) for stands, name in missing.items()}
        self._redactor = Redactor(values.values()) if values else None

    def put(self, value: Any) -> Any:
        """A JSON value with each placeholder replaced by its secret. Raises: Fault: there is no such secret."""
        if not self._values or not self.within(value):
            return value
        for stands, secret in self._values.items():
            if isinstance(secret, _Missing) and _holds(value, stands):
                raise secret.fault()
        return _replaced(value, self._values)

    def put_in_url(self, url: str) -> str:
        """The same for a URL: percent-encoded, unless it begins with the secret, which then is an address itself."""
        if PREFIX not in url or not self._values:
            return url
        for stands, secret in self._values.items():
            if stands in url:
                plain = str(self.put(stands))
                url = plain + url[len(stands) :] if url.startswith(stands) else url
                url = url.replace(stands, quote(secret, safe=""))
        return url

    def within(self, value: Any) -> bool:
        """True if a placeholder of this run stands in a JSON value."""
        return any(_holds(value, stands) for stands in self._values)

    def hide(self, *secrets: str) -> None:
        """Takes further secrets out as well, such as a token that was fetched with one."""
        self._redactor = self._redactor or Redactor()
        self._redactor.hide(*secrets)

    def hidden(self, value: Any) -> Any:
        """A JSON value without secrets."""
        return value if self._redactor is None else self._redactor.value(value)

    def hidden_fault(self, fault: Fault) -> Fault:
        """The fault without secrets in its texts."""
        if self._redactor is None:
            return fault
        text, extra = self._redactor.text, self._redactor.value(fault.extra)
        return Fault(fault.type, fault.status, text(fault.title), text(fault.detail), fault.instance, extra=extra)

    def __repr__(self) -> str:
        return f"Opened({len(self._values)})"


class _Missing(str):
    """Stands where a secret is not in the vault; only who uses it is told."""

    __slots__ = ()

    def fault(self) -> Fault:
        return Fault(
            "configuration",
            400,
            "Secret missing",
            f"the vault holds no {str(self)!r}; run `omnicore secrets set {self}`",
        )


class SecretReader:
    """Reads secrets from the vault, keeping each for a few seconds; on one event loop."""

    def __init__(self, vault: Vault, clock: Clock) -> None:
        self._vault = vault
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, str | None]] = OrderedDict()

    async def open(self, names: Mapping[str, str]) -> StepSecrets:
        """The secrets of a run. Those of connectors and webhooks are nobody else's.

        Args: names: placeholder by name, as `Start.secrets`.
        Raises: StorageFailed: the vault cannot be opened.
        """
        if not names:
            return StepSecrets()
        now = self._clock.monotonic()
        # Noted before the wait: others may push out what is kept meanwhile.
        known = {name: kept[1] for name in names if (kept := self._kept.get(name)) is not None and kept[0] > now}
        wanted = [name for name in names if name not in known]
        if wanted:
            read = await asyncio.to_thread(self._read, wanted)
            known |= read
            for name, value in read.items():
                self._kept[name] = (now + _KEPT_S, value)
                self._kept.move_to_end(name)
        found = {names[name]: value for name, value in known.items() if value is not None}
        missing = {stands: name for name, stands in names.items() if stands not in found}
        while len(self._kept) > _MOST:
            self._kept.popitem(last=False)
        return StepSecrets(found, missing)

    def _read(self, names: Iterable[str]) -> dict[str, str | None]:
        return {name: None if name.startswith(_OTHERS) else self._get(name) for name in names}

    def _get(self, name: str) -> str | None:
        try:
            return self._vault.get(name)
        except NotFound:
            return None


def _holds(value: Any, text: str) -> bool:
    if isinstance(value, str):
        return text in value
    if isinstance(value, Mapping):
        return any(text in str(name) or _holds(one, text) for name, one in value.items())
    return isinstance(value, (list, tuple)) and any(_holds(one, text) for one in value)


def _replaced(value: Any, by: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        for stands, text in by.items():
            if stands in value:
                value = value.replace(stands, text)
        return value
    if isinstance(value, Mapping):
        return {_replaced(name, by): _replaced(one, by) for name, one in value.items()}
    return [_replaced(one, by) for one in value] if isinstance(value, (list, tuple)) else value
