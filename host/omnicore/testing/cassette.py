"""Cassettes: what doors were asked and what they answered, written once and played ever after.

A cassette is a JSON file. It holds every call of a door in order, the instant at which the guests' clocks stood
and the seed of their random bytes, so that a test plays the same on every machine, without services or a network.
`log` and `config` never leave the host: what they were asked is compared, and they answer themselves.

What never gets into a cassette: credentials by the names of their fields, by their form, or by their value.
"""

from __future__ import annotations

import base64
import difflib
import json
import os
import re
import secrets
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from omnicore.config.settings import is_secret
from omnicore.connectors.redaction import HIDDEN, Redactor
from omnicore.errors import InvalidSetting, NotFound

__all__ = ["FORMAT", "HIDDEN", "LIVE", "Cassette", "CassetteMismatch", "Mode", "Redaction"]


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
        self._secrets = Redactor()
        self.hide(secrets)

    def hide(self, secrets: Iterable[str]) -> None:
        """Hides these texts as well, in whatever form; see `Redactor`."""
        self._secrets.hide(*secrets)

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
        # Bytes that are no UTF-8 stay what they are.
        found = self._text(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        shown = base64.b64encode(found).decode()
        if self._secrets.holds(shown):  # keys are often base64 themselves
            shown = base64.b64encode(HIDDEN.encode()).decode()
        return shown

    def _text(self, text: str) -> str:
        text = self._secrets.text(text)
        for pattern, hidden in _FORMS:
            text = pattern.sub(hidden, text)
        for pattern in self._patterns:
            text = pattern.sub(HIDDEN, text)
        return text


FORMAT = 1
LIVE = frozenset({"log_write_v1", "config_get_v1"})
"""Functions that answer themselves when a cassette is played."""

Mode = Literal["once", "none", "all"]
"""`once` records when there is no file and plays it otherwise, `none` only plays, `all` records anew."""

_MODES = ("once", "none", "all")
_SEED_BYTES = 16


class CassetteMismatch(AssertionError):
    """The guest asks for something else than was recorded, or for less."""


class Cassette:
    """One cassette, recorded or played; used by one test, from any thread.

    Args:
        redact: what is hidden before anything is kept.
        clock_ns: where the guests' clocks stand while it is recorded; now, when None.

    Raises:
        NotFound: there is nothing to play.
        InvalidSetting: the file is no cassette, or one of a version that is not known.
    """

    def __init__(
        self, path: str | Path, mode: Mode = "once", *, redact: Redaction | None = None, clock_ns: int | None = None
    ) -> None:
        if mode not in _MODES:
            raise InvalidSetting(f"{mode!r:.40} is no mode of a cassette", remedy=f"use {', '.join(_MODES)}")
        self.path = Path(path)
        self.redaction = redact or Redaction()
        there = self.path.exists()
        if mode == "none" and not there:
            raise NotFound(f"there is no cassette {path}", remedy="record it with --omnicore-cassettes=once")
        self.playing = there and mode != "all"
        tape = _read(self.path) if self.playing else {}
        self.clock_ns: int = tape.get("clock_ns", time.time_ns() if clock_ns is None else clock_ns)
        self.seed = bytes.fromhex(tape["seed"]) if tape else secrets.token_bytes(_SEED_BYTES)
        self._calls: list[dict[str, Any]] = tape.get("calls", [])
        self._at = 0
        self._failed = False
        self._lock = threading.Lock()

    def play(self, plugin: str, function: str, request: Any) -> dict[str, Any]:
        """The next call, which holds its `reply`, or what it `raised`. Raises: CassetteMismatch."""
        asked = {"plugin": plugin, "function": function, "request": self._plain(self.redaction.request(request))}
        with self._lock:
            place, recorded = self._at, self._calls[self._at] if self._at < len(self._calls) else None
            self._at += 1
            if recorded is not None and {name: recorded[name] for name in asked} == asked:
                return recorded
            self._failed = True
        raise CassetteMismatch(self._difference(place, recorded, asked))

    def record(self, plugin: str, function: str, request: Any, **outcome: Any) -> None:
        """Keeps a call, without its secrets; `outcome` is its `reply`, what it `raised`, or nothing."""
        call = {"plugin": plugin, "function": function, "request": self._plain(self.redaction.request(request))}
        call |= {name: self._plain(self.redaction.reply(value, request)) for name, value in outcome.items()}
        with self._lock:
            self._calls.append(call)

    def save(self) -> None:
        """Writes what was recorded, whole or not at all; a cassette that was played stays as it is."""
        if self.playing:
            return
        tape = {"omnicore_cassette": FORMAT, "clock_ns": self.clock_ns, "seed": self.seed.hex(), "calls": self._calls}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}")
        try:
            partial.write_text(_shown(tape) + "\n", encoding="utf-8")
            os.replace(partial, self.path)
        finally:
            partial.unlink(missing_ok=True)

    def check_all_played(self) -> None:
        """Raises: CassetteMismatch, when calls are left that the guest did not make."""
        left = self._calls[self._at :] if self.playing and not self._failed else []
        if left:
            raise CassetteMismatch(
                f"{self.path}: {len(left)} of {len(self._calls)} recorded calls were not made; the first:\n"
                f"{_shown(_asked(left[0]))}\n{_AGAIN}"
            )

    def _difference(self, place: int, recorded: dict[str, Any] | None, asked: dict[str, Any]) -> str:
        if recorded is None:
            return f"{self.path} holds {len(self._calls)} calls and the guest makes another:\n{_shown(asked)}\n{_AGAIN}"
        before, after = _shown(_asked(recorded)).splitlines(), _shown(asked).splitlines()
        lines = difflib.unified_diff(before, after, "recorded", "asked", n=len(before), lineterm="")
        return f"{self.path}: call {place + 1} is another one:\n" + "\n".join(lines) + f"\n{_AGAIN}"

    @staticmethod
    def _plain(value: Any) -> Any:
        """The value as it comes back from the file, names in order."""
        return json.loads(json.dumps(value, sort_keys=True))


_AGAIN = "if that is what it should do, record anew with --omnicore-cassettes=all"


def _asked(call: dict[str, Any]) -> dict[str, Any]:
    return {name: call[name] for name in ("plugin", "function", "request")}


def _shown(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _read(path: Path) -> dict[str, Any]:
    try:
        tape = json.loads(path.read_text(encoding="utf-8"))
        version = tape["omnicore_cassette"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InvalidSetting(f"{path} is no cassette: {error}", remedy="delete it and record it anew") from error
    if version != FORMAT:
        raise InvalidSetting(
            f"{path} is a cassette of version {version!r:.20}, this is {FORMAT}",
            remedy="use the omnicore that recorded it, or record it anew with --omnicore-cassettes=all",
        )
    if not _is_whole(tape):
        raise InvalidSetting(f"{path} is a damaged cassette", remedy="delete it and record it anew")
    found: dict[str, Any] = tape
    return found


def _is_whole(tape: dict[str, Any]) -> bool:
    clock_ns, seed, calls = (tape.get(name) for name in ("clock_ns", "seed", "calls"))
    if not isinstance(clock_ns, int) or not isinstance(seed, str) or not re.fullmatch(r"(?:[0-9a-f]{2})*", seed):
        return False
    return isinstance(calls, list) and all(_is_call(call) for call in calls)


def _is_call(call: Any) -> bool:
    if not isinstance(call, dict) or not {"plugin", "function", "request"} <= set(call):
        return False
    return call["function"] in LIVE or any(isinstance(call.get(name), dict) for name in ("reply", "raised"))
