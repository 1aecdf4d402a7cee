"""What duties work with: functions handed down, so that lanes know no other room's inside."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omnicore.storage.tables.intelligences import SkillRow

__all__ = ["Chores", "PluginFacts", "Worker"]


@dataclass(frozen=True, slots=True)
class Worker:
    """Somebody who can be given a task: an intelligence, what it is for, and whether it can begin now."""

    id: str
    name: str
    capabilities: frozenset[str]
    ready: bool


@dataclass(frozen=True, slots=True)
class PluginFacts:
    """What an audit looks at. `calls` are those that were counted; `newest` says that its newest version serves."""

    name: str
    state: str
    asked: frozenset[str]
    granted: Mapping[str, Mapping[str, Any]]
    newest: bool
    calls: int


@dataclass(frozen=True, slots=True)
class Chores:
    """Each function does one thing for a duty; None is a part that this host does not have.

    Args:
        probe: probes every part now and returns the state of each by name.
        drain: lets what waits to be tried again be tried; how many there were, by kind.
        consolidate: moves memories on, derives knowledge and lets go of what is over; counts of each.
        learn: takes in how functions did since the last time, and returns that.
        limit_s: how long a call of a function may take; 0 where that is not known.
        staff: who can be given tasks.
        measure: what the host can say of itself in numbers.
        remember: keeps a text as a Strategic memory of the host, with its importance.
        survey: every plugin.
        versions: what the host is made of, such as the schema's step.
        export: writes all that the host keeps into a folder; what it wrote, in counts.
        archives: the folder of archives.
    """

    probe: Callable[[], Awaitable[Mapping[str, str]]] | None = None
    drain: Callable[[], Awaitable[Mapping[str, int]]] | None = None
    consolidate: Callable[[], Awaitable[Mapping[str, int]]] | None = None
    learn: Callable[[], Sequence[SkillRow]] | None = None
    limit_s: Callable[[str], float] | None = None
    staff: Callable[[], Sequence[Worker]] | None = None
    measure: Callable[[], Mapping[str, float]] | None = None
    remember: Callable[[str, float], Awaitable[str]] | None = None
    survey: Callable[[], Sequence[PluginFacts]] | None = None
    versions: Callable[[], Mapping[str, str]] = field(default=dict)
    export: Callable[[Path], Mapping[str, int]] | None = None
    archives: Path | None = None
