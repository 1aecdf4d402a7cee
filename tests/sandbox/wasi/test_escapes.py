"""Attempts to leave a preopen, to write where only reading is granted, and to make the host wait."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.sandbox.wasi.driver import CREATE, DIRECTORY, READ, TRUNCATE, WRITE, Guest

from omnicore.sandbox.abi import WasiGrant
from omnicore.sandbox.wasi.files import Walk
from omnicore.sandbox.wasi.preview1 import (
    BADF,
    ILSEQ,
    INVAL,
    LOOP,
    NAMETOOLONG,
    NOENT,
    NOTCAPABLE,
    NOTDIR,
    PERM,
    WasiError,
)

OUT = 24576
SECRET = b"outside"


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """`inside` is granted, `secret` lies beside it."""
    (tmp_path / "secret").write_bytes(SECRET)
    inside = tmp_path / "inside"
    (inside / "deep" / "er").mkdir(parents=True)
    (inside / "file").write_bytes(b"inside")
    return inside


@pytest.fixture
def guest(house: Path) -> Iterator[Guest]:
    with Guest(WasiGrant(preopens=((str(house), "/", True),))) as made:
        yield made


@pytest.fixture
def reader(house: Path) -> Iterator[Guest]:
    with Guest(WasiGrant(preopens=((str(house), "/", False),))) as made:
        yield made


OUTWARD = [
    "..",
    "../secret",
    "./../secret",
    "deep/../../secret",
    "deep/er/../../../secret",
    "deep/er/../../../inside/file",
    "//etc/passwd",
    "/etc/passwd",
    "/",
    "../inside/file",
    "file/../../secret",
]


@pytest.mark.parametrize("path", OUTWARD)
def test_no_operation_takes_a_path_that_leads_out(guest: Guest, house: Path, path: str) -> None:
    refused = {PERM, NOTDIR}
    assert guest.open(path)[0] in refused
    assert guest.open(path, opening=CREATE, rights=WRITE)[0] in refused
    assert guest.open(path, opening=DIRECTORY)[0] in refused
    assert guest.stat(path)[0] in refused
    assert guest.readlink(path)[0] in refused
    assert guest.make_folder(path) in refused
    assert guest.remove_folder(path) in refused
    assert guest.unlink(path) in refused
    assert guest.rename(path, "mine") in refused
    assert guest.rename("file", path) in refused
    assert guest.link(path, "mine") in refused
    assert guest.link("file", path) in refused
    assert guest.symlink("file", path) in refused
    assert guest.path_filestat_set_times(3, 0, *guest.path(path), 0, 0, 10) in refused
    assert (house.parent / "secret").read_bytes() == SECRET
    assert sorted(os.listdir(house)) == ["deep", "file"]


LINKS = [
    ("../secret", "link"),
    ("{outside}/secret", "link"),
    ("..", "link/secret"),
    ("{outside}", "link/secret"),
    ("/", "link/etc/passwd"),
    ("../secret", "link/"),
    ("..", "link/secret/"),
    ("deep/../../secret", "link"),
    ("deep/er/../../..", "link/secret"),
    ("../inside/../secret", "link"),
]


@pytest.mark.parametrize(("target", "path"), LINKS)
def test_links_that_the_host_made_are_not_followed_out(guest: Guest, house: Path, target: str, path: str) -> None:
    (house / "link").symlink_to(target.format(outside=house.parent))
    for lookup in (0, 1):
        error, data = guest.read_file(path, lookup=lookup)
        assert error in {PERM, LOOP}
        assert data == b""
    assert guest.open(path, opening=CREATE | TRUNCATE, rights=WRITE)[0] != 0
    assert guest.stat(path)[0] == PERM
    assert (house.parent / "secret").read_bytes() == SECRET


def test_links_inside_are_followed_where_asked(guest: Guest, house: Path) -> None:
    (house / "deep" / "up").symlink_to("../file")
    (house / "deep" / "here").symlink_to("er/../up")
    (house / "dir").symlink_to("deep/er/")
    assert guest.read_file("deep/up") == (0, b"inside")
    assert guest.read_file("deep/here") == (0, b"inside")
    assert guest.read_file("dir/../up") == (0, b"inside")
    assert guest.read_file("deep/up", lookup=0)[0] == LOOP
    assert guest.stat("deep/up", lookup=0)[1].kind == 7
    assert guest.stat("dir/", lookup=0)[1].kind == 3
    assert guest.open("deep/up/")[0] == NOTDIR
    assert guest.readlink("deep/up") == (0, b"../file")
    assert guest.readlink("deep/up", room=3) == (0, b"../")
    assert guest.readlink("file")[0] == INVAL
    assert guest.unlink("dir/") == NOTDIR
    assert guest.remove_folder("dir/") == NOTDIR
    assert guest.create("dir/new", b"1") == 0
    assert (house / "deep" / "er" / "new").exists()


def test_a_path_below_an_opened_directory_cannot_leave_that_directory(guest: Guest) -> None:
    _, fd = guest.open("deep", opening=DIRECTORY)
    assert guest.open("er", fd=fd)[0] == 0
    assert guest.open("../file", fd=fd)[0] == PERM
    assert guest.open("er/../../file", fd=fd)[0] == PERM


def test_link_loops_and_endless_paths_end(guest: Guest, house: Path) -> None:
    (house / "a").symlink_to("b")
    (house / "b").symlink_to("a")
    (house / "self").symlink_to("self/self")
    assert guest.open("a")[0] == LOOP
    assert guest.open("a/x")[0] == LOOP
    assert guest.open("self/x")[0] == LOOP
    assert guest.open("x" * 5000)[0] == NAMETOOLONG
    assert guest.open("x" * 300)[0] == NAMETOOLONG
    assert guest.open("deep/../" * 500 + "file")[0] == 0
    before = len(os.listdir("/proc/self/fd"))
    assert guest.open("deep/er/../../" * 290 + "none")[0] == NOENT
    assert len(os.listdir("/proc/self/fd")) <= before  # files of earlier tests may be freed meanwhile


def test_a_walk_stops_at_its_number_of_steps(house: Path) -> None:
    for number in range(30):
        (house / f"l{number}").symlink_to(f"l{number + 1}/" + "deep/er/../../" * 200 + ".")
    (house / "l30").symlink_to(".")
    base = os.open(house, os.O_RDONLY)
    with pytest.raises(WasiError) as caught:
        Walk(base, b"l0/file", follow=True)
    assert caught.value.number == LOOP
    os.close(base)


def test_odd_names_are_refused(guest: Guest) -> None:
    assert guest.open(b"\xff\xfe")[0] == ILSEQ
    assert guest.open(b"file\0x")[0] == INVAL
    assert guest.open("a\\..\\b")[0] == NOENT


def test_a_guest_cannot_plant_a_link_that_leads_out(guest: Guest, house: Path) -> None:
    for target in ("/etc/passwd", "../secret", "deep/../../secret", "..", "deep/.."):
        assert guest.symlink(target, "planted") == PERM
    assert guest.symlink("deep/er", "good") == 0
    assert guest.symlink("deep", "slash/") == NOENT
    assert guest.symlink("nowhere", "dangling") == 0
    assert guest.open("dangling")[0] == NOENT
    assert guest.open("dangling", opening=CREATE, rights=WRITE)[0] == 0
    assert sorted(os.listdir(house)) == ["dangling", "deep", "file", "good", "nowhere"]


def test_the_text_of_an_absolute_link_stays_on_the_host(guest: Guest, house: Path) -> None:
    (house / "absolute").symlink_to(house.parent / "secret")
    assert guest.readlink("absolute") == (PERM, b"")


def test_read_only_refuses_every_change(reader: Guest, house: Path) -> None:
    before = (house / "file").stat().st_mtime_ns
    assert reader.read_file("file") == (0, b"inside")
    for opening, rights in ((0, WRITE), (0, READ | WRITE), (CREATE, READ), (TRUNCATE, READ), (TRUNCATE, 0)):
        assert reader.open("file", opening=opening, rights=rights)[0] == PERM
    assert reader.open("new", opening=CREATE, rights=WRITE)[0] == PERM
    assert reader.make_folder("new") == PERM
    assert reader.remove_folder("deep/er") == PERM
    assert reader.unlink("file") == PERM
    assert reader.rename("file", "other") == PERM
    assert reader.link("file", "other") == PERM
    assert reader.symlink("file", "other") == PERM
    assert reader.path_filestat_set_times(3, 0, *reader.path("file"), 0, 0, 10) == PERM
    assert reader.fd_filestat_set_times(3, 0, 0, 10) == PERM
    _, fd = reader.open("file")
    assert reader.write(fd, b"x")[0] == BADF
    assert reader.fd_pwrite(fd, *reader.spans(1), 0, OUT) == BADF
    assert reader.fd_filestat_set_size(fd, 0) == BADF
    assert reader.fd_allocate(fd, 0, 100) == BADF
    assert reader.fd_filestat_set_times(fd, 0, 0, 10) == BADF
    _, folder = reader.open("deep")
    assert reader.open("x", fd=folder, opening=CREATE, rights=WRITE)[0] == PERM
    assert (house / "file").read_bytes() == b"inside"
    assert (house / "file").stat().st_mtime_ns == before
    assert sorted(os.listdir(house)) == ["deep", "file"]


def test_links_and_renames_between_preopens_need_both_to_be_writable(house: Path, tmp_path: Path) -> None:
    free = tmp_path / "free"
    free.mkdir()
    (free / "own").touch()
    with Guest(WasiGrant(preopens=((str(house), "/ro", False), (str(free), "/rw", True)))) as guest:
        assert guest.link("file", "mine", fd=3, to=4) == PERM
        assert guest.rename("file", "mine", fd=3, to=4) == PERM
        assert guest.link("own", "theirs", fd=4, to=3) == PERM
        assert guest.rename("own", "theirs", fd=4, to=3) == PERM
        assert guest.rename("own", "mine", fd=4, to=4) == 0
    assert (house / "file").read_bytes() == b"inside"


def test_pipes_sockets_and_devices_are_refused_without_waiting(guest: Guest, house: Path) -> None:
    os.mkfifo(house / "pipe")
    (house / "to-pipe").symlink_to("pipe")
    (house / "null").symlink_to("/dev/null")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(house / "socket"))
        for name in ("pipe", "to-pipe", "socket"):
            for rights in (READ, WRITE, READ | WRITE):
                assert guest.open(name, rights=rights)[0] == NOTCAPABLE
                assert guest.open(name, opening=CREATE | TRUNCATE, rights=rights)[0] == NOTCAPABLE
            assert guest.open(name, opening=DIRECTORY)[0] == NOTCAPABLE
        assert guest.stat("pipe")[1].kind == 0
        assert guest.open("null")[0] == PERM


def test_a_name_that_flips_between_file_pipe_and_outward_link_never_leads_out(guest: Guest, house: Path) -> None:
    os.mkfifo(house / "pipe")
    (house / "out").symlink_to("../secret")
    (house / "up").symlink_to("..")
    (house / "spare").write_bytes(b"inside")
    stop = threading.Event()

    def flip() -> None:
        while not stop.is_set():
            for source in ("pipe", "out", "spare", "up"):
                temporary = house / "temporary"
                os.link(house / source, temporary, follow_symlinks=False)
                os.replace(temporary, house / "name")

    flipper = threading.Thread(target=flip)
    flipper.start()
    try:
        answers = {guest.read_file(path) for _ in range(300) for path in ("name", "name/secret", "name/")}
    finally:
        stop.set()
        flipper.join()
    assert SECRET not in {data for _, data in answers}


def test_a_directory_moved_away_during_a_walk_is_no_way_out(house: Path) -> None:
    base = os.open(house, os.O_RDONLY)
    walk = Walk(base, b"deep/er/x", follow=False)
    (house / "deep" / "er").rename(house.parent / "moved")
    with pytest.raises(OSError, match="No such file"):
        Walk(base, b"deep/er/../../file", follow=True)
    (house / "deep" / "er").symlink_to("../..")
    with pytest.raises(WasiError) as caught:
        Walk(base, b"deep/er/x", follow=False)
    assert caught.value.number == PERM
    walk.__exit__(None, None, None)
    os.close(base)
