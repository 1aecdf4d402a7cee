"""A plugin on trial: a host of its own in a temporary folder, with all it asks for granted and each call measured."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from omnicore.assembly import BlockingHost, Host
from omnicore.config.settings import LARGEST_LIMITS, Settings
from omnicore.errors import NotFound, Unavailable
from omnicore.plugins.intake import read_module
from omnicore.plugins.manifest import Manifest
from omnicore.sandbox.abi import Limits, Usage
from omnicore.sandbox.engine import Engine, Template
from omnicore.testing.measuring import FUEL, MeasuringEngine
from omnicore.wiring.engines import engine_for

__all__ = ["Subject", "Trial", "read_subject", "trial"]


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


class Trial:
    """An open host with one plugin in it. `usage` is what the last call used."""

    def __init__(self, host: BlockingHost, engine: MeasuringEngine, manifest: Manifest) -> None:
        self.host = host
        self.manifest = manifest
        self._engine = engine

    @property
    def usage(self) -> Usage:
        """What the last call used, one that failed too; nothing where none came as far as the guest."""
        return self._engine.usage

    @property
    def template(self) -> Template:
        """The plugin as compiled and linked. Raises: Unavailable: it could not be."""
        if not self._engine.templates:
            raise Unavailable(f"{self.manifest.name} is not loaded", remedy="see `omnicore plugins inspect`")
        return self._engine.templates[-1]

    @property
    def load_s(self) -> float:
        """How long it took to compile the plugin and link it, the first time it was needed."""
        return self._engine.loads_s[0] if self._engine.loads_s else 0.0

    def call(self, function: str, value: Any, *, timeout_s: float | None = None) -> Any:
        """Calls a function as any caller would; see `omnicore.plugins.calls.Calls.call_blocking`."""
        self._engine.usage = Usage()
        return self.host.call(f"{self.manifest.name}.{function}", value, timeout_s=timeout_s)


@contextmanager
def trial(
    subject: Subject, *, settings: Mapping[str, Any] | None = None, cache: Path | None = None, counted: bool = True
) -> Iterator[Trial]:
    """Opens a host for a plugin alone, without what earlier ones stored.

    Args:
        settings: the plugin's own.
        cache: where compiled code is kept; None compiles anew.
        counted: count fuel, which makes guests somewhat slower.

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
        )
        with host as opened:
            _grant_all(opened, name)
            yield Trial(opened, host.engine, subject.manifest)


def _grant_all(host: BlockingHost, name: str) -> None:
    view = host.plugins.get(name)
    if view.state == "needs-grant":
        view = host.plugins.grant(name, None, who="trial")
    if view.state != "enabled":
        raise Unavailable(f"{name} cannot be served: {view.reason or view.state}", remedy="mend the plugin")


class _TrialHost(Host):
    def __init__(self, *, settings: Settings, cache: Path | None) -> None:
        super().__init__(settings=settings)
        self.engine = MeasuringEngine(engine_for(settings, cache or settings.data / "code"))

    def _engine(self) -> Engine:
        return self.engine
