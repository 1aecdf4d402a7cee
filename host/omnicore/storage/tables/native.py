"""Which native plugins are switched off. They come with the host's own packages, so nothing else is kept of them."""

from __future__ import annotations

from omnicore.storage.store import Store

__all__ = ["NativeTable"]


class NativeTable:
    """The switches of native plugins, by name."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def switched_off(self, name: str) -> bool:
        """Whether a plugin was switched off."""
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
