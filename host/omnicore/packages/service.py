"""Packages of a host: what one would bring, taking it in, where versions came from, and which are outdated.

Nothing is written before somebody has seen it: `look` fetches and checks a package and tells who made it and what it
asks for; `install` takes the digest that was seen. It is then a file like any other: grants and acceptance decide what
serves.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from omnicore.errors import Conflict, InvalidInput, OmniError, PermissionDenied
from omnicore.packages.gallery import Gallery
from omnicore.packages.package import Package, read_omni
from omnicore.packages.reference import FileReference, IndexReference, OciReference, Reference, parse_reference
from omnicore.packages.signature import offered_keys, package_signatures
from omnicore.packages.trust import Evidence, Publishers, TrustPolicy, TrustVerdict
from omnicore.plugins.folder import sidecar_beside
from omnicore.plugins.manifest import Manifest, read_manifest
from omnicore.plugins.upgrade import Upgrade, is_lower, proposal
from omnicore.plugins.view import PluginView
from omnicore.records import Meta, Record, replace
from omnicore.sandbox.inspect import inspect
from omnicore.storage.tables.plugins import OriginsTable, PluginOrigin, identity
from omnicore.storage.tables.publishers import SignedVersionRow

if TYPE_CHECKING:
    from omnicore.clock import Clock
    from omnicore.config.settings import Settings
    from omnicore.packages.source import PackageSources
    from omnicore.plugins.catalogue import Catalogue
    from omnicore.plugins.host import PluginHost
    from omnicore.storage.store import Store

_KEPT = 4
_KEPT_BYTES = 128 * 1024 * 1024
_ASKED_AT_ONCE = 8  # sources of packages
_MOST_SHOWN = 64 * 1024  # of a README


class InstallOrder(Record, frozen=True):
    """A package to install, as somebody looked at it."""

    reference: Annotated[
        str,
        Meta(
            description="`oci://HOST/NAME:VERSION`, `https://HOST/FILE#sha256=DIGEST`, or `NAME[@VERSION]` of an index."
        ),
    ]
    digest: Annotated[str, Meta(description="Of the package that was looked at: 409 when it is another one by now.")]
    hold: Annotated[bool, Meta(description="The version that serves goes on until this one is approved.")] = False
    accept_publisher: Annotated[
        bool, Meta(description="Install it although nobody whom the owner trusts signed it, where the policy asks.")
    ] = False


class OutdatedPlugin(Record, frozen=True):
    """An installed version, and the newest one that its source has."""

    plugin: str
    source: str
    version: str
    newest: Annotated[str, Meta(description="The highest version that the source has; empty where it tells none.")]
    reference: Annotated[str, Meta(description="What installs it; empty where nothing is newer.")]
    problem: Annotated[str, Meta(description="Why the source does not tell, if it does not.")] = ""


@dataclass(frozen=True, slots=True)
class PackageLook:
    """A package that was fetched and checked, and that is not installed: who made it, and what it would change."""

    reference: str
    package: Package
    verdict: TrustVerdict
    upgrade: Upgrade

    def to_json(self) -> dict[str, Any]:
        """The package as REST and `-o json` show it."""
        found, plugin = self.package, self.package.plugin
        readme = found.files.get("README.md", b"")[:_MOST_SHOWN]
        return {
            "reference": self.reference,
            "digest": found.digest,
            "name": found.name,
            "version": found.version,
            "description": plugin.description,
            "author": plugin.author,
            "size_bytes": found.size,
            "files": {one.title: one.size for one in found.layers[1:]},
            "readme": readme.decode("utf-8", "replace"),
            "publisher": {**self.verdict.to_json(), "signers": _signers(self.verdict)},
            "upgrade": self.upgrade.to_json(),
        }


class Packages:
    """The packages of one host. Usable from any thread, its coroutines on any loop.

    Owns: `gallery`, what the indexes have.
    """

    def __init__(
        self,
        plugins: PluginHost,
        store: Store,
        clock: Clock,
        *,
        sources: PackageSources,
        settings: Settings,
    ) -> None:
        self._plugins, self._clock, self._sources, self._settings = plugins, clock, sources, settings
        self._origins, self._publishers = OriginsTable(store), Publishers(store, clock)
        self.gallery = Gallery(plugins, self._publishers, clock, sources=sources, settings=settings)
        self._seen: OrderedDict[str, Package] = OrderedDict()
        self._lock = threading.Lock()
        plugins.forgetting.append(self._origins.forget)

    # -- what a package would bring

    async def look(self, reference: str, *, named: bool) -> PackageLook:
        """Fetches a package, and writes nothing.

        Args:
            named: somebody at this machine wrote the reference, so that it may lead to a private address.

        Raises: InvalidInput: no reference to a package elsewhere. Others: see `PackageSources.fetch`.
        """
        place = _elsewhere(reference)
        found = await self._sources.fetch(place, named=named)
        with self._lock:
            self._seen[_key(place, found.digest)] = found
            while len(self._seen) > _KEPT or sum(one.size for one in self._seen.values()) > _KEPT_BYTES:
                self._seen.popitem(last=False)
        return await asyncio.to_thread(self._looked, found, str(place))

    def look_into(self, data: bytes, name: str) -> PackageLook:
        """The same for the bytes of a `.omni` file. Raises: PackageRejected, ModuleRejected, ManifestInvalid."""
        return self._looked(read_omni(data), name)

    # -- taking it in

    async def install(self, order: InstallOrder, *, who: str, named: bool) -> PluginView:
        """Takes in the package that somebody looked at.

        Raises:
            Conflict: the reference leads to another package by now, or the name is taken.
            PermissionDenied: the policy refuses its publisher, or asks and nobody said yes.
            Others: see `look` and `PluginHost.install`.
        """
        place = _elsewhere(order.reference)
        with self._lock:
            found = self._seen.pop(_key(place, order.digest), None)
        if found is None:
            wanted = place.pinned(order.digest) if isinstance(place, OciReference) else place
            found = await self._sources.fetch(wanted, named=named)
        return await asyncio.to_thread(self._taken, found, place.place, order, who)

    def install_file(self, data: bytes, order: InstallOrder, *, who: str) -> PluginView:
        """Takes in a `.omni` file; `order.reference` is its name. Raises: as `install` does."""
        return self._taken(read_omni(data), _file_source(order.reference), order, who)

    # -- what is installed

    def installed(self) -> Sequence[PluginOrigin]:
        """The origins of the newest versions of plugins that came as packages."""
        rows = {row.name: row for row in self._plugins.routes.catalogue.rows() if row.present}
        return [one for one in self._origins.all() if one.plugin in rows and rows[one.plugin].hash == one.hash]

    async def outdated(self, *, named: bool, sees: Callable[[str], bool] | None = None) -> Sequence[OutdatedPlugin]:
        """Every plugin that came as a package, with the highest version that its source has.

        Args:
            sees: takes the name of a plugin; sources are asked about those that pass.
        """
        found = await asyncio.to_thread(self.installed)
        turns = asyncio.Semaphore(_ASKED_AT_ONCE)

        async def newest(one: PluginOrigin) -> OutdatedPlugin:
            async with turns:
                return await self._newest(one, named)

        return await asyncio.gather(*(newest(one) for one in found if sees is None or sees(one.plugin)))

    async def _newest(self, origin: PluginOrigin, named: bool) -> OutdatedPlugin:
        told = OutdatedPlugin(origin.plugin, origin.source, origin.version, "", "")
        try:
            place = parse_reference(origin.source)
            if not isinstance(place, OciReference | IndexReference):
                return replace(told, problem="the source has one version only")
            newest = next(iter(await self._sources.versions(place, named=named)), "")
        except InvalidInput:
            return replace(told, problem="the source has one version only")
        except OmniError as error:
            return replace(told, problem=str(error))
        newer = is_lower(newest, origin.version)
        return replace(told, newest=newest, reference=str(place.versioned(newest)) if newer else "")

    # -- inner parts

    def _looked(self, found: Package, reference: str) -> PackageLook:
        manifest = self._manifest(found)
        verdict = self._verdict(found)
        return PackageLook(reference, found, verdict, proposal(self._catalogue, manifest, found.module))

    def _taken(self, found: Package, source: str, order: InstallOrder, who: str) -> PluginView:
        if found.digest != order.digest:
            raise Conflict(
                f"{order.reference} is {found.digest} by now, not {order.digest}",
                remedy="look at it again, then decide",
                digest=found.digest,
            )
        verdict = self._verdict(found)
        verdict.check()
        if verdict.decision == "ask" and not order.accept_publisher:
            raise PermissionDenied(
                f"{found.name} is {verdict.reason}",
                remedy=verdict.remedy or "accept that, or set trust.unsigned",
                capability="install",
                resource=found.name,
            )
        return self._stored(found, source, order, verdict, who)

    def _stored(self, found: Package, source: str, order: InstallOrder, verdict: TrustVerdict, who: str) -> PluginView:
        name, filename = found.name, self._filename(found)
        sidecar = found.sidecar
        if sidecar is None and sidecar_beside(self._settings.plugins, filename) is not None:
            raise Conflict(
                f"the package of {name} has no manifest beside it, and the folder has one",
                remedy=f"remove {filename.removesuffix('.wasm')}.toml, or rename it",
            )
        digest = hashlib.sha256(found.module).hexdigest()
        whole = identity(digest, sidecar.decode() if sidecar is not None else None)
        now = self._clock.now()
        signed = SignedVersionRow(name, whole, digest, found.version, verdict.signers, source, now)
        known = self._catalogue.find(name) is not None
        if known:
            # What the publisher may do without a person is decided when the file is taken in. That they signed these
            # bytes holds either way; the name is theirs once the bytes are here.
            self._publishers.verified(signed)
        before = self._origins.of(name, digest)
        self._origins.keep(PluginOrigin(name, digest, source, found.version, found.digest, _signers(verdict), now, who))
        try:
            view = self._plugins.install(filename, found.module, manifest=sidecar, hold=order.hold)
        except BaseException:
            if before is None:
                self._origins.forget(name, digest)
            else:
                self._origins.keep(before)
            raise
        if not known:
            self._publishers.verified(signed)
        self._publishers.pin(signed, who=who)
        return view

    def _filename(self, found: Package) -> str:
        """The file that the plugin has already, else one of its name."""
        own = self._catalogue.own_named(found.name)
        if own is None or own.hash is None or "/" in own.path or not own.path.endswith(".wasm"):
            return f"{found.name}.wasm"
        return own.path

    def _verdict(self, found: Package) -> TrustVerdict:
        evidence = Evidence(package_signatures(found), offered_keys(found))
        return self._publishers.verdict(found.name, evidence, TrustPolicy.of(self._settings.trust))

    def _manifest(self, found: Package) -> Manifest:
        """The manifest, read again with the capabilities of this host's application."""
        doors = self._catalogue.consent.doors
        info = inspect(found.module)
        return read_manifest(found.name, info, sidecar=found.sidecar, sidecar_path="plugin.toml", doors=doors)

    @property
    def _catalogue(self) -> Catalogue:
        return self._plugins.routes.catalogue


def _elsewhere(text: str) -> Reference:
    """A reference that a host may fetch for somebody: its own files are none of it."""
    place = parse_reference(text)
    if isinstance(place, FileReference):
        raise InvalidInput(f"{text[:200]!r} is a file", remedy="send its bytes")
    return place


def _file_source(name: str) -> str:
    """The source of bytes by the name that whoever sent them gave, which leads to no registry and no index."""
    try:
        place = parse_reference(name)
    except InvalidInput:
        return name
    return name if isinstance(place, FileReference) else f"file {name}"


def _signers(verdict: TrustVerdict) -> str:
    """Those who signed a package, by words that mean the same at every host."""
    return ", ".join(sorted(verdict.signers))


def _key(place: Reference, digest: str) -> str:
    return f"{place.place} {digest}"
