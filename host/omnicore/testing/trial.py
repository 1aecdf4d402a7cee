"""A plugin on trial: a host of its own in a temporary folder, with all it asks for granted and each call measured."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

from omnicore.assembly import Host
from omnicore.capabilities.services import Services
from omnicore.config.folders import code_folder
from omnicore.config.settings import LARGEST_LIMITS, Settings
from omnicore.connectors.addresses import parse_url
from omnicore.connectors.policy import HttpPolicy
from omnicore.errors import ModuleRejected, NotFound, OmniError, PermissionDenied, Unavailable
from omnicore.plugins.inventory import read_module
from omnicore.plugins.manifest import Manifest
from omnicore.portal import BlockingHost
from omnicore.sandbox.abi import Doors, HttpRequest, HttpResponse, Limits, Usage
from omnicore.sandbox.engine import Instance, Module, SandboxEngine, Template
from omnicore.sandbox.engines import engine_for


@dataclass(frozen=True, slots=True)
class Subject:
    """A built plugin: its file, its module, the manifest beside it if there is one, and what that says."""

    path: Path
    module: bytes
    sidecar: bytes | None
    manifest: Manifest


def read_subject(path: Path) -> Subject:
    """The plugin in a .wasm or .wat file, with its sidecar where the folder of a host would find one.

    Raises: NotFound; ModuleRejected, ManifestInvalid: a host would not take it.
    """
    try:
        data = path.read_bytes()
    except OSError as cause:
        raise NotFound(f"{path} cannot be read ({cause.strerror})", remedy="check the path") from cause
    above = path.parent.parent
    in_dist = path.parent.name == "dist" and above.name == path.stem
    places = [path.with_suffix(".toml"), *([above / "plugin.toml"] if in_dist else [])]
    return _read(path, data, next((place for place in places if place.is_file()), None))


def _read(path: Path, data: bytes, beside: Path | None) -> Subject:
    if beside is not None and beside.is_symlink():
        raise ModuleRejected(f"{beside} is a link, which is never followed", remedy="copy the file itself")
    sidecar = beside.read_bytes() if beside else None
    module, manifest = read_module(
        path.stem,
        data,
        text=path.suffix == ".wat",
        sidecar=sidecar,
        sidecar_path=str(beside or ""),
        limits=(Limits(), LARGEST_LIMITS),
    )
    return Subject(path, module, sidecar, manifest)


class PluginTrial:
    """An open host with one plugin in it. `usage` is what the last call used."""

    def __init__(self, host: BlockingHost, engine: MeasuringEngine, manifest: Manifest) -> None:
        self.host = host
        self.manifest = manifest
        self._engine = engine

    @property
    def usage(self) -> Usage:
        """The usage of the last call, a failed one too; nothing where none reached the guest."""
        return self._engine.usage

    @property
    def template(self) -> Template:
        """The plugin as compiled and linked. Raises: Unavailable: it could not be."""
        if not self._engine.templates:
            raise Unavailable(f"{self.manifest.name} is not loaded", remedy="see `omnicore plugins show`")
        return self._engine.templates[-1]

    @property
    def load_s(self) -> float:
        """Seconds that compiling and linking the plugin took, the first time it was needed."""
        return self._engine.loads_s[0] if self._engine.loads_s else 0.0

    def call(self, function: str, value: Any, *, timeout_s: float | None = None) -> Any:
        """Calls a function as any caller would; see `omnicore.plugins.host.PluginHost.call_blocking`."""
        self._engine.usage = Usage()
        return self.host.call(f"{self.manifest.name}.{function}", value, timeout_s=timeout_s)


@contextmanager
def trial(
    subject: Subject,
    *,
    settings: Mapping[str, Any] | None = None,
    cache: Path | None = None,
    counted: bool = True,
    network: bool = True,
) -> Iterator[PluginTrial]:
    """Opens a host for a plugin alone, without what earlier ones stored.

    Args:
        settings: the plugin's own.
        cache: where compiled code is kept; None compiles anew.
        counted: count fuel, which makes guests somewhat slower.
        network: whether its requests are sent; the rest of what it asks for stays within the trial.

    Raises: Unavailable: the plugin cannot be served.
    """
    name = subject.manifest.name
    with tempfile.TemporaryDirectory(prefix="omnicore-trial-") as folder:
        plugins = Path(folder, "plugins")
        plugins.mkdir()
        # A file of the plugin's own name: the one it has may be any, and a host would look beside it.
        plugins.joinpath(f"{name}.wasm").write_bytes(subject.module)
        if subject.sidecar is not None:
            plugins.joinpath(f"{name}.toml").write_bytes(subject.sidecar)
        host = _TrialHost(
            settings=Settings(
                plugins=plugins,
                data=Path(folder, "data"),
                watch=False,
                plugin_settings={name: dict(settings or {})},
                limits=replace(Limits(), fuel=FUEL if counted else None),
            ),
            cache=cache,
            network=network,
        )
        with host as opened:
            _grant_all(opened, name)
            yield PluginTrial(opened, host.engine, subject.manifest)


def _grant_all(host: BlockingHost, name: str) -> None:
    view = host.plugins.get(name)
    if view.state == "needs-grant":
        view = host.plugins.grant(name, None, who="trial")
    if view.state != "enabled":
        raise Unavailable(f"{name} cannot be served: {view.reason or view.state}", remedy="mend the plugin")
    host.plugins.loads(name)  # each grant that changes its doors makes a new version, loaded when it is called


class _TrialHost(Host):
    def __init__(self, *, settings: Settings, cache: Path | None, network: bool) -> None:
        super().__init__(settings=settings)
        self._network = network
        self.engine = MeasuringEngine(engine_for(settings, cache or code_folder(settings.data)))

    def _engine(self) -> SandboxEngine:
        return self.engine

    def _services(self, services: Services) -> Services:
        return services if self._network else replace(services, http=_NoNetwork())


class _NoNetwork:
    """Stands in for the HTTP client where nobody agreed that the plugin contacts somebody."""

    async def send(self, request: HttpRequest, policy: HttpPolicy) -> HttpResponse:
        """Raises: PermissionDenied, always; InvalidInput: the URL is none."""
        url = parse_url(request.url)
        policy.check_hop(request.method, url)
        raise PermissionDenied(
            f"{policy.plugin} may not contact {url.host} here: its folder is not trusted",
            remedy="look at what it asks for, then run `omnicore trust` in its folder",
            capability="http",
            resource=url.host,
        )


FUEL = 10**15
"""Enough for anything; without a bound nothing is counted."""


class MeasuringEngine:
    """An engine that remembers what is loaded, in `templates`, and what the last call used, in `usage`.

    `loads_s` says how long each of them took. Units: seconds.
    """

    def __init__(self, inner: SandboxEngine) -> None:
        self._inner = inner
        self.name = inner.name
        self.version = inner.version
        self.on_loop = getattr(inner, "on_loop", True)
        self.templates: list[Template] = []
        self.loads_s: list[float] = []
        self.usage = Usage()

    def load(self, modules: Sequence[Module], limits: Limits, doors: Doors) -> Template:
        """See `omnicore.sandbox.engine.Engine.load`."""
        started = perf_counter()
        self.templates.append(self._inner.load(modules, limits, doors))
        self.loads_s.append(perf_counter() - started)
        return _MeasuringTemplate(self.templates[-1], self)

    def close(self) -> None:
        """See `omnicore.sandbox.engine.Engine.close`."""
        self._inner.close()


class _MeasuringTemplate:
    def __init__(self, inner: Template, engine: MeasuringEngine) -> None:
        self._inner = inner
        self._engine = engine

    @property
    def exports(self) -> Sequence[str]:
        return self._inner.exports

    def instance(self, *, on_loop: bool = False) -> Instance:
        return _MeasuringInstance(self._inner.instance(on_loop=on_loop), self._engine)

    def close(self) -> None:
        if self._inner in self._engine.templates:  # granting the next capability loads the plugin anew
            self._engine.templates.remove(self._inner)
        self._inner.close()


class _MeasuringInstance:
    def __init__(self, inner: Instance, engine: MeasuringEngine) -> None:
        self._inner = inner
        self._engine = engine

    @property
    def healthy(self) -> bool:
        return self._inner.healthy

    @healthy.setter
    def healthy(self, value: bool) -> None:
        self._inner.healthy = value

    @property
    def kept_bytes(self) -> int:
        """That of the instance inside."""
        return self._inner.kept_bytes

    def call(self, export: str, data: bytes, *, timeout_s: float | None = None, host_context: Any = None) -> bytes:
        try:
            return self._inner.call(export, data, timeout_s=timeout_s, host_context=host_context)
        finally:
            self._note()

    async def call_async(
        self, export: str, data: bytes, *, timeout_s: float | None = None, host_context: Any = None
    ) -> bytes:
        try:
            return await self._inner.call_async(export, data, timeout_s=timeout_s, host_context=host_context)
        finally:
            self._note()

    def cancel(self) -> None:
        self._inner.cancel()

    def usage(self) -> Usage:
        return self._inner.usage()

    def close(self) -> None:
        self._inner.close()

    def _note(self) -> None:
        with suppress(OmniError):  # an instance that is closed has nothing to say
            self._engine.usage = self._inner.usage()
