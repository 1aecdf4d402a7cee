"""Settings as a form needs them: a JSON Schema for each, and rows of what is set.

The settings of a host that runs: shown with their origins, changed by people, taken up where that can be done.
"""

from __future__ import annotations

import logging
import threading
import typing
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin

from omnicore.config.loader import SCHEMA, Loaded, no_setting
from omnicore.config.overrides import (
    OverrideFile,
    OverrideKeeper,
    overridden,
    pinned,
    value_of,
    why_fixed,
    with_values,
)
from omnicore.config.schema import Leaf, leaves
from omnicore.config.settings import MASK, Settings
from omnicore.errors import Conflict, InvalidSetting

Row = tuple[str, Leaf, Any]
"""A dotted name, the setting it belongs to, and its value with secrets masked."""

_KINDS: Mapping[Any, str] = {bool: "boolean", int: "integer", float: "number", str: "string", Path: "string"}


def schema_for(leaf: Leaf) -> dict[str, Any]:
    """The JSON Schema of a setting's value.

    >>> schema_for(SCHEMA[("port",)])
    {'type': 'integer', 'minimum': 0, 'maximum': 65535}
    """
    schema = _schema(leaf.type)
    bounds = {"minimum": leaf.minimum, "maximum": leaf.maximum}
    if schema.get("type") in ("integer", "number"):
        schema |= {name: bound for name, bound in bounds.items() if bound is not None}
    elif schema.get("anyOf"):
        schema["anyOf"][0] |= {
            name: bound
            for name, bound in bounds.items()
            if bound is not None and schema["anyOf"][0].get("type") in ("integer", "number")
        }
    return schema


def rows(found: Loaded) -> list[Row]:
    """Every setting, and every key of tables that are free-form, such as `app`."""
    return [row for leaf in SCHEMA.values() for row in _rows(leaf, found)]


def origin_of(found: Loaded, name: str) -> str:
    """The origin of a setting; a masked list or table inside plugin settings has that of what holds it."""
    while name and name not in found.origins:
        name = name.rpartition(".")[0]
    return str(found.origins[name]) if name else "default"


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, tuple):
        return [plain(one) for one in value]
    return str(value) if isinstance(value, Path) else value


def _rows(leaf: Leaf, found: Loaded) -> list[Row]:
    value = value_of(found.settings, leaf.path)
    if not leaf.free:
        return [(leaf.name, leaf, MASK if leaf.secret and value not in (None, ()) else plain(value))]
    inside = leaves(found.settings.to_json()[leaf.name], leaf.path) if value else ()
    return [(".".join(path), leaf, MASK if leaf.secret else item) for path, item in inside]


def _schema(kind: Any) -> dict[str, Any]:
    origin = get_origin(kind)
    if origin in (UnionType, typing.Union):
        inner = next(one for one in get_args(kind) if one is not NoneType)
        return {"anyOf": [_schema(inner), {"type": "null"}]}
    if origin is Literal:
        return {"enum": list(get_args(kind))}
    if origin is tuple:
        return {"type": "array", "items": {"type": "string"}}
    if origin is Mapping:
        return {}
    return {"type": _KINDS[kind]}


LIVE = ("log_level", "log_lines", "limits", "breaker_failures", "max_warm")
"""Settings that a running host applies without a restart, by prefixes of their names."""

TakeUp = Callable[[Settings], None]
"""Puts settings to work in a part that runs."""

_log = logging.getLogger("omnicore.settings")


@dataclass(frozen=True, slots=True)
class Item:
    """One setting as it is shown. `next` is the value from the next start on; `waiting` is true when it differs."""

    name: str
    section: str
    doc: str
    value: Any
    default: Any
    origin: str
    schema: Mapping[str, Any]
    secret: bool
    editable: bool
    fixed: str
    restart: bool
    override: bool
    next: Any
    waiting: bool


class SettingsDesk:
    """Usable from any thread.

    Args:
        found: the settings that the host was started with.
        live: what takes a change up at once, one for each of `LIVE`; all others wait for a start.
        tell: told the name of each setting that is changed here.
        keeper: where changes are kept; a file in the data folder by default.
    """

    def __init__(
        self,
        found: Loaded,
        live: Mapping[str, TakeUp] | None = None,
        *,
        tell: Callable[[str], object] = lambda _: None,
        keeper: OverrideKeeper | None = None,
    ) -> None:
        self._keeper = keeper or OverrideFile((found.base or found).settings.data)
        self._base = found.base or found
        self._now = found
        self._live = dict(live or {})
        self._tell = tell
        self._lock = threading.RLock()
        self._seen = self._keeper.mark()

    @property
    def now(self) -> Loaded:
        """The settings in force."""
        return self._now

    def items(self) -> list[Item]:
        """Every setting. Raises: InvalidSetting: the file of overrides holds an unusable value."""
        with self._lock:
            self.refresh()
            return self._items(self._keeper.read())

    def item(self, name: str) -> Item:
        """One of them. Raises: NotFound."""
        found = next((item for item in self.items() if item.name == name), None)
        if found is None:
            raise no_setting(name)
        return found

    def set(self, name: str, value: Any) -> Item:
        """Sets one from now on.

        Raises: NotFound; Conflict: it is not to be changed here, or something wins over it; InvalidSetting: the value
        cannot be used; StorageFailed: it cannot be written, and nothing was changed.
        """
        leaf = self._changeable(name)
        with self._changed() as values:
            values[leaf.name] = value
            self._check(values)
        self._tell(name)
        return self.item(name)

    def unset(self, name: str) -> Item:
        """Takes back what was set. Raises: NotFound; Conflict: nothing was set; StorageFailed."""
        leaf = _leaf(name)
        with self._changed() as values:
            take_back(values, leaf.name)
        self._tell(name)
        return self.item(name)

    def refresh(self) -> None:
        """Takes up what another process set, where that can be done while the host runs."""
        with self._lock:
            mark = self._keeper.mark()
            if mark == self._seen:
                return
            self._seen = mark
            try:
                self._take_up(self._check(self._keeper.read()))
            except InvalidSetting as error:
                _log.warning("%s is not taken up: %s", self._keeper.place, error.fact)

    def _take_up(self, then: Loaded) -> None:
        """Puts to work what can be, and no more: the rest waits."""
        for prefix, take_up in self._live.items():
            paths = [leaf.path for leaf in SCHEMA.values() if f"{leaf.name}.".startswith(f"{prefix}.")]
            changed = {
                path: value_of(then.settings, path)
                for path in paths
                if value_of(then.settings, path) != value_of(self._now.settings, path)
            }
            if changed:
                take_up(with_values(self._now.settings, changed))
            names = [".".join(path) for path in paths]
            origins = {**self._now.origins, **{name: then.origins[name] for name in names if name in then.origins}}
            settings = with_values(self._now.settings, changed)
            self._now = replace(self._now, settings=settings, origins=origins, base=self._base)

    @contextmanager
    def _changed(self) -> Iterator[dict[str, Any]]:
        with self._lock:
            with self._keeper.changing() as change:
                yield change.values
                change.write()
            self.refresh()

    def _items(self, values: Mapping[str, Any]) -> list[Item]:
        then = self._check(values)
        later = {name: value for name, _, value in rows(then)}
        return [self._shown(name, leaf, value, later.get(name), values) for name, leaf, value in rows(self._now)]

    def _shown(self, name: str, leaf: Leaf, value: Any, later: Any, values: Mapping[str, Any]) -> Item:
        wins = pinned(self._base, name)
        fixed = why_fixed(leaf) or (f"{wins} sets it, which wins" if wins is not None else "")
        secret = leaf.secret or value == MASK
        return Item(
            name=name,
            section=name.rpartition(".")[0].partition(".")[0],
            doc=leaf.doc,
            value=value,
            default=None if secret or leaf.free else plain(leaf.default),
            origin=self._origin(name),
            schema=schema_for(leaf),
            secret=secret,
            editable=not fixed,
            fixed=fixed,
            restart=not is_live(name),
            override=name in values,
            next=later,
            waiting=later != value,
        )

    def _changeable(self, name: str) -> Leaf:
        leaf = _leaf(name)
        reason = why_fixed(leaf)
        if reason:
            raise Conflict(f"{name} cannot be set here", remedy=reason)
        wins = pinned(self._base, name)
        if wins is not None:
            raise Conflict(f"{name} is set by {wins}, which wins", remedy="take it away there first, and start again")
        return leaf

    def _check(self, values: Mapping[str, Any]) -> Loaded:
        return overridden(self._base, values, self._keeper)

    def _origin(self, name: str) -> str:
        return origin_of(self._now, name)


def is_live(name: str) -> bool:
    """True if a running host applies a change of this setting without a restart."""
    return any(f"{name}.".startswith(f"{prefix}.") for prefix in LIVE)


def take_back(values: dict[str, Any], name: str) -> None:
    """Removes one of the values that were set, also one that no setting has any more. Raises: NotFound, Conflict."""
    if name not in values:
        _leaf(name)
        raise Conflict(f"{name} is not set here", remedy="see `omnicore config show --origin` for what sets it")
    del values[name]


def _leaf(name: str) -> Leaf:
    leaf = SCHEMA.get(tuple(name.split(".")))
    if leaf is None:
        raise no_setting(name)
    return leaf
