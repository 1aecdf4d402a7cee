"""Approvals: decisions that runs wait for, who may take them, and the form they fill in."""

from __future__ import annotations

import json
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from omnicore.errors import Conflict, InvalidInput, NotFound, PermissionDenied
from omnicore.plugins.schemas import Schema, SchemaTooSlowError
from omnicore.storage.tables.workflow_runs import RunsTable, StepsTable
from omnicore.storage.tables.workflow_triggers import WaitRow, WaitsTable
from omnicore.workflows.journal_queries import JournalReader
from omnicore.workflows.view import ApprovalView, Page

if TYPE_CHECKING:
    from omnicore.storage.store import Store


_ROLES = ("viewer", "operator", "admin")
_FORM_S = 0.5
_MOST = 500
_LOOKS = 10


class Approvals:
    """Reads what people are asked. It blocks, so it is used on threads."""

    def __init__(self, store: Store) -> None:
        self._waits, self._runs, self._steps = WaitsTable(store), RunsTable(store), StepsTable(store)
        self._reading = JournalReader(store)

    def page(self, role: str, limit: int, cursor: str, run: str | None = None) -> Page:
        """Those that somebody of a role may decide, of the newest runs first, or of one run.

        Those of others are passed over; where they are very many, a page may be shorter than it might.
        Raises: InvalidInput: the cursor.
        """
        limit = max(1, min(limit, _MOST))
        after, found = _after(cursor), list[ApprovalView]()
        for _ in range(_LOOKS):
            rows = self._waits.approvals(_MOST + 1, after, run)
            for row in rows[:_MOST]:
                view = self._view(row) if may_decide(role, _role(row)) else None
                if view is not None and len(found) == limit:
                    return Page(found, _cursor(found[-1]))
                found += [] if view is None else [view]
            if len(rows) <= _MOST:
                return Page(found)
            after = rows[_MOST - 1].run, rows[_MOST - 1].place
        return Page(found, _cursor(rows[_MOST - 1]))

    def check(self, run: str, place: str, *, approve: bool, form: Any, role: str) -> WaitRow:
        """The subject of the decision, if it may be taken.

        Raises: NotFound. PermissionDenied. InvalidInput: the form. Conflict: it was taken, and by whom.
        """
        row = self._waits.get(run, place)
        if row is None or row.kind != "approval":
            if (decision := self._steps.decision(run, place)) is not None:
                raise decided_already(run, place, self._reading.value(decision))
            raise NotFound(
                f"{run[:200]} asks for nothing at {place[:200]!r}", remedy="look at what it waits for", run=run
            )
        view = self._view(row)
        if not may_decide(role, view.role):
            raise PermissionDenied(
                f"this decision is for {view.role}", remedy=f"ask somebody who is {view.role}", resource=place
            )
        if approve and view.form:
            _check_form(view.form, form)
        return row

    def _view(self, row: WaitRow) -> ApprovalView:
        shown: Mapping[str, Any] = json.loads(row.data)
        run = self._runs.get(row.run)
        return ApprovalView(
            row.run,
            row.place,
            "" if run is None else run.workflow,
            str(shown.get("title", "")),
            str(shown.get("text", "")),
            shown.get("form") or {},
            str(shown.get("role", "operator")),
            row.due_at,
            row.at,
        )


def _role(row: WaitRow) -> str:
    return str(json.loads(row.data).get("role", "operator"))


def _cursor(last: ApprovalView | WaitRow) -> str:
    """The cursor of the next page; places hold names of tasks, and so any character."""
    return urlsafe_b64encode(f"{last.run} {last.place}".encode()).decode().rstrip("=")


def _after(cursor: str) -> tuple[str, str] | None:
    if not cursor:
        return None
    try:
        run, space, place = (
            b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode().partition(" ")
        )
    except ValueError:
        run, space, place = "", "", ""
    if not space or "\0" in run + place:
        raise InvalidInput("the cursor is not one of ours", remedy="pass `next` of the page before", path="cursor")
    return run, place


def may_decide(role: str, asked: str) -> bool:
    """True if somebody of a role may take a decision that was asked of another role.

    >>> may_decide("admin", "operator"), may_decide("operator", "admin"), may_decide("operator", "legal")
    (True, False, False)
    """
    if role in ("admin", asked):
        return True
    return role in _ROLES and asked in _ROLES and _ROLES.index(role) >= _ROLES.index(asked)


def _check_form(form: Mapping[str, Any], given: Any) -> None:
    try:
        problem = Schema(form).problem(given, timeout_s=_FORM_S)
    except SchemaTooSlowError as error:
        raise InvalidInput("the form takes too long to check", remedy="simplify the form's schema") from error
    if problem:
        raise InvalidInput(f"the form is not as asked: {problem}", remedy="correct it", path="form")


def decided_already(run: str, place: str, decision: Any = None) -> Conflict:
    """Somebody else was first. `decision`: what is recorded of it, where that is known."""
    said = decision if isinstance(decision, Mapping) else {}
    by = f" by {said['by']}" if said.get("by") else ""
    what = f" ({'approved' if said.get('approved') else 'rejected'})" if said else ""
    return Conflict(
        f"{run} was told its decision at {place} already{by}{what}", remedy="look at the run", run=run, place=place
    )
