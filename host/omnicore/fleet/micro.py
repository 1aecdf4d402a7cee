"""The host as one of NATS' micro-services: answers to `$SRV.PING`, `$SRV.INFO` and `$SRV.STATS`.

Source: NATS ADR-32.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any

from nats.aio.msg import Msg

from omnicore.errors import OmniError
from omnicore.fleet.connection import NatsConnection
from omnicore.fleet.messages import QUEUE, ServedList, call_subject

_VERBS = ("PING", "INFO", "STATS")
_MOST = 10_000
_DESCRIPTION = "Functions of WebAssembly plugins, served by OmniCore"
_OTHER = re.compile("[^A-Za-z0-9_-]")


@dataclass(slots=True)
class _Stats:
    """Figures of one function since the start."""

    requests: int = 0
    errors: int = 0
    last_error: str = ""
    processing_ns: int = 0


class MicroService:
    """Belongs to one event loop.

    Args:
        metadata: further words about this host, such as its labels.
    """

    def __init__(self, connection: NatsConnection, *, host: str, version: str, metadata: Mapping[str, str]) -> None:
        self._connection, self._host, self._version, self._metadata = connection, host, version, dict(metadata)
        self._stats: dict[str, _Stats] = {}
        self._started = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        self.served = ServedList(host=host, revision=0, plugins={})

    async def start(self) -> None:
        """Hears the subjects of discovery: of all services, of those of this name, and of this one."""
        for verb in _VERBS:
            for end in ("", f".{QUEUE}", f".{QUEUE}.{self._host}"):
                await self._connection.hear(f"$SRV.{verb}{end}", partial(self._asked, verb))

    def note(self, ref: str, took_s: float, error: OmniError | None) -> None:
        """Counts a call."""
        stats = self._stats.get(ref)
        if stats is None:
            plugin, _, function = ref.partition(".")
            served = self.served.plugins.get(plugin)
            if served is None or function not in served.functions or len(self._stats) >= _MOST:
                return
            stats = self._stats[ref] = _Stats()
        stats.requests += 1
        stats.processing_ns += int(took_s * 1e9)
        if error is not None:
            stats.errors += 1
            stats.last_error = f"{error.code}: {error.fact}"[:256]

    async def _asked(self, verb: str, message: Msg) -> None:
        if not may_answer(message.reply):
            return
        most = _MOST
        data = self._said(verb, most)
        while len(data) > self._connection.room_bytes and most > 1:  # of thousands, as many as fit one message
            most //= 2
            data = self._said(verb, most)
        with suppress(OmniError):
            await self._connection.publish(message.reply, data)

    def _said(self, verb: str, most: int) -> bytes:
        kind = f"io.nats.micro.v1.{verb.lower()}_response"
        said: dict[str, Any] = {"type": kind, "name": QUEUE, "id": self._host, "version": self._version}
        said["metadata"] = self._metadata
        if verb == "INFO":
            said |= {"description": _DESCRIPTION, "endpoints": [_endpoint(*one) for one in self._shown(most)]}
        elif verb == "STATS":
            said |= {"started": self._started, "endpoints": [self._figures(*one) for one in self._shown(most)]}
        return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()

    def _shown(self, most: int) -> list[tuple[str, str, str]]:
        """Plugins, functions and digests by name."""
        every = (
            (plugin, function, one.digest)
            for plugin, one in sorted(self.served.plugins.items())
            for function in sorted(one.functions)
        )
        return list(islice(every, most))

    def _figures(self, plugin: str, function: str, digest: str) -> dict[str, Any]:
        stats = self._stats.get(f"{plugin}.{function}") or _Stats()
        return {
            **_endpoint(plugin, function, digest),
            "num_requests": stats.requests,
            "num_errors": stats.errors,
            "last_error": stats.last_error,
            "processing_time": stats.processing_ns,
            "average_processing_time": stats.processing_ns // stats.requests if stats.requests else 0,
        }


def _endpoint(plugin: str, function: str, digest: str) -> dict[str, Any]:
    return {
        "name": _OTHER.sub("_", f"{plugin}-{function}"),
        "subject": call_subject(plugin, function),
        "queue_group": QUEUE,
        "metadata": {"plugin": plugin, "function": function, "digest": digest},
    }


def may_answer(reply: str) -> bool:
    """True for a subject that an answer may go to: none of the host's own or of the server's."""
    return bool(reply) and not reply.startswith(("$", "omnicore."))
