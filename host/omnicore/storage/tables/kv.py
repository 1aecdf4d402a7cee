"""Keys and values of plugins: namespaces, quotas, versions, expiry."""

from __future__ import annotations

from dataclasses import dataclass

from omnicore.clock import Clock
from omnicore.errors import InvalidInput, LimitExceeded
from omnicore.records import Record
from omnicore.storage.store import Session, Store
from omnicore.storage.table import Table

_SWEEP_BATCH = 100
_MAX_KEY_BYTES = 1024
_ALIVE = "(expires_at IS NULL OR expires_at > ?)"


@dataclass(frozen=True, slots=True)
class KvTotals:
    """The totals of a plugin, with expired entries that are not yet deleted. Units: `bytes` of keys and values."""

    bytes: int
    keys: int


class KvEntry(Record, frozen=True):
    """An entry of a plugin."""

    plugin: str
    key: bytes
    value: bytes
    version: int = 0
    expires_at: float | None = None


KV = Table(KvEntry, "kv", key=("plugin", "key"))


class KvTable:
    """Each plugin sees only its own keys. Every write gets a version that no other write of it ever had."""

    def __init__(self, database: Store, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def get(self, plugin: str, key: str) -> tuple[bytes, int] | None:
        """The value and its version, or None."""
        found = self._database.rows(
            f"SELECT value, version FROM kv WHERE plugin = ? AND key = ? AND {_ALIVE}",
            (plugin, _encode(key), self._clock.now()),
        )
        return found[0] if found else None

    def put(
        self,
        plugin: str,
        key: str,
        value: bytes,
        ttl_s: float | None = None,
        *,
        max_bytes: int | None = None,
        max_keys: int | None = None,
    ) -> int:
        """Writes and returns the new version.

        Args:
            ttl_s: the entry is gone after that many seconds; None keeps it.
            max_bytes, max_keys: the plugin's quota, over keys and values together.

        Raises:
            LimitExceeded: the quota is used up; nothing was written.
            InvalidInput: a key or a time to live that cannot be used.
        """
        entry = KvEntry(plugin, _encode(key), value, expires_at=_expiry(self._clock, ttl_s))
        return self._database.apply(
            lambda session: self._store(session, entry, max_bytes, max_keys), locks=_locks(plugin)
        )

    def cas(
        self,
        plugin: str,
        key: str,
        expected: int | None,
        value: bytes,
        ttl_s: float | None = None,
        *,
        max_bytes: int | None = None,
        max_keys: int | None = None,
    ) -> tuple[bool, int | None]:
        """Writes only if the key still has the version `expected` (None: does not exist).

        Returns: True if it was written, and the key's version now (None when it does not exist).
        Raises: as `put`.
        """
        entry = KvEntry(plugin, _encode(key), value, expires_at=_expiry(self._clock, ttl_s))

        def work(session: Session) -> tuple[bool, int | None]:
            row = session.execute(
                f"SELECT version FROM kv WHERE plugin = ? AND key = ? AND {_ALIVE}",
                (plugin, entry.key, self._clock.now()),
            ).fetchone()
            current = row[0] if row else None
            if current != expected:
                return False, current
            return True, self._store(session, entry, max_bytes, max_keys)

        return self._database.apply(work, locks=_locks(plugin))

    def delete(self, plugin: str, key: str) -> bool:
        """Deletes a key and returns True if it was there."""
        encoded = _encode(key)
        row = self._database.apply(
            lambda session: session.execute(
                "DELETE FROM kv WHERE plugin = ? AND key = ? RETURNING expires_at", (plugin, encoded)
            ).fetchone(),
            locks=_locks(plugin),
        )
        return row is not None and (row[0] is None or row[0] > self._clock.now())

    def list(
        self, plugin: str, prefix: str = "", limit: int = 100, cursor: str | None = None
    ) -> tuple[list[str], str | None]:
        """Keys that begin with `prefix`, in the order of their bytes; then the next page's cursor or None."""
        if limit < 1:
            raise InvalidInput(f"a page of {limit} keys cannot be listed", remedy="give a limit of 1 or more")
        low = prefix.encode("utf-8", "surrogatepass")
        conditions = ["plugin = ?", "key >= ?", _ALIVE]
        parameters: list[object] = [plugin, low, self._clock.now()]
        if low:
            conditions.append("key < ?")
            parameters.append(low[:-1] + bytes([low[-1] + 1]))  # UTF-8 has no byte 0xff, so this never overflows
        if cursor is not None:
            conditions.append("key > ?")
            parameters.append(cursor.encode("utf-8", "surrogatepass"))
        found = self._database.rows(
            f"SELECT key FROM kv WHERE {' AND '.join(conditions)} ORDER BY key LIMIT ?",
            (*parameters, limit + 1),
        )
        keys = [row[0].decode("utf-8") for row in found[:limit]]
        return keys, keys[-1] if len(found) > limit else None

    def totals(self, plugin: str) -> KvTotals:
        """The plugin's totals, from one row."""
        found = self._database.rows("SELECT bytes, keys FROM kv_totals WHERE plugin = ?", (plugin,))
        return KvTotals(*found[0]) if found else KvTotals(0, 0)

    def sweep(self, batch: int = 10_000) -> int:
        """Deletes expired entries, at most `batch`, and returns how many."""
        gone, now = 0, self._clock.now()
        having = (
            "SELECT plugin FROM kv_totals"
            " WHERE EXISTS (SELECT 1 FROM kv WHERE kv.plugin = kv_totals.plugin AND expires_at <= ?)"
        )
        for (plugin,) in self._database.rows(having, (now,)):
            if gone < batch:
                with self._database.write(locks=_locks(plugin)) as session:
                    gone += session.execute(
                        "DELETE FROM kv WHERE plugin = ? AND key IN"
                        " (SELECT key FROM kv WHERE plugin = ? AND expires_at <= ? LIMIT ?)",
                        (plugin, plugin, now, batch - gone),
                    ).rowcount
        return gone

    def clear(self, plugin: str) -> None:
        """Forgets all that a plugin stored, for when it is removed."""
        with self._database.write(durable=True, locks=_locks(plugin)) as session:
            session.execute("DELETE FROM kv WHERE plugin = ?", (plugin,))

    def _store(self, session: Session, entry: KvEntry, max_bytes: int | None, max_keys: int | None) -> int:
        session.execute(
            "DELETE FROM kv WHERE plugin = ? AND key IN"
            " (SELECT key FROM kv WHERE plugin = ? AND expires_at <= ? LIMIT ?)",
            (entry.plugin, entry.plugin, self._clock.now(), _SWEEP_BATCH),
        )
        version, old_bytes, old_keys = session.execute(
            "INSERT INTO kv_totals VALUES (?, 0, 0, 1) ON CONFLICT (plugin)"
            " DO UPDATE SET sequence = kv_totals.sequence + 1 RETURNING sequence, bytes, keys",
            (entry.plugin,),
        ).fetchone()
        session.execute(
            f"{KV.insert} ON CONFLICT (plugin, key) DO UPDATE"
            " SET value = excluded.value, version = excluded.version, expires_at = excluded.expires_at",
            (entry.plugin, entry.key, entry.value, version, entry.expires_at),
        )
        new_bytes, new_keys = session.execute(
            "SELECT bytes, keys FROM kv_totals WHERE plugin = ?", (entry.plugin,)
        ).fetchone()
        # Only growth is refused: with a quota that was lowered later, a plugin can still shrink what it has.
        if max_bytes is not None and new_bytes > max(max_bytes, old_bytes):
            raise _over(entry.plugin, "max_bytes", max_bytes, "bytes")
        if max_keys is not None and new_keys > max(max_keys, old_keys):
            raise _over(entry.plugin, "max_keys", max_keys, "keys")
        return int(version)


def _locks(plugin: str) -> tuple[str, ...]:
    """Versions, quota and what an entry is compared with are one plugin's."""
    return (f"kv:{plugin}",)


def _encode(key: str) -> bytes:
    try:
        data = key.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput("the key is no valid Unicode text", remedy="use text without lone surrogates") from error
    if not 0 < len(data) <= _MAX_KEY_BYTES:
        raise InvalidInput(f"a key of {len(data)} bytes cannot be used", remedy=f"use 1 to {_MAX_KEY_BYTES} bytes")
    return data


def _expiry(clock: Clock, ttl_s: float | None) -> float | None:
    if ttl_s is None:
        return None
    if not ttl_s > 0:  # also refuses a NaN
        raise InvalidInput(f"ttl_s of {ttl_s} cannot be used", remedy="give seconds above 0, or leave it out")
    return clock.now() + ttl_s


def _over(plugin: str, limit: str, allowed: int, unit: str) -> LimitExceeded:
    return LimitExceeded(
        f"{plugin} may keep {allowed} {unit} in kv and has no room left",
        remedy=f"delete keys, or ask for more by {limit} in the scope of its kv capability",
        limit=limit,
        allowed=allowed,
    )
