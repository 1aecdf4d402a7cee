"""`python -m tests.eval.calibrate`: the weights of `omnicore.memory.candidates`, and how well scores tell.

The weights are fitted on lives that are about one half of the topics and on dialogues, and judged on lives about the
other half. AUC is the share of pairs of a question with an answer and one without in which the best score of the first
is higher. Ten seconds.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tests.eval.dialogues import conversations
from tests.eval.lives import FOREIGN, TOPICS, lives

from omnicore.clock import ManualClock
from omnicore.config.settings import MemorySettings
from omnicore.memory.embedder import Sense, embedder_named
from omnicore.memory.item import MemoryDraft
from omnicore.memory.memories import Memories
from omnicore.storage.database import Database

__all__ = ["Asked", "Known", "answers", "auc", "fitted", "known_dialogues", "known_lives"]

FITTED, HELD_OUT = tuple(range(0, 20, 2)), tuple(range(1, 20, 2))
"""Topics."""

_LOOKED_AT = 10
_STEPS = 60
_SMALL = 0.05  # the penalty of large weights


@dataclass(frozen=True, slots=True)
class Known:
    """Memories, and questions with the places of those that answer it."""

    kind: str
    drafts: tuple[MemoryDraft, ...]
    questions: tuple[tuple[str, frozenset[int]], ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question: whether it has an answer, and of the first memories found their scores, signals and worth."""

    kind: str
    answered: bool
    scores: tuple[float, ...]
    signals: tuple[tuple[float, float, float], ...]
    right: tuple[bool, ...]


def known_lives(count: int, seed: int, topics: tuple[int, ...]) -> list[Known]:
    """Generated lives."""
    return [
        Known(life.language, tuple(MemoryDraft(text, "semantic", 0.5) for text in life.said), life.questions)
        for life in lives(count, seed, topics)
    ]


def known_dialogues(count: int, seed: int) -> list[Known]:
    """Dialogues of the evaluation, with questions about something else beside their own."""
    found = []
    for number, talk in enumerate(conversations(count, seed)):
        drafts = [
            MemoryDraft(turn.text, "semantic", 0.5, None, {"speaker": turn.speaker, "session": turn.session})
            for turn in talk.turns
        ]
        others = [*FOREIGN["en"], *(topic.asked[0] for topic in TOPICS["en"][number::3])]
        own = [(question.text, question.evidence) for question in talk.questions]
        found.append(Known("talk", tuple(drafts), (*own, *((text, frozenset[int]()) for text in others))))
    return found


def answers(known: Iterable[Known], folder: Path, embedder: str) -> Iterator[Asked]:
    """The answers to all questions, each set of memories being a plugin's own."""
    with _opened(folder / f"{embedder}.db", embedder) as memories:
        for number, one in enumerate(known):
            owner = f"owner{number}"
            ids = memories.store_many(one.drafts, owner=owner)
            for text, evidence in one.questions:
                items = memories.recall(text, owner=owner, limit=_LOOKED_AT, touch=False).items
                right = {ids[place] for place in evidence}
                yield Asked(
                    one.kind,
                    bool(evidence),
                    tuple(item.score or 0.0 for item in items),
                    tuple(
                        tuple(item.explain.get(name, 0.0) for name in ("cosine", "covered", "around"))  # type: ignore[misc]
                        for item in items
                    ),
                    tuple(item.id in right for item in items),
                )


@contextmanager
def _opened(path: Path, embedder: str) -> Iterator[Memories]:
    database = Database.open(path)
    memories = Memories(
        database,
        settings=MemorySettings(writes_per_s=0),
        clock=ManualClock(),
        sense=Sense(embedder_named(embedder)),
        tell=lambda topic, data: None,
    )
    try:
        yield memories
    finally:
        memories.close()
        database.close()


def auc(asked: Sequence[Asked]) -> float:
    """How well the best score tells questions with an answer from those without; 0.5 is by chance."""
    best = np.array([max(one.scores, default=0.0) for one in asked])
    answered = np.array([one.answered for one in asked])
    with_, without = best[answered][:, None], best[~answered][None]
    return float(((with_ > without) + 0.5 * (with_ == without)).mean())


def fitted(asked: Sequence[Asked], signals: Sequence[int]) -> npt.NDArray[np.float64]:
    """The weights of some of the signals, what is always there first, by Newton's method.

    Each kind of memories counts the same, with answers and without.
    """
    counts: dict[tuple[str, bool], int] = {}
    for one in asked:
        counts[one.kind, one.answered] = counts.get((one.kind, one.answered), 0) + 1
    rows = [
        (values, right, 100 / counts[one.kind, one.answered])
        for one in asked
        for values, right in zip(one.signals, one.right, strict=True)
    ]
    given = np.array([[1.0, *(max(values[at], 0.0) for at in signals)] for values, _, _ in rows])
    wanted, share = np.array([float(right) for _, right, _ in rows]), np.array([weight for *_, weight in rows])
    weights = np.zeros(given.shape[1])
    small = _SMALL * np.diag([0.0, *[1.0] * len(signals)])
    for _ in range(_STEPS):
        likely = 1 / (1 + np.exp(-given @ weights))
        slope = given.T @ (share * (likely - wanted)) + small @ weights
        curve = (given * (share * likely * (1 - likely))[:, None]).T @ given + small
        weights -= np.linalg.solve(curve, slope)
    return weights


def main() -> None:
    """Prints the weights, and for each kind of memories how well scores tell."""
    for embedder, models in (("static", {"BY_BOTH": (0, 1, 2), "BY_MEANING": (0,)}), ("none", {"BY_WORDS": (1, 2)})):
        with tempfile.TemporaryDirectory() as folder:
            known = [*known_lives(16, 1, FITTED), *known_dialogues(4, 4)]
            asked = list(answers(known, Path(folder), embedder))
        for name, signals in models.items():
            print(name, fitted(asked, signals).round(2).tolist())
        with tempfile.TemporaryDirectory() as folder:
            known = [*known_lives(16, 2, HELD_OUT), *known_dialogues(3, 9)]
            asked = list(answers(known, Path(folder), embedder))
        for kind in ("en", "de", "talk"):
            some = [one for one in asked if one.kind == kind]
            best = {
                answered: np.mean([max(one.scores, default=0) for one in some if one.answered is answered])
                for answered in (True, False)
            }
            print(
                f"{embedder:6} {kind:4} AUC {auc(some):.3f}  mean score with an answer {best[True]:.2f},"
                f" without {best[False]:.2f}"
            )


if __name__ == "__main__":
    main()
