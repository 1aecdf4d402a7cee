"""`ConfigModule`: the application's own settings, from a file, `OMNICORE_*` variables and overrides."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omnicore.config.loader import ConfigLoader
from omnicore.config.schema import Entry, SettingPath, nested
from omnicore.errors import NotFound

_NONE: Any = object()


class ConfigModule:
    """Settings by dotted name, read when it starts and at each `reload`; overrides win over variables over the file.

    ```python
    config = app.add_module(ConfigModule("config.yaml", overrides={"app.greeting": "Hi"}))
    config["app.greeting"], config.origin("app.greeting")  # ("Hi", "override app.greeting")
    ```

    It has no schema: values of variables are texts. The host's own settings have one, see `omnicore config show`.
    """

    name = "config"

    def __init__(
        self,
        file: str | Path | None = None,
        *,
        overrides: Mapping[str, Any] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._loader = ConfigLoader(file, environ=environ, overrides=overrides)
        self._entries: Mapping[SettingPath, Entry] = {}
        self._values: dict[str, Any] = {}
        self._app: Any = None

    def bind(self, app: Any) -> None:
        """Sets the application and reads the settings, so that modules can use them before they start."""
        self._app = app
        self._read()

    def start(self) -> None:
        """Reads the settings. Raises: InvalidSetting: the file cannot be used."""
        self._read()

    def stop(self) -> None:
        """Keeps the values: what stops later may still ask for them."""

    def reload(self) -> list[str]:
        """Reads again; returns the names that changed, and publishes them as the event `config.changed`.

        Raises: InvalidSetting: the file cannot be used; the values from before stay.
        """
        before = self._entries
        self._read()
        both = {**before, **self._entries}
        changed = sorted(".".join(path) for path in both if _value(before, path) != _value(self._entries, path))
        if changed and self._app is not None:
            self._app.bus.publish("config.changed", {"names": changed}, "app")
        return changed

    def get(self, name: str, default: Any = None) -> Any:
        """The value or table of a dotted name, or `default`."""
        node: Any = self._values
        for key in name.split("."):
            if not isinstance(node, Mapping) or key not in node:
                return default
            node = node[key]
        return node

    def __getitem__(self, name: str) -> Any:
        found = self.get(name, _NONE)
        if found is _NONE:
            raise NotFound(f"there is no setting {name}", remedy="set it in the file, or ask with get(name, default)")
        return found

    def origin(self, name: str) -> str:
        """The origin of a value: `config.yaml:3`, `OMNICORE_PORT`, `override port`. Raises: NotFound."""
        entry = self._entries.get(tuple(name.split(".")))
        if entry is None:
            raise NotFound(f"there is no setting {name}", remedy="name a value, not a table")
        return str(entry.origin)

    def _read(self) -> None:
        entries = self._loader.entries()
        self._entries, self._values = entries, nested({path: entry.value for path, entry in entries.items()})


def _value(entries: Mapping[SettingPath, Entry], path: SettingPath) -> Any:
    entry = entries.get(path)
    return _NONE if entry is None else entry.value
