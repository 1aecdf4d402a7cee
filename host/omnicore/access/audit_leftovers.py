"""Which process made a change, and whether it still lives."""

from __future__ import annotations

import os
from collections.abc import Callable

from omnicore.storage.tables.audit import Intent

__all__ = ["is_abandoned", "is_alive", "process_name"]

_HOURS_S = 3600.0


def process_name(host: str, pid: int, start: str) -> str:
    """A name that no other process has: machine, number, and what tells it from an earlier one of that number."""
    return f"{host[:80]}:{pid}:{start}"


def is_abandoned(intent: Intent, *, here: str, now: float, alive: Callable[[int], bool]) -> bool:
    """Whether nobody is at a change any more: its process died, or it takes over an hour.

    Args:
        here: the name of this process; of other machines nothing but the time can be told.

    >>> from omnicore.storage.tables.audit_chain import AuditEntry
    >>> one = Intent("a", "web:7:x", 0.0, AuditEntry(0.0, "", "", "", "", ""))
    >>> is_abandoned(one, here="web:8:y", now=1.0, alive=lambda pid: pid != 7)
    True
    >>> is_abandoned(one, here="db:8:y", now=1.0, alive=lambda pid: False)
    False
    """
    if intent.process == here:
        return False
    if now - intent.at > _HOURS_S:
        return True
    host, _, pid = intent.process.rpartition(":")[0].rpartition(":")
    mine, _, number = here.rpartition(":")[0].rpartition(":")
    return host == mine and pid.isdecimal() and (pid == number or not alive(int(pid)))


def is_alive(pid: int) -> bool:
    """Whether this machine has a process of that number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
