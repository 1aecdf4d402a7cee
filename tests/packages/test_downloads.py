"""A download that broke off goes on where it was, also in another process; nothing kept of one is believed."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import sys
from pathlib import Path

import pytest
from tests.connectors.local_server import Seen, reply, serve
from tests.packages.packs import rules

from omnicore.clock import ManualClock, SystemClock
from omnicore.connectors.transfers import PartialDownloads, Transfers

_LARGE = b"".join(hashlib.sha256(str(n).encode()).digest() for n in range(32 * 1024))  # 1 MiB
_DIGEST = f"sha256:{hashlib.sha256(_LARGE).hexdigest()}"
_MOST = 1 << 22
_CHILD = """
import asyncio, sys
from pathlib import Path
from tests.packages.test_downloads import _fetched
print("ready", flush=True)
asyncio.run(_fetched(int(sys.argv[1]), Path(sys.argv[2])))
"""


async def _fetched(port: int, folder: Path) -> bytes:
    partial = PartialDownloads(folder, SystemClock())
    async with Transfers(rules(port), partial=partial) as web:
        url = f"http://127.0.0.1:{port}/large"
        return (await web.send("GET", url, most_bytes=_MOST, resumes=True, digest=_DIGEST)).body


def _answer(seen: Seen) -> bytes:
    start, total = int(seen.headers.get("range", "bytes=0-")[6:-1]), len(_LARGE)
    if start >= total:
        return reply(416)
    where = f"Content-Range: bytes {start}-{total - 1}/{total}"
    return reply(206, _LARGE[start:], where) if start else reply(200, _LARGE)


async def test_a_download_of_a_killed_process_goes_on_where_it_was(tmp_path: Path) -> None:
    folder, sent, killed = tmp_path / "downloads", asyncio.Event(), asyncio.Event()

    async def stuck(seen: Seen, writer: asyncio.StreamWriter) -> None:
        if killed.is_set():
            writer.write(_answer(seen))
            return await writer.drain()
        writer.write(_answer(seen)[: 900 * 1024])
        await writer.drain()
        sent.set()
        await killed.wait()

    async with serve(lambda seen: stuck) as server:
        command = (sys.executable, "-c", _CHILD, str(server.port), str(folder))
        child = await asyncio.create_subprocess_exec(*command)
        await sent.wait()
        async with asyncio.timeout(60):
            while sum(one.stat().st_size for one in folder.iterdir()) < 512 * 1024:
                await asyncio.sleep(0)
        child.kill()
        await child.wait()
        killed.set()
        assert await _fetched(server.port, folder) == _LARGE
        assert int(server.seen[-1].headers["range"][6:-1]) >= 512 * 1024
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("kept", [b"x" * 600, _LARGE + b"more", b"x" * (_MOST + 1), _LARGE], ids=len)
async def test_what_is_kept_of_a_download_is_never_believed(tmp_path: Path, kept: bytes) -> None:
    partial = PartialDownloads(tmp_path, SystemClock())
    async with serve(_answer) as server:
        begun = partial.open(f"http://127.0.0.1:{server.port}/large", _DIGEST, _MOST)
        begun.add(kept)
        begun.close(keep=True)
        assert [one.stat().st_mode & 0o077 for one in tmp_path.iterdir()] == [0]
        assert await _fetched(server.port, tmp_path) == _LARGE
        assert "range" not in server.seen[-1].headers
    assert list(tmp_path.iterdir()) == []


async def test_a_link_in_the_place_of_what_is_kept_is_not_followed(tmp_path: Path) -> None:
    folder, other = tmp_path / "downloads", tmp_path / "other"
    other.write_bytes(b"mine")
    async with serve(_answer) as server:
        begun = PartialDownloads(folder, SystemClock()).open(f"http://127.0.0.1:{server.port}/large", _DIGEST, _MOST)
        begun.add(b"x")
        begun.close(keep=True)
        (file,) = folder.iterdir()
        file.unlink()
        file.symlink_to(other)
        assert await _fetched(server.port, folder) == _LARGE
    assert other.read_bytes() == b"mine"


async def test_a_full_disk_costs_what_would_be_kept_and_not_the_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    async with serve(_answer) as server:
        assert await _fetched(server.port, tmp_path) == _LARGE
    download = PartialDownloads(tmp_path, SystemClock()).open("http://a/", _DIGEST, _MOST)
    download.add(b"begun")
    download.close(keep=True)
    assert list(tmp_path.iterdir()) == []


def test_few_downloads_are_kept_and_none_for_long(tmp_path: Path) -> None:
    now = SystemClock().now()
    for number in range(12):
        file = tmp_path / f"{number:02}"
        file.write_bytes(b"x")
        os.utime(file, (0, now - (8 * 86400 if number < 7 else 60) + number))
    partial = PartialDownloads(tmp_path, ManualClock(now))
    first, again = partial.open("http://a/", _DIGEST, 100), partial.open("http://a/", _DIGEST, 100)
    assert again.file is None, "a download has one writer"
    first.add(b"begun")
    first.close(keep=True)
    assert {one.name for one in tmp_path.iterdir() if len(one.name) == 2} == {"07", "08", "09", "10", "11"}
    for number in range(9):
        more = partial.open(f"http://a/{number}", _DIGEST, 100)
        more.add(b"begun")
        more.close(keep=True)
    assert len(list(tmp_path.iterdir())) == 8
