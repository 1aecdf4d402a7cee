from __future__ import annotations

import asyncio
import os
import socket
import stat
import threading
from pathlib import Path

import pytest

from omnicore.clock import ManualClock
from omnicore.errors import ModuleRejected
from omnicore.plugins.folder import Candidate, Folder


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def folder(tmp_path: Path, clock: ManualClock) -> Folder:
    return Folder(tmp_path / "plugins", now=clock.now, monotonic=clock.monotonic)


def put(folder: Folder, path: str, content: bytes = b"x", *, at: float = 0.0) -> Path:
    file = folder.root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    os.utime(file, (at, at))
    return file


def only(folder: Folder) -> Candidate:
    (candidate,) = folder.list()
    return candidate


def test_a_folder_that_is_not_there_is_made(folder: Folder) -> None:
    assert folder.list() == []
    assert folder.root.is_dir()


def test_modules_are_found_in_the_folder_and_where_their_source_builds_them(folder: Folder) -> None:
    for path in (
        "b.wasm",
        "a.wat",
        "c/dist/c.wasm",
        "c/dist/other.wasm",
        "c/c.wasm",
        "notes.txt",
        ".hidden.wasm",
    ):
        put(folder, path)
    assert [one.path for one in folder.list()] == ["a.wat", "b.wasm", "c/dist/c.wasm"]


def test_a_file_whose_name_is_not_text_is_told_once_and_stops_no_other(
    folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    put(folder, "a.wasm")
    for name in ("\udcff.wasm", "\udcfe/dist/\udcfe.wasm"):
        put(folder, name)
    for _ in range(2):
        assert [one.path for one in folder.list()] == ["a.wasm"]
    assert len(caplog.messages) == 2
    assert "its name is not UTF-8; rename it" in caplog.messages[0]
    assert caplog.messages[0].isascii()


def test_a_sidecar_belongs_to_its_module(folder: Folder) -> None:
    put(folder, "a.wasm")
    put(folder, "a.toml", b"name")
    put(folder, "c/dist/c.wasm")
    put(folder, "c/plugin.toml")
    assert [one.sidecar for one in folder.list()] == ["a.toml", "c/plugin.toml"]
    assert folder.read(folder.list()[0], 100) == (b"x", b"name")


def test_the_signature_changes_with_the_file_and_with_the_sidecar(folder: Folder) -> None:
    file = put(folder, "a.wasm")
    seen = {only(folder).signature}
    put(folder, "a.toml")
    seen.add(only(folder).signature)
    put(folder, "a.toml", b"more")
    seen.add(only(folder).signature)
    file.write_bytes(b"y")
    os.utime(file, (0, 0))  # the size and the time of change are as they were
    seen.add(only(folder).signature)
    assert len(seen) == 4


def test_an_old_file_is_settled_at_once(folder: Folder, clock: ManualClock) -> None:
    put(folder, "a.wasm", at=clock.now() - 3)
    assert folder.settled(only(folder)) == "yes"


def test_a_fresh_file_is_settled_when_a_second_look_finds_it_unchanged(folder: Folder, clock: ManualClock) -> None:
    put(folder, "a.wasm", at=clock.now())
    assert folder.settled(only(folder)) == "soon"
    clock.advance(0.05)
    assert folder.settled(only(folder)) == "soon"
    clock.advance(0.05)
    assert folder.settled(only(folder)) == "yes"


def test_a_file_that_goes_on_changing_is_said_to_be_written(folder: Folder, clock: ManualClock) -> None:
    answers = []
    for size in range(1, 8):
        put(folder, "a.wasm", b"x" * size, at=clock.now())
        answers.append(folder.settled(only(folder)))
        clock.advance(0.2)
    assert answers == ["soon"] * 6 + ["writing"]
    clock.advance(0.2)
    assert folder.settled(only(folder)) == "yes"


def test_what_is_no_plain_file_is_listed_with_the_reason_and_never_opened(folder: Folder, tmp_path: Path) -> None:
    folder.list()
    outside = tmp_path / "outside.wasm"
    outside.write_bytes(b"secret")
    os.mkfifo(folder.root / "pipe.wasm")
    (folder.root / "link.wasm").symlink_to(outside)
    (folder.root / "dangling.wasm").symlink_to(tmp_path / "nowhere")
    put(folder, "fast.cwasm")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(folder.root / "socket.wasm"))
        found = {one.path: one.problem for one in folder.list()}
    assert found == {
        "dangling.wasm": "is a link, which is never followed; copy the file itself",
        "fast.cwasm": "precompiled code is never loaded; drop the .wasm it was made from",
        "link.wasm": "is a link, which is never followed; copy the file itself",
        "pipe.wasm": "is no plain file; put a plain file there",
        "socket.wasm": "is no plain file; put a plain file there",
    }


def test_a_linked_folder_is_not_entered(folder: Folder, tmp_path: Path) -> None:
    folder.list()
    (tmp_path / "real" / "dist").mkdir(parents=True)
    (tmp_path / "real" / "dist" / "real.wasm").write_bytes(b"x")
    (folder.root / "real").symlink_to(tmp_path / "real")
    (folder.root / "half").mkdir()
    (folder.root / "half" / "dist").symlink_to(tmp_path / "real" / "dist")
    assert folder.list() == []


@pytest.mark.parametrize("swap", ["link", "pipe"])
def test_a_file_swapped_after_the_look_is_still_not_followed(folder: Folder, tmp_path: Path, swap: str) -> None:
    file = put(folder, "a.wasm")
    candidate = only(folder)
    file.unlink()
    if swap == "link":
        (tmp_path / "secret").write_bytes(b"s")
        file.symlink_to(tmp_path / "secret")
    else:
        os.mkfifo(file)
    with pytest.raises(ModuleRejected, match="put a plain file there"):
        folder.read(candidate, 100)


def test_a_folder_swapped_for_a_link_after_the_look_is_not_entered(folder: Folder, tmp_path: Path) -> None:
    put(folder, "c/dist/c.wasm")
    candidate = only(folder)
    (folder.root / "c").rename(tmp_path / "c")
    (folder.root / "c").symlink_to(tmp_path / "c")
    with pytest.raises(ModuleRejected, match="cannot be opened"):
        folder.read(candidate, 100)


def test_a_file_over_the_bound_is_refused_without_reading_it(folder: Folder) -> None:
    file = put(folder, "sparse.wasm")
    with file.open("r+b") as opened:
        opened.truncate(1 << 40)
    with pytest.raises(ModuleRejected, match="1099511627776 bytes where 100 are allowed"):
        folder.read(only(folder), 100)
    assert stat.S_ISREG(file.stat().st_mode)


def test_a_file_that_changes_while_it_is_read_is_refused(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    file = put(folder, "a.wasm", b"x" * 100)
    candidate = only(folder)
    fstat = os.fstat
    looks = iter(range(10))

    def busy(descriptor: int) -> os.stat_result:
        if next(looks) == 1:
            file.write_bytes(b"y" * 50)
        return fstat(descriptor)

    monkeypatch.setattr("omnicore.plugins.folder.os.fstat", busy)
    with pytest.raises(ModuleRejected, match="changed while it was read"):
        folder.read(candidate, 1000)


async def _first_change(folder: Folder, act: threading.Event) -> None:
    folder.list()
    changes = folder.changes()
    await anext(changes)  # the first word comes once the watch stands
    act.set()
    async for changed in changes:
        if changed:
            break
    await changes.aclose()


@pytest.mark.parametrize("place", ["new.wasm", "c/dist/c.wasm"])
def test_a_new_file_is_told_of(folder: Folder, place: str) -> None:
    folder.list()
    (folder.root / "c" / "dist").mkdir(parents=True)
    standing = threading.Event()

    def act() -> None:
        standing.wait(60)
        put(folder, place)

    writer = threading.Thread(target=act)
    writer.start()
    asyncio.run(asyncio.wait_for(_first_change(folder, standing), 60))
    writer.join()


def test_a_folder_that_cannot_be_watched_is_looked_at_regularly(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError("no space left for another watch")

    monkeypatch.setattr("omnicore.plugins.folder.awatch", full)

    async def two() -> list[bool]:
        folder.list()
        changes = folder.changes()
        return [await anext(changes), await anext(changes)]

    assert asyncio.run(asyncio.wait_for(two(), 60)) == [True, True]
