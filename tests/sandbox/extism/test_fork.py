"""After a fork nothing of the parent's engine is used in the child, and the parent goes on."""

from __future__ import annotations

from tests.sandbox.child import run_child

FORK = """
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


def test_a_template_of_the_parent_works_in_the_child_and_goes_on_in_the_parent():
    run_child(
        FORK
        + """
template = load(ECHO + LOOP + COUNT, timeout_s=0.1)
warm = template.instance()
assert warm.call("count", b"")[0] == 1

def work():
    fresh = template.instance()
    assert fresh.call("echo", b"child") == b"child"
    assert fresh.call("count", b"")[0] == 1
    fresh.close()
    assert template.instance().call("echo", b"again") == b"again"

in_child(work)
in_child(work)
assert warm.call("count", b"")[0] == 2
assert template.instance().call("echo", b"parent") == b"parent"
"""
    )


def test_deadlines_and_cancelling_work_in_the_child():
    run_child(
        FORK
        + """
template = load(ECHO + LOOP, timeout_s=0.1)
template.instance().call("echo", b"")

def work():
    started = time.monotonic()
    for _ in range(2):
        try:
            template.instance().call("loop", b"")
        except DeadlineExceeded:
            continue
        raise AssertionError
    assert time.monotonic() - started < 20
    instance = template.instance()
    threading.Thread(target=lambda: (time.sleep(0.05), instance.cancel())).start()
    try:
        instance.call("loop", b"", timeout_s=30)
    except CallCancelled:
        return
    raise AssertionError

in_child(work)
try:
    template.instance().call("loop", b"")
except DeadlineExceeded:
    print("cut")
"""
    )


def test_coroutines_of_the_host_are_awaited_in_the_child():
    run_child(
        FORK
        + """
async def wait(call, value):
    await asyncio.sleep(0)
    return value + 1
template = load('(func (export "f") (call $emit (call $h (i64.const 20))))', DOOR, doors=door(wait))
assert template.instance().call("f", b"")[0] == 21

def work():
    assert template.instance().call("f", b"")[0] == 21
    assert asyncio.run(template.instance(on_loop=True).call_async("f", b""))[0] == 21

in_child(work)
assert asyncio.run(template.instance(on_loop=True).call_async("f", b""))[0] == 21
"""
    )


def test_what_belongs_to_the_parents_engine_is_neither_used_nor_freed_in_the_child():
    run_child(
        FORK
        + """
from omnicore.sandbox.capi import library
template = load(ECHO + LOOP, DOOR, doors=door(lambda call, value: value), timeout_s=0.1)
idle, held = template.instance(), template.instance()
for instance in (idle, held):
    instance.call("echo", b"parent")
idle.close()
freed = []

class Recorder:
    def __init__(self, library):
        self._library = library
    def __getattr__(self, name):
        if name.endswith("_delete"):
            freed.append(name)
        return getattr(self._library, name)

def work():
    global template
    for room in list(sys.modules.values()):
        if getattr(room, "__name__", "").startswith("omnicore.sandbox") and hasattr(room, "lib"):
            room.lib = Recorder(library.lib)
    try:
        held.call("echo", b"child")
    except Conflict:
        pass
    else:
        raise AssertionError("an instance of the parent was used")
    held.close()
    template.close()
    del template
    gc.collect()
    assert not freed, freed

in_child(work)
assert held.call("echo", b"parent") == b"parent"
"""
    )


def test_a_child_forked_while_other_threads_call_works():
    run_child(
        FORK
        + """
template = load(ECHO + LOOP, timeout_s=5)
stop = threading.Event()

def busy():
    instance = template.instance()
    while not stop.is_set():
        assert instance.call("echo", b"busy") == b"busy"

threads = [threading.Thread(target=busy) for _ in range(3)]
for thread in threads:
    thread.start()

def work():
    for _ in range(20):
        instance = template.instance()
        assert instance.call("echo", b"child") == b"child"
        instance.close()
    fresh = load(ECHO, DOOR, doors=door(lambda call, value: value))
    assert fresh.instance().call("echo", b"x") == b"x"

for _ in range(10):
    in_child(work)
stop.set()
for thread in threads:
    thread.join()
"""
    )


def test_multiprocessing_by_fork_works():
    run_child(
        """
import multiprocessing
template = load(ECHO + LOOP, timeout_s=0.1)
assert template.instance().call("echo", b"parent") == b"parent"

def ask(text):
    try:
        template.instance().call("loop", b"")
    except DeadlineExceeded:
        return template.instance().call("echo", text)

with multiprocessing.get_context("fork").Pool(2) as pool:
    answers = pool.map(ask, [b"a", b"b", b"c", b"d"])
assert answers == [b"a", b"b", b"c", b"d"]
"""
    )


def test_a_host_function_that_forks_leaves_the_parents_call_whole():
    run_child(
        """
def fork(call, value):
    child = os.fork()
    if child == 0:
        try:
            call.write(b"from the child")
        except Conflict:
            os._exit(0)
        os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) + value

template = load('(func (export "f") (call $emit (call $h (i64.const 5))))', DOOR, doors=door(fork))
assert template.instance().call("f", b"")[0] == 5
"""
    )
