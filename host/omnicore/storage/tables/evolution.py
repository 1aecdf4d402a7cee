"""Searches for better architectures on disk, and their candidates."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeAlias

from omnicore.records import HIDDEN, Json, Meta, Record, Time, replace
from omnicore.storage.store import Session, Store
from omnicore.storage.table import Table

EvolutionState: TypeAlias = Literal["running", "done", "stopped"]
CandidateState: TypeAlias = Literal["judged", "dropped", "dead"]
EditKind: TypeAlias = Literal["retry", "catch", "skip", "swap", "drop", "merge", "cache"]


class Edit(Record, frozen=True):
    """A change of the graph, made after the knobs are set. `at` points to an item of a list of tasks."""

    kind: EditKind
    at: str


class Genes(Record, frozen=True):
    """The difference of a candidate from the workflow: values of knobs, and edits in their order."""

    values: Mapping[str, Any]
    edits: Sequence[Edit] = ()


class Evolution(Record, frozen=True):
    """A search. Candidates count from 0, which is the workflow as it was given."""

    id: str
    workflow: str
    task: Annotated[Json, HIDDEN]
    document: Annotated[Json, HIDDEN]
    state: EvolutionState
    reason: Annotated[str, Meta(description="Why it ended, or what its result lacks.")]
    who: str
    wanted: Annotated[int, Meta(description="How many candidates the search makes at most.")]
    count: Annotated[int, Meta(description="Candidates so far.")]
    best: Annotated[int | None, Meta(description="The candidate that may be promoted.")]
    gain: Annotated[float | None, Meta(description="Of the best over the seed, on the cases held out.")]
    least_gain: Annotated[float | None, Meta(description="The gain is above this with 97.5 % confidence.")]
    promoted: Annotated[int | None, Meta(description="The candidate that became a version of the workflow.")]
    before: Annotated[int | None, Meta(description="The version of the workflow before that.")]
    created_at: Time
    ended_at: Time | None
    carrier: Annotated[str, HIDDEN]
    carried_until: Annotated[float, HIDDEN]
    version: Annotated[int | None, Meta(description="The version that the promoted candidate is.")] = None
    share: Annotated[
        int | None, Meta(description="Per cent of the runs that it gets while it is tried; null: it is not tried.")
    ] = None
    runs: Annotated[int | None, Meta(description="Of its runs that must have ended before it serves all.")] = None
    promoted_at: Time | None = None


class EvolutionCandidate(Record, frozen=True):
    """A candidate of a search, as it was judged. Units: `cost` rows of the journal, `seconds` of all its runs."""

    evolution: str
    number: int
    parent: Annotated[int, Meta(description="-1 for the first.")]
    proposer: str
    genes: Genes
    state: Annotated[
        CandidateState,
        Meta(description="dropped: after a part of the cases; dead: before any, it was refused or does not compile."),
    ]
    reason: str
    quality: Annotated[float, Meta(description="The part of the cases for training that it gets right.")]
    fitness: Annotated[float, Meta(description="The mean score of these, with what is nearly right.")]
    cost: float
    seconds: float
    scores: Annotated[Sequence[float], Meta(description="Of the cases for training, in their order.")]
    held: Annotated[Sequence[float] | None, Meta(description="Of the cases held out, for those that came so far.")]
    tokens: Annotated[int, Meta(description="Of the model that proposed it; 0: none did.")] = 0


EVOLUTIONS = Table(Evolution, "evolutions", key="id", indexes=(("state", "id"),))
CANDIDATES = Table(EvolutionCandidate, "evolution_candidates", key=("evolution", "number"))
_PAGE = 500
_MOST_RUNS = 100_000


class EvolutionTable:
    """Rows of searches and candidates. All block. Raises: StorageFailed."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(self, one: Evolution) -> None:
        """Keeps a new search; on the disk when it returns."""
        with self._store.write(durable=True) as session:
            session.execute(EVOLUTIONS.insert, EVOLUTIONS.values(one))

    def running(self) -> int:
        """The number of searches under way."""
        return int(self._store.rows("SELECT count(*) FROM evolutions WHERE state = 'running'")[0][0])

    def get(self, id_: str) -> Evolution | None:
        """One search."""
        found = self._store.rows(f"{EVOLUTIONS.select} WHERE id = ?", (id_,))
        return EVOLUTIONS.row(found[0]) if found else None

    def page(self, *, before: str, limit: int) -> list[Evolution]:
        """Searches, the newest first."""
        clause, values = ("WHERE id < ?", (before, limit)) if before else ("", (limit,))
        rows = self._store.rows(f"{EVOLUTIONS.select} {clause} ORDER BY id DESC LIMIT ?", values)
        return [EVOLUTIONS.row(row) for row in rows]

    def claim(self, host: str, now: float, until: float) -> Evolution | None:
        """The oldest search under way that no other host carries on, now this host's; None: there is none."""
        rows = self._store.rows(
            f"{EVOLUTIONS.select} WHERE state = 'running' AND (carrier = ? OR carried_until < ?) ORDER BY id LIMIT 1",
            (host, now),
        )
        found = EVOLUTIONS.row(rows[0]) if rows else None
        if found is None:
            return None

        def work(session: Session) -> bool:
            done = session.execute(
                "UPDATE evolutions SET carrier = ?, carried_until = ?"
                " WHERE id = ? AND state = 'running' AND carrier = ? AND carried_until = ?",
                (host, until, found.id, found.carrier, found.carried_until),
            )
            return done.rowcount > 0

        return replace(found, carrier=host, carried_until=until) if self._store.apply(work) else None

    def add(self, one: EvolutionCandidate, host: str, until: float) -> bool:
        """Keeps a candidate and renews the lease; False, and nothing is kept, when another host has the search."""

        def work(session: Session) -> bool:
            done = session.execute(
                "UPDATE evolutions SET count = ?, carried_until = ? WHERE id = ? AND carrier = ? AND state = 'running'",
                (one.number + 1, until, one.evolution, host),
            )
            if done.rowcount:
                session.execute(f"{CANDIDATES.insert} ON CONFLICT DO NOTHING", CANDIDATES.values(one))
            return done.rowcount > 0

        return self._store.apply(work)

    def hold(self, id_: str, number: int, held: Sequence[float]) -> None:
        """Keeps the scores of a candidate on the cases held out."""
        text = json.dumps(list(held))
        self._store.apply(
            lambda session: session.execute(
                "UPDATE evolution_candidates SET held = ? WHERE evolution = ? AND number = ?", (text, id_, number)
            )
        )

    def end(self, one: Evolution) -> bool:
        """Ends a search that is under way with what it found; False when it has ended already."""

        def work(session: Session) -> bool:
            done = session.execute(
                "UPDATE evolutions SET state = ?, reason = ?, best = ?, gain = ?, least_gain = ?, ended_at = ?"
                " WHERE id = ? AND state = 'running'",
                (one.state, one.reason, one.best, one.gain, one.least_gain, one.ended_at, one.id),
            )
            return done.rowcount > 0

        return self._store.apply(work)

    def promote(self, one: Evolution) -> None:
        """Keeps what was promoted, or that it was taken back, and the share that it gets. On the disk."""
        with self._store.write(durable=True) as session:
            session.execute(
                "UPDATE evolutions SET promoted = ?, before = ?, version = ?, share = ?, runs = ?, promoted_at = ?,"
                " reason = ? WHERE id = ?",
                (one.promoted, one.before, one.version, one.share, one.runs, one.promoted_at, one.reason, one.id),
            )

    def settle(self, one: Evolution, reason: str) -> bool:
        """Ends the trial of a candidate, which stays promoted; False when another host or a person was quicker."""

        def work(session: Session) -> bool:
            done = session.execute(
                "UPDATE evolutions SET share = NULL, runs = NULL, reason = ? WHERE id = ? AND share IS NOT NULL"
                " AND version = ?",
                (reason, one.id, one.version),
            )
            return done.rowcount > 0

        return self._store.apply(work)

    def canaries(self) -> list[Evolution]:
        """Searches whose candidate is tried on a share of the runs."""
        rows = self._store.rows(f"{EVOLUTIONS.select} WHERE share IS NOT NULL ORDER BY id LIMIT {_PAGE}")
        return [EVOLUTIONS.row(row) for row in rows]

    def ended_runs(self, one: Evolution) -> dict[tuple[int, str], int]:
        """Numbers of runs since the promotion by version and status, of the candidate's version and the one before."""
        rows = self._store.rows(
            "SELECT number, status, count(*) FROM (SELECT number, status FROM workflow_runs WHERE workflow = ?"
            " AND status IN ('completed', 'faulted') AND ended_at >= ? AND trial = 0 AND number IN (?, ?) LIMIT ?)"
            " AS found GROUP BY number, status",
            (one.workflow, one.promoted_at, one.version, one.before, _MOST_RUNS),
        )
        return {(int(number), str(status)): int(count) for number, status, count in rows}

    def candidates(self, id_: str, *, after: int = -1, limit: int = _PAGE) -> list[EvolutionCandidate]:
        """Candidates of a search in their order."""
        rows = self._store.rows(
            f"{CANDIDATES.select} WHERE evolution = ? AND number > ? ORDER BY number LIMIT ?", (id_, after, limit)
        )
        return [CANDIDATES.row(row) for row in rows]

    def all_candidates(self, id_: str) -> Iterator[EvolutionCandidate]:
        """All candidates of a search, a page at a time."""
        after = -1
        while page := self.candidates(id_, after=after):
            yield from page
            after = page[-1].number

    def candidate(self, id_: str, number: int) -> EvolutionCandidate | None:
        """One candidate."""
        found = self.candidates(id_, after=number - 1, limit=1)
        return found[0] if found and found[0].number == number else None
