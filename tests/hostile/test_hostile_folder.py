"""Cases 55 to 58: what lies in the plugin folder never blocks the host, is never followed, never executed."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.hostile import wasm_builder as wb
from tests.hostile.corpus import malformed

from omnicore.plugins.folder import Folder
from omnicore.plugins.inventory import FoundFile, read_found_file
from omnicore.sandbox.abi import Limits

LIMITS = Limits()
GOOD = wb.run_module(b"")


def arrivals(root: Path, timeout_s: float = 10.0) -> dict[str, FoundFile]:
    """One look at the folder, which must be over in time whatever lies there."""
    found: dict[str, FoundFile] = {}

    def look() -> None:
        folder = Folder(root)
        for one in folder.list():
            found[one.path] = read_found_file(folder, one, default=LIMITS, most=LIMITS)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(timeout_s)
    assert not thread.is_alive(), "the look at the folder hangs"
    return found


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _link_to_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _link_outside(path: Path) -> None:
    outside = path.parent.parent / "outside.bin"
    outside.write_bytes(GOOD)
    path.symlink_to(outside)


def _link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


def _dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def _sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, 10 * 2**30)


def _sparse_with_a_good_start(path: Path) -> None:
    path.write_bytes(GOOD)
    os.truncate(path, 10 * 2**30)


def _precompiled(path: Path) -> None:
    path.write_bytes(malformed.precompiled())


def _half(path: Path) -> None:
    path.write_bytes(malformed.truncated())


def _empty(path: Path) -> None:
    path.touch()


def _text(path: Path) -> None:
    path.write_bytes(malformed.text_as_module())


HOSTILE = (
    *(_fifo, _link_to_device, _link_outside, _link_to_itself, _dangling, _sparse),
    *(_sparse_with_a_good_start, _precompiled, _half, _empty, _text),
)


@pytest.mark.parametrize("make", HOSTILE, ids=lambda make: make.__name__.strip("_"))
def test_it_is_refused_with_a_reason_and_its_neighbour_is_read(make: Callable[[Path], None], tmp_path: Path) -> None:
    root = tmp_path / "plugins"
    root.mkdir()
    (root / "good.wasm").write_bytes(GOOD)
    make(root / "bad.wasm")
    found = arrivals(root)
    assert found["good.wasm"].problem == ""
    assert found["bad.wasm"].problem
    assert found["bad.wasm"].module == b""


def test_precompiled_code_is_refused_by_its_ending_too(tmp_path: Path) -> None:
    (tmp_path / "native.cwasm").write_bytes(malformed.precompiled())
    assert "never loaded" in arrivals(tmp_path)["native.cwasm"].problem


def test_a_socket_and_a_folder_named_like_a_module_block_nothing(tmp_path: Path) -> None:
    (tmp_path / "good.wasm").write_bytes(GOOD)
    (tmp_path / "folder.wasm").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "talk.wasm"))
        found = arrivals(tmp_path)
    assert found["good.wasm"].problem == ""
    assert found["talk.wasm"].problem


def test_a_folder_that_is_a_link_is_not_entered(tmp_path: Path) -> None:
    root = tmp_path / "plugins"
    (tmp_path / "elsewhere" / "dist").mkdir(parents=True)
    (tmp_path / "elsewhere" / "dist" / "elsewhere.wasm").write_bytes(GOOD)
    root.mkdir()
    (root / "elsewhere").symlink_to(tmp_path / "elsewhere")
    assert arrivals(root) == {}


def test_a_half_copied_file_is_waited_for(tmp_path: Path) -> None:
    clock = [1_000_000.0]
    folder = Folder(tmp_path, now=lambda: clock[0], monotonic=lambda: clock[0])
    path = tmp_path / "slow.wasm"
    path.write_bytes(GOOD[: len(GOOD) // 2])
    os.utime(path, (clock[0], clock[0]))
    assert folder.settled(folder.list()[0]) == "soon"
    path.write_bytes(GOOD)
    clock[0] += 0.2
    os.utime(path, (clock[0], clock[0]))
    assert folder.settled(folder.list()[0]) == "soon"
    clock[0] += 0.2
    assert folder.settled(folder.list()[0]) == "yes"
    assert arrivals(tmp_path)["slow.wasm"].module == GOOD


@pytest.mark.parametrize("source", [malformed.deep_text(), malformed.deep_expressions()], ids=["parens", "expressions"])
def test_text_that_nests_deeply_is_refused_or_read_without_a_crash(source: bytes, tmp_path: Path) -> None:
    (tmp_path / "deep.wat").write_bytes(source)
    found = arrivals(tmp_path)["deep.wat"]
    assert found.problem or found.module.startswith(b"\0asm")
