"""Operation of a host: its settings, backups, figures over time, and a file of diagnostics without secrets."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import math
import os
import platform
import re
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from typing import Any

from omnicore.access.keys import SHOWN
from omnicore.adapters.environment import surroundings_of
from omnicore.adapters.machine import look
from omnicore.advisories import EngineAbout, engines, known
from omnicore.clock import Clock
from omnicore.config.loader import SCHEMA, Loaded
from omnicore.config.overrides import value_of
from omnicore.config.schema import leaves
from omnicore.config.service import LIVE, Item, SettingsDesk
from omnicore.config.settings import MASK, Settings, is_secret
from omnicore.connectors.redaction import HIDDEN, Redactor
from omnicore.connectors.vault import Vault
from omnicore.errors import OmniError
from omnicore.parts import HostParts
from omnicore.plugins.host import PluginHost
from omnicore.runtime.tasks import TaskEngine
from omnicore.storage.backup import Backups
from omnicore.storage.change_watch import ChangeWatch
from omnicore.storage.store import Store
from omnicore.storage.tables.settings import OverridesTable
from omnicore.telemetry.logs import LEVELS
from omnicore.telemetry.metrics import FINE, Metrics, Series, Totals
from omnicore.version import __version__

_VEIL_S = 60.0  # a secret that is added is one for kept calls after this time
_SETTINGS_S = 0.4
"""The least time between two looks at settings: a change is taken up everywhere within a second."""


class OperationsPart:
    """`settings`, `backups`, `series` and `about` are what the faces show; as long as it runs, figures are taken."""

    def __init__(self, found: Loaded, parts: HostParts, clock: Clock) -> None:
        shared = parts.store.dialect == "postgresql"
        self._parts = parts
        publish = parts.bus.publish
        taken_up = {"log_level": _use_log_level, "log_lines": self._use_log_lines}
        self.settings = SettingsDesk(
            found,
            {name: taken_up.get(name, parts.plugins.use) for name in LIVE},
            tell=lambda name: publish("settings.changed", {"name": name}),
            keeper=OverridesTable(parts.store, clock) if shared else None,
        )
        refresh = self.settings.refresh
        self._following = ChangeWatch("settings", parts.store, refresh, pause_s=_SETTINGS_S) if shared else None
        self.backups = Backups(
            parts.store,
            found.settings.data,
            clock=clock,
            tell=lambda name, how: publish(f"backups.{how}", {"name": name}),
        )
        self.series = Series(totals_of(parts.metrics, parts.tasks), clock)
        self.about = _about_host(found.settings, parts.plugins, parts.store, clock)
        self._kept = parts.plugins.calls.kept
        self._kept.redact, self._veiled_at = Veil(()).text, -math.inf
        self._sampler = Sampler(self.series, (self._keep_calls, *(() if shared else (refresh,))))

    def rooms(self) -> Mapping[str, Any]:
        """The services that REST uses."""
        return {
            "settings": self.settings,
            "backups": self.backups,
            "series": self.series,
            "alarms": self._parts.alarms,
            "about": self.about,
            "diagnostics": self.diagnostics,
        }

    def diagnostics(self, also: Mapping[str, Any] | None = None) -> bytes:
        """One ZIP without secrets, for support. `also` holds more files, by name, as JSON values."""
        settings, vault = self.settings.now.settings, self._parts.connectors.vault
        return bundle(
            Sources(
                about=self.about,
                health=lambda: asdict(self._parts.health.report()),
                settings=self.settings.items,
                plugins=lambda: [view.to_json() for view in self._parts.plugins.list()],
                events=self._last_events,
                logs=self._parts.logs.tail,
                metrics=self._parts.metrics.render,
                secrets=lambda: secrets_of(settings, vault, os.environ),
            ),
            also,
        )

    async def start(self) -> None:
        """Begins to take figures, and to follow the settings that other hosts change."""
        await self._sampler.start()
        if self._following is not None:
            await self._following.start()

    async def stop(self) -> None:
        """Ends it."""
        await self._sampler.stop()
        if self._following is not None:
            await self._following.stop()
        await asyncio.to_thread(self.backups.close)

    def _last_events(self, limit: int) -> list[dict[str, Any]]:
        rows, _ = self._parts.events.history("**", limit, None)
        return [row.to_json() for row in rows]

    def _keep_calls(self) -> None:
        """Takes in calls that are kept; what is known to be secret is not in their inputs."""
        if self._kept.excerpt and time.monotonic() - self._veiled_at > _VEIL_S:
            settings, vault = self.settings.now.settings, self._parts.connectors.vault
            self._kept.redact = Veil(secrets_of(settings, vault, os.environ)).text
            self._veiled_at = time.monotonic()
        self._kept.fold()

    def _use_log_lines(self, settings: Settings) -> None:
        self._parts.logs.per_plugin = settings.log_lines


def without_host(found: Loaded, also: Mapping[str, Any]) -> bytes:
    """The ZIP of a host that does not start: versions, settings, and what `also` says."""
    sources = Sources(
        about=lambda: about_versions(found.settings),
        settings=SettingsDesk(found).items,
        secrets=lambda: secrets_of(found.settings, None, os.environ),
    )
    return bundle(sources, also)


def _use_log_level(settings: Settings) -> None:
    logging.getLogger("omnicore").setLevel(LEVELS[settings.log_level])


_FILE_BYTES = 1024 * 1024
_MOST_EVENTS, _MOST_LINES, _MOST_PLUGINS, _MOST_SECRETS = 200, 50, 200, 2000
_SHORTEST = 8  # of values that are secret only perhaps; a short one stands in too many places by chance
_SECRET_FILE_BYTES = 64 * 1024
_PACKAGES = ("wasmtime", "extism", "starlette", "hypercorn", "hnswlib", "numpy", "psycopg", "cryptography")

# Plugins write what these look through: none may begin anew at each character of a long word.
_LOOKS_SECRET: Sequence[tuple[re.Pattern[str], str]] = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), HIDDEN),
    (SHOWN, HIDDEN),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]{6,}"), rf"\1 {HIDDEN}"),
    (re.compile(r"(?<=://)[^/\s@]{1,400}@"), f"{HIDDEN}@"),
    (re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*"), HIDDEN),
    (
        re.compile(
            r"(?i)((?:password|passwd|token|secret|api[_-]?key|credential|private[_-]?key|cookie)"
            r"[a-z0-9_-]{0,40}[\"']?\s{0,3}[:=]\s{0,3})[\"']?[^\s\"',;&}\]]{1,4000}"
        ),
        rf"\1{HIDDEN}",
    ),
)


@dataclass(frozen=True, slots=True)
class Sources:
    """The sources of a file of diagnostics; each is called when the file is made."""

    about: Callable[[], Mapping[str, Any]]
    settings: Callable[[], list[Item]]
    secrets: Callable[[], Iterable[str]]
    health: Callable[[], Any] = dict
    plugins: Callable[[], list[dict[str, Any]]] = list
    events: Callable[[int], list[dict[str, Any]]] = lambda _: []
    logs: Callable[[str, int], Iterable[Any]] = lambda *_: ()
    metrics: Callable[[], bytes] = bytes


class Veil:
    """Takes secrets out of JSON values and texts."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._known = Redactor(secrets)

    def text(self, text: str) -> str:
        """The text without what is known to be secret, or looks like it."""
        text = self._known.text(text)
        for pattern, put in _LOOKS_SECRET:
            text = pattern.sub(put, text)
        return text

    def value(self, value: Any, key: str = "") -> Any:
        """A JSON value without secrets; of a key that names one, whatever text it has is masked."""
        if isinstance(value, str):
            return MASK if value and is_secret(key) else self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(name)): self.value(one, str(name)) for name, one in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(one, key) for one in value]
        return value if value is None or isinstance(value, bool | int | float) else self.text(str(value))


def bundle(sources: Sources, also: Mapping[str, Any] | None = None) -> bytes:
    """The ZIP, with JSON values that are `also` to be in it by file name.

    A part that fails is replaced by the reason; the others are complete.
    """
    veil = Veil(sources.secrets())
    parts: dict[str, Callable[[], str]] = {
        "host.json": lambda: _json(veil, {**sources.about(), "packages": _packages()}),
        "health.json": lambda: _json(veil, sources.health()),
        "settings.json": lambda: _json(veil, [_setting(item) for item in sources.settings()]),
        "plugins.json": lambda: _json(veil, [_plugin(view) for view in islice(sources.plugins(), _MOST_PLUGINS)]),
        "events.json": lambda: _json(veil, sources.events(_MOST_EVENTS)),
        "logs.txt": lambda: veil.text("".join(_log_lines(sources))),
        "metrics.txt": lambda: veil.text(sources.metrics().decode("utf-8", "replace")),
    }
    parts |= {name: partial(_json, veil, value) for name, value in (also or {}).items()}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, make in parts.items():
            archive.writestr(name, _bounded(_made(make, veil)))
    return stream.getvalue()


def secrets_of(settings: Settings, vault: Vault | None, environ: Mapping[str, str]) -> Iterator[str]:
    """Every secret that this host knows: of its settings, its variables, its secret files and its vault."""
    yield from _of_settings(settings)
    patterns = (*settings.connectors.secret_variables, "OMNICORE_MASTER_KEY", "OMNICORE_TOKEN", "VAULT_TOKEN")
    for name, value in environ.items():
        if is_secret(name) or any(fnmatchcase(name, pattern) for pattern in patterns):
            yield value
    folders = (*settings.connectors.secret_folders, *([settings.runtime.secrets] if settings.runtime.secrets else ()))
    yield from _of_files([*(path for folder in folders for path in _files(folder)), settings.data / "master.key"])
    if vault is not None:
        yield from _of_vault(vault)


def _of_settings(settings: Settings) -> Iterator[str]:
    for leaf in SCHEMA.values():
        secret = value_of(settings, leaf.path) if leaf.secret and not leaf.free else None
        if isinstance(secret, str):
            yield secret
            yield secret.partition("://")[2].rpartition("@")[0].partition(":")[2]  # of a URL its password
    for path, value in (*leaves(settings.plugin_settings), *leaves(settings.app)):
        for text in value if isinstance(value, list | tuple) else (value,):
            if isinstance(text, str) and (len(text) >= _SHORTEST or (path and is_secret(path[-1]))):
                yield text


def _of_vault(vault: Vault) -> Iterator[str]:
    after, seen = "", 0
    while seen < _MOST_SECRETS:
        page = vault.list(after, 100)
        for info in page:
            with suppress(OmniError):  # removed meanwhile, or sealed by a key that is away
                yield vault.get(info.name)
        if len(page) < 100:
            return
        after, seen = page[-1].name, seen + len(page)


def _files(folder: Path) -> list[Path]:
    try:
        return [path for path in islice(sorted(folder.iterdir()), 256) if path.is_file()]
    except OSError:
        return []


def _of_files(files: Iterable[Path]) -> Iterator[str]:
    for file in files:
        with suppress(OSError, UnicodeDecodeError), file.open("rb") as stream:
            yield stream.read(_SECRET_FILE_BYTES).decode().strip()


def _setting(item: Item) -> dict[str, Any]:
    """A setting with its origin. Values of applications and plugins are private and left out."""
    free = item.name.partition(".")[0] in ("app", "plugin_settings")
    hidden = item.secret or free
    shown = {"name": item.name, "origin": item.origin, "override": item.override, "waiting": item.waiting}
    return {**shown, "value": (MASK if item.value is not None else None) if hidden else item.value}


def _plugin(view: dict[str, Any]) -> dict[str, Any]:
    """A plugin without the schema of its settings, whose defaults may be anything."""
    return {name: value for name, value in view.items() if name != "config"}


def _log_lines(sources: Sources) -> Iterator[str]:
    """The last lines of each plugin, until there are too many: no more is made than is kept."""
    size = 0
    for view in islice(sources.plugins(), _MOST_PLUGINS):
        for line in sources.logs(view["name"], _MOST_LINES):
            yield (text := f"{line.at:.3f} {line.level:<5} {view['name']}  {line.message}\n")
            size += len(text)
            if size > _FILE_BYTES:
                return


def _packages() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _json(veil: Veil, value: Any) -> str:
    return json.dumps(veil.value(value), indent=1, ensure_ascii=True)


def _made(make: Callable[[], str], veil: Veil) -> str:
    try:
        return make()
    except Exception as error:  # what ails the host may ail this part as well
        return veil.text(f"could not be made: {type(error).__name__}: {error}")


def _bounded(text: str) -> bytes:
    data = text.encode("utf-8", "backslashreplace")
    return data if len(data) <= _FILE_BYTES else data[:_FILE_BYTES] + b"\n[cut]\n"


_PASSWORD = re.compile(r"(?<=://)[^/\s]*@")
_IN_QUERY = re.compile(r"(?i)\b(password|passwd|token|secret|sslpassword|key)=[^&\s]*")


def _about_host(settings: Settings, plugins: PluginHost, store: Store, clock: Clock) -> Callable[[], Mapping[str, Any]]:
    """A function that describes the host, from its start on."""
    started_at, begun = clock.now(), clock.monotonic()
    versions = about_versions(settings)

    def tell() -> Mapping[str, Any]:
        return {
            **versions,
            "started_at": started_at,
            "uptime_s": round(clock.monotonic() - begun, 3),
            "data": str(settings.data.absolute()),
            "storage": without_password(store.place),
            "counts": dict(plugins.states()),
        }

    return tell


def about_versions(settings: Settings) -> dict[str, Any]:
    """Facts that do not change while a host runs: versions, the platform, and advisories for the engines."""
    place = surroundings_of(settings.runtime.environment, look(os.environ))
    return {
        "name": "OmniCore",
        "version": __version__,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": platform.platform(),
        "environment": place.name,
        "engines": [_engine(one) for one in engines()],
        "advisories_of": known().dated,
    }


def without_password(place: str) -> str:
    """A path or URL without credentials.

    >>> without_password("postgresql://me:hush@db/core?password=x")
    'postgresql://db/core?password=...'
    """
    return _IN_QUERY.sub(r"\1=...", _PASSWORD.sub("", place))


def _engine(one: EngineAbout) -> dict[str, Any]:
    listed = [{**asdict(advisory), "affected": ", ".join(advisory.affected)} for advisory in one.advisories]
    for advisory in listed:
        del advisory["package"]
    return {"name": one.name, "version": one.version, "advisories": listed}


_log = logging.getLogger("omnicore.telemetry")


def totals_of(metrics: Metrics, tasks: TaskEngine) -> Callable[[], Totals]:
    """A function that reads the totals of a host's counters."""

    def read() -> Totals:
        figures = metrics.figures()
        ended = tasks.finished + tasks.failed
        return Totals(figures.calls, figures.errors, ended, int(metrics.total("http_requests")), metrics.durations())

    return read


class Sampler:
    """Does what is to be done in every step of the figures, as long as the host runs."""

    def __init__(self, series: Series, also: Sequence[Callable[[], None]] = (), every_s: float = FINE.step_s) -> None:
        self._works = (series.tick, *also)
        self._every_s = every_s
        self._sampling: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins, with a first look at once."""
        self._sampling = asyncio.ensure_future(self._sample())

    async def stop(self) -> None:
        """Ends it."""
        if self._sampling is not None:
            self._sampling.cancel()
            with suppress(asyncio.CancelledError):
                await self._sampling
            self._sampling = None

    async def _sample(self) -> None:
        while True:
            for work in self._works:
                try:
                    await asyncio.to_thread(work)
                except Exception:  # the next step may go well
                    _log.exception("figures over time were not taken in")
            await asyncio.sleep(self._every_s)
