"""Logs, HTTP and WASI under the reference engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.sandbox.reference.guests import GUEST

from omnicore.errors import (
    GuestFailed,
    GuestTrapped,
    InvalidSetting,
    LimitExceeded,
    LinkFailed,
)
from omnicore.sandbox.abi import Doors, HttpRequest, HttpResponse, Limits, WasiGrant


def test_log_lines_reach_the_door_of_their_own_plugin(load: Any) -> None:
    one: list[tuple[str, str]] = []
    two: list[tuple[str, str]] = []
    first = load(GUEST, doors=Doors(log=lambda level, text: one.append((level, text))))
    second = load(GUEST, doors=Doors(log=lambda level, text: two.append((level, text)), log_level="warn"))
    text = 'a "quoted"\nline plugin="00000000-0000-0000-0000-000000000000"'
    first.call("log", text.encode())
    second.call("log", b"too quiet")
    second.call("warn", b"loud")
    assert one == [("info", text)]
    assert two == [("warn", "loud")]


def test_too_much_log_is_a_limit(load: Any) -> None:
    lines: list[str] = []
    doors = Doors(log=lambda level, text: lines.append(text))
    with pytest.raises(LimitExceeded, match="log_bytes"):
        load(GUEST, Limits(log_bytes=2), doors).call("log", b"123")
    with pytest.raises(LimitExceeded, match="log_lines"):
        load(GUEST, Limits(log_lines=0), doors).call("log", b"123")
    assert lines == []


HTTP = """(module
  (import "extism:host/env" "http_request" (func $request (param i64 i64) (result i64)))
  (func (export "f"))
  (func (export "request") (drop (call $request (i64.const 0) (i64.const 0)))))"""


def test_a_guests_own_http_requests_always_fail(load: Any) -> None:
    async def send(request: HttpRequest) -> HttpResponse:
        raise AssertionError(request)

    plugin = load(HTTP, doors=Doors(http=send))
    assert plugin.call("f", b"") == b""
    with pytest.raises(GuestTrapped):
        plugin.call("request", b"")


WASI = """(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "file")
  (func (export "read") (result i32)
    (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 0)
      (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 100)))
  (func (export "write") (result i32)
    (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 1)
      (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 100))))"""


def test_wasi_is_linked_only_with_a_grant_and_keeps_preopens_read_only(load: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LinkFailed):
        load(WASI)
    reader = load(WASI, doors=Doors(wasi=WasiGrant(preopens=((str(tmp_path), "/d", False),))))
    assert reader.call("read", b"") == b""
    with pytest.raises(GuestFailed):
        reader.call("write", b"")
    writer = load(WASI, doors=Doors(wasi=WasiGrant(preopens=((str(tmp_path), "/d", True),))))
    assert writer.call("write", b"") == b""


@pytest.mark.parametrize(
    "grant",
    [
        WasiGrant(arguments=("a",)),
        WasiGrant(environment={"a": "b"}),
        WasiGrant(seed=b"1"),
        WasiGrant(frozen_clock_ns=1),
    ],
)
def test_a_wasi_grant_it_cannot_keep_to_is_refused(load: Any, grant: WasiGrant) -> None:
    with pytest.raises(InvalidSetting):
        load(WASI, doors=Doors(wasi=grant))
