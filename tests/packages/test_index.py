"""Signed indexes over a real web server: a mirror can neither change, nor roll back, nor freeze one."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import http.client
import shutil
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.packages.packs import package

from omnicore.cli.index import read_advisories
from omnicore.clock import ManualClock
from omnicore.connectors.transfers import TransferRules
from omnicore.errors import (
    Conflict,
    InvalidInput,
    InvalidSetting,
    NotFound,
    PackageRejected,
    StorageFailed,
    Unavailable,
)
from omnicore.packages.index import (
    MOST_VERSIONS,
    IndexAddress,
    IndexAdvisory,
    IndexEntry,
    Indexes,
    IndexFolder,
    IndexKeys,
    IndexVersion,
    PluginIndex,
    entry_with,
    matching,
    read_address,
)
from omnicore.packages.keys import SecretKey
from omnicore.records import replace

DAY_S = 86_400.0


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """A web server of the folder `mirror`."""
    (tmp_path / "mirror").mkdir(exist_ok=True)
    handler = partial(_Quiet, directory=str(tmp_path / "mirror"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def fetch(url: str, most: int) -> bytes:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    try:
        connection.request("GET", parts.path)
        answer = connection.getresponse()
        data = answer.read(most + 1)
    finally:
        connection.close()
    if answer.status != 200:
        raise NotFound(f"{url} answered {answer.status}")
    assert len(data) <= most
    return data


def entry(name: str, *versions: str, **more: object) -> IndexEntry:
    made = tuple(
        IndexVersion(
            version,
            f"sha256:{hashlib.sha256(version.encode()).hexdigest()}",
            f"packages/{name}-{version}.omni",
            size_bytes=10,
            module_sha256="0" * 64,
            capabilities=({"name": "http", "scope": {}, "reason": "asks"},),
            functions=("greet",),
        )
        for version in versions
    )
    return IndexEntry(name, made, **more)  # type: ignore[arg-type]


class Owner:
    """Somebody who makes an index into the folder `index` and copies it to `mirror`."""

    def __init__(self, tmp_path: Path, clock: ManualClock) -> None:
        self.folder, self.mirror, self.clock = tmp_path / "index", tmp_path / "mirror", clock
        self.root, self.online = SecretKey.new(), SecretKey.new()
        self.keys = IndexKeys(self.online, self.root)
        self.digest = ""

    def make(self, *entries: IndexEntry, days: float = 7.0) -> None:
        index = IndexFolder(self.folder, self.keys, clock=self.clock, days=days)
        known = index.entries()
        new = {
            version.file: f"package {version.file}".encode()
            for one in entries
            for version in one.versions
            if one.name not in known or version not in known[one.name].versions
        }
        self.digest = index.write({**known, **{one.name: one for one in entries}}, new)

    def publish(self) -> None:
        shutil.rmtree(self.mirror, ignore_errors=True)
        shutil.copytree(self.folder, self.mirror)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def owner(tmp_path: Path, clock: ManualClock) -> Owner:
    made = Owner(tmp_path, clock)
    made.make(entry("greet", "1.0.0"), entry("text", "2.0.0", description="counts words"))
    made.publish()
    return made


@pytest.fixture
def reader(owner: Owner, served: str, tmp_path: Path, clock: ManualClock) -> Callable[[], PluginIndex]:
    """Opens the index as a host does, each time with what it remembers."""
    (tmp_path / "state").mkdir(mode=0o700)
    return lambda: PluginIndex(IndexAddress("own", served, owner.digest), tmp_path / "state", fetch=fetch, clock=clock)


def test_an_index_is_searched_and_gives_packages(reader: Callable[[], PluginIndex]) -> None:
    index = reader()
    assert [one.name for one in index.entries()] == ["greet", "text"]
    assert [one.name for one in matching(index.entries(), ["count"])] == ["text"]
    assert [one.name for one in matching(index.entries(), ["HTTP", "greet"])] == ["greet", "text"]
    version = index.entry("greet").version()
    assert index.package(version) == b"package packages/greet-1.0.0.omni"
    with pytest.raises(NotFound):
        index.entry("nobody")
    with pytest.raises(NotFound):
        index.entry("../../metadata/root")


def test_a_newer_index_is_followed(reader: Callable[[], PluginIndex], owner: Owner) -> None:
    reader().refresh()
    owner.make(entry("greet", "1.1.0", "1.0.0"))
    owner.publish()
    assert reader().entry("greet").version().version == "1.1.0"
    assert reader().entry("greet").version("1.0.0").version == "1.0.0"


def test_a_frozen_index_is_noticed(reader: Callable[[], PluginIndex], owner: Owner, clock: ManualClock) -> None:
    reader().refresh()
    clock.advance(8 * DAY_S)
    with pytest.raises(PackageRejected, match="index own is frozen") as refused:
        reader().refresh()
    assert refused.value.details["fault"] == "frozen"
    owner.make()  # its owner goes on
    owner.publish()
    reader().refresh()


def test_an_index_that_was_rolled_back_is_noticed(
    reader: Callable[[], PluginIndex], owner: Owner, tmp_path: Path
) -> None:
    shutil.copytree(owner.folder, tmp_path / "old")
    owner.make(entry("greet", "1.1.0", "1.0.0"))
    owner.publish()
    reader().refresh()
    shutil.rmtree(owner.mirror)
    shutil.copytree(tmp_path / "old", owner.mirror)
    with pytest.raises(PackageRejected, match="rolled back") as refused:
        reader().refresh()
    assert refused.value.details["fault"] == "rolled-back"


def test_one_changed_byte_in_any_file_is_refused(
    reader: Callable[[], PluginIndex], owner: Owner, tmp_path: Path
) -> None:
    def read() -> None:
        index = reader()
        index.entries()
        index.package(index.entry("greet").version())

    files = [one for one in sorted(owner.mirror.rglob("*")) if one.is_file() and "text" not in one.name]
    assert len(files) == 7
    for file in files:
        whole = file.read_bytes()
        for at in (len(whole) // 3, len(whole) // 2, len(whole) - 2):
            shutil.rmtree(tmp_path / "state")
            (tmp_path / "state").mkdir(mode=0o700)
            file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            with pytest.raises(PackageRejected) as refused:
                read()
            assert refused.value.details["fault"] in ("digest", "signature", "content"), file
        file.write_bytes(whole)
    read()


def test_an_index_of_another_owner_is_refused(
    reader: Callable[[], PluginIndex], owner: Owner, tmp_path: Path, clock: ManualClock
) -> None:
    reader().refresh()
    other = Owner(tmp_path / "other", clock)
    other.mirror = owner.mirror
    other.make(entry("greet", "9.0.0"))
    other.publish()
    with pytest.raises(PackageRejected):
        reader().refresh()
    shutil.rmtree(tmp_path / "state")
    (tmp_path / "state").mkdir(mode=0o700)
    with pytest.raises(PackageRejected, match="another first root"):
        reader().refresh()


def test_files_of_a_later_index_do_not_fit_an_earlier_one(
    reader: Callable[[], PluginIndex], owner: Owner, tmp_path: Path
) -> None:
    """Mix and match: the snapshot says which lists belong together."""
    old = (owner.mirror / "metadata" / "1.targets.json").read_bytes()
    owner.make(entry("greet", "1.1.0", "1.0.0"))
    owner.publish()
    (owner.mirror / "metadata" / "2.targets.json").write_bytes(old)
    with pytest.raises(PackageRejected):
        reader().refresh()


def test_keys_of_an_index_change_with_its_root_key_only(reader: Callable[[], PluginIndex], owner: Owner) -> None:
    reader().refresh()
    thief = SecretKey.new()
    owner.keys = IndexKeys(thief)
    with pytest.raises(Conflict, match="root key"):
        owner.make()
    owner.keys = IndexKeys(thief, thief)
    with pytest.raises(Conflict, match="root key"):
        owner.make()
    newer = SecretKey.new()
    owner.keys = IndexKeys(newer, owner.root)
    owner.make(entry("greet", "1.1.0", "1.0.0"))
    owner.keys = IndexKeys(newer, SecretKey.new(), owner.root)
    owner.make()
    owner.publish()
    assert reader().entry("greet").version().version == "1.1.0"


def test_an_owner_whose_disk_is_full_keeps_the_index_that_was(
    reader: Callable[[], PluginIndex], owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("omnicore.plugins.folder.os.fsync", full)
    with pytest.raises(StorageFailed, match="No space left"):
        owner.make(entry("greet", "1.1.0", "1.0.0"))
    monkeypatch.undo()
    owner.publish()
    assert reader().entry("greet").version().version == "1.0.0"
    owner.make(entry("greet", "1.1.0", "1.0.0"))
    owner.publish()
    assert reader().entry("greet").version().version == "1.1.0"


def test_an_index_that_grows_stays_one_that_hosts_read(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    many = entry("echo", *(f"1.0.{number}" for number in range(MOST_VERSIONS)))
    grown = entry_with(many, package("1.2.0"), publishers=(), added_at=0.0)
    assert (len(grown.versions), grown.versions[0].version) == (MOST_VERSIONS, "1.2.0")
    with pytest.raises(Conflict, match="1000 newer versions"):
        entry_with(many, package("0.9.0"), publishers=(), added_at=0.0)
    monkeypatch.setattr("omnicore.packages.index.MOST_DOCUMENT", 4000)
    with pytest.raises(Conflict, match=r"names/greet\.json would have"):
        owner.make(entry("greet", *(f"1.0.{number}" for number in range(20))))


def test_a_version_is_never_replaced(owner: Owner) -> None:
    index = IndexFolder(owner.folder, owner.keys, clock=owner.clock)
    with pytest.raises(Conflict, match="other bytes"):
        index.write(index.entries(), {"packages/greet-1.0.0.omni": b"other"})


def test_a_revoked_version_is_not_the_newest(reader: Callable[[], PluginIndex], owner: Owner) -> None:
    advisory = IndexAdvisory("A-1", "greet", (">=1.1.0 <1.2.0",), "high", "leaks", revoked=True)
    owner.make(entry("greet", "1.1.0", "1.0.0", advisories=(advisory,)))
    owner.publish()
    found = reader().entry("greet")
    assert found.version().version == "1.0.0"
    assert [one.id for one in found.known("1.1.0")] == ["A-1"]
    with pytest.raises(NotFound, match=r"no version 3\.0\.0 of greet"):
        found.version("3.0.0")


@pytest.mark.parametrize(
    "text", ["", "own", "own=https://x", "own=https://x#sha256=00", "O wn=https://x#sha256=" + "0" * 64]
)
def test_an_address_without_the_digest_of_its_root_is_refused(text: str) -> None:
    with pytest.raises(InvalidSetting):
        read_address(text)


def test_files_that_were_read_take_a_bounded_room(
    reader: Callable[[], PluginIndex], owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omnicore.packages.index.MOST_KEPT_FILES", 3)
    versions = tuple(f"1.0.{number}" for number in range(8))
    owner.make(entry("greet", *versions))
    owner.publish()
    index = reader()
    for version in index.entry("greet").versions:
        assert index.package(version) == f"package {version.file}".encode()
    assert len(list((index.state / "targets").iterdir())) == 3
    long = replace(index.entry("greet").versions[0], file="packages/" + "y/" * 90 + "z")
    owner.make(IndexEntry("greet", (long,)))
    owner.publish()
    index = reader()
    with pytest.raises(StorageFailed, match="File name too long"):
        index.package(index.entry("greet").versions[0])


def test_an_advisory_whose_range_cannot_be_read_is_refused_before_it_is_signed() -> None:
    with pytest.raises(InvalidInput, match="affected"):
        read_advisories(b'[[advisory]]\nid = "A-1"\nplugin = "greet"\naffected = [">= 1.0.0"]\n')


async def test_a_reader_who_leaves_lets_nobody_in_before_its_thread_ends(owner: Owner, tmp_path: Path) -> None:
    found = Indexes(
        [f"own={owner.folder}#sha256={owner.digest}"], tmp_path / "state", rules=TransferRules, clock=owner.clock
    )
    begun, goes_on, ended = threading.Event(), threading.Event(), list[str]()

    def work(index: PluginIndex) -> None:
        begun.set()
        goes_on.wait()
        ended.append("first")

    reading = asyncio.create_task(found.read(found.addresses[0], work))
    await asyncio.to_thread(begun.wait)
    reading.cancel()
    asyncio.get_running_loop().call_later(0.05, goes_on.set)
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert ended == ["first"]


async def test_an_index_that_does_not_answer_leaves_its_names_to_no_other(owner: Owner, tmp_path: Path) -> None:
    away, there = f"away={tmp_path}/gone#sha256={'0' * 64}", f"own={owner.folder}#sha256={owner.digest}"
    state, clock = tmp_path / "state", owner.clock
    found = await Indexes([there, away], state, rules=TransferRules, clock=clock).find("greet")
    assert found.index == "own"
    with pytest.raises(Unavailable, match="the index away cannot be read"):
        await Indexes([away, there], state, rules=TransferRules, clock=clock).find("greet")


def test_a_document_that_is_signed_and_wrong_is_refused(reader: Callable[[], PluginIndex], owner: Owner) -> None:
    owner.make(IndexEntry("greet", ()))
    owner.publish()
    with pytest.raises(InvalidInput, match="versions"):
        reader().entry("greet")
