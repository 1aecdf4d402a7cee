"""A run that is looked at: what it waits for is shown even after it has left memory."""

from __future__ import annotations

from typing import Any

import pytest

from omnicore.cli.output import Output, Shell
from omnicore.cli.run_view import Following, _Lines

RUN = {
    **{
        "id": "run_1",
        "workflow": "rests",
        "number": 1,
        "digest": "d",
        "status": "running",
        "trigger": {},
        "by": "cli:a",
    },
    **{"created_at": 1.0, "started_at": 1.0, "ended_at": None, "due_at": None, "priority": 5, "input": None},
    **{"output": None, "fault": None, "parent": None, "forked_from": None, "steps": 1, "hash": "h", "trial": False},
}
TIMER = {"place": "/do/1/long", "kind": "timer", "name": "long", "attempt": 1, "due_at": 9.0}


class Host:
    """Answers as the operations of runs do."""

    def __init__(self) -> None:
        self.status, self.open = "running", [TIMER]

    def get(self, *path: Any, **_query: Any) -> Any:
        if path[-1] == "steps":
            return {"items": [], "next": None}
        return {"items": self.open} if path[-1] == "open" else {**RUN, "status": self.status}


def test_what_a_step_waits_for_is_news_and_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    host = Host()
    script = {"place": "/do/0/sum", "kind": "script", "name": "sum", "attempt": 1, "due_at": None, "waits_for": ""}
    host.open = [script]
    looks, lines = Following(host, "run_1"), _Lines(Output(Shell()))  # type: ignore[arg-type]
    lines.show(looks.next(0.0))
    host.open = [{**script, "waits_for": "the engine of Python scripts is being compiled"}]
    for _ in range(2):
        lines.show(looks.next(0.0))
    told = capsys.readouterr()
    line = "  waiting    /do/0/sum  waits: the engine of Python scripts is being compiled\n"
    assert (told.out + told.err).count(line) == 1


def test_a_parked_run_still_has_the_place_where_it_waits() -> None:
    host = Host()
    looks = Following(host, "run_1")  # type: ignore[arg-type]
    before = looks.look()
    host.status, host.open = "waiting", []  # it has left memory
    after = looks.look()
    assert [(one.place, one.kind) for one in after.open] == [("/do/1/long", "timer")]
    assert after.open == before.open
    host.status = "cancelled"
    last = looks.look()
    assert (last.over, list(last.open)) == (True, [])
