"""Facts beside the memories they were said in: who, which attribute, which value, and since when.

What was said stays word for word. From sentences such as "Bob moved to Paris" rules in English and German take facts;
whoever asks where Bob lives is answered by the newest one that holds. An older value is not overwritten: the time in
which each one held follows from those after it, so what is forgotten or comes late changes nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Annotated

from omnicore.errors import InvalidInput
from omnicore.memory.times import spoken_time
from omnicore.records import Meta, Record, Time
from omnicore.storage.tables.memory_facts import EVERYONE, FactRow, FactScope, FactTable, NewFact
from omnicore.texts import is_whole

ME = "@me"
"""The subject of "I live in Rome" where nobody is named as its speaker."""

_MOST_READ = 4096  # characters of a text
_MOST_FACTS = 16  # of a text
_LONGEST_VALUE, _LONGEST_NAME = 80, 60
_SENTENCE = re.compile(r"[^.!?;\n]+(?:\.(?=\w|\s+[\da-zäöü])[^.!?;\n]+)*")

# Bounded, and never given back: else "A-A-A-..." is read again from each of its letters on.
_NAME = rf"[^\W\d_a-z][\w-]{{0,{_LONGEST_NAME}}}+"
_OWNER = rf"[^\W\d_a-z][\w-]{{0,{_LONGEST_NAME}}}?"
_WHO = rf"(?P<who>\b(?:I|Ich|ich|{_NAME}(?: {_NAME})?))(?:'ve|'m|'s|'d)?"
_MANNER = (
    r"(?: (?:now|currently|still|really|also|just|recently|finally|has|have|am|is|"
    r"jetzt|nun|noch|derzeit|gerade|wirklich|sehr|hat|habe|bin|ist))*"
)
_NOW = r"(?: (?:now|currently|still|again|jetzt|nun|noch|wieder|derzeit))?"
_VALUE = r"(?P<value>[^,]{1,80}?)"
_END = (
    r"(?=\s*(?:,|$|\b(?:and|but|because|since|as of|now|any ?more|any longer|these days|und|aber|weil|seit|jetzt|"
    r"inzwischen|mittlerweile)\b))"
)


class AttributeRule(Record, frozen=True):
    """A rule for sentences. `ends` says of a value that it holds no more; `many` values may hold at once."""

    attribute: str
    pattern: str
    ends: bool = False
    many: bool = False


_RULES: tuple[AttributeRule, ...] = (
    AttributeRule("home", rf"(?:live|lives|living|reside|resides|lived){_NOW} in {_VALUE}"),
    AttributeRule("home", rf"(?:moved|relocated)(?: from [^,]{{1,60}}?)? to {_VALUE}"),
    AttributeRule("home", rf"(?:no longer|not) (?:live|lives|living) in {_VALUE}", ends=True),
    AttributeRule("home", rf"(?:does not|doesn't|don't|do not) live in {_VALUE}", ends=True),
    AttributeRule("home", rf"(?:used to live in|moved away from|moved out of) {_VALUE}", ends=True),
    AttributeRule("home", rf"(?:wohne|wohnt|lebe|lebt){_NOW} in {_VALUE}"),
    AttributeRule("home", rf"(?:nach|in) {_VALUE} (?:gezogen|umgezogen)"),
    AttributeRule("home", rf"(?:zog|zieht|ziehe) nach {_VALUE}"),
    AttributeRule("home", rf"(?:wohne|wohnt|lebe|lebt) nicht mehr in {_VALUE}", ends=True),
    AttributeRule("work", rf"(?:work|works|working){_NOW} (?:at|for) {_VALUE}"),
    AttributeRule("work", rf"(?:started|began) (?:working )?(?:at|for|with) {_VALUE}"),
    AttributeRule("work", rf"(?:no longer works?|not work|doesn't work|don't work) (?:at|for) {_VALUE}", ends=True),
    AttributeRule("work", rf"(?:quit|resigned from|was fired from) {_VALUE}", ends=True),
    AttributeRule("work", rf"(?:arbeite|arbeitet){_NOW} (?:bei|für) {_VALUE}"),
    AttributeRule("work", rf"(?:arbeite|arbeitet) nicht mehr (?:bei|für) {_VALUE}", ends=True),
    AttributeRule("job", rf"(?:work|works|working){_NOW} as an? {_VALUE}"),
    AttributeRule("job", rf"(?:became|become) an? {_VALUE}"),
    AttributeRule("job", rf"(?:arbeite|arbeitet){_NOW} als {_VALUE}"),
    AttributeRule("age", r"(?:turned )?(?P<value>\d{1,3}) (?:years old|Jahre alt)"),
    AttributeRule("age", r"turned (?P<value>\d{1,3})"),
    AttributeRule("birthday", rf"(?:was born (?:on|in)|wurde (?:am|im)) {_VALUE}(?: geboren)?"),
    AttributeRule("partner", rf"(?:married|married to|got married to|engaged to) {_VALUE}"),
    AttributeRule("partner", rf"(?:verheiratet mit|verlobt mit|zusammen mit) {_VALUE}"),
    AttributeRule("partner", rf"(?:divorced|separated from|broke up with) {_VALUE}", ends=True),
    AttributeRule("allergy", rf"allergic to {_VALUE}", many=True),
    AttributeRule("allergy", rf"allergisch gegen {_VALUE}", many=True),
    AttributeRule("likes", rf"(?:like|likes|love|loves|prefer|prefers|enjoy|enjoys) {_VALUE}", many=True),
    AttributeRule(
        "likes", rf"(?:no longer|doesn't|don't|not) (?:like|likes|love|loves) {_VALUE}", ends=True, many=True
    ),
    AttributeRule("likes", rf"(?:mag|liebe|liebt|bevorzuge|bevorzugt) {_VALUE}", many=True),
    AttributeRule("likes", rf"mag {_VALUE} nicht(?: mehr)?", ends=True, many=True),
    AttributeRule("dislikes", rf"(?:hate|hates|dislike|dislikes|hasse|hasst) {_VALUE}", many=True),
    AttributeRule("name", rf"(?:heiße|heißt|am called) {_VALUE}"),
)
_CUES = frozenset(
    word
    for words in (
        "live lives living lived reside resides moved relocated work works working started began quit resigned",
        "fired became become old turned born married engaged divorced separated broke allergic like likes love",
        "loves prefer prefers enjoy enjoys hate hates dislike dislikes called wohne wohnt lebe lebt gezogen",
        "umgezogen zog ziehe zieht arbeite arbeitet alt geboren verheiratet verlobt zusammen allergisch mag liebe",
        "liebt bevorzuge bevorzugt hasse hasst heiße heißt is are ist sind lautet",
    )
    for word in words.split()
)
"""Words of which each sentence that states a fact has one."""
_COMPILED = tuple((rule, re.compile(rf"{_WHO}{_MANNER} {rule.pattern}{_END}")) for rule in _RULES)
_OWNED = re.compile(
    rf"\b(?:(?P<mine>[Mm]y|[Mm]eine?|[Oo]ur|[Uu]nsere?)|(?P<who>{_OWNER})(?:'s|s'|s)) "
    rf"(?P<attribute>(?:[\w'-]+ ){{0,2}}[\w'-]+?) (?:is|are|ist|sind|lautet)(?: now| jetzt| nun)? {_VALUE}{_END}"
)
_FIRST_PERSON = frozenset(
    {"i", "ich", "me", "my", "mine", "mich", "mir", "mein", "meine", "meiner", "we", "our", "wir"}
)
_NO_NAMES = frozenset(
    {"the", "this", "that", "it", "he", "she", "they", "we", "you", "who", "there", "what", "where", "when", "if"}
    | {"der", "die", "das", "er", "sie", "es", "wir", "ihr", "wer", "was", "wo", "wann", "and", "but", "und", "aber"}
)
_NO_VALUES = frozenset({"not", "nicht", "it", "that", "this", "the", "a", "an", "you", "him", "her", "them", "to"})
_SYNONYMS = {"favorite": "favourite", "liebling": "favourite"}
_NAMED_ATTRIBUTES = {
    "adresse": "home",
    "address": "home",
    "employer": "work",
    "arbeitgeber": "work",
    "beruf": "job",
} | {
    **dict.fromkeys(("wife", "husband", "partner", "frau", "mann", "partnerin"), "partner"),
    "geburtstag": "birthday",
    "alter": "age",
}
_MANY = frozenset(rule.attribute for rule in _RULES if rule.many)

_ASKED: dict[str, frozenset[str]] = {
    attribute: frozenset(" ".join(words).split())
    for attribute, *words in (
        ("home", "live lives living lived home reside city town address moved move", "wohne wohnt wohnen lebt wohnort",
         "stadt adresse gezogen umgezogen zuhause"),
        ("work", "work works working worked employer company employed", "arbeite arbeitet firma arbeitgeber"),
        ("job", "job profession occupation", "beruf"),
        ("age", "old age", "alt alter"),
        ("birthday", "birthday born", "geburtstag geboren"),
        ("partner", "partner wife husband married spouse", "verheiratet frau mann"),
        ("allergy", "allergic allergy allergies eat", "allergisch allergie allergien"),
        ("likes", "like likes love loves prefer prefers enjoy enjoys", "mag liebt bevorzugt"),
        ("dislikes", "hate hates dislike dislikes", "hasst"),
        ("name", "name called", "heiße heißt"),
    )
}  # fmt: skip
"""Words of questions for each attribute that the rules know; others are asked for by their own words."""


class Fact(Record, frozen=True, kw_only=True):
    """A fact about somebody or something. Units: seconds since the epoch."""

    id: str
    subject: Annotated[str, Meta(description="In lower case; `@me` for whoever spoke where nobody was named.")]
    attribute: str
    value: str
    since: Annotated[Time, Meta(description="From when on it holds, as far as anybody said.")]
    until: Annotated[
        float | None, Meta(description="When another value took its place, or somebody said it ended.")
    ] = None
    said_at: Time
    speaker: str | None = None
    memory: Annotated[str | None, Meta(description="The memory in which it was said.")] = None
    disputed: Annotated[bool, Meta(description="Another value was said of the same time.")] = False
    user: Annotated[str | None, Meta(description="The user who said it; facts of two users never meet.")] = None
    agent: str | None = None
    session: str | None = None
    app: str | None = None

    @property
    def topic(self) -> tuple[str | None, ...]:
        """The subject and the attribute, and whose they are: of these only one value holds at a time."""
        return self.subject, self.attribute, self.user, self.agent, self.app


def facts_in(text: str, said_at: float, speaker: str | None = None) -> tuple[NewFact, ...]:
    """The facts that a text states, at most 16.

    >>> [(one.subject, one.attribute, one.value) for one in facts_in("Bob moved to Paris.", 0.0)]
    [('bob', 'home', 'Paris')]
    """
    found: list[NewFact] = []
    if _CUES.isdisjoint(text[:_MOST_READ].lower().split()):
        return ()
    for sentence in _SENTENCE.findall(text[:_MOST_READ]):
        if not _CUES.isdisjoint(sentence.lower().split()):
            found += _of_sentence(sentence.strip(), said_at, speaker)
    return tuple(found[:_MOST_FACTS])


def _of_sentence(sentence: str, said_at: float, speaker: str | None) -> Iterable[NewFact]:
    spoken = spoken_time(sentence, said_at)
    since = min(spoken.since, said_at) if spoken is not None and spoken.since is not None else said_at
    words = "" if spoken is None else spoken.words
    ended: set[str] = set()
    for rule, pattern in sorted(_COMPILED, key=lambda one: not one[0].ends):
        for match in pattern.finditer(sentence):
            subject, value = _subject(match["who"], speaker), _value(match["value"], words)
            if subject is None or value is None or (rule.attribute in ended and not rule.ends):
                continue
            if rule.ends:
                ended.add(rule.attribute)
            yield NewFact(subject, rule.attribute, value, since, ends=rule.ends, said_at=said_at, speaker=speaker)
    for match in _OWNED.finditer(sentence):
        subject = _subject("I" if match["mine"] else match["who"], speaker)
        attribute, value = _attribute(match["attribute"]), _value(match["value"], words)
        if subject is not None and value is not None:
            yield NewFact(subject, attribute, value, since, ends=False, said_at=said_at, speaker=speaker)


def _subject(who: str, speaker: str | None) -> str | None:
    name = who.casefold()
    if name in _FIRST_PERSON:
        return named(speaker) if speaker else ME
    return None if name.split()[0] in _NO_NAMES else named(who)


def named(name: str) -> str:
    """A subject as facts have it.

    >>> named("  Ada Lovelace ")
    'ada lovelace'
    """
    return " ".join(name.casefold().split())[:_LONGEST_NAME]


def _attribute(words: str) -> str:
    plain = " ".join(_SYNONYMS.get(word, word) for word in words.casefold().split())
    return _NAMED_ATTRIBUTES.get(plain, plain)[:_LONGEST_NAME]


def _value(text: str, time: str) -> str | None:
    """The value without the words of a time at its end."""
    value = text.strip(" \"'()")
    if time:
        at = value.lower().find(time)
        value = value if at < 0 else value[:at].strip(" \"'()")
    value = re.sub(r"\s+(?:in|on|at|am|im|seit|since)$", "", value)[:_LONGEST_VALUE]
    return None if not value or value.casefold() in _NO_VALUES or value.casefold().startswith("not ") else value


_WORD = re.compile(r"[\w']+")
_MOST_NAMES = 64


def subjects_in(question: str, speaker: str | None = None) -> list[str]:
    """The subjects that a question may be about: each word, each pair of words, and whoever asks."""
    words = [word.removesuffix("'s") for word in _WORD.findall(question[:_MOST_READ].casefold())]
    mine = [named(speaker) if speaker else ME] if _FIRST_PERSON & set(words) else []
    names = [*map(" ".join, pairwise(words)), *words]
    owners = [name.removesuffix("s") for name in names if name.endswith("s")]  # "Bobs Haus"
    return list(dict.fromkeys([*mine, *names, *owners]))[:_MOST_NAMES]


def is_asked(attribute: str, words: frozenset[str]) -> bool:
    """True if a question with these words is about an attribute."""
    known = _ASKED.get(attribute)
    own = frozenset(attribute.split())
    return bool(known is not None and known & words) or own <= frozenset(_SYNONYMS.get(one, one) for one in words)


def words_asked(question: str) -> frozenset[str]:
    """The words of a question, for `is_asked`."""
    return frozenset(_WORD.findall(question[:_MOST_READ].casefold()))


_EVENT = re.compile(r"\b(?P<lead>before|after|bevor|nachdem)\s+(?P<clause>\S.*)", re.IGNORECASE)


def event_in(question: str) -> tuple[str, str] | None:
    """The event by which a question tells its time, after `before` or `after`.

    >>> event_in("where did I live before I moved?")
    ('before', 'I moved?')
    """
    match = _EVENT.search(question[:_MOST_READ])
    if match is None:
        return None
    return "before" if match["lead"].casefold() in ("before", "bevor") else "after", match["clause"]


def timeline(rows: Sequence[FactRow]) -> list[Fact]:
    """The facts of rows with the time in which each one held, the oldest first.

    A newer value of an attribute ends the older one; where several hold at once, only what says so ends one. Values
    that begin at the same instant are disputed.
    """
    groups: dict[tuple[str | None, ...], list[FactRow]] = {}
    for row in sorted(rows, key=lambda one: (one.since, one.said_at, one.id)):
        topic = (row.subject, row.attribute, row.user_id, row.agent_id, row.app_id)
        groups.setdefault(topic, []).append(row)
    found = [fact for group in groups.values() for fact in _held(group)]
    return sorted(found, key=lambda one: (one.since, one.said_at, one.id))


def _held(group: Sequence[FactRow]) -> Iterable[Fact]:
    for at, row in enumerate(group):
        if row.ends:
            continue
        key = row.value.casefold()
        later = group[at + 1 :]
        ends = [one.since for one in later if one.ends and one.value.casefold() == key]
        others: list[FactRow] = []
        if row.attribute not in _MANY:
            ends += [
                one.since for one in later if not one.ends and one.value.casefold() != key and one.since > row.since
            ]
        others = [one for one in group if not one.ends and one.since == row.since and one.value.casefold() != key]
        yield Fact(
            id=row.id,
            subject=row.subject,
            attribute=row.attribute,
            value=row.value,
            since=row.since,
            until=min(ends, default=None),
            said_at=row.said_at,
            speaker=row.speaker,
            memory=row.memory,
            disputed=row.attribute not in _MANY and any(one.since == row.since for one in others),
            user=row.user_id,
            agent=row.agent_id,
            session=row.session,
            app=row.app_id,
        )


def holding(facts: Sequence[Fact], at: float) -> list[Fact]:
    """The facts that held at a time; of an attribute that nobody had spoken of by then, the first that is known.

    Of a value that was said several times the newest saying stands for all.
    """
    groups: dict[tuple[str | None, ...], list[Fact]] = {}
    for fact in facts:
        groups.setdefault(fact.topic, []).append(fact)
    found: list[Fact] = []
    for group in groups.values():
        begun = [one for one in group if one.since <= at]
        now = [one for one in begun if one.until is None or one.until > at]
        if not begun:
            now = group[:1]
        newest = {one.value.casefold(): one for one in now}
        found += newest.values()
    return found


_MOST_KNOWN = 500
MOST_NAMED = 200
"""The most characters of a subject, an attribute or a value."""


class MemoryFacts:
    """The facts of owners. Usable from any thread."""

    def __init__(self, table: FactTable) -> None:
        self._table = table

    def asked(
        self,
        owner: str,
        question: str,
        now: float,
        *,
        valid_at: float | None = None,
        as_of: float | None = None,
        scope: FactScope = EVERYONE,
    ) -> tuple[Fact, ...]:
        """The facts of a scope that a question asks for, as they held then."""
        event = event_in(question) if valid_at is None else None
        about = question if event is None else question[: question.rfind(event[1])]
        facts = self._about(owner, subjects_in(question), as_of, scope)
        if not facts:
            return ()
        words = words_asked(about)
        found = [one for one in facts if is_asked(one.attribute, words)]
        at = now if valid_at is None else valid_at
        if event is not None:
            meant = [one.since for one in facts if is_asked(one.attribute, words_asked(event[1]))]
            if meant:
                at = max(meant) + (-1.0 if event[0] == "before" else 1.0)
        elif valid_at is None and (spoken := spoken_time(question, now)) is not None:
            at = min(now, (spoken.until or now + 1) - 1) if spoken.until or spoken.since else now
        return tuple(holding(found, at))

    def timeline(
        self, owner: str, about: str | None = None, *, scope: FactScope = EVERYONE, most: int = _MOST_KNOWN
    ) -> list[Fact]:
        """All facts about somebody, about everyone for None, the oldest first; the newest 500 at most."""
        return timeline(self._table.about(owner, None if about is None else [named(about)], scope, most=most))

    def state(
        self,
        owner: str,
        about: str,
        attribute: str,
        value: str,
        *,
        since: float,
        now: float,
        ends: bool = False,
        scope: FactScope = EVERYONE,
    ) -> str:
        """Keeps a fact that a person states, and returns its id. Raises: InvalidInput."""
        for name, text in (("subject", about), ("attribute", attribute), ("value", value)):
            if not text.strip() or len(text) > MOST_NAMED or "\0" in text or not is_whole(text):
                raise InvalidInput(f"{text[:40]!r} is no {name} of a fact", remedy=f"use 1 to {MOST_NAMED} characters")
        fact = NewFact(named(about), named(attribute), value.strip(), since, ends, now)
        return self._table.add(owner, [fact], scope)[0]

    def remove(self, owner: str, fact: str) -> bool:
        """True if there was such a fact; the memory that states it stays."""
        return self._table.remove(owner, fact)

    def erase(self, owner: str, scope: FactScope) -> int:
        """Erases all facts of a scope, also those said in no memory; how many there were."""
        return self._table.erase(owner, scope)

    def read(self, owner: str, *, most: int, after: int = 0) -> tuple[int, int | None]:
        """Reads memories of earlier versions for facts, from the one after a number.

        Returns: the number of facts that they state, and the number after which others wait; None for the last.
        """
        rows = self._table.unread(owner, after=after, most=most)
        found = [(row, facts_in(row.text, row.created_at, row.speaker)) for row in rows]
        count = self._table.read(owner, found) if found else 0
        return count, rows[-1].seq if len(rows) == most else None

    def waiting(self, owner: str | None = None) -> int:
        """The number of memories that are still to be read for facts, of one owner or of all."""
        return self._table.waiting(owner)

    def _about(self, owner: str, subjects: Sequence[str], as_of: float | None, scope: FactScope) -> list[Fact]:
        rows = self._table.about(owner, subjects, scope, most=_MOST_KNOWN) if subjects else []
        return timeline([row for row in rows if as_of is None or row.said_at <= as_of])
