"""The master key: where it is kept, which service wraps it, and what a host with another one is told."""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from moto.server import ThreadedMotoServer

from omnicore.clock import ManualClock
from omnicore.config.settings import ConnectorSettings
from omnicore.connectors.master_key import FilePlace, GivenPlace, new_key, place_of, write_key
from omnicore.connectors.service import open_vault
from omnicore.connectors.vault import Vault
from omnicore.errors import Conflict, InvalidSetting, Unavailable, WrongMasterKey
from omnicore.records import replace
from omnicore.storage.database import Database
from omnicore.storage.store import Store
from omnicore.storage.tables.connectors import SecretsTable

TOKEN = "hvs.CAESIJ"


def vault_at(store: Store, place: str, folder: Path, **environ: str) -> Vault:
    """The vault as a host with this setting, folder and environment opens it."""
    folder.mkdir(exist_ok=True)
    settings = ConnectorSettings(master_key=place)
    return open_vault(store, settings, data=folder, environ=environ, clock=ManualClock())


def moved(store: Store, old: str, place: str, folder: Path, **environ: str) -> Vault:
    settings = ConnectorSettings(master_key=place)
    return open_vault(store, settings, data=folder, environ=environ, clock=ManualClock(), moved_from=old)


def test_auto_is_the_variable_where_it_is_set_and_an_unknown_place_is_refused(store: Store, tmp_path: Path) -> None:
    def place(name: str, **environ: str) -> object:
        return place_of(name, data=tmp_path, environ=environ, table=SecretsTable(store), clock=ManualClock())

    assert isinstance(place("auto"), FilePlace)
    assert isinstance(place("auto", OMNICORE_MASTER_KEY="x"), GivenPlace)
    for name in ("elsewhere", "file:relative/key", "aws-kms:", "vault-transit:", "keyring:x"):
        with pytest.raises(InvalidSetting, match="use auto, variable, file"):
            place(name)


def test_a_host_with_another_key_cannot_join_and_the_first_keys_are_kept(open_store: Any, tmp_path: Path) -> None:
    one = vault_at(open_store(), "auto", tmp_path / "a", OMNICORE_MASTER_KEY="11" * 32)
    one.join()
    kept = SecretsTable(open_store()).data_keys()
    vault_at(open_store(), "variable", tmp_path / "b", OMNICORE_MASTER_KEY="11" * 32).join()
    with pytest.raises(WrongMasterKey, match="give this host the key that belongs to the database"):
        vault_at(open_store(), "auto", tmp_path / "c", OMNICORE_MASTER_KEY="22" * 32).join()
    without = vault_at(open_store(), "auto", tmp_path / "d")
    for refused in (without.join, lambda: without.set("x", "the value"), without.rotate_data_key):
        with pytest.raises(WrongMasterKey):
            refused()
    assert not (tmp_path / "d" / "master.key").exists()
    assert SecretsTable(open_store()).data_keys() == kept


def test_a_lost_master_key_is_overcome_by_a_reset(store: Store, tmp_path: Path) -> None:
    vault_at(store, "auto", tmp_path / "a").set("shop.token", "the value")
    other = vault_at(store, "auto", tmp_path / "b")
    with pytest.raises(WrongMasterKey, match="omnicore secrets reset"):
        other.join()
    assert other.reset() == 1
    other.join()
    other.set("shop.token", "set again")
    assert vault_at(store, "auto", tmp_path / "b").get("shop.token") == "set again"


def test_two_hosts_that_begin_at_once_agree_on_one_first_data_key(open_store: Any, tmp_path: Path) -> None:
    vaults = [vault_at(open_store(), "auto", tmp_path / str(n), OMNICORE_MASTER_KEY="11" * 32) for n in range(4)]
    gate = threading.Barrier(len(vaults))

    def begin(vault: Vault) -> None:
        gate.wait()
        vault.join()

    threads = [threading.Thread(target=begin, args=(vault,)) for vault in vaults]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(SecretsTable(open_store()).data_keys()) == 1
    vaults[0].set("a", "the value")
    assert {vault.get("a") for vault in vaults} == {"the value"}


def test_a_file_of_the_operator_is_read_and_one_that_others_may_read_is_refused(store: Store, tmp_path: Path) -> None:
    real, file = tmp_path / "real", tmp_path / "key"
    real.write_text(write_key(new_key()))
    real.chmod(0o440)
    file.symlink_to(real)  # as Kubernetes mounts secrets
    vault_at(store, f"file:{file}", tmp_path / "a").join()
    real.chmod(0o444)
    with pytest.raises(InvalidSetting, match=f"run `chmod 600 {file}`"):
        vault_at(store, f"file:{file}", tmp_path / "a").join()
    file.unlink()
    with pytest.raises(InvalidSetting, match="openssl rand -base64 32"):
        vault_at(store, f"file:{file}", tmp_path / "a").join()
    os.mkfifo(file, 0o600)
    with pytest.raises(InvalidSetting, match="is not a file"):
        vault_at(store, f"file:{file}", tmp_path / "a").join()


# -- services that wrap it


class Transit:
    """A server that answers as the documentation of Vault's transit engine says, in front of one key."""

    def __init__(self) -> None:
        self.sealed = False
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                status, answer = outer.answer(self.path, self.headers.get("x-vault-token"), body)
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                """Tests do not listen."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def answer(self, path: str, token: str | None, body: dict[str, str]) -> tuple[int, Any]:
        self.asked.append(path)
        if self.sealed:
            return 503, {"errors": ["Vault is sealed"]}
        if token != TOKEN:
            return 403, {"errors": ["permission denied"]}
        way, _, name = path.removeprefix("/v1/transit/").partition("/")
        mask = f"vault:v1:{name}:"
        if way == "encrypt":
            return 200, {"data": {"ciphertext": mask + body["plaintext"][::-1], "key_version": 1}}
        if not body["ciphertext"].startswith(mask):
            return 400, {"errors": ["invalid ciphertext: unable to decrypt"]}
        return 200, {"data": {"plaintext": body["ciphertext"].removeprefix(mask)[::-1]}}


@pytest.fixture
def transit() -> Iterator[Transit]:
    with serving() as server:
        yield server


@contextmanager
def serving() -> Iterator[Transit]:
    server = Transit()
    thread = threading.Thread(target=server.server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.server.shutdown()
        thread.join()
        server.server.server_close()


def test_vault_transit_wraps_the_key_and_hosts_without_disk_in_common_have_it(
    open_store: Any, tmp_path: Path, transit: Transit
) -> None:
    environ = {"VAULT_ADDR": transit.url, "VAULT_TOKEN": TOKEN}
    one = vault_at(open_store(), "vault-transit:omnicore", tmp_path / "a", **environ)
    other = vault_at(open_store(), "vault-transit:omnicore", tmp_path / "b", **environ)
    one.join()
    other.join()
    one.set("a", "the value")
    assert other.get("a") == "the value"
    kept = SecretsTable(open_store()).masters("vault-transit:omnicore")
    assert [row.wrapped.startswith(b"vault:v1:omnicore:") for row in kept] == [True]
    assert one.rotate_master_key() == 1
    after = SecretsTable(open_store()).masters("vault-transit:omnicore")
    assert len(after) == 1
    assert after != kept
    assert other.rotate_data_key() == 1
    third = vault_at(open_store(), "vault-transit:omnicore", tmp_path / "c", **environ)
    assert third.get("a") == "the value"
    assert set(transit.asked) == {"/v1/transit/encrypt/omnicore", "/v1/transit/decrypt/omnicore"}


def test_what_vault_refuses_is_told_with_what_to_do(store: Store, tmp_path: Path, transit: Transit) -> None:
    def joins(name: str = "omnicore", **more: str) -> None:
        environ = {"VAULT_ADDR": transit.url, "VAULT_TOKEN": TOKEN, **more}
        vault_at(store, f"vault-transit:{name}", tmp_path / "a", **environ).join()

    with pytest.raises(InvalidSetting, match="VAULT_ADDR and VAULT_TOKEN"):
        joins(VAULT_TOKEN="")
    with pytest.raises(WrongMasterKey, match=r"permission denied.*may encrypt and decrypt"):
        joins(VAULT_TOKEN="hvs.other")
    transit.sealed = True
    with pytest.raises(Unavailable, match="503; check that Vault is unsealed"):
        joins()
    transit.sealed = False
    joins()
    with pytest.raises(WrongMasterKey, match="that the vault needs is not there"):
        joins(name="another")
    transit.server.server_close()
    with pytest.raises(Unavailable, match="check VAULT_ADDR"):
        joins(VAULT_ADDR="http://127.0.0.1:1")


def test_a_vault_that_answers_anything_is_believed_nothing(
    store: Store, tmp_path: Path, transit: Transit, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = {"VAULT_ADDR": transit.url, "VAULT_TOKEN": TOKEN}
    vault_at(store, "vault-transit:omnicore", tmp_path, **environ).join()
    foreign = base64.b64encode(b"x" * 32).decode()
    answers: list[tuple[Any, str]] = [
        ({"data": {"plaintext": foreign}}, "unwraps another key"),
        ({"data": {"plaintext": "!"}}, "no base64"),
        ({"data": {}}, "without plaintext"),
        ([], "without plaintext"),
        ({"data": {"plaintext": "A" * 70_000}}, "an answer over"),
    ]
    for answer, told in answers:
        monkeypatch.setattr(transit, "answer", lambda *_, said=answer: (200, said))
        with pytest.raises(WrongMasterKey, match=told):
            vault_at(store, "vault-transit:omnicore", tmp_path, **environ).join()


@pytest.fixture(scope="module")
def kms() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def test_aws_kms_wraps_the_key_and_a_rotation_keeps_every_secret(
    tmp_path: Path, kms: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import botocore.session

    for name, value in (
        *(("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "never-shown")),
        *(("AWS_ENDPOINT_URL_KMS", kms), ("AWS_EC2_METADATA_DISABLED", "true")),
    ):
        monkeypatch.setenv(name, value)
    client: Any = botocore.session.get_session().create_client("kms", region_name="eu-central-1")
    key = client.create_key()["KeyMetadata"]["Arn"]
    store = Database.open(tmp_path / "x.db")  # what is kept is proven with Vault, on both databases
    one = vault_at(store, f"aws-kms:{key}", tmp_path / "a")
    one.join()
    one.set("a", "the value")
    assert one.rotate_master_key() == 1
    other = vault_at(store, f"aws-kms:{key}", tmp_path / "b")
    other.join()
    assert other.get("a") == "the value"
    with urlopen(f"{kms}/moto-api/reset", data=b""):  # the key is deleted
        pass
    with pytest.raises(WrongMasterKey, match="NotFoundException"):
        vault_at(store, f"aws-kms:{key}", tmp_path / "c").join()
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:1")
    with pytest.raises(Unavailable, match="AWS KMS cannot be asked"):
        vault_at(store, f"aws-kms:{key}", tmp_path / "c").join()
    store.close()


def test_a_key_moves_from_a_file_to_a_service(open_store: Any, tmp_path: Path, transit: Transit) -> None:
    environ = {"VAULT_ADDR": transit.url, "VAULT_TOKEN": TOKEN}
    folder = tmp_path / "a"
    vault_at(open_store(), "auto", folder).set("a", "the value")
    with pytest.raises(WrongMasterKey):
        vault_at(open_store(), "vault-transit:omnicore", folder, **environ).join()
    way = moved(open_store(), "file", "vault-transit:omnicore", folder, **environ)
    assert way.rotate_master_key() == 1
    fresh = vault_at(open_store(), "vault-transit:omnicore", tmp_path / "b", **environ)
    fresh.join()
    assert fresh.get("a") == "the value"
    with pytest.raises(WrongMasterKey):
        vault_at(open_store(), "file", folder).join()


def test_a_master_key_that_a_rotation_elsewhere_dropped_wraps_nothing_new(
    open_store: Any, tmp_path: Path, transit: Transit
) -> None:
    environ = {"VAULT_ADDR": transit.url, "VAULT_TOKEN": TOKEN}
    vault = vault_at(open_store(), "vault-transit:omnicore", tmp_path, **environ)
    vault.set("a", "the value")
    table = SecretsTable(open_store())
    old = table.data_keys()[0]
    vault.rotate_master_key()
    assert not table.add_key(replace(old, id="key_other"), retire_others=True, stored=True)
    assert not table.rewrap([old], stored=True)
    with pytest.raises(Conflict, match="another rotation"):
        slow_rotation(vault_at(open_store(), "vault-transit:omnicore", tmp_path, **environ), vault)
    assert vault_at(open_store(), "vault-transit:omnicore", tmp_path, **environ).get("a") == "the value"


def slow_rotation(slow: Vault, fast: Vault) -> None:
    """`slow` wraps a new data key by the master key that it read before `fast` changed it."""
    place: Any = slow._place
    old = place.held()
    fast.rotate_master_key()
    place.held = lambda: old
    slow._keys = dict(fast._keys)
    slow.rotate_data_key()
