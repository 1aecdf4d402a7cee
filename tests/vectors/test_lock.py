"""Readers and writers take turns."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from omnicore.vectors.ann import TurnLock


def test_readers_share_the_lock() -> None:
    lock, together = TurnLock(), threading.Barrier(3, timeout=60)

    def read() -> None:
        with lock.reading():
            together.wait()

    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(read) for _ in range(3)]:
            done.result(60)


def test_a_writer_is_alone_and_nobody_starves() -> None:
    lock, inside, worst = TurnLock(), 0, 0
    counts = {"read": 0, "write": 0}

    def write() -> None:
        nonlocal inside, worst
        for _ in range(300):
            with lock.writing():
                inside += 1
                worst = max(worst, inside)
                counts["write"] += 1
                inside -= 1

    def read() -> None:
        nonlocal worst
        for _ in range(300):
            with lock.reading():
                worst = max(worst, inside + 1)
                counts["read"] += 1

    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(work) for work in (write, read) * 3]:
            done.result(60)
    assert worst == 1
    assert counts["write"] == 900


def test_readers_that_came_during_a_write_go_before_the_next_write() -> None:
    lock, order = TurnLock(), []
    first, waiting = threading.Event(), threading.Event()

    def write_first() -> None:
        with lock.writing():
            first.set()
            waiting.wait(60)

    def read() -> None:
        with lock.reading():
            order.append("read")

    def write() -> None:
        with lock.writing():
            order.append("write")

    threads = [threading.Thread(target=write_first)]
    threads[0].start()
    assert first.wait(60)
    for work in (write, read):
        threads.append(threading.Thread(target=work))
        threads[-1].start()
    while not (lock._waiting == 1 and lock._writers == 2):
        threading.Event().wait(0.001)
    waiting.set()
    for thread in threads:
        thread.join(60)
    assert order == ["read", "write"]
