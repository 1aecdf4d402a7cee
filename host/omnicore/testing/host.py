"""Hosts for one test, with the plugins, data and settings that they are given and no others, and assertions."""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from omnicore.assembly import Host
from omnicore.config.folders import code_folder
from omnicore.config.settings import Settings, is_secret
from omnicore.core.extensions import Extensions
from omnicore.errors import Conflict, InvalidSetting, NotFound, Unavailable
from omnicore.plugins.folder import Folder
from omnicore.portal import BlockingHost
from omnicore.sandbox.abi import Doors, Limits, Usage
from omnicore.sandbox.engines import engine_for
from omnicore.testing.cassette import Cassette, Mode, Redaction
from omnicore.testing.tap import AskedCall, Scripts, Tap
from omnicore.testing.trial import FUEL, MeasuringEngine, Subject, read_subject

if TYPE_CHECKING:
    from types import TracebackType

    from omnicore.capabilities.capability import PluginScope
    from omnicore.capabilities.services import Services
    from omnicore.plugins.host import PluginHost
    from omnicore.sandbox.engine import SandboxEngine

__all__ = ["FUEL", "IsolatedHost", "MeasuringEngine", "assert_capabilities", "assert_fuel", "find_plugins", "put_into"]


_OLD_S = 0.0  # a file that was written just now could still be growing, and a host waits for it


def find_plugins(places: Iterable[str | Path]) -> list[Subject]:
    """The plugins in files, in plugin folders, and in the folders of plugins' own projects.

    Raises:
        NotFound: there is none.
        Conflict: two have one name.
        ModuleRejected, ManifestInvalid: a host would not take it.
    """
    found: dict[str, Subject] = {}
    for place in places:
        for path in _files(Path(place).resolve()):
            subject = read_subject(path)
            other = found.setdefault(subject.manifest.name, subject)
            if other.path != path:
                raise Conflict(f"{path} and {other.path} have one name", remedy="name the one that is meant")
    if not found:
        raise NotFound("no plugin is named", remedy="name a .wasm file or a folder that holds some")
    return list(found.values())


def put_into(folder: Path, subject: Subject) -> None:
    """Puts a plugin and the manifest beside it into a plugin folder, under the name that it has."""
    name = subject.manifest.name
    for suffix, data in ((".wasm", subject.module), (".toml", subject.sidecar)):
        if data is not None:
            path = folder / f"{name}{suffix}"
            path.write_bytes(data)
            os.utime(path, (_OLD_S, _OLD_S))


def _files(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    if place.is_dir():
        for root, inside in ((place, ""), (place / "plugins", ""), (place.parent, f"{place.name}/dist/")):
            candidates = Folder(root).list() if root.is_dir() else []
            files = [root / one.path for one in candidates if not one.problem and one.path.startswith(inside)]
            if files:
                return files
    raise NotFound(f"there is no plugin at {place}", remedy="build it first: `omnicore build` in its folder")


class IsolatedHost:
    """A real host on the given plugins, with temporary data, and all they ask for granted.

    It opens at its first call. Scripts and cassettes stand between the plugins and their doors.

    ```python
    with IsolatedHost("plugins/greeter.wasm", settings={"greeting": "Hi"}, deny=["kv"]) as host:
        assert host.call("greeter.greet", {"name": "Ada"}) == {"greeting": "Hi, Ada!"}
    ```

    Args:
        plugins: files, plugin folders, or the folder of a plugin's own project after `omnicore build`.
        settings: of the plugin; of each by its name where there are several.
        deny: capabilities that stay closed: the guest gets the refusal that it would get without asking.
        clock: seconds since the Unix epoch at which the clocks of guests stand.
        seed: fixes the random bytes of guests.
        cassette: records the calls of doors, or plays them.
        services: instead of the host's own, by the door's name, see `omnicore.capabilities.services`.
        code: a folder that keeps compiled code from one host to the next.
        overrides: any other setting of a host, by name.

    Raises:
        NotFound: there is no plugin.
        ModuleRejected, ManifestInvalid: a host would not take it.
    """

    def __init__(
        self,
        *plugins: str | Path,
        settings: Mapping[str, Any] | None = None,
        deny: Iterable[str] = (),
        clock: float | None = None,
        seed: bytes | None = None,
        cassette: Cassette | None = None,
        services: Mapping[str, Any] | None = None,
        code: str | Path | None = None,
        **overrides: Any,
    ) -> None:
        self._subjects = find_plugins(plugins)
        self._settings = _by_plugin(self._subjects, settings or {})
        self._deny = frozenset(deny)
        self._clock, self._seed, self._cassette = clock, seed, cassette
        self._services = dict(services or {})
        self._code = Path(code) if code is not None else None
        self._overrides = overrides
        self._scripts = Scripts()
        self._parts = ExitStack()
        self._open: BlockingHost | None = None
        self._opening = threading.Lock()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(failed=error is not None)

    def call(self, ref: str, data: Any = b"", *, timeout_s: float | None = None) -> Any:
        """Calls a function as anybody would; see `omnicore.plugins.host.PluginHost.call_blocking`."""
        return self._opened().call(ref, data, timeout_s=timeout_s)

    async def call_async(self, ref: str, data: Any = b"", *, timeout_s: float | None = None) -> Any:
        """`call` for a test that awaits."""
        plugins = (await asyncio.to_thread(self._opened)).host.plugins
        return await plugins.call(ref, data, timeout_s=timeout_s)

    def measure(self, ref: str, data: Any = b"") -> Usage:
        """Calls a function and returns what that used; `fuel` counts instructions of Wasm."""
        opened = self._opened()
        self._engine.usage = Usage()
        opened.call(ref, data)
        return self._engine.usage

    def script(
        self, ref: str, *, reply: Any = None, replies: Iterable[Any] | None = None, error: Any = None, when: Any = None
    ) -> None:
        """Answers a door such as `http.fetch` in place of its service; the newest script that fits answers.

        Grants and checks of the door stay: what it refuses it still refuses.

        Args:
            reply: the fields of the reply, bytes where there are bytes, or a function from the request to them; a
                list is one reply after the other.
            replies: one reply after the other, of errors, too; asking once more is an AssertionError.
            error: a code such as `unavailable`, the fields of an error, or an OmniError.
            when: fields that the request must have, or a function from the request to whether it is meant.

        Raises: InvalidSetting: there is no such door, or not just one answer.
        """
        self._scripts.add(ref, reply=reply, replies=replies, error=error, when=when)

    @property
    def door_calls(self) -> list[AskedCall]:
        """Every call of a door so far, refused ones among them, in order."""
        return list(self._scripts.calls)

    def asked(self, ref: str) -> list[Any]:
        """The requests of one door's verb so far, such as `kv.put`."""
        return [call.request for call in self._scripts.calls if call.ref == ref]

    def logs(self, plugin: str) -> list[str]:
        """The lines that a plugin logged so far."""
        return [line.message for line in self._opened().plugins.logs(plugin)]

    @property
    def plugins(self) -> PluginHost:
        """The plugins as the host has them, see `omnicore.plugins.host.PluginHost`."""
        return self._opened().host.plugins

    @property
    def bus(self) -> Any:
        """The bus that events go to, see `omnicore.events.bus.EventBus`."""
        return self._opened().host.bus

    def cassette(self, path: str | Path, mode: Mode = "once", *, redact: Redaction | None = None) -> Cassette:
        """Records the calls of doors into a file, or plays them from it. It is written when the host is closed.

        Raises: Conflict: the host is open, or has a cassette; NotFound, InvalidSetting, see `Cassette`.
        """
        if self._open is not None or self._cassette is not None:
            raise Conflict("the host runs without this cassette already", remedy="insert it before the first call")
        self._cassette = Cassette(path, mode, redact=redact, clock_ns=self._clock_ns)
        return self._cassette

    def close(self, *, failed: bool = False) -> None:
        """Frees everything and writes the cassette; a second time does nothing.

        Args:
            failed: the test did not come to its end, so that nothing is written or missed.

        Raises: CassetteMismatch: calls are left in a cassette that was played.
        """
        if self._closed:
            return
        self._closed = True
        self._parts.close()
        if self._cassette is not None and not failed:
            self._cassette.save()
            self._cassette.check_all_played()

    @property
    def _clock_ns(self) -> int | None:
        return None if self._clock is None else round(self._clock * 1e9)

    def _opened(self) -> BlockingHost:
        if self._closed:
            raise Unavailable("the host is closed", remedy="call it inside of the test")
        with self._opening:
            return self._open or self._made()

    def _made(self) -> BlockingHost:
        folder = Path(self._parts.enter_context(tempfile.TemporaryDirectory(prefix="omnicore-test-")))
        host = _TestedHost(self._host_settings(folder), self._tap(), self._services, self._code)
        opened = self._parts.enter_context(host)
        self._engine = host.engine
        for subject in self._subjects:
            _serve(opened, subject.manifest.name)
        self._open = opened
        return opened

    def _host_settings(self, folder: Path) -> Settings:
        place = folder / "plugins"
        place.mkdir()
        for subject in self._subjects:
            put_into(place, subject)
        settings = Settings(
            plugins=place,
            data=folder / "data",
            watch=False,
            plugin_settings=self._settings,
            limits=replace(Limits(), fuel=FUEL),
        )
        return replace(settings, **self._overrides)

    def _tap(self) -> Tap:
        cassette, clock_ns, seed = self._cassette, self._clock_ns, self._seed
        if cassette is not None:
            cassette.redaction.hide(_secrets(self._settings))
            clock_ns, seed = cassette.clock_ns, cassette.seed
        return Tap(self._scripts, deny=self._deny, cassette=cassette, clock_ns=clock_ns, seed=seed)


class _TestedHost(Host):
    """A host with a tap on its doors and a meter on its engine."""

    def __init__(self, settings: Settings, tap: Tap, services: Mapping[str, Any], code: Path | None) -> None:
        super().__init__(settings=settings)
        self.engine = MeasuringEngine(engine_for(settings, code or code_folder(settings.data)))
        self._tap = tap
        self._given = services

    def _engine(self) -> SandboxEngine:
        return self.engine

    def _native_plugins(self) -> Extensions:
        return Extensions()  # none of this machine's: a test has the plugins that it is given

    def _services(self, services: Services) -> Services:
        return self._tap.services(replace(services, **self._given))

    def _wrap_doors(self, plugin: PluginScope, doors: Doors) -> Doors:
        return self._tap.wrap(plugin, doors)


def _serve(host: BlockingHost, name: str) -> None:
    view = host.plugins.get(name)
    if view.state == "needs-grant":
        view = host.plugins.grant(name, None, who="test")
    if view.state != "enabled":
        raise Unavailable(
            f"{name} cannot be served: {view.reason or view.state}", remedy="mend the plugin", plugin=name
        )


def _by_plugin(subjects: list[Subject], settings: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    names = [subject.manifest.name for subject in subjects]
    if len(names) == 1:
        return {names[0]: dict(settings)}
    wrong = [name for name, value in settings.items() if name not in names or not isinstance(value, Mapping)]
    if wrong:
        raise InvalidSetting(
            f"{wrong[0]!r} has no settings of its own among {', '.join(names)}",
            remedy="with several plugins, settings are a table for each name",
        )
    return {name: dict(value) for name, value in settings.items()}


def _secrets(settings: Mapping[str, Any]) -> list[str]:
    """Texts in the settings whose names say that they are secret."""
    found: list[str] = []
    for name, value in settings.items():
        if isinstance(value, Mapping):
            found += _secrets(value)
        elif isinstance(value, str) and is_secret(name):
            found.append(value)
    return found


def assert_fuel(host: IsolatedHost, ref: str, data: Any = b"", *, most: int) -> int:
    """Calls a function, fails when that takes more than `most` instructions of Wasm, and returns how many it took.

    The same call takes the same on every machine, but for some thirty instructions that clearing up after the call
    before may take, and as long as the plugin reads no clock.
    """
    used = host.measure(ref, data).fuel
    assert used is not None, f"the engine of {ref} counts no instructions"  # noqa: S101
    if used > most:
        raise AssertionError(f"{ref} took {used:,} instructions where {most:,} are allowed ({used / most:.2f} times)")
    return used


def assert_capabilities(plugin: str | Path, expected: Iterable[str]) -> None:
    """Fails unless the plugin in a file or folder asks for just these capabilities."""
    wanted = set(expected)
    for subject in find_plugins([plugin]):
        asked = {one.name: one.reason for one in subject.manifest.capabilities}
        more = [f"asks for {name} as well ({asked[name]})" for name in sorted(asked.keys() - wanted)]
        less = [f"does not ask for {name}" for name in sorted(wanted - asked.keys())]
        if more or less:
            raise AssertionError(f"{subject.manifest.name} {', and '.join([*more, *less])}")
