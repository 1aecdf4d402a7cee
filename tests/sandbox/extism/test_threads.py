"""Several threads: nobody gets another's answer, error or instance, and guests run beside each other."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import SimpleQueue

import pytest

from omnicore.errors import CallCancelled, Conflict, DeadlineExceeded, InstanceBusy, Unavailable
from omnicore.sandbox.abi import Doors, HostFunction
from omnicore.sandbox.extism.call import GuestCall
from omnicore.sandbox.extism.store import STORES

ECHO = '(func (export "echo") (call $output (call $input) (call $size)))'
LOOP = '(func (export "loop") (loop $l (br $l)))'
SPIN = """(func (export "spin") (local $i i32) (loop $l
  (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 20000)))))"""
DOOR = '(import "h" "h" (func $h (param i64) (result i64)))'
ASK = '(func (export "f") (call $emit (call $h (i64.const 1))))'


def door(run):
    return Doors(functions=(HostFunction("h", "h", ("i64",), ("i64",), run),))


def all_of(*works):
    """Runs the works on a thread each, all beginning together; raises what any of them raised."""
    gate = threading.Barrier(len(works))

    def begin(work):
        gate.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result() for future in [pool.submit(begin, work) for work in works]]


def test_of_two_threads_on_one_instance_one_is_told_that_it_is_busy(load):
    entered, go_on = threading.Event(), threading.Event()

    def hold(_call, value):
        entered.set()
        go_on.wait()
        return value

    instance = load(ASK + ECHO, DOOR, doors=door(hold), timeout_s=30).instance()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(instance.call, "f", b"")
        entered.wait()
        with pytest.raises(InstanceBusy):
            instance.call("echo", b"second")
        with pytest.raises(InstanceBusy):
            instance.usage()
        with pytest.raises(InstanceBusy):
            instance.close()
        go_on.set()
        assert first.result()[0] == 1
    assert instance.healthy
    assert instance.call("echo", b"third") == b"third"


def test_threads_that_race_for_one_instance_each_get_their_own_answer_or_none(load):
    instance = load(ECHO + SPIN).instance()

    def work(name):
        def run():
            right = busy = 0
            for turn in range(3000):
                data = f"{name}-{turn}".encode()
                try:
                    assert instance.call("echo", data) == data
                    right += 1
                except InstanceBusy:
                    busy += 1
            return right, busy

        return run

    outcomes = all_of(*(work(name) for name in "abcd"))
    print(f"right and busy: {outcomes}")
    assert all(right + busy == 3000 for right, busy in outcomes)
    assert sum(right for right, _ in outcomes) > 0
    assert instance.healthy


def test_five_thousand_calls_of_four_threads_on_fresh_instances_are_all_right(load):
    template = load(ECHO)

    def work(name):
        def run():
            for turn in range(5000):
                instance, data = template.instance(), f"{name}-{turn}".encode()
                assert instance.call("echo", data) == data
                instance.close()

        return run

    all_of(*(work(name) for name in "abcd"))


def test_five_thousand_calls_of_four_threads_on_a_shared_pool_are_all_right(load):
    template, pool = load(ECHO), SimpleQueue()
    for _ in range(3):
        pool.put(template.instance())

    def work(name):
        def run():
            for turn in range(5000):
                instance, data = pool.get(), f"{name}-{turn}".encode() * 3
                try:
                    assert instance.call("echo", data) == data
                finally:
                    pool.put(instance)

        return run

    all_of(*(work(name) for name in "abcd"))


def test_cancelling_at_random_moments_cuts_the_call_or_does_nothing(load):
    template = load(ECHO + SPIN + LOOP, timeout_s=30)
    held = [template.instance()]
    over = threading.Event()
    counts = {"right": 0, "cancelled": 0}

    def cancel():
        while not over.is_set():
            held[0].cancel()
            over.wait(random.uniform(0, 0.002))

    canceller = threading.Thread(target=cancel)
    canceller.start()
    until = time.monotonic() + 2
    try:
        while time.monotonic() < until:
            try:
                held[0].call("spin", b"")
                assert held[0].call("echo", b"abc") == b"abc"
                counts["right"] += 1
                if random.random() < 0.1:
                    held[0].call("loop", b"")
            except CallCancelled:
                counts["cancelled"] += 1
                assert not held[0].healthy
                held[0].close()
                held[0] = template.instance()
    finally:
        over.set()
        canceller.join()
    print(counts)
    assert min(counts.values()) > 20


def test_cancelling_a_closed_instance_does_not_reach_the_next_one_in_its_place(load):
    template = load(ECHO + SPIN)
    latest, over = [template.instance()], threading.Event()

    def cancel():
        while not over.is_set():
            latest[0].cancel()

    canceller = threading.Thread(target=cancel)
    canceller.start()
    try:
        for _ in range(3000):
            done = template.instance()
            latest[0] = done
            with suppress(CallCancelled):
                done.call("echo", b"x")
            done.close()
            following = template.instance()
            following.call("spin", b"")  # nobody cancels this one
            following.close()
    finally:
        over.set()
        canceller.join()


def test_a_sandbox_does_not_go_back_while_it_is_being_cancelled(load, monkeypatch):
    entered, cancelling, go_on = threading.Event(), threading.Event(), threading.Event()

    def hold(_call, value):
        entered.set()
        cancelling.wait()
        return value

    monkeypatch.setattr(GuestCall, "cancel", lambda _cell: (cancelling.set(), go_on.wait()))
    instance = load(ASK, DOOR, doors=door(hold), timeout_s=30).instance()
    with ThreadPoolExecutor(3) as pool:
        calling = pool.submit(instance.call, "f", b"")
        entered.wait()
        cancel = pool.submit(instance.cancel)
        assert calling.result()[0] == 1
        closing = pool.submit(instance.close)
        with pytest.raises(TimeoutError):
            closing.result(timeout=0.05)
        go_on.set()
        cancel.result()
        closing.result()


def test_what_host_functions_raise_reaches_the_thread_that_called(load):
    class Own(Exception):
        pass

    def fail(call, _value):
        raise Own(call.host_context)

    template = load(ASK, DOOR, doors=door(fail))

    def work(name):
        def run():
            for turn in range(300):
                instance = template.instance()
                with pytest.raises(Own) as caught:
                    instance.call("f", b"", host_context=(name, turn))
                assert caught.value.args == ((name, turn),)
                instance.close()

        return run

    all_of(*(work(name) for name in range(8)))


def test_python_runs_while_a_guest_does(load):
    instance = load(LOOP, timeout_s=0.3).instance()
    counted = []

    def count():
        number, until = 0, time.monotonic() + 0.25
        while time.monotonic() < until:
            number += 1
        counted.append(number)

    counter = threading.Thread(target=count)
    counter.start()
    with pytest.raises(DeadlineExceeded):
        instance.call("loop", b"")
    counter.join()
    assert counted[0] > 10_000


def test_two_endless_guests_on_two_threads_are_cut_at_the_same_time(load):
    template = load(LOOP, timeout_s=0.3)

    def work():
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            template.instance().call("loop", b"")
        return started, time.monotonic()

    (first_began, first_ended), (second_began, second_ended) = all_of(work, work)
    assert max(first_began, second_began) < min(first_ended, second_ended) - 0.1


def test_instances_come_and_go_on_all_threads_without_a_trace(load):
    template = load(ECHO)
    before = set(STORES)

    def work():
        for _ in range(500):
            several = [template.instance() for _ in range(random.randrange(1, 12))]
            for instance in several:
                if random.random() < 0.5:
                    assert instance.call("echo", b"x") == b"x"
            for instance in several:
                instance.close()

    all_of(work, work, work, work)
    template.close()
    assert set(STORES) <= before  # cells of earlier tests may be freed meanwhile


def test_closing_a_template_lets_its_calls_finish_and_frees_everything(load):
    for _ in range(30):
        template = load(ECHO)
        before = set(STORES)

        def work(template=template):
            with suppress(Unavailable):
                while True:
                    instance = template.instance()
                    try:
                        assert instance.call("echo", b"x") == b"x"
                    finally:
                        instance.close()

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        template.close()
        for thread in threads:
            thread.join()
        assert set(STORES) <= before  # cells of earlier tests may be freed meanwhile


def test_closing_races_with_calling_and_never_lends_a_sandbox_twice(load):
    template = load(ECHO)

    def work(instances):
        def run():
            for instance in instances:
                with suppress(InstanceBusy, Conflict):
                    assert instance.call("echo", b"mine") == b"mine"

        return run

    def close(instances):
        def run():
            for instance in instances:
                with suppress(InstanceBusy):
                    instance.close()

        return run

    for _ in range(50):
        instances = [template.instance() for _ in range(20)]
        all_of(work(instances), close(instances), work(instances[::-1]), close(instances[::-1]))
        for instance in instances:
            instance.close()
