"""The hosts that are to serve a plugin: by labels, of which a host has some and a plugin may want some.

A plugin that wants labels is unloaded where a host does not have all of them. Its calls are made elsewhere: over NATS,
or by hosts of the same database that take up the runs and tasks which wait for it.
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from omnicore.errors import InvalidInput, InvalidSetting, NotServed, OmniError

if TYPE_CHECKING:
    from omnicore.jobs.tasks import StoredTasks
    from omnicore.storage.tables.plugins import PluginRow


_log = logging.getLogger("omnicore.plugins")
MOST_LABELS = 16
_LABEL_CHARACTERS = 256
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,62}")
_LOOK_S, _APPLIED_S = 1.0, 1.5
_MOST_NAMED = 5
_MOST_LEFT = 200
"""Plugins whose work a host leaves to others by name. Of further ones it takes the work, and it waits there."""


def labels_of(texts: Sequence[str]) -> dict[str, str]:
    """The labels of a host by name. Raises: InvalidSetting.

    >>> labels_of(["zone=eu", "gpu=a100"])
    {'zone': 'eu', 'gpu': 'a100'}
    """
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip() or len(text) > _LABEL_CHARACTERS or not text.isprintable():
            raise InvalidSetting(
                f"fleet.labels holds {text[:80]!r}",
                remedy="write NAME=VALUE, such as zone=eu",
                setting="fleet.labels",
            )
        found[name.strip()] = value.strip()
    return found


def read_selector(texts: Sequence[str]) -> Mapping[str, str]:
    """The labels that a plugin wants, from `NAME=VALUE` and lists of it with commas. Raises: InvalidInput.

    >>> read_selector(["zone=eu,gpu=true"])
    {'gpu': 'true', 'zone': 'eu'}
    """
    found: dict[str, str] = {}
    for text in [one.strip() for part in texts for one in part.split(",")]:
        name, equals, value = (one.strip() for one in text.partition("="))
        if not equals:
            raise _wrong(f"{text[:80]!r} is not a label", "write NAME=VALUE, such as zone=eu")
        if found.get(name, value) != value:
            raise _wrong(f"{name[:80]} has two values", "no host has both; name one")
        found[name] = value
    return check_selector(found)


def check_selector(labels: Mapping[str, Any]) -> Mapping[str, str]:
    """Labels that a plugin may want, by name. Raises: InvalidInput: none, too many, or one that no host can have."""
    if not labels:
        raise _wrong("no labels are named", "name one or more, or place the plugin anywhere")
    if len(labels) > MOST_LABELS:
        raise _wrong(f"{len(labels)} labels are named", f"name at most {MOST_LABELS}")
    for name, value in labels.items():
        if not isinstance(value, str) or not value or value != value.strip() or not value.isprintable():
            raise _wrong(f"the label {name[:80]} has no value that a host can have", "write NAME=VALUE")
        if not _NAME.fullmatch(name):
            raise _wrong(f"{name[:80]!r} is not a name of a label", "use letters, digits, and . _ / - between them")
        if len(name) + len(value) >= _LABEL_CHARACTERS or "," in value:
            raise _wrong(f"the value of {name} cannot be used", f"use at most {_LABEL_CHARACTERS} letters, no comma")
    return dict(sorted(labels.items()))


def _wrong(fact: str, remedy: str) -> InvalidInput:
    return InvalidInput(fact, remedy=remedy, path="labels")


def matches(wanted: Mapping[str, str] | None, labels: Mapping[str, str]) -> bool:
    """True if a host with these labels serves a plugin that wants some; None wants none.

    >>> matches({"zone": "eu"}, {"zone": "eu", "gpu": "true"}), matches({"zone": "eu"}, {"zone": "us"})
    (True, False)
    """
    return not wanted or all(labels.get(name) == value for name, value in wanted.items())


def labels_text(labels: Mapping[str, str]) -> str:
    """Labels as people write them.

    >>> labels_text({"gpu": "true", "zone": "eu"})
    'gpu=true,zone=eu'
    """
    return ",".join(f"{name}={value}" for name, value in labels.items())


@dataclass(frozen=True, slots=True)
class LabelledHost:
    """Another host that was seen lately. `works`: it takes up runs and tasks of this host's database."""

    id: str
    name: str
    labels: Mapping[str, str]
    works: bool = False


class Placements:
    """The plugins that this host is not to serve, and the hosts that are. Usable from any thread.

    Args:
        labels: of this host.
    """

    def __init__(self, labels: Mapping[str, str]) -> None:
        self.labels = labels
        self.sources: list[Callable[[], Sequence[LabelledHost]]] = []
        """Tell of the other hosts: those of the database, then those that are heard over NATS. They may block."""
        self.changed: list[Callable[[str], None]] = []
        """Called with the name of each plugin that this host serves from now on, or does not for other labels than
        before; on any thread."""
        self.reached: Callable[[], bool] = lambda: False
        """True while calls of this host reach others, so that it need not leave work to them."""
        self._away: Mapping[str, Mapping[str, str]] = {}
        self._noting = threading.Lock()
        self._hosts: Sequence[LabelledHost] = ()
        self._looked_at = float("-inf")
        self._looking = threading.Lock()

    def here(self, row: PluginRow) -> bool:
        """Notes where a plugin is placed. True if this host may serve it."""
        wanted = row.placement if row.present and not matches(row.placement, self.labels) else None
        self._note(row.name, wanted)
        return wanted is None

    def forget(self, name: str) -> bool:
        """Forgets a plugin that was removed, or is native: True, for it is placed nowhere."""
        self._note(name, None)
        return True

    def _note(self, name: str, wanted: Mapping[str, str] | None) -> None:
        if self._away.get(name) == wanted:
            return
        with self._noting:  # whoever reads has the whole mapping before or after it
            rest = {other: labels for other, labels in self._away.items() if other != name}
            self._away = rest if wanted is None else {**rest, name: wanted}
        for told in tuple(self.changed):
            told(name)

    def away(self, name: str) -> bool:
        """True if a plugin is not to be served by this host, as far as is known."""
        return name in self._away

    def left(self) -> Sequence[str]:
        """Plugins whose work this host leaves to others: calls do not reach those, and they take up work."""
        if not self._away or self.reached():
            return ()
        hosts = [one for one in self._hosts if one.works]
        return [
            name
            for name, wanted in sorted(self._away.items())[:_MOST_LEFT]
            if any(matches(wanted, one.labels) for one in hosts)
        ]

    def look(self) -> None:
        """Looks which other hosts there are, where that matters. Blocks now and then."""
        if self._away:
            self.hosts()

    def hosts(self) -> Sequence[LabelledHost]:
        """The other hosts, as they were known a second ago at most. Blocks now and then."""
        with self._looking:
            if time.monotonic() - self._looked_at >= _LOOK_S:
                with suppress(OmniError):  # what was known before is still the best that is known
                    found = [one for source in tuple(self.sources) for one in source()]
                    self._hosts = list({one.id: one for one in reversed(found)}.values())
                self._looked_at = time.monotonic()
            return self._hosts

    def fit(self, name: str) -> Sequence[str]:
        """The names of other hosts that have the labels which a plugin wants."""
        wanted = self._away.get(name)
        return sorted({one.name for one in self.hosts() if matches(wanted, one.labels)}) if wanted else ()

    def refusal(self, name: str) -> NotServed:
        """The error for a call of a plugin that this host is not to serve."""
        wanted, found = labels_text(self._away.get(name) or {}), self.fit(name)
        named = ", ".join(found[:_MOST_NAMED]) + (" and others" if len(found) > _MOST_NAMED else "")
        has = f"which {named} {'has' if len(found) == 1 else 'have'}" if found else "which no other host has"
        remedy = (
            f"call {'it' if len(found) == 1 else 'one of them'}, or set fleet.url so that calls go there by themselves"
            if found
            else f"give a host these labels in fleet.labels, or run `omnicore plugins place {name} --anywhere`"
        )
        return NotServed(
            f"{name} is placed on hosts with {wanted}, {has}",
            remedy=remedy,
            plugin=name,
            labels=wanted,
            hosts=list(found[:_MOST_NAMED]),
        )


class PlacedWork:
    """Has runs and tasks tried again that wait for a plugin, when it is placed on other hosts than before.

    Args:
        runs: lets runs begin again that waited for a plugin.
        placed: reads the plugins that only some hosts are to serve.
    """

    def __init__(
        self,
        placements: Placements,
        stored: StoredTasks,
        runs: Callable[[Sequence[str]], Awaitable[None]],
        *,
        placed: Callable[[], Sequence[PluginRow]],
    ) -> None:
        self._placements, self._stored, self._runs, self._placed = placements, stored, runs, placed
        self._telling: set[asyncio.Task[None]] = set()
        stored.left = placements.left

    async def start(self) -> None:
        """Begins with the plugins that this host serves and not all do."""
        loop = asyncio.get_running_loop()

        def changed(plugin: str) -> None:
            with suppress(RuntimeError):  # the loop has been closed
                loop.call_soon_threadsafe(self._begin, [plugin])

        self._placements.changed.append(changed)
        placed = await asyncio.to_thread(self._placed)
        self._begin([row.name for row in placed if self._placements.here(row)])

    async def stop(self) -> None:
        """Tells nothing more."""
        for task in tuple(self._telling):
            task.cancel()

    def _begin(self, plugins: Sequence[str]) -> None:
        task = asyncio.ensure_future(self._tell_twice(plugins))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell_twice(self, plugins: Sequence[str]) -> None:
        """Tells at once, and again when all hosts know of the change: one of them may have put work off meanwhile."""
        await self._tell(plugins)
        await asyncio.sleep(_APPLIED_S)
        await self._tell(plugins)

    async def _tell(self, plugins: Sequence[str]) -> None:
        if not plugins:
            return
        try:
            await asyncio.to_thread(self._stored.served, plugins)
            await self._runs(plugins)
        except OmniError as error:  # what waits is tried again by itself
            _log.info("what waits for %s is not tried again now: %s", ", ".join(plugins), error)
