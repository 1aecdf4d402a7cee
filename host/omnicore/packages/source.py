"""Sources: the one way from a reference to a package, over registries, web servers and files.

A registry is also a place through which hosts of a fleet share modules.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from omnicore.clock import Clock, SystemClock
from omnicore.config.settings import PackageSettings, Settings
from omnicore.connectors.addresses import Resolver, parse_url
from omnicore.connectors.policy import Reserved
from omnicore.connectors.transfers import PartialDownloads, TransferRules, Transfers, proxy_of
from omnicore.errors import (
    DeadlineExceeded,
    InvalidInput,
    NotFound,
    OmniError,
    PackageRejected,
    ServiceRefused,
    StorageFailed,
    Unavailable,
)
from omnicore.packages.credentials import RegistryLogins
from omnicore.packages.index import Indexes
from omnicore.packages.package import (
    MODULE_MEDIA,
    MOST_MODULE,
    Artifact,
    Package,
    describe,
    digest_of,
    make_artifact,
    pack,
    read_omni,
)
from omnicore.packages.reference import (
    FileReference,
    IndexReference,
    OciReference,
    Reference,
    WebReference,
    parse_reference,
)
from omnicore.packages.registry import Registry, read_mirrors
from omnicore.plugins.upgrade import version_order
from omnicore.storage.modules import PlaceLoop, too_long, wrong_place

_Result = TypeVar("_Result")

_MODULE_S = 60.0  # of one request for a module, as whoever wants it may hold a lock
_BUSY = frozenset({429, *range(500, 600)})
_NO_CONFIG = "application/vnd.oci.empty.v1+json"
_MODULE_TYPE = "application/vnd.omnicore.module.v1"


@dataclass(frozen=True, slots=True)
class PackageSources:
    """The places that packages come from, within the settings of a host.

    Args:
        environ: names proxies and the files of credentials.
        most_bytes: of a module; the files beside it have a bound of their own.
        reserved: addresses of the host itself.
        resolve: looks names up; the operating system by default.
        indexes: the addresses of indexes, and `state` the folder that remembers their versions.
        downloads: the folder for downloads that broke off, which then go on at the next try; none by default.
    """

    settings: PackageSettings
    environ: Mapping[str, str]
    most_bytes: int = MOST_MODULE
    reserved: Reserved | None = None
    resolve: Resolver | None = None
    indexes: tuple[str, ...] = ()
    state: Path = Path()
    downloads: Path | None = None
    clock: Clock = field(default_factory=SystemClock)

    async def fetch(self, reference: Reference, *, named: bool = False) -> Package:
        """The package that a reference stands for, checked, with all that is attached to it.

        Args:
            named: its host may have a private address: a person at this machine wrote it out.

        Raises:
            NotFound: there is no such package. PackageRejected, ModuleRejected, ManifestInvalid: it is refused.
            PermissionDenied: the host may not be reached. Others: see `Transfers.send`.
        """
        if isinstance(reference, FileReference):
            return await asyncio.to_thread(self._of_file, reference)
        if isinstance(reference, IndexReference):
            indexes = self.read_indexes()
            return await indexes.package(await indexes.find(reference.name, reference.version))
        async with self._transfers(reference, named) as web:
            if isinstance(reference, OciReference):
                return await self._registry(web, reference).package(most_bytes=self._most())
            return await self._of_web(web, reference)

    async def publish(self, package: Package, reference: OciReference) -> str:
        """Stores a package in a registry under the reference's tag, or under its version. Returns its digest.

        Raises: InvalidInput: the package has no version and the reference no tag. Others: see `Registry.push`.
        """
        tag = reference.tag or package.version
        if not tag:
            raise InvalidInput(f"{package.name} has no version", remedy=f"name one: {reference}:1.0.0")
        async with Transfers(self.rules(reference, named=True), resolve=self.resolve) as web:
            return await self._registry(web, reference).push(package, tag=tag)

    async def attach(self, artifact: Artifact, reference: OciReference) -> None:
        """Stores an artifact about a package, such as a signature, beside it. Raises: see `Registry.attach`."""
        async with Transfers(self.rules(reference, named=True), resolve=self.resolve) as web:
            await self._registry(web, reference).attach(artifact)

    def read_indexes(self) -> Indexes:
        """The indexes of the settings. Raises: InvalidSetting."""
        return Indexes(self.indexes, self.state, rules=self.rules, clock=self.clock, partial=self._partial)

    async def versions(self, reference: OciReference | IndexReference, *, named: bool = False) -> tuple[str, ...]:
        """The versions that a repository or an index has, the highest first. Raises: NotFound; as `fetch` does."""
        if isinstance(reference, IndexReference):
            entry = (await self.read_indexes().find(reference.name)).entry
            return sorted_versions(one.version for one in entry.versions if not entry.revoked(one.version))
        async with Transfers(self.rules(reference, named=named), resolve=self.resolve) as web:
            found = await self._registry(web, reference).tags()
        return sorted_versions(found)

    def rules(self, reference: Reference, *, named: bool) -> TransferRules:
        """The bounds of requests for a reference."""
        settings, hosts = self.settings, list(self.settings.private_hosts)
        if isinstance(reference, OciReference):
            asked = [reference.registry] if named else []
            mirror = read_mirrors(settings.mirrors).get(reference.registry)
            hosts += [_destination(one) for one in (*asked, *([mirror.partition("/")[0]] if mirror else ()))]
        elif isinstance(reference, WebReference) and named:
            hosts.append(f"{reference.url.host}:{reference.url.port}")
        proxy, direct = proxy_of(self.environ, settings.proxy)
        return TransferRules(
            named=tuple(hosts),
            plain=settings.insecure_hosts,
            ca_file=settings.ca_file,
            proxy=proxy,
            direct=direct,
            total_s=settings.timeout_s,
            reserved=self.reserved,
        )

    def _transfers(self, reference: Reference, named: bool) -> Transfers:
        return Transfers(self.rules(reference, named=named), resolve=self.resolve, partial=self._partial)

    @property
    def _partial(self) -> PartialDownloads | None:
        return PartialDownloads(self.downloads, self.clock) if self.downloads is not None else None

    def _registry(self, web: Transfers, reference: OciReference) -> Registry:
        logins = RegistryLogins(self.settings.credentials, environ=self.environ)
        return Registry(web, reference, logins=logins, mirrors=read_mirrors(self.settings.mirrors))

    def _most(self) -> int:
        return self.most_bytes + self.settings.files_bytes

    async def _of_web(self, web: Transfers, reference: WebReference) -> Package:
        answer = await web.send(
            "GET", str(reference.url), most_bytes=2 * self._most(), resumes=True, digest=reference.digest
        )
        if answer.status == 404:
            raise NotFound(f"{reference.url} is not there", remedy="check the address")
        if answer.status != 200:
            raise ServiceRefused(f"{reference.url.host} answered {answer.status}", status=answer.status)
        if digest_of(answer.body) != reference.digest:
            raise PackageRejected(
                f"{reference.url} has the digest {digest_of(answer.body)}, not {reference.digest}",
                remedy="ask its publisher which one is right",
                fault="digest",
            )
        return await asyncio.to_thread(self._read, answer.body, reference.stem, package=reference.is_package)

    def _of_file(self, reference: FileReference) -> Package:
        try:
            with open(os.open(reference.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as file:
                data = file.read(2 * self._most() + 1)
        except OSError as error:
            raise NotFound(f"{reference} cannot be read ({error.strerror})", remedy="check the path") from error
        return self._read(data, reference.stem, package=reference.path.suffix == ".omni")

    def _read(self, data: bytes, stem: str, *, package: bool) -> Package:
        if len(data) > 2 * self._most():
            raise PackageRejected(f"the file has over {2 * self._most()} bytes", fault="size")
        found = read_omni(data) if package else pack(data, {}, stem=stem)
        if len(found.module) > self.most_bytes:
            raise PackageRejected(
                f"the module has {len(found.module)} bytes where {self.most_bytes} are allowed",
                remedy="raise limits.module_bytes",
                fault="size",
            )
        return found


class RegistryModules:
    """Modules in a repository, an artifact each whose tag is the hash. See `omnicore.storage.modules.ModulePlace`.

    The repository is made by the first module. Credentials and hosts without TLS are those of packages; mirrors are not
    asked, as they may be behind. A registry that deletes nothing keeps what nobody needs any more.

    Args: url: `oci://HOST/NAME`. Raises: InvalidSetting.
    """

    def __init__(self, url: str, settings: PackageSettings, environ: Mapping[str, str]) -> None:
        try:
            reference = parse_reference(url)
        except InvalidInput:
            reference = None
        if not isinstance(reference, OciReference) or reference.tag or reference.digest:
            raise wrong_place("names no repository", "write oci://HOST/NAME; set packages.credentials beside it")
        self.shown = reference.place
        self._reference, self._loop = reference, PlaceLoop(self.shown)
        rules = PackageSources(settings, environ).rules(reference, named=True)
        self._rules = replace(rules, total_s=min(rules.total_s, _MODULE_S))
        self._logins = RegistryLogins(settings.credentials, environ=environ)
        self._web: Transfers | None = None
        self._registry: Registry | None = None

    def get(self, digest: str, most: int) -> bytes | None:
        """See `ModulePlace`. Bytes of another hash are refused here already, since no host can put them right."""

        async def got(registry: Registry) -> bytes | None:
            layers = Artifact((await registry.manifest(digest)).data, {}).layers
            if [one.digest for one in layers] != [f"sha256:{digest}"]:
                raise PackageRejected(f"{digest[:12]} is the tag of something else", fault="content")
            if layers[0].size > most:
                raise too_long(self.shown, digest, most)
            return await registry.blob(layers[0])

        return self._ask(got, None)

    def put(self, digest: str, data: bytes) -> None:
        """See `ModulePlace`."""
        config, layer = describe(b"{}", _NO_CONFIG), describe(data, MODULE_MEDIA)
        blobs = {config.digest: b"{}", layer.digest: data}
        artifact = make_artifact(config, [layer], blobs, artifact_type=_MODULE_TYPE)
        self._ask(lambda registry: registry.push(artifact, tag=digest), "")

    def has(self, digest: str) -> bool:
        """See `ModulePlace`."""

        async def has(registry: Registry) -> bool:
            await registry.manifest(digest)
            return True

        return self._ask(has, default=False)

    def delete(self, digest: str) -> None:
        """See `ModulePlace`."""

        async def delete(registry: Registry) -> None:
            await registry.delete((await registry.manifest(digest)).digest)

        self._ask(delete, None)

    def check(self) -> None:
        """See `ModulePlace`."""
        self.has("0" * 64)

    def close(self) -> None:
        """See `ModulePlace`. Whoever waits for an answer is told that the host closes."""
        self._loop.close(self._leave)

    # -- inner parts

    def _ask(self, work: Callable[[Registry], Coroutine[Any, Any, _Result]], default: _Result) -> _Result:
        """The answer, or the default for what is not there. Raises: Unavailable, StorageFailed."""
        return self._loop.ask(lambda: self._asked(work, default))

    async def _asked(self, work: Callable[[Registry], Coroutine[Any, Any, _Result]], default: _Result) -> _Result:
        try:
            return await work(self._joined())
        except StorageFailed:
            raise
        except NotFound:
            return default
        except PackageRejected as error:
            remedy = "have the registry repaired, or set another modules.store; nothing of that module runs until then"
            raise StorageFailed(f"{self.shown}: {error.fact}", remedy=remedy) from error
        except OmniError as error:
            if isinstance(error, Unavailable | DeadlineExceeded) or error.details.get("status", 0) in _BUSY:
                raise self._away(error) from error
            raise StorageFailed(f"{self.shown} refuses this host: {error.fact}", remedy=error.remedy) from error

    def _joined(self) -> Registry:
        if self._web is None or self._registry is None:
            self._web = Transfers(self._rules)
            self._registry = Registry(self._web, self._reference, logins=self._logins)
        return self._registry

    async def _leave(self) -> None:
        if self._web is not None:
            await self._web.__aexit__()

    def _away(self, error: OmniError) -> Unavailable:
        return Unavailable(
            f"the modules in {self.shown} cannot be reached: {error.fact}",
            remedy="check modules.store, the registry, and this host's way to it; it is tried again",
        )


def module_place(url: str, settings: Settings) -> RegistryModules:
    """The place that `modules.store` names. Raises: InvalidSetting."""
    return RegistryModules(url, settings.packages, os.environ)


def _destination(host: str) -> str:
    url = parse_url(f"https://{host}/")
    return f"{url.host}:{url.port}"


def sorted_versions(tags: Iterable[str]) -> tuple[str, ...]:
    """The tags that are versions, the highest first."""
    ordered = [(order, tag) for tag in tags if (order := version_order(tag)) is not None]
    return tuple(tag for _, tag in sorted(ordered, reverse=True))
