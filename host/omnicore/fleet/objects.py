"""Modules in the object store of NATS, which JetStream keeps on the disks of its servers."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl, urlencode

import nats.errors
from nats.aio.client import Client
from nats.js.errors import APIError, BucketNotFoundError, Error, NoStreamResponseError, ObjectNotFoundError
from nats.js.object_store import ObjectStore

from omnicore.errors import InvalidSetting, OmniError, StorageFailed, Unavailable
from omnicore.fleet.connection import Servers, servers_of
from omnicore.storage.modules import PlaceLoop, too_long, wrong_place

if TYPE_CHECKING:
    from omnicore.config.settings import Settings

_Result = TypeVar("_Result")

_BUCKET = "omnicore-modules"
_CONNECT_S, _ASK_S, _MOVE_S = 3.0, 5.0, 30.0
"""Of connecting, of a question, of moving a module of 50 MB over a slow network."""


class _Bounded(io.BytesIO):
    """The bytes of an object as they come: one that is longer than it says ends the reading."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._left = most

    def write(self, data: Any, /) -> int:
        """Raises: OverflowError: more bytes than there may be."""
        self._left -= len(data)
        if self._left < 0:
            raise OverflowError
        return super().write(data)


class NatsModules:
    """Modules in a bucket, an object `SHA256.wasm` each. See `omnicore.storage.modules.ModulePlace`.

    The bucket is made where there is none. It has a connection of its own, since whoever wants a module waits for it on
    any thread.

    Args:
        url: `nats://HOST:4222?bucket=NAME&replicas=3`, with several servers and files as in `fleet.url`.
        fleet_url: the setting `fleet.url`, whose servers serve where the URL names none, as in `nats://?bucket=NAME`.
    Raises: InvalidSetting.
    Owns: a connection, from the first question until `close`.
    """

    def __init__(self, url: str, fleet_url: str | None) -> None:
        servers, _, query = url.partition("?")
        given = dict(parse_qsl(query))
        self._bucket, replicas = given.pop("bucket", _BUCKET), given.pop("replicas", "1")
        if servers.partition("://")[2].strip("/"):
            wanted = f"{servers}?{urlencode(given)}"
        elif fleet_url and not given:
            wanted = fleet_url
        else:
            raise wrong_place(
                "names no servers", "write nats://HOST:4222, or set fleet.url and write nats://?bucket=NAME"
            )
        if replicas not in ("1", "3", "5"):
            raise wrong_place("has a wrong number of replicas", "write replicas=1, 3 or 5")
        self._replicas = int(replicas)
        try:
            self._servers: Servers = servers_of(wanted)
        except InvalidSetting as error:
            raise wrong_place(error.fact.removeprefix("fleet.url "), error.remedy) from error
        self.shown = f"the object store {self._bucket} of NATS"
        self._loop, self._joining = PlaceLoop(self.shown), asyncio.Lock()
        self._client: Client | None = None
        self._store: ObjectStore | None = None

    def get(self, digest: str, most: int) -> bytes | None:
        """See `ModulePlace`."""

        async def got(store: ObjectStore) -> bytes | None:
            try:
                info = await store.get_info(_name(digest))
            except ObjectNotFoundError:
                return None
            data = _Bounded(most)
            try:
                if (info.size or 0) > most or info.is_link():
                    raise too_long(self.shown, digest, most)
                await store.get(_name(digest), writeinto=data)
            except ObjectNotFoundError:
                return None
            except OverflowError:
                raise too_long(self.shown, digest, most) from None
            return data.getvalue()

        return self._ask(got, _MOVE_S)

    def put(self, digest: str, data: bytes) -> None:
        """See `ModulePlace`; bytes that are there stay, so that nobody who reads them is cut."""

        async def put(store: ObjectStore) -> None:
            with suppress(ObjectNotFoundError):
                if (await store.get_info(_name(digest))).size == len(data):
                    return
            await store.put(_name(digest), data)

        self._ask(put, _MOVE_S)

    def has(self, digest: str) -> bool:
        """See `ModulePlace`."""

        async def has(store: ObjectStore) -> bool:
            try:
                await store.get_info(_name(digest))
            except ObjectNotFoundError:
                return False
            return True

        return self._ask(has, _ASK_S)

    def delete(self, digest: str) -> None:
        """See `ModulePlace`."""

        async def delete(store: ObjectStore) -> None:
            with suppress(ObjectNotFoundError):
                await store.delete(_name(digest))

        self._ask(delete, _ASK_S)

    def check(self) -> None:
        """See `ModulePlace`."""

        async def check(store: ObjectStore) -> None:
            await store.status()

        self._ask(check, _ASK_S)

    def close(self) -> None:
        """See `ModulePlace`. Whoever waits for an answer is told that the host closes."""
        self._loop.close(self._leave)

    # -- inner parts

    def _ask(self, work: Callable[[ObjectStore], Awaitable[_Result]], within_s: float) -> _Result:
        """Raises: Unavailable, StorageFailed."""
        return self._loop.ask(lambda: self._asked(work, within_s))

    async def _asked(self, work: Callable[[ObjectStore], Awaitable[_Result]], within_s: float) -> _Result:
        try:
            async with asyncio.timeout(_CONNECT_S), self._joining:  # many want modules when a host starts
                store = await self._joined()
            async with asyncio.timeout(within_s):
                return await work(store)
        except OmniError:
            raise
        except NoStreamResponseError as error:
            raise self._refused("JetStream is off") from error
        except BucketNotFoundError as error:  # somebody deleted it; the next question makes it again
            self._store = None
            raise self._away(error) from error
        except APIError as error:
            if (error.code or 500) in (500, 503, 504):
                raise self._away(error) from error
            raise self._refused(error.description or str(error)) from error
        except (nats.errors.Error, Error, OSError, ValueError, TimeoutError) as error:
            raise self._away(error) from error

    async def _joined(self) -> ObjectStore:
        """The bucket, over a connection that stands."""
        if self._client is None or self._client.is_closed:
            self._store = None
            await self._leave()
            client = self._client = Client()
            options: dict[str, Any] = {"servers": list(self._servers.urls), "name": "omnicore modules"}
            options |= {"connect_timeout": _CONNECT_S, "max_reconnect_attempts": -1, "reconnect_time_wait": 0.25}
            options |= {"allow_reconnect": True, "error_cb": _quietly}
            if self._servers.credentials is not None:
                options["user_credentials"] = str(self._servers.credentials)
            if (tls := self._servers.context()) is not None:
                options["tls"] = tls
            try:
                await client.connect(**options)
            except BaseException:
                self._client = None
                with suppress(Exception):  # half a connection, of which nothing is wanted any more
                    await client.close()
                raise
        if self._store is None:
            stream = self._client.jetstream(timeout=_ASK_S)
            try:
                self._store = await stream.object_store(self._bucket)
            except BucketNotFoundError:
                self._store = await stream.create_object_store(self._bucket, replicas=self._replicas)
        return self._store

    async def _leave(self) -> None:
        client, self._client, self._store = self._client, None, None
        if client is not None:
            with suppress(Exception):  # whatever the library raises: nobody asks over it any more
                await client.close()

    def _away(self, error: Exception) -> Unavailable:
        if any(word in str(error).lower() for word in ("authorization", "authentication", "credentials")):
            refused = self._servers.refusal(str(error))
            return Unavailable(f"{self.shown} cannot be reached: {refused.fact}", remedy="correct modules.store")
        return Unavailable(
            f"{self.shown} cannot be reached: {type(error).__name__}",
            remedy="check modules.store and the NATS servers; it is tried again",
        )

    def _refused(self, why: str) -> StorageFailed:
        return StorageFailed(
            f"{self.shown} refuses: {why[:200]}",
            remedy="start the servers with JetStream (nats-server -js), with room, and allow this host $JS.API.>",
        )


def module_place(url: str, settings: Settings) -> NatsModules:
    """The place that `modules.store` names. Raises: InvalidSetting."""
    return NatsModules(url, settings.fleet.url)


def _name(digest: str) -> str:
    return f"{digest}.wasm"


async def _quietly(_error: Exception) -> None:
    """Errors of the connection reach whoever asks over it."""
