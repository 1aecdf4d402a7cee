"""Limits of plugins on all hosts of a database: what was decided, and the places that each host holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

from omnicore.records import Meta, Record, Time
from omnicore.storage.table import Table

if TYPE_CHECKING:
    from omnicore.storage.store import Dialect, Session, Store


class CallLimit(Record, frozen=True):
    """How many calls of a plugin may run at once, and begin in a second, on all hosts of the database together."""

    plugin: str
    concurrent: Annotated[int | None, Meta(description="Calls that may run at once; null for any number.")]
    per_second: Annotated[float | None, Meta(description="Calls that may begin in a second; null for any number.")]
    who: str
    at: Time


class PlaceRow(Record, frozen=True):
    """Places for calls of a plugin that a host holds until a time of the database's clock.

    `wanted` is when the host last wanted more than there were.
    """

    plugin: str
    host: str
    places: int
    until: float
    wanted: float


CALL_LIMITS = Table(CallLimit, "plugin_limits", key="plugin")
PLACES = Table(PlaceRow, "plugin_places", key=("plugin", "host"))
_NOW: Mapping[Dialect, str] = {
    "sqlite": "(julianday('now') - 2440587.5) * 86400.0",
    "postgresql": "CAST(extract(epoch FROM clock_timestamp()) AS double precision)",
}
"""Seconds since the Unix epoch on one clock for all hosts: theirs differ."""

_WANTED_S = 1.0


class LimitsTable:
    """Limits of plugins, and the leases on places of their calls."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._now = _NOW[store.dialect]

    def all(self) -> dict[str, CallLimit]:
        """The limit of each plugin that has one."""
        return {one.plugin: one for one in map(CALL_LIMITS.row, self._store.rows(CALL_LIMITS.select))}

    def put(self, limit: CallLimit) -> None:
        """Stores the limit of a plugin; one that limits nothing is deleted."""

        def work(session: Session) -> None:
            session.execute("DELETE FROM plugin_limits WHERE plugin = ?", (limit.plugin,))
            if limit.concurrent is not None or limit.per_second is not None:
                session.execute(CALL_LIMITS.insert, CALL_LIMITS.values(limit))

        self._store.apply(work)

    def remove(self, plugin: str) -> None:
        """Deletes the limit of a plugin, and all places."""

        def work(session: Session) -> None:
            session.execute("DELETE FROM plugin_limits WHERE plugin = ?", (plugin,))
            session.execute("DELETE FROM plugin_places WHERE plugin = ?", (plugin,))

        self._store.apply(work)

    def hold(self, plugin: str, host: str, *, wanted: int, most: int, lease_s: float) -> int:
        """Has a host hold as many places as it wants and others leave of `most`, in the place of those it held.

        Returns: how many it holds for `lease_s` from now on. Raises: StorageFailed.
        """

        def work(session: Session) -> int:
            session.execute(f"DELETE FROM plugin_places WHERE plugin = ? AND until < {self._now}", (plugin,))
            sql = "SELECT COALESCE(SUM(places), 0) FROM plugin_places WHERE plugin = ? AND host <> ?"
            held = max(0, min(wanted, most - int(session.execute(sql, (plugin, host)).fetchone()[0])))
            session.execute("DELETE FROM plugin_places WHERE plugin = ? AND host = ?", (plugin, host))
            if wanted:
                asked = f"{self._now} - ?" if held >= wanted else self._now
                gone = (_WANTED_S + 1.0,) if held >= wanted else ()
                session.execute(
                    f"INSERT INTO plugin_places (plugin, host, places, until, wanted)"
                    f" VALUES (?, ?, ?, {self._now} + ?, {asked})",
                    (plugin, host, held, lease_s, *gone),
                )
            return held

        return self._store.apply(work, locks=[f"places:{plugin}"])

    def wanting(self, host: str) -> set[str]:
        """The plugins of which another host wanted more places than there were, a moment ago."""
        sql = f"SELECT DISTINCT plugin FROM plugin_places WHERE host <> ? AND wanted > {self._now} - ?"
        return {str(row[0]) for row in self._store.rows(sql, (host, _WANTED_S))}

    def held(self, plugin: str) -> int:
        """The places that all hosts hold now."""
        sql = f"SELECT COALESCE(SUM(places), 0) FROM plugin_places WHERE plugin = ? AND until >= {self._now}"
        return int(self._store.rows(sql, (plugin,))[0][0])
