"""Connectors, their sealed secrets, webhooks and deliveries. Secrets cannot be read without the master key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from omnicore.records import HIDDEN, Json, Meta, Record, Time, field, view
from omnicore.storage.table import Table

if TYPE_CHECKING:
    from omnicore.storage.store import Dialect, Session, Store


_PRUNED = 1000  # rows that one transaction deletes at most


_Table = Mapping[str, Any]
_Secrets = Annotated[Mapping[str, str], Meta(description="Values, or references to them. They cannot be read back.")]
_Took = Annotated[float | None, Meta(description="Seconds.")]


class ConnectorChange(Record, frozen=True, kw_only=True):
    """The parts of a connector to replace; those that are not given stay."""

    config: _Table | None = None
    credentials: _Secrets | None = field(name="secrets", default=None)
    limits: _Table | None = None


class ConnectorOrder(ConnectorChange, frozen=True, kw_only=True):
    """A connector to be added."""

    name: str
    kind: str


class ConnectorRow(Record, frozen=True):
    """A connector. `credentials` maps names to references, never to values."""

    name: str
    kind: str
    config: _Table
    credentials: Annotated[
        Mapping[str, str],
        Meta(description="Where each is: `vault:`, `env:` or `file:` and a name. Never a value."),
    ]
    limits: _Table
    version: int
    added_at: Time
    changed_at: Time


class UseRow(Record, frozen=True):
    """One use of a connector. `took_s` is None while it runs or when its host died."""

    id: str
    connector: str
    action: str
    who: Annotated[str, Meta(description="`plugin:NAME`, `rest`, `alerts` or `cli:NAME`.")]
    at: Time
    took_s: _Took
    attempts: int
    outcome: Annotated[str, Meta(description="begun, ok, cancelled or the code of an error.")]


class KindOrder(Record, frozen=True, kw_only=True):
    """A kind of connector to be added."""

    description: Annotated[_Table, Meta(description="The service as data, as `specs/connector.md` has it.")]
    replace: Annotated[bool, Meta(description="Whether it takes the place of a kind of its name.")] = False


class KindRow(Record, frozen=True):
    """A kind of connector that an operator added, as its description."""

    name: str
    description: Json
    version: int
    added_at: Time
    changed_at: Time


KINDS = Table(KindRow, "connector_kinds", key="name")
CONNECTORS = Table(ConnectorRow, "connectors", key="name")
USES = Table(UseRow, "connector_uses", key="id", indexes=(("connector", "id"), ("at",)))


class ConnectorsTable:
    """Connectors and their uses. Decisions of people are on the disk when a method returns; uses share commits."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, name: str) -> ConnectorRow | None:
        """A connector."""
        found = self._read("WHERE name = ?", name)
        return found[0] if found else None

    def all(self) -> tuple[ConnectorRow, ...]:
        """All connectors by name."""
        return self._read("ORDER BY name")

    def add(self, row: ConnectorRow, *, most: int) -> bool:
        """Adds a connector and returns True if the name was free and there were fewer than `most`."""
        with self._store.write(durable=True, locks=("connectors",)) as session:
            if session.execute("SELECT count(*) FROM connectors").fetchone()[0] >= most:
                return False
            added = session.execute(f"{CONNECTORS.insert} ON CONFLICT (name) DO NOTHING", CONNECTORS.values(row))
            return added.rowcount > 0

    def change(self, row: ConnectorRow) -> bool:
        """Keeps the row as the version after the one it was read with; False when that is no longer the newest."""
        with self._store.write(durable=True) as session:
            changed = session.execute(
                "UPDATE connectors SET config = ?, credentials = ?, limits = ?, version = version + 1, changed_at = ?"
                " WHERE name = ? AND version = ?",
                (*CONNECTORS.values(row)[2:5], row.changed_at, row.name, row.version),
            )
            return changed.rowcount > 0

    def remove(self, name: str) -> bool:
        """Removes a connector and returns True if there was one. Its uses stay."""
        with self._store.write(durable=True) as session:
            return session.execute("DELETE FROM connectors WHERE name = ?", (name,)).rowcount > 0

    def begin_use(self, use: UseRow) -> None:
        """Records that a call goes out."""
        self._store.apply(lambda session: session.execute(USES.insert, USES.values(use)))

    def end_use(self, use: str, *, took_s: float, attempts: int, outcome: str) -> None:
        """Records what came of it."""

        def work(session: Session) -> None:
            session.execute(
                "UPDATE connector_uses SET took_s = ?, attempts = ?, outcome = ? WHERE id = ?",
                (took_s, attempts, outcome, use),
            )

        self._store.apply(work)

    def uses(self, connector: str, *, before: str = "", limit: int = 100) -> tuple[UseRow, ...]:
        """Uses of a connector, the newest first; `before` is the last id of the page before."""
        clause, parameters = ("AND id < ?", (connector, before, limit)) if before else ("", (connector, limit))
        found = self._store.rows(f"{USES.select} WHERE connector = ? {clause} ORDER BY id DESC LIMIT ?", parameters)
        return tuple(map(USES.row, found))

    def prune_uses(self, *, before: float) -> int:
        """Deletes some of the uses that are older; how many. Call it until it answers 0."""

        def work(session: Session) -> int:
            return session.execute(
                "DELETE FROM connector_uses WHERE id IN"
                " (SELECT id FROM connector_uses WHERE at < ? ORDER BY at LIMIT ?)",
                (before, _PRUNED),
            ).rowcount

        return self._store.apply(work)

    def _read(self, clause: str, *parameters: str) -> tuple[ConnectorRow, ...]:
        return tuple(map(CONNECTORS.row, self._store.rows(f"{CONNECTORS.select} {clause}", parameters)))


class KindsTable:
    """Kinds of connectors that operators added."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, name: str) -> KindRow | None:
        """A kind."""
        found = self._store.rows(f"{KINDS.select} WHERE name = ?", (name,))
        return KINDS.row(found[0]) if found else None

    def version(self, name: str) -> int:
        """The version of a kind; 0: there is none."""
        found = self._store.rows("SELECT version FROM connector_kinds WHERE name = ?", (name,))
        return int(found[0][0]) if found else 0

    def all(self) -> tuple[KindRow, ...]:
        """All kinds by name."""
        return tuple(map(KINDS.row, self._store.rows(f"{KINDS.select} ORDER BY name")))

    def add(self, row: KindRow, *, most: int) -> bool:
        """Adds a kind and returns True if the name was free and there were fewer than `most`."""
        with self._store.write(durable=True, locks=("connectors",)) as session:
            if session.execute("SELECT count(*) FROM connector_kinds").fetchone()[0] >= most:
                return False
            added = session.execute(f"{KINDS.insert} ON CONFLICT (name) DO NOTHING", KINDS.values(row))
            return added.rowcount > 0

    def change(self, row: KindRow, *, moved: bool) -> bool:
        """Keeps the row as the next version; False when that is no longer the newest, or it moved and is used."""
        with self._store.write(durable=True, locks=("connectors",)) as session:
            if moved and _is_used(session, row.name):
                return False
            changed = session.execute(
                "UPDATE connector_kinds SET description = ?, version = version + 1, changed_at = ?"
                " WHERE name = ? AND version = ?",
                (KINDS.values(row)[1], row.changed_at, row.name, row.version),
            )
            return changed.rowcount > 0

    def remove(self, name: str) -> bool | None:
        """True if there was such a kind and it is gone; None: a connector is of it."""
        with self._store.write(durable=True, locks=("connectors",)) as session:
            if _is_used(session, name):
                return None
            return session.execute("DELETE FROM connector_kinds WHERE name = ?", (name,)).rowcount > 0


def _is_used(session: Session, kind: str) -> bool:
    return session.execute("SELECT 1 FROM connectors WHERE kind = ? LIMIT 1", (kind,)).fetchone() is not None


@dataclass(frozen=True, slots=True)
class BudgetOrder:
    """An order for tokens of a bucket. Units: `rate` tokens a second; `burst` most in it; `wanted` most to lease."""

    name: str
    rate: float
    burst: float
    wanted: float


class BudgetRow(Record, frozen=True):
    """A token bucket that hosts share, as it was at a time of the database's clock."""

    name: str
    tokens: float
    at: Time


class VerdictRow(Record, frozen=True):
    """A connector that the breaker of a host leaves alone."""

    connector: str
    host: str
    at: Time


BUDGETS = Table(BudgetRow, "connector_budgets", key="name")
VERDICTS = Table(VerdictRow, "connector_verdicts", key=("connector", "host"))
_NOW: Mapping[Dialect, str] = {
    "sqlite": "(julianday('now') - 2440587.5) * 86400.0",
    "postgresql": "CAST(extract(epoch FROM clock_timestamp()) AS double precision)",
}
"""Seconds since the Unix epoch on one clock for all hosts: theirs differ."""

_IDLE_S = 3600.0
_GONE_S = 86_400.0


class SharedLimits:
    """Rates of connectors and verdicts of their breakers, for all hosts on a database."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._now = _NOW[store.dialect]

    def lease(self, orders: Sequence[BudgetOrder]) -> list[float]:
        """Whole tokens for each order, as many as it wants and are there. Raises: StorageFailed."""

        def work(session: Session) -> list[float]:
            return [self._leased(session, order) for order in orders]

        return self._store.apply(work, locks=[f"budget:{order.name}" for order in orders])

    def _leased(self, session: Session, order: BudgetOrder) -> float:
        asked = f"SELECT {self._now}, (SELECT tokens FROM connector_budgets WHERE name = ?),"
        asked += " (SELECT at FROM connector_budgets WHERE name = ?)"
        now, tokens, at = session.execute(asked, (order.name, order.name)).fetchone()
        if tokens is None:
            tokens, at = order.burst, now
        tokens = min(order.burst, tokens + max(0.0, now - at) * order.rate)
        leased = float(int(min(tokens, order.wanted)))
        session.execute(
            f"{BUDGETS.insert} ON CONFLICT (name) DO UPDATE SET tokens = excluded.tokens, at = excluded.at",
            (order.name, tokens - leased, now),
        )
        return leased

    def prune(self) -> None:
        """Deletes buckets that have been full for long, and verdicts of hosts that are long gone."""

        def work(session: Session) -> None:
            session.execute(f"DELETE FROM connector_budgets WHERE at < {self._now} - ?", (_IDLE_S,))
            session.execute(f"DELETE FROM connector_verdicts WHERE at < {self._now} - ?", (_GONE_S,))

        self._store.apply(work)

    def verdicts(self) -> set[tuple[str, str]]:
        """The connectors that breakers leave alone, each with the host of the breaker."""
        return {(row.connector, row.host) for row in map(VERDICTS.row, self._store.rows(VERDICTS.select))}

    def keep_verdict(self, connector: str, host: str, *, opened: bool) -> None:
        """Keeps or takes back the verdict of a host about a connector."""

        def work(session: Session) -> None:
            session.execute("DELETE FROM connector_verdicts WHERE connector = ? AND host = ?", (connector, host))
            if opened:
                row = f"INSERT INTO connector_verdicts (connector, host, at) VALUES (?, ?, {self._now})"
                session.execute(row, (connector, host))

        self._store.apply(work)


class CallLimit(Record, frozen=True):
    """Limits on the calls of a plugin, on all hosts of the database together: at once, and begun in a second."""

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


class KeyRow(Record, frozen=True):
    """A data key, wrapped. `master` names the master key that wrapped it; a `retired` one seals nothing new."""

    id: str
    wrapped: bytes
    master: str
    retired: bool
    made_at: float


class MasterRow(Record, frozen=True):
    """A master key, wrapped by the service that `keeper` names as the setting `connectors.master_key` does."""

    id: str
    keeper: str
    wrapped: bytes
    made_at: float


class SecretRow(Record, frozen=True):
    """A secret, sealed by the data key `data_key`."""

    name: str
    version: int
    data_key: str
    sealed: bytes
    changed_at: float


KEYS = Table(KeyRow, "vault_keys", key="id")
MASTERS = Table(MasterRow, "vault_masters", key="id")
SECRETS = Table(SecretRow, "secrets", key="name", indexes=(("data_key",),))


class SecretsTable:
    """Writes are on the disk when they return: a credential that is lost cannot be made again."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def data_keys(self) -> tuple[KeyRow, ...]:
        """All data keys, the newest last."""
        return tuple(map(KEYS.row, self._store.rows(f"{KEYS.select} ORDER BY made_at, id")))

    def add_key(self, key: KeyRow, *, retire_others: bool, stored: bool = False) -> bool:
        """Adds a data key; False when the first one is there already, or its master key is no longer.

        Args:
            retire_others: those before it seal nothing new from then on; without it, only the first key is added.
            stored: its master key is in this database.
        """
        with self._store.write(durable=True, locks=("vault",)) as session:
            if stored and not _keeps(session, key.master):
                return False
            if retire_others:
                session.execute("UPDATE vault_keys SET retired = 1")
            elif session.execute("SELECT 1 FROM vault_keys WHERE retired = 0 LIMIT 1").fetchone():
                return False
            session.execute(KEYS.insert, KEYS.values(key))
            return True

    def rewrap(self, keys: Sequence[KeyRow], *, stored: bool = False) -> bool:
        """Keeps all these keys in their new wrapping, or none of them: False when their master key is gone."""
        with self._store.write(durable=True, locks=("vault",)) as session:
            if stored and any(not _keeps(session, master) for master in {key.master for key in keys}):
                return False
            for key in keys:
                session.execute(
                    "UPDATE vault_keys SET wrapped = ?, master = ? WHERE id = ?", (key.wrapped, key.master, key.id)
                )
            return True

    def masters(self, keeper: str) -> tuple[MasterRow, ...]:
        """The master keys that a service wrapped, the newest last."""
        found = self._store.rows(f"{MASTERS.select} WHERE keeper = ? ORDER BY made_at, id", (keeper,))
        return tuple(map(MASTERS.row, found))

    def add_master(self, row: MasterRow, *, most: int) -> bool:
        """Keeps a wrapped master key, unless its service has more than `most` here; whether it did."""
        with self._store.write(durable=True, locks=("vault",)) as session:
            count = session.execute("SELECT count(*) FROM vault_masters WHERE keeper = ?", (row.keeper,)).fetchone()
            if count[0] > most:
                return False
            session.execute(MASTERS.insert, MASTERS.values(row))
            return True

    def drop_masters(self, keeper: str, *, before: str) -> int:
        """Drops master keys that wrap nothing and are older than the one of the id `before`; how many."""
        with self._store.write(durable=True, locks=("vault",)) as session:
            return session.execute(
                "DELETE FROM vault_masters WHERE keeper = ? AND id NOT IN (SELECT master FROM vault_keys)"
                " AND made_at < (SELECT made_at FROM vault_masters WHERE id = ?)",
                (keeper, before),
            ).rowcount

    def clear(self) -> int:
        """Removes every secret and every key; how many secrets there were."""
        with self._store.write(durable=True, locks=("vault",)) as session:
            count = session.execute("DELETE FROM secrets").rowcount
            session.execute("DELETE FROM vault_keys")
            session.execute("DELETE FROM vault_masters")
            return count

    def drop_key(self, key: str) -> bool:
        """Drops a retired key that seals nothing any more; whether it did."""
        with self._store.write(durable=True) as session:
            # The row's lock comes first: whoever seals with the key at this moment is waited for, then counted.
            session.execute("UPDATE vault_keys SET retired = 1 WHERE id = ?", (key,))
            if session.execute("SELECT 1 FROM secrets WHERE data_key = ? LIMIT 1", (key,)).fetchone():
                return False
            return session.execute("DELETE FROM vault_keys WHERE id = ?", (key,)).rowcount > 0

    def get(self, name: str) -> SecretRow | None:
        """A secret."""
        found = self._rows("WHERE name = ?", name)
        return found[0] if found else None

    def versions(self, names: Sequence[str]) -> dict[str, tuple[int, float]]:
        """Version and time of change of those that exist; how a change by another process is noticed."""
        if not names:
            return {}
        marks = ", ".join("?" for _ in names)
        found = self._store.rows(f"SELECT name, version, changed_at FROM secrets WHERE name IN ({marks})", tuple(names))
        return {row[0]: (row[1], row[2]) for row in found}

    def page(self, after: str, limit: int) -> tuple[SecretRow, ...]:
        """Secrets by name, from the one after `after`."""
        return self._rows("WHERE name > ? ORDER BY name LIMIT ?", after, limit)

    def sealed_by(self, key: str, limit: int) -> tuple[SecretRow, ...]:
        """Some of the secrets that a data key seals."""
        return self._rows("WHERE data_key = ? LIMIT ?", key, limit)

    def put(self, row: SecretRow) -> bool:
        """Keeps a secret, if its version is the next and its data key still seals; whether it did."""
        with self._store.write(durable=True) as session:
            if not _locks(session, row.data_key):
                return False
            if row.version == 1:
                added = session.execute(f"{SECRETS.insert} ON CONFLICT (name) DO NOTHING", SECRETS.values(row))
                return added.rowcount > 0
            changed = session.execute(
                "UPDATE secrets SET version = ?, data_key = ?, sealed = ?, changed_at = ?"
                " WHERE name = ? AND version = ?",
                (row.version, row.data_key, row.sealed, row.changed_at, row.name, row.version - 1),
            )
            return changed.rowcount > 0

    def reseal(self, row: SecretRow, *, old_key: str) -> bool:
        """Keeps the same version under another data key; False when it changed meanwhile."""
        with self._store.write(durable=True) as session:
            return _locks(session, row.data_key) and bool(
                session.execute(
                    "UPDATE secrets SET data_key = ?, sealed = ? WHERE name = ? AND version = ? AND data_key = ?",
                    (row.data_key, row.sealed, row.name, row.version, old_key),
                ).rowcount
            )

    def remove(self, name: str) -> bool:
        """Removes a secret and returns True if there was one."""
        with self._store.write(durable=True) as session:
            return session.execute("DELETE FROM secrets WHERE name = ?", (name,)).rowcount > 0

    def _rows(self, clause: str, *parameters: str | int) -> tuple[SecretRow, ...]:
        return tuple(map(SECRETS.row, self._store.rows(f"{SECRETS.select} {clause}", parameters)))


def _keeps(session: Session, master: str) -> bool:
    """True if a wrapped master key is there; under the lock `vault` this holds until the transaction ends."""
    return session.execute("SELECT 1 FROM vault_masters WHERE id = ?", (master,)).fetchone() is not None


def _locks(session: Session, key: str) -> bool:
    """True if the data key may seal; this holds until the transaction ends."""
    return session.execute("UPDATE vault_keys SET retired = 0 WHERE id = ? AND retired = 0", (key,)).rowcount > 0


_PRUNED_DELIVERIES = 500  # rows that one transaction deletes at most
HookRule = Literal[
    "github",
    "gitlab",
    "telegram",
    "discord",
    "standard",
    "stripe",
    "slack",
    "shopify",
    "linear",
    "pagerduty",
    "jira",
    "hmac",
    "token",
]
"""Ways in which services prove that a delivery is theirs, see `omnicore.connectors.webhooks.RULES`."""


class HookFields(Record, frozen=True, kw_only=True):
    """The fields that an order for a webhook and the webhook share."""

    name: str
    rule: HookRule
    connector: str | None = None
    window_s: Annotated[
        float,
        Meta(ge=1, le=86_400, description="How far a delivery's time may be from the host's, in seconds."),
    ] = 300.0


class HookOrder(HookFields, frozen=True, kw_only=True):
    """A webhook to be added."""

    secret: Annotated[str, Meta(description="A value, or a reference to one. It cannot be read back.")]


class HookRow(HookFields, frozen=True, kw_only=True):
    """A webhook. `secret` is a reference, never a value."""

    id: Annotated[str, HIDDEN]
    secret: Annotated[str, HIDDEN]
    added_at: Time

    def to_json(self) -> dict[str, Any]:
        """The webhook and the path to which deliveries go."""
        return {**view(self), "path": f"/hooks/{self.id}"}


class DeliveryRow(Record, frozen=True):
    """A delivery. `state` is "received" until its event was published, then "published"."""

    id: str
    hook: Annotated[str, HIDDEN]
    dedupe: Annotated[str, HIDDEN]
    event: str
    media: str
    state: Literal["received", "published"]
    attempts: int
    received_at: Time
    published_at: Time | None = None
    body: Annotated[bytes, HIDDEN] = b""


HOOKS = Table(HookRow, "webhooks", key="id", unique=(("name",),))
DELIVERIES = Table(
    DeliveryRow,
    "webhook_deliveries",
    key="id",
    indexes=(("hook", "id"), ("state", "id"), ("received_at",)),
    unique=(("hook", "dedupe"),),
)
_HEAD = DELIVERIES.columns.removesuffix(", body")


class WebhooksTable:
    """A delivery is on the disk when `receive` returns: its sender will not send it again."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, hook: HookRow, *, most: int) -> bool:
        """Adds a webhook and returns True if the name was free and there were fewer than `most`."""
        with self._store.write(durable=True, locks=("webhooks",)) as session:
            if session.execute("SELECT count(*) FROM webhooks").fetchone()[0] >= most:
                return False
            added = session.execute(f"{HOOKS.insert} ON CONFLICT (name) DO NOTHING", HOOKS.values(hook))
            return added.rowcount > 0

    def all(self) -> tuple[HookRow, ...]:
        """All webhooks by name."""
        return self._hooks("ORDER BY name")

    def named(self, name: str) -> HookRow | None:
        """The webhook of this name."""
        return next(iter(self._hooks("WHERE name = ?", name)), None)

    def with_id(self, hook: str) -> HookRow | None:
        """The webhook at a path."""
        return next(iter(self._hooks("WHERE id = ?", hook)), None)

    def remove(self, hook: str) -> bool:
        """Removes a webhook with its deliveries and returns True if there was one."""
        with self._store.write(durable=True) as session:
            session.execute("DELETE FROM webhook_deliveries WHERE hook = ?", (hook,))
            return session.execute("DELETE FROM webhooks WHERE id = ?", (hook,)).rowcount > 0

    def receive(self, row: DeliveryRow) -> bool:
        """Keeps a delivery; False when it came before."""
        with self._store.write(durable=True) as session:
            return self.receive_in(row, session)

    @staticmethod
    def receive_in(row: DeliveryRow, session: Session) -> bool:
        """The same, in a transaction of the caller's."""
        added = session.execute(f"{DELIVERIES.insert} ON CONFLICT (hook, dedupe) DO NOTHING", DELIVERIES.values(row))
        return added.rowcount > 0

    def published(self, delivery: str, *, at: float) -> None:
        """Records that the event of a delivery went out."""
        self.all_published([delivery], at=at)

    def all_published(self, deliveries: Sequence[str], *, at: float) -> None:
        """The same for many at once."""

        def work(session: Session) -> None:
            session.executemany(
                "UPDATE webhook_deliveries SET state = 'published', attempts = attempts + 1, published_at = ?"
                " WHERE id = ?",
                [(at, one) for one in deliveries],
            )

        self._store.apply(work)

    def get(self, hook: str, delivery: str) -> DeliveryRow | None:
        """A delivery with its body."""
        return next(iter(self._deliveries("WHERE hook = ? AND id = ?", hook, delivery, body=True)), None)

    def page(self, hook: str, *, before: str = "", limit: int = 100) -> tuple[DeliveryRow, ...]:
        """Deliveries without bodies, the newest first; `before` is the last id of the page before."""
        if before:
            return self._deliveries("WHERE hook = ? AND id < ? ORDER BY id DESC LIMIT ?", hook, before, limit)
        return self._deliveries("WHERE hook = ? ORDER BY id DESC LIMIT ?", hook, limit)

    def unpublished(self, *, before: float, limit: int = 100) -> tuple[DeliveryRow, ...]:
        """Deliveries that were kept before a time and never published, the oldest first."""
        return self._deliveries(
            "WHERE state = 'received' AND received_at < ? ORDER BY id LIMIT ?", before, limit, body=True
        )

    def prune(self, *, before: float) -> int:
        """Deletes some of the deliveries that are older; how many. Call it until it answers 0."""

        def work(session: Session) -> int:
            return session.execute(
                "DELETE FROM webhook_deliveries WHERE id IN"
                " (SELECT id FROM webhook_deliveries WHERE received_at < ? ORDER BY received_at LIMIT ?)",
                (before, _PRUNED_DELIVERIES),
            ).rowcount

        return self._store.apply(work)

    def prune_to(self, hook: str, *, most: int) -> int:
        """Deletes some of the oldest deliveries of a webhook beyond `most`; how many."""

        def work(session: Session) -> int:
            return session.execute(
                "DELETE FROM webhook_deliveries WHERE id IN (SELECT id FROM webhook_deliveries"
                " WHERE hook = ? ORDER BY id DESC LIMIT ? OFFSET ?)",
                (hook, _PRUNED_DELIVERIES, most),
            ).rowcount

        return self._store.apply(work)

    def _hooks(self, clause: str, *parameters: str) -> tuple[HookRow, ...]:
        return tuple(map(HOOKS.row, self._store.rows(f"{HOOKS.select} {clause}", parameters)))

    def _deliveries(self, clause: str, *parameters: str | float, body: bool = False) -> tuple[DeliveryRow, ...]:
        columns = DELIVERIES.columns if body else _HEAD
        found = self._store.rows(f"SELECT {columns} FROM webhook_deliveries {clause}", parameters)
        return tuple(DELIVERIES.row(row if body else (*row, b"")) for row in found)
