"""Publishers: the keys that the owner trusts, the publishers that names are pinned to, and who signed which version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from omnicore.records import Meta, Record, Time
from omnicore.storage.table import Table

if TYPE_CHECKING:
    from omnicore.storage.store import Store


class PublisherKeyRow(Record, frozen=True):
    """A key that the owner trusts, or no longer. `key` is its public half as a file has it.

    `fingerprint` is SHA-256 of the key and tells it apart from any other; its `name` is the owner's choice.
    """

    fingerprint: str
    name: Annotated[str, Meta(min_length=1, max_length=80)]
    key: str
    key_id: str
    algorithm: str
    trusted_at: Time
    trusted_by: str
    expires_at: Time | None = None
    revoked_at: Time | None = None
    reason: str = ""

    @property
    def publisher(self) -> str:
        """The word by which pins and signed versions name it."""
        return f"key:{self.fingerprint}"

    def valid(self, now: float) -> bool:
        """True while signatures of this key count."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class PublisherPinRow(Record, frozen=True):
    """The publishers of a name: `key:FINGERPRINT` or `sigstore:IDENTITY=ISSUER`. One of them signs each version."""

    plugin: str
    publishers: tuple[str, ...]
    pinned_at: Time
    pinned_by: str


class SignedVersionRow(Record, frozen=True):
    """A version that was verified when it was installed. `digest` is that of its bytes and the manifest beside them.

    `hash` is that of the bytes alone, and `source` where it came from.
    """

    plugin: str
    digest: str
    hash: str
    version: str
    publishers: tuple[str, ...]
    source: str
    verified_at: Time


PUBLISHER_KEYS = Table(PublisherKeyRow, "publisher_keys", key="fingerprint", unique=(("name",),))
PUBLISHER_PINS = Table(PublisherPinRow, "publisher_pins", key="plugin")
SIGNED_VERSIONS = Table(SignedVersionRow, "signed_versions", key=("plugin", "digest"))


class PublishersTable:
    """Reads and writes whole rows: what is trusted is decided elsewhere."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def known_keys(self) -> Sequence[PublisherKeyRow]:
        """Every key, by name, revoked ones among them."""
        return [PUBLISHER_KEYS.row(row) for row in self._store.rows(f"{PUBLISHER_KEYS.select} ORDER BY name")]

    def save_key(self, row: PublisherKeyRow) -> None:
        """Writes a key in the place of the one with its fingerprint."""
        with self._store.write(durable=True) as session:
            session.execute("DELETE FROM publisher_keys WHERE fingerprint = ?", (row.fingerprint,))
            session.execute(PUBLISHER_KEYS.insert, PUBLISHER_KEYS.values(row))

    def pins(self) -> Sequence[PublisherPinRow]:
        """Every pin, by the name of the plugin."""
        return [PUBLISHER_PINS.row(row) for row in self._store.rows(f"{PUBLISHER_PINS.select} ORDER BY plugin")]

    def pin_of(self, plugin: str) -> PublisherPinRow | None:
        """The pin of a name."""
        found = self._store.rows(f"{PUBLISHER_PINS.select} WHERE plugin = ?", (plugin,))
        return PUBLISHER_PINS.row(found[0]) if found else None

    def save_pin(self, row: PublisherPinRow) -> None:
        """Writes a pin in the place of the one of its name."""
        with self._store.write(durable=True) as session:
            session.execute("DELETE FROM publisher_pins WHERE plugin = ?", (row.plugin,))
            session.execute(PUBLISHER_PINS.insert, PUBLISHER_PINS.values(row))

    def unpin(self, plugin: str) -> bool:
        """Drops the pin of a name; False when there is none."""
        with self._store.write(durable=True) as session:
            return bool(session.execute("DELETE FROM publisher_pins WHERE plugin = ?", (plugin,)).rowcount)

    def versions(self) -> Sequence[SignedVersionRow]:
        """Every signed version, by plugin, the one verified last first."""
        found = self._store.rows(f"{SIGNED_VERSIONS.select} ORDER BY plugin, verified_at DESC")
        return [SIGNED_VERSIONS.row(row) for row in found]

    def version(self, plugin: str, digest: str) -> SignedVersionRow | None:
        """The signers of a version, where somebody signed it."""
        found = self._store.rows(f"{SIGNED_VERSIONS.select} WHERE plugin = ? AND digest = ?", (plugin, digest))
        return SIGNED_VERSIONS.row(found[0]) if found else None

    def save_version(self, row: SignedVersionRow) -> None:
        """Writes who signed a version, in the place of what was known."""
        with self._store.write(durable=True) as session:
            session.execute("DELETE FROM signed_versions WHERE plugin = ? AND digest = ?", (row.plugin, row.digest))
            session.execute(SIGNED_VERSIONS.insert, SIGNED_VERSIONS.values(row))

    def same_publisher(self, plugin: str, before: str, after: str, *, now: float) -> bool:
        """True when a publisher who is trusted now signed both versions, by their digests."""
        rows = [self.version(plugin, digest) for digest in (before, after)]
        both = set.intersection(*(set(row.publishers) if row is not None else set() for row in rows))
        lost = {key.publisher for key in self.known_keys() if not key.valid(now)}
        return bool(both - lost)
