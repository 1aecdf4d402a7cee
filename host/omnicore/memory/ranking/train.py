"""`python -m omnicore.memory.ranking.train DATA --out FILE`: weights for the re-ranker, learned from questions.

DATA is JSON lines, a conversation in each:

    {"turns": [{"speaker": "Ann", "text": "I moved to Rome.", "session": "s1", "said_at": 1700000000.0}],
     "questions": [{"text": "Where does Ann live?", "evidence": [0]}]}

`evidence` are the numbers of the turns that answer, from 0; `session` and `said_at` may be missing. Each conversation
is stored in a database of its own that goes with the process, and each question recalled; a linear model then learns to
put evidence before all else (softmax over the candidates of a question). Every fourth conversation is held out: the
file is written only if recall of the first ten, or the place of the first that is right, is better there by more than
twice the standard error.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from omnicore.clock import ManualClock
from omnicore.config.settings import MemorySettings
from omnicore.errors import InvalidInput, OmniError
from omnicore.memory.columns import Floats
from omnicore.memory.embedder import Sense, embedder_named
from omnicore.memory.item import MemoryDraft
from omnicore.memory.memories import Memories
from omnicore.memory.ranking import CANDIDATES, FEATURES, RankCandidate, Reranker, features
from omnicore.records import Record, decode
from omnicore.records import field as record_field
from omnicore.storage.database import Database
from omnicore.vectors.numeric import np

DEPTHS = (5, 10, 20)
_HELD_OUT = 4  # each fourth conversation
_STEPS, _RATE, _PENALTY = 400, 0.05, 0.003
_LINE_BYTES = 16 * 1024 * 1024


class TrainingTurn(Record, frozen=True, kw_only=True):
    """Something that was said."""

    text: str
    speaker: str = ""
    session: str = ""
    said_at: float | None = None


class TrainingQuestion(Record, frozen=True, kw_only=True):
    """A question and the numbers of the turns that answer it."""

    text: str
    evidence: tuple[int, ...]


class TrainingConversation(Record, frozen=True, kw_only=True):
    """A conversation with questions about it."""

    turns: tuple[TrainingTurn, ...]
    questions: tuple[TrainingQuestion, ...] = record_field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class RankExample:
    """A question's candidates in the order of recall. Shapes: `values: float32[candidates, FEATURES]`."""

    values: Floats
    right: Floats
    evidence: int


def read_conversations(file: Path) -> Iterator[TrainingConversation]:
    """The conversations of a file. Raises: InvalidInput, with the line that is wrong."""
    with file.open("rb") as stream:
        number = 0
        while line := stream.readline(_LINE_BYTES + 1):
            number += 1
            try:
                found = decode(TrainingConversation, json.loads(line), "conversation")
            except (ValueError, RecursionError) as error:
                raise InvalidInput(f"line {number} of {file} is no JSON", remedy="see --help") from error
            except InvalidInput as error:
                raise InvalidInput(f"line {number} of {file}: {error.fact}", remedy=error.remedy) from error
            if any(not 0 <= turn < len(found.turns) for one in found.questions for turn in one.evidence):
                raise InvalidInput(f"line {number} of {file} names a turn that is not there", remedy="count from 0")
            yield found


def examples(talk: TrainingConversation, sense: Sense) -> list[RankExample]:
    """The examples of a conversation: the questions that have evidence."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database.open(Path(folder) / "talk.db")
        clock = ManualClock()
        memories = Memories(
            database, settings=MemorySettings(writes_per_s=0), clock=clock, sense=sense, tell=lambda topic, data: None
        )
        try:
            places = _stored(memories, clock, talk)
            return [_example(memories, talk, one, places) for one in talk.questions if one.evidence]
        finally:
            memories.close()
            database.close()


def _stored(memories: Memories, clock: ManualClock, talk: TrainingConversation) -> dict[str, int]:
    """The first turn of each memory."""
    places: dict[str, int] = {}
    for place, turn in enumerate(talk.turns):
        clock.at = turn.said_at if turn.said_at is not None else clock.at + 60
        about = {name: one for name, one in (("speaker", turn.speaker), ("session", turn.session)) if one}
        places.setdefault(memories.store_many([MemoryDraft(turn.text, "semantic", 0.5, None, about)])[0], place)
    return places


def _example(
    memories: Memories, talk: TrainingConversation, question: TrainingQuestion, places: dict[str, int]
) -> RankExample:
    items = memories.recall(question.text, limit=CANDIDATES, touch=False, blocks=False).items
    turns = [places[item.id] for item in items]
    listed = {turn: at for at, turn in enumerate(turns)}
    before = [
        listed.get(turn - 1, -1) if turn and talk.turns[turn - 1].session == talk.turns[turn].session else -1
        for turn in turns
    ]
    candidates = [RankCandidate(item.explain, item.text, at) for item, at in zip(items, before, strict=True)]
    right = np.array([float(turn in question.evidence) for turn in turns], np.float32)
    return RankExample(features(question.text, candidates), right, len(set(question.evidence)))


def fitted(some: Sequence[RankExample]) -> Reranker:
    """The model that puts evidence first, by gradient descent (Adam) on the cross entropy of softmax."""
    rows = np.concatenate([one.values for one in some])
    mean, spread = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-3)
    known = [((one.values - mean) / spread, one.right / one.right.sum()) for one in some if one.right.any()]
    weights = np.zeros(len(FEATURES), np.float32)
    first, second = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, _STEPS + 1):
        slope = _PENALTY * weights
        for values, right in known:
            chances = np.exp((total := values @ weights) - total.max())
            slope += (chances / chances.sum() - right) @ values / len(known)
        first, second = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * slope**2
        weights = weights - _RATE * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
    return Reranker(mean.astype(np.float32), spread.astype(np.float32), weights.astype(np.float32))


def recalled(some: Sequence[RankExample], model: Reranker | None) -> dict[str, Floats]:
    """Of each question the share of its evidence among the first, and 1 / the place of the first, by name."""
    found: dict[str, list[float]] = {name: [] for name in (*(f"R@{depth}" for depth in DEPTHS), "MRR")}
    for one in some:
        order = np.arange(len(one.right)) if model is None else model.order_of(one.values)
        right = one.right[order]
        for depth in DEPTHS:
            found[f"R@{depth}"].append(float(right[:depth].sum()) / one.evidence)
        found["MRR"].append(1 / (1 + int(right.argmax())) if right.any() else 0.0)
    return {name: np.array(values, np.float32) for name, values in found.items()}


def helps(before: Floats, after: Floats) -> bool:
    """True if the mean of paired values grew by more than twice its standard error."""
    gains = after.astype(np.float64) - before
    return len(gains) > 1 and float(gains.mean()) > 2 * float(gains.std(ddof=1)) / len(gains) ** 0.5


def main(arguments: Sequence[str] | None = None) -> int:
    """Learns weights and prints what they change on conversations that were held out; 1 if they do not help."""
    words = (__doc__ or "").partition("\n")[2]
    parser = argparse.ArgumentParser(
        "python -m omnicore.memory.ranking.train",
        description=words,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("data", metavar="DATA", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="file for the weights, as `memory.reranker` names it")
    parser.add_argument("--embedder", default="static", choices=("static", "minilm", "none"))
    asked = parser.parse_args(arguments)
    sense = Sense(embedder_named(asked.embedder))
    learned, held_out = list[RankExample](), list[RankExample]()
    try:
        for number, talk in enumerate(read_conversations(asked.data), 1):
            (learned if number % _HELD_OUT else held_out).extend(examples(talk, sense))
    except (OSError, OmniError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    if not any(one.right.any() for one in learned) or not held_out:
        sys.stderr.write("error: there are too few questions; give four conversations at least\n")
        return 2
    model = fitted(learned)
    before, after = recalled(held_out, None), recalled(held_out, model)
    sys.stdout.write(f"{len(learned)} questions to learn from, {len(held_out)} held out\n")
    for name in before:
        sys.stdout.write(f"{name:4} {before[name].mean():.3f} -> {after[name].mean():.3f}\n")
    if not helps(before["R@10"], after["R@10"]) and not helps(before["MRR"], after["MRR"]):
        sys.stdout.write("the weights do not help on what was held out; nothing is written\n")
        return 1
    asked.out.write_text(model.to_json(), "utf-8")
    sys.stdout.write(f"written: {asked.out}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
