"""Decisions that runs wait for: who may take them, and what they hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from omnicore.errors import Conflict, InvalidInput, NotFound, PermissionDenied
from omnicore.plugins.schemas import Schema, SchemaTooSlowError
from omnicore.storage.store import Store
from omnicore.storage.tables.workflow_runs import RunsTable
from omnicore.storage.tables.workflow_waits import WaitRow, WaitsTable
from omnicore.workflows.view import ApprovalView, Page

__all__ = ["Approvals", "may_decide"]

_ROLES = ("viewer", "operator", "admin")
_FORM_S = 0.5
_MOST = 200


class Approvals:
    """Reads what people are asked. It blocks, so it is used on threads."""

    def __init__(self, store: Store) -> None:
        self._waits, self._runs = WaitsTable(store), RunsTable(store)

    def page(self, role: str, limit: int, cursor: str) -> Page:
        """Those that somebody of a role may decide, of the newest runs first."""
        limit = max(1, min(limit, _MOST))
        found = self._waits.approvals(limit, cursor or None)
        runs = list(dict.fromkeys(one.run for one in found))
        shown = [view for one in found if may_decide(role, (view := self._view(one)).role)]
        return Page(shown, runs[-1] if len(runs) >= limit else None)

    def check(self, run: str, place: str, *, approve: bool, form: Any, role: str) -> WaitRow:
        """What the decision is about, if it may be taken. Raises: NotFound, PermissionDenied, InvalidInput."""
        row = self._waits.get(run, place)
        if row is None or row.kind != "approval":
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


def may_decide(role: str, asked: str) -> bool:
    """Whether somebody of a role may decide what another is asked.

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


def decided_already(run: str, place: str) -> Conflict:
    """Somebody else was first."""
    return Conflict(f"{run} was told its decision at {place} already", remedy="look at the run", run=run)
