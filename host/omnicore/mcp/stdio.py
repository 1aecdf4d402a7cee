"""MCP over standard input and output: one JSON message a line, nothing else on the output."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from queue import SimpleQueue
from typing import Any, BinaryIO

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.server.lowlevel import Server
from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCError, JSONRPCNotification, JSONRPCRequest, JSONRPCResponse, jsonrpc_message_adapter

_MOST_WAITING = 256
_Item = SessionMessage | Exception


async def serve(protocol: Server[Any], *, most_bytes: int, ended: asyncio.Event) -> None:
    """Serves until the input ends and every request is answered, or until `ended` is set.

    Args:
        most_bytes: the longest line.
    """
    heard, incoming = anyio.create_memory_object_stream[_Item](0)
    outgoing, told = anyio.create_memory_object_stream[SessionMessage](0)
    with _claimed() as (given, taken):
        wire = _Wire(_lines(given, most_bytes), taken)
        serving = asyncio.ensure_future(protocol.run(incoming, outgoing, protocol.create_initialization_options()))
        work = [serving, *(asyncio.ensure_future(one) for one in (wire.hear(heard), wire.tell(told)))]
        stopping = asyncio.ensure_future(ended.wait())
        try:
            await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (*work, stopping):
                task.cancel()
            await asyncio.gather(*work, stopping, return_exceptions=True)
            for stream in (heard, incoming, outgoing, told):
                stream.close()


class _Wire:
    """Both directions, each on its own daemon thread, because reading and writing block and cannot be cancelled."""

    def __init__(self, lines: Iterator[bytes], output: BinaryIO) -> None:
        self._lines, self._output = lines, output
        self._unanswered: set[str | int] = set()
        self._answered = asyncio.Event()

    async def hear(self, heard: MemoryObjectSendStream[_Item]) -> None:
        """Passes messages on as they arrive. At the end, waits until each is answered."""
        read = _Thread("omnicore-mcp-input")
        while (line := await read.do(lambda: next(self._lines, None))) is not None:
            item = _message(line)
            self._note(item)
            await heard.send(item)
            await self._until(_MOST_WAITING)
        await self._until(1)
        await heard.aclose()

    async def tell(self, told: MemoryObjectReceiveStream[SessionMessage]) -> None:
        """Writes messages as they are made."""
        write = _Thread("omnicore-mcp-output")
        async for item in told:
            text = item.message.model_dump_json(by_alias=True, exclude_unset=True)
            with suppress(OSError):  # the reader has gone; the input will end, too
                await write.do(partial(self._write, text.encode() + b"\n"))
            if isinstance(item.message, JSONRPCResponse | JSONRPCError) and item.message.id is not None:
                self._settle(item.message.id)

    def _write(self, data: bytes) -> None:
        self._output.write(data)
        self._output.flush()

    def _note(self, item: _Item) -> None:
        """Counts a request, unless its answer is an endless stream, and uncounts a cancelled one."""
        message = item.message if isinstance(item, SessionMessage) else None
        if isinstance(message, JSONRPCRequest) and message.method != "subscriptions/listen":
            self._unanswered.add(message.id)
        elif isinstance(message, JSONRPCNotification) and message.method == "notifications/cancelled":
            self._settle((message.params or {}).get("requestId"))

    def _settle(self, request: Any) -> None:
        if isinstance(request, str | int):
            self._unanswered.discard(request)
            self._answered.set()

    async def _until(self, fewer: int) -> None:
        while len(self._unanswered) >= fewer:
            self._answered.clear()
            await self._answered.wait()


class _Thread:
    """A daemon thread that runs jobs one after another for a task."""

    def __init__(self, name: str) -> None:
        self._orders: SimpleQueue[tuple[Callable[[], Any], asyncio.Future[Any]]] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._serve, name=name, daemon=True).start()

    async def do(self, work: Callable[[], Any]) -> Any:
        """The result of a job."""
        outcome = self._loop.create_future()
        self._orders.put((work, outcome))
        return await outcome

    def _serve(self) -> None:
        while True:
            work, outcome = self._orders.get()
            value, error = None, None
            try:
                value = work()
            except Exception as failure:
                error = failure
            with suppress(RuntimeError):  # the loop is closed: no caller waits
                self._loop.call_soon_threadsafe(_settle, outcome, value, error)


def _settle(outcome: asyncio.Future[Any], value: Any, error: Exception | None) -> None:
    if outcome.done():
        return
    if error is None:
        outcome.set_result(value)
    else:
        outcome.set_exception(error)


def _lines(source: BinaryIO, most: int) -> Iterator[bytes]:
    """The lines of a source. One that is too long is yielded empty."""
    while line := source.readline(most):
        whole = line
        while len(whole) == most and not whole.endswith(b"\n"):
            whole = source.readline(most)  # the rest is read and dropped
        if line.strip():
            yield line if whole is line else b""


def _message(line: bytes) -> _Item:
    if not line:
        return ValueError("the message is too long")
    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError as error:
        return error


@contextmanager
def _claimed() -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """The two ends of the wire. What else writes to standard output goes to standard error meanwhile.

    Owns: descriptors that stay open, for a thread may still wait on one when this ends.
    """
    sys.stdout.flush()
    given, taken = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    try:
        yield os.fdopen(given, "rb", closefd=False), os.fdopen(taken, "wb", closefd=False)
    finally:
        os.dup2(given, 0)
        os.dup2(taken, 1)
