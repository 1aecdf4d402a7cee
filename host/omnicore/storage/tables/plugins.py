"""Plugins: what is decided about each, its versions, acceptances, grants and settings, and what each host holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from omnicore.errors import Conflict
from omnicore.records import HIDDEN, Meta, Record, Seconds, Time, replace
from omnicore.storage.table import Table

if TYPE_CHECKING:
    from omnicore.storage.store import Session, Store


class PluginRow(Record, frozen=True):
    """A plugin as it was decided about, for all hosts of the database. Units: times in seconds since the Unix epoch.

    `path` is relative to the plugin folder that brought it; `problem` says why the newest file cannot be used; `hash`
    is the newest usable version, `serving` the accepted one that answers calls; `last_error` is a JSON document;
    `present` says that a folder or a person has brought it and nobody took it away; `sidecar` is the manifest beside
    the newest usable version as it was written, None where there was none.

    `revision` grows with every change. `installed` says that a person brought the newest version, `contested` why it
    waits for one: hosts' folders disagree. `shares` are per cent of the calls by digest, None where `serving` has all.
    `signature` and `verified` are for hosts of version 0.1.0, which still write them. `placement` are the labels of the
    hosts that are to serve it, None for every host.
    """

    name: str
    path: str
    hash: str | None
    manifest: str | None
    state: str
    reason: str
    problem: str
    switched_off: bool
    serving: str | None
    last_error: str | None
    last_error_at: float | None
    added_at: float
    changed_at: float
    present: bool
    sidecar: str | None = None
    revision: int = 0
    installed: bool = False
    contested: str = ""
    shares: Mapping[str, int] | None = None
    signature: str = ""
    verified: str = ""
    placement: Mapping[str, str] | None = None


class OvertakenError(Conflict):
    """Somebody changed a plugin since its row was read; whoever decides reads it again."""


class VersionRow(Record, frozen=True):
    """A version whose bytes are kept: its manifest as a JSON document and its size in bytes."""

    plugin: str
    hash: str
    manifest: str
    size: int
    seen_at: float


CATALOGUE = ("plugins",)
"""The lock of what is decided about plugins and of versions that are in use."""

PLUGINS = Table(PluginRow, "plugins", key="name")
VERSIONS = Table(VersionRow, "versions", key=("plugin", "hash"))
_DECIDED = tuple(name for name in PluginRow.__struct_fields__ if name not in ("name", "last_error", "last_error_at"))
_CHANGES = ", ".join(f"{name} = ?" for name in _DECIDED)
_REVISIONS = "SELECT name, revision, added_at FROM plugins"
_LITERAL = str.maketrans({"%": "!%", "_": "!_", "!": "!!"})


STATES_COUNTED = "SELECT state, count(*) FROM plugins WHERE present = 1 GROUP BY state"
"""Answered by an index alone, since rows hold manifests: 0.24 ms for 5,000 plugins in place of 5.5 ms."""


class PluginsTable:
    """Reads and writes whole rows: what a state means is decided elsewhere."""

    def __init__(self, database: Store) -> None:
        self._database = database

    def save(self, *rows: PluginRow) -> None:
        """Writes rows in one transaction; on the disk when it returns. Raises: OvertakenError."""
        if not rows:
            return
        with self._database.write(durable=True, locks=CATALOGUE) as session:
            for row in rows:
                self.write(session, row)

    @staticmethod
    def write(session: Session, row: PluginRow) -> PluginRow:
        """Writes a row as its next revision, in a transaction that holds other changes as well.

        Raises: OvertakenError: it is of an earlier revision than the one that is there.
        """
        following = replace(row, revision=row.revision + 1)
        values = PLUGINS.values(following)
        given = dict(zip(PluginRow.__struct_fields__, values, strict=True))
        changed = session.execute(
            f"UPDATE plugins SET {_CHANGES} WHERE name = ? AND revision = ?",
            (*(given[name] for name in _DECIDED), row.name, row.revision),
        )
        if changed.rowcount != 1:
            insert = f"{PLUGINS.insert} ON CONFLICT (name) DO NOTHING"
            if row.revision or session.execute(insert, values).rowcount != 1:
                raise OvertakenError(
                    f"{row.name} was changed at the same time", remedy="look at it and try again", plugin=row.name
                )
        return following

    def revisions(self) -> dict[str, tuple[int, float]]:
        """Revision and time of the first row by name, of which one changes with every change, removals among them."""
        return {name: (number, at) for name, number, at in self._database.rows(_REVISIONS)}

    @staticmethod
    def touch(session: Session, name: str) -> None:
        """Counts a change of what belongs to a plugin, such as its settings, as one of the plugin."""
        session.execute("UPDATE plugins SET revision = revision + 1 WHERE name = ?", (name,))

    def get(self, name: str) -> PluginRow | None:
        """The row of a plugin, or None."""
        found = self._database.rows(f"{PLUGINS.select} WHERE name = ?", (name,))
        return PLUGINS.row(found[0]) if found else None

    def all(self) -> list[PluginRow]:
        """Every row, by name, those whose file is gone among them."""
        return [PLUGINS.row(row) for row in self._database.rows(f"{PLUGINS.select} ORDER BY name")]

    def placed(self) -> list[PluginRow]:
        """The rows of plugins that only some hosts are to serve."""
        return [PLUGINS.row(row) for row in self._database.rows(f"{PLUGINS.select} WHERE placement IS NOT NULL")]

    def page(self, after: str, limit: int, *, state: str | None = None, text: str = "") -> list[PluginRow]:
        """Up to `limit` rows whose file is there, by name, from behind `after` on.

        Args:
            text: a part of the name, the path or the reason; letters of ASCII in any case.
        """
        sql, marks = f"{PLUGINS.select} WHERE present = 1 AND name > ?", list[Any]((after,))
        if state is not None:
            sql, marks = f"{sql} AND state = ?", [*marks, state]
        if text:
            part = f"%{text.lower().translate(_LITERAL)}%"
            sql += " AND (" + " OR ".join(f"lower({one}) LIKE ? ESCAPE '!'" for one in ("name", "path", "reason")) + ")"
            marks += [part] * 3
        return [PLUGINS.row(row) for row in self._database.rows(f"{sql} ORDER BY name LIMIT ?", (*marks, limit))]

    def count_states(self) -> dict[str, int]:
        """The number of plugins in each state, of those whose file is there."""
        return dict(self._database.rows(STATES_COUNTED))

    def record_error(self, name: str, error: str, at: float) -> None:
        """Keeps the last error of a plugin."""
        with self._database.write() as connection:
            connection.execute("UPDATE plugins SET last_error = ?, last_error_at = ? WHERE name = ?", (error, at, name))

    def forget(self, name: str) -> None:
        """Drops a plugin and its versions."""
        with self._database.write(durable=True, locks=CATALOGUE) as connection:
            connection.execute("DELETE FROM plugins WHERE name = ?", (name,))
            connection.execute("DELETE FROM versions WHERE plugin = ?", (name,))

    def keep_version(self, version: VersionRow) -> None:
        """Records that the bytes of a version are kept."""
        with self._database.write(locks=CATALOGUE) as connection:
            connection.execute(
                f"{VERSIONS.insert} ON CONFLICT (plugin, hash) DO UPDATE"
                " SET manifest = excluded.manifest, size = excluded.size, seen_at = excluded.seen_at",
                VERSIONS.values(version),
            )

    @staticmethod
    def write_manifest(session: Session, plugin: str, hash_: str, manifest: str) -> None:
        """Records what a version serves with, in a transaction that holds the decision."""
        session.execute("UPDATE versions SET manifest = ? WHERE plugin = ? AND hash = ?", (manifest, plugin, hash_))

    def version(self, plugin: str, hash_: str) -> VersionRow | None:
        """A kept version, or None."""
        found = self._database.rows(f"{VERSIONS.select} WHERE plugin = ? AND hash = ?", (plugin, hash_))
        return VERSIONS.row(found[0]) if found else None

    def hashes(self) -> set[str]:
        """The hashes of all versions that are kept."""
        return {hash_ for (hash_,) in self._database.rows("SELECT DISTINCT hash FROM versions")}

    def drop_unused(self, kept: int = 0) -> set[str]:
        """Drops versions that no plugin serves or waits to serve, all but the `kept` of each plugin seen last.

        Returns: the hashes that are still used.
        """
        with self._database.write(locks=CATALOGUE) as connection:
            connection.execute(_DROP_UNUSED, (kept,))
            connection.execute(
                "DELETE FROM version_sidecars WHERE (plugin, hash) NOT IN (SELECT plugin, hash FROM versions)"
            )
            return {row[0] for row in connection.execute("SELECT hash FROM versions").fetchall()}


_DROP_UNUSED = """
DELETE FROM versions WHERE (plugin, hash) NOT IN (
  SELECT kept.plugin, kept.hash FROM versions AS kept
  JOIN plugins ON plugins.name = kept.plugin
    AND (kept.hash IN (plugins.hash, plugins.serving) OR plugins.shares LIKE '%' || kept.hash || '%')
  UNION
  SELECT plugin, hash FROM plugin_sources WHERE hash IS NOT NULL AND removed = 0
  UNION
  SELECT plugin, hash FROM (
    SELECT old.plugin, old.hash,
      row_number() OVER (PARTITION BY old.plugin ORDER BY old.seen_at DESC, old.hash) AS place
    FROM versions AS old JOIN plugins ON plugins.name = old.plugin
    WHERE old.hash <> coalesce(plugins.hash, '') AND old.hash <> coalesce(plugins.serving, '')
  ) AS earlier WHERE place <= ?)
"""


class RollbackRow(Record, frozen=True):
    """A rollback that has begun in the folder of a host.

    `signature` is that of the plugin's file before. Units: `at` epoch seconds.
    """

    plugin: str
    hash: str
    path: str
    signature: str
    at: float
    host: str = ""


class TurnedAwayRow(Record, frozen=True):
    """A version that somebody decided against, as one digest. Units: `at` seconds since the Unix epoch."""

    plugin: str
    hash: str
    who: str
    at: float


ROLLBACKS = Table(RollbackRow, "rollbacks", key="plugin")
TURNED_AWAY = Table(TurnedAwayRow, "versions_turned_away", key=("plugin", "hash"))


class VersionsTable:
    """Rows about versions; the versions themselves are in `PluginsTable`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, plugin: str) -> list[VersionRow]:
        """The versions of a plugin, the one seen last first."""
        found = self._store.rows(f"{VERSIONS.select} WHERE plugin = ? ORDER BY seen_at DESC, hash", (plugin,))
        return [VERSIONS.row(row) for row in found]

    def keep_sidecar(self, plugin: str, hash_: str, sidecar: str | None) -> None:
        """Keeps the manifest that lay beside a version's file, None for a file without one."""
        with self._store.write() as session:
            if sidecar is None:
                session.execute("DELETE FROM version_sidecars WHERE plugin = ? AND hash = ?", (plugin, hash_))
            else:
                session.execute(
                    "INSERT INTO version_sidecars VALUES (?, ?, ?) ON CONFLICT (plugin, hash)"
                    " DO UPDATE SET sidecar = excluded.sidecar",
                    (plugin, hash_, sidecar),
                )

    def sidecar(self, plugin: str, hash_: str) -> str | None:
        """The manifest that lay beside a version's file."""
        return self.sidecars(plugin).get(hash_)

    def sidecars(self, plugin: str) -> Mapping[str, str]:
        """The manifests that lay beside versions' files, by hash."""
        return dict(self._store.rows("SELECT hash, sidecar FROM version_sidecars WHERE plugin = ?", (plugin,)))

    def turned_away(self, plugin: str) -> Mapping[str, TurnedAwayRow]:
        """The versions that somebody decided against, by their digest."""
        found = self._store.rows(f"{TURNED_AWAY.select} WHERE plugin = ?", (plugin,))
        return {row.hash: row for row in map(TURNED_AWAY.row, found)}

    @staticmethod
    def turn_away(session: Session, row: TurnedAwayRow) -> None:
        """Records a decision against a version, in a transaction that holds what follows from it."""
        session.execute(
            f"{TURNED_AWAY.insert} ON CONFLICT (plugin, hash) DO UPDATE SET who = excluded.who, at = excluded.at",
            TURNED_AWAY.values(row),
        )

    @staticmethod
    def welcome(session: Session, plugin: str, digest: str) -> None:
        """Takes a decision against a version back."""
        session.execute("DELETE FROM versions_turned_away WHERE plugin = ? AND hash = ?", (plugin, digest))

    def begin(self, row: RollbackRow, digest: str) -> None:
        """Records that a rollback to a version begins, before any file is touched; on the disk when it returns."""
        with self._store.write(durable=True) as session:
            self.welcome(session, row.plugin, digest)
            session.execute(
                f"{ROLLBACKS.insert} ON CONFLICT (plugin) DO UPDATE SET hash = excluded.hash,"
                " path = excluded.path, signature = excluded.signature, at = excluded.at, host = excluded.host",
                ROLLBACKS.values(row),
            )

    def begun(self, host: str) -> list[RollbackRow]:
        """A host's rollbacks under way, of which there are none but for moments and after a crash."""
        found = self._store.rows(f"{ROLLBACKS.select} WHERE host = ? ORDER BY plugin", (host,))
        return [ROLLBACKS.row(row) for row in found]

    def end(self, row: RollbackRow) -> None:
        """Records that a rollback is over."""
        with self._store.write() as session:
            session.execute("DELETE FROM rollbacks WHERE plugin = ? AND hash = ?", (row.plugin, row.hash))

    def forget(self, plugin: str) -> None:
        """Drops all of a plugin."""
        with self._store.write() as session:
            for table in ("version_sidecars", "versions_turned_away", "rollbacks"):
                session.execute(f"DELETE FROM {table} WHERE plugin = ?", (plugin,))


class Acceptance(Record, frozen=True):
    """A version that was accepted: its bytes by their SHA-256, and the manifest beside them as written.

    `publisher` is the key that signed it, None for a version that nobody signed. `unheld` says that nothing was kept
    for the name, so that nobody was asked. Units: `at` seconds since the Unix epoch.
    """

    plugin: str
    hash: str
    sidecar: str | None
    publisher: str | None
    unheld: bool
    who: str
    at: float
    number: int = 0

    def covers(self, hash_: str | None, sidecar: str | None) -> bool:
        """True for the same bytes with the same manifest beside them."""
        return self.hash == hash_ and self.sidecar == sidecar


def identity(hash_: str, sidecar: str | None) -> str:
    """A version as one digest: the SHA-256 of its bytes, or of that and the digest of the manifest beside them."""
    if sidecar is None:
        return hash_
    return hashlib.sha256(f"{hash_}\n{hashlib.sha256(sidecar.encode()).hexdigest()}".encode()).hexdigest()


ACCEPTANCES = Table(Acceptance, "acceptances", key=("plugin", "number"))


class AcceptancesTable:
    """One row for each version that was accepted for a name; `number` is their order."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, plugin: str) -> Sequence[Acceptance]:
        """The versions that were accepted for a name, the last one first."""
        found = self._store.rows(f"{ACCEPTANCES.select} WHERE plugin = ? ORDER BY number DESC", (plugin,))
        return [ACCEPTANCES.row(row) for row in found]

    @staticmethod
    def accept(session: Session, row: Acceptance) -> None:
        """Records an acceptance as the last one, in a transaction that holds what follows from it."""
        same = "SELECT number, sidecar FROM acceptances WHERE plugin = ? AND hash = ?"
        for number, sidecar in session.execute(same, (row.plugin, row.hash)).fetchall():
            if sidecar == row.sidecar:
                session.execute("DELETE FROM acceptances WHERE plugin = ? AND number = ?", (row.plugin, number))
        found = session.execute("SELECT coalesce(max(number), 0) FROM acceptances WHERE plugin = ?", (row.plugin,))
        last = replace(row, number=found.fetchall()[0][0] + 1)
        session.execute(ACCEPTANCES.insert, ACCEPTANCES.values(last))

    def forget(self, plugin: str) -> None:
        """Drops all of a name."""
        with self._store.write(locks=("plugins",)) as session:
            session.execute("DELETE FROM acceptances WHERE plugin = ?", (plugin,))


class GrantRow(Record, frozen=True):
    """One grant. Units: `granted_at` seconds since the Unix epoch."""

    plugin: str
    capability: str
    scope: Mapping[str, Any]
    granted_by: str
    granted_at: float


GRANTS = Table(GrantRow, "grants", key=("plugin", "capability"))


class GrantsTable:
    """One grant for each plugin and capability; a newer one takes the place of the older."""

    def __init__(self, database: Store) -> None:
        self._database = database

    def give(self, grant: GrantRow) -> None:
        """Records a grant; on the disk when it returns."""
        with self._database.write(durable=True) as session:
            self.write(session, [grant])

    @staticmethod
    def write(session: Session, grants: Iterable[GrantRow]) -> None:
        """Records grants in a transaction that holds what follows from them."""
        session.executemany(
            f"{GRANTS.insert} ON CONFLICT (plugin, capability) DO UPDATE"
            " SET scope = excluded.scope, granted_by = excluded.granted_by, granted_at = excluded.granted_at",
            [GRANTS.values(one) for one in grants],
        )

    @staticmethod
    def take(session: Session, plugin: str, capability: str) -> None:
        """Takes a grant back, in a transaction that holds what follows from it."""
        session.execute("DELETE FROM grants WHERE plugin = ? AND capability = ?", (plugin, capability))

    def of(self, plugin: str) -> tuple[GrantRow, ...]:
        """The grants of one plugin, by capability."""
        return self._read("WHERE plugin = ? ORDER BY capability", plugin)

    def all(self) -> dict[str, tuple[GrantRow, ...]]:
        """The grants of every plugin that has any."""
        return _by_plugin(self._read("ORDER BY plugin, capability"))

    def between(self, first: str, last: str) -> dict[str, tuple[GrantRow, ...]]:
        """The grants of the plugins from one name to another."""
        return _by_plugin(self._read("WHERE plugin >= ? AND plugin <= ? ORDER BY plugin, capability", first, last))

    def forget(self, plugin: str) -> None:
        """Takes back all that a plugin was granted."""
        with self._database.write(durable=True) as connection:
            connection.execute("DELETE FROM grants WHERE plugin = ?", (plugin,))

    def _read(self, clause: str, *parameters: str) -> tuple[GrantRow, ...]:
        return tuple(map(GRANTS.row, self._database.rows(f"{GRANTS.select} {clause}", parameters)))


def _by_plugin(grants: Iterable[GrantRow]) -> dict[str, tuple[GrantRow, ...]]:
    found: dict[str, tuple[GrantRow, ...]] = {}
    for grant in grants:
        found[grant.plugin] = (*found.get(grant.plugin, ()), grant)
    return found


_QUEUED = "(function = ? OR (function > ? AND function < ?))"
_TABLES = {
    "grants": "grants WHERE plugin = ?",
    "settings": "plugin_config WHERE plugin = ?",
    "kv": "kv WHERE plugin = ?",
    "memory": "memories WHERE plugin = ?",
    "vectors": "vector_collections WHERE owner = ?",
    "tasks": "tasks WHERE owner = ?",
    "subscriptions": "subscriptions WHERE plugin = ?",
    "schedules": f"schedules WHERE {_QUEUED}",
    # One that runs waits again when its attempt fails, or its host is killed.
    "waiting tasks": f"tasks WHERE state IN ('waiting', 'running') AND {_QUEUED}",
}
_SQL = " UNION ALL ".join(f"SELECT '{kind}' WHERE EXISTS (SELECT 1 FROM {rows})" for kind, rows in _TABLES.items())
OPEN = frozenset({"settings", "subscriptions", "schedules", "waiting tasks"})
"""Ways to the code of that name that need no grant."""


class Holdings:
    """Asks every table that keeps something by a plugin's name."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, plugin: str) -> Sequence[str]:
        """The kinds of things that are kept for a name, such as `kv`."""
        # A reference is the name, or the name, a dot and a function; `/` follows the dot.
        queued = (plugin, f"{plugin}.", f"{plugin}/")
        marks = [one for rows in _TABLES.values() for one in (queued if _QUEUED in rows else (plugin,))]
        found = {kind for (kind,) in self._store.rows(_SQL, marks)}
        return [kind for kind in _TABLES if kind in found]


class PluginConfigTable:
    """One row for each setting, its value as JSON. They stand above those of the host's own settings."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, plugin: str) -> dict[str, Any]:
        """The settings of a plugin, by name."""
        found = self._store.rows("SELECT key, value FROM plugin_config WHERE plugin = ? ORDER BY key", (plugin,))
        return {key: json.loads(value) for key, value in found}

    def replace(self, plugin: str, values: Mapping[str, Any], *, who: str, at: float) -> None:
        """Keeps these settings and no others; on the disk when it returns."""
        rows = [(plugin, key, json.dumps(value), who, at) for key, value in values.items()]
        with self._store.write(durable=True, locks=(f"settings:{plugin}",)) as session:
            session.execute("DELETE FROM plugin_config WHERE plugin = ?", (plugin,))
            session.executemany("INSERT INTO plugin_config VALUES (?, ?, ?, ?, ?)", rows)
            PluginsTable.touch(session, plugin)

    def forget(self, plugin: str) -> None:
        """Drops the settings of a plugin."""
        with self._store.write() as session:
            session.execute("DELETE FROM plugin_config WHERE plugin = ?", (plugin,))


class NativeTable:
    """The switches of native plugins, by name."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def switched_off(self, name: str) -> bool:
        """True if a plugin was switched off."""
        return bool(self._store.rows("SELECT 1 FROM native_plugins WHERE name = ? AND switched_off = 1", (name,)))

    def switch(self, name: str, *, on: bool, at: float) -> None:
        """Records that somebody switched a plugin; on the disk when it returns."""
        with self._store.write(durable=True) as session:
            session.execute(
                "INSERT INTO native_plugins (name, switched_off, changed_at) VALUES (?, ?, ?)"
                " ON CONFLICT (name) DO UPDATE SET switched_off = excluded.switched_off,"
                " changed_at = excluded.changed_at",
                (name, int(not on), at),
            )


class SourceRow(Record, frozen=True):
    """A file in the plugin folder of one host: what it proposes for a name.

    `signature` tells that host whether the file changed without reading it; `problem` says why the file cannot be
    used; `verified` names the engine that judged it last. `removed` says that somebody removed the plugin at another
    host: the file proposes nothing until it changes. Units: `at` seconds since the Unix epoch.
    """

    host: str
    path: str
    plugin: str
    signature: str
    hash: str | None
    sidecar: str | None
    problem: str
    verified: str
    removed: bool
    at: float

    def brings(self, hash_: str | None, sidecar: str | None) -> bool:
        """True for the same bytes with the same manifest beside them."""
        return self.hash is not None and (self.hash, self.sidecar) == (hash_, sidecar)


class PluginHostRow(Record, frozen=True):
    """A host of the database, by the identity of its data folder. Units: `seen_at` seconds since the Unix epoch."""

    host: str
    name: str
    seen_at: float


class ObservedRow(Record, frozen=True):
    """A version that one host has in service, or cannot. Units: `since` seconds since the Unix epoch."""

    host: str
    plugin: str
    hash: str
    state: str
    error: str
    since: float


SOURCES = Table(SourceRow, "plugin_sources", key=("host", "path"), indexes=(("plugin",),))
PLUGIN_HOSTS = Table(PluginHostRow, "plugin_hosts", key="host")
OBSERVED = Table(ObservedRow, "plugin_observed", key=("host", "plugin", "hash"))
_OF_HOSTS = ("plugin_sources", "plugin_observed", "plugin_hosts")


class FleetTable:
    """Files in the folders of hosts and versions that they run, by the host's identity. `host` is this one."""

    def __init__(self, store: Store, host: str) -> None:
        self._store, self.host = store, host

    def sources(self, host: str) -> list[SourceRow]:
        """The files in a host's folder, by path."""
        return self._sources("WHERE host = ? ORDER BY path", host)

    def source(self, host: str, path: str) -> SourceRow | None:
        """A file in a host's folder as it was taken in last, or None."""
        return next(iter(self._sources("WHERE host = ? AND path = ?", host, path)), None)

    def named(self, host: str, plugin: str) -> SourceRow | None:
        """The file in a host's folder that has a plugin's name, or None."""
        return next(iter(self._sources("WHERE host = ? AND plugin = ? ORDER BY path", host, plugin)), None)

    def proposals(self, plugin: str) -> list[SourceRow]:
        """The files of all hosts that have a plugin's name."""
        return self._sources("WHERE plugin = ? ORDER BY host, path", plugin)

    def _sources(self, clause: str, *parameters: str) -> list[SourceRow]:
        return [SOURCES.row(row) for row in self._store.rows(f"{SOURCES.select} {clause}", parameters)]

    def keep(self, source: SourceRow) -> None:
        """Records a file as it was taken in."""
        with self._store.write(locks=CATALOGUE) as session:
            session.execute("DELETE FROM plugin_sources WHERE host = ? AND path = ?", (source.host, source.path))
            session.execute(SOURCES.insert, SOURCES.values(source))

    def drop(self, host: str, path: str) -> None:
        """Records that a file is gone."""
        with self._store.write(locks=CATALOGUE) as session:
            session.execute("DELETE FROM plugin_sources WHERE host = ? AND path = ?", (host, path))

    def remove(self, host: str, plugin: str) -> None:
        """Records that somebody removed a plugin at a host: the files of the others propose it no more."""
        with self._store.write(durable=True, locks=CATALOGUE) as session:
            session.execute("DELETE FROM plugin_sources WHERE host = ? AND plugin = ?", (host, plugin))
            session.execute("UPDATE plugin_sources SET removed = 1 WHERE plugin = ?", (plugin,))

    def hosts(self) -> dict[str, PluginHostRow]:
        """The hosts that were seen, by identity."""
        found = map(PLUGIN_HOSTS.row, self._store.rows(PLUGIN_HOSTS.select))
        return {row.host: row for row in found}

    def seen(self, row: PluginHostRow, *, gone_before: float) -> None:
        """Shows that a host lives, and drops all of those that were last seen before a time."""
        with self._store.write() as session:
            session.execute(
                f"{PLUGIN_HOSTS.insert} ON CONFLICT (host) DO UPDATE SET name = excluded.name,"
                " seen_at = excluded.seen_at",
                PLUGIN_HOSTS.values(row),
            )
            gone = session.execute("SELECT host FROM plugin_hosts WHERE seen_at < ?", (gone_before,)).fetchall()
            for table in _OF_HOSTS if gone else ():
                session.executemany(f"DELETE FROM {table} WHERE host = ?", gone)

    def observed(self, plugin: str) -> list[ObservedRow]:
        """Versions of a plugin that hosts have in service, by host."""
        sql = f"{OBSERVED.select} WHERE plugin = ? ORDER BY host, since"
        return [OBSERVED.row(row) for row in self._store.rows(sql, (plugin,))]

    def observe(self, host: str, rows: Sequence[ObservedRow]) -> None:
        """Replaces all that was observed at a host."""
        with self._store.write() as session:
            session.execute("DELETE FROM plugin_observed WHERE host = ?", (host,))
            session.executemany(OBSERVED.insert, [OBSERVED.values(row) for row in rows])


class Rollout(Record, frozen=True, kw_only=True):
    """A new version that gets more and more of a plugin's calls. The database keeps the last one of each plugin."""

    plugin: str
    version: str
    digest: Annotated[str, Meta(description="SHA-256 of the new version.")]
    before: Annotated[str, Meta(description="SHA-256 of the version that served, which serves again after a failure.")]
    shares: Annotated[tuple[int, ...], Meta(description="Per cent of the calls for the new version, step by step.")]
    every_s: Annotated[Seconds, Meta(description="The time that a step lasts at least.")]
    guards: Annotated[tuple[str, ...], Meta(description="Conditions that hold while it goes on, such as errors<1%.")]
    who: str
    state: Literal["running", "done", "rolled-back", "stopped"] = "running"
    reason: Annotated[str, Meta(description="Why it ended so, or what the step waits for.")] = ""
    step: Annotated[int, Meta(description="Index of the share in force; -1: all calls are to go to `before`.")] = 0
    began_at: Time
    step_at: Time
    ended_at: Time | None = None
    paused_at: Annotated[Time | None, Meta(description="Since when it rests at its share; null: it does not.")] = None
    paused_s: Annotated[Seconds, Meta(description="The time for which the present step rested before.")] = 0.0
    applied: Annotated[bool, HIDDEN] = False
    ends: Annotated[str, HIDDEN] = ""
    revision: Annotated[int, HIDDEN] = 0
    carrier: Annotated[str, HIDDEN] = ""
    carried_until: Annotated[float, HIDDEN] = 0.0


class RolloutCount(Record, frozen=True):
    """Calls of one version at one host since a step began there, without those that their callers spoiled. `errors` are
    those that the version failed, `durations` all of them by bucket, cumulative."""

    host: str
    plugin: str
    hash: str
    step_at: float
    calls: int
    errors: int
    durations: tuple[int, ...]


ROLLOUTS = Table(Rollout, "plugin_rollouts", key="plugin")
COUNTS = Table(RolloutCount, "plugin_rollout_counts", key=("host", "plugin", "hash"))
_ROLLOUT_SET = ", ".join(f"{name} = ?" for name in Rollout.__struct_fields__)


class RolloutsTable:
    """Rollouts, each changed by compare-and-set on its revision, and what hosts have counted for them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, plugin: str) -> Rollout | None:
        """The last rollout of a plugin, or None."""
        found = self._store.rows(f"{ROLLOUTS.select} WHERE plugin = ?", (plugin,))
        return ROLLOUTS.row(found[0]) if found else None

    def running(self) -> list[Rollout]:
        """The rollouts under way, by plugin."""
        rows = self._store.rows(f"{ROLLOUTS.select} WHERE state = 'running' ORDER BY plugin")
        return [ROLLOUTS.row(row) for row in rows]

    def begin(self, rollout: Rollout) -> bool:
        """Stores a rollout in the place of one that ended; False while one is under way."""

        def work(session: Session) -> bool:
            sql = "DELETE FROM plugin_rollouts WHERE plugin = ? AND state <> 'running'"
            session.execute(sql, (rollout.plugin,))
            session.execute("DELETE FROM plugin_rollout_counts WHERE plugin = ?", (rollout.plugin,))
            added = session.execute(f"{ROLLOUTS.insert} ON CONFLICT (plugin) DO NOTHING", ROLLOUTS.values(rollout))
            return added.rowcount == 1

        return self._store.apply(work)

    def change(self, rollout: Rollout) -> Rollout | None:
        """Stores a changed rollout as the next revision; None when somebody else changed it first."""
        changed = replace(rollout, revision=rollout.revision + 1)
        sql = f"UPDATE plugin_rollouts SET {_ROLLOUT_SET} WHERE plugin = ? AND revision = ?"
        values = (*ROLLOUTS.values(changed), rollout.plugin, rollout.revision)
        done = self._store.apply(lambda session: session.execute(sql, values).rowcount == 1)
        return changed if done else None

    def count(self, counts: Sequence[RolloutCount]) -> None:
        """Stores what one host has counted, one row for each version."""

        def work(session: Session) -> None:
            for one in counts:
                key = (one.host, one.plugin, one.hash)
                session.execute("DELETE FROM plugin_rollout_counts WHERE host = ? AND plugin = ? AND hash = ?", key)
                session.execute(COUNTS.insert, COUNTS.values(one))

        self._store.apply(work)

    def counts(self, rollout: Rollout) -> list[RolloutCount]:
        """The counts of all hosts in the present step."""
        rows = self._store.rows(f"{COUNTS.select} WHERE plugin = ?", (rollout.plugin,))
        return [one for one in map(COUNTS.row, rows) if one.step_at == rollout.step_at]


class PluginOrigin(Record, frozen=True):
    """The package that a version of a plugin came from."""

    plugin: str
    hash: Annotated[str, Meta(description="SHA-256 of the module, in hexadecimal.")]
    source: Annotated[str, Meta(description="A repository without tag and digest, a URL or a file.")]
    version: str
    digest: Annotated[str, Meta(description="The digest of the package.")]
    publisher: Annotated[str, Meta(description="Who signed it, by fingerprints of keys; empty for nobody.")]
    installed_at: Time
    installed_by: str


ORIGINS = Table(PluginOrigin, "plugin_origins", key=("plugin", "hash"))


class OriginsTable:
    """The origins of versions, the last one of each."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, plugin: str, digest: str | None) -> PluginOrigin | None:
        """The origin of a version, None for one that did not come as a package."""
        found = self._store.rows(f"{ORIGINS.select} WHERE plugin = ? AND hash = ?", (plugin, digest or ""))
        return ORIGINS.row(found[0]) if found else None

    def all(self) -> list[PluginOrigin]:
        """All origins, by plugin."""
        return [ORIGINS.row(row) for row in self._store.rows(f"{ORIGINS.select} ORDER BY plugin, installed_at")]

    def keep(self, origin: PluginOrigin) -> None:
        """Records where a version came from."""

        def work(session: Session) -> None:
            session.execute("DELETE FROM plugin_origins WHERE plugin = ? AND hash = ?", (origin.plugin, origin.hash))
            session.execute(ORIGINS.insert, ORIGINS.values(origin))

        self._store.apply(work)

    def forget(self, plugin: str, digest: str | None = None) -> None:
        """Drops the origins of a plugin, or of one version."""
        sql = "DELETE FROM plugin_origins WHERE plugin = ?" + (" AND hash = ?" if digest else "")
        self._store.apply(lambda session: session.execute(sql, (plugin, digest) if digest else (plugin,)))
