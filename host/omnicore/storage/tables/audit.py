"""The audit log: rows in a hash chain, appended and never altered; old rows go behind a checkpoint."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from omnicore.errors import StorageFailed
from omnicore.files import check_own, own_folder
from omnicore.records import Meta, Record, Time, asdict, field, replace, view
from omnicore.storage.store import storage_failed
from omnicore.storage.table import Table
from omnicore.texts import json_writer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from omnicore.storage.store import Session, Store


GENESIS = "0" * 64
"""Stands for the row before the first one."""

_write, _write_sorted = json_writer(), json_writer(sort_keys=True)


def canonical(value: Any) -> str:
    """The one way to write a JSON value: sorted members, no spaces, ASCII. Raises: ValueError: it is no JSON."""
    try:
        return _write_sorted(value)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


class AuditEntry(Record, frozen=True):
    """A change for the audit log. `before` and `after` are canonical JSON."""

    at: Time
    actor: Annotated[str, Meta(description="Who: a user or token, `cli` users, `folder`, or `host`.")]
    via: Annotated[str, Meta(description="session, token, setting, local, cli, folder, host or anonymous.")]
    origin: str
    action: Annotated[str, Meta(description="Name of the operation or the command.")]
    target: Annotated[str, Meta(description="What it was about, such as plugin:text.")]
    before: str | None = None
    after: str | None = None
    outcome: str = "done"

    def ended(self, outcome: str, after: str | None, target: str) -> AuditEntry:
        """The entry with what came of it."""
        return replace(self, outcome=outcome, after=after, target=target)


class AuditRow(AuditEntry, frozen=True, kw_only=True):
    """An entry in its place in the chain."""

    seq: Annotated[int, Meta(description="Counts the rows, without a gap.")]
    origin: Annotated[str, Meta(description="The address, or for commands the machine.")] = field(name="from")
    hash: Annotated[str, Meta(description="SHA-256, in hexadecimal digits.")]

    @classmethod
    def of(cls, entry: AuditEntry, seq: int, digest: str) -> AuditRow:
        """The row of an entry."""
        return cls(**asdict(entry), seq=seq, hash=digest)

    def to_json(self) -> dict[str, Any]:
        """The row as it is shown and exported; its canonical form without `hash` is what was hashed."""
        return {**view(self), "before": _read(self.before), "after": _read(self.after)}


class Anchor(Record, frozen=True):
    """A row that was signed off."""

    seq: int = 0
    hash: str = GENESIS


def hash_of(seq: int, entry: AuditEntry, previous: str) -> str:
    """SHA-256 over the hash of the row before, a line end, and the canonical form of the row.

    The texts of `before` and `after` go in as they are, so that not even a space in them can change.
    """
    members: Mapping[str, str] = {
        "action": _write(entry.action),
        "actor": _write(entry.actor),
        "after": entry.after or "null",
        "at": _write(entry.at),
        "before": entry.before or "null",
        "from": _write(entry.origin),
        "outcome": _write(entry.outcome),
        "seq": str(seq),
        "target": _write(entry.target),
        "via": _write(entry.via),
    }
    text = ",".join(f'"{name}":{value}' for name, value in members.items())
    return hashlib.sha256(f"{previous}\n{{{text}}}".encode()).hexdigest()


def _read(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # somebody altered it: shown as it is, for the chain tells on it
        return text


ROWS = Table(AuditRow, "audit", key="seq", indexes=(("actor", "seq"), ("action", "seq"), ("target", "seq")))
_MOVE = (
    "INSERT INTO audit_anchors (name, seq, hash) VALUES (?, ?, ?)"
    " ON CONFLICT (name) DO UPDATE SET seq = excluded.seq, hash = excluded.hash"
)
_HEAD = (  # locked until the transaction ends
    "INSERT INTO audit_anchors (name, seq, hash) VALUES ('head', 0, ?)"
    " ON CONFLICT (name) DO UPDATE SET seq = audit_anchors.seq RETURNING seq, hash"
)
_LOCKS = ("audit",)
_BY = {"actor": "actor = ? AND", "action": "action = ? AND", "target": "target = ? AND", "": ""}


class Intent(Record, frozen=True):
    """A change that is being made, by a process."""

    id: str
    process: str
    at: Time
    entry: AuditEntry


INTENTS = Table(Intent, "audit_intents", key="id", indexes=(("at",),))


class AuditTable:
    """The chain of all hosts on this database. Whoever adds to it has the row of its head, so it never forks."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def intend(self, intent: Intent) -> None:
        """Keeps that a change is about to be made. Raises: StorageFailed: then it must not be made."""
        self._store.apply(lambda session: session.execute(INTENTS.insert, INTENTS.values(intent)).rowcount)

    def drop(self, intent: str) -> None:
        """Forgets a change that was not made."""
        self._store.apply(lambda session: _gone(session, intent))

    def append(self, entries: Sequence[AuditEntry], *, settles: Sequence[str] = ()) -> list[AuditRow]:
        """Adds rows to the end of the chain; on the disk when it returns. Raises: StorageFailed.

        Args:
            settles: intents that the rows are the outcome of. With one that somebody else settled, or that never
                was, nothing is added.
        """
        with self._store.write(durable=True, locks=_LOCKS) as session:
            if any(not _gone(session, intent) for intent in settles):
                return []
            return chain(session, entries)

    def intents(self, limit: int = 500) -> list[Intent]:
        """The oldest changes that are being made, or never ended."""
        return [INTENTS.row(row) for row in self._store.rows(f"{INTENTS.select} ORDER BY at LIMIT ?", (limit,))]

    def anchor(self, name: str) -> Anchor:
        """The end of the chain (`head`), or the last row that was deleted (`base`)."""
        return _anchor(self._store.rows("SELECT seq, hash FROM audit_anchors WHERE name = ?", (name,)))

    def after(self, seq: int, limit: int) -> list[AuditRow]:
        """Rows after one, oldest first."""
        found = self._store.rows(f"{ROWS.select} WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit))
        return [ROWS.row(one) for one in found]

    def hash_at(self, seq: int) -> str | None:
        """The hash that a row holds."""
        found = self._store.rows("SELECT hash FROM audit WHERE seq = ?", (seq,))
        return str(found[0][0]) if found else None

    def before(self, seq: int | None, limit: int, by: str = "", value: str = "") -> list[AuditRow]:
        """Rows before one, newest first. Args: by: `actor`, `action`, `target` or nothing."""
        found = self._store.rows(
            f"{ROWS.select} WHERE {_BY[by]} seq < ? ORDER BY seq DESC LIMIT ?",
            (*((value,) if by else ()), 2**62 if seq is None else seq, limit),
        )
        return [ROWS.row(one) for one in found]

    def trim(
        self, *, keep: int, slack: int, older_than: float, most: int, checkpoint: Callable[[Anchor, int], AuditEntry]
    ) -> list[AuditRow]:
        """Drops up to `most` of the oldest rows: those beyond the newest `keep`, and those from before a time.

        Args:
            slack: rows beyond `keep` that are not worth a checkpoint, which is a row itself.
            checkpoint: the entry that says up to where rows went and how many, added in the same transaction.

        Returns: the checkpoint's row, or nothing where no row went.
        """
        end = self.anchor("head").seq - keep
        if not any(row.seq <= end - slack or row.at < older_than for row in self.after(self.anchor("base").seq, 1)):
            return []
        with self._store.write(durable=True, locks=_LOCKS) as session:
            gone = _oldest(session, end, older_than, most)
            if not gone:
                return []
            base = Anchor(*gone[-1])
            session.execute("DELETE FROM audit WHERE seq <= ?", (base.seq,))
            session.execute(_MOVE, ("base", base.seq, base.hash))
            return chain(session, [checkpoint(base, len(gone))])


def chain(session: Session, entries: Sequence[AuditEntry]) -> list[AuditRow]:
    """Adds rows to the end of the chain in a transaction of the caller's, as it commits or not.

    Sign their head off (`AuditTrail.signed`) once they are on the disk, and not before.
    """
    head = _anchor(session.execute(_HEAD, (Anchor().hash,)).fetchall())
    rows: list[AuditRow] = []
    for entry in entries:
        seq = head.seq + 1
        head = Anchor(seq, hash_of(seq, entry, head.hash))
        rows.append(AuditRow.of(entry, seq, head.hash))
    session.executemany(ROWS.insert, [ROWS.values(row) for row in rows])
    session.execute(_MOVE, ("head", head.seq, head.hash))
    return rows


def _oldest(session: Session, end: int, older_than: float, most: int) -> list[tuple[int, str]]:
    rows = session.execute("SELECT seq, hash, at FROM audit ORDER BY seq LIMIT ?", (most,)).fetchall()
    gone: list[tuple[int, str]] = []
    for seq, digest, at in rows:
        if seq > end and at >= older_than:
            break
        gone.append((seq, digest))
    return gone


def _gone(session: Session, intent: str) -> int:
    return session.execute("DELETE FROM audit_intents WHERE id = ?", (intent,)).rowcount


def _anchor(found: list[Any]) -> Anchor:
    return Anchor(int(found[0][0]), str(found[0][1])) if found else Anchor()


_FILE = "audit.head"
"""The name of the file in the data folder."""

_SIZE = 160  # less than a sector of a disk, and always as much: no write of it is ever half done


class HeadFile:
    """One row's number and hash. It is written after the row is on the disk, so it is never ahead of the chain."""

    def __init__(self, data: Path) -> None:
        self.path = data / _FILE
        self._mine: Anchor | None = None

    def read(self) -> Anchor | None:
        """The head that was signed last, or None. Raises: StorageFailed: the file is damaged."""
        try:
            return self._parsed(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise storage_failed(error, str(self.path)) from error

    def advance(self, head: Anchor, confirmed: Callable[[Anchor], bool]) -> bool:
        """Signs off a newer row, unless the one that was signed off is not in the chain: that must stay to be seen.

        Args:
            confirmed: whether a row that somebody else signed off is in the chain.

        Returns: whether the file is part of the chain. Raises: StorageFailed.
        """
        with self._held() as handle:
            known = self._parsed(os.pread(handle, _SIZE, 0))
            if known is not None and known != self._mine and not confirmed(known):
                return False
            if known is None or known.seq < head.seq:
                self._write(handle, head)
            return True

    def replace(self, head: Anchor) -> None:
        """Signs off a row whatever was signed off before. Raises: StorageFailed."""
        with self._held() as handle:
            self._write(handle, head)

    def _write(self, handle: int, head: Anchor) -> None:
        text = json.dumps({"seq": head.seq, "hash": head.hash})
        os.pwrite(handle, text.ljust(_SIZE - 1).encode() + b"\n", 0)
        os.ftruncate(handle, _SIZE)
        self._mine = head

    @contextmanager
    def _held(self) -> Iterator[int]:
        """The file, for this process alone."""
        try:
            own_folder(self.path.parent)
            check_own(self.path)
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                yield handle
            finally:
                os.close(handle)
        except OSError as error:
            raise storage_failed(error, str(self.path)) from error

    def _parsed(self, data: bytes) -> Anchor | None:
        if not data:
            return None
        try:
            found = json.loads(data)
            return Anchor(int(found["seq"]), str(found["hash"]))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise StorageFailed(
                f"{self.path} is no signed-off head",
                remedy="look who changed it; `omnicore audit verify --accept` signs off the chain as it is",
                path=str(self.path),
            ) from error
