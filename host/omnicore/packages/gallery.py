"""The gallery: the plugins of the owner's indexes with their facts, beside what is installed here.

It reads the indexes of the setting `trust.indexes` and no other address. What it read serves everybody for a minute,
so that those who look make the host fetch no more than one of them would. READMEs and icons are of strangers: a README
is text, and an icon is shown only if it is a small picture that can neither run nor load anything.
"""

from __future__ import annotations

import asyncio
import logging
import math
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from xml.parsers import expat

from omnicore.errors import InvalidInput, NotFound, OmniError, Unavailable
from omnicore.packages.index import IndexAdvisory, IndexEntry, Indexes, IndexVersion, matching
from omnicore.packages.keys import PublicKey, read_public_key
from omnicore.packages.reference import IndexReference
from omnicore.packages.trust import TrustPolicy
from omnicore.plugins.upgrade import is_lower
from omnicore.records import Meta, Record

if TYPE_CHECKING:
    from omnicore.clock import Clock
    from omnicore.config.settings import Settings
    from omnicore.packages.index import IndexAddress, PluginIndex
    from omnicore.packages.source import PackageSources
    from omnicore.packages.trust import Publishers
    from omnicore.plugins.host import PluginHost

_log = logging.getLogger("omnicore.packages")
_T = TypeVar("_T")
_HELD_S, _FAILED_S = 60.0, 10.0
_MOST_HELD = 32
_MOST_WORDS = 16
_MOST_VERSIONS = 50
_ICONS_AT_ONCE = 32


class GalleryCapability(Record, frozen=True):
    """Something that a version asks for."""

    name: str
    scope: Mapping[str, Any]
    reason: str


class GalleryVersion(Record, frozen=True):
    """A version of a plugin, by what its index says."""

    version: str
    reference: Annotated[str, Meta(description="What is looked at and installed.")]
    size_bytes: int
    added_at: float
    capabilities: tuple[GalleryCapability, ...]
    functions: tuple[str, ...]
    languages: tuple[str, ...]
    licence: str
    publisher: Annotated[str, Meta(description="Who signed it, by names that the owner gave, else the index.")]
    verified: Annotated[bool, Meta(description="The owner's policy accepts these publishers.")]
    trust: Annotated[str, Meta(description="Why, or why not. The package itself is checked when it is looked at.")]
    revoked: bool
    advisories: tuple[IndexAdvisory, ...]


class GalleryEntry(Record, frozen=True):
    """A plugin of an index, and the version of it that is here."""

    name: str
    index: str
    description: str
    author: str
    icon: Annotated[bool, Meta(description="There is one, at `/api/v1/gallery/{package}/icon`.")]
    newest: GalleryVersion
    installed: Annotated[str | None, Meta(description="The version that is here; null if none is.")]
    newer: Annotated[bool, Meta(description="The newest version is higher than the one that is here.")]


class GalleryIndex(Record, frozen=True):
    """An index of the settings."""

    name: str
    plugins: int
    problem: Annotated[str, Meta(description="Why it cannot be read, if so.")] = ""


class GalleryPage(Record, frozen=True):
    """A page of plugins, and the indexes that they are from."""

    items: tuple[GalleryEntry, ...]
    next: str | None
    indexes: tuple[GalleryIndex, ...]


class GalleryPlugin(Record, frozen=True):
    """All that is known about a plugin before its package is fetched."""

    entry: GalleryEntry
    versions: Annotated[tuple[GalleryVersion, ...], Meta(description="The newest ones, the newest first.")]
    readme: Annotated[str, Meta(description="The beginning of README.md as it is written; nobody has checked it.")]


@dataclass(frozen=True, slots=True)
class GalleryIcon:
    """An icon that browsers may show as a picture."""

    media: str
    data: bytes


@dataclass(frozen=True, slots=True)
class _IndexState:
    address: IndexAddress
    entries: tuple[IndexEntry, ...] = ()
    problem: str = ""


@dataclass(slots=True)
class _Held:
    """A value that was read, or is being read."""

    until: float = math.inf
    value: Future[Any] = field(default_factory=Future)


_STALE = _Held(0.0)


class Gallery:
    """The gallery of one host. Usable from any thread, its coroutines on any loop."""

    def __init__(
        self, plugins: PluginHost, publishers: Publishers, clock: Clock, *, sources: PackageSources, settings: Settings
    ) -> None:
        self._plugins, self._publishers, self._clock = plugins, publishers, clock
        self._sources, self._settings = sources, settings
        self._held: OrderedDict[tuple[str, ...], _Held] = OrderedDict()
        self._lock = threading.Lock()

    async def search(self, text: str = "", *, after: str = "", limit: int = 100) -> GalleryPage:
        """The plugins that all words of a text are found in, and the indexes.

        Args:
            after: the last name of the page before.

        Raises: InvalidInput: more than 16 words, or no plugin has the name `after`. InvalidSetting: trust.indexes.
        """
        words = text.split()
        if len(words) > _MOST_WORDS:
            raise InvalidInput(f"{len(words)} words are too many", remedy=f"search for {_MOST_WORDS} at most", path="q")
        return await asyncio.to_thread(self._page, await self._states(), words, after, limit)

    async def show(self, name: str) -> GalleryPlugin:
        """A plugin with its README and its versions. Raises: NotFound: no index has it; Unavailable."""
        address, _ = await self._place(name)

        def read(index: PluginIndex) -> tuple[IndexEntry, bytes]:
            entry = index.entry(name)
            return entry, index.readme(entry.offered)

        entry, readme = await self._once(("entry", name), lambda: self._read(address, read))
        return await asyncio.to_thread(self._plugin, address.name, entry, readme.decode("utf-8", "ignore"))

    async def icon(self, name: str) -> GalleryIcon:
        """The icon of a plugin's newest version. Raises: NotFound: it has none that may be shown; Unavailable."""
        address, _ = await self._place(name)
        listed = next(one for one in await self._states() if one.address == address).entries
        at = next((at for at, one in enumerate(listed) if one.name == name), 0) // _ICONS_AT_ONCE
        batch = listed[at * _ICONS_AT_ONCE : (at + 1) * _ICONS_AT_ONCE]

        def read(index: PluginIndex) -> dict[str, GalleryIcon]:
            """The icons of neighbours are shown on the same page: one reading of the index serves them all."""
            found = dict[str, GalleryIcon]()
            for one in batch:
                with suppress(OmniError):  # one damaged icon does not cost the others
                    data = index.icon(one.offered)
                    found |= {one.name: GalleryIcon(media, data)} if (media := icon_media(data)) else {}
            return found

        icons = await self._once(("icons", address.name, str(at)), lambda: self._read(address, read))
        if name not in icons:
            raise NotFound(f"{name} has no icon that can be shown", remedy="show its initials")
        found: GalleryIcon = icons[name]
        return found

    # -- inner parts

    def _indexes(self) -> Indexes:
        return self._sources.read_indexes()

    async def _states(self) -> list[_IndexState]:
        """Every index of the settings, in their order. Raises: InvalidSetting."""
        return list(await asyncio.gather(*(self._state(one) for one in self._indexes().addresses)))

    async def _state(self, address: IndexAddress) -> _IndexState:
        try:
            entries = await self._once(("index", address.name), lambda: self._indexes().of(address))
        except OmniError as error:
            return _IndexState(address, problem=str(error))
        return _IndexState(address, entries)

    async def _place(self, name: str) -> tuple[IndexAddress, IndexEntry]:
        """The first index that has a name; no other name is asked for. Raises: NotFound."""
        found = _places(await self._states()).get(name)
        if found is None:
            raise NotFound(f"no index has {name[:80]}", remedy="search the gallery for what there is")
        return found

    async def _read(self, address: IndexAddress, work: Callable[[PluginIndex], _T]) -> _T:
        """The value that `work` reads. Raises: Unavailable: without the reason, which may tell addresses to anybody."""
        try:
            return await self._indexes().read(address, work)
        except OmniError as error:
            _log.warning("the index %s cannot be read: %s", address.name, error)
            raise Unavailable(f"the index {address.name} cannot be read", remedy="see the log of the host") from error

    async def _once(self, key: tuple[str, ...], work: Callable[[], Awaitable[Any]]) -> Any:
        """The value that `work` gives, or gave within the last minute; those who ask at once wait for one of them."""
        with self._lock:
            held = self._held.get(key, _STALE)
            if mine := held.until <= self._clock.now():
                held = self._held[key] = _Held()
            self._held.move_to_end(key)
            while len(self._held) > _MOST_HELD:
                self._held.popitem(last=False)
        if not mine:
            return await asyncio.shield(asyncio.wrap_future(held.value))
        try:
            held.value.set_result(await work())
            held.until = self._clock.now() + _HELD_S
        except OmniError as error:
            held.value.set_exception(error)
            held.until = self._clock.now() + _FAILED_S
        finally:
            if not held.value.done():  # whoever asked has left, or it failed unforeseen
                held.value.set_exception(Unavailable("the index was not read to its end", remedy="try again"))
                held.until = 0.0
        return held.value.result()

    def _page(self, states: Sequence[_IndexState], words: Sequence[str], after: str, limit: int) -> GalleryPage:
        places = _places(states)
        hits = matching([entry for _, entry in places.values()], words)
        start = next((at for at, one in enumerate(hits, 1) if one.name == after), None) if after else 0
        if start is None:
            raise InvalidInput(f"the list has no {after[:80]!r}", remedy="begin with the first page", path="cursor")
        shown = hits[start : start + limit]
        items = (self._entry(places[one.name][0].name, one) for one in shown)
        following = shown[-1].name if start + limit < len(hits) else None
        indexes = (GalleryIndex(one.address.name, len(one.entries), one.problem) for one in states)
        return GalleryPage(tuple(items), following, tuple(indexes))

    def _plugin(self, index: str, entry: IndexEntry, readme: str) -> GalleryPlugin:
        versions = (self._version(entry, one) for one in entry.versions[:_MOST_VERSIONS])
        return GalleryPlugin(self._entry(index, entry), tuple(versions), readme)

    def _entry(self, index: str, entry: IndexEntry) -> GalleryEntry:
        newest, installed = self._version(entry, entry.offered), None
        with suppress(NotFound):
            installed = self._plugins.get(entry.name).version
        return GalleryEntry(
            entry.name,
            index,
            entry.description,
            entry.author,
            icon=bool(entry.offered.icon),
            newest=newest,
            installed=installed,
            newer=installed is not None and not newest.revoked and is_lower(newest.version, installed),
        )

    def _version(self, entry: IndexEntry, one: IndexVersion) -> GalleryVersion:
        signers = _signers(entry, one)
        verdict = self._publishers.foreseen(entry.name, signers, TrustPolicy.of(self._settings.trust))
        named = {key.fingerprint: key.name for key in entry.publishers}
        claimed = ", ".join(named[key.fingerprint] for key in signers)
        verified = verdict.decision == "accept" and bool(verdict.signers)
        return GalleryVersion(
            one.version,
            str(IndexReference(entry.name, one.version)),
            one.size_bytes,
            one.added_at,
            tuple(map(_capability, one.capabilities)),
            one.functions,
            one.languages,
            one.licence,
            # By a name that the index gives, a key could call itself as somebody else whom people trust.
            publisher=verdict.publisher if verified else ", ".join(verdict.names) or claimed,
            verified=verified,
            trust=verdict.reason if signers else "the index names nobody who signed it",
            revoked=entry.revoked(one.version),
            advisories=entry.known(one.version),
        )


def _capability(told: Any) -> GalleryCapability:
    """A capability as an index tells it; whatever is no text or no object stays empty."""
    values = told if isinstance(told, dict) else {}
    name, reason, scope = (values.get(one) for one in ("name", "reason", "scope"))
    return GalleryCapability(
        name if isinstance(name, str) else "",
        scope if isinstance(scope, dict) else {},
        reason if isinstance(reason, str) else "",
    )


def _places(states: Sequence[_IndexState]) -> dict[str, tuple[IndexAddress, IndexEntry]]:
    """Every plugin by name, with the first index that has it."""
    found: dict[str, tuple[IndexAddress, IndexEntry]] = {}
    for state in states:
        for one in state.entries:
            found.setdefault(one.name, (state.address, one))
    return found


def _signers(entry: IndexEntry, version: IndexVersion) -> list[PublicKey]:
    """The keys that the index says signed a version; a key that is not the one of its fingerprint is none."""
    found = []
    for one in entry.publishers:
        with suppress(InvalidInput):
            key = read_public_key(one.key)
            found += [key] if key.fingerprint == one.fingerprint and one.fingerprint in version.publishers else []
    return found


# -- icons

SVG = "image/svg+xml"
_PNG, _HEADER = b"\x89PNG\r\n\x1a\n", b"IHDR"
_MOST_PIXELS = 1024  # each way: a small file may hold a picture of gigabytes
_NAMESPACE = "http://www.w3.org/2000/svg"
_MOST_NESTED = 32
_PLAIN = frozenset(
    (
        *("svg", "g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "tspan", "title"),
        *("desc", "defs", "linearGradient", "radialGradient", "stop", "clipPath"),
    )
)
"""Elements that draw. Others run, load, or repeat others, by which a small file can cost a browser minutes."""


class _ActiveError(Exception):
    """A picture does more than draw."""


def icon_media(data: bytes) -> str:
    """The media type of an icon that may be shown, else "": a PNG of at most 1024 pixels each way, or a plain SVG.

    >>> icon_media(b'<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0h9"/></svg>')
    'image/svg+xml'
    >>> icon_media(b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>')
    ''
    """
    if data.startswith(_PNG):
        sides = (int.from_bytes(data[at : at + 4]) for at in (16, 20))
        fits = data[12:16] == _HEADER and all(0 < side <= _MOST_PIXELS for side in sides)
        return "image/png" if fits else ""
    try:
        _PlainSvg().read(data)
    except (_ActiveError, expat.ExpatError, ValueError):
        return ""
    return SVG


class _PlainSvg:
    """A reader of SVG that refuses all that does not merely draw."""

    def __init__(self) -> None:
        self._open: list[str] = []

    def read(self, data: bytes) -> None:
        """Raises: _ActiveError, ExpatError, ValueError: it is no plain SVG."""
        reader = expat.ParserCreate("utf-8", namespace_separator=" ")
        reader.StartElementHandler, reader.EndElementHandler = self._begin, self._end
        reader.StartDoctypeDeclHandler = reader.ProcessingInstructionHandler = self._refuse
        reader.Parse(data.decode("utf-8").encode(), True)

    def _refuse(self, *_: object) -> None:
        raise _ActiveError

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        first = not self._open
        if space != _NAMESPACE or local not in _PLAIN or first != (local == "svg") or len(self._open) >= _MOST_NESTED:
            raise _ActiveError
        for attribute, value in attributes.items():
            word, text = attribute.rpartition(" ")[2].lower(), "".join(value.split()).lower()
            clips = word == "clip-path" and ("clipPath" in self._open or local == "clipPath")
            leads = "url(" in text.replace("url(#", "") or (word == "href" and not text.startswith("#"))
            if word.startswith("on") or "\\" in text or clips or leads or (word == "style" and "url(" in text):
                raise _ActiveError
        self._open.append(local)

    def _end(self, _: str) -> None:
        self._open.pop()
