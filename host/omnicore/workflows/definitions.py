"""Definitions: stored with all their versions, compiled, enabled, compared and listed.

Graphs are compiled once and cached by the digest of their document. A list compiles nothing: the row of a definition
holds what lists show.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from omnicore.errors import CapacityReached, Conflict, InvalidInput, JournalMismatch, NotFound
from omnicore.records import replace
from omnicore.storage.tables.workflow_definitions import (
    Also,
    BriefRow,
    BriefsTable,
    DefinitionRow,
    DefinitionsTable,
    LastRun,
    LineRow,
    WorkflowVersionRow,
    keep_brief,
)
from omnicore.storage.tables.workflow_runs import RunsTable
from omnicore.storage.tables.workflow_triggers import WorkflowSchedulesTable
from omnicore.workflows.drafts import Drafts, Pins
from omnicore.workflows.expressions.jq import asking_as
from omnicore.workflows.language.document import compile_graph, digest_of
from omnicore.workflows.language.graph import HostSection, WorkflowGraph, name_of
from omnicore.workflows.language.sources import compiled, look
from omnicore.workflows.language.triggers import about, triggers_of
from omnicore.workflows.view import Definition, Page, WorkflowTrigger, WorkflowVersion

if TYPE_CHECKING:
    from omnicore.clock import Clock
    from omnicore.config.settings import WorkflowSettings
    from omnicore.storage.store import Session, Store
    from omnicore.workflows.language.palette import Known


_NextAt = Mapping[int, float | None]


def brief_of(graph: WorkflowGraph) -> BriefRow:
    """The row that lists show of a graph. Raises: InvalidInput: its triggers cannot be read."""
    triggers = [{"kind": one.kind, "about": about(one)} for one in triggers_of(graph)]
    return _brief(graph.document, graph.digest, triggers)


class Listing:
    """It blocks, so it is used on threads.

    Args: at_hand: a graph by its digest, if it is in memory.
    """

    def __init__(self, store: Store, table: DefinitionsTable, at_hand: Callable[[str], WorkflowGraph | None]) -> None:
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
        """The list entries of some definitions; missing ones are made and stored."""
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
        tuple(
            WorkflowTrigger(one["kind"], one["about"], next_at.get(place)) for place, one in enumerate(said["triggers"])
        ),
        last_run=None if last is None else {"id": last.id, "status": last.status, "at": last.created_at},
    )


class Graphs:
    """Belongs to one event loop; documents are read and compiled on threads, each once at a time.

    Args:
        load: the document of a digest as JSON text, blocking; None: there is none.
        most: graphs that are kept.
    """

    def __init__(self, load: Callable[[str], str | None], most: int) -> None:
        self._load, self._most = load, most
        self._kept: OrderedDict[str, WorkflowGraph] = OrderedDict()
        self._making: dict[str, asyncio.Task[WorkflowGraph]] = {}

    def at_hand(self, digest: str) -> WorkflowGraph | None:
        """The graph, if it is kept."""
        graph = self._kept.get(digest)
        if graph is not None:
            self._kept.move_to_end(digest)
        return graph

    def add(self, graph: WorkflowGraph) -> None:
        """Keeps a graph that was made elsewhere."""
        self._kept[graph.digest] = graph
        self._kept.move_to_end(graph.digest)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)

    async def get(self, digest: str) -> WorkflowGraph:
        """The graph. Raises: NotFound. JournalMismatch: it was altered. WorkflowInvalid: this host cannot run it."""
        graph = self.at_hand(digest)
        if graph is not None:
            return graph
        making = self._making.get(digest)
        if making is None:
            making = self._making[digest] = asyncio.create_task(asyncio.to_thread(self._make, digest))
            making.add_done_callback(lambda _: self._making.pop(digest, None))
        graph = await asyncio.shield(making)
        self.add(graph)
        return graph

    def _make(self, digest: str) -> WorkflowGraph:
        text = self._load(digest)
        if text is None:
            raise NotFound(
                f"the document {digest[:12]} of a run is gone", remedy="restore it from a backup", digest=digest
            )
        document: Mapping[str, Any] = json.loads(text)
        if digest_of(document) != digest:
            raise JournalMismatch(
                f"the document {digest[:12]} of a run was altered in the database",
                remedy="restore it from a backup, or begin a new run",
                digest=digest,
            )
        return compile_graph(document)


_MOST_PRESENT = 1000


class Triggering(Protocol):
    """Follows changes of definitions; see `omnicore.workflows.triggers.triggers.Triggers`."""

    def changes(self, workflow: str, graph: WorkflowGraph | None) -> Callable[[Session], None]: ...

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
    graph: WorkflowGraph


class Definitions:
    """Belongs to one event loop; the database and the compiler are used on threads."""

    def __init__(self, store: Store, settings: WorkflowSettings, clock: Clock) -> None:
        self.table, self.drafts = DefinitionsTable(store), Drafts(store, clock, settings.document_bytes)
        self.pins = Pins(store, clock)
        self._runs = RunsTable(store)
        self._settings, self._clock = settings, clock
        self.graphs = Graphs(self.table.document, settings.graphs)
        self._listing = Listing(store, self.table, self.graphs.at_hand)
        self._present: OrderedDict[str, Present] = OrderedDict()
        self.triggers: Triggering | None = None
        self.remembers = False
        """True while present versions are kept in memory: somebody must call `forget` when others have written."""
        self.tell: Callable[[str, Mapping[str, Any]], object] = lambda topic, about: None
        """Publishes `workflow.changed` on this host's bus."""

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
        workflow = _named(graph, workflow)
        await asyncio.to_thread(self._check_room, workflow)
        before = await asyncio.to_thread(self.table.get, workflow)
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
        kept = self._definition(row, graph)
        if before is None or before.number != row.number:
            self._told(workflow, "saved", number=row.number, by=by)
        if before is None or before.digest == row.digest or _version_of(before) != graph.version:
            return kept
        return replace(kept, same_version_as=before.number)

    async def compile(self, given: str | Mapping[str, Any]) -> WorkflowGraph:
        """The graph of a text. Raises: WorkflowInvalid. InvalidInput: it is too large."""
        return (await self._compiled(given))[0]

    def has(self, workflow: str) -> bool:
        """True if there is a definition of this name; blocking."""
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

    async def versions(self, workflow: str) -> Sequence[WorkflowVersion]:
        """See `Workflows.versions`."""
        rows = await asyncio.to_thread(self.table.versions, workflow)
        if not rows:
            raise _missing(workflow)
        return [WorkflowVersion(one.workflow, one.number, one.digest, one.created_at, one.created_by) for one in rows]

    async def remove(self, workflow: str) -> None:
        """See `Workflows.remove`."""
        if not await asyncio.to_thread(self.table.remove, workflow):
            raise _missing(workflow)
        self._changed(workflow)
        self._told(workflow, "removed")

    async def switch(self, workflow: str, *, on: bool) -> Definition:
        """See `Workflows.switch`."""
        graph = (await self.present(workflow)).graph
        also = self._also(workflow, graph if on else None)
        if not await asyncio.to_thread(lambda: self.table.switch(workflow, on=on, now=self._clock.now(), also=also)):
            raise _missing(workflow)
        self._changed(workflow)
        self._told(workflow, "on" if on else "off")
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

    def _host_of(self, workflow: str) -> HostSection:
        """The `host` object of the present version; None if it cannot be read."""
        row = self.table.get(workflow)
        graph = None if row is None else self.graphs.at_hand(row.digest)
        if graph is None and row is not None and '"keep"' in row.document:
            try:
                graph = compile_graph(json.loads(row.document))
            except InvalidInput:  # kept by another version of the host: others must not wait for it
                return HostSection()
        return HostSection() if graph is None else graph.host

    # -- inner parts

    async def _compiled(self, given: str | Mapping[str, Any]) -> tuple[WorkflowGraph, str]:
        if isinstance(given, str):
            self._check_size(given)
        with asking_as("people"):
            graph, text = await asyncio.to_thread(compiled, given)
        self.graphs.add(graph)
        return graph, text

    def _check_size(self, text: str) -> None:
        if len(text.encode("utf-8", "surrogatepass")) > self._settings.document_bytes:
            raise InvalidInput(
                f"the definition is over {self._settings.document_bytes} bytes",
                remedy="split it into several",
            )

    def _check_room(self, workflow: str) -> None:
        if self.table.count() >= self._settings.most and self.table.get(workflow) is None:
            raise CapacityReached(f"there are {self._settings.most} workflows already", remedy="remove some")

    def _also(self, workflow: str, graph: WorkflowGraph | None) -> Also:
        change = self.triggers.changes(workflow, graph) if self.triggers is not None else None
        return lambda session, number: change(session) if change is not None else None

    def _applying(self, workflow: str, graph: WorkflowGraph) -> Also:
        change, brief = self._also(workflow, graph), brief_of(graph)

        def work(session: Session, number: int) -> None:
            change(session, number)
            keep_brief(session, brief)

        return work

    def _changed(self, workflow: str) -> None:
        self._present.pop(workflow, None)
        if self.triggers is not None:
            self.triggers.changed(workflow)

    def _told(self, workflow: str, change: str, **about: Any) -> None:
        self.tell("workflow.changed", {"workflow": workflow, "change": change, **about})

    async def _version(self, workflow: str, number: int) -> WorkflowVersionRow:
        row = await asyncio.to_thread(self.table.version, workflow, number)
        if row is None:
            raise NotFound(f"{workflow} has no version {number}", remedy="look at its versions", workflow=workflow)
        return row

    def _definition(self, row: DefinitionRow, graph: WorkflowGraph) -> Definition:
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
                WorkflowTrigger(one.kind, about(one), next_at.get(place))
                for place, one in enumerate(triggers_of(graph))
            ),
            row.text,
            graph.document,
        )


def _named(graph: WorkflowGraph, wanted: str | None) -> str:
    """The id of a definition. Raises: InvalidInput: another one is wanted."""
    named = name_of(graph.name, graph.namespace)
    if wanted not in (None, named):
        raise InvalidInput(
            f"the definition is of {named!r}, not of {wanted!r}",
            remedy="send it to its own place, or correct its name",
            path="/document/name",
        )
    return named


def _version_of(row: DefinitionRow) -> str:
    return str(json.loads(row.document).get("document", {}).get("version", ""))


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
