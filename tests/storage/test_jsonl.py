"""Rows of a backup as text."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest
from tests.storage.stores import OpenStore

from omnicore.clock import ManualClock
from omnicore.errors import InvalidInput, StorageFailed
from omnicore.storage.archive import write_rows
from omnicore.storage.backup import backup
from omnicore.storage.database import Database
from omnicore.storage.tables.kv import KvTable


def test_every_table_becomes_a_file_with_an_object_for_each_row(open_store: OpenStore, tmp_path: Path) -> None:
    store = open_store()
    KvTable(store, ManualClock()).put("text", "ключ", b"\xff\x00")
    backup(store, tmp_path / "data", tmp_path / "b.zip", clock=ManualClock())
    counts = write_rows(tmp_path / "b.zip", tmp_path / "out" / "rows")
    assert counts["kv"] == 1
    lines = (tmp_path / "out" / "rows" / "kv.jsonl").read_text(encoding="utf-8").splitlines()
    row = json.loads(lines[0])
    assert (row["plugin"], row["value"]) == ("text", {"base64": "/wA="})
    assert {path.stem for path in (tmp_path / "out" / "rows").iterdir()} == set(counts)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["rows"]


def test_what_is_no_backup_is_refused_and_leaves_no_scratch(tmp_path: Path) -> None:
    (tmp_path / "b.zip").write_bytes(b"no zip")
    with pytest.raises((InvalidInput, StorageFailed)):
        write_rows(tmp_path / "b.zip", tmp_path / "out" / "rows")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["rows"]


def test_a_table_whose_name_leads_elsewhere_is_left_out(tmp_path: Path) -> None:
    with closing(Database.open(tmp_path / "x.db")) as store:
        with store.write() as session:
            session.execute('CREATE TABLE "../../outside" (a TEXT)')
            session.execute("INSERT INTO \"../../outside\" VALUES ('a')")
        backup(store, tmp_path / "data", tmp_path / "b.zip", clock=ManualClock())
    assert "../../outside" not in write_rows(tmp_path / "b.zip", tmp_path / "out" / "deep" / "rows")
    assert not (tmp_path / "out" / "outside.jsonl").exists()
