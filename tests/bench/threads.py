"""Two threads with guests that compute, against two processes doing the same, by turns.

Machines do not always give two whole cores, so the measure is processes, which share nothing.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection

from tests.bench.guests import SPIN, ours
from tests.bench.measure import Effort, Figure
from tests.bench.report import Row, at_least

__all__ = ["two_threads"]

_CALLS = 8  # short turns and many of them: other work on the machine then meets both sides alike
_TURNS = 5


def two_threads(effort: Effort) -> Iterator[Row]:
    """Calls a second of both workers together."""
    calls = max(2, round(_CALLS * effort.scale))
    template = ours(SPIN)
    instances = [template.instance() for _ in range(2)]
    context = multiprocessing.get_context("spawn")
    pipes, workers = [], []
    for _ in range(2):
        near, far = context.Pipe()
        worker = context.Process(target=_work, args=(far,), daemon=True)
        worker.start()
        pipes.append(near)
        workers.append(worker)
    for pipe in pipes:
        pipe.recv()
    threaded, apart = [], []
    for _ in range(effort.rounds * _TURNS + 1):
        threaded.append(2 * calls / _threads(instances, calls))
        apart.append(2 * calls / _processes(pipes, calls))
    for pipe, worker in zip(pipes, workers, strict=True):
        pipe.send(0)
        worker.join(10)
    work = "two threads computing, against two processes"
    yield Row(work, _rates(threaded), _rates(apart), "calls/s", at_least(0.92), rate=True)


def _rates(samples: list[float]) -> Figure:
    return Figure.of(samples[1:])  # the first turn warms up


def _threads(instances: list, calls: int) -> float:
    def run(instance) -> None:
        for _ in range(calls):
            instance.call("spin", b"")

    threads = [threading.Thread(target=run, args=(instance,)) for instance in instances]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began


def _processes(pipes: list[Connection], calls: int) -> float:
    began = time.perf_counter()
    for pipe in pipes:
        pipe.send(calls)
    for pipe in pipes:
        pipe.recv()
    return time.perf_counter() - began


def _work(pipe: Connection) -> None:
    instance = ours(SPIN).instance()
    instance.call("spin", b"")
    pipe.send("ready")
    while calls := pipe.recv():
        for _ in range(calls):
            instance.call("spin", b"")
        pipe.send("done")
