"""Marks: what each host of a campaign did, written down at the moment by hooks in its own process.

`begun at host number key`: an action is about to be done; its request carries `host:number`. `failed`: the host's
database let that action down. `entered`, `left host runs`, `gave host run`, `took host run`: what the table of hosts
says, from inside the transaction that says so, so before any other host can know.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

from omnicore.connectors.http import HttpClient
from omnicore.errors import StorageFailed
from omnicore.storage.host_locks import HostLocks
from omnicore.storage.tables import workflow_runs as claims
from omnicore.workflows.language.graph import CallTask
from omnicore.workflows.steps.effects import Effects

__all__ = ["HAND", "Begun", "Marks", "install"]

HAND = "x-hand"
"""The header that says which action of which host a request belongs to."""

_hand: ContextVar[str] = ContextVar("hand", default="")


class _Writer:
    """Writes marks, each in one write, so that a kill leaves whole lines."""

    def __init__(self, folder: Path) -> None:
        self._file = os.open(folder / f"marks-{os.getpid()}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._numbers = count(1)
        self.host = "-"

    def note(self, what: str, *words: str) -> None:
        os.write(self._file, f"{what} {time.time():.6f} {' '.join(words)} .\n".encode())

    def begun(self, key: str) -> str:
        number = next(self._numbers)
        self.note("begun", self.host, str(number), key)
        return f"{self.host}:{number}"


def install(folder: Path, locks: Path) -> None:
    """Hooks into this process. Args: locks: where this machine's hosts show that they live."""
    writer = _Writer(folder)
    _install_table(writer)
    _install_effects(writer)
    init = HostLocks.__init__
    HostLocks.__init__ = lambda self, folder: init(self, locks)  # type: ignore[method-assign]


def _install_table(writer: _Writer) -> None:
    enter, leave, give_back, claim = claims.HOSTS.enter, claims.leave, claims.give_back, claims.claim

    def entered(session: Any, host: str, now: float) -> None:
        enter(session, host, now)
        writer.host = host
        writer.note("entered", host)

    def left(session: Any, host: str, now: float) -> int:
        runs = session.execute("SELECT id FROM workflow_runs WHERE host = ?", (host,)).fetchall()
        found = leave(session, host, now)
        writer.note("left", host, *(str(run) for (run,) in runs))
        return found

    def gave(session: Any, host: str, runs: Any, now: float) -> int:
        found = give_back(session, host, runs, now)
        for run in runs:
            writer.note("gave", host, run)
        return found

    def took(session: Any, host: str, *given: Any, **more: Any) -> Any:
        rows = claim(session, host, *given, **more)
        for row in rows:
            writer.note("took", host, row.id)
        return rows

    claims.HOSTS.enter = entered  # type: ignore[method-assign]
    claims.leave, claims.give_back, claims.claim = left, gave, took


def _install_effects(writer: _Writer) -> None:
    perform, send = Effects.perform, HttpClient.send

    async def performed(self: Effects, action: Any, run: Any) -> Any:
        if not isinstance(action.node, CallTask):
            return await perform(self, action, run)
        hand = writer.begun(action.key)
        _hand.set(hand)
        try:
            return await perform(self, action, run)
        except StorageFailed:
            writer.note("failed", hand)
            raise

    async def sent(self: HttpClient, request: Any, policy: Any) -> Any:
        return await send(self, replace(request, headers={**request.headers, HAND: _hand.get()}), policy)

    Effects.perform, HttpClient.send = performed, sent  # type: ignore[method-assign]


@dataclass(frozen=True, slots=True)
class Begun:
    """An action that a host began."""

    at: float
    host: str
    hand: str


@dataclass
class Marks:
    """The marks of all hosts of a campaign."""

    begun: dict[str, list[Begun]] = field(default_factory=lambda: defaultdict(list))
    """By idempotency key, in the order in which they were begun."""
    failed: set[str] = field(default_factory=set)
    entered: dict[str, float] = field(default_factory=dict)
    left: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    had: dict[str, list[str]] = field(default_factory=dict)
    """The runs that were in a host's hands when it left, or was buried."""
    gave: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    took: dict[str, list[tuple[float, str]]] = field(default_factory=lambda: defaultdict(list))
    """By run: when, and which host."""

    @classmethod
    def read(cls, folder: Path) -> Marks:
        """All of them."""
        marks = cls()
        for file in folder.glob("marks-*.log"):
            for what, at, words in _lines(file):
                marks._add(what, at, words)
        for begun in marks.begun.values():
            begun.sort(key=lambda one: one.at)
        for took in marks.took.values():
            took.sort()
        return marks

    def _add(self, what: str, at: float, words: list[str]) -> None:
        match what, words:
            case "begun", [host, number, key]:
                self.begun[key].append(Begun(at, host, f"{host}:{number}"))
            case "failed", [hand]:
                self.failed.add(hand)
            case "entered", [host]:
                self.entered[host] = at
            case "left", [host, *runs]:
                self.left[host].append(at)
                self.had[host] = runs
            case "gave", [host, run]:
                self.gave[host, run].append(at)
            case "took", [host, run]:
                self.took[run].append((at, host))

    def parted(self, host: str, run: str, after: float, until: float) -> bool:
        """Whether a run left a host's hands in a time: the host was buried, or ended, or gave it back."""
        return any(after < at <= until for at in (*self.left.get(host, ()), *self.gave.get((host, run), ())))


def _lines(file: Path) -> Iterator[tuple[str, float, list[str]]]:
    for line in file.read_text().splitlines():
        what, at, *words = line.split(" ")
        if words and words[-1] == ".":
            yield what, float(at), words[:-1]
