"""Memories stored and recalled, with the embedder that ships, at 5,000 and, in full, at 100,000.

There is no peer: targets are the design's own. The texts are those of the evaluation, numbered so that none is the
same, and the questions are its questions. Recall of one user of many, and of the newest hour, is compared with recall
of all in the same run.
"""

from __future__ import annotations

import itertools
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.bench.measure import Effort, Figure
from tests.bench.report import Row, Target, at_least
from tests.eval.dialogues import conversations

from omnicore.clock import SystemClock
from omnicore.config.settings import MemorySettings
from omnicore.memory.embedder import Sense, embedder_named
from omnicore.memory.item import MemoryDraft, MemoryScope
from omnicore.memory.memories import Memories
from omnicore.memory.recall import Made
from omnicore.storage.database import Database

__all__ = ["recalls"]

_FEW, _MANY = 5_000, 100_000
_SINGLE = 1_000
_BATCH = 500
_OWNER = "bench"
_WAIT_S = 120.0
_USERS = 200
_PART_RATIO = 0.5  # of the speed of recall of all
_SINCE, _APART_S = 1_700_000_000, 60
"""When the first memory was said, and how long after it the next one."""
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
    yield from _narrowed(memories, count, questions)
    memories.close()
    store.close()
    began = time.perf_counter()
    store, memories = _opened(folder)
    memories.recall("again", owner=_OWNER)
    opening = time.perf_counter() - began
    yield Row(f"open and recall once, {count:,}", Figure(opening, opening), None, "s", Target("at most", 1.0, False))
    memories.close()
    store.close()


def _narrowed(memories: Memories, count: int, questions: Sequence[str]) -> Iterator[Row]:
    """Recall of a part beside recall of all, question by question, so that both meet the same machine."""
    hour = Made(since=_SINCE + (count - 3600 // _APART_S) * _APART_S)

    def took(text: str, **part: Any) -> float:
        return _timed(lambda: memories.recall(text, owner=_OWNER, touch=False, **part))

    parts: Mapping[str, dict[str, Any]] = {
        "of one user in 200": {"user": "user 7"},
        "of the newest hour": {"made": hour},
    }
    for name, part in parts.items():
        both = [(took(text, **part), took(text)) for text in questions]
        figures = (Figure.of(side).scaled(1000) for side in zip(*both, strict=True))
        yield Row(f"recall {name}, at {count:,}", *figures, "ms", at_least(_PART_RATIO))


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
    counted = itertools.count()
    turns = [(number, turn) for number, talk in enumerate(conversations()) for turn in talk.turns]
    for again in itertools.count():
        for place, (number, turn) in enumerate(turns):
            about, count = {"speaker": turn.speaker, "session": f"{turn.session} of {number} {again}"}, next(counted)
            text, whose = f"{turn.text} ({again}, {place})", MemoryScope(user=f"user {count % _USERS}")
            yield MemoryDraft(text, "semantic", 0.5, None, about, _SINCE + count * _APART_S, whose)


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
