"""Workflow definitions: the current one of each name, all versions, drafts, and the summaries that lists show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

from omnicore.records import HIDDEN, Meta, Record, Time
from omnicore.storage.store import Session, Store
from omnicore.storage.table import Table
from omnicore.storage.tables.workflow_runs import STATUSES

Also = Callable[[Session, int], object]
"""A further write of the same transaction, such as of schedules; given the number of the version."""

_SELECT = (
    "SELECT w.id, w.version, v.digest, w.state, {}, w.document, w.created_by, w.created_at, w.changed_at, v.created_by"
    " FROM workflows w JOIN workflow_versions v ON v.workflow = w.id AND v.number = w.version"
)
_FIND = "SELECT w.version, v.digest, v.text FROM workflows w JOIN workflow_versions v" + (
    " ON v.workflow = w.id AND v.number = w.version WHERE w.id = ?"
)


class DefinitionRow(Record, frozen=True):
    """A workflow as it is now. `workflow` is its name, or `namespace.name`; `document` is JSON.

    Units: seconds since the Unix epoch.
    """

    workflow: str
    number: int
    digest: str
    enabled: bool
    text: str
    document: str
    created_by: str
    created_at: float
    changed_at: float
    changed_by: str


class WorkflowVersionRow(Record, frozen=True):
    """A version of a workflow; `text` is empty in lists. Units: seconds since the Unix epoch."""

    workflow: str
    number: int
    digest: str
    text: str
    created_by: str
    created_at: float


VERSIONS = Table(WorkflowVersionRow, "workflow_versions", key=("workflow", "number"), indexes=(("digest",),))


def keep_document(session: Session, digest: str, document: str, now: float) -> None:
    """Keeps the document that runs are pinned to, in a transaction of the caller's; for a trial before its start."""
    session.execute(
        "INSERT INTO workflow_documents (digest, document, created_at) VALUES (?, ?, ?)"
        " ON CONFLICT (digest) DO UPDATE SET created_at = excluded.created_at",
        (digest, document, now),
    )


class DefinitionsTable:
    """Reads and writes definitions. Every change is on the disk when it returns."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put(
        self,
        workflow: str,
        *,
        digest: str,
        text: str,
        document: str,
        by: str,
        now: float,
        expected: str | None = None,
        new: bool | None = None,
        also: Also = lambda session, number: None,
    ) -> DefinitionRow | None:
        """Makes this the present version; the same text as before makes no new one.

        Args:
            expected: the digest that must be the present one's.
            new: True: there must be none yet; False: there must be one.

        Returns: None: `expected` or `new` do not hold, and nothing was done.
        """
        with self._store.write(durable=True, locks=(f"workflow:{workflow}",)) as session:
            found = session.execute(_FIND, (workflow,)).fetchone()
            if new is (found is not None) or (expected is not None and (found is None or found[1] != expected)):
                return None
            if found is not None and (found[1], found[2]) == (digest, text):
                number = int(found[0])
            else:
                number = self._add_version(session, workflow, digest, text, document, by, now)
            also(session, number)
        return self.get(workflow)

    def get(self, workflow: str) -> DefinitionRow | None:
        """The present version."""
        found = self._store.rows(f"{_SELECT.format('v.text')} WHERE w.id = ?", (workflow,))
        return _with_state(DefinitionRow, found[0]) if found else None

    def count(self) -> int:
        """The number of workflows."""
        return int(self._store.rows("SELECT count(*) FROM workflows")[0][0])

    def versions(self, workflow: str, limit: int = 100, before: int | None = None) -> list[WorkflowVersionRow]:
        """Versions, newest first, without their texts."""
        columns = VERSIONS.columns.replace("text", "CAST('' AS text)")
        sql = f"SELECT {columns} FROM workflow_versions WHERE workflow = ? AND number < ? ORDER BY number DESC LIMIT ?"
        found = self._store.rows(sql, (workflow, 2**62 if before is None else before, limit))
        return [VERSIONS.row(row) for row in found]

    def version(self, workflow: str, number: int) -> WorkflowVersionRow | None:
        """One version with its text."""
        sql = f"SELECT {VERSIONS.columns} FROM workflow_versions WHERE workflow = ? AND number = ?"
        found = self._store.rows(sql, (workflow, number))
        return VERSIONS.row(found[0]) if found else None

    def document(self, digest: str) -> str | None:
        """The JSON document that runs are pinned to."""
        found = self._store.rows("SELECT document FROM workflow_documents WHERE digest = ?", (digest,))
        return str(found[0][0]) if found else None

    def switch(self, workflow: str, *, on: bool, now: float, also: Also = lambda session, number: None) -> bool:
        """Switches a workflow on or off and returns True if there is one."""
        with self._store.write(durable=True, locks=(f"workflow:{workflow}",)) as session:
            found = session.execute(
                "UPDATE workflows SET state = ?, changed_at = ? WHERE id = ? RETURNING version",
                ("enabled" if on else "disabled", now, workflow),
            ).fetchone()
            if found is not None:
                also(session, int(found[0]))
            return found is not None

    def remove(self, workflow: str) -> bool:
        """Removes a workflow with its versions and schedules; its runs stay. Returns True if there was one."""
        with self._store.write(durable=True, locks=(f"workflow:{workflow}",)) as session:
            for table in (
                "workflow_versions",
                "workflow_briefs",
                "workflow_schedules",
                "workflow_rates",
                "workflow_pins",
            ):
                session.execute(f"DELETE FROM {table} WHERE workflow = ?", (workflow,))
            return session.execute("DELETE FROM workflows WHERE id = ?", (workflow,)).rowcount == 1

    def sweep_documents(
        self, before: float, after: tuple[float, str] = (0.0, ""), limit: int = 200
    ) -> tuple[int, tuple[float, str] | None]:
        """Drops documents from before a time that neither a version nor a run is pinned to.

        Looks at `limit` documents after a place. Returns: how many went, and the place to go on from, None at the end.
        """
        where = "created_at < ? AND (created_at, digest) > (?, ?) ORDER BY created_at, digest LIMIT ?"
        found = self._store.rows(
            f"SELECT created_at, digest FROM workflow_documents WHERE {where}", (before, *after, limit)
        )
        gone = self._store.apply(lambda session: sum(_drop_document(session, digest, before) for _, digest in found))
        return gone, tuple(found[-1]) if len(found) == limit else None

    def _add_version(
        self, session: Session, workflow: str, digest: str, text: str, document: str, by: str, now: float
    ) -> int:
        (number,) = session.execute(
            "SELECT coalesce(max(number), 0) + 1 FROM workflow_versions WHERE workflow = ?", (workflow,)
        ).fetchone()
        keep_document(session, digest, document, now)
        session.execute(
            f"INSERT INTO workflow_versions ({VERSIONS.columns}) VALUES ({VERSIONS.marks})",
            VERSIONS.values(WorkflowVersionRow(workflow, int(number), digest, text, by, now)),
        )
        session.execute(
            "INSERT INTO workflows (id, name, version, document, state, created_by, created_at, changed_at)"
            " VALUES (?, ?, ?, ?, 'enabled', ?, ?, ?) ON CONFLICT (id) DO UPDATE SET version = excluded.version,"
            " document = excluded.document, changed_at = excluded.changed_at",
            (workflow, workflow, number, document, by, now, now),
        )
        return int(number)


def _drop_document(session: Session, digest: str, before: float) -> int:
    # Who keeps it at this moment makes it new.
    return session.execute(
        "DELETE FROM workflow_documents WHERE digest = ? AND created_at < ?"
        " AND NOT EXISTS (SELECT 1 FROM workflow_versions v WHERE v.digest = workflow_documents.digest)"
        " AND NOT EXISTS (SELECT 1 FROM workflow_runs r WHERE r.digest = workflow_documents.digest)",
        (digest, before),
    ).rowcount


_R = TypeVar("_R", bound=Record)


def _with_state(record: type[_R], row: Sequence[object]) -> _R:
    """The record of a query that joins tables; its fourth column is the state."""
    return record(*row[:3], row[3] == "enabled", *row[4:])


class BriefRow(Record, frozen=True):
    """The part of a version that lists show. `about` is JSON; `words` is the text that is searched, in lower case."""

    workflow: str
    digest: str
    words: str
    about: str


class LineRow(Record, frozen=True):
    """A workflow of a list; `about` None: nothing is kept of this version yet. Units: seconds since the Unix epoch."""

    workflow: str
    number: int
    digest: str
    enabled: bool
    changed_at: float
    changed_by: str
    about: str | None


class LastRun(Record, frozen=True):
    """The newest run of a workflow."""

    id: str
    status: str
    created_at: float


BRIEFS = Table(BriefRow, "workflow_briefs", key="workflow")
_PAGE = (
    "SELECT w.id, w.version, v.digest, w.state, w.changed_at, v.created_by, b.about FROM workflows w"
    " JOIN workflow_versions v ON v.workflow = w.id AND v.number = w.version"
    " LEFT JOIN workflow_briefs b ON b.workflow = w.id AND b.digest = v.digest"
    " WHERE w.id > ? AND (w.id LIKE ? ESCAPE '#' OR b.words LIKE ? ESCAPE '#') ORDER BY w.id LIMIT ?"
)
_STATUSES = " UNION ALL ".join(f"SELECT '{status}' AS status" for status in STATUSES)


def keep_brief(session: Session, row: BriefRow) -> None:
    """Keeps it in the place of what was kept before, in a transaction of the caller's."""
    session.execute(
        f"INSERT INTO workflow_briefs ({BRIEFS.columns}) VALUES ({BRIEFS.marks}) ON CONFLICT (workflow)"
        " DO UPDATE SET digest = excluded.digest, words = excluded.words, about = excluded.about",
        BRIEFS.values(row),
    )


class BriefsTable:
    """Reads what lists show."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def keep(self, rows: Sequence[BriefRow]) -> None:
        """Keeps some that were missing."""
        with self._store.write() as session:
            for row in rows:
                keep_brief(session, row)

    def page(self, limit: int, after: str = "", containing: str = "") -> list[LineRow]:
        """Workflows by name, those after `after` whose name or words have `containing` in them."""
        like = "%" + containing.lower().replace("#", "##").replace("%", "#%").replace("_", "#_") + "%"
        return [_with_state(LineRow, row) for row in self._store.rows(_PAGE, (after, like, like, limit))]

    def last_runs(self, workflows: Sequence[str]) -> dict[str, LastRun]:
        """The newest run of each that has any. Costs some looks into an index for each, however many runs there are."""
        if not workflows:
            return {}
        marks = ", ".join("?" for _ in workflows)
        newest = (
            "SELECT w.id, (SELECT max(r.id) FROM workflow_runs r WHERE r.workflow = w.id AND r.status = s.status)"
            f" FROM workflows w CROSS JOIN ({_STATUSES}) s WHERE w.id IN ({marks})"
        )
        found: dict[str, str] = {}
        for workflow, run in self._store.rows(newest, tuple(workflows)):
            if run is not None:
                found[workflow] = max(run, found.get(workflow, ""))
        return self._runs(tuple(found.values()))

    def _runs(self, ids: tuple[str, ...]) -> dict[str, LastRun]:
        if not ids:
            return {}
        marks = ", ".join("?" for _ in ids)
        sql = f"SELECT workflow, id, status, created_at FROM workflow_runs WHERE id IN ({marks})"
        return {str(workflow): LastRun(*more) for workflow, *more in self._store.rows(sql, ids)}


_REVISION = "Another one after each change; the next change names it."


class WorkflowDraft(Record, frozen=True):
    """A draft. `revision` is random: that of a draft which is gone is never that of a later one."""

    who: Annotated[str, HIDDEN]
    draft: Annotated[str, Meta(description="Name of the workflow; `~` and a name of its own for a new one.")]
    revision: Annotated[str, Meta(description=_REVISION)]
    text: Annotated[str, Meta(description="As it was typed, valid or not. Left out of lists.")]
    number: Annotated[int, Meta(description="The version that was edited; 0 for a new workflow.")]
    digest: Annotated[str, Meta(description="Of that version.")]
    changed_at: Time


DRAFTS = Table(WorkflowDraft, "workflow_drafts", key=("who", "draft"), indexes=(("draft",),))


class DraftsTable:
    """Reads and writes drafts. Every change is on the disk when it returns."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, who: str, draft: str) -> WorkflowDraft | None:
        """A person's draft of a workflow."""
        found = self._store.rows(f"{DRAFTS.select} WHERE who = ? AND draft = ?", (who, draft))
        return DRAFTS.row(found[0]) if found else None

    def of(self, who: str) -> list[WorkflowDraft]:
        """All drafts of a person without their texts, newest first."""
        columns = DRAFTS.columns.replace("text", "CAST('' AS text)")
        sql = f"SELECT {columns} FROM workflow_drafts WHERE who = ? ORDER BY changed_at DESC, draft"
        return [DRAFTS.row(row) for row in self._store.rows(sql, (who,))]

    def others(self, who: str, draft: str, limit: int = 20) -> list[tuple[str, float]]:
        """Other people with a draft of this workflow, and when they changed it last. Newest first."""
        sql = "SELECT who, changed_at FROM workflow_drafts WHERE draft = ? AND who <> ? ORDER BY changed_at DESC, who"
        return [(str(name), float(at)) for name, at in self._store.rows(f"{sql} LIMIT ?", (draft, who, limit))]

    def put(self, row: WorkflowDraft, expected: str, most: int) -> WorkflowDraft | int | None:
        """Stores a draft in place of the one with the expected revision, or where there is none.

        Returns: None: it is stored. The draft that is there instead. The count, when the person has `most` drafts.
        """
        with self._store.write(durable=True, locks=(f"drafts:{row.who}",)) as session:
            found = session.execute(f"{DRAFTS.select} WHERE who = ? AND draft = ?", (row.who, row.draft)).fetchone()
            if found is not None:
                kept = DRAFTS.row(found)
                if kept.revision != expected:
                    return kept
                session.execute("DELETE FROM workflow_drafts WHERE who = ? AND draft = ?", (row.who, row.draft))
            else:
                counted = session.execute("SELECT count(*) FROM workflow_drafts WHERE who = ?", (row.who,)).fetchone()
                if int(counted[0]) >= most:
                    return int(counted[0])
            session.execute(DRAFTS.insert, DRAFTS.values(row))
            return None

    def remove(self, who: str, draft: str, expected: str | None) -> WorkflowDraft | None:
        """Removes a draft, if it has the expected revision. Returns: the draft that stays because it has another."""
        with self._store.write(durable=True, locks=(f"drafts:{who}",)) as session:
            found = session.execute(f"{DRAFTS.select} WHERE who = ? AND draft = ?", (who, draft)).fetchone()
            if found is None:
                return None
            kept = DRAFTS.row(found)
            if expected is not None and kept.revision != expected:
                return kept
            session.execute("DELETE FROM workflow_drafts WHERE who = ? AND draft = ?", (who, draft))
            return None


class WorkflowPin(Record, frozen=True):
    """An output that is pinned to a step. `value` is JSON."""

    workflow: str
    step: str
    value: str
    changed_at: Time
    changed_by: str


PINS = Table(WorkflowPin, "workflow_pins", key=("workflow", "step"))


class PinsTable:
    """Reads and writes pinned outputs."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, workflow: str) -> list[WorkflowPin]:
        """All of a workflow, by the names of the steps."""
        rows = self._store.rows(f"{PINS.select} WHERE workflow = ? ORDER BY step", (workflow,))
        return [PINS.row(row) for row in rows]

    def put(self, row: WorkflowPin, most: int) -> bool:
        """Pins an output in place of an earlier one. Returns: False: the workflow has `most` others."""
        with self._store.write(locks=(f"workflow:{row.workflow}",)) as session:
            session.execute("DELETE FROM workflow_pins WHERE workflow = ? AND step = ?", (row.workflow, row.step))
            counted = session.execute(
                "SELECT count(*) FROM workflow_pins WHERE workflow = ?", (row.workflow,)
            ).fetchone()
            if int(counted[0]) < most:
                session.execute(PINS.insert, PINS.values(row))
            return int(counted[0]) < most

    def remove(self, workflow: str, step: str) -> None:
        """Takes a pin away; one that is not there is no error."""
        with self._store.write() as session:
            session.execute("DELETE FROM workflow_pins WHERE workflow = ? AND step = ?", (workflow, step))
