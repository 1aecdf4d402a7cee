"""`tox -e eval`: how much of what answers a question is recalled, by meaning, by words, and by both.

R@k is the share of a question's evidence among the first k, MRR the mean of 1 / place of the first. Each
conversation is a plugin of its own. No reranker, no network; a minute.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.eval.dialogues import KINDS, Conversation, Question, conversations

from omnicore.clock import ManualClock
from omnicore.config.settings import MemorySettings
from omnicore.memory.embedder import Sense, embedder_named
from omnicore.memory.item import MemoryDraft
from omnicore.memory.memories import Memories
from omnicore.storage.database import Database

__all__ = ["METHODS", "Figures", "evaluate"]

_DEPTHS = (5, 10, 20)
_DENSE = {"weight_words": 0.0, "weight_window": 0.0}
_TEXT = {"weight_turn": 0.0, "weight_pair": 0.0}
METHODS: dict[str, tuple[str, dict[str, float]]] = {
    "dense": ("static", _DENSE),
    "text": ("none", _TEXT),
    "fused": ("static", {}),
}
"""An embedder and weights for each row."""

Figures = dict[str, float]


def evaluate(method: str, talks: Sequence[Conversation], folder: Path, embedder: str = "") -> dict[str, Figures]:
    """The figures of a method, for each kind of question and for `all`."""
    named, weights = METHODS[method]
    sense = Sense(embedder_named(embedder or named if named != "none" else "none"))
    database = Database.open(folder / f"{method}.db")
    clock = ManualClock()
    memories = Memories(
        database,
        settings=MemorySettings(writes_per_s=0, **weights),  # type: ignore[arg-type]
        clock=clock,
        sense=sense,
        tell=lambda topic, data: None,
    )
    rows: list[tuple[str, Figures]] = []
    try:
        for number, talk in enumerate(talks):
            ask = _stored(memories, clock, f"talk{number}", talk)
            rows += [(question.kind, _judged(question, ask(question.text))) for question in talk.questions]
    finally:
        memories.close()
        database.close()
    kinds = {kind: [figures for one, figures in rows if one == kind] for kind in KINDS}
    return {kind: _mean(some) for kind, some in (*kinds.items(), ("all", [figures for _, figures in rows]))}


def _stored(memories: Memories, clock: ManualClock, owner: str, talk: Conversation) -> Callable[[str], list[int]]:
    places: dict[str, list[int]] = {}
    for place, turn in enumerate(talk.turns):
        clock.at = turn.at
        draft = MemoryDraft(turn.text, "semantic", 0.5, None, {"speaker": turn.speaker, "session": turn.session})
        places.setdefault(memories.store_many([draft], owner=owner)[0], []).append(place)

    def ask(text: str) -> list[int]:
        items = memories.recall(text, owner=owner, limit=max(_DEPTHS), touch=False).items
        return [place for item in items for place in places[item.id][:1]]

    return ask


def _judged(question: Question, found: list[int]) -> Figures:
    figures = {f"R@{depth}": len(question.evidence & set(found[:depth])) / len(question.evidence) for depth in _DEPTHS}
    first = next((rank for rank, place in enumerate(found, 1) if place in question.evidence), None)
    return {**figures, "MRR": 1 / first if first else 0.0}


def _mean(rows: list[Figures]) -> Figures:
    return {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}


def main(arguments: Sequence[str]) -> None:
    """Prints a table; an argument names another embedder, such as minilm."""
    talks = conversations()
    turns, asked = sum(len(talk.turns) for talk in talks), sum(len(talk.questions) for talk in talks)
    print(f"{asked} questions over {turns} turns of {len(talks)} conversations")
    for method in METHODS:
        with tempfile.TemporaryDirectory() as folder:
            found = evaluate(method, talks, Path(folder), arguments[0] if arguments else "")
        for kind, figures in found.items():
            print(f"{method:6} {kind:12} " + "  ".join(f"{name} {value:.3f}" for name, value in figures.items()))


if __name__ == "__main__":
    main(sys.argv[1:])
