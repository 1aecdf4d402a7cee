"""Hooks that a Python plugin implements for an application, and the markers to declare them.

A native plugin is a class, an object or a module named by an entry point of the group `omnicore.plugins`. Methods
named like a hook are hooks; `hookimpl` is only needed for another name (`specname`) or an order. Native plugins are
trusted: they are code in the host's own process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pluggy

__all__ = ["GROUP", "HOOKS", "NativeFunction", "hookimpl", "hookspec"]

GROUP = "omnicore.plugins"
hookspec = pluggy.HookspecMarker("omnicore")
hookimpl = pluggy.HookimplMarker("omnicore")


@dataclass(frozen=True, slots=True)
class NativeFunction:
    """A function that callers see, with what its signature does not say.

    `input` and `output` are JSON Schemas; media types default to what the annotations say: `bytes`, `str`, else JSON.
    """

    call: Callable[..., Any]
    name: str = ""
    description: str = ""
    input: Mapping[str, Any] | None = None
    output: Mapping[str, Any] | None = None
    input_media: str = ""
    output_media: str = ""


Functions = Mapping[str, Callable[..., Any] | NativeFunction] | Iterable[Callable[..., Any] | NativeFunction]


class HOOKS:
    """The hooks; each may take fewer arguments than it is given, and be a coroutine function but for `functions`."""

    @hookspec
    def register(self, app: Any) -> None:
        """Told its application before modules start; `app.add_module(...)` adds one of the plugin's own."""

    @hookspec
    def functions(self) -> Functions | None:
        """Functions for all callers of the host, by name or as a list; they take their input, or nothing.

        Asked without `register` by commands that only list or call.
        """

    @hookspec
    def startup(self) -> None:
        """Called once every module has started."""

    @hookspec
    def shutdown(self) -> None:
        """Called before modules stop."""

    @hookspec
    def on_event(self, event: Any) -> None:
        """Handed each event of the bus, one after the other; slow plugins miss the oldest."""
