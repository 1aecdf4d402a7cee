"""`omnicore import`: state of another folder comes in only when its owner says so, and only what is state."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from tests.attack.commands import Commands, commands
from tests.attack.test_clones import ASKING, as_cloned, repository

from omnicore.config.folders import project_data
from omnicore.config.settings import StorageSettings
from omnicore.files import write_whole
from omnicore.storage.database import open_store

__all__ = ["commands"]


@pytest.fixture
def old(tmp_path: Path, commands: Commands) -> Path:
    """A project whose state lies in its folder, as an earlier version kept it, with the modes of that time."""
    folder = tmp_path / "project"
    repository(folder, "g", ASKING)
    assert commands("plugins", "grant", "hello", "--data", ".omnicore", folder=folder).code == 0
    assert commands("call", "hello.hello", "--data", ".omnicore", folder=folder).out == "g"
    write_whole(folder / ".omnicore" / "master.key", b"the key of the vault\n")
    write_whole(folder / ".omnicore" / "overrides.json", b'{"threads": 3}')
    return as_cloned(folder)


def test_old_state_is_offered_shown_and_taken_over(old: Path, commands: Commands) -> None:
    offered = commands("call", "hello.hello", "--data", "../none", folder=old)
    assert "omnicore import" not in offered.err  # who names a data folder has decided
    assert "`omnicore import .omnicore`" in commands("config", "show", "port", folder=old).err
    assert commands("import", ".omnicore", folder=old).code == 2  # nobody is there to ask
    ran = commands("import", ".omnicore", "--yes", folder=old)
    assert ran.code == 0, ran.err
    assert "1 grants" in ran.err
    data = project_data(old)
    assert (data / "master.key").read_bytes() == b"the key of the vault\n"
    assert not (data / "code").exists()
    assert [path for path in (data, *data.rglob("*")) if path.stat().st_mode & 0o077] == []
    ran = commands("call", "hello.hello", folder=old)
    assert (ran.code, ran.out, "import" in ran.err) == (0, "g", False), ran.err
    assert commands("config", "show", "threads", folder=old).out.endswith("threads\t3\n")
    rows = json.loads(commands("audit", "ls", "-o", "json", folder=old).out)
    assert "import" in json.dumps(rows)
    assert commands("audit", "verify", folder=old).code == 0


def test_a_folder_that_is_used_is_not_replaced(old: Path, commands: Commands) -> None:
    assert commands("plugins", "grant", "hello", folder=old).code == 0
    ran = commands("import", ".omnicore", "--yes", folder=old)
    assert (ran.code, "holds grants already" in ran.err) == (1, True), ran.err
    assert not (project_data(old) / "master.key").exists()


def test_a_host_that_only_started_is_replaced(old: Path, commands: Commands) -> None:
    assert commands("plugins", "ls", folder=old).code == 0
    assert commands("import", ".omnicore", "--yes", folder=old).code == 0
    assert commands("call", "hello.hello", folder=old).out == "g"


def linked(name: str) -> Callable[[Path], None]:
    """Puts a link to another project's file in the place of one."""

    def put(folder: Path) -> None:
        secret = folder.parent.parent / "secret"
        secret.write_bytes((folder / name).read_bytes() if (folder / name).exists() else b"")
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(secret)

    return put


def triggered(folder: Path) -> None:
    """Hides code in the database."""
    folder.chmod(0o700)
    (folder / "omnicore.db").chmod(0o600)
    for path in folder.glob("omnicore.db-*"):
        path.chmod(0o600)
    with closing(open_store(StorageSettings(), folder, check=False)) as store, store.write() as session:
        session.execute("CREATE TRIGGER t AFTER INSERT ON kv BEGIN DELETE FROM audit; END")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (linked("omnicore.db"), "is a symbolic link"),
        (linked("master.key"), "is a symbolic link"),
        (linked("overrides.json"), "is a symbolic link"),
        (triggered, "trigger or view"),
        (lambda folder: (folder / "omnicore.db").write_bytes(b"rubbish" * 1000), "cannot be read"),
        (lambda folder: (folder / "master.key").write_bytes(b"x" * 2**20), "is larger than"),
    ],
    ids=["database", "key", "overrides", "trigger", "rubbish", "large"],
)
def test_what_is_no_plain_state_is_refused(
    old: Path, commands: Commands, spoil: Callable[[Path], None], said: str
) -> None:
    spoil(old / ".omnicore")
    ran = commands("import", ".omnicore", "--yes", folder=old)
    assert (ran.code != 0, said in ran.err) == (True, True), ran.err
    assert not (project_data(old) / "omnicore.db").exists()
    assert not (project_data(old) / "master.key").exists()


@pytest.mark.parametrize("place", ["none", "plugins"])
def test_a_folder_without_state_is_not_found(old: Path, commands: Commands, place: str) -> None:
    assert commands("import", place, "--yes", folder=old).code == 5
