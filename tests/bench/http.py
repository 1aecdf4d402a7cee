"""Calls over HTTP: our route against a bare echo route, each in its own server, loaded by turns from here."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from tests.bench.guests import ROOT
from tests.bench.measure import Effort, Figure
from tests.bench.report import Row, at_least

__all__ = ["http_calls", "token_calls", "tool_calls"]

_BODY = b"x" * 64
_CONNECTIONS = 8
_REQUESTS = 800
_MCP = "2026-07-28"
_TOOL = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {
        "name": "warm.echo",
        "arguments": {"input": _BODY.decode()},
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": _MCP,
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    },
}
_TOOL_HEADERS = (
    "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
    f"MCP-Protocol-Version: {_MCP}\r\nMcp-Method: tools/call\r\nMcp-Name: warm.echo"
)
_PLAIN = "Content-Type: application/octet-stream"
_ALIKE = "one client; each side a process of one Hypercorn with the same settings and request bytes"
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class _Server:
    """A server process, what it is asked, and what its turns gave: requests a second, processor time for all."""

    url: str
    pid: int
    body: bytes = _BODY
    headers: str = _PLAIN
    owner: str = ""
    token: str = ""
    rates: list[float] = field(default_factory=list)
    cpu_s: float = 0.0

    def spent_s(self) -> float:
        """Processor time since the process began, from `/proc/PID/stat` (fields 14 and 15)."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS


def http_calls(effort: Effort) -> Iterator[Row]:
    """Requests a second over eight connections that stay open, and what one costs the server."""
    requests = max(1, round(_REQUESTS * effort.scale / _CONNECTIONS))
    with ExitStack() as stack:
        ours, bare = (stack.enter_context(_served(kind)) for kind in ("ours", "bare"))
        for kind in ("warm", "fresh"):
            first = _Server(f"{ours.url}/api/v1/plugins/{kind}/functions/echo", ours.pid, headers=_known(ours.owner))
            second = _Server(f"{bare.url}/echo", bare.pid, headers=_known(ours.owner))  # the same bytes to read
            asyncio.run(_by_turns(first, second, requests, effort.rounds))
            work = f"HTTP call of a plugin, {kind} instance, against a bare echo"
            rates = (Figure.of(first.rates), Figure.of(second.rates))
            yield Row(work, *rates, "req/s", at_least(0.8), rate=True, note=_ALIKE)
            each_us = 1e6 / (requests * _CONNECTIONS * effort.rounds)
            costs = (Figure(server.cpu_s, server.cpu_s).scaled(each_us) for server in (first, second))
            note = "user and system time of the server's process on both sides"
            yield Row(f"processor time of that in the server, {kind}", *costs, "us", note=note)


def token_calls(effort: Effort) -> Iterator[Row]:
    """The same call by somebody with an API token, beside one with the owner's key."""
    requests = max(1, round(_REQUESTS * effort.scale / _CONNECTIONS))
    with _served("ours") as ours:
        url = f"{ours.url}/api/v1/plugins/warm/functions/echo"
        known = _Server(url, ours.pid, headers=_known(ours.token))
        owners = _Server(url, ours.pid, headers=_known(ours.owner))
        asyncio.run(_by_turns(known, owners, requests, effort.rounds))
        rates = (Figure.of(known.rates), Figure.of(owners.rates))
        yield Row("HTTP call with an API token, against the same call with the owner's key", *rates, "req/s", rate=True)


def tool_calls(effort: Effort) -> Iterator[Row]:
    """The same call as a tool over `/mcp`, each request standing alone, beside the one over REST."""
    requests = max(1, round(_REQUESTS * effort.scale / _CONNECTIONS))
    with _served("ours") as ours:
        plain = _Server(f"{ours.url}/api/v1/plugins/warm/functions/echo", ours.pid, headers=_known(ours.owner))
        tool = _Server(f"{ours.url}/mcp", ours.pid, json.dumps(_TOOL).encode(), _known(ours.owner, _TOOL_HEADERS))
        asyncio.run(_by_turns(tool, plain, requests, effort.rounds))
        rates = (Figure.of(tool.rates), Figure.of(plain.rates))
        yield Row("tool call over /mcp, against the same call over REST", *rates, "req/s", rate=True)


def _known(key: str, headers: str = _PLAIN) -> str:
    """The headers with those of somebody who holds a key."""
    return f"{headers}\r\nAuthorization: Bearer {key}"


@contextmanager
def _served(kind: str) -> Iterator[_Server]:
    command = [sys.executable, "-m", "tests.bench.serve", kind]
    with (
        TemporaryDirectory() as folder,
        subprocess.Popen(
            [*command, folder], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as server,
    ):
        if server.stdin is None or server.stdout is None:
            raise RuntimeError("a process without the pipes that were asked for")
        try:
            url, _, keys = server.stdout.readline().strip().partition(" ")
            if not url:
                raise RuntimeError(f"the {kind} server did not start")
            owner, _, token = keys.partition(" ")
            yield _Server(url, server.pid, owner=owner, token=token)
        finally:
            server.stdin.close()
            server.wait(15)


async def _by_turns(first: _Server, second: _Server, requests: int, rounds: int) -> None:
    for turn in range(rounds + 1):
        for server in (first, second):
            spent, began = server.spent_s(), time.perf_counter()
            await asyncio.gather(*(_ask(server, requests) for _ in range(_CONNECTIONS)))
            if turn:  # the first one warms up
                server.rates.append(_CONNECTIONS * requests / (time.perf_counter() - began))
                server.cpu_s += server.spent_s() - spent


async def _ask(server: _Server, requests: int) -> None:
    """So many requests, one after another, on one connection."""
    parts = urlsplit(server.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    message = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n{server.headers}\r\n"
        f"Content-Length: {len(server.body)}\r\n\r\n"
    ).encode() + server.body
    for _ in range(requests):
        writer.write(message)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(length)
        if b" 200 " not in head[:20] or _BODY not in body:
            raise AssertionError(f"{server.url} answered {head!r} {body!r}")
    writer.close()
    await writer.wait_closed()
