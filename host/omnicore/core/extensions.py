"""Native plugins: found by entry point, loaded one by one, each kept from hurting the others."""

from __future__ import annotations

import importlib.metadata
import inspect
import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pluggy

from omnicore.core.bounded import Outcome, within
from omnicore.hookspecs import GROUP, HOOKS, NativeFunction

_log = logging.getLogger("omnicore.extensions")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
_FUNCTION = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_MOST_FUNCTIONS = 256
_HOOKS = frozenset(name for name in vars(HOOKS) if not name.startswith("_"))
_LONGEST = 300


class Extension:
    """One native plugin: its identity and its state.

    `problem` says why it is not used, "" while it is; `where` is `package.module:Name`.
    """

    def __init__(self, name: str, where: str, *, version: str = "", problem: str = "") -> None:
        self.name = name
        self.where = where
        self.version = version
        self.problem = problem
        self.description = ""
        self.functions: Mapping[str, NativeFunction] = {}
        self._hooks: pluggy.PluginManager | None = None

    def take(self, plugin: object) -> None:
        """Adopts what the entry point names, and asks for its functions. Raises: what the plugin's own code raises."""
        plugin = plugin() if inspect.isclass(plugin) else plugin
        self.name = _name_of(plugin, self.name)
        self.description = inspect.cleandoc(type(plugin).__doc__ or "").partition("\n")[0][:_LONGEST]
        # A manager for each plugin: an error in one hook would keep a shared one from calling the rest.
        manager = _Manager("omnicore")
        manager.add_hookspecs(HOOKS)
        manager.register(plugin, self.name)
        manager.check_pending()
        self._hooks = manager
        self.functions = _functions(self.call("functions"))

    def has(self, hook: str) -> bool:
        """True when the plugin is in use and has this hook."""
        return self._hooks is not None and not self.problem and bool(getattr(self._hooks.hook, hook).get_hookimpls())

    def call(self, hook: str, **arguments: Any) -> Any:
        """Calls a hook and returns its result, perhaps an awaitable; None where the plugin does not have it."""
        results = getattr(self._hooks.hook, hook)(**arguments) if self._hooks is not None else []
        return results[0] if results else None

    def fail(self, doing: str, outcome: Outcome, timeout_s: float) -> None:
        """Puts the plugin out of use for how a piece of work ended."""
        self.problem = f"{doing} {explained(outcome, timeout_s)}"
        _log.error("the native plugin %s (%s) is not used: %s", self.name, self.where, self.problem)


class Extensions:
    """All native plugins of this process.

    Args:
        deadline_s: how long each may take to load, and for each hook.
    """

    def __init__(self, found: Iterable[Extension] = (), *, deadline_s: float = 5.0) -> None:
        self.deadline_s = deadline_s
        self._found = list(found)

    @classmethod
    def discover(cls, *, deadline_s: float = 5.0) -> Extensions:
        """Loads every entry point of the group `omnicore.plugins`, in the order of their names.

        Raises: KeyboardInterrupt, SystemExit alone: any other failure is its plugin's problem.
        """
        # Some stand-ins for this function ignore the group, hence the second look at it.
        points = [point for point in importlib.metadata.entry_points(group=GROUP) if point.group == GROUP]
        extensions = cls(deadline_s=deadline_s)
        for point in sorted(points, key=lambda one: (one.name, one.value)):
            extensions.add(_extension(point), point.load)
        return extensions

    def add(self, extension: Extension, load: Callable[[], object]) -> Extension:
        """Loads a plugin within the deadline and adds it, whatever became of it."""
        outcome = within(self.deadline_s, lambda: extension.take(load()))
        if isinstance(outcome.error, KeyboardInterrupt | SystemExit):
            raise outcome.error
        if not outcome.ended_well:
            extension.fail("loading it", outcome, self.deadline_s)
        twin = next((one for one in self._found if one.name == extension.name and not one.problem), None)
        if twin is not None and not extension.problem:
            extension.problem = f"its name {extension.name} is taken by {twin.where}"
        self._found.append(extension)
        return extension

    def all(self) -> Sequence[Extension]:
        """Every plugin, those that cannot be used among them."""
        return tuple(self._found)

    def having(self, hook: str) -> list[Extension]:
        """The plugins in use that have a hook."""
        return [one for one in self._found if one.has(hook)]


class _Manager(pluggy.PluginManager):
    """Takes methods named like a hook as hooks, marked or not."""

    def parse_hookimpl_opts(self, plugin: object, name: str) -> pluggy.HookimplOpts | None:
        marked = super().parse_hookimpl_opts(plugin, name)
        if marked is not None or name not in _HOOKS or not inspect.isroutine(getattr(plugin, name, None)):
            return marked
        return {
            "wrapper": False,
            "hookwrapper": False,
            "optionalhook": False,
            "tryfirst": False,
            "trylast": False,
            "specname": None,
        }


def explained(outcome: Outcome, timeout_s: float) -> str:
    """The end of a sentence that says what went wrong."""
    if outcome.overdue:
        return f"did not end within {timeout_s:g} s"
    error = outcome.error
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return f"failed: {text[:_LONGEST]}"


def _extension(point: importlib.metadata.EntryPoint) -> Extension:
    return Extension(point.name.lower().replace("_", "-").replace(".", "-"), point.value, version=_version_of(point))


def _version_of(point: importlib.metadata.EntryPoint) -> str:
    """The version of the package, "" where its metadata is gone or damaged."""
    try:
        return str(point.dist.version)[:_LONGEST] if getattr(point, "dist", None) is not None else ""  # type: ignore[union-attr]
    except Exception:  # a reader of broken files raises whatever it meets
        return ""


def _name_of(plugin: object, default: str) -> str:
    name = getattr(plugin, "name", None) or default
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(f"{name!r:.80} is not a name: use lower-case letters, digits and -, beginning with a letter")
    return name


def _functions(offered: Any) -> dict[str, NativeFunction]:
    if offered is None:
        return {}
    pairs = offered.items() if isinstance(offered, Mapping) else [("", one) for one in offered]
    found: dict[str, NativeFunction] = {}
    for key, one in pairs:
        function = one if isinstance(one, NativeFunction) else NativeFunction(one)
        name = key or function.name or getattr(function.call, "__name__", "")
        if not callable(function.call) or not _FUNCTION.fullmatch(str(name)):
            raise ValueError(f"{name!r:.80} is not a function with a name of letters, digits and _")
        if name in found or len(found) >= _MOST_FUNCTIONS:
            raise ValueError(f"{name} is offered twice" if name in found else f"over {_MOST_FUNCTIONS} functions")
        found[name] = function
    return found
