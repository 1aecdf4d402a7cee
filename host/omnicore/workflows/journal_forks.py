"""Rows of one run as the first rows of another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from omnicore.errors import Conflict, JournalMismatch, NotFound
from omnicore.storage.store import Session
from omnicore.storage.tables.workflow_runs import nonce_of, set_head
from omnicore.storage.tables.workflow_steps import add_steps, first_rows, step_hash
from omnicore.storage.tables.workflow_values import add_values, named, reference, share_values, value_of
from omnicore.workflows.effects.secrets import PREFIX, placeholders
from omnicore.workflows.journal_reading import PAGE
from omnicore.workflows.journal_starts import Starting
from omnicore.workflows.retaking import Taken

__all__ = ["copy_rows"]

_SEQ, _PLACE, _FED, _TEXTS = 1, 2, 8, 11
"""Where in a row its number, its place and its result's kind stand, and from where on it holds JSON."""


def copy_rows(session: Session, of: str, taken: Taken, one: Starting, secrets: Sequence[str]) -> None:
    """Copies rows, page by page, into a run that has none; they are numbered anew where some are left out.

    Each run has placeholders of its own for its secrets, so those of the other one are replaced: what came to be known
    of a run that is over stands for nothing in this one.

    Raises: NotFound: there is no such run. Conflict: it has fewer rows. JournalMismatch: a value was altered.
    """
    nonce = nonce_of(session, of)
    if nonce is None:
        raise NotFound(f"there is no run {of[:80]}", remedy="see the list of runs")
    mine, theirs = placeholders(one.nonce, secrets), placeholders(nonce, secrets)
    renamed = _Renamed(session, one.id, {theirs[name]: mine[name] for name in secrets})
    seq, after, last, among = 0, 0, one.genesis, taken.sieve()
    while after < taken.until and (page := first_rows(session, of, after, min(PAGE, taken.until - after))):
        rows = []
        for row in page:
            after = int(row[_SEQ])
            if not among(after, row[_PLACE], row[_FED] is not None):
                continue
            seq += 1
            columns = (seq, *row[_SEQ + 1 : _TEXTS], *(renamed.text(text) for text in row[_TEXTS:-1]))
            last = step_hash(last, columns)
            rows.append((one.id, *columns, last))
        add_steps(session, rows)
    if after < taken.until:
        raise Conflict(f"{of[:80]} has {after} rows only", remedy="begin from one of them")
    share_values(session, of, one.id)
    set_head(session, one.id, seq, last)


class _Renamed:
    """Texts of rows, with some placeholders in place of others. They have no sign that JSON writes otherwise."""

    def __init__(self, session: Session, run: str, by: Mapping[str, str]) -> None:
        self._session, self._run, self._by = session, run, by
        self._values: dict[str, str] = {}

    def text(self, text: Any) -> Any:
        """The text of a column, or what names the value that it stands for now."""
        if not self._by or text is None:
            return text
        found = named(text)
        if found is None:
            return self._in(text)
        if text not in self._values:
            self._values[text] = self._value(text, found[0])
        return self._values[text]

    def _value(self, text: str, digest: str) -> str:
        data = value_of(self._session, digest)
        if data is None or PREFIX not in data:
            return text
        if reference(data)[0] != digest:
            raise JournalMismatch(f"the value {digest} of a run was altered in the database", remedy="restore a backup")
        data = self._in(data)
        made, name = reference(data)
        add_values(self._session, [(made, data)], [(self._run, made)])
        return name

    def _in(self, text: str) -> str:
        if PREFIX in text:
            for theirs, mine in self._by.items():
                text = text.replace(theirs, mine)
        return text
