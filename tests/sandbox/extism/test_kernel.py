"""The exchange memory against a model of it: whatever guest and host do, blocks never overlap, are zero when
handed out, die with their generation, and no number that is no handle is taken for one.

A guest that passes every call on drives the kernel, so that what is tested is what guests reach.
"""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from omnicore.errors import EngineFailed, GuestFailed, MemoryExceeded
from omnicore.sandbox.abi import Limits
from omnicore.sandbox.capi.code import Preset
from omnicore.sandbox.capi.library import EXTERN_WORDS, FUNCTION_AT, Buffer, export, lib, take_fault
from omnicore.sandbox.extism.call import COMMITTED_AT_START, ExchangeMemory
from omnicore.sandbox.extism.links import KERNEL_TYPES
from omnicore.sandbox.extism.store import kernel_for

MAXIMUM = COMMITTED_AT_START + 4 * 65_536
ALL = 2**64 - 1
FAR = [2**63, ALL, 2**32, 2**48 + 64, MAXIMUM, MAXIMUM - 1, 2**31, 2**32 - 1, ALL - 7]


class Kernel:
    """One kernel in a store of its own, with an exchange as a cell makes it."""

    def __init__(self) -> None:
        kernel = kernel_for(Preset(instances=400))
        self.store = lib.wasmtime_store_new(kernel.engine.pointer, None, None)
        self.context = lib.wasmtime_store_context(self.store)
        lib.wasmtime_context_set_epoch_deadline(self.context, 1_000_000)
        instance, trap = Buffer(2), Buffer(1)
        error = lib.wasmtime_instance_pre_instantiate(kernel.pre, self.context, instance.address, trap.address)
        assert take_fault(error, trap.words[0]) is None
        self.functions = {name: self._extern(instance, name) for name in (*KERNEL_TYPES, "host:commit")}
        data = [
            lib.wasmtime_memory_data(self.context, self._extern(instance, name).address + FUNCTION_AT)
            for name in ("memory", "header")
        ]
        self.exchange = ExchangeMemory(data[0], data[1], MAXIMUM, lambda end: bool(self.call("host:commit", end)))

    def _extern(self, instance: Buffer, name: str) -> Buffer:
        found = Buffer(EXTERN_WORDS)
        assert export(self.context, instance.address, name.encode(), found.address)
        return found

    def call(self, name: str, *arguments: int) -> int:
        values, trap = Buffer(4), Buffer(1)
        for index, argument in enumerate(arguments):
            values.words[2 * index] = argument - 2**64 if argument >> 63 else argument
        at = self.functions[name].address + FUNCTION_AT
        error = lib.wasmtime_func_call_unchecked(self.context, at, values.address, 2, trap.address)
        fault = take_fault(error, trap.words[0])
        assert fault is None, fault
        results = KERNEL_TYPES.get(name, ((), ("i32",)))[1]
        return values.words[0] & (0xFFFFFFFF if results == ("i32",) else ALL) if results else 0

    def close(self) -> None:
        lib.wasmtime_store_delete(self.store)


sizes = st.one_of(st.integers(1, 80), st.sampled_from([15, 16, 17, 4096, 65_536, 200_000, 600_000]))
contents = st.binary(max_size=100) | st.integers(100, 300_000).map(lambda size: b"\xee" * size)
forged = st.one_of(st.sampled_from([0, *FAR]), st.integers(0, 400), st.integers(0, ALL))


class Exchanges(RuleBasedStateMachine):
    """`live` maps handles to what their blocks hold; `dead` are handles that must not come to life by themselves."""

    handles = Bundle("handles")
    near = st.tuples(handles, st.sampled_from([-16, -1, 1, 2, 8, 15, 16, 32])).map(sum)

    @initialize()
    def start(self) -> None:
        self.kernel = Kernel()
        self.exchange = self.kernel.exchange
        self.live: dict[int, bytearray] = {}
        self.input = self.output = (0, 0)
        self.error = 0
        self.begin(b"")

    def teardown(self) -> None:
        if hasattr(self, "kernel"):
            self.kernel.close()

    def _top(self) -> int:
        return self.exchange.header[5]

    def _is_range(self, at: int, length: int) -> bool:
        return 16 <= at <= self._top() and length <= self._top() - at

    def _forget(self) -> None:
        self.live.clear()
        self.input = self.output = (0, 0)
        self.error = 0

    @rule(target=handles, data=contents)
    def begin(self, data: bytes):
        """A new call: everything before is dead, the input is a block."""
        self.exchange.begin(data)
        self._forget()
        if not data:
            return multiple()
        self.input = (16, len(data))
        self.live[16] = bytearray(data)
        return 16

    @rule()
    def reset(self) -> None:
        self.kernel.call("reset")
        self._forget()

    @rule(target=handles, size=sizes)
    def alloc(self, size: int):
        handle = self.kernel.call("alloc", size)
        if not handle:
            assert self._top() + size > MAXIMUM - 16
            return multiple()
        self._check_new(handle, size)
        assert self.exchange.read(handle) == bytes(size), "a block is zero when it is handed out"
        self.live[handle] = bytearray(size)
        return handle

    def _check_new(self, handle: int, size: int) -> None:
        assert handle % 16 == 0
        assert 16 <= handle <= MAXIMUM - size
        for other, data in self.live.items():
            assert handle + size <= other or other + len(data) <= handle, "live blocks overlap"

    @rule(size=st.sampled_from([0, 2**30, 2**32 + 16, 2**48 + 100, ALL, ALL - 19, 2**63]))
    def alloc_what_cannot_be(self, size: int) -> None:
        assert self.kernel.call("alloc", size) == 0

    @rule(target=handles, data=contents)
    def host_writes(self, data: bytes):
        try:
            handle = self.exchange.write(data)
        except MemoryExceeded:
            assert self._top() + len(data) > MAXIMUM - 16
            return multiple()
        if not data:
            assert handle == 0
            return multiple()
        self._check_new(handle, len(data))
        tail = self.exchange.blocks[handle + len(data) : (handle + len(data) + 15) & -16]
        assert not any(tail), "the rest of a block's last 16 bytes is zero"
        self.live[handle] = bytearray(data)
        return handle

    @rule(handle=handles | near | forged)
    def free(self, handle: int) -> None:
        self.kernel.call("free", handle)
        if self.live.pop(handle, None) is not None and self.input[0] == handle:
            self.input = (handle, 0)

    @rule(handle=handles | near | forged)
    def host_frees(self, handle: int) -> None:
        self.exchange.free(handle)
        self.live.pop(handle, None)

    @rule(handle=handles | near | forged)
    def length(self, handle: int) -> None:
        expected = len(self.live.get(handle, b""))
        assert self.kernel.call("length", handle) == expected
        assert self.kernel.call("length_unsafe", handle) == expected

    @rule(handle=handles | near | forged)
    def host_reads(self, handle: int) -> None:
        if handle in self.live:
            assert self.exchange.read(handle) == bytes(self.live[handle])
        elif handle == 0:
            assert self.exchange.read(handle) == b""
        else:
            with pytest.raises(GuestFailed, match="not a live block"):
                self.exchange.read(handle)

    @rule(handle=handles, offset=st.integers(0, 300_000), value=st.integers(0, ALL))
    def store_and_load(self, handle: int, offset: int, value: int) -> None:
        block = self.live.get(handle)
        if block is None:
            return
        offset %= len(block)
        self.kernel.call("store_u8", handle + offset, value & 0xFFFFFFFF)
        block[offset] = value & 0xFF
        assert self.kernel.call("load_u8", handle + offset) == value & 0xFF
        if offset + 8 <= len(block):
            self.kernel.call("store_u64", handle + offset, value)
            block[offset : offset + 8] = value.to_bytes(8, "little")
            assert self.kernel.call("load_u64", handle + offset) == value

    @rule(at=st.sampled_from(FAR) | st.integers(0, 15) | st.integers(MAXIMUM, ALL))
    def far_away(self, at: int) -> None:
        self.kernel.call("store_u8", at, 0xAB)
        self.kernel.call("store_u64", at, ALL)
        assert self.kernel.call("load_u8", at) == 0
        assert self.kernel.call("load_u64", at) == 0

    @rule(over=st.integers(0, 8))
    def at_the_end(self, over: int) -> None:
        at = self._top() - 8 + over
        if at < 16:
            return
        expected = 0 if over else None
        got = self.kernel.call("load_u64", at)
        assert expected is None or got == expected
        if over == 8:
            self.kernel.call("store_u8", at, 1)
            assert self.kernel.call("load_u8", at) == 0

    @rule(which=st.sampled_from(["input", "output"]), at=handles | near | forged, length=near | forged)
    def set_range(self, which: str, at: int, length: int) -> None:
        taken = self._is_range(at, length)
        self.kernel.call(f"{which}_set", at, length)
        if taken:
            setattr(self, which, (at, length))

    @rule(which=st.sampled_from(["input", "output"]), handle=handles, part=st.integers(0, 100))
    def set_part(self, which: str, handle: int, part: int) -> None:
        if handle in self.live:
            part = min(part, len(self.live[handle]))
            self.set_range(which, handle + part, len(self.live[handle]) - part)

    @rule(handle=handles | near | forged)
    def set_error(self, handle: int) -> None:
        self.kernel.call("error_set", handle)
        if handle == 0 or self._is_range(handle, 0):
            self.error = handle

    @rule(offset=st.integers(0, 100) | st.sampled_from(FAR))
    def input_load(self, offset: int) -> None:
        at, length = self.input
        data = self.exchange.blocks[at + offset : at + offset + 8].tobytes() if offset < length else b""
        assert self.kernel.call("input_load_u8", offset) == (data[0] if data else 0)
        whole = offset + 8 <= length
        assert self.kernel.call("input_load_u64", offset) == (int.from_bytes(data, "little") if whole else 0)

    @invariant()
    def agree(self) -> None:
        if not hasattr(self, "kernel"):
            return
        call = self.kernel.call
        assert (call("input_offset"), call("input_length")) == self.input
        assert (call("output_offset"), call("output_length")) == self.output
        assert self.exchange.outcome() == (*self.output, self.error)
        assert call("error_get") == self.error
        assert len(self.exchange.output()) == self.output[1]
        assert (self.exchange.error_text(100) is None) == (self.error == 0)

    @invariant()
    def blocks_hold_what_was_put(self) -> None:
        for handle, data in self.live.items() if hasattr(self, "kernel") else ():
            assert self.exchange.read(handle) == bytes(data)

    @invariant()
    def stay_within_bounds(self) -> None:
        if hasattr(self, "kernel"):
            header = self.exchange.header
            assert 16 <= header[5] <= header[8] <= MAXIMUM
            assert header[8] == self.kernel.call("memory_bytes")
            assert header[7] <= header[8]


TestExchange = Exchanges.TestCase
TestExchange.settings = settings(
    max_examples=60, stateful_step_count=60, deadline=None, suppress_health_check=list(HealthCheck)
)


def test_no_free_block_is_reused_while_there_is_room_above_it():
    kernel = Kernel()
    kernel.exchange.begin(b"")
    first, _second = kernel.call("alloc", 64), kernel.call("alloc", 64)
    kernel.call("free", first)
    assert kernel.call("alloc", 64) not in (0, first)
    kernel.close()


def test_freed_blocks_are_reused_when_the_memory_is_full_and_come_back_zeroed():
    kernel = Kernel()
    kernel.exchange.begin(b"")
    handles = []
    for size in (65_536, 4096, 16):
        while handle := kernel.call("alloc", size):
            kernel.call("store_u64", handle, ALL)
            handles.append(handle)
    kernel.call("free", handles[3])
    again = [kernel.call("alloc", 30_000), kernel.call("alloc", 30_000)]
    assert again[0] == handles[3]
    assert handles[3] < again[1] < handles[4]
    assert kernel.exchange.read(again[0]) == bytes(30_000)
    assert kernel.call("alloc", 30_000) == 0
    kernel.close()


def test_what_the_host_freed_is_not_reused_in_the_same_call():
    kernel = Kernel()
    kernel.exchange.begin(b"")
    handles = []
    while handle := kernel.call("alloc", 65_536):
        handles.append(handle)
    kernel.exchange.free(handles[3])
    kernel.call("free", handles[3])  # kits free a key once more
    assert kernel.call("alloc", 65_536) == 0
    kernel.exchange.begin(b"")
    assert kernel.call("alloc", 65_536)
    kernel.close()


def test_a_handle_of_an_earlier_call_is_dead():
    kernel = Kernel()
    kernel.exchange.begin(b"first")
    old = kernel.call("alloc", 32)
    kernel.exchange.begin(b"")
    assert kernel.call("length", old) == kernel.call("length", 16) == 0
    with pytest.raises(GuestFailed):
        kernel.exchange.read(old)
    kernel.call("error_set", old)
    assert kernel.exchange.error_text(100) is None
    kernel.close()


def test_an_old_handle_inside_a_new_block_is_dead():
    kernel = Kernel()
    kernel.exchange.begin(b"first")
    old = [kernel.call("alloc", 32), kernel.exchange.write(b"by the host")]
    for start in (lambda: kernel.exchange.begin(b""), lambda: kernel.call("reset")):
        start()
        assert kernel.call("alloc", 1000) == 16
        for handle in old:
            assert 16 < handle < 1016
            assert kernel.call("length", handle) == 0
            with pytest.raises(GuestFailed):
                kernel.exchange.read(handle)
    kernel.close()


@pytest.mark.parametrize("into", range(1, 16))
def test_no_address_inside_a_block_is_a_handle(into):
    kernel = Kernel()
    kernel.exchange.begin(b"0123456789abcdefghijklmnopq")
    kernel.call("free", 16 + into)
    assert kernel.call("length", 16 + into) == 0
    assert kernel.call("length", 16) == 27
    with pytest.raises(GuestFailed):
        kernel.exchange.read(16 + into)
    kernel.close()


@pytest.mark.parametrize("which", ["input", "output"])
@pytest.mark.parametrize("length", [ALL, ALL - 15, 2**63, 2**32, 33])
def test_a_range_that_wraps_round_or_ends_beyond_the_blocks_is_not_taken(which, length):
    kernel = Kernel()
    kernel.exchange.begin(b"0123456789abcdefghijklmnopq")
    before = kernel.call(f"{which}_offset"), kernel.call(f"{which}_length")
    kernel.call(f"{which}_set", 16, length)
    assert (kernel.call(f"{which}_offset"), kernel.call(f"{which}_length")) == before
    kernel.close()


def test_generations_never_come_round():
    kernel = Kernel()
    kernel.exchange.header[6] = 0x7FFFFFFD
    kernel.call("reset")
    assert kernel.exchange.worn
    with pytest.raises(AssertionError, match=r"(?i)unreachable"):
        kernel.call("reset")
    kernel.close()


def test_a_sandbox_whose_generations_are_used_up_says_so(load):
    instance = load('(func (export "echo") (call $output (call $input) (call $size)))').instance()
    assert instance.call("echo", b"x") == b"x"
    instance._call.exchange.header[6] = 0x7FFFFFFF
    with pytest.raises(EngineFailed, match=r"used up.*new instance"):
        instance.call("echo", b"x")
    assert not instance.healthy


def test_limits_of_a_plugin_bound_what_the_exchange_may_hold(load):
    template = load('(func (export "f"))', memory_bytes=2 * 1024 * 1024, input_bytes=100)
    exchange = template.instance()._call.exchange
    assert exchange.header[9] <= Limits().output_bytes + 100 + COMMITTED_AT_START
