"""Memories stored and recalled, with the embedder that ships, at 5,000 and, in full, at 100,000.

There is no peer: targets are the design's own. The texts are those of the evaluation, numbered so that none is the
same, and the questions are its questions.
"""

from __future__ import annotations

import itertools
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bench.measure import Effort, Figure
from tests.bench.report import Row, Target
from tests.eval.dialogues import conversations

from omnicore.clock import SystemClock
from omnicore.config.settings import MemorySettings
from omnicore.memory.embedder import Sense, embedder_named
from omnicore.memory.item import MemoryDraft
from omnicore.memory.memories import Memories
from omnicore.storage.database import Database

__all__ = ["recalls"]

_FEW, _MANY = 5_000, 100_000
_SINGLE = 1_000
_BATCH = 500
_OWNER = "bench"
_WAIT_S = 120.0
_SETTINGS = MemorySettings(max_per_tier=10_000_000, writes_per_s=0)


def recalls(effort: Effort) -> Iterator[Row]:
    """Rows at 5,000, and unless it must be quick at 100,000."""
    for count, single, batched, p50, p95 in ((_FEW, 3000, 8000, 1.0, 2.0), (_MANY, 1500, 5000, 5.0, 12.0)):
        if count == _FEW or effort.scale >= 1:
            with tempfile.TemporaryDirectory() as folder:
                yield from _rows(count, Path(folder), single, batched, p50, p95)


def _rows(count: int, folder: Path, single: float, batched: float, p50: float, p95: float) -> Iterator[Row]:
    store, memories = _opened(folder)
    drafts = _drafts()
    began = time.perf_counter()
    for _ in range(0, count - _SINGLE, _BATCH):
        memories.store_many(list(itertools.islice(drafts, _BATCH)), owner=_OWNER)
    many = (count - _SINGLE) / (time.perf_counter() - began)
    few = _SINGLE / sum(_timed(lambda: memories.store_many([next(drafts)], owner=_OWNER)) for _ in range(_SINGLE))
    yield Row(f"store, in batches, to {count:,}", Figure(many, many), None, "/s", Target("at least", batched, False))
    yield Row(f"store, one by one, at {count:,}", Figure(few, few), None, "/s", Target("at least", single, False))
    questions = [question.text for talk in conversations() for question in talk.questions]
    memories.recall("warm", owner=_OWNER)
    _indexed(memories, count)
    took = sorted(_timed(lambda text=text: memories.recall(text, owner=_OWNER)) for text in questions)  # type: ignore[misc]
    for name, share, most in (("median", 0.5, p50), ("95 of 100", 0.95, p95)):
        value = took[int(share * len(took))] * 1000
        target = Target("at most", most, False)
        yield Row(f"recall, {name}, at {count:,}", Figure(value, took[0] * 1000), None, "ms", target)
    memories.close()
    store.close()
    began = time.perf_counter()
    store, memories = _opened(folder)
    memories.recall("again", owner=_OWNER)
    opening = time.perf_counter() - began
    yield Row(f"open and recall once, {count:,}", Figure(opening, opening), None, "s", Target("at most", 1.0, False))
    memories.close()
    store.close()


def _opened(folder: Path) -> tuple[Database, Memories]:
    store = Database.open(folder / "recall.db")
    memories = Memories(
        store,
        settings=_SETTINGS,
        clock=SystemClock(),
        sense=Sense(embedder_named("static")),
        tell=lambda topic, data: None,
        folder=folder / "memory",
    )
    return store, memories


def _drafts() -> Iterator[MemoryDraft]:
    turns = [(number, turn) for number, talk in enumerate(conversations()) for turn in talk.turns]
    for again in itertools.count():
        for place, (number, turn) in enumerate(turns):
            about = {"speaker": turn.speaker, "session": f"{turn.session} of {number} {again}"}
            yield MemoryDraft(f"{turn.text} ({again}, {place})", "semantic", 0.5, None, about)


def _indexed(memories: Memories, count: int) -> None:
    """Waits until the index is built, where one is."""
    end = time.monotonic() + _WAIT_S
    while count > _SETTINGS.exact_upto and time.monotonic() < end:
        with memories.indexes.of(_OWNER) as opened:
            if opened is None or opened.near["sense"].ready:
                return
        threading.Event().wait(0.2)


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
