"""Restores of backups: from a file, and those that were staged while a host ran."""

from __future__ import annotations

import logging
import platform
import time
from contextlib import closing
from pathlib import Path

from omnicore.audit import audit_trail
from omnicore.clock import Clock
from omnicore.config.overrides import changing
from omnicore.config.settings import Settings
from omnicore.errors import OmniError
from omnicore.files import only_one
from omnicore.memory.item import words_of
from omnicore.storage.archive import Contents
from omnicore.storage.backup import (
    RestoreOutcome,
    Staged,
    read_staged,
    restore_postgresql,
    restore_sqlite,
    settle,
    staged_file,
)
from omnicore.storage.database import open_store
from omnicore.storage.store import Session, Store
from omnicore.storage.tables.access import SessionsTable
from omnicore.storage.tables.memory_words import enter_words_again
from omnicore.storage.tables.settings import OverridesTable

_WAIT_S = 5.0
_log = logging.getLogger("omnicore.storage")


def derive(store: Store, session: Session) -> None:
    """The words of memories, in the transaction that brings the rows."""
    enter_words_again(store, session, words_of)


def put_back(file: Path, settings: Settings, *, clock: Clock, wait_s: float = 0) -> tuple[Contents, Path | None]:
    """Puts a backup in the place of a host's database, which no process may have open. All users must log in again.

    Returns: the backup's contents, and the place of the former database.
    Raises: InvalidInput: not a good backup; StorageFailed: the database is in use for longer than `wait_s`, or there
    is no room; nothing was changed.
    """
    done: tuple[Contents, Path | None]
    if settings.storage.url is None:
        done = restore_sqlite(file, settings.data, clock=clock, derive=derive, wait_s=wait_s)
    else:
        with closing(open_store(settings.storage, settings.data, alone=True)) as store:
            done = restore_postgresql(file, store, settings.data, clock=clock, derive=derive)
    with closing(open_store(settings.storage, settings.data, check=False)) as store:
        SessionsTable(store).end_all()
        if settings.storage.url is None and done[0].dialect == "postgresql":
            _keep_settings(OverridesTable(store, clock), settings.data)
    return done


def _keep_settings(table: OverridesTable, data: Path) -> None:
    """Settings that hosts had in common become those of one host, which keeps them in a file."""
    with table.changing() as shared, changing(data) as own:
        own.values.update(shared.values)
        own.write()
        shared.values.clear()
        shared.write()


def restore_staged(settings: Settings, *, clock: Clock) -> None:
    """Restores a staged backup before the host opens its database; a failure leaves the database unchanged.

    A process that is killed meanwhile begins anew at the next start: until the outcome is noted, nothing else was
    written to the database.
    """
    if read_staged(settings.data) is None:
        return
    with only_one(settings.data / "restoring"):  # another host that starts on the same folder waits here
        staged = read_staged(settings.data)
        if staged is None:
            return
        outcome = _outcome(staged, settings, clock)
        (_log.warning if outcome.ok else _log.error)("restore of %s: %s", outcome.backup, outcome.text)
        settle(settings.data, outcome)


def _accept_record(settings: Settings, staged: Staged, clock: Clock) -> None:
    """The record of changes came with the rows: a row of it says so, and its end is signed off anew."""
    with closing(open_store(settings.storage, settings.data, check=False)) as store:
        trail = audit_trail(settings, store, clock=clock)
        target = f"backup:{staged.backup}"
        trail.accept(actor=staged.by, via="host", origin=platform.node(), action="restoreBackup", target=target)


def _outcome(staged: Staged, settings: Settings, clock: Clock) -> RestoreOutcome:
    try:
        contents, kept = put_back(staged_file(settings.data, staged), settings, clock=clock, wait_s=_WAIT_S)
        _accept_record(settings, staged, clock)
    except OmniError as error:
        return RestoreOutcome(staged.backup, clock.now(), ok=False, text=f"it was not restored: {error}")
    made = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(contents.made_at))
    text = f"the database is that of {made}" + (f"; what it was before is in {kept}" if kept is not None else "")
    return RestoreOutcome(staged.backup, clock.now(), ok=True, text=text)
