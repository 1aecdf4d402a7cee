"""Tasks are matched to those who can do them, the same way every time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from omnicore.loops.duties import Worker, assign

RESEARCHER = Worker("int_1", "Researcher", frozenset({"research"}), ready=True)
EXECUTOR = Worker("int_2", "Executor", frozenset({"execution"}), ready=False)
BOTH = Worker("int_3", "Both", frozenset({"research", "execution"}), ready=True)


def _who(tasks: object, *workers: Worker) -> list[tuple[str, str]]:
    return [(one["task"], one["name"]) for one in assign(tasks, workers)["assignments"]]


def test_each_task_goes_to_somebody_who_has_what_it_needs() -> None:
    tasks = [{"id": "t1", "needs": "research"}, {"id": "t2", "needs": ["execution"]}]
    assert _who(tasks, RESEARCHER, EXECUTOR) == [("t1", "Researcher"), ("t2", "Executor")]


def test_those_who_can_begin_now_come_first_then_those_with_fewer_other_abilities() -> None:
    assert _who([{"id": "t", "needs": "execution"}], EXECUTOR, BOTH) == [("t", "Both")]
    assert _who([{"id": "t", "needs": "research"}], BOTH, RESEARCHER) == [("t", "Researcher")]
    assert _who([{"id": "t", "needs": ["research", "execution"]}], RESEARCHER, EXECUTOR, BOTH) == [("t", "Both")]


def test_work_is_spread_over_equals() -> None:
    twin = Worker("int_0", "Another", frozenset({"research"}), ready=True)
    names = [name for _, name in _who([{"id": str(n), "needs": "research"} for n in range(4)], RESEARCHER, twin)]
    assert sorted(names) == ["Another", "Another", "Researcher", "Researcher"]


def test_a_task_nobody_can_do_says_what_is_missing() -> None:
    plan = assign([{"id": "t", "needs": ["research", "flying"]}, {"id": "u", "needs": []}, 7], [RESEARCHER])
    assert plan["unmatched"][0] == {"task": "t", "needs": ["flying", "research"], "reason": "nobody has flying"}
    assert [one["task"] for one in plan["assignments"]] == ["u"]
    assert plan["unmatched"][1]["task"] == "2"


def test_nothing_to_do_is_no_plan() -> None:
    for tasks in (None, {}, "text", []):
        assert assign(tasks, [RESEARCHER]) == {"assignments": [], "unmatched": [], "left_out": 0}


def test_no_more_than_a_thousand_tasks_are_planned() -> None:
    plan = assign([{"needs": "research"}] * 1005, [RESEARCHER])
    assert (len(plan["assignments"]), plan["left_out"]) == (1000, 5)


_words = some.sampled_from(["a", "b", "c", "d"])
_workers = some.lists(
    some.builds(Worker, some.uuids().map(str), some.text(max_size=3), some.frozensets(_words), ready=some.booleans()),
    max_size=5,
)


@given(some.lists(some.fixed_dictionaries({"id": some.text(max_size=3), "needs": some.lists(_words)})), _workers)
def test_every_task_is_assigned_to_somebody_able_or_unmatched_whatever_the_order(
    tasks: list[dict[str, object]], workers: list[Worker]
) -> None:
    plan = assign(tasks, workers)
    able = {one.id: one.capabilities for one in workers}
    assert len(plan["assignments"]) + len(plan["unmatched"]) == len(tasks)
    assert all(set(one["needs"]) <= able[one["intelligence"]] for one in plan["assignments"])
    assert plan == assign(tasks, workers[::-1])
