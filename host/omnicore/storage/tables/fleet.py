"""Hosts of a fleet: one row for each host, with its state, its load and its key."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from omnicore.errors import PermissionDenied
from omnicore.records import HIDDEN, Meta, Record, Time
from omnicore.storage.table import Table
from omnicore.storage.tables.plugins import OBSERVED, ObservedRow

if TYPE_CHECKING:
    from omnicore.storage.store import Session, Store


HostState = Literal["ready", "cordoned", "draining", "drained", "away"]
WantedState = Literal["ready", "cordoned", "drained"]


class HostLoad(Record, frozen=True):
    """The work of a host at a moment."""

    calls: Annotated[int, Meta(ge=0, description="Plugin calls under way.")] = 0
    tasks: Annotated[int, Meta(ge=0, description="Tasks that run.")] = 0
    runs: Annotated[int, Meta(ge=0, description="Runs of workflows in memory.")] = 0
    cpu: Annotated[float, Meta(ge=0, description="Processor cores in use since the last beat.")] = 0.0
    memory_bytes: Annotated[int, Meta(ge=0, description="Resident memory of the process.")] = 0


class FleetHost(Record, frozen=True, kw_only=True):
    """A host of a fleet, as it shows itself to the others."""

    id: Annotated[str, Meta(description="Stands for its key pair; the same after a restart.")]
    name: str
    version: str
    address: Annotated[str | None, Meta(description="URL at which other hosts reach it.")] = None
    labels: Annotated[Mapping[str, str], Meta(description="Words by which plugins are placed.")] = {}
    started_at: Time
    seen_at: Time
    state: Annotated[HostState, Meta(description="`away`: it was not seen for 15 s.")] = "ready"
    wanted: Annotated[WantedState, Meta(description="The state that it was told to take.")] = "ready"
    load: HostLoad = HostLoad()
    public_key: Annotated[str, HIDDEN] = ""
    removed_at: Annotated[float | None, HIDDEN] = None


class HostPlugin(Record, frozen=True):
    """A plugin that is to answer calls, as one host has it."""

    plugin: str
    wanted: Annotated[str, Meta(description="SHA-256 of the accepted version.")]
    loaded: Annotated[str | None, Meta(description="SHA-256 of the version in service there, if any.")]
    state: Annotated[str, Meta(description="As that host has it; empty while nothing is loaded.")]
    since: Annotated[float | None, Meta(description="Seconds since the Unix epoch.")]
    lags: Annotated[str, Meta(description="The reason why another version than the wanted one answers there, or none.")]
    placement: Annotated[
        Mapping[str, str] | None, Meta(description="Labels that a host needs to serve it; null: every host serves it.")
    ] = None
    elsewhere: Annotated[bool, Meta(description="This host has not all of these labels.")] = False


class FleetToken(Record, frozen=True):
    """A token by which one host may join. `key` is derived from the token, which is kept nowhere."""

    id: str
    key: str
    made_by: str
    expires_at: float


TOKENS = Table(FleetToken, "fleet_tokens", key="id")
FLEET = Table(FleetHost, "fleet_hosts", key="id")


@dataclass(frozen=True, slots=True)
class Orders:
    """Decisions of others about a host."""

    wanted: WantedState
    removed: bool


class FleetHosts:
    """The hosts of a fleet. Rows of hosts that were removed stay, so that their keys let nobody in again."""

    def __init__(self, store: Store) -> None:
        self._store = store
        # The server's clock tells who is away: those of hosts may differ.
        self._now = _NOW[store.dialect]

    def enter(self, host: FleetHost) -> Orders:
        """Adds a host, or renews its row; what it was told before stays.

        Raises: PermissionDenied: it, or its key, was removed.
        """
        kept = ("id", "wanted", "public_key", "removed_at")
        changed = ", ".join(
            f"{name} = excluded.{name}" for name in FleetHost.__struct_fields__ if name not in (*kept, "seen_at")
        )

        def work(session: Session) -> Orders:
            session.execute(
                f"{FLEET.insert} ON CONFLICT (id) DO UPDATE SET {changed}, seen_at = {self._now}", FLEET.values(host)
            )
            session.execute(f"UPDATE fleet_hosts SET seen_at = {self._now} WHERE id = ?", (host.id,))
            found = session.execute("SELECT wanted FROM fleet_hosts WHERE id = ?", (host.id,)).fetchone()
            if session.execute(
                "SELECT 1 FROM fleet_hosts WHERE removed_at IS NOT NULL AND (id = ? OR public_key = ?) LIMIT 1",
                (host.id, host.public_key or "-"),
            ).fetchone():
                raise PermissionDenied(
                    f"the host {host.id} was removed from the fleet",
                    remedy="delete host.key and host.id in its data folder and join anew, to let this machine in again",
                )
            return Orders(found[0], removed=False)

        return self._store.apply(work)

    def beat(self, host: FleetHost) -> bool:
        """Shows that a host lives, its state and its load; False when it has no row, or was removed."""
        sql = (
            f"UPDATE fleet_hosts SET seen_at = {self._now}, state = ?, load = ?, address = ?"
            " WHERE id = ? AND removed_at IS NULL"
        )
        load = json.dumps(host.load.to_json(), separators=(",", ":"))
        values = (host.state, load, host.address, host.id)
        return self._store.apply(lambda session: session.execute(sql, values).rowcount == 1)

    def orders(self, host: str) -> Orders | None:
        """The decisions of others about a host; None when it has no row."""
        found = self._store.rows("SELECT wanted, removed_at FROM fleet_hosts WHERE id = ?", (host,))
        return Orders(found[0][0], found[0][1] is not None) if found else None

    def order(self, host: str, wanted: WantedState) -> bool:
        """Tells a host which state to take; False when there is none."""
        sql = "UPDATE fleet_hosts SET wanted = ? WHERE id = ? AND removed_at IS NULL"
        return self._store.apply(lambda session: session.execute(sql, (wanted, host)).rowcount == 1)

    def remove(self, host: str) -> bool:
        """Throws a host out for good; False when there is none."""
        sql = f"UPDATE fleet_hosts SET removed_at = {self._now} WHERE id = ? AND removed_at IS NULL"
        return self._store.apply(lambda session: session.execute(sql, (host,)).rowcount == 1)

    def leave(self, host: str) -> None:
        """Deletes the row of a host that stops, unless something was decided about it."""
        sql = "DELETE FROM fleet_hosts WHERE id = ? AND wanted = 'ready' AND removed_at IS NULL"
        away = "UPDATE fleet_hosts SET seen_at = 0 WHERE id = ?"
        self._store.apply(lambda session: (session.execute(sql, (host,)), session.execute(away, (host,))))

    def all(self, *, silence_s: float) -> list[FleetHost]:
        """The hosts that were not removed, by name; those that were not seen for so long are `away`."""
        columns = FLEET.columns.replace("state", f"CASE WHEN seen_at < {self._now} - ? THEN 'away' ELSE state END")
        rows = self._store.rows(
            f"SELECT {columns} FROM fleet_hosts WHERE removed_at IS NULL ORDER BY name, id LIMIT {_MOST_HOSTS}",
            (silence_s,),
        )
        return [FLEET.row(row) for row in rows]

    def key_of(self, host: str) -> str | None:
        """The public key of a host that is in the fleet."""
        found = self._store.rows("SELECT public_key FROM fleet_hosts WHERE id = ? AND removed_at IS NULL", (host,))
        return found[0][0] if found else None

    def plugins(self, observed: Sequence[ObservedRow]) -> list[HostPlugin]:
        """The plugins that are to answer calls, by name, with what was observed of them at one host."""
        wanted = self._store.rows(
            "SELECT name, serving, placement FROM plugins WHERE present = 1 AND serving IS NOT NULL ORDER BY name"
            f" LIMIT {_MOST_PLUGINS}"
        )
        seen: dict[str, list[ObservedRow]] = {}
        for one in observed:
            seen.setdefault(one.plugin, []).append(one)
        return [_plugin(name, digest, seen.get(name, []), labels) for name, digest, labels in wanted]

    def observed(self, host: str) -> list[ObservedRow]:
        """The versions that a host has in service, or cannot have."""
        return [OBSERVED.row(row) for row in self._store.rows(f"{OBSERVED.select} WHERE host = ?", (host,))]

    def add_token(self, token: FleetToken, now: float, most: int) -> bool:
        """Keeps a token, without those that have expired; False when there are `most` already."""

        def work(session: Session) -> bool:
            session.execute("DELETE FROM fleet_tokens WHERE expires_at <= ?", (now,))
            if session.execute("SELECT count(*) FROM fleet_tokens").fetchone()[0] >= most:
                return False
            session.execute(TOKENS.insert, TOKENS.values(token))
            return True

        return self._store.apply(work, locks=("fleet tokens",))

    def token(self, token: str, now: float) -> FleetToken | None:
        """A token that can still be used."""
        found = self._store.rows(f"{TOKENS.select} WHERE id = ? AND expires_at > ?", (token, now))
        return TOKENS.row(found[0]) if found else None

    def use_token(self, token: str) -> bool:
        """Uses a token up; False when somebody else was first."""
        sql = "DELETE FROM fleet_tokens WHERE id = ?"
        return self._store.apply(lambda session: session.execute(sql, (token,)).rowcount == 1)

    def is_removed(self, public_key: str) -> bool:
        """True for the key of a host that was thrown out."""
        sql = "SELECT 1 FROM fleet_hosts WHERE public_key = ? AND removed_at IS NOT NULL"
        return bool(self._store.rows(sql, (public_key,)))

    def sweep(self, age_s: float) -> int:
        """Deletes hosts that were not seen for so long."""
        sql = f"DELETE FROM fleet_hosts WHERE removed_at IS NULL AND seen_at < {self._now} - ?"
        return self._store.apply(lambda session: session.execute(sql, (age_s,)).rowcount)


_NOW = {
    "postgresql": "extract(epoch FROM clock_timestamp())",
    "sqlite": "(julianday('now') - 2440587.5) * 86400.0",
}
_MOST_PLUGINS = 10_000


def _plugin(name: str, wanted: str, observed: Sequence[ObservedRow], labels: str | None) -> HostPlugin:
    """A plugin at a host. One that is not loaded there lags behind nothing: it is loaded when it is first called."""
    own = next((one for one in observed if one.hash == wanted), None)
    other = max(observed, key=lambda one: one.since, default=None)
    found = own or other
    placement = json.loads(labels) if labels else None
    if found is None:
        return HostPlugin(name, wanted, None, "", None, "", placement)
    lags = found.error
    if own is None and not lags:
        lags = f"{found.hash[:8]} answers until {wanted[:8]} is compiled"
    return HostPlugin(name, wanted, found.hash, found.state, found.since, lags, placement)


_MOST_HOSTS = 1000
"""A fleet has some hundred hosts; who shows them reads no more."""
