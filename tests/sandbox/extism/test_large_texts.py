"""Keys, log lines, errors and requests as large as a guest's memory cost the host no more than small ones."""

from __future__ import annotations

import asyncio
import sys

import pytest

from omnicore.errors import GuestFailed, LimitExceeded
from omnicore.sandbox.abi import MIB, Doors

IMPORTS = """
 (import "extism:host/env" "config_get" (func $config (param i64) (result i64)))
 (import "extism:host/env" "log_error" (func $log (param i64)))
 (import "extism:host/env" "http_request" (func $http (param i64 i64) (result i64)))"""
LARGE = "(call $alloc (i64.const 1000000))"
HTTP = '(func (export "f") (drop (call $http (call $input) (i64.const 0))))'


def test_a_key_has_at_most_64_kib(load):
    template = load(f'(func (export "f") (drop (call $config {LARGE})))', IMPORTS)
    with pytest.raises(GuestFailed, match="65536 are allowed"):
        template.instance().call("f", b"")


def test_a_log_line_over_the_budget_is_not_decoded_first(load):
    lines = []
    doors = Doors(log=lambda level, line: lines.append(line))
    template = load(f'(func (export "f") (call $log {LARGE}))', IMPORTS, doors=doors)
    with pytest.raises(LimitExceeded, match="log_bytes"):
        template.instance().call("f", b"")
    assert lines == []


def test_an_error_is_cut_to_8_kib(load):
    template = load(f'(func (export "f") (call $error {LARGE}))', IMPORTS)
    with pytest.raises(GuestFailed) as error:
        template.instance().call("f", b"")
    assert len(error.value.fact) == 8192


def test_an_http_request_of_many_fields_is_refused_unread(load):
    fields = ",".join(f'"{number}":1' for number in range(100_000))
    with pytest.raises(GuestFailed, match="an HTTP request of"):
        load(HTTP, IMPORTS, input_bytes=2 * MIB).instance().call("f", f"{{{fields}}}".encode())


@pytest.mark.parametrize(
    "request_text",
    [
        b"[" * 60_000,
        # Read as UTF-16 this is a string with one character, then brackets; byte for byte the string goes on.
        ('{"∀":' + "[" * 30_000).encode("utf-16-le"),
    ],
)
def test_deep_json_ends_no_process_whose_recursion_limit_was_raised(load, request_text):
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000_000)
    try:
        with pytest.raises(GuestFailed, match="cannot be read"):
            asyncio.run(load(HTTP, IMPORTS).instance(on_loop=True).call_async("f", request_text))
    finally:
        sys.setrecursionlimit(before)
