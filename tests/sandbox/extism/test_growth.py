"""What use costs in memory. Units: resident bytes of a process of its own."""

from __future__ import annotations

import pytest
from tests.sandbox.child import run_child

MIB = 1024 * 1024


def grown(body: str) -> int:
    return int(run_child(body))


def test_ten_thousand_sandboxes_made_used_and_closed_leave_nothing_behind():
    used = grown("""
template = load(ECHO + '(memory (export "memory") 2)')
def cycle(times):
    for _ in range(times):
        instance = template.instance()
        assert instance.call("echo", b"x" * 64) == b"x" * 64
        instance.close()
cycle(1000)
before = resident()
cycle(10_000)
print(resident() - before)
""")
    print(f"10,000 create-call-close cycles: {used // 1024} KB")
    assert used <= 5 * MIB


def test_ten_thousand_sandboxes_that_overlap_leave_nothing_behind():
    used = grown("""
template = load(ECHO)
def cycle(times):
    held = []
    for _ in range(times):
        held.append(template.instance())
        held[-1].call("echo", b"x")
        if len(held) == 50:
            for instance in held:
                instance.close()
            held.clear()
cycle(1000)
before = resident()
cycle(10_000)
print(resident() - before)
""")
    print(f"10,000 overlapping: {used // 1024} KB")
    assert used <= 5 * MIB


def test_a_hundred_thousand_calls_leave_nothing_behind():
    used = grown("""
template = load(ECHO + '(func (export "ask") (drop (call $h (call $alloc (i64.const 100)))))',
    DOOR, doors=door(lambda call, handle: call.write(b"answer")))
instance = template.instance()
def run(times):
    for _ in range(times):
        assert instance.call("echo", b"x" * 64) == b"x" * 64
        instance.call("ask", b"")
run(5000)
before = resident()
run(50_000)
print(resident() - before)
""")
    print(f"100,000 calls: {used // 1024} KB")
    assert used <= 5 * MIB


def test_calls_on_the_event_loop_leave_nothing_behind():
    used = grown("""
async def wait(call, value):
    await asyncio.sleep(0)
    return value
template = load('(func (export "ask") (drop (call $h (i64.const 1))))', DOOR, doors=door(wait))
async def run(times):
    for _ in range(times):
        instance = template.instance(on_loop=True)
        await instance.call_async("ask", b"")
        instance.close()
async def main():
    await run(2000)
    before = resident()
    await run(10_000)
    print(resident() - before)
asyncio.run(main())
""")
    print(f"10,000 calls on the loop: {used // 1024} KB")
    assert used <= 5 * MIB


@pytest.mark.parametrize("how", ["trap", "time out", "fail in the host", "fail to start"])
def test_calls_that_fail_leave_nothing_behind(how):
    used = grown(
        f"how = {how!r}"
        + """
def fail(call, value):
    raise ValueError("x" * 100)
body = '(func (export "trap") unreachable) (func (export "ask") (drop (call $h (i64.const 1))))' + LOOP
if how == "fail to start":
    body += '(func (export "_initialize") unreachable)'
template = load(body, DOOR, doors=door(fail))
export = {"trap": "trap", "time out": "loop"}.get(how, "ask")
def run(times):
    for _ in range(times):
        instance = template.instance()
        try:
            instance.call(export, b"", timeout_s=0.001)
        except (OmniError, ValueError):
            pass
        instance.close()
times = 100 if how == "time out" else 2000
run(times)
before = resident()
run(times)
print(resident() - before)
"""
    )
    print(f"calls that {how}: {used // 1024} KB")
    assert used <= 2 * MIB


def test_loading_and_closing_plugins_leaves_little_behind():
    used = grown("""
def run(times):
    for turn in range(times):
        template = load(ECHO + f'(func (export "n{turn}"))')
        instance = template.instance()
        instance.call("echo", b"x")
        instance.close()
        template.close()
run(50)
before = resident()
run(300)
print(resident() - before)
""")
    print(f"300 plugins loaded and closed: {used // 1024} KB")
    assert used <= 5 * MIB


def test_an_idle_warm_instance_of_a_small_plugin_is_small():
    used = grown("""
template = load(ECHO + '(memory (export "memory") 1)')
for _ in range(20):
    instance = template.instance()
    instance.call("echo", b"x" * 64)
    instance.close()
before = resident()
held = [template.instance() for _ in range(300)]
for instance in held:
    assert instance.call("echo", b"x" * 64) == b"x" * 64
print((resident() - before) // len(held))
""")
    print(f"an idle warm instance: {used / 1024:.0f} KB")
    assert used <= 150 * 1024
