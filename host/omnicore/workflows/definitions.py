"""Definitions: kept with all their versions, compiled, switched and compared."""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from omnicore.clock import Clock
from omnicore.config.sections.workflows import WorkflowSettings
from omnicore.errors import CapacityReached, Conflict, InvalidInput, NotFound
from omnicore.storage.store import Session, Store
from omnicore.storage.tables.workflow_briefs import keep_brief
from omnicore.storage.tables.workflow_definitions import Also, DefinitionRow, DefinitionsTable, VersionRow
from omnicore.storage.tables.workflow_runs import RunsTable
from omnicore.workflows.document import compile_graph
from omnicore.workflows.forms import compiled, look
from omnicore.workflows.graph import Graph, Host
from omnicore.workflows.graphs import Graphs
from omnicore.workflows.knowing import Known
from omnicore.workflows.listing import Listing, brief_of
from omnicore.workflows.ordering import name_of
from omnicore.workflows.triggering.documents import about, triggers_of
from omnicore.workflows.view import Definition, Page, TriggerView, VersionView

__all__ = ["Definitions", "Present", "Triggering"]

_MOST_PRESENT = 1000


class Triggering(Protocol):
    """Who follows changes of definitions; see `omnicore.workflows.triggers.Triggers`."""

    def changes(self, workflow: str, graph: Graph | None) -> Callable[[Session], None]: ...

    def changed(self, workflow: str) -> None: ...

    def next_at(self, workflow: str) -> Mapping[int, float | None]: ...

    def dispatch(self) -> None: ...

    async def publish_all(self, events: Sequence[Mapping[str, Any]]) -> int: ...


@dataclass(frozen=True, slots=True)
class Present:
    """The version of a workflow that runs begin with."""

    workflow: str
    number: int
    enabled: bool
    graph: Graph


class Definitions:
    """Belongs to one event loop; the database and the compiler are used on threads."""

    def __init__(self, store: Store, settings: WorkflowSettings, clock: Clock) -> None:
        self.table = DefinitionsTable(store)
        self._runs = RunsTable(store)
        self._settings, self._clock = settings, clock
        self.graphs = Graphs(self.table.document, settings.graphs)
        self._listing = Listing(store, self.table, self.graphs.at_hand)
        self._present: OrderedDict[str, Present] = OrderedDict()
        self.triggers: Triggering | None = None
        self.remembers = False
        """Whether present versions are kept in memory; only while somebody calls `forget` when others have written."""

    def forget(self) -> None:
        """Looks at the database again: another process may have changed a definition."""
        self._present.clear()

    async def present(self, workflow: str) -> Present:
        """The version that runs begin with. Raises: NotFound."""
        found = self._present.get(workflow)
        if found is not None:
            return found
        row = await asyncio.to_thread(self.table.get, workflow)
        if row is None:
            raise _missing(workflow)
        found = Present(workflow, row.number, row.enabled, await self.graphs.get(row.digest))
        if self.remembers:
            self._present[workflow] = found
            while len(self._present) > _MOST_PRESENT:
                self._present.popitem(last=False)
        return found

    async def numbered(self, workflow: str, number: int) -> Present:
        """An earlier version. Raises: NotFound."""
        row = await self._version(workflow, number)
        return Present(workflow, row.number, True, await self.graphs.get(row.digest))

    async def apply(
        self,
        given: str | Mapping[str, Any],
        *,
        by: str,
        new: bool | None,
        digest: str | None,
        workflow: str | None = None,
    ) -> Definition:
        """See `Workflows.apply`."""
        graph, text = await self._compiled(given)
        named = name_of(graph.name, graph.namespace)
        if workflow not in (None, named):
            raise InvalidInput(
                f"the definition is of {named!r}, not of {workflow!r}",
                remedy="send it to its own place, or correct its name",
                path="/document/name",
            )
        workflow = named
        await asyncio.to_thread(self._check_room, workflow)
        row = await asyncio.to_thread(
            self.table.put,
            workflow,
            digest=graph.digest,
            text=text,
            document=json.dumps(graph.document, ensure_ascii=False, separators=(",", ":")),
            by=by,
            now=self._clock.now(),
            expected=digest,
            new=new,
            also=self._applying(workflow, graph),
        )
        if row is None:
            raise _refused(workflow, new)
        self._changed(workflow)
        return self._definition(row, graph)

    async def compile(self, given: str | Mapping[str, Any]) -> Graph:
        """The graph of a text. Raises: WorkflowInvalid. InvalidInput: it is too large."""
        return (await self._compiled(given))[0]

    def has(self, workflow: str) -> bool:
        """Whether there is one of this name; blocking."""
        return self.table.get(workflow) is not None

    def problems(
        self, given: str | Mapping[str, Any], known: Known | None = None
    ) -> tuple[Sequence[Any], Mapping[str, Any] | None]:
        """See `Workflows.validate`; it blocks. Raises: InvalidInput: it is too large."""
        text = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False, indent=2)
        self._check_size(text)
        found = look(text, known)
        return found.problems, found.document

    async def page(self, *, limit: int, cursor: str, q: str) -> Page:
        """See `Workflows.page`."""
        return await asyncio.to_thread(self._listing.page, limit, cursor, q)

    async def get(self, workflow: str, number: int | None) -> Definition:
        """See `Workflows.get`."""
        row = await asyncio.to_thread(self.table.get, workflow)
        if row is None:
            raise _missing(workflow)
        if number is None or number == row.number:
            return self._definition(row, await self.graphs.get(row.digest))
        version = await self._version(workflow, number)
        graph = await self.graphs.get(version.digest)
        older = DefinitionRow(
            workflow,
            version.number,
            version.digest,
            row.enabled,
            version.text,
            json.dumps(graph.document),
            row.created_by,
            row.created_at,
            version.created_at,
            version.created_by,
        )
        return self._definition(older, graph)

    async def versions(self, workflow: str) -> Sequence[VersionView]:
        """See `Workflows.versions`."""
        rows = await asyncio.to_thread(self.table.versions, workflow)
        if not rows:
            raise _missing(workflow)
        return [VersionView(one.workflow, one.number, one.digest, one.created_at, one.created_by) for one in rows]

    async def remove(self, workflow: str) -> None:
        """See `Workflows.remove`."""
        if not await asyncio.to_thread(self.table.remove, workflow):
            raise _missing(workflow)
        self._changed(workflow)

    async def switch(self, workflow: str, *, on: bool) -> Definition:
        """See `Workflows.switch`."""
        graph = (await self.present(workflow)).graph
        also = self._also(workflow, graph if on else None)
        if not await asyncio.to_thread(lambda: self.table.switch(workflow, on=on, now=self._clock.now(), also=also)):
            raise _missing(workflow)
        self._changed(workflow)
        return await self.get(workflow, None)

    def retained(self, after: str) -> list[tuple[str, float, float, int]]:
        """Workflows after a name with how long their ended runs are kept, a page of them; blocking.

        Those that were removed are among them for as long as they have runs.
        """
        found = []
        for workflow in self._runs.ended_workflows(100, after):
            host = self._host_of(workflow)
            keep_s = _first(host.keep_s, self._settings.keep_s)
            failed_s = _first(host.keep_failed_s, self._settings.keep_failed_s)
            found.append((workflow, keep_s, failed_s, int(_first(host.keep_most, self._settings.keep_most))))
        return found

    def _host_of(self, workflow: str) -> Host:
        """What the present version says of its runs; nothing, where there is none that can be read."""
        row = self.table.get(workflow)
        graph = None if row is None else self.graphs.at_hand(row.digest)
        if graph is None and row is not None and '"keep"' in row.document:
            try:
                graph = compile_graph(json.loads(row.document))
            except InvalidInput:  # kept by another version of the host: others must not wait for it
                return Host()
        return Host() if graph is None else graph.host

    # -- inner parts

    async def _compiled(self, given: str | Mapping[str, Any]) -> tuple[Graph, str]:
        if isinstance(given, str):
            self._check_size(given)
        graph, text = await asyncio.to_thread(compiled, given)
        self.graphs.add(graph)
        return graph, text

    def _check_size(self, text: str) -> None:
        if len(text.encode("utf-8", "surrogatepass")) > self._settings.document_bytes:
            raise InvalidInput(
                f"the definition is over {self._settings.document_bytes} bytes",
                remedy="split it into several, or raise workflows.document_bytes",
            )

    def _check_room(self, workflow: str) -> None:
        if self.table.count() >= self._settings.most and self.table.get(workflow) is None:
            raise CapacityReached(
                f"there are {self._settings.most} workflows already", remedy="remove some, or raise workflows.most"
            )

    def _also(self, workflow: str, graph: Graph | None) -> Also:
        change = self.triggers.changes(workflow, graph) if self.triggers is not None else None
        return lambda session, number: change(session) if change is not None else None

    def _applying(self, workflow: str, graph: Graph) -> Also:
        change, brief = self._also(workflow, graph), brief_of(graph)

        def work(session: Session, number: int) -> None:
            change(session, number)
            keep_brief(session, brief)

        return work

    def _changed(self, workflow: str) -> None:
        self._present.pop(workflow, None)
        if self.triggers is not None:
            self.triggers.changed(workflow)

    async def _version(self, workflow: str, number: int) -> VersionRow:
        row = await asyncio.to_thread(self.table.version, workflow, number)
        if row is None:
            raise NotFound(f"{workflow} has no version {number}", remedy="look at its versions", workflow=workflow)
        return row

    def _definition(self, row: DefinitionRow, graph: Graph) -> Definition:
        head = graph.document.get("document", {})
        next_at = self.triggers.next_at(row.workflow) if self.triggers is not None else {}
        return Definition(
            row.workflow,
            graph.name,
            graph.namespace,
            str(head.get("title") or ""),
            str(head.get("summary") or ""),
            graph.version,
            row.number,
            row.digest,
            row.enabled,
            row.changed_at,
            row.changed_by,
            tuple(
                TriggerView(one.kind, about(one), next_at.get(place)) for place, one in enumerate(triggers_of(graph))
            ),
            row.text,
            graph.document,
        )


def _first(own: float | None, common: float) -> float:
    return common if own is None else own


def _missing(workflow: str) -> NotFound:
    return NotFound(f"there is no workflow {workflow[:200]!r}", remedy="look at the list of them", workflow=workflow)


def _refused(workflow: str, new: bool | None) -> Conflict:
    if new:
        return Conflict(f"there is a workflow {workflow} already", remedy="replace it instead", workflow=workflow)
    return Conflict(
        f"{workflow} was changed by somebody else meanwhile",
        remedy="load the newest version and make your change there",
        workflow=workflow,
    )
