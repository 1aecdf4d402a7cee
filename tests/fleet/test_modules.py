"""Modules that hosts share through S3 or the object store of NATS: kept, fetched, checked; and a place that is away."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.session import Session
from moto.server import ThreadedMotoServer
from tests.fleet.cluster import Cluster, until
from tests.packages.registries import PASSWORD, USER, RegistryServer, registry_server
from tests.plugins.guests import ECHO
from tests.services.conftest import Servers

from omnicore.assembly import Host
from omnicore.config.loader import load_settings
from omnicore.config.settings import ModuleSettings, PackageSettings, Settings, StorageSettings
from omnicore.connectors.aws import S3Modules
from omnicore.errors import InvalidSetting, StorageFailed, Unavailable
from omnicore.fleet.objects import NatsModules
from omnicore.packages.source import RegistryModules
from omnicore.storage.database import open_store
from omnicore.storage.modules import DatabaseModules, ModulePlace, ModuleStore
from omnicore.storage.store import Store

MODULE = b"a module" * 40_000
DIGEST = hashlib.sha256(MODULE).hexdigest()
BUCKET = "modules"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The endpoint of a server that behaves like S3."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty bucket, for which this process has credentials."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "never-shown")
    httpx.post(f"{s3}/moto-api/reset")
    _client(s3).create_bucket(Bucket=BUCKET)
    return f"s3://{BUCKET}/a/fleet?endpoint={s3}"


@pytest.fixture
def shared(postgresql_url: str) -> Iterator[Store]:
    """An empty PostgreSQL database."""
    store = open_store(StorageSettings(url=postgresql_url), Path())
    yield store
    store.close()


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RegistryServer, Path]]:
    """A registry with TLS and a user, which deletes; and the folder that it keeps all in."""
    folder = tmp_path_factory.mktemp("registry")
    with registry_server(folder, guarded=True, deletes=True) as server:
        yield server, folder / "store"


def of_registry(server: RegistryServer, name: str, password: str = PASSWORD) -> RegistryModules:
    login = f"{USER}:{password}@{server.host}"
    settings = PackageSettings(credentials=(login,) if server.ca_file else (), ca_file=server.ca_file)
    return RegistryModules(f"oci://{server.host}/fleet/{name}", settings, {"HOME": "/nowhere"})


@pytest.fixture(params=["s3", "nats", "oci"])
def place(request: Any, servers: Servers, tmp_path: Path) -> Iterator[ModulePlace]:
    """An empty place of each kind."""
    made: ModulePlace
    name = f"modules-{hashlib.sha256(str(tmp_path).encode()).hexdigest()[:8]}"
    if request.param == "s3":
        made = S3Modules(request.getfixturevalue("bucket"))
    elif request.param == "oci":
        made = of_registry(request.getfixturevalue("registry")[0], name)
    else:
        made = NatsModules(f"{servers('nats').url}?bucket={name}", None)
    yield made
    made.close()


def _client(endpoint: str) -> Any:
    keys = {"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key": "never-shown"}
    return Session().create_client("s3", region_name="us-east-1", endpoint_url=endpoint, **keys)


@pytest.mark.services
def test_a_module_is_kept_found_fetched_and_deleted(place: ModulePlace) -> None:
    place.check()
    assert place.get(DIGEST, 10**6) is None
    assert not place.has(DIGEST)
    place.put(DIGEST, MODULE)
    place.put(DIGEST, MODULE)
    assert place.has(DIGEST)
    assert place.get(DIGEST, 10**6) == MODULE
    place.delete(DIGEST)
    place.delete(DIGEST)
    assert place.get(DIGEST, 10**6) is None


@pytest.mark.services
def test_a_host_fetches_what_another_stored_and_keeps_it(place: ModulePlace, tmp_path: Path) -> None:
    one, other = (ModuleStore(tmp_path / name, place=place) for name in "ab")
    digest = one.put(MODULE)
    assert digest not in other.kept()
    assert other.get(digest) == MODULE
    assert digest in other.kept()
    place.delete(digest)
    assert other.get(digest) == MODULE


@pytest.mark.services
def test_many_ask_at_once_when_a_host_starts(place: ModulePlace) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: place.get(DIGEST, 10**6), range(8))) == [None] * 8
        place.put(DIGEST, MODULE)
        assert list(pool.map(lambda _: place.get(DIGEST, 10**6), range(8))) == [MODULE] * 8


@pytest.mark.services
@pytest.mark.parametrize("place", ["s3", "nats"], indirect=True)
def test_what_was_altered_there_is_not_given_out_until_it_is_stored_again(place: ModulePlace, tmp_path: Path) -> None:
    store = ModuleStore(tmp_path / "a", place=place)
    place.put(DIGEST, MODULE.upper())
    with pytest.raises(StorageFailed, match="was altered; install that version again"):
        store.get(DIGEST)
    assert DIGEST not in store.kept()
    assert store.put(MODULE) == DIGEST
    assert ModuleStore(tmp_path / "b", place=place).get(DIGEST) == MODULE


@pytest.mark.services
def test_a_registry_that_gives_other_bytes_or_takes_no_credentials_is_refused(
    registry: tuple[RegistryServer, Path], tmp_path: Path
) -> None:
    server, folder = registry
    place = of_registry(server, "altered")
    place.put(DIGEST, MODULE)
    blob = next(folder.glob(f"**/blobs/sha256/*/{DIGEST}/data"))
    blob.write_bytes(MODULE.upper())
    with pytest.raises(StorageFailed, match=r"has the digest sha256:.* nothing of that module runs until then"):
        ModuleStore(tmp_path / "a", place=place).get(DIGEST)
    blob.write_bytes(MODULE)
    place.put("1" * 64, MODULE)
    with pytest.raises(StorageFailed, match="is the tag of something else"):
        place.get("1" * 64, 10**6)
    place.close()
    stranger = of_registry(server, "altered", "wrong")
    for ask in (stranger.check, lambda: stranger.put(DIGEST, MODULE), lambda: stranger.get(DIGEST, 10**6)):
        with pytest.raises(StorageFailed, match=r"refuses this host: .*set packages\.credentials") as caught:
            ask()
        assert "wrong" not in str(caught.value)
    stranger.close()


@pytest.mark.services
def test_a_host_stores_its_modules_in_a_registry_which_may_delete_nothing(tmp_path: Path) -> None:
    with registry_server(tmp_path) as server:
        place = of_registry(server, "kept")
        store = ModuleSettings(store=place.shown)
        settings = Settings(plugins=tmp_path / "plugins", data=tmp_path / "data", watch=False, modules=store)
        with Host(settings=settings) as host:
            digest = host.plugins.install("echo.wat", ECHO.encode()).hash
        stored = place.get(digest, 10**6)
        assert stored is not None
        assert hashlib.sha256(stored).hexdigest() == digest
        place.delete(digest)
        assert place.has(digest)
        place.close()


@pytest.mark.services
def test_what_is_longer_than_any_module_is_not_read(place: ModulePlace, tmp_path: Path) -> None:
    place.put(DIGEST, MODULE)
    with pytest.raises(StorageFailed, match=r"more than 1000 bytes .* delete that object"):
        ModuleStore(tmp_path, place=place, most=1000).get(DIGEST)


@pytest.mark.services
def test_a_module_goes_once_it_was_unused_for_ten_minutes(place: ModulePlace, tmp_path: Path) -> None:
    now = [0.0]
    store = ModuleStore(tmp_path, place=place, monotonic=lambda: now[0])
    store.put(MODULE)
    assert store.keep_only(set()) == 0
    assert place.has(DIGEST)
    now[0] = 601.0
    assert store.keep_only({DIGEST}) == 0
    assert store.keep_only(set()) == 0
    now[0] = 1202.0
    assert store.keep_only(set()) == 1
    assert not place.has(DIGEST)


@pytest.mark.parametrize("scheme", ["nats", "oci"])
def test_closing_ends_the_questions_that_wait(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor(1) as pool:
        place = place_of(f"{scheme}://127.0.0.1:{silent.getsockname()[1]}{'/x' if scheme == 'oci' else ''}")
        question = pool.submit(place.check)
        with silent.accept()[0] as peer:
            peer.settimeout(30)
            if scheme == "oci":
                peer.recv(1)  # TLS has begun
            place.close()
            with pytest.raises(Unavailable, match="the host closes"):
                question.result(30)
            while peer.recv(1000):  # until its connection is closed too
                pass
        with pytest.raises(Unavailable, match="the host closes"):
            place.has(DIGEST)


def place_of(url: str) -> ModulePlace:
    if url.startswith("oci"):
        return RegistryModules(url, PackageSettings(), {"HOME": "/nowhere"})
    return S3Modules(url) if url.startswith("s3") else NatsModules(url, None)


@pytest.mark.parametrize(
    "url",
    ["s3://modules?endpoint=http://127.0.0.1:1&region=here", "nats://127.0.0.1:1", "oci://127.0.0.1:1/modules"],
)
def test_a_place_that_is_away_is_said_and_left_alone_for_a_moment(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "some")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "some")
    now = [0.0]
    away = place_of(url)
    store = ModuleStore(tmp_path, place=away, monotonic=lambda: now[0])
    with pytest.raises(Unavailable, match=r"cannot be reached.*check modules\.store"):
        store.put(MODULE)
    with pytest.raises(Unavailable, match="cannot be shared now"):
        store.put(MODULE)
    assert store.get(DIGEST) == MODULE, "what is here goes on"
    assert "cannot be reached" in store.look()
    now[0] = 3.0
    with pytest.raises(Unavailable, match="cannot be reached"):
        store.get("0" * 64)
    assert store.missing == 1
    away.close()


@pytest.mark.parametrize(
    ("url", "fact"),
    [
        ("s3:///prefix", "names no bucket"),
        ("s3://key:secret@bucket", "names no bucket"),
        ("s3://bucket?secret=x", "'secret' after the"),
        ("nats://", "names no servers"),
        ("nats://h:1?replicas=2", "wrong number of replicas"),
        ("nats://h:1?credentials=/nowhere", "modules.store names a file that is not there"),
        ("oci://h.example", "names no repository"),
        ("oci://h.example/modules:1", "names no repository"),
        ("oci://key:secret@h.example/modules", "names no repository"),
    ],
)
def test_a_setting_that_names_no_place_is_refused_with_the_remedy(url: str, fact: str) -> None:
    with pytest.raises(InvalidSetting, match=fact) as caught:
        place_of(url)
    assert "secret@" not in str(caught.value)
    assert caught.value.details["setting"] == "modules.store"
    assert caught.value.remedy


def test_a_folder_may_not_say_where_modules_come_from(tmp_path: Path) -> None:
    (tmp_path / "omnicore.toml").write_text('[modules]\nstore = "s3://elsewhere"\n')
    found = load_settings(None, {}, {}, folder=tmp_path)
    assert found.settings.modules.store is None
    assert [one.name for one in found.ignored] == ["modules.store"]


def test_a_bucket_that_is_not_there_or_not_allowed_is_refused(bucket: str) -> None:
    missing = S3Modules(bucket.replace(BUCKET, "elsewhere"))
    for ask in (missing.check, lambda: missing.put(DIGEST, MODULE), lambda: missing.get(DIGEST, 100)):
        with pytest.raises(StorageFailed, match="refuses this host: NoSuchBucket; make the bucket"):
            ask()
    missing.close()


def test_credentials_come_from_the_file_that_the_setting_names(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    nobody = S3Modules(bucket)
    with pytest.raises(Unavailable, match="NoCredentialsError"):
        nobody.check()
    file = tmp_path / "keys"
    file.write_text("[default]\naws_access_key_id = some\naws_secret_access_key = other\n")
    given = S3Modules(f"{bucket}&credentials={file}")
    given.check()
    given.close()


def test_modules_that_were_in_the_database_before_are_fetched_and_moved(
    shared: Store, bucket: str, tmp_path: Path
) -> None:
    ModuleStore(tmp_path / "a", shared).put(MODULE)
    place = S3Modules(bucket)
    after = ModuleStore(tmp_path / "b", shared, place=place)
    assert after.get(DIGEST) == MODULE
    assert place.get(DIGEST, 10**6) == MODULE
    place.delete(DIGEST)
    after.share_all({DIGEST})
    assert place.has(DIGEST)
    place.close()


def test_the_database_is_such_a_place_too(shared: Store) -> None:
    place: ModulePlace = DatabaseModules(shared)
    test_a_module_is_kept_found_fetched_and_deleted(place)
    place.put(DIGEST, MODULE)
    with pytest.raises(StorageFailed, match="more than 1000 bytes"):
        place.get(DIGEST, 1000)


@pytest.mark.services
def test_hosts_share_modules_through_a_bucket_and_those_that_have_them_go_on_without_it(
    cluster: Cluster, bucket: str, s3: str
) -> None:
    keys = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "never-shown")
    a, b = (cluster.add(name, modules__store=bucket, health__interval_s="1") for name in "ab")
    a.drop("text")
    for one in (a, b):
        one.environment |= keys
        one.start()
    until(lambda: b.call("text", "count_vowels", "hello").is_success, "b serves what lies in a's folder", within_s=30)
    (stored,) = _client(s3).list_objects_v2(Bucket=BUCKET, Prefix="a/fleet/")["Contents"]
    assert stored["Key"] == f"a/fleet/{a.get('/plugins/text')['hash']}.wasm"
    nowhere = "http://127.0.0.1:1"
    for one in (a, b):
        one.stop()
        one.environment["OMNICORE_MODULES__STORE"] = f"s3://{BUCKET}/a/fleet?endpoint={nowhere}"
    b.start()
    assert b.call("text", "count_vowels", "hello").json() == {"count": 2}
    until(lambda: "degraded" in b.http.get("/readyz").json(), "it says that modules cannot be fetched", within_s=30)
    assert b.http.get("/readyz").status_code == 200
    assert nowhere not in b.http.get("/readyz").text
    assert "cannot be reached" in b.get("/health")["subsystems"]["modules"]["reason"]

    late = cluster.add("late", modules__store=b.environment["OMNICORE_MODULES__STORE"], health__interval_s="1")
    late.environment |= keys
    late.start()
    assert late.call("text", "count_vowels", "hello").status_code == 503
    until(lambda: not late.ready(), "a host without a module that it needs is not ready", within_s=30)
    assert "cannot be fetched" in late.http.get("/readyz").text
    late.stop()
    late.environment["OMNICORE_MODULES__STORE"] = bucket
    late.start()
    until(lambda: late.call("text", "count_vowels", "hello").is_success, "it fetches what is there", within_s=30)
    assert late.http.get("/readyz").json() == {"status": "ok"}
