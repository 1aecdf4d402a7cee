"""The directory of a fleet: its hosts by their beats, and the plugins that each of them serves.

A host that has not been heard for a few beats is no longer asked. The list of what it serves is fetched when its beat
has another revision, so that beats stay short with thousands of plugins.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nats.aio.msg import Msg

from omnicore.errors import OmniError, Unavailable
from omnicore.fleet.connection import NatsConnection, Parcels
from omnicore.fleet.messages import HostBeat, Parcel, Seal, ServedFunction, ServedList, ServedPlugin
from omnicore.jobs.loop import Loop
from omnicore.records import from_text, to_text
from omnicore.sandbox.abi import KIB, MIB

if TYPE_CHECKING:
    from omnicore.clock import Clock


_log = logging.getLogger("omnicore.fleet")
_SILENT_BEATS = 3.5
_MOST_HOSTS = 1000
_LIST_BYTES = 64 * MIB
_LIST_S = 5.0
_WHO, _BEAT = "omnicore.who", "omnicore.beat"
_SEAL, _PARCEL = "Authorization", "Omnicore-Parcel"
_SKEW_S = 1.0


@dataclass(slots=True, eq=False)
class _Known:
    """A host: its newest beat, when that came, and what it serves, once that is known."""

    beat: HostBeat
    heard_at: float
    skew_s: float
    served: ServedList | None = None
    fetching: asyncio.Task[None] | None = None


class HostDirectory:
    """Belongs to one event loop.

    Args:
        beat: this host's own beat as it is now.
        served: what this host serves; blocking.
    """

    def __init__(
        self,
        connection: NatsConnection,
        parcels: Parcels,
        seal: Seal,
        *,
        clock: Clock,
        beat: Callable[[], HostBeat],
        served: Callable[[], ServedList],
        beat_s: float,
    ) -> None:
        self._connection, self._parcels, self._seal, self._clock = connection, parcels, seal, clock
        self._beat, self._served, self._beat_s = beat, served, beat_s
        self._known: dict[str, _Known] = {}
        self._places: dict[str, dict[str, ServedPlugin]] = {}
        self._beating = Loop("omnicore-fleet-beat", self._turn, self._failed)
        self.changed: list[Callable[[frozenset[str]], None]] = []
        """Called with the names of plugins that further hosts serve."""

    async def start(self) -> None:
        """Hears beats and sends some."""
        own = self._beat().host
        await self._connection.hear(f"{_BEAT}.*", self._heard)
        await self._connection.hear(_WHO, self._asked)
        await self._connection.hear(f"omnicore.host.{own}.served", self._asked_list)
        self._connection.came.append(self._joined)
        if self._connection.connected:
            await self._joined()
        self._beating.start()

    async def stop(self) -> None:
        """Says that this host leaves, and ends."""
        await self._beating.stop(1.0)
        with suppress(OmniError):
            await self._say()
        for known in self._known.values():
            if known.fetching is not None:
                known.fetching.cancel()

    async def say(self) -> None:
        """Sends a beat at once, for something has changed here."""
        with suppress(OmniError):
            await self._say()

    # -- what is known

    def hosts(self) -> Sequence[HostBeat]:
        """The other hosts that were heard lately, by id."""
        return [one.beat for _, one in sorted(self._known.items())]

    def skew_s(self) -> float:
        """The largest difference between the clock of this host and that of another one."""
        return max((abs(one.skew_s) for one in self._known.values()), default=0.0)

    def places(self, plugin: str, function: str = "", *, digest: str = "") -> Sequence[HostBeat]:
        """The hosts that serve a function, those with room first."""
        found = [
            self._known[host].beat
            for host, one in self._places.get(plugin, {}).items()
            if (not function or function in one.functions) and (not digest or one.digest == digest)
        ]
        found = [one for one in found if one.state == "serving"]
        return sorted(found, key=lambda one: (one.room == 0, one.running))

    def find(self, plugin: str, function: str) -> ServedFunction | None:
        """A function as some other host serves it, or None."""
        for one in self._places.get(plugin, {}).values():
            if function in one.functions:
                return one.functions[function]
        return None

    def digest(self, plugin: str, version: str) -> str | None:
        """The digest of a version, by its number or itself; None: no host serves it."""
        found = (one.digest for one in self._places.get(plugin, {}).values() if version in (one.version, one.digest))
        return next(found, None)

    def only_function(self, plugin: str) -> str | None:
        """The function that a plugin's name alone stands for: its only one."""
        names = {name for one in self._places.get(plugin, {}).values() for name in one.functions}
        return names.pop() if len(names) == 1 else None

    def plugins(self) -> frozenset[str]:
        """The names of all that the other hosts serve."""
        return frozenset(self._places)

    # -- beats

    async def _joined(self) -> None:
        await self._connection.publish(_WHO, b"")
        await self._say()

    async def _turn(self) -> float:
        self._bury()
        if self._connection.connected:
            await self._say()
        return self._beat_s

    def _failed(self, error: Exception) -> float:
        if not isinstance(error, OmniError):
            _log.warning("the host cannot say what it serves", exc_info=error)
        return self._beat_s

    async def _say(self) -> None:
        beat = self._beat()
        subject, data = f"{_BEAT}.{beat.host}", to_text(beat).encode()
        await self._connection.publish(subject, data, {_SEAL: self._seal.proof(subject, "", data)})

    async def _asked(self, message: Msg) -> None:
        await self.say()

    async def _heard(self, message: Msg) -> None:
        headers = message.headers or {}
        data = message.data
        if len(data) > 64 * KIB or not self._seal.fits(headers.get(_SEAL, ""), message.subject, "", data):
            return
        try:
            beat = from_text(HostBeat, data, "beat")
        except OmniError:
            return
        if message.subject != f"{_BEAT}.{beat.host}" or beat.host == self._beat().host:
            return
        known = self._known.get(beat.host)
        if known is not None and beat.at < known.beat.at:
            return  # an old one, sent once more
        if beat.state == "gone":
            self._forget(beat.host)
            return
        now, skew_s = self._clock.monotonic(), self._clock.now() - beat.at
        if known is None:
            if len(self._known) >= _MOST_HOSTS:
                return
            known = self._known[beat.host] = _Known(beat, now, skew_s)
        known.beat, known.heard_at = beat, now
        known.skew_s = min(known.skew_s, skew_s, key=abs)  # a late message looks like a late clock
        if (known.served is None or known.served.revision != beat.revision) and known.fetching is None:
            known.fetching = asyncio.create_task(self._fetch(known))

    def _bury(self) -> None:
        end = self._clock.monotonic() - _SILENT_BEATS * self._beat_s
        for host in [host for host, one in self._known.items() if one.heard_at < end]:
            _log.warning("the host %s is silent", host)
            self._forget(host)

    def _forget(self, host: str) -> None:
        known = self._known.pop(host, None)
        if known is not None:
            if known.fetching is not None:
                known.fetching.cancel()
            self._index()

    # -- lists

    async def _fetch(self, known: _Known) -> None:
        host = known.beat.host
        try:
            before = known.served
            known.served = await self._list(host)
        except OmniError as error:
            _log.info("the list of what %s serves cannot be had now: %s", host, error)
            return
        finally:
            known.fetching = None
        if self._known.get(host) is not known:
            return
        self._index()
        had = before.plugins if before is not None else {}
        new = frozenset(name for name, one in known.served.plugins.items() if had.get(name) != one)
        for told in self.changed:
            told(new)

    async def _list(self, host: str) -> ServedList:
        message = await self._connection.request(f"omnicore.host.{host}.served", b"", _LIST_S)
        headers = message.headers or {}
        data, parcel = bytes(message.data), headers.get(_PARCEL, "")
        if not self._seal.fits(headers.get(_SEAL, ""), message.subject, parcel, data):
            raise Unavailable(f"the list of {host} is not signed", remedy="set the same fleet.secret on all hosts")
        if parcel:
            data = await self._parcels.fetch(from_text(Parcel, parcel, "parcel"), _LIST_BYTES)
        return from_text(ServedList, data, "list of plugins")

    async def _asked_list(self, message: Msg) -> None:
        if not message.reply.startswith("_INBOX"):
            return
        data = to_text(await asyncio.to_thread(self._served)).encode()
        held: Parcel | None = None
        headers: dict[str, str] = {}
        if len(data) > self._connection.room_bytes:
            held = self._parcels.hold(data)
            data, headers[_PARCEL] = b"", to_text(held)
            asyncio.get_running_loop().call_later(4 * _LIST_S, self._parcels.drop, held)
        headers[_SEAL] = self._seal.proof(message.reply, headers.get(_PARCEL, ""), data)
        with suppress(OmniError):
            await self._connection.publish(message.reply, data, headers)

    def _index(self) -> None:
        places: dict[str, dict[str, ServedPlugin]] = {}
        for host, known in self._known.items():
            for name, one in known.served.plugins.items() if known.served is not None else ():
                places.setdefault(name, {})[host] = one
        self._places = places

    @property
    def trouble(self) -> str | None:
        """The reason why calls of other hosts may be refused; None: there is none."""
        skew_s = self.skew_s()
        if skew_s > _SKEW_S:
            return f"clocks of the fleet differ by {skew_s:.1f} s: calls with less time than that are refused"
        return None


def revision_of(served: ServedList) -> int:
    """A number that stands for the content of a list."""
    text = json.dumps(sorted((name, one.digest, sorted(one.functions)) for name, one in served.plugins.items()))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big")
