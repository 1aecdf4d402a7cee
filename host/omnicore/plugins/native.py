"""Native plugins in the catalogue: Python code in the host's own process, called as sandboxed plugins are."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, get_type_hints

from omnicore.clock import Clock
from omnicore.core.extensions import Extension
from omnicore.errors import OmniError, Unavailable
from omnicore.hookspecs import NativeFunction
from omnicore.plugins.catalogue import Serving
from omnicore.plugins.limits import effective_limits
from omnicore.plugins.manifest import FunctionSpec, Manifest
from omnicore.plugins.native_call import NativeCode, NativeTemplate, takes_input
from omnicore.plugins.schemas import problems_of_schema, write_path
from omnicore.plugins.view import PluginView, State
from omnicore.sandbox.abi import Limits
from omnicore.storage.tables.native import NativeTable

__all__ = ["NativePlugin", "NativePlugins"]

_JSON, _TEXT, _BYTES = "application/json", "text/plain", "application/octet-stream"
_MEDIA: Mapping[Any, str] = {str: _TEXT, bytes: _BYTES}
_SCHEMA_S = 1.0
_HOLD = ("timeout_s", "input_bytes", "output_bytes")  # the limits that hold without a sandbox


@dataclass(slots=True)
class NativePlugin:
    """One native plugin as the host knows it. `problem` is its own; `quarantine` that it failed too often."""

    name: str
    extension: Extension
    manifest: Manifest
    code: Mapping[str, NativeCode]
    problem: str = ""
    quarantine: str = ""
    last_error: Mapping[str, Any] | None = None


class NativePlugins:
    """The native plugins of a host, next to those of its folder.

    A name belongs to whoever had it first: a usable file keeps its name when a package comes along, and a package
    that is in use keeps it when a file does. The other one is listed with the reason.

    Args:
        limits: the defaults, and the most; a native function has the longest time there is.
        taken: says which file has a name, or None.
    """

    def __init__(
        self,
        extensions: Sequence[Extension],
        table: NativeTable,
        clock: Clock,
        *,
        limits: tuple[Limits, Limits],
        taken: Callable[[str], str | None],
    ) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self._table, self._clock, self._limits, self._taken = table, clock, limits, taken
        self._plugins: dict[str, NativePlugin] = {}
        for extension in extensions:
            name = extension.name
            while name in self._plugins:  # the second of two of one name, which is not used
                name = _shadow(name)
            self._plugins[name] = _plugin(name, extension, limits[1].timeout_s)

    def __len__(self) -> int:
        return len(self._plugins)

    def find(self, name: str) -> NativePlugin | None:
        """The plugin that is listed under a name."""
        plugin = self._plugins.get(name)
        if plugin is not None:
            return None if self._taken(name) else plugin
        own = name.removeprefix(_SHADOW)
        return self._plugins.get(own) if own != name and self._taken(own) else None

    def claim(self, name: str) -> str | None:
        """Who has a name that a file would like to have, or None."""
        plugin = self.find(name)
        return (
            f"the native plugin {plugin.extension.where}" if plugin is not None and not self._problem(plugin) else None
        )

    def names(self) -> Sequence[str]:
        """The names they claim."""
        return tuple(self._plugins)

    def views(self) -> list[PluginView]:
        """Every native plugin, those that cannot be used among them."""
        return [self.view(plugin) for plugin in self._plugins.values()]

    def view(self, plugin: NativePlugin) -> PluginView:
        """One of them as people are shown it."""
        state, reason = self._standing(plugin)
        return PluginView(
            name=self._listed(plugin),
            version=plugin.manifest.version,
            description=plugin.manifest.description,
            author="",
            hash=None,
            serving="native" if state in ("enabled", "quarantined") else None,
            state=state,
            reason=reason,
            functions=plugin.manifest.functions,
            asked=(),
            granted=(),
            limits={name: getattr(effective_limits(plugin.manifest.limits, *self._limits), name) for name in _HOLD},
            config=None,
            last_error=plugin.last_error,
            path=plugin.extension.where,
            trust="native",
        )

    def serving(self, plugin: NativePlugin) -> Serving | None:
        """What answers its calls, None while it is switched off or cannot be used."""
        if self._standing(plugin)[0] not in ("enabled", "quarantined"):
            return None
        limits = effective_limits(plugin.manifest.limits, *self._limits)
        name = plugin.name
        return Serving(
            name,
            "native",
            plugin.manifest,
            (),
            bool(plugin.quarantine),
            load=lambda: NativeTemplate(name, plugin.code, limits, self._running_loop),
        )

    def switch(self, plugin: NativePlugin, *, on: bool) -> None:
        """Switches it on, which ends a quarantine, or off; for every process on the same data."""
        self._table.switch(plugin.name, on=on, at=self._clock.now())
        plugin.quarantine = ""

    def failed(self, plugin: NativePlugin, error: OmniError) -> None:
        """Keeps its last failure."""
        plugin.last_error = {**error.to_json(), "at": self._clock.now()}

    def refusal(self, plugin: NativePlugin) -> Unavailable:
        """Why it does not answer."""
        state, reason = self._standing(plugin)
        name = self._listed(plugin)
        remedy = f"run `omnicore plugins enable {name}`" if state == "disabled" else "correct or uninstall its package"
        return Unavailable(f"{name} is {state}: {reason}", remedy=remedy, plugin=name)

    def _standing(self, plugin: NativePlugin) -> tuple[State, str]:
        problem = self._problem(plugin)
        if problem:
            return "rejected", problem
        if self._table.switched_off(plugin.name):
            return "disabled", "switched off"
        return ("quarantined", plugin.quarantine) if plugin.quarantine else ("enabled", "")

    def _problem(self, plugin: NativePlugin) -> str:
        problem = plugin.problem or plugin.extension.problem
        owner = None if problem else self._taken(plugin.name)
        return problem or (f"its name {plugin.name} is taken by {owner}" if owner else "")

    def _listed(self, plugin: NativePlugin) -> str:
        return _shadow(plugin.name) if self._taken(plugin.name) else plugin.name

    def _running_loop(self) -> asyncio.AbstractEventLoop | None:
        return self.loop if self.loop is not None and self.loop.is_running() else None


_SHADOW = "native:"  # names of plugins have no colon, so this meets none


def _shadow(name: str) -> str:
    return f"{_SHADOW}{name}"


def _plugin(name: str, extension: Extension, timeout_s: float) -> NativePlugin:
    problem, code = extension.problem, {}
    if not problem:
        try:
            code = {name: _code(name, function) for name, function in extension.functions.items()}
        except (ValueError, TypeError) as error:
            problem = f"its functions cannot be used: {error}"
    manifest = Manifest(
        name,
        version=extension.version,
        description=extension.description,
        functions=tuple(one.spec for one in code.values()),
        limits={"timeout_s": timeout_s},
    )
    return NativePlugin(name, extension, manifest, code, problem)


def _code(name: str, function: NativeFunction) -> NativeCode:
    hints: dict[str, Any] = {}
    with suppress(Exception):  # annotations that name what cannot be found say nothing
        hints = get_type_hints(function.call)
    returned = hints.pop("return", Any)
    taken = next(iter(hints.values()), Any)
    spec = FunctionSpec(
        name,
        function.description or inspect.cleandoc(function.call.__doc__ or "").partition("\n")[0][:300],
        _schema(name, "input", function.input),
        _schema(name, "output", function.output),
        function.input_media or (_JSON if function.input is not None else _MEDIA.get(taken, _JSON)),
        function.output_media or (_JSON if function.output is not None else _MEDIA.get(returned, _JSON)),
    )
    return NativeCode(spec, function.call, takes_input(function.call))


def _schema(name: str, side: str, schema: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The schema itself. Raises: ValueError: it cannot be used."""
    if schema is not None:
        for path, problem in problems_of_schema(schema, timeout_s=_SCHEMA_S):
            raise ValueError(f"the {side} schema of {name}: {write_path(path) or 'it'} {problem}")
    return schema
