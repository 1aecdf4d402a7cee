"""The vault: what is sealed, what opens it, and what a process killed at any moment leaves."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from omnicore.clock import ManualClock
from omnicore.connectors.master_key import (
    FilePlace,
    GivenPlace,
    KeyringPlace,
    new_key,
    open_sealed,
    read_key,
    seal,
    write_key,
)
from omnicore.connectors.vault import Credentials, Vault
from omnicore.errors import (
    Conflict,
    InvalidInput,
    InvalidSetting,
    NotFound,
    StorageFailed,
    Unavailable,
    WrongMasterKey,
)
from omnicore.records import replace
from omnicore.storage.database import Database
from omnicore.storage.store import Store
from omnicore.storage.tables.connectors import SecretsTable

SECRET = "ghp_Zx81kQpLmN0aRtUvWy"


def vault_of(store: Store, folder: Path) -> Vault:
    folder.mkdir(exist_ok=True)
    return Vault(SecretsTable(store), FilePlace(folder), ManualClock())


def test_a_secret_comes_back_and_its_bytes_are_nowhere_in_the_database(tmp_path: Path) -> None:
    store = Database.open(tmp_path / "x.db")
    vault = vault_of(store, tmp_path / "keys")
    assert vault.set("shop.token", SECRET).version == 1
    assert vault.get("shop.token") == SECRET
    store.close()
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("x.db*"))
    assert SECRET.encode() not in kept
    assert base64.b64encode(SECRET.encode()) not in kept


def test_every_value_is_a_version_and_another_process_reads_the_newest(open_store, tmp_path: Path) -> None:
    one, other = vault_of(open_store(), tmp_path / "keys"), vault_of(open_store(), tmp_path / "keys")
    one.set("a", "first value")
    assert other.set("a", "second value").version == 2
    assert one.get("a") == "second value"
    assert [(info.name, info.version) for info in one.list()] == [("a", 2)]


def test_a_secret_that_is_not_there_is_not_found(store: Store, tmp_path: Path) -> None:
    vault = vault_of(store, tmp_path / "keys")
    with pytest.raises(NotFound, match="holds no a"):
        vault.get("a")
    assert not vault.remove("a")


def test_a_row_cannot_stand_in_for_another_name_or_version(tmp_path: Path) -> None:
    store = Database.open(tmp_path / "x.db")
    vault, table = vault_of(store, tmp_path / "keys"), SecretsTable(store)
    vault.set("mine", "an old value")
    old = table.get("mine")
    vault.set("mine", "a new value")
    vault.set("yours", "somebody else's")
    mine = table.get("mine")
    assert old is not None
    assert mine is not None
    for row in (replace(mine, name="yours"), replace(old, version=2)):
        table.remove(row.name)
        with store.write() as session:
            session.execute(
                "INSERT INTO secrets (name, version, data_key, sealed, changed_at) VALUES (?, ?, ?, ?, ?)",
                (row.name, row.version, row.data_key, row.sealed, row.changed_at),
            )
        with pytest.raises(StorageFailed, match="cannot open"):
            vault.get(row.name)
    store.close()


@pytest.mark.parametrize("at", [0, 1, 12, 13, -1])
def test_one_changed_bit_is_noticed(at: int) -> None:
    key = new_key()
    sealed = bytearray(seal(key, b"secret", about="x"))
    sealed[at] ^= 1
    with pytest.raises(StorageFailed):
        open_sealed(key, bytes(sealed), about="x")
    with pytest.raises(StorageFailed):
        open_sealed(key, b"", about="x")


def test_rotating_the_data_key_seals_everything_anew_and_drops_the_old_key(store: Store, tmp_path: Path) -> None:
    vault, table = vault_of(store, tmp_path / "keys"), SecretsTable(store)
    for number in range(130):
        vault.set(f"s{number:03}", f"value {number}")
    old = table.data_keys()[0]
    before = table.get("s000")
    assert vault.rotate_data_key() == 130
    assert [key.id for key in table.data_keys()] != [old.id]
    assert len(table.data_keys()) == 1
    after = table.get("s000")
    assert before is not None
    assert after is not None
    assert (after.version, after.sealed != before.sealed) == (1, True)
    again = vault_of(store, tmp_path / "keys")
    assert [again.get(f"s{number:03}") for number in (0, 64, 129)] == ["value 0", "value 64", "value 129"]


def test_rotating_the_master_key_keeps_secrets_and_another_process_goes_on(open_store, tmp_path: Path) -> None:
    one, other = vault_of(open_store(), tmp_path / "keys"), vault_of(open_store(), tmp_path / "keys")
    one.set("a", "the value")
    assert other.get("a") == "the value"
    before = (tmp_path / "keys" / "master.key").read_text()
    assert one.rotate_master_key() == 1
    assert (tmp_path / "keys" / "master.key").read_text() != before
    assert not (tmp_path / "keys" / "master.key.next").exists()
    other.set("b", "another")
    assert (one.get("b"), other.get("a")) == ("another", "the value")


def test_the_key_file_is_made_for_its_owner_alone_and_refused_when_others_may_read_it(tmp_path: Path) -> None:
    store = Database.open(tmp_path / "x.db")
    vault_of(store, tmp_path).set("a", "the value")
    file = tmp_path / "master.key"
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o640)
    with pytest.raises(InvalidSetting, match=r"read by others \(mode 0640\); run `chmod 600"):
        vault_of(store, tmp_path).get("a")
    file.unlink()
    with pytest.raises(WrongMasterKey, match=r"master key \w+ that the vault needs is not there"):
        vault_of(store, tmp_path).get("a")
    assert not file.exists(), "a new key would only hide that the old one is lost"
    file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InvalidSetting, match="cannot be read"):
        vault_of(store, tmp_path).get("a")
    store.close()


def test_a_variable_may_hold_the_next_key_before_the_old_one(store: Store) -> None:
    old, fresh = write_key(new_key()), new_key()
    environ = {"OMNICORE_MASTER_KEY": old}
    place = GivenPlace("the variable", lambda: environ["OMNICORE_MASTER_KEY"])
    vault = Vault(SecretsTable(store), place, ManualClock())
    vault.set("a", "the value")
    with pytest.raises(Conflict, match="one key only"):
        vault.rotate_master_key()
    environ["OMNICORE_MASTER_KEY"] = f"{fresh.secret.hex()},{old}"
    assert vault.rotate_master_key() == 1
    environ["OMNICORE_MASTER_KEY"] = write_key(fresh)
    assert Vault(SecretsTable(store), place, ManualClock()).get("a") == "the value"


@pytest.mark.parametrize("text", ["", "short", "!" * 44, "ab" * 33])
def test_a_key_that_is_none_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(InvalidSetting) as caught:
        read_key(text, where="here")
    assert not text or text not in str(caught.value)


def test_the_keyring_keeps_the_key_as_a_file_does(store: Store, tmp_path: Path) -> None:
    ring = RingDouble()
    place = KeyringPlace(FilePlace(tmp_path), ring, "here")
    vault = Vault(SecretsTable(store), place, ManualClock())
    vault.set("a", "the value")
    before = dict(ring.kept)
    assert vault.rotate_master_key() == 1
    assert ring.kept.keys() == before.keys()
    assert ring.kept != before
    assert Vault(SecretsTable(store), place, ManualClock()).get("a") == "the value"


class RingDouble:
    """The three functions of the library keyring."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, name: str) -> str | None:
        return self.kept.get((service, name))

    def set_password(self, service: str, name: str, value: str) -> None:
        self.kept[service, name] = value

    def delete_password(self, service: str, name: str) -> None:
        del self.kept[service, name]


@pytest.mark.parametrize(("name", "value"), [("a b", "x"), ("", "x"), ("a", ""), ("a", "x\0y"), ("a", "x" * 65537)])
def test_names_and_values_that_cannot_be_kept_are_refused(tmp_path: Path, name: str, value: str) -> None:
    store = Database.open(tmp_path / "x.db")
    with pytest.raises(InvalidInput):
        vault_of(store, tmp_path).set(name, value)
    store.close()


# What a process does before it dies is printed by it; the parent kills it at that very statement.
_CHILD = """
import os, signal, sys
from pathlib import Path
from omnicore.clock import SystemClock
from omnicore.connectors.master_key import FilePlace
from omnicore.connectors.vault import Vault
from omnicore.storage.database import Database
from omnicore.storage.tables.connectors import SecretsTable
folder, work, place, count = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
seen = 0
def die(frame, event, argument):
    global seen
    if event == "line" and frame.f_code.co_filename.endswith(tuple(place.split())):
        seen += 1
        if seen == count:
            os.kill(os.getpid(), signal.SIGKILL)
    return die
keeper = Vault(SecretsTable(Database.open(folder / "x.db")), FilePlace(folder), SystemClock())
keeper.get("s0")
sys.settrace(die)
getattr(keeper, work)()
sys.settrace(None)
print("done")
"""


@pytest.mark.parametrize(
    ("work", "place", "counts"),
    [
        ("rotate_master_key", "connectors/vault.py connectors/master_key.py", (24, 50, 75, 100, 125)),
        ("rotate_data_key", "connectors/vault.py", (20, 50)),
        ("rotate_data_key", "tables/connectors.py", (12, 30)),
    ],
)
def test_a_process_killed_in_a_rotation_loses_no_secret(
    tmp_path: Path, work: str, place: str, counts: tuple[int, ...]
) -> None:
    children = []
    for count in counts:
        folder = tmp_path / str(count)
        folder.mkdir()
        store = Database.open(folder / "x.db")
        for number in range(5):
            vault_of(store, folder).set(f"s{number}", f"value {number}")
        store.close()
        arguments = [sys.executable, "-c", _CHILD, str(folder), work, place, str(count)]
        children.append((folder, subprocess.Popen(arguments, stdout=subprocess.PIPE)))
    ends = set()
    for folder, child in children:
        child.communicate(timeout=60)
        ends.add(child.returncode)
        store = Database.open(folder / "x.db")
        vault = vault_of(store, folder)
        assert [vault.get(f"s{number}") for number in range(5)] == [f"value {number}" for number in range(5)]
        vault.recover()
        assert not (folder / "master.key.next").exists()
        vault.set("s9", "afterwards")
        assert vault.rotate_master_key() >= 1
        assert vault.rotate_data_key() == 6
        assert len(SecretsTable(store).data_keys()) == 1
        assert vault_of(store, folder).get("s9") == "afterwards"
        store.close()
    assert -signal.SIGKILL in ends, "none of them died: the counts are too high"


# -- references


@pytest.fixture
def credentials(store: Store, tmp_path: Path) -> Callable[..., Credentials]:
    def make(**environ: str) -> Credentials:
        vault = vault_of(store, tmp_path / "keys")
        vault.set("kept", "from the vault")
        return Credentials(vault, environ, variables=("CONNECTOR_*",), folders=(tmp_path / "run",))

    return make


def test_references_lead_to_the_vault_to_variables_and_to_files(
    credentials: Callable[..., Credentials], tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "token").write_text("from a file\n")
    found = credentials(CONNECTOR_A="from a variable")
    assert found.read("vault:kept") == "from the vault"
    assert found.read("env:CONNECTOR_A") == "from a variable"
    assert found.read(f"file:{tmp_path / 'run' / 'token'}") == "from a file"


def test_references_to_anything_else_of_the_machine_are_refused(
    credentials: Callable[..., Credentials], tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "link").symlink_to("/etc/hostname")
    found = credentials(OMNICORE_MASTER_KEY="the key of all", HOME="/root")
    for reference in ("env:OMNICORE_MASTER_KEY", "env:HOME", "file:/etc/passwd", "file:relative"):
        with pytest.raises(InvalidInput, match="may not be a credential"):
            found.read(reference)
    for path in ("link", "../keys/master.key"):
        with pytest.raises(InvalidInput, match="may not be a credential"):
            found.read(f"file:{tmp_path / 'run' / path}")
    os.mkfifo(tmp_path / "run" / "pipe")
    for reference in (f"file:{tmp_path / 'run' / 'pipe'}", "env:CONNECTOR_NONE", "vault:none"):
        with pytest.raises(Unavailable):
            found.read(reference)
