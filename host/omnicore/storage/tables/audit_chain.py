"""The chain of the record: a row's canonical form, and the hash that ties it to the row before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from omnicore.compact import json_writer
from omnicore.quick import quick

__all__ = ["GENESIS", "Anchor", "AuditEntry", "AuditRow", "canonical", "hash_of"]

GENESIS = "0" * 64
"""Stands for the row before the first one."""

_write, _write_sorted = json_writer(), json_writer(sort_keys=True)


def canonical(value: Any) -> str:
    """The one way to write a JSON value: sorted members, no spaces, ASCII. Raises: ValueError: it is no JSON."""
    try:
        return _write_sorted(value)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


@quick
@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A change as it is told to the record: who, by which way, from where, what, to what.

    `before` and `after` are canonical JSON. Units: `at` seconds since the Unix epoch.
    """

    at: float
    actor: str
    via: str
    origin: str
    action: str
    target: str
    before: str | None = None
    after: str | None = None
    outcome: str = "done"

    def ended(self, outcome: str, after: str | None, target: str) -> AuditEntry:
        """The entry with what came of it."""
        return replace(self, outcome=outcome, after=after, target=target)


@quick
@dataclass(frozen=True, slots=True)
class AuditRow:
    """An entry in its place in the chain."""

    seq: int
    entry: AuditEntry
    hash: str

    def to_json(self) -> dict[str, Any]:
        """The row as it is shown and exported; its canonical form without `hash` is what was hashed."""
        entry = self.entry
        return {
            "seq": self.seq,
            "at": entry.at,
            "actor": entry.actor,
            "via": entry.via,
            "from": entry.origin,
            "action": entry.action,
            "target": entry.target,
            "before": _read(entry.before),
            "after": _read(entry.after),
            "outcome": entry.outcome,
            "hash": self.hash,
        }


@dataclass(frozen=True, slots=True)
class Anchor:
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
