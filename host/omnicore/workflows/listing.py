"""Workflows in lists: what is shown of each is kept when it is applied, so that nothing is compiled to list it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from omnicore.errors import InvalidInput
from omnicore.storage.store import Store
from omnicore.storage.tables.workflow_briefs import BriefRow, BriefsTable, LastRun, LineRow
from omnicore.storage.tables.workflow_definitions import DefinitionsTable
from omnicore.storage.tables.workflow_schedules import WorkflowSchedulesTable
from omnicore.workflows.document import compile_graph
from omnicore.workflows.graph import Graph
from omnicore.workflows.ordering import name_of
from omnicore.workflows.triggering.documents import about, triggers_of
from omnicore.workflows.view import Definition, Page, TriggerView

__all__ = ["Listing", "brief_of"]

_NextAt = Mapping[int, float | None]


def brief_of(graph: Graph) -> BriefRow:
    """What lists show of a graph. Raises: InvalidInput: its triggers cannot be read."""
    triggers = [{"kind": one.kind, "about": about(one)} for one in triggers_of(graph)]
    return _brief(graph.document, graph.digest, triggers)


class Listing:
    """It blocks, so it is used on threads.

    Args: at_hand: a graph by its digest, if it is in memory.
    """

    def __init__(self, store: Store, table: DefinitionsTable, at_hand: Callable[[str], Graph | None]) -> None:
        self._table, self._briefs, self._schedules = table, BriefsTable(store), WorkflowSchedulesTable(store)
        self._at_hand = at_hand

    def page(self, limit: int, cursor: str, q: str) -> Page:
        """See `Workflows.page`."""
        rows = self._briefs.page(limit + 1, cursor, q)
        shown = rows[:limit]
        names = [row.workflow for row in shown]
        abouts, runs, ticks = self._abouts(shown), self._briefs.last_runs(names), self._schedules.next_of(names)
        items = [
            _definition(row, abouts[row.workflow], runs.get(row.workflow), ticks.get(row.workflow, {})) for row in shown
        ]
        return Page(items, names[-1] if len(rows) > limit else None)

    def _abouts(self, rows: Sequence[LineRow]) -> dict[str, Mapping[str, Any]]:
        """What is shown of each; what was not kept yet is made and kept."""
        found = {row.workflow: json.loads(row.about) for row in rows if row.about is not None}
        made: list[BriefRow] = []
        for row in rows:
            if row.about is None:
                brief, sound = self._made(row)
                found[row.workflow] = json.loads(brief.about)
                made += [brief] if sound else []
        if made:
            self._briefs.keep(made)
        return found

    def _made(self, row: LineRow) -> tuple[BriefRow, bool]:
        """The brief of a version, and whether it is all there is: one that this host cannot compile has no triggers."""
        document: Mapping[str, Any] = json.loads(self._table.document(row.digest) or "{}")
        try:
            return brief_of(self._at_hand(row.digest) or compile_graph(document)), True
        except InvalidInput:  # kept by another version of the host: others are listed all the same
            space, _, name = row.workflow.rpartition(".")
            head = {"name": name, "namespace": space or "default", **document.get("document", {})}
            return _brief({"document": head}, row.digest, []), False


def _brief(document: Mapping[str, Any], digest: str, triggers: Sequence[Mapping[str, Any]]) -> BriefRow:
    head = document["document"]
    said = {name: str(head.get(name) or "") for name in ("name", "namespace", "title", "summary", "version")}
    workflow = name_of(said["name"], said["namespace"])
    words = f"{workflow} {said['title']}".lower()
    return BriefRow(workflow, digest, words, json.dumps({**said, "triggers": triggers}, ensure_ascii=False))


def _definition(row: LineRow, said: Mapping[str, Any], last: LastRun | None, next_at: _NextAt) -> Definition:
    return Definition(
        row.workflow,
        said["name"],
        said["namespace"],
        said["title"],
        said["summary"],
        said["version"],
        row.number,
        row.digest,
        row.enabled,
        row.changed_at,
        row.changed_by,
        tuple(TriggerView(one["kind"], one["about"], next_at.get(place)) for place, one in enumerate(said["triggers"])),
        last_run=None if last is None else {"id": last.id, "status": last.status, "at": last.created_at},
    )
