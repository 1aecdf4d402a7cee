"""Redis and what speaks its protocol: a handful of commands, each key below the connector's prefix."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from redis.asyncio import Connection, ConnectionPool, Redis, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    RedisError,
)
from redis.exceptions import (
    ConnectionError as ConnectionFailed,
)
from redis.exceptions import (
    TimeoutError as TimedOut,
)

from omnicore.connectors.kind import (
    Action,
    Kind,
    Opening,
    ServiceClient,
    malformed,
    number,
    obj,
    shown,
    temporary,
    text,
    wrapped,
)
from omnicore.errors import OmniError, ServiceRefused

_CONNECT_S = 10
_PAGE = 1000
_KEY = text("the key, below the connector's prefix", most=1024)
_VALUE: Mapping[str, Any] = {"description": "text, a number, or bytes as {base64}"}
_TTL = {
    "type": "number",
    "exclusiveMinimum": 0,
    "maximum": 10 * 366 * 86_400,
    "description": "seconds until it is gone",
}


class _Connection(Connection):
    """A connection to an address that was checked; the name is looked up once."""

    def __init__(self, *, reach: Callable[[str, int], Awaitable[list[str]]], **given: Any) -> None:
        super().__init__(**given)
        self._reach = reach
        self._address = ""

    async def _connect(self) -> None:
        failure: OSError = OSError("no address")
        for address in await self._reach(self.host, int(self.port)):
            self._address = address
            try:
                await super()._connect()  # type: ignore[no-untyped-call]
                return
            except OSError as error:
                failure = error
        raise failure

    def _connection_arguments(self) -> Mapping[str, Any]:
        given = {**super()._connection_arguments(), "host": self._address}
        return {**given, "server_hostname": self.host} if "ssl" in given else given


class _SecureConnection(_Connection, SSLConnection):
    """The same with TLS, whose certificate is held against the name."""


class _Redis:
    """One client, which keeps its own connections."""

    def __init__(self, opening: Opening) -> None:
        config = opening.config
        self._name = opening.name
        self._prefix: str = config.get("prefix", "")
        self._most = opening.output_bytes
        # Answers are bytes, but the library types them for both of its modes.
        pool = ConnectionPool(
            _SecureConnection if config.get("tls", False) else _Connection,
            reach=partial(opening.reserved.addresses, spelled={"host", "port"} <= config.keys()),
            host=config.get("host", "127.0.0.1"),
            port=config.get("port", 6379),
            db=config.get("database", 0),
            username=config.get("user"),
            password=opening.credentials.get("password"),
            socket_connect_timeout=_CONNECT_S,
            max_connections=opening.concurrency,
            client_name="omnicore",
            retry=Retry(NoBackoff(), 0),  # the service repeats what may be repeated
        )
        self._redis: Any = Redis.from_pool(pool)

    async def call(self, action: str, given: Mapping[str, Any], *, timeout_s: float) -> Any:
        """See `omnicore.connectors.kind.ServiceClient.call`."""
        async with self._translated():
            return await _ACTS[action](self, given)

    async def probe(self) -> None:
        """See `omnicore.connectors.kind.ServiceClient.probe`."""
        async with self._translated():
            await self._redis.ping()

    async def close(self) -> None:
        """See `omnicore.connectors.kind.ServiceClient.close`."""
        await self._redis.aclose()

    async def get(self, given: Mapping[str, Any]) -> Any:
        key = self._key(given)
        # What is too large is not fetched: its length is asked first.
        if await self._redis.strlen(key) > self._most:
            raise malformed(f"the value of {given['key']} is over {self._most} bytes", "read another key")
        value = await self._redis.get(key)
        return {"value": None if value is None else shown(value)}

    async def set(self, given: Mapping[str, Any]) -> Any:
        ttl_s = given.get("ttl_s")
        done = await self._redis.set(
            self._key(given),
            _raw(given["value"]),
            px=None if ttl_s is None else max(1, int(ttl_s * 1000)),
            nx=given.get("only_new", False),
        )
        return {"set": bool(done)}

    async def delete(self, given: Mapping[str, Any]) -> Any:
        return {"deleted": bool(await self._redis.delete(self._key(given)))}

    async def increment(self, given: Mapping[str, Any]) -> Any:
        return {"value": await self._redis.incrby(self._key(given), given.get("by", 1))}

    async def keys(self, given: Mapping[str, Any]) -> Any:
        wanted = _literal(self._prefix + given.get("prefix", "")) + "*"
        cursor, found = await self._redis.scan(given.get("cursor", 0), match=wanted, count=_PAGE)
        keys = [key.decode(errors="replace")[len(self._prefix) :] for key in found]
        return {"keys": keys, "cursor": int(cursor) or None}

    async def push(self, given: Mapping[str, Any]) -> Any:
        return {"length": await self._redis.rpush(self._key(given), _raw(given["value"]))}

    async def pop(self, given: Mapping[str, Any]) -> Any:
        value = await self._redis.lpop(self._key(given))
        return {"value": None if value is None else shown(value)}

    async def publish(self, given: Mapping[str, Any]) -> Any:
        return {"receivers": await self._redis.publish(self._prefix + given["channel"], _raw(given["message"]))}

    def _key(self, given: Mapping[str, Any]) -> str:
        return f"{self._prefix}{given['key']}"

    @asynccontextmanager
    async def _translated(self) -> AsyncIterator[None]:
        try:
            yield
        except (RedisError, OSError) as error:
            raise _fault(self._name, error) from error


def _raw(value: Any) -> bytes | str | int | float:
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        return value
    data = wrapped(value)
    if data is not None:
        return data
    raise malformed("the value is not text, a number or base64", 'send JSON as text, bytes as {"base64": "..."}')


def _literal(text_: str) -> str:
    """The text as a pattern that matches itself only."""
    return "".join(f"\\{char}" if char in "*?[]^-\\" else char for char in text_)


def _fault(name: str, error: Exception) -> OmniError:
    if isinstance(error.__cause__, OmniError):  # what the check of the address said
        return error.__cause__
    said = str(error)[:300]
    if isinstance(error, AuthenticationError):
        return ServiceRefused(
            f"{name} refused the credentials", remedy="the operator corrects the connector's password", service=name
        )
    if isinstance(error, (ConnectionFailed, BusyLoadingError, TimedOut, OSError)):
        return temporary(f"{name} cannot be reached: {said}")
    return ServiceRefused(f"{name} refused: {said}", remedy="correct the input", service=name)


_ACTS: Mapping[str, Callable[[_Redis, Mapping[str, Any]], Awaitable[Any]]] = {
    "get": _Redis.get,
    "set": _Redis.set,
    "delete": _Redis.delete,
    "increment": _Redis.increment,
    "keys": _Redis.keys,
    "push": _Redis.push,
    "pop": _Redis.pop,
    "publish": _Redis.publish,
}


async def _open(opening: Opening) -> ServiceClient:
    await asyncio.sleep(0)
    return _Redis(opening)


KIND = Kind(
    name="redis",
    title="Redis",
    says="Redis, Valkey and others of their protocol",
    config=obj(
        host=text("name or address", most=253),
        port=number(least=1, most=65535),
        database=number(least=0, most=65535),
        user=text(most=128),
        tls={"type": "boolean"},
        prefix=text("put before every key and channel", least=0, most=256),
    ),
    secrets={"password": "of the user"},
    actions=(
        Action("get", "Reads a value; null when there is none.", obj("key", key=_KEY), repeat="always"),
        Action(
            "set",
            "Writes a value, for a time where one is given.",
            obj("key", "value", key=_KEY, value=_VALUE, ttl_s=_TTL, only_new={"type": "boolean"}),
        ),
        Action("delete", "Deletes a key.", obj("key", key=_KEY), repeat="always"),
        Action("increment", "Adds to a number.", obj("key", key=_KEY, by=number(least=-(2**53)))),
        Action(
            "keys",
            "A page of keys with a prefix.",
            obj(prefix=text(least=0, most=1024), cursor=number(most=2**64)),
            repeat="always",
        ),
        Action("push", "Puts a value at the end of a list.", obj("key", "value", key=_KEY, value=_VALUE)),
        Action("pop", "Takes the value at the front of a list.", obj("key", key=_KEY)),
        Action(
            "publish",
            "Sends a message to those who listen now.",
            obj("channel", "message", channel=text(most=1024), message=_VALUE),
        ),
    ),
    open=_open,
)
