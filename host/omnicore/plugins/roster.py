"""Which plugins there are, and what each of them is."""

from __future__ import annotations

import builtins
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from omnicore.capabilities.doors import granted_scope
from omnicore.plugins.catalogue import Catalogue, Serving
from omnicore.plugins.manifest import FunctionSpec
from omnicore.plugins.view import PluginView, State
from omnicore.telemetry.logs import Level, LogLine, PluginLogs

__all__ = ["Roster"]


class Roster:
    """Tells of the plugins that a `PluginHost` has; what it needs of the host, the host sets."""

    _catalogue: Catalogue
    _logs: PluginLogs

    @abstractmethod
    def _serving(self, name: str) -> Serving | None:
        """The version of a plugin that answers calls."""

    @abstractmethod
    def _write_errors(self) -> None:
        """Brings what plugins failed with last into the catalogue."""

    def list(self) -> builtins.list[PluginView]:
        """Every plugin, by name, rejected files among them."""
        self._write_errors()
        return self._catalogue.views()

    def page(
        self, after: str, limit: int, *, state: State | None = None, text: str = ""
    ) -> tuple[Sequence[PluginView], bool]:
        """Plugins by name, from behind `after` on, and whether there are more; a page costs no more in a long list.

        Args:
            text: a part of the name, the file or the reason.
        """
        self._write_errors()
        views = self._catalogue.page(after, limit + 1, state=state, text=text)
        return views[:limit], len(views) > limit

    def get(self, name: str) -> PluginView:
        """One plugin. Raises: NotFound."""
        self._write_errors()
        return self._catalogue.view(name)

    def states(self) -> Mapping[str, int]:
        """How many plugins are in each state."""
        return self._catalogue.states()

    def functions(self, name: str) -> Sequence[FunctionSpec]:
        """What the version of a plugin that answers calls has to call; nothing where none does."""
        serving = self._serving(name)
        return serving.manifest.functions if serving is not None else ()

    def offers(self, name: str, function: str) -> bool:
        """Whether the version of a plugin that answers calls has a function."""
        serving = self._serving(name)
        return serving is not None and any(one.name == function for one in serving.manifest.functions)

    def scope(self, name: str, capability: str) -> Mapping[str, Any] | None:
        """What a plugin may do with a capability now, with the scope's defaults; None for a closed door."""
        serving = self._serving(name)
        if serving is None:
            return None
        return granted_scope(capability, serving.manifest.capabilities, serving.grants)

    def logs(self, name: str, limit: int = 100, *, level: Level = "trace") -> Sequence[LogLine]:
        """The last lines a plugin logged, oldest first. Raises: NotFound."""
        self._catalogue.row(name)
        return self._logs.tail(name, limit, level)
