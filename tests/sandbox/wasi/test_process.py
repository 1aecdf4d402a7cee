"""Arguments, environment, clocks, random bytes and the end of a guest."""

from __future__ import annotations

import struct

import pytest
from tests.sandbox.wasi.driver import Call, Guest, fd_subscription, session_of

from omnicore.errors import DeadlineExceeded, LimitExceeded
from omnicore.sandbox.abi import MIB, WasiGrant
from omnicore.sandbox.wasi.functions import wasi_functions
from omnicore.sandbox.wasi.preview1 import BADF, FAULT, INVAL, NOTSUP, SPIPE
from omnicore.sandbox.wasi.session import WasiExit, WasiSession

OUT = 24576


def test_all_46_functions_are_there_once() -> None:
    names = [function.name for function in wasi_functions(session_of)]
    assert len(names) == len(set(names)) == 46


def test_a_guest_without_grants_sees_no_arguments_no_environment_and_no_directory() -> None:
    with Guest() as guest:
        assert guest.args_sizes_get(OUT, OUT + 4) == 0
        assert (guest.u32(OUT), guest.u32(OUT + 4)) == (0, 0)
        assert guest.environ_sizes_get(OUT, OUT + 4) == 0
        assert (guest.u32(OUT), guest.u32(OUT + 4)) == (0, 0)
        assert guest.fd_prestat_get(3, OUT) == BADF
        assert guest.read(0) == (0, b"")


def test_granted_arguments_and_environment_arrive_as_c_strings() -> None:
    grant = WasiGrant(arguments=("tool", "-v"), environment={"LANG": "de", "ÄH": "ö"})
    with Guest(grant) as guest:
        guest.args_sizes_get(OUT, OUT + 4)
        assert (guest.u32(OUT), guest.u32(OUT + 4)) == (2, 8)
        assert guest.args_get(OUT, 100) == 0
        assert struct.unpack("<II", guest.peek(OUT, 8)) == (100, 105)
        assert guest.peek(100, 8) == b"tool\0-v\0"
        assert guest.environ_get(OUT, 200) == 0
        assert guest.peek(200, 15) == b"LANG=de\0" + "ÄH=ö".encode() + b"\0"


def test_an_address_outside_the_memory_is_a_fault_and_no_trap() -> None:
    with Guest(WasiGrant(arguments=("a",))) as guest:
        for error in (
            guest.args_sizes_get(0xFFFFFFFE, 0),
            guest.args_get(0xFFFFFFFE, 0),
            guest.clock_time_get(0, 0, 0xFFFFFFF0),
            guest.random_get(0xFFFFFFF0, 64),
            guest.fd_write(1, 0xFFFFFFF0, 1, 0),
            guest.fd_write(1, 0, 1, 0xFFFFFFFE),
            guest.fd_fdstat_get(1, 0xFFFFFFF0),
            guest.poll_oneoff(0xFFFFFFF0, 0, 1, 0),
        ):
            assert error == FAULT


def test_a_huge_random_request_ends_at_the_memory_and_not_in_the_hosts() -> None:
    with Guest() as guest:
        assert guest.random_get(0, 0xFFFFFFFF) == FAULT


def test_random_bytes_differ_and_a_seed_repeats_them() -> None:
    def draw(grant: WasiGrant) -> bytes:
        with Guest(grant) as guest:
            assert guest.random_get(100, 16) == 0
            assert guest.random_get(116, 100_000) == 0
            return guest.peek(100, 100_016)

    assert draw(WasiGrant()) != draw(WasiGrant())
    assert draw(WasiGrant(seed=b"1")) == draw(WasiGrant(seed=b"1"))
    assert draw(WasiGrant(seed=b"1")) != draw(WasiGrant(seed=b"2"))
    drawn = draw(WasiGrant(seed=b"1"))
    assert drawn[:16] != drawn[16:32]


def test_clocks_run_and_monotonic_time_starts_with_the_session() -> None:
    with Guest() as guest:
        assert guest.clock_time_get(0, 0, OUT) == 0
        assert guest.u64() > 1_700_000_000 * 10**9
        assert guest.clock_time_get(1, 0, OUT) == 0
        first = guest.u64()
        assert first < 60 * 10**9
        guest.clock_time_get(1, 0, OUT)
        assert guest.u64() >= first
        assert guest.clock_res_get(1, OUT) == 0
        assert guest.u64() > 0


def test_a_frozen_clock_stands_still() -> None:
    with Guest(WasiGrant(frozen_clock_ns=123_456)) as guest:
        for _ in range(3):
            guest.clock_time_get(0, 0, OUT)
            assert guest.u64() == 123_456
            guest.clock_time_get(1, 0, OUT)
            assert guest.u64() == 1  # 0 ends Go's run-time


@pytest.mark.parametrize(("clock", "error"), [(2, NOTSUP), (3, NOTSUP), (4, INVAL)])
def test_other_clocks_are_refused(clock: int, error: int) -> None:
    with Guest() as guest:
        assert guest.clock_time_get(clock, 0, OUT) == error
        assert guest.clock_res_get(clock, OUT) == error


@pytest.mark.parametrize("code", [0, 3, 0xFFFFFFFF])
def test_proc_exit_ends_the_guest_with_its_code_and_keeps_the_output(code: int) -> None:
    with Guest() as guest:
        guest.write(1, b"before")
        with pytest.raises(WasiExit) as caught:
            guest.proc_exit(code)
        assert caught.value.code == code
        assert guest.session.stdout == b"before"


def test_signals_and_sockets_are_not_there() -> None:
    with Guest() as guest:
        assert guest.proc_raise(9) == NOTSUP
        assert guest.sock_accept(3, 0, OUT) == NOTSUP
        assert guest.sock_recv(3, 0, 0, 0, 0, 0) == NOTSUP
        assert guest.sock_send(3, 0, 0, 0, 0) == NOTSUP
        assert guest.sock_shutdown(3, 0) == NOTSUP
        assert guest.sched_yield() == 0


def test_output_and_standard_input_are_kept_in_memory() -> None:
    with Guest(stdin=b"hello") as guest:
        assert guest.read(0, 2) == (0, b"he")
        assert guest.poll(fd_subscription(1, 0)) == (0, [(1, 0, 1, 3, 0)])
        assert guest.read(0) == (0, b"llo")
        assert guest.read(0) == (0, b"")
        assert guest.write(1, b"out") == (0, 3)
        assert guest.write(2, b"err") == (0, 3)
        assert (guest.session.stdout, guest.session.stderr) == (b"out", b"err")
        assert guest.write(0, b"x")[0] == BADF
        assert guest.read(1)[0] == BADF
        assert guest.seek(1, 0)[0] == SPIPE
        assert guest.fd_tell(0, OUT) == SPIPE


def test_output_over_its_limit_ends_the_call_with_an_error_that_names_it() -> None:
    with Guest(output_limit=10) as guest:
        assert guest.write(1, b"123456") == (0, 6)
        assert guest.write(2, b"1234") == (0, 4)
        with pytest.raises(LimitExceeded, match="10 bytes") as caught:
            guest.write(1, b"1")
        assert caught.value.details == {"limit": "output_bytes", "allowed": 10}


def test_a_thousand_spans_over_one_buffer_make_one_short_write() -> None:
    with Guest(output_limit=64 * MIB) as guest:
        guest.poke(OUT, struct.pack("<II", 0, 4 * 65536) * 1000)
        assert guest.fd_write(1, OUT, 1000, 0) == 0
        assert guest.u32(0) == len(guest.session.stdout) == 4 * MIB
        assert guest.fd_write(1, OUT, 1025, 0) == INVAL


def test_a_second_call_starts_with_empty_output_and_its_own_input() -> None:
    session = WasiSession(WasiGrant(), stdin=b"one", output_limit=3)
    call = Call(session, 0.0)
    assert session.entry(0).read(10) == b"one"
    session.entry(1).write(b"abc")
    session.begin(b"two")
    assert session.stdout == b""
    assert session.entry(0).read(10) == b"two"
    session.entry(1).write(b"def")
    assert session_of(call).stdout == b"def"
    session.close()


def test_drawing_random_bytes_stops_at_the_deadline() -> None:
    with Guest(timeout_s=-1.0) as guest, pytest.raises(DeadlineExceeded):
        guest.random_get(0, 200_000)
