"""How much of a run another one keeps that goes on where it failed, or from a place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from tests.workflows.flow.graphs import graphs
from tests.workflows.flow.simulation import START_AT
from tests.workflows.flow.test_against_reference import played

from omnicore.workflows.entries import JournalEntry, Start
from omnicore.workflows.language.graph import ForTask, WorkflowGraph
from omnicore.workflows.progress import KeptRows, Lost, Progress, checked, kept_entries, taken_over

FORK = "/do/0/f/fork/branches"


@dataclass(frozen=True)
class Row:
    seq: int
    place: str
    status: str
    fed: object = "{}"
    kind: str = "call"

    @property
    def path(self) -> str:
        return self.place


def rows(*said: str) -> list[Row]:
    """Each is `place status`; with a `!` at its end it was not fed."""
    parts = [[*one.rstrip("!").split(), one[-1:]] for one in said]
    return [
        Row(number, place, status, None if end == "!" else "{}") for number, (place, status, end) in enumerate(parts, 1)
    ]


def kept(said: tuple[str, ...], place: str | None = None, **more: Any) -> list[int]:
    taken = taken_over(rows(*said), place, **more)
    assert taken is not None
    among = taken.sieve()
    return [row.seq for row in rows(*said) if among(row.seq, row.place, row.fed is not None)]


@pytest.mark.parametrize(
    ("said", "count"),
    [
        (("/do/0/a completed", "/do/1/b faulted"), 1),
        (("/do/0/a completed", "/do/1/b faulted!"), 1),
        (("/do/0/a faulted", "/do/1/b completed", "/do/2/c faulted"), 2),
        (("/do/0/a faulted", "/do/1/b completed", "/do/2/c faulted!"), 2),
        (("/do/0/a completed", "/do/1/b retried", "/do/1/b/retry fired", "/do/1/b retried", "/do/1/b faulted"), 1),
        (("/do/0/t/try/0/a faulted", "/do/0/t retried!", "/do/0/t/retry fired", "/do/0/t/try/0/a faulted"), 0),
        (("/do/0/a retried", "/do/0/a/retry fired", "/do/0/a completed", "/do/1/b faulted"), 3),
        (("/do/0/a retried", "/do/0/ab faulted"), 1),
        (("/do/0/a completed", "/do/1/b completed", "/do/2/c faulted", "/do/1/b/host/compensate/0/u completed"), 1),
        (
            (
                *("/do/0/a completed", "/do/1/b completed", "/do/2/c faulted"),
                *("/do/1/b/host/compensate/0/u completed", "/do/0/a/host/compensate/0/u faulted"),
            ),
            4,
        ),
        # All attempts of the block around what failed, and not once more what the first of them had done.
        (
            (
                *("/do/0/t/try/0/a completed", "/do/0/t/try/1/b faulted", "/do/0/t retried!", "/do/0/t/retry fired"),
                *("/do/0/t/try/0/a completed", "/do/0/t/try/1/b faulted", "/do/0/t faulted!"),
            ),
            1,
        ),
        # What a catch tells, and then raises anew.
        (
            (
                *("/do/0/a completed", "/do/1/t/try/0/b faulted", "/do/1/t/catch/do/0/tell completed"),
                *("/do/1/t/catch/do/1/again faulted!", "/do/1/t faulted!"),
            ),
            1,
        ),
        # A step of a catch that fails itself is tried again, what came before it is not.
        (
            (
                *("/do/0/t/try/0/b faulted", "/do/0/t/catch/do/0/tell completed", "/do/0/t/catch/do/1/mend faulted"),
                "/do/0/t faulted!",
            ),
            2,
        ),
        # Time that is over would be over again.
        (("/do/0/a completed", "/do/1/d/do/0/b completed", "/do/1/d/timeout fired", "/do/1/d faulted!"), 1),
        (("/do/0/a completed", "/timeout fired", "/do/1/b cancelled!"), 1),
    ],
)
def test_what_is_kept_ends_before_the_failure_and_before_what_was_undone(said: tuple[str, ...], count: int) -> None:
    assert kept(said) == list(range(1, count + 1))


SIDES = (
    *(f"{FORK}/0/a retried", f"{FORK}/1/b/do/0/x completed", f"{FORK}/0/a/retry fired"),
    *(f"{FORK}/1/b/do/1/y completed", f"{FORK}/0/a retried", f"{FORK}/0/a/retry fired"),
    *(f"{FORK}/0/a faulted", f"{FORK}/1/b/do/2/z cancelled!", f"{FORK}/1/b cancelled!", "/do/0/f faulted!"),
)


def test_all_attempts_are_there_again_and_other_strands_keep_what_they_did() -> None:
    assert kept(SIDES) == [2, 4]


def test_a_retry_from_a_place_leaves_other_strands_as_they_are() -> None:
    assert kept(SIDES, f"{FORK}/1/b/do/1/y") == [2]
    assert kept(SIDES, f"{FORK}/0/a") == [2, 4]
    assert kept(SIDES, "/do/0/f") == []
    assert taken_over(rows(*SIDES), "/do/9/none") is None


def test_what_waited_for_a_strand_comes_after_it_again() -> None:
    said = (f"{FORK}/0/a completed", f"{FORK}/1/b completed", "/do/0/f completed!", "/do/1/c completed")
    assert kept(said, f"{FORK}/0/a", status="completed") == [2]
    rounds = ("/do/0/e/for/0/do/0/a completed", "/do/0/e/for/1/do/0/a completed", "/do/1/c faulted")
    assert kept(rounds, "/do/0/e/for/0/do/0/a") == []
    assert kept(rounds, "/do/0/e/for/0/do/0/a", parallel=lambda path: path == "/do/0/e") == [2, 3][:1]


def test_what_was_undone_in_a_strand_is_done_again_there_alone() -> None:
    said = (
        *(f"{FORK}/0/a/do/0/book completed", f"{FORK}/1/b completed", f"{FORK}/0/a/do/1/pay faulted"),
        *("/do/0/f faulted!", f"{FORK}/0/a/do/0/book/host/compensate/0/cancel completed"),
    )
    assert kept(said) == [2]


def test_a_cancelled_run_goes_on_from_a_place_as_if_nobody_had_cancelled_it() -> None:
    said = [*rows(f"{FORK}/0/a completed", f"{FORK}/1/b completed"), Row(3, "", "received", kind="cancel")]
    taken = taken_over([*said, Row(4, f"{FORK}/1/c", "cancelled", None)], f"{FORK}/0/a", status="cancelled")
    assert taken == KeptRows(2, (Lost(f"{FORK}/0/a", 1),))


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(graphs(), st.integers(0, 3), st.one_of(st.none(), st.floats(0.01, 15.0)), st.data())
def test_whatever_ran_goes_on_with_what_is_kept(
    drawn: tuple[WorkflowGraph, int], number: int, cancel: float | None, data: st.DataObject
) -> None:
    graph, seed = drawn
    loops = set(_loops(graph.root))
    run = played(graph, seed, {"n": number}, cancel=cancel, break_at=None)
    assert run.outcome is not None
    places = sorted({one.place for one in run.entries if one.place and "/host/compensate/" not in one.path})
    place = data.draw(st.sampled_from([None, *places])) if run.outcome.status == "faulted" or places else None
    if place is None and run.outcome.status != "faulted":
        return

    start = Start("run", {"n": number}, START_AT)
    rows = [_row(one) for one in run.entries]
    found = taken_over(rows, place, status=run.outcome.status, parallel=loops.__contains__)
    assert found is not None
    taken = checked(found, graph, start, lambda: run.entries)
    event("other strands kept" if taken.without else "only the beginning" if found.without else "no strands")
    again = Progress(graph, start)
    again.replay(kept_entries(taken, run.entries))


def _loops(node: Any) -> Iterator[str]:
    """The paths of the loops whose rounds run side by side."""
    if isinstance(node, ForTask) and node.at_once > 1:
        yield node.path
    for part in [node] if is_dataclass(node) else []:
        for one in [getattr(part, field.name) for field in fields(part)]:
            for inner in one if isinstance(one, tuple) else [one]:
                yield from _loops(inner)


def _row(entry: JournalEntry) -> Row:
    return Row(entry.seq, entry.place, entry.status, "{}" if entry.fed else None, entry.kind)
