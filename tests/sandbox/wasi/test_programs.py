"""Programs built by somebody else's toolchain, unaware of this host."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import wasmtime
from tests.sandbox.wasi.driver import Call, engine, linked, run_module

from omnicore.errors import DeadlineExceeded, LimitExceeded
from omnicore.sandbox.abi import WasiGrant
from omnicore.sandbox.wasi.session import WasiExit, WasiSession

GUESTS = Path(__file__).parent / "guests"


def run_command(name: str, grant: WasiGrant, stdin: bytes = b"") -> tuple[int, WasiSession]:
    """Exit code, and the session with its output."""
    session = WasiSession(grant, stdin=stdin, output_limit=10_000)
    store = wasmtime.Store(engine())
    linker = linked(store, Call(session, time.monotonic() + 20))
    start = linker.instantiate(store, wasmtime.Module.from_file(engine(), str(GUESTS / name)))
    try:
        start.exports(store)["_start"](store)
    except WasiExit as exit:
        return exit.code, session
    finally:
        session.close()
        store.close()
    return 0, session


def test_a_c_program_reads_writes_lists_and_is_kept_inside(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("outside")
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "in.txt").write_text("hello")
    grant = WasiGrant(
        preopens=((str(inside), "/data", True),), arguments=("files", "-x"), environment={"HOME": "/data"}
    )
    code, session = run_command("files.wasm", grant, b"a line\n")
    assert code == 7
    assert session.stdout.decode().splitlines() == [
        "arguments: 2 -x, HOME: /data",
        "input: a line",
        "",
        "copy: done",
        "mkdir: done",
        "rename: done",
        "list: 1 files, 3 folders",
        "stat: done",
        "size: 5",
        "escape: Operation not permitted",
        "unlink: done",
        "rmdir: done",
        "none: No such file or directory",
        "sleep: done",
    ]
    assert session.stderr == b"time moved: 1\n"
    assert sorted(path.name for path in inside.iterdir()) == ["in.txt"]


def test_the_same_program_without_grants_runs_and_finds_nothing() -> None:
    code, session = run_command("files.wasm", WasiGrant())
    lines = session.stdout.decode().splitlines()
    assert code == 7
    assert lines[:2] == ["arguments: 0 -, HOME: -", "input: none"]
    assert "done" not in " ".join(line for line in lines if not line.startswith("sleep"))


FLOOD = """(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "\\10\\00\\00\\00\\00\\80\\00\\00")
  (func (export "_start") (loop $again
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
    (br $again))))"""

SLEEP = """(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (i64.store (i32.const 24) (i64.const 3600000000000))
    (drop (call $poll (i32.const 0) (i32.const 100) (i32.const 1) (i32.const 200)))))"""


def test_a_flood_of_output_ends_at_its_limit() -> None:
    with pytest.raises(LimitExceeded):
        run_module(wasmtime.wat2wasm(FLOOD), output_limit=1_000_000)


def test_a_program_that_sleeps_for_an_hour_ends_at_its_deadline() -> None:
    with pytest.raises(DeadlineExceeded):
        run_module(wasmtime.wat2wasm(SLEEP), timeout_s=0.1)
