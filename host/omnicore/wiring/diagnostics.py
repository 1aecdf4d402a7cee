"""Diagnostics: what somebody who helps needs to know of a host, in one file that holds no secret.

Three nets lie over everything that goes in: what is known to be a secret is taken out wherever it stands, values whose
key names a secret are masked, and so is what looks like one, such as a bearer token or a password in a URL.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from typing import Any

from omnicore.access.keys import SHOWN
from omnicore.config.loader import SCHEMA
from omnicore.config.overrides import value_of
from omnicore.config.schema import leaves
from omnicore.config.service import Item
from omnicore.config.settings import MASK, Settings, is_secret
from omnicore.connectors.redaction import HIDDEN, Redactor
from omnicore.connectors.vault import Vault
from omnicore.errors import OmniError

__all__ = ["Sources", "Veil", "bundle", "secrets_of"]

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
    """Where everything comes from; each is asked when the file is made."""

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

    A part that fails tells why in its place and leaves the others be.
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
    patterns = (*settings.connectors.secret_variables, "OMNICORE_MASTER_KEY", "OMNICORE_TOKEN")
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
    """What it is and where from; the words of applications and plugins are theirs, so their values stay here."""
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
