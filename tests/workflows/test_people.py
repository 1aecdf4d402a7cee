"""Decisions that runs wait for are read in pages, and each sees those that are theirs."""

from __future__ import annotations

import json

import pytest

from omnicore.errors import InvalidInput
from omnicore.storage.store import Store
from omnicore.storage.tables.workflow_triggers import WaitRow, add_waits
from omnicore.workflows import approvals as approvals_module
from omnicore.workflows.approvals import Approvals


def asked(run: str, place: str, role: str = "operator") -> WaitRow:
    return WaitRow(run, place, "approval", data=json.dumps({"title": place, "role": role}))


def all_pages(approvals: Approvals, role: str, limit: int) -> list[list[tuple[str, str]]]:
    pages, cursor = [], ""
    while True:
        page = approvals.page(role, limit, cursor)
        pages.append([(one.run, one.place) for one in page.items])
        if page.next is None:
            return pages
        cursor = page.next


def test_pages_have_their_limit_however_many_one_run_asks(store: Store) -> None:
    waits = [asked(f"run_{n}", f"/do/0/a b{m}é") for n in range(3) for m in range(4)]
    store.apply(lambda session: add_waits(session, waits))
    pages = all_pages(Approvals(store), "operator", 5)
    assert [len(page) for page in pages] == [5, 5, 2]
    assert sorted(one for page in pages for one in page) == sorted((one.run, one.place) for one in waits)
    assert [one[0] for page in pages for one in page] == sorted((one.run for one in waits), reverse=True)
    assert [one.run for one in Approvals(store).page("operator", 9, "", "run_1").items] == ["run_1"] * 4


def test_those_of_others_are_passed_over(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = [asked("run_1", f"/{n}", "operator" if n % 7 == 6 else "admin") for n in range(20)]
    store.apply(lambda session: add_waits(session, waits))
    monkeypatch.setattr(approvals_module, "_MOST", 3)
    approvals = Approvals(store)
    assert all_pages(approvals, "operator", 2) == [[("run_1", "/13"), ("run_1", "/6")]]
    assert [one for page in all_pages(approvals, "admin", 3) for one in page] == sorted(
        (one.run, one.place) for one in waits
    )
    monkeypatch.setattr(approvals_module, "_LOOKS", 1)
    assert [one for page in all_pages(approvals, "operator", 2) for one in page] == [("run_1", "/13"), ("run_1", "/6")]


@pytest.mark.parametrize("cursor", ["run_1", "!!", "cnVu", "/w"])
def test_a_cursor_of_something_else_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(InvalidInput, match="not one of ours"):
        Approvals(store).page("admin", 5, cursor)
