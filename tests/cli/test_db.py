"""`omnicore db` looks at a database, checks it, backs it up and restores it, without a host."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from contextlib import closing

import pytest

from omnicore.clock import SystemClock
from omnicore.config.folders import project_data
from omnicore.config.settings import StorageSettings
from omnicore.storage.database import open_store
from omnicore.storage.tables.kv import KvTable


@pytest.fixture
def environment(dialect, tmp_path, request):
    """Variables that name the database; it holds one key."""
    url = request.getfixturevalue("postgresql_url") if dialect == "postgresql" else None
    with closing(open_store(StorageSettings(url=url), project_data(tmp_path))) as store:
        KvTable(store, SystemClock()).put("p", "key", b"first")
    return {"OMNICORE_STORAGE__URL": url} if url else {}


def _value(environment, tmp_path):
    options = StorageSettings(url=environment.get("OMNICORE_STORAGE__URL"))
    with closing(open_store(options, project_data(tmp_path))) as store:
        table = KvTable(store, SystemClock())
        found = table.get("p", "key")
        table.put("p", "key", b"second")
    return found[0]


def test_info_shows_place_size_and_rows_without_credentials(omnicore, environment, dialect):
    found = json.loads(omnicore("db", "info", "-o", "json", **environment).out)
    assert found["dialect"] == dialect
    assert found["rows"]["kv"] == 1
    assert found["size"] > 0
    assert "never-shown" not in found["place"]


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_check_says_that_nothing_is_damaged(omnicore, environment):
    ran = omnicore("db", "check", **environment)
    assert ran.code == 0
    assert ran.out.rstrip().endswith("has no damage.")
    assert "kv\t1" in omnicore("db", "info", **environment).out.splitlines()


def test_a_backup_is_restored_and_what_was_there_is_kept(omnicore, environment, tmp_path):
    ran = omnicore("db", "backup", "b", "-o", "json", **environment)
    assert (ran.code, json.loads(ran.out)["file"]) == (0, "b"), ran.err
    assert _value(environment, tmp_path) == b"first"
    assert _value(environment, tmp_path) == b"second"
    ran = omnicore("db", "restore", "b", "-o", "json", **environment)
    assert ran.code == 0, ran.err
    kept = json.loads(ran.out)["kept"]
    assert (tmp_path / kept).is_file()
    assert _value(environment, tmp_path) == b"first"
    again = omnicore("db", "backup", "b", **environment)
    assert again.code == 1
    assert "is there already; name another file" in again.err


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_a_backup_without_a_name_is_named_after_the_time(omnicore, environment, tmp_path):
    assert omnicore("db", "backup", **environment).code == 0
    assert len(list(tmp_path.glob("omnicore-*-*.backup"))) == 1


def test_a_restore_is_refused_while_the_database_is_in_use(omnicore, environment, tmp_path):
    assert omnicore("db", "backup", "b", **environment).code == 0
    options = StorageSettings(url=environment.get("OMNICORE_STORAGE__URL"))
    with closing(open_store(options, project_data(tmp_path))):
        ran = omnicore("db", "restore", "b", **environment)
    assert ran.code == 1
    assert "is open in another process; stop the server" in ran.err


def test_looking_makes_no_database(omnicore, tmp_path):
    for command in ("info", "check", "backup"):
        ran = omnicore("db", command)
        assert ran.code == 5
        assert re.search(r"there is no database in .+; name the data folder", ran.err)
    assert list(tmp_path.iterdir()) == []


def test_damage_is_a_failure_that_says_what_to_do(omnicore, tmp_path):
    file = project_data(tmp_path) / "omnicore.db"
    with closing(open_store(StorageSettings(), project_data(tmp_path))) as store, store.write() as session:
        session.executemany(
            "INSERT INTO grants VALUES (?, 'kv', ?, 't', 0)", [(f"p{number}", "x" * 500) for number in range(3000)]
        )
    with file.open("r+b") as stream:
        stream.seek(file.stat().st_size // 10 * 8)
        stream.write(os.urandom(file.stat().st_size // 10))
    for command in (("check",), ("backup", "b")):
        ran = omnicore("db", *command)
        assert ran.code == 1
        assert "is damaged; restore" in ran.err
    assert not (tmp_path / "b").exists()
    ran = omnicore("db", "restore", "nothing")
    assert (ran.code, "No such file" in ran.err) == (1, True)


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_a_backup_that_is_none_is_refused(omnicore, environment, tmp_path):
    with closing(sqlite3.connect(tmp_path / "b")) as other:
        other.execute("CREATE TABLE a (b)")
    ran = omnicore("db", "restore", "b", **environment)
    assert ran.code == 2
    assert "is no backup" in ran.err
    assert _value(environment, tmp_path) == b"first"


def test_a_host_keeps_its_rows_in_postgresql(omnicore, tmp_path, postgresql_url):
    (tmp_path / "plugins").mkdir()
    module = '(module (memory (export "memory") 1) (func (export "f") (result i32) i32.const 0))'
    (tmp_path / "plugins" / "tiny.wat").write_text(module)
    ran = omnicore("plugins", "ls", OMNICORE_STORAGE__URL=postgresql_url)
    assert ran.code == 0, ran.err
    assert "tiny" in ran.out
    found = json.loads(omnicore("db", "info", "-o", "json", OMNICORE_STORAGE__URL=postgresql_url).out)
    assert (found["dialect"], found["rows"]["plugins"]) == ("postgresql", 1)
    assert not (project_data(tmp_path) / "omnicore.db").exists()
    shown = omnicore("config", "show", "storage.url", OMNICORE_STORAGE__URL=postgresql_url).out
    assert "********" in shown
