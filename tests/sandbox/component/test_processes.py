"""Forks, threads, Ctrl-C and long runs, each in a process of its own."""

from __future__ import annotations

from tests.sandbox.child import run_child

SETUP = """
import asyncio, json
from omnicore.sandbox.component.engine import ComponentEngine
from tests.sandbox.component.conftest import GUEST, component, door, logging
from omnicore.sandbox.abi import WasiGrant

LOOP = component('(func (export "run") (loop $l (br $l)))')

def load(wasm=None, doors=None, **limits):
    data = GUEST.read_bytes() if wasm is None else wasm
    return ComponentEngine().load([("main", data)], Limits(**limits), doors or Doors(wasi=WasiGrant()))

def in_child(work):
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            import traceback; traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
"""


def test_after_a_fork_the_child_makes_everything_anew_and_the_parent_goes_on():
    run_child(
        SETUP
        + """
template = load(timeout_s=0.3)
warm = template.instance()
assert warm.call("count", b"") == b"1"

def work():
    try:
        warm.call("count", b"")
        raise AssertionError("the parent's store was used")
    except Conflict:
        pass
    fresh = template.instance()
    assert fresh.call("shout", b"child") == b"CHILD"
    try:
        template.instance().call("spin", b"")
    except DeadlineExceeded:
        pass
    fresh.close()

in_child(work)
in_child(work)
assert warm.call("count", b"") == b"2"
assert template.instance().call("shout", b"parent") == b"PARENT"
"""
    )


def test_a_fork_inside_a_host_function_harms_nobody():
    run_child(
        SETUP
        + """
def fork(call, handle):
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return call.write(b"{}")

instance = load(logging(5), door(fork)).instance()
assert [instance.call("run", b"") for _ in range(3)] == [b""] * 3
"""
    )


def test_threads_do_not_get_each_others_answers():
    run_child(
        SETUP
        + """
template = load(timeout_s=30)
wrong = []

def work(own):
    instance = template.instance()
    for number in range(300):
        text = f"{own}-{number}"
        if instance.call("shout", text.encode()) != text.encode():
            wrong.append(text)
    instance.close()

threads = [threading.Thread(target=work, args=(own,)) for own in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert not wrong
"""
    )


def test_a_real_interrupt_ends_an_endless_loop_and_a_sleep():
    run_child(
        SETUP
        + """
for wasm, function in ((LOOP, "run"), (None, "sleep")):
    instance = load(wasm, timeout_s=60).instance()
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    started = time.monotonic()
    try:
        instance.call(function, b"60000" if function == "sleep" else b"")
        raise AssertionError("nothing was interrupted")
    except KeyboardInterrupt:
        pass
    assert time.monotonic() - started < 10
"""
    )


def test_interrupts_during_host_calls_are_delivered_and_harm_nothing():
    run_child(
        SETUP
        + """
def busy(call, handle):
    for _ in range(200): pass
    return call.write(b"{}")

template = load(logging(5, endless=True), door(busy), timeout_s=60, host_calls=1_000_000_000)
for turn in range(60):
    instance = template.instance()
    try:
        threading.Timer(0.005 + turn / 7919, os.kill, (os.getpid(), signal.SIGINT)).start()
        instance.call("run", b"")
        raise AssertionError("nothing was interrupted")
    except KeyboardInterrupt:
        pass
    instance.close()
"""
    )


def test_calls_traps_and_instances_leave_nothing_behind():
    run_child(
        SETUP
        + """
def answer(call, handle):
    return call.write(b"{}")

template, logs = load(timeout_s=30), load(logging(5), door(answer))
def once():
    instance = template.instance()
    instance.call("mix", b'{"a":"red","flags":["loud"],"c":"x","pair":[true,"text"]}')
    instance.call("reverse", b"x" * 200)
    instance.call("dice", b"4")
    try:
        instance.call("panic", b"x")
    except GuestTrapped:
        pass
    instance.close()
    instance = logs.instance()
    instance.call("run", b"")
    instance.close()
for _ in range(300): once()
before = resident()
for _ in range(1500): once()
assert resident() - before < 3_000_000, resident() - before
"""
    )


def test_recursion_near_pythons_limit_is_an_error_and_not_a_crash():
    run_child(
        SETUP
        + """
def answer(call, handle):
    return call.write(b"{}")

template = load(logging(5), door(answer))
def deep(levels):
    if levels:
        return deep(levels - 1)
    return template.instance().call("run", b"")

for levels in range(sys.getrecursionlimit() - 120, sys.getrecursionlimit() + 5):
    try:
        deep(levels)
    except RecursionError:
        pass
assert template.instance().call("run", b"") == b""
"""
    )


def test_guests_and_host_functions_in_a_circle_end_with_an_error():
    run_child(
        SETUP
        + """
def again(call, handle):
    template.instance().call("run", b"")
    return call.write(b"{}")

template = load(logging(5), door(again), timeout_s=30)
try:
    template.instance().call("run", b"")
    raise AssertionError("it never ended")
except LimitExceeded as error:
    assert error.details["limit"] == "nesting", error
"""
    )


def test_without_room_for_another_open_file_loading_fails_with_an_error_of_the_engine():
    run_child(
        SETUP
        + """
import resource, tempfile
from pathlib import Path
engine, guest = ComponentEngine(Path(tempfile.mkdtemp()) / "code"), GUEST.read_bytes()
def again():
    return engine.load([("main", guest)], Limits(), Doors(wasi=WasiGrant()))
again()
before = resource.getrlimit(resource.RLIMIT_NOFILE)
failed = 0
for spare in range(3):  # for the cached code, and for its copy in memory
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) - 1 + spare, before[1]))
    try:
        again()
    except EngineFailed:
        failed += 1
    resource.setrlimit(resource.RLIMIT_NOFILE, before)
assert failed
assert again().instance().call("shout", b"a") == b"A"
"""
    )
