"""Ctrl-C: a guest on the main thread ends at once, in whatever way it runs, and the process stays well."""

from __future__ import annotations

from tests.sandbox.child import finish, run_child

INTERRUPT = """
def interrupt_after(seconds):
    sent = []
    def send():
        time.sleep(seconds)
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)
    threading.Thread(target=send, daemon=True).start()
    return sent
"""


def test_an_endless_guest_ends_and_the_next_call_works():
    took = run_child(
        INTERRUPT
        + """
template = load(LOOP + ECHO, timeout_s=30)
waits = []
for _ in range(5):
    instance = template.instance()
    sent = interrupt_after(0.3)
    try:
        instance.call("loop", b"")
    except KeyboardInterrupt:
        waits.append(time.monotonic() - sent[0])
    assert not instance.healthy
    instance.close()
    assert template.instance().call("echo", b"well") == b"well"
assert len(waits) == 5
print(sorted(waits)[2])
"""
    )
    print(f"from SIGINT to KeyboardInterrupt: {float(took) * 1000:.1f} ms")
    assert float(took) < 0.25


def test_a_process_that_lets_the_interrupt_pass_ends_as_one_that_was_interrupted():
    ran = finish(INTERRUPT + "interrupt_after(0.3); load(LOOP, timeout_s=30).instance().call('loop', b'')")
    assert ran.returncode in (130, -2)
    assert "KeyboardInterrupt" in ran.stderr


def test_a_host_function_is_interrupted_where_it_stands():
    run_child(
        INTERRUPT
        + """
stopped = []
def wait(call, value):
    try:
        time.sleep(30)
    except KeyboardInterrupt:
        stopped.append(True)
        raise
template = load('(func (export "f") (drop (call $h (i64.const 1))))', DOOR, doors=door(wait), timeout_s=60)
interrupt_after(0.3)
try:
    template.instance().call("f", b"")
except KeyboardInterrupt as error:
    assert stopped and any("in the guest" in note for note in error.__notes__)
else:
    raise AssertionError
"""
    )


def test_a_host_coroutine_under_a_blocking_call_is_interrupted_too():
    run_child(
        INTERRUPT
        + """
async def wait(call, value):
    await asyncio.sleep(30)
template = load('(func (export "f") (drop (call $h (i64.const 1))))', DOOR, doors=door(wait), timeout_s=60)
interrupt_after(0.3)
started = time.monotonic()
try:
    template.instance().call("f", b"")
except KeyboardInterrupt:
    assert time.monotonic() - started < 20
else:
    raise AssertionError
"""
    )


ON_LOOP = """
async def main():
    instance = (early or load(LOOP, timeout_s=30)).instance(on_loop=True)
    sent.extend(interrupt_after(0.3) or [])
    try:
        await instance.call_async("loop", b"")
    finally:
        ended.append(asyncio.current_task().cancelling())

sent, ended = [], []
started = time.monotonic()
try:
    asyncio.run(main())
except KeyboardInterrupt:
    assert time.monotonic() - started < 20
else:
    raise AssertionError
assert ended == [expected], ended
assert load(ECHO).instance().call("echo", b"well") == b"well"
"""


def test_a_guest_on_the_loop_ends_by_the_runners_own_cancelling():
    run_child(INTERRUPT + "early, expected = None, 1\n" + ON_LOOP)


def test_a_guest_on_the_loop_ends_where_our_handler_was_there_first():
    run_child(INTERRUPT + "early, expected = load(LOOP, timeout_s=30), 0\nearly.instance()\n" + ON_LOOP)


def test_the_runners_handler_is_given_back():
    run_child(
        """
async def main():
    return await load(ECHO).instance(on_loop=True).call_async("echo", b"x")
assert asyncio.run(main()) == b"x"
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
"""
    )


def test_an_applications_own_handler_is_called_and_decides():
    run_child(
        INTERRUPT
        + """
seen = []
signal.signal(signal.SIGINT, lambda number, frame: seen.append(number))
template = load(LOOP + ECHO, timeout_s=0.5)
interrupt_after(0.3)
try:
    template.instance().call("loop", b"")
except DeadlineExceeded:
    assert seen == [signal.SIGINT]
def leave(number, frame):
    raise SystemExit(7)
signal.signal(signal.SIGINT, leave)
interrupt_after(0.3)
try:
    template.instance().call("loop", b"")
except SystemExit as error:
    assert error.code == 7
else:
    raise AssertionError
"""
    )


STORM = """
def storm(count, seconds):
    def send():
        for _ in range(count):
            time.sleep(seconds / count * random.uniform(0.2, 1.8))
            os.kill(os.getpid(), signal.SIGINT)
        over.set()
    over = threading.Event()
    thread = threading.Thread(target=send, daemon=True)
    return thread, over
"""


def test_a_storm_of_interrupts_crashes_nothing_and_loses_nothing():
    shown = run_child(
        """
from omnicore.sandbox.extism.store import STORES
def ask(call, handle):
    return sum(range(20)) and handle
template = load(
    ECHO + '''(func (export "ask") (local $i i32) (loop $l (drop (call $h (i64.const 1)))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 2000)))))
    (func (export "spin") (local $i i32) (loop $l
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 3000000)))))''',
    DOOR, doors=door(ask), timeout_s=30, host_calls=10**9)
raised = calls = 0
ready, over = threading.Event(), threading.Event()
def send():
    ready.wait()
    for number in range(1, 201):
        time.sleep(random.uniform(0, 0.02))
        os.kill(os.getpid(), signal.SIGINT)
        until = time.monotonic() + 10
        while raised < number:  # two that come together would be one
            if time.monotonic() > until:
                os._exit(9)
            time.sleep(0.0002)
    over.set()
thread = threading.Thread(target=send)
thread.start()
while not over.is_set():
    try:
        ready.set()
        instance = template.instance()
        try:
            for _ in range(20):
                assert instance.call("echo", b"abc") == b"abc"
                calls += 1
            instance.call("ask", b"")
            instance.call("spin", b"")
        finally:
            instance.close()
    except KeyboardInterrupt:
        raised += 1
assert template.instance().call("echo", b"well") == b"well"
print(raised, calls, len(STORES))
"""
    )
    raised, calls, cells = map(int, shown.split())
    print(f"200 interrupts: {raised} raised in {calls} calls, {cells} cells left")
    assert raised == 200
    assert calls > 200
    assert cells < 30  # of instances whose name an interrupt kept from being bound


def test_a_storm_over_an_event_loop_crashes_nothing():
    ran = finish(
        STORM
        + """
async def wait(call, value):
    await asyncio.sleep(0)
    return value
template = load(LOOP + '''(func (export "f") (local $i i32) (loop $l (drop (call $h (i64.const 1)))
    (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 100)))))''',
    DOOR, doors=door(wait), timeout_s=30, host_calls=10**9)
async def main():
    while True:
        instance = template.instance(on_loop=True)
        await asyncio.wait_for(instance.call_async(random.choice(["f", "loop"]), b""), 0.02)

thread, over = storm(200, 2)
thread.start()
while not over.is_set():
    try:
        asyncio.run(main())
    except (KeyboardInterrupt, TimeoutError):
        continue
"""
    )
    # asyncio reports tasks that an interrupt ended; ctypes must have nothing to report.
    assert ran.returncode == 0, ran.stderr
    assert "ctypes" not in ran.stderr, ran.stderr


def test_a_guest_on_a_worker_thread_leaves_the_interrupt_to_the_main_thread():
    run_child(
        INTERRUPT
        + """
template = load(LOOP, timeout_s=60)
instance, outcome, done = template.instance(), [], threading.Event()
def work():
    try:
        instance.call("loop", b"")
    except BaseException as error:
        outcome.append(type(error))
    done.set()
thread = threading.Thread(target=work)
thread.start()
sent = interrupt_after(0.3)
try:
    done.wait()
except KeyboardInterrupt:
    assert time.monotonic() - sent[0] < 10 and not outcome
    instance.cancel()
assert done.wait(60)
assert outcome == [CallCancelled]
"""
    )
