"""Dialogues and questions about them, made from a seed: the same ones each time, and our own.

`python -m tests.eval.dialogues` prints others as `omnicore.memory.ranking.train` reads them.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field

from tests.eval.families import ANSWERS, CHATTER, FAMILIES, NAMES, Family

__all__ = ["KINDS", "Conversation", "Question", "Turn", "conversations"]

KINDS = ("single", "paraphrase", "multi-hop", "temporal", "adversarial")
_SESSIONS = 14
_TURNS = 24
_DAY = 86_400.0
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September", "October"),
    *("November", "December"),
)


@dataclass(frozen=True, slots=True)
class Turn:
    """Something that was said. Units: seconds since the epoch."""

    speaker: str
    text: str
    session: str
    at: float


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the places of all turns that answer it."""

    kind: str
    text: str
    evidence: frozenset[int]


@dataclass(slots=True)
class Conversation:
    """Two people over many sessions."""

    turns: list[Turn] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Fact:
    family: Family
    speaker: str
    value: str
    session: int
    month: str


def conversations(count: int = 10, seed: int = 4) -> list[Conversation]:
    """Conversations with 336 turns or so each, and 40 questions of five kinds about each."""
    return [_conversation(random.Random(seed * 1000 + number), number) for number in range(count)]


def _conversation(chance: random.Random, number: int) -> Conversation:
    one, two = NAMES[2 * number % len(NAMES)], NAMES[(2 * number + 1) % len(NAMES)]
    made = Conversation()
    facts = _facts(chance, one, two)
    places: dict[_Fact, int] = {}
    for session in range(_SESSIONS):
        _hold(chance, made, (one, two), session, [fact for fact in facts if fact.session == session], places)
    _ask(chance, made, facts, places, (one, two))
    return made


def _facts(chance: random.Random, one: str, two: str) -> list[_Fact]:
    """Each family for both, with different values; some again later, with yet another."""
    facts = []
    for family in FAMILIES:
        values = chance.sample(family.values, 3)
        for speaker, value in zip((one, two), values, strict=False):
            session = chance.randrange(_SESSIONS)
            facts.append(_Fact(family, speaker, value, session, _MONTHS[session % 12]))
    return facts


def _hold(
    chance: random.Random,
    made: Conversation,
    people: tuple[str, str],
    number: int,
    facts: list[_Fact],
    places: dict[_Fact, int],
) -> None:
    name, at = f"session {number + 1}", 1_700_000_000.0 + number * 7 * _DAY
    month = _MONTHS[number % 12]

    def say(speaker: str, text: str) -> int:
        made.turns.append(Turn(speaker, text, name, at + 60.0 * len(made.turns)))
        return len(made.turns) - 1

    waiting = list(facts)
    chance.shuffle(waiting)
    for turn in range(_TURNS):
        speaker = people[turn % 2]
        listener = people[1 - turn % 2]
        due = waiting and chance.random() < len(waiting) / (_TURNS - turn) + 0.2
        if not due:
            say(speaker, chance.choice(CHATTER))
            continue
        fact = waiting.pop()
        asker = listener if fact.speaker == speaker else speaker
        if chance.random() < 0.35:  # the answer alone says little: the question before it says what it is about
            say(asker, fact.family.asked)
            places[fact] = say(fact.speaker, chance.choice(ANSWERS).format(v=fact.value))
        else:
            dated = chance.random() < 0.4
            text = chance.choice(fact.family.said).format(v=fact.value)
            places[fact] = say(fact.speaker, f"{text} That was in {month}." if dated else text)
        say(asker, chance.choice(CHATTER))
        for more in chance.sample(fact.family.more, chance.randint(0, 2)):
            say(fact.speaker, more)


def _ask(
    chance: random.Random,
    made: Conversation,
    facts: list[_Fact],
    places: dict[_Fact, int],
    people: tuple[str, str],
) -> None:
    chance.shuffle(facts)
    for number, fact in enumerate(fact for fact in facts if fact in places):
        kind = KINDS[number % len(KINDS)]
        other = people[1 - people.index(fact.speaker)]
        evidence = {places[fact]}
        text = fact.family.direct.format(n=fact.speaker)
        if kind == "paraphrase":
            text = fact.family.other.format(n=fact.speaker)
        elif kind == "temporal":
            text = f"When was that: {fact.family.direct.format(n=fact.speaker)}"
        elif kind == "adversarial":
            # The value is the other's: what must be found is the turn that shows it.
            text = f"{fact.family.direct.format(n=other)[:-1]}, was it {fact.value}?"
        elif kind == "multi-hop":
            same = [one for one in facts if one.family is fact.family and one in places]
            evidence = {places[one] for one in same}
            text = f"{fact.family.direct.format(n=fact.speaker)[:-1]}, and what about {other}?"
        made.questions.append(Question(kind, text, frozenset(evidence)))


def lines(talks: list[Conversation]) -> list[str]:
    """Conversations as JSON, one a line."""
    return [
        json.dumps(
            {
                "turns": [
                    {"speaker": one.speaker, "text": one.text, "session": one.session, "said_at": one.at}
                    for one in talk.turns
                ],
                "questions": [{"text": one.text, "evidence": sorted(one.evidence)} for one in talk.questions],
            }
        )
        for talk in talks
    ]


if __name__ == "__main__":
    print(*lines(conversations(16, seed=77)), sep="\n")
