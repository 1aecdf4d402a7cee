"""A backup that was staged is put back at the next start: whole, once, and whatever instruction a process dies at."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.kills import ended_at, steps_of

from omnicore.clock import ManualClock, SystemClock
from omnicore.config.settings import Settings
from omnicore.errors import Conflict, InvalidInput, NotFound
from omnicore.restore import restore_staged
from omnicore.storage import backup as rooms
from omnicore.storage.backup import MOST, Backups, read_staged
from omnicore.storage.database import Database
from omnicore.storage.tables.kv import KvTable

WAIT_S = 60.0


def settings_at(folder: Path) -> Settings:
    return replace(Settings(), data=folder / "data", plugins=folder / "plugins", watch=False)


def put(data: Path, key: str) -> None:
    with closing(Database.open(data / "omnicore.db")) as store:
        KvTable(store, SystemClock()).put("p", key, b"")


def keys(data: Path) -> int:
    with closing(Database.open(data / "omnicore.db")) as store:
        store.check()
        return KvTable(store, SystemClock()).totals("p").keys


def staged(folder: Path) -> Backups:
    """A data folder with two keys, and a backup with one that waits to be put back."""
    data = folder / "data"
    put(data, "first")
    with closing(Database.open(data / "omnicore.db")) as store:
        backups = Backups(store, data, clock=SystemClock())
        backups.stage(backups.make(wait_s=WAIT_S).name, by="ann")
    put(data, "second")
    return backups


def opened(folder: Path, *, work: bool = True) -> Any:
    """A whole host. Imported here, for the processes that are killed need none and begin the sooner."""
    from omnicore.assembly import Host

    (folder / "plugins").mkdir()
    return Host(settings=settings_at(folder), work=work)


def test_it_is_put_back_before_the_host_opens_its_database(tmp_path: Path) -> None:
    backups = staged(tmp_path)
    with opened(tmp_path) as host:
        overview = backups.overview()
        assert overview.staged is None
        assert overview.restored is not None
        assert overview.restored.ok
        assert "what it was before is in" in overview.restored.text
        recorded = {(row.entry.actor, row.entry.action, row.entry.target) for row in host.audit.table.before(None, 50)}
        assert ("ann", "restoreBackup", f"backup:{overview.restored.backup}") in recorded
    assert keys(tmp_path / "data") == 1


def test_a_host_that_does_no_work_leaves_it_to_the_server(tmp_path: Path) -> None:
    staged(tmp_path)
    with opened(tmp_path, work=False):
        pass
    assert keys(tmp_path / "data") == 2
    assert read_staged(tmp_path / "data") is not None


def test_a_start_that_finds_nothing_staged_makes_nothing(tmp_path: Path) -> None:
    restore_staged(settings_at(tmp_path), clock=SystemClock())
    assert not (tmp_path / "data").exists()


def test_what_cannot_be_put_back_leaves_the_data_and_says_why(tmp_path: Path) -> None:
    backups = staged(tmp_path)
    data = tmp_path / "data"
    file = next((data / "backups").iterdir())
    file.write_bytes(file.read_bytes()[:-200])
    restore_staged(settings_at(tmp_path), clock=SystemClock())
    outcome = backups.overview().restored
    assert outcome is not None
    assert (outcome.ok, outcome.backup) == (False, file.name)
    assert "is no backup, or damaged" in outcome.text
    assert (keys(data), read_staged(data)) == (2, None)


def test_a_database_in_use_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backups = staged(tmp_path)
    monkeypatch.setattr("omnicore.restore._WAIT_S", 0.05)
    with closing(Database.open(tmp_path / "data" / "omnicore.db")):
        restore_staged(settings_at(tmp_path), clock=SystemClock())
    outcome = backups.overview().restored
    assert outcome is not None
    assert "is open in another process" in outcome.text
    assert keys(tmp_path / "data") == 2


def test_a_full_disk_leaves_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backups = staged(tmp_path)
    usage = shutil.disk_usage(tmp_path)._replace(free=10)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    restore_staged(settings_at(tmp_path), clock=SystemClock())
    outcome = backups.overview().restored
    assert outcome is not None
    assert "has no room" in outcome.text
    assert keys(tmp_path / "data") == 2


@pytest.mark.parametrize("note", ["", "{}", "[]", '{"backup": "../../etc/passwd", "asked_at": 1, "by": "x"}', "\0"])
def test_a_note_that_somebody_else_wrote_leads_nowhere(tmp_path: Path, note: str) -> None:
    data = tmp_path / "data"
    put(data, "first")
    (data / "restore.json").write_text(note)
    restore_staged(settings_at(tmp_path), clock=SystemClock())
    assert keys(data) == 1


def _restore(folder: str) -> None:
    restore_staged(settings_at(Path(folder)), clock=SystemClock())


def test_a_start_killed_at_any_step_leaves_a_whole_database_and_the_next_one_ends_it(tmp_path: Path) -> None:
    staged(tmp_path / "first")
    steps = steps_of(_restore, str(tmp_path / "first"))
    assert steps > 8
    for step in (steps // 2, steps - 2, steps):
        folder = tmp_path / str(step)
        staged(folder)
        assert ended_at(step, _restore, str(folder))
        assert keys(folder / "data") in (1, 2)
        _restore(str(folder))
        assert (keys(folder / "data"), read_staged(folder / "data")) == (1, None)
        left = [path.name for path in (folder / "data").iterdir()]
        assert not [name for name in left if name.endswith(".partial") or name.startswith(".omnicore-")], left


def test_backups_are_listed_newest_first_up_to_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "first")
    monkeypatch.setattr(rooms, "MOST", 2)
    clock = ManualClock()
    with closing(Database.open(tmp_path / "omnicore.db")) as store:
        backups = Backups(store, tmp_path, clock=clock)
        names = [backups.make(wait_s=WAIT_S).name for _ in range(2)]
        assert len(set(names)) == 2
        with pytest.raises(Conflict, match="2 backups are kept already; delete one"):
            backups.make(wait_s=WAIT_S)
        for name in ("notes.txt", "x.backup.partial", "..backup", "a b.backup"):
            (tmp_path / "backups" / name).write_text("none of ours")
        (tmp_path / "backups" / "link.backup").symlink_to(tmp_path / "omnicore.db")
        assert {one.name for one in backups.overview().items} == set(names)
        backups.delete(names[0])
        assert [one.name for one in backups.overview().items] == [names[1]]
        for name in (names[0], "link.backup", "../omnicore.db", "..", "", "a/b.backup", "x" * 400 + ".backup", "\0"):
            for use in (backups.path, backups.delete):
                with pytest.raises(NotFound, match="there is no backup"):
                    use(name)
    assert MOST == 20


def test_one_that_waits_is_not_deleted_and_can_be_taken_back(tmp_path: Path) -> None:
    put(tmp_path, "first")
    with closing(Database.open(tmp_path / "omnicore.db")) as store:
        backups = Backups(store, tmp_path, clock=SystemClock())
        name = backups.make(wait_s=WAIT_S).name
        assert backups.stage(name, by="ann").by == "ann"
        with pytest.raises(Conflict, match="take the restore back first"):
            backups.delete(name)
        backups.unstage(name)
        with pytest.raises(NotFound, match="does not wait"):
            backups.unstage(name)
        (tmp_path / "backups" / "foreign.backup").write_text("nothing of ours")
        with pytest.raises(InvalidInput, match="is no backup"):
            backups.stage("foreign.backup", by="ann")
        backups.delete(name)


def test_one_that_fails_leaves_nothing_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "first")
    with closing(Database.open(tmp_path / "omnicore.db")) as store:
        backups = Backups(store, tmp_path, clock=SystemClock())
        (tmp_path / "backups").mkdir()
        (tmp_path / "backups" / ".old.backup.1.partial").write_text("half")

        def full(*_: object, **__: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("omnicore.storage.archive.os.fsync", full)
        with pytest.raises(Exception, match="No space left"):
            backups.make(wait_s=WAIT_S)
        monkeypatch.undo()
        assert "No space left" in backups.overview().failed
        assert list((tmp_path / "backups").iterdir()) == []
        assert backups.make(wait_s=WAIT_S).state == "ready"
        assert backups.overview().failed == ""


def test_notes_are_for_their_owner_only(tmp_path: Path) -> None:
    staged(tmp_path)
    note = tmp_path / "data" / "restore.json"
    assert note.stat().st_mode & 0o777 == 0o600
    assert set(json.loads(note.read_text())) == {"backup", "asked_at", "by"}
