"""The settings of a host that runs: shown with their origins, changed by people, taken up where that can be done."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omnicore.config.forms import origin_of, plain, rows, schema_for
from omnicore.config.loader import SCHEMA, Loaded, no_setting
from omnicore.config.overrides import (
    FILE,
    changing,
    overridden,
    pinned,
    read_overrides,
    value_of,
    why_fixed,
    with_values,
)
from omnicore.config.schema import Leaf
from omnicore.config.settings import MASK, Settings
from omnicore.errors import Conflict, InvalidSetting

__all__ = ["LIVE", "Item", "SettingsDesk", "TakeUp", "is_live", "take_back"]

LIVE = ("log_level", "log_lines", "limits", "breaker_failures", "breaker_reset_s", "max_warm")
"""Settings that a running host takes up by itself, by the beginning of their names."""

TakeUp = Callable[[Settings], None]
"""Puts settings to work in a part that runs."""

_log = logging.getLogger("omnicore.settings")


@dataclass(frozen=True, slots=True)
class Item:
    """One setting as it is shown. `next` is what holds from the next start on; `waiting` tells that it differs."""

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
    """

    def __init__(
        self,
        found: Loaded,
        live: Mapping[str, TakeUp] | None = None,
        *,
        tell: Callable[[str], object] = lambda _: None,
    ) -> None:
        self._base = found.base or found
        self._now = found
        self._live = dict(live or {})
        self._tell = tell
        self._lock = threading.RLock()
        self._seen = self._mark()

    @property
    def now(self) -> Loaded:
        """What holds now."""
        return self._now

    def items(self) -> list[Item]:
        """Every setting. Raises: InvalidSetting: somebody wrote what cannot be used into the file of overrides."""
        with self._lock:
            self.refresh()
            return self._items(read_overrides(self._data))

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
            mark = self._mark()
            if mark == self._seen:
                return
            self._seen = mark
            try:
                self._take_up(self._check(read_overrides(self._data)))
            except InvalidSetting as error:
                _log.warning("%s is not taken up: %s", self._data / FILE, error.fact)

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
            self._now = Loaded(with_values(self._now.settings, changed), origins, self._now.file, self._base)

    @contextmanager
    def _changed(self) -> Iterator[dict[str, Any]]:
        with self._lock:
            with changing(self._data) as change:
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
        return overridden(self._base, values)

    def _origin(self, name: str) -> str:
        return origin_of(self._now, name)

    def _mark(self) -> tuple[int, int] | None:
        """Changes with the file, which is replaced by another one each time."""
        try:
            about = (self._data / FILE).stat()
        except OSError:
            return None
        return about.st_ino, about.st_mtime_ns

    @property
    def _data(self) -> Path:
        return self._base.settings.data


def is_live(name: str) -> bool:
    """Whether a running host takes up a change of this setting by itself."""
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
