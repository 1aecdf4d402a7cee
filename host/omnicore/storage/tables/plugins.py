"""The catalogue on disk: one row for each plugin, one for each version whose bytes are kept."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields
from typing import Any

from omnicore.storage.store import Session, Store

__all__ = ["PluginRow", "PluginsTable", "VersionRow"]


@dataclass(frozen=True, slots=True)
class PluginRow:
    """A plugin as the catalogue knows it. Units: times in seconds since the Unix epoch.

    `path` is relative to the plugin folder; `signature` tells whether the file changed without reading it;
    `problem` says why the file as it is cannot be used; `hash` is its newest usable version, `serving` the
    accepted one that answers calls; `verified` names the engine that judged it last; `last_error` is a JSON
    document; `present` says that the file is there.
    """

    name: str
    path: str
    signature: str
    hash: str | None
    manifest: str | None
    state: str
    reason: str
    problem: str
    switched_off: bool
    serving: str | None
    verified: str
    last_error: str | None
    last_error_at: float | None
    added_at: float
    changed_at: float
    present: bool


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version whose bytes are kept: its manifest as a JSON document and its size in bytes."""

    plugin: str
    hash: str
    manifest: str
    size: int
    seen_at: float


_COLUMNS = ", ".join(field.name for field in fields(PluginRow))
_CHANGES = ", ".join(f"{field.name} = excluded.{field.name}" for field in fields(PluginRow)[1:])
_MARKS = ", ".join("?" for _ in fields(PluginRow))
_LITERAL = str.maketrans({"%": "!%", "_": "!_", "!": "!!"})


class PluginsTable:
    """Reads and writes whole rows: what a state means is decided elsewhere."""

    def __init__(self, database: Store) -> None:
        self._database = database

    def save(self, *rows: PluginRow) -> None:
        """Writes rows in one transaction; on the disk when it returns."""
        if not rows:
            return
        with self._database.write(durable=True) as session:
            self.write(session, *rows)

    @staticmethod
    def write(session: Session, *rows: PluginRow) -> None:
        """Writes rows in a transaction that holds other changes as well."""
        session.executemany(
            f"INSERT INTO plugins ({_COLUMNS}) VALUES ({_MARKS}) ON CONFLICT (name) DO UPDATE SET {_CHANGES}",
            [_values(row) for row in rows],
        )

    def get(self, name: str) -> PluginRow | None:
        """The row of a plugin, or None."""
        found = self._database.rows(f"SELECT {_COLUMNS} FROM plugins WHERE name = ?", (name,))
        return _row(found[0]) if found else None

    def all(self) -> list[PluginRow]:
        """Every row, by name, those whose file is gone among them."""
        return [_row(row) for row in self._database.rows(f"SELECT {_COLUMNS} FROM plugins ORDER BY name")]

    def at(self, path: str) -> PluginRow | None:
        """The row of the plugin whose file is at a path of the folder, if it is there."""
        found = self._database.rows(f"SELECT {_COLUMNS} FROM plugins WHERE path = ? AND present = 1", (path,))
        return _row(found[0]) if found else None

    def page(self, after: str, limit: int, *, state: str | None = None, text: str = "") -> list[PluginRow]:
        """Up to `limit` rows whose file is there, by name, from behind `after` on.

        Args:
            text: a part of the name, the path or the reason; letters of ASCII in any case.
        """
        sql, marks = f"SELECT {_COLUMNS} FROM plugins WHERE present = 1 AND name > ?", list[Any]((after,))
        if state is not None:
            sql, marks = f"{sql} AND state = ?", [*marks, state]
        if text:
            part = f"%{text.lower().translate(_LITERAL)}%"
            sql += " AND (" + " OR ".join(f"lower({one}) LIKE ? ESCAPE '!'" for one in ("name", "path", "reason")) + ")"
            marks += [part] * 3
        return [_row(row) for row in self._database.rows(f"{sql} ORDER BY name LIMIT ?", (*marks, limit))]

    def count_states(self) -> dict[str, int]:
        """How many plugins whose file is there are in each state."""
        return dict(self._database.rows("SELECT state, count(*) FROM plugins WHERE present = 1 GROUP BY state"))

    def record_error(self, name: str, error: str, at: float) -> None:
        """Keeps the last error of a plugin."""
        with self._database.write() as connection:
            connection.execute("UPDATE plugins SET last_error = ?, last_error_at = ? WHERE name = ?", (error, at, name))

    def forget(self, name: str) -> None:
        """Drops a plugin and its versions."""
        with self._database.write(durable=True) as connection:
            connection.execute("DELETE FROM plugins WHERE name = ?", (name,))
            connection.execute("DELETE FROM versions WHERE plugin = ?", (name,))

    def keep_version(self, version: VersionRow) -> None:
        """Records that the bytes of a version are kept."""
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO versions VALUES (?, ?, ?, ?, ?) ON CONFLICT (plugin, hash) DO UPDATE"
                " SET manifest = excluded.manifest, size = excluded.size, seen_at = excluded.seen_at",
                astuple(version),
            )

    def version(self, plugin: str, hash_: str) -> VersionRow | None:
        """A kept version, or None."""
        found = self._database.rows(
            "SELECT plugin, hash, manifest, size, seen_at FROM versions WHERE plugin = ? AND hash = ?",
            (plugin, hash_),
        )
        return VersionRow(*found[0]) if found else None

    def drop_unused(self, kept: int = 0) -> set[str]:
        """Drops versions that no plugin serves or waits to serve, all but the `kept` of each plugin seen last.

        Returns: the hashes that are still used.
        """
        with self._database.write() as connection:
            connection.execute(_DROP_UNUSED, (kept,))
            for table in ("version_sidecars", "versions_turned_away"):
                connection.execute(
                    f"DELETE FROM {table} WHERE (plugin, hash) NOT IN (SELECT plugin, hash FROM versions)"
                )
            return {row[0] for row in connection.execute("SELECT hash FROM versions").fetchall()}


_DROP_UNUSED = """
DELETE FROM versions WHERE (plugin, hash) NOT IN (
  SELECT kept.plugin, kept.hash FROM versions AS kept
  JOIN plugins ON plugins.name = kept.plugin AND kept.hash IN (plugins.hash, plugins.serving)
  UNION
  SELECT plugin, hash FROM (
    SELECT old.plugin, old.hash,
      row_number() OVER (PARTITION BY old.plugin ORDER BY old.seen_at DESC, old.hash) AS place
    FROM versions AS old JOIN plugins ON plugins.name = old.plugin
    WHERE old.hash <> coalesce(plugins.hash, '') AND old.hash <> coalesce(plugins.serving, '')
  ) AS earlier WHERE place <= ?)
"""


def _values(row: PluginRow) -> tuple[object, ...]:
    return tuple(int(value) if isinstance(value, bool) else value for value in astuple(row))


def _row(values: tuple[object, ...]) -> PluginRow:
    row = dict(zip(PluginRow.__dataclass_fields__, values, strict=True))
    return PluginRow(**{**row, "switched_off": bool(row["switched_off"]), "present": bool(row["present"])})  # type: ignore[arg-type]
