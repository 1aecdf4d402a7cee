"""State is its user's alone: modes, owners and links, whatever the umask and whoever made the folder."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from omnicore import Host
from omnicore.config.overrides import read_overrides
from omnicore.config.settings import StorageSettings
from omnicore.errors import StorageFailed
from omnicore.files import check_own, own_file, own_folder
from omnicore.storage.database import open_store
from omnicore.storage.tables.audit import Anchor, HeadFile

NAMES = ("omnicore.db", "omnicore.db-wal", "overrides.json", "audit.head")


@pytest.fixture
def open_umask() -> Iterator[None]:
    """A umask that takes nothing away, as some services run with."""
    before = os.umask(0)
    try:
        yield
    finally:
        os.umask(before)


def started(tmp_path: Path, data: Path) -> None:
    """Starts a host, keeps something of each kind, and stops."""
    (tmp_path / "plugins").mkdir(exist_ok=True)
    with Host(tmp_path / "plugins", data=data, watch=False) as host:
        host.wait(host.memory.store("Ada drinks tea", "semantic"))
        host.connectors.vault.set("note", "a secret")


def touched(data: Path) -> None:
    """Reads and writes each file of a data folder as a host does, in a hundredth of the time."""
    read_overrides(data)
    HeadFile(data).replace(Anchor(1, "0" * 64))
    open_store(StorageSettings(), data, check=False).close()


def loose(folder: Path) -> list[str]:
    """What in a folder others could reach."""
    return [str(path) for path in (folder, *folder.rglob("*")) if path.lstat().st_mode & 0o077]


@pytest.mark.usefixtures("open_umask")
def test_every_folder_is_0700_and_every_file_0600_whatever_the_umask(tmp_path: Path) -> None:
    started(tmp_path, tmp_path / "deep" / "data")
    assert loose(tmp_path / "deep") == []


def test_a_data_folder_that_others_may_enter_is_refused_and_the_remedy_works(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(0o755)
    with pytest.raises(StorageFailed, match="open to other users") as caught:
        started(tmp_path, data)
    assert list(data.iterdir()) == []
    subprocess.run(caught.value.remedy.split("`")[1], shell=True, check=True)
    started(tmp_path, data)
    assert loose(data) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_others_may_read_is_refused_and_the_remedy_works(tmp_path: Path, name: str) -> None:
    data = tmp_path / "data"
    touched(data)
    if not (data / name).exists():
        (data / name).write_text("{}" if name.endswith("json") else "")
    (data / name).chmod(0o640)
    with pytest.raises(StorageFailed, match=f"{name} is open to other users") as caught:
        touched(data)
    subprocess.run(caught.value.remedy.split("`")[1], shell=True, check=True)
    touched(data)


@pytest.mark.parametrize("name", NAMES)
def test_a_link_in_the_place_of_a_file_is_refused(tmp_path: Path, name: str) -> None:
    data = tmp_path / "data"
    touched(data)
    (tmp_path / "elsewhere").write_text("{}")
    (data / name).unlink(missing_ok=True)
    (data / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageFailed, match="symbolic link"):
        touched(data)
    assert (tmp_path / "elsewhere").read_text() == "{}"


def test_a_link_in_the_place_of_the_data_folder_is_refused(tmp_path: Path) -> None:
    touched(tmp_path / "real")
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(StorageFailed, match="symbolic link"):
        touched(tmp_path / "link")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("name", [".", *NAMES])
def test_what_belongs_to_another_user_is_refused(tmp_path: Path, name: str) -> None:
    data = tmp_path / "data"
    touched(data)
    if not (data / name).exists():
        (data / name).write_text("{}")
    os.chown(data / name, 65_534, -1)
    with pytest.raises(StorageFailed, match="belongs to user 65534"):
        touched(data)


@pytest.mark.parametrize("umask", [0, 0o022, 0o077, 0o277, 0o777])
def test_what_is_made_has_its_modes_under_any_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        own_folder(tmp_path / "a" / "b")
        own_file(tmp_path / "a" / "b" / "file")
    finally:
        os.umask(before)
    modes = [path.stat().st_mode & 0o777 for path in (tmp_path / "a", tmp_path / "a" / "b", tmp_path / "a/b/file")]
    assert modes == [0o700, 0o700, 0o600]
    assert check_own(tmp_path / "a" / "b", folder=True)


def test_a_home_folder_that_is_not_there_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "plugins").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file" / "state"))
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFailed, match="--data or OMNICORE_DATA"), Host(watch=False):
        pass
    monkeypatch.setattr("platformdirs.user_state_path", lambda *_, **__: Path("~/.local/state"))  # nobody's home
    with pytest.raises(ValueError, match=r"no home folder.*--data or OMNICORE_DATA"):
        Host(watch=False)
    assert Host(watch=False, data=tmp_path / "data").settings.data == tmp_path / "data"
