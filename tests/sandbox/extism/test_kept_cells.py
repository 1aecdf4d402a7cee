from __future__ import annotations

import pytest

from omnicore.sandbox.abi import Doors, Limits
from omnicore.sandbox.capi.code import wat_to_wasm
from omnicore.sandbox.extism.engine import ExtismEngine
from omnicore.sandbox.extism.store import STORES

# Grows to 32 MiB, so that a hundred of them left in cells would be 3 GiB.
GREEDY = '(memory (export "memory") 1) (func (export "{}") (drop (memory.grow (i32.const 500))))'


def address_space_of_guests(template) -> int:
    return sum(store.footprint.held for store in STORES.values() if store.parts is template._parts)


@pytest.mark.parametrize("calls", [20])
def test_memory_that_guests_leave_behind_is_given_back(load, calls):
    template = load(GREEDY.format("f"))
    for _ in range(calls):
        instance = template.instance()
        instance.call("f", b"")
        instance.close()
    assert address_space_of_guests(template) <= 16 * 1024 * 1024


def test_memory_that_runs_of_a_command_leave_behind_is_given_back(load):
    template = load(GREEDY.format("_start"))
    instance = template.instance()
    for _ in range(20):
        instance.call("_start", b"")
    assert address_space_of_guests(template) <= 16 * 1024 * 1024
    assert instance.healthy


def test_plugins_that_nobody_calls_any_more_make_room_for_others():
    tables = "(table 1 funcref)" * 8
    wasm = wat_to_wasm(f'(module {tables} (memory 1) (func (export "f")))'.encode())
    engine = ExtismEngine(instances=8)  # 32 slots
    templates = [engine.load([("main", wasm)], Limits(), Doors()) for _ in range(4)]
    for template in templates:
        for instance in [template.instance() for _ in range(3)]:
            assert instance.call("f", b"") == b""
            instance.close()
    for template in templates:
        template.close()
