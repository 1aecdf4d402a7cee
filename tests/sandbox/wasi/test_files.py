"""Descriptors of files and directories: what a C library does with them, and the counts that bound it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.sandbox.wasi.driver import CREATE, DIRECTORY, EXCLUSIVE, READ, TRUNCATE, WRITE, Guest

from omnicore.errors import InvalidSetting
from omnicore.sandbox.abi import KIB, MIB, WasiGrant
from omnicore.sandbox.wasi.preview1 import (
    BADF,
    EXIST,
    INVAL,
    ISDIR,
    NAMETOOLONG,
    NFILE,
    NOENT,
    NOSPC,
    NOTCAPABLE,
    NOTDIR,
    NOTEMPTY,
    NOTSUP,
    SPIPE,
)
from omnicore.sandbox.wasi.session import WasiSession

OUT, DATA = 24576, 32768
SECOND = 10**9


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[Guest]:
    with Guest(WasiGrant(preopens=((str(tmp_path), "/data", True),), max_disk_bytes=MIB)) as made:
        yield made


def open_host_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_preopens_are_announced_in_order(tmp_path: Path) -> None:
    preopens = ((str(tmp_path), "/data", True), (str(tmp_path), ".", False))
    with Guest(WasiGrant(preopens=preopens)) as guest:
        for fd, name in ((3, b"/data"), (4, b".")):
            assert guest.fd_prestat_get(fd, OUT) == 0
            assert (guest.u32(OUT), guest.u32(OUT + 4)) == (0, len(name))
            assert guest.fd_prestat_dir_name(fd, DATA, len(name)) == 0
            assert guest.peek(DATA, len(name)) == name
        assert guest.fd_prestat_dir_name(3, DATA, 2) == NAMETOOLONG
        assert guest.fd_prestat_get(5, OUT) == BADF
        assert guest.fd_prestat_get(1, OUT) == BADF


def test_a_preopen_that_is_not_there_is_a_settings_error_and_leaks_nothing(tmp_path: Path) -> None:
    before = open_host_files()
    grant = WasiGrant(preopens=((str(tmp_path), "/a", True), (str(tmp_path / "none"), "/b", True)))
    with pytest.raises(InvalidSetting, match="none"):
        WasiSession(grant, output_limit=1)
    assert open_host_files() <= before  # files of earlier tests may be freed meanwhile


def test_what_is_written_can_be_read_back_at_any_offset(guest: Guest, tmp_path: Path) -> None:
    error, fd = guest.open("a", opening=CREATE, rights=READ | WRITE)
    assert error == 0
    assert guest.write(fd, b"hello world") == (0, 11)
    assert (tmp_path / "a").read_bytes() == b"hello world"
    assert guest.seek(fd, 0) == (0, 0)
    assert guest.read(fd, 5) == (0, b"hello")
    assert guest.fd_tell(fd, OUT) == 0
    assert guest.u64() == 5
    assert guest.seek(fd, -5, 2) == (0, 6)
    assert guest.read(fd) == (0, b"world")
    assert guest.read(fd) == (0, b"")
    assert guest.seek(fd, -100, 1)[0] == INVAL
    assert guest.seek(fd, 0, 3)[0] == INVAL
    assert guest.fd_pread(fd, *guest.spans(2, 3), 6, OUT) == 0
    assert guest.peek(DATA, guest.u32()) == b"world"
    guest.poke(DATA, b"HW")
    assert guest.fd_pwrite(fd, *guest.spans(1, 1), 0, OUT) == 0
    assert (tmp_path / "a").read_bytes() == b"HWllo world"
    assert guest.fd_pread(fd, *guest.spans(1), 2**63, OUT) == INVAL
    assert guest.fd_sync(fd) == guest.fd_datasync(fd) == guest.fd_advise(fd, 0, 0, 1) == 0
    assert guest.fd_advise(fd, 0, 0, 9) == INVAL
    assert guest.fd_close(fd) == 0
    assert guest.fd_close(fd) == BADF


def test_append_mode_is_kept_set_and_cleared(guest: Guest, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"1")
    _, fd = guest.open("log", rights=READ | WRITE, flags=1)
    guest.seek(fd, 0)
    assert guest.write(fd, b"2") == (0, 1)
    assert guest.fdstat(fd)[1][:2] == (4, 1)
    assert guest.fd_fdstat_set_flags(fd, 0) == 0
    guest.seek(fd, 0)
    guest.write(fd, b"0")
    assert guest.fd_fdstat_set_flags(fd, 1) == 0
    guest.write(fd, b"3")
    assert (tmp_path / "log").read_bytes() == b"023"
    assert guest.fd_fdstat_set_flags(fd, 16) == NOTSUP
    assert guest.open("log", flags=16)[0] == NOTSUP


def test_open_flags_mean_what_posix_says(guest: Guest, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"123")
    (tmp_path / "d").mkdir()
    assert guest.open("none")[0] == NOENT
    assert guest.open("a", opening=CREATE | EXCLUSIVE, rights=WRITE)[0] == EXIST
    assert guest.open("a", opening=DIRECTORY)[0] == NOTDIR
    assert guest.open("a/")[0] == NOTDIR
    assert guest.open("a/b")[0] == NOTDIR
    assert guest.open("new/", opening=CREATE)[0] == ISDIR
    assert guest.open("d", opening=CREATE | DIRECTORY)[0] == INVAL
    assert guest.open("d", rights=READ | WRITE)[0] == ISDIR
    assert guest.open("")[0] == NOENT
    assert guest.open("a", fd=99)[0] == BADF
    assert guest.open("a", opening=TRUNCATE)[0] == 0
    assert (tmp_path / "a").read_bytes() == b""
    assert guest.open("d", opening=DIRECTORY)[0] == 0
    assert guest.open(".")[0] == 0
    error, fd = guest.open("d/../d/./new", opening=CREATE | EXCLUSIVE, rights=WRITE)
    assert error == 0
    assert guest.read(fd)[0] == BADF
    _, reader = guest.open("a")
    assert guest.write(reader, b"x")[0] == BADF
    assert guest.open("x", fd=reader)[0] == NOTDIR


def test_filestat_tells_type_size_and_times(guest: Guest, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"123")
    os.utime(tmp_path / "a", ns=(5 * SECOND, 7 * SECOND))
    error, found = guest.stat("a")
    assert error == 0
    assert (found.kind, found.size, found.links) == (4, 3, 1)
    assert (found.accessed, found.modified) == (5 * SECOND, 7 * SECOND)
    _, fd = guest.open("a")
    assert guest.fstat(fd) == (0, found)
    assert guest.stat(".")[1].kind == guest.fstat(3)[1].kind == 3
    assert guest.fstat(1)[1].kind == 0
    assert guest.stat("a/")[0] == NOTDIR
    assert guest.stat("none")[0] == NOENT


def test_times_are_set_kept_and_taken_from_the_guests_clock(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    os.utime(tmp_path / "a", ns=(SECOND, SECOND))
    grant = WasiGrant(preopens=((str(tmp_path), "/d", True),), frozen_clock_ns=9 * SECOND)
    with Guest(grant) as guest:
        _, fd = guest.open("a", rights=READ | WRITE)
        assert guest.fd_filestat_set_times(fd, 3 * SECOND, 0, 1) == 0
        assert (guest.stat("a")[1].accessed, guest.stat("a")[1].modified) == (3 * SECOND, SECOND)
        assert guest.path_filestat_set_times(3, 0, *guest.path("a"), 0, 4 * SECOND, 4) == 0
        assert guest.stat("a")[1].modified == 4 * SECOND
        assert guest.path_filestat_set_times(3, 1, *guest.path("a"), 0, 0, 2 | 8) == 0
        assert (guest.stat("a")[1].accessed, guest.stat("a")[1].modified) == (9 * SECOND, 9 * SECOND)
        assert guest.fd_filestat_set_times(fd, 0, 0, 3) == INVAL
        assert guest.fd_filestat_set_times(fd, 2**63, 0, 1) == INVAL
        assert guest.fd_filestat_set_times(3, SECOND, SECOND, 5) == 0


def test_resizing_and_allocating(guest: Guest, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    _, fd = guest.open("a", rights=READ | WRITE)
    assert guest.fd_filestat_set_size(fd, 2) == 0
    assert guest.fd_allocate(fd, 0, 4) == 0
    assert (tmp_path / "a").read_bytes() == b"12\0\0"
    assert guest.fd_allocate(fd, 0, 1) == 0
    assert guest.fd_allocate(fd, 0, 0) == INVAL
    assert guest.fd_filestat_set_size(fd, 2**63) == INVAL
    _, reader = guest.open("a")
    assert guest.fd_filestat_set_size(reader, 0) == BADF
    assert guest.fd_filestat_set_size(1, 0) == BADF
    assert (tmp_path / "a").stat().st_size == 4


def test_a_directory_is_listed_in_pieces_while_its_files_are_deleted(guest: Guest, tmp_path: Path) -> None:
    names = {f"file-{number:03}" for number in range(40)}
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    _, fd = guest.open(".", opening=DIRECTORY)
    seen, cookie = {}, 0
    while True:
        error, entries, used = guest.readdir(fd, room=200, cookie=cookie)
        assert error == 0
        for entry in entries:
            seen[entry.name] = entry.kind
            cookie = entry.cookie
            if entry.name in names:
                assert guest.unlink(entry.name) == 0
        if used < 200:
            break
    assert seen == dict.fromkeys(names, 4) | {".": 3, "..": 3, "folder": 3, "link": 7}
    assert [entry.name for entry in guest.readdir(fd)[1]][:2] == [".", ".."]
    assert len(guest.readdir(fd)[1]) == 4
    assert guest.readdir(fd, cookie=2**63)[2] == 0
    assert guest.readdir(1)[0] == NOTDIR


def test_names_that_are_not_utf8_are_left_out(guest: Guest, tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff\xfe")).touch()
    (tmp_path / "grüße").touch()
    assert {entry.name for entry in guest.readdir(3)[1]} == {".", "..", "grüße"}


def test_directories_are_made_moved_and_removed(guest: Guest, tmp_path: Path) -> None:
    assert guest.make_folder("a") == 0
    assert guest.make_folder("a") == EXIST
    assert guest.make_folder("a/b/") == 0
    assert guest.make_folder("x/y") == NOENT
    assert guest.create("a/b/f", b"1") == 0
    assert guest.remove_folder("a/b") == NOTEMPTY
    assert guest.rename("a/b", "c") == 0
    assert (tmp_path / "c" / "f").read_bytes() == b"1"
    assert guest.unlink("c") == ISDIR
    assert guest.remove_folder("c/f") == NOTDIR
    assert guest.unlink("c/f/") == NOTDIR
    assert guest.rename("c/f/", "g") == NOTDIR
    assert guest.unlink("c/f") == 0
    assert guest.remove_folder("c/") == 0
    assert guest.remove_folder("c") == NOENT


def test_files_are_renamed_and_linked(guest: Guest, tmp_path: Path) -> None:
    guest.create("a", b"1")
    assert guest.link("a", "b") == 0
    assert guest.stat("b")[1].links == 2
    assert guest.link("a", "b") == EXIST
    assert guest.link("a", "c", lookup=1) == INVAL
    assert guest.link("a", "c/") == NOENT
    assert guest.rename("a", "c") == 0
    assert sorted(os.listdir(tmp_path)) == ["b", "c"]


def test_renumber_moves_a_descriptor_and_closes_the_one_it_replaces(guest: Guest, tmp_path: Path) -> None:
    guest.create("a", b"first")
    guest.create("b", b"second")
    _, one = guest.open("a")
    _, two = guest.open("b")
    before = open_host_files()
    assert guest.fd_renumber(one, two) == 0
    assert open_host_files() <= before - 1
    assert guest.read(two) == (0, b"first")
    assert guest.read(one)[0] == BADF
    assert guest.fd_renumber(two, two) == 0
    assert guest.fd_renumber(two, 50) == BADF
    assert guest.fd_renumber(50, two) == BADF
    _, out = guest.open("out", opening=CREATE, rights=WRITE)
    assert guest.fd_renumber(out, 1) == 0
    assert guest.write(1, b"to the file") == (0, 11)
    assert (tmp_path / "out").read_bytes() == b"to the file"
    assert guest.session.stdout == b""


def test_rights_can_be_given_up_and_not_won(guest: Guest) -> None:
    _, fd = guest.open("a", opening=CREATE, rights=READ | WRITE)
    _, (_, _, rights, _) = guest.fdstat(fd)
    assert rights & (READ | WRITE) == READ | WRITE
    assert guest.fd_fdstat_set_rights(fd, READ, 0) == 0
    assert guest.write(fd, b"x")[0] == BADF
    assert guest.fd_fdstat_set_rights(fd, READ | WRITE, 0) == NOTCAPABLE


def test_open_files_are_counted_and_closing_gives_room_back(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with Guest(WasiGrant(preopens=((str(tmp_path), "/d", False),), max_files=3)) as guest:
        before = open_host_files()
        opened = [guest.open("a") for _ in range(3)]
        assert [error for error, _ in opened] == [0, 0, 0]
        for _ in range(100):
            assert guest.open("a")[0] == NFILE
            assert guest.open(".")[0] == NFILE
        assert open_host_files() <= before + 3
        assert guest.fd_renumber(opened[0][1], opened[1][1]) == 0
        assert guest.open("a")[0] == 0
        assert guest.fd_close(3) == 0
        assert guest.open("a")[0] == BADF


def test_a_session_gives_every_host_descriptor_back(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    before = open_host_files()
    with Guest(WasiGrant(preopens=((str(tmp_path), "/d", False),))) as guest:
        for _ in range(20):
            assert guest.open("a")[0] == guest.open(".")[0] == 0
        assert guest.open("a/b/c")[0] == NOTDIR
        assert guest.open("../x")[0] != 0
        guest.session.close()
        guest.session.close()
        assert guest.open("a")[0] == BADF
    assert open_host_files() <= before  # files of earlier tests may be freed meanwhile


def test_writing_is_bounded_by_what_the_grant_allows(tmp_path: Path) -> None:
    with Guest(WasiGrant(preopens=((str(tmp_path), "/d", True),), max_disk_bytes=5 * KIB)) as guest:
        _, fd = guest.open("a", opening=CREATE, rights=READ | WRITE)
        assert guest.write(fd, b"x" * KIB) == (0, KIB)
        assert guest.write(fd, b"x")[0] == NOSPC
        guest.seek(fd, 0)
        assert guest.write(fd, b"x")[0] == NOSPC
        assert (tmp_path / "a").stat().st_size == KIB
        guest.session.begin()
        assert guest.write(fd, b"x")[0] == 0


@pytest.mark.parametrize("way", ["size", "allocate", "pwrite", "seek"])
def test_a_sparse_terabyte_is_counted_as_written(guest: Guest, tmp_path: Path, way: str) -> None:
    _, fd = guest.open("a", opening=CREATE, rights=READ | WRITE)
    error = {
        "size": lambda: guest.fd_filestat_set_size(fd, 2**40),
        "allocate": lambda: guest.fd_allocate(fd, 2**40, 1),
        "pwrite": lambda: guest.fd_pwrite(fd, *guest.spans(1), 2**40, OUT),
        "seek": lambda: guest.seek(fd, 2**40)[0] or guest.write(fd, b"x")[0],
    }[way]()
    assert error == NOSPC
    assert (tmp_path / "a").stat().st_size == 0


def test_names_cost_too_so_a_flood_of_directories_and_links_ends(guest: Guest, tmp_path: Path) -> None:
    results = [guest.make_folder(f"d{number}") for number in range(100)]
    for number in range(100):
        error, fd = guest.open(f"f{number}", opening=CREATE, rights=WRITE)
        results.append(error or guest.fd_close(fd))
    results += [guest.symlink("x", f"s{number}") for number in range(100)]
    results += [guest.link("f0", f"l{number}") for number in range(100)]
    assert set(results) == {0, NOSPC}
    assert len(os.listdir(tmp_path)) == MIB // 4096


def test_streams_have_no_file_operations(guest: Guest) -> None:
    assert guest.fd_advise(1, 0, 0, 0) == SPIPE
    assert guest.fd_pread(0, *guest.spans(1), 0, OUT) == SPIPE
    assert guest.fd_pwrite(1, *guest.spans(1), 0, OUT) == SPIPE
    assert guest.fd_sync(1) == NOTSUP
    assert guest.fd_allocate(1, 0, 1) == BADF
    assert guest.fd_filestat_set_times(1, 0, 0, 0) == BADF
    assert guest.open("x", fd=1)[0] == NOTDIR
    assert guest.read(3)[0] == BADF
    assert guest.fd_fdstat_set_flags(1, 4) == 0
    assert guest.fdstat(1)[1][1] == 4
