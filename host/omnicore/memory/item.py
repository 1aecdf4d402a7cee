"""A memory: as a draft, as callers see it, and as the table has it. Values from outside are checked here, once.

The importance of a text is judged by rules when nobody gives it; no model is asked.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict

from omnicore.errors import InvalidInput
from omnicore.filters import DEEPEST
from omnicore.ids import new_id
from omnicore.memory.blocks import MemoryBlock
from omnicore.memory.facts import Fact, facts_in
from omnicore.memory.languages import ENGLISH, language_of, languages, plain
from omnicore.memory.tiers import BY_PLACE, SHARED, MemoryTier, TierPolicy, expiry, policy_of
from omnicore.memory.words import analysed
from omnicore.records import HIDDEN, Meta, Record, Time, field, replace
from omnicore.storage.tables.memory import LIVE, QUARANTINED, KeptMemory, NewMemory
from omnicore.texts import is_whole, too_deep
from omnicore.vectors.numeric import np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omnicore.memory.columns import Floats
    from omnicore.storage.tables.memory_facts import FactScope


_NUMBER = re.compile(r"\d")
_NAME = re.compile(r" (?<=[a-zß-öø-ÿğışőűșțăœа-яё,;] )[A-ZÀ-ÖØ-ÞĞİŞŐŰȘȚĂŒА-ЯЁ][^\W\d_]+")
_WORD = re.compile(r"\w+")
_SHORT = 3
_READ = 4096  # characters; what matters about a text shows early
_NAME_CHARACTERS = 256


def judged_importance(text: str, language: str | None = None) -> float:
    """From 0 to 1, by what the text itself shows: a wish to keep it, a preference, numbers, names, its length.

    Args:
        language: its code, where the caller knows it. `languages.toml` has the phrases of each language.

    >>> judged_importance("ok") < judged_importance("The meeting is at 10") < judged_importance("Remember: I hate figs")
    True
    >>> judged_importance("Merke dir: Ich bin allergisch") == judged_importance("Remember: I am allergic")
    True
    """
    text = text[:_READ]
    rules = languages()[(language_of(text) if language is None else language) or ENGLISH]
    words, folded = len(_WORD.findall(text)), plain(text)
    value = 0.3
    value += 0.3 * bool(rules.keep.search(folded))
    value += 0.2 * bool(rules.about.search(folded))
    value += 0.1 * bool(_NUMBER.search(text))
    value += 0.1 * bool(rules.names and _NAME.search(text))
    value += 0.1 * (words >= rules.long)
    value -= 0.2 * (words < _SHORT)
    return round(min(max(value, 0.0), 1.0), 3)


def standing(importance: float, age_s: float, hits: int, policy: TierPolicy) -> float:
    """The rank of a memory in a full tier, where the lowest goes first. It has no part in recall.

    Source: the forgetting curve of MemoryBank (2023) over importance, and the logarithm of use of ACT-R.
    """
    fades = 1.0 if policy.half_life_s is None else 0.5 ** (max(age_s, 0.0) / policy.half_life_s)
    return importance * fades + 0.1 * math.log1p(hits)


_Name = Annotated[str, Meta(min_length=1, max_length=_NAME_CHARACTERS)]


class MemoryScope(Record, frozen=True, kw_only=True):
    """Whose memories: a user, an agent, a session, an application. None is nobody in particular, or no matter whose."""

    user: Annotated[_Name | None, Meta(description="The user whose it is.")] = None
    agent: Annotated[_Name | None, Meta(description="The agent whose it is.")] = None
    session: Annotated[_Name | None, Meta(description="The session in which it was said.")] = None
    app: Annotated[_Name | None, Meta(description="The application whose it is.")] = None

    @property
    def names(self) -> FactScope:
        """User, agent, session and application, in this order."""
        return self.user, self.agent, self.session, self.app

    def fits(self, names: FactScope, *, shared: bool = False) -> bool:
        """True for what is in the scope. Args: shared: what is nobody's fits too."""
        return all(
            wanted is None or name == wanted or (shared and name is None)
            for wanted, name in zip(self.names, names, strict=True)
        )


class ScopeNames(TypedDict, total=False):
    """The names of a scope as named arguments."""

    user: str | None
    agent: str | None
    session: str | None
    app: str | None


ANYONE = MemoryScope()
"""No scope."""


def scoped(names: ScopeNames) -> MemoryScope:
    """The scope of names from outside. Raises: InvalidInput, whose `path` is the name that is none."""
    for part, name in names.items():
        if name is not None and not is_scope_name(name):
            raise InvalidInput(
                f"{part} is no name: {name!r:.40}", remedy=f"use 1 to {_NAME_CHARACTERS} characters", path=part
            )
    return MemoryScope(**names) if names else ANYONE


def is_scope_name(name: Any) -> bool:
    """True for a name that a user, an agent, a session or an application may have."""
    return isinstance(name, str) and 0 < len(name) <= _NAME_CHARACTERS and "\0" not in name and is_whole(name)


class MemoryDraft(Record, frozen=True):
    """Something to remember. The service judges and embeds where `importance` or `embedding` is None.

    `metadata` may say `session` and `speaker` (who said it in which conversation: neighbours help recall),
    `valid_from` and `valid_to` (seconds since the epoch), and `keep` (true moves it out of the immediate tier).
    `said_at` is when it was said, in seconds since the epoch; None for now. Its lifetime counts from now in any case.
    `scope` is whose it is; a session there takes the place of the one in the metadata.
    """

    text: str
    tier: str
    importance: float | None = None
    embedding: tuple[float, ...] | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    said_at: float | None = None
    scope: MemoryScope = ANYONE


class MemoryQuery(Record, frozen=True):
    """A query: the tiers to search, and a text, an embedding, or both. `min_score`: see `Memories.recall`.

    `filter` is as it came; `omnicore.filters` reads it.
    """

    text: str | None
    embedding: tuple[float, ...] | None
    tiers: tuple[str, ...]
    limit: int
    min_score: float = 0.0
    scope: MemoryScope = ANYONE
    filter: Mapping[str, Any] | None = None


class MemoryItem(Record, frozen=True):
    """Something remembered. `score` is the probability that it answers a query. Units: seconds since the epoch."""

    id: str
    tier: str
    text: str
    importance: float
    created_at: float
    metadata: Mapping[str, Any] = field(default_factory=dict)
    score: float | None = None


class Forgotten(Record, frozen=True):
    """Counts of what was erased."""

    memories: Annotated[int, Meta(description="Memories, those that were made of others among them.")]
    facts: Annotated[int, Meta(description="Facts that were said in none of these memories.")] = 0
    blocks: Annotated[int, Meta(description="Core blocks.")] = 0


class Memory(Record, frozen=True, kw_only=True):
    """A memory with all that its owner and the operator may know. Units: seconds since the epoch."""

    id: str
    owner: Annotated[str, Meta(description="A plugin, `@host`, or `@shared`.")]
    tier: MemoryTier
    text: str
    importance: float
    judged: Annotated[bool, Meta(description="True if the host judged its importance.")] = False
    created_at: Time
    accessed_at: Time
    hits: int
    metadata: Mapping[str, Any]
    writer: Annotated[str, Meta(description="Who wrote it: a plugin, or the host.")]
    call: Annotated[str | None, Meta(description="The call in which it was written.")] = None
    source: str | None = None
    user: str | None = None
    agent: str | None = None
    session: str | None = None
    app: str | None = None
    state: Annotated[Literal["live", "quarantined"], Meta(description="`quarantined` until a person approves it.")] = (
        "live"
    )
    pinned: bool = False
    expires_at: float | None = None
    valid_from: float | None = None
    valid_to: float | None = None
    superseded_by: str | None = None
    embedding: Annotated[tuple[float, ...] | None, HIDDEN] = None
    score: Annotated[float | None, Meta(description="The probability that it answers the question, 0 to 1.")] = None
    explain: Annotated[
        Mapping[str, float],
        Meta(
            description="Without a question empty. The shares of `rank`, by which results are ordered, and the signals"
            " of `score`: `cosine`, and the share of the question's words, rare ones counting more, that it holds"
            " (`covered`), or it and its neighbours (`around`)."
        ),
    ] = field(default_factory=dict)

    def item(self) -> MemoryItem:
        """As plugins see it."""
        return MemoryItem(
            self.id, self.tier, self.text, self.importance, self.created_at, self.metadata, score=self.score
        )


class Recall(Record, frozen=True):
    """Memories found, best first, and notes on ways of searching that could not be used, and why."""

    items: tuple[Memory, ...]
    notes: Annotated[tuple[str, ...], Meta(description="Ways of looking that could not be used, and why.")] = ()
    facts: Annotated[tuple[Fact, ...], Meta(description="Facts that the question asks for and that hold then.")] = ()
    blocks: Annotated[
        tuple[MemoryBlock, ...],
        Meta(description="Core blocks, which are given whatever the question: they come first in a model's context."),
    ] = ()


def shown(kept: KeptMemory, score: float | None = None, explain: Mapping[str, float] | None = None) -> Memory:
    """A row of the table, with how well it fits."""
    return Memory(
        id=kept.id,
        owner=kept.plugin,
        tier=BY_PLACE[kept.tier],
        text=kept.text,
        importance=kept.importance,
        created_at=kept.created_at,
        accessed_at=kept.accessed_at,
        hits=kept.hits,
        metadata={} if kept.metadata == "{}" else json.loads(kept.metadata),
        writer=kept.writer,
        state="quarantined" if kept.state == QUARANTINED else "live",
        judged=bool(kept.judged),
        pinned=bool(kept.pinned),
        expires_at=kept.expires_at,
        valid_from=kept.valid_from,
        valid_to=kept.valid_to,
        superseded_by=kept.superseded_by,
        call=kept.call_id,
        source=kept.source,
        user=kept.user_id,
        agent=kept.agent_id,
        session=kept.session,
        app=kept.app_id,
        embedding=_numbers(kept.given),
        score=None if score is None else round(score, 6),
        explain=explain or {},
    )


def shown_scratch(owner: str, row: NewMemory, hits: int) -> Memory:
    """A memory of the immediate tier."""
    return shown(replace(row, plugin=owner, hits=hits))


def scored(memory: Memory, score: float, explain: Mapping[str, float]) -> Memory:
    """A memory with how well it fits."""
    return replace(memory, score=round(score, 6), explain=explain)


def _numbers(given: bytes | None) -> tuple[float, ...] | None:
    return None if given is None else tuple(np.frombuffer(given, np.float32).tolist())


MOST_DIMENSIONS = 4096
_TEXT_BYTES = 64 * 1024
_METADATA_BYTES = 16 * 1024
_LATEST = 1e15  # seconds, 30 million years
_CLOCKS_APART_S = 86_400.0  # of machines, and of people who give no zone


class MemoryOrigin(Record, frozen=True):
    """The origin of a memory: its writer, call and source."""

    writer: str
    call: str | None = None
    source: str | None = None


def tier_named(name: str) -> MemoryTier:
    """The tier of a name. Raises: InvalidInput."""
    try:
        return MemoryTier(name)
    except ValueError as error:
        raise InvalidInput(
            f"there is no tier {str(name)[:40]!r}", remedy=f"use one of {', '.join(MemoryTier)}"
        ) from error


def drafted(draft: MemoryDraft, origin: MemoryOrigin, now: float, *, pinned: bool = False) -> NewMemory:
    """The row of a draft, without the embedder's vector. Raises: InvalidInput."""
    policy, scope = policy_of(tier := tier_named(draft.tier)), draft.scope
    text = checked_text(draft.text)
    metadata = _checked_metadata(draft.metadata)
    speaker, language = _name(about := draft.metadata, "speaker"), language_of(text)
    importance = _importance(draft, text, language)
    given = None if draft.embedding is None else checked_embedding(draft.embedding)
    said_at = now if draft.said_at is None else _checked_said_at(draft.said_at, now)
    return NewMemory(
        id=new_id("mem"),
        tier=tier.place,
        text=text,
        metadata=metadata,
        importance=importance,
        judged=int(draft.importance is None),
        created_at=said_at,
        accessed_at=now,
        size=len(text.encode()) + len(metadata) + (0 if given is None else given.nbytes),
        expires_at=expiry(policy, importance, now, pinned=pinned),
        hash=text_hash(text, speaker, scope),
        writer=origin.writer,
        facts=facts_in(text, said_at, speaker) if (read := states_facts(tier)) else (),
        stated=int(read) or None,
        words=tuple(words_of(speaker, text, language)),
        language=language,
        state=QUARANTINED if tier is MemoryTier.Galactic else LIVE,
        pinned=int(pinned or tier is MemoryTier.Cosmic),
        session=scope.session or _name(about, "session"),
        user_id=scope.user,
        agent_id=scope.agent,
        app_id=scope.app,
        speaker=speaker,
        valid_from=_time(about, "valid_from"),
        valid_to=_time(about, "valid_to"),
        call_id=origin.call,
        source=origin.source or _name(about, "source"),
        given=None if given is None else given.tobytes(),
    )


def states_facts(tier: MemoryTier) -> bool:
    """True for the tiers whose memories are read for facts: not the working ones, and none that are shared."""
    return policy_of(tier).group != "working" and tier not in SHARED


def checked_owner(owner: str) -> str:
    """The owner itself. Raises: InvalidInput: no name that anything could have."""
    if not 0 < len(owner) <= _NAME_CHARACTERS or not owner.isprintable():
        raise InvalidInput(f"{owner[:40]!r} is no owner of memories", remedy="name a plugin, or @host")
    return owner


def checked_text(text: str) -> str:
    """The text itself. Raises: InvalidInput: empty, too long, or nothing that a database can hold."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise InvalidInput("the text is no valid Unicode", remedy="use text without lone surrogates") from error
    if not text.strip() or "\x00" in text:
        raise InvalidInput("the text is empty or holds a NUL", remedy="give text with something in it")
    if size > _TEXT_BYTES:
        raise InvalidInput(
            f"a text of {size} bytes cannot be remembered", remedy=f"cut it into pieces of {_TEXT_BYTES} bytes"
        )
    return text


def checked_embedding(values: Sequence[float]) -> Floats:
    """The embedding as float32. Raises: InvalidInput: not 1 to 4096 finite numbers that are not all 0."""
    try:
        with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused below
            vector = np.asarray(values, np.float32)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidInput("the embedding is no list of numbers", remedy="give a list of finite numbers") from error
    if vector.ndim != 1 or not 0 < len(vector) <= MOST_DIMENSIONS:
        raise InvalidInput(
            f"an embedding of shape {vector.shape} cannot be used", remedy=f"give 1 to {MOST_DIMENSIONS} numbers"
        )
    if not np.isfinite(vector).all() or not vector.any():
        raise InvalidInput(
            "the embedding has no direction: it is all zeros, or not all of it is finite",
            remedy="leave the embedding out, and the text is still found by its words",
        )
    return vector


def spoken(speaker: str | None, text: str) -> str:
    """A text with who said it, as it is embedded and searched."""
    return f"{speaker}: {text}" if speaker else text


def words_of(speaker: str | None, text: str, language: str | None = None) -> list[str]:
    """The words of a memory's full text, by its language."""
    return analysed(spoken(speaker, text), language or ENGLISH)


def text_hash(text: str, speaker: str | None = None, scope: MemoryScope = ANYONE) -> str:
    """Names a text of a scope: the same but for spaces, letter case and Unicode forms is the same text."""
    plain = " ".join(unicodedata.normalize("NFKC", spoken(speaker, text)).casefold().split())
    if scope != ANYONE:
        plain += "\0" + json.dumps(scope.names)
    return hashlib.blake2b(plain.encode("utf-8", "replace"), digest_size=16).hexdigest()


def _importance(draft: MemoryDraft, text: str, language: str) -> float:
    """The importance that was given, or what the text shows."""
    value = judged_importance(text, language) if draft.importance is None else draft.importance
    if not isinstance(value, (int, float)) or not 0 <= value <= 1:  # also refuses a NaN
        raise InvalidInput(f"an importance of {value!r} cannot be used", remedy="give a number from 0 to 1")
    return float(value)


def _checked_said_at(value: float, now: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -_LATEST <= value <= _LATEST:
        raise InvalidInput("said_at is no time", remedy="give seconds since the epoch")
    if value > now + _CLOCKS_APART_S:
        raise InvalidInput("said_at is in the future", remedy="give the time at which it was said, or leave it out")
    return float(value)


def _checked_metadata(values: Mapping[str, Any]) -> str:
    try:
        text = json.dumps(dict(values), allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput("the metadata are no JSON object", remedy="use JSON values only") from error
    if "\\ud" in text and not is_whole(values):
        raise InvalidInput("the metadata hold half of a character", remedy="use text without lone surrogates")
    if len(text) > 6 * _METADATA_BYTES:  # each character may be written as an escape
        raise InvalidInput(f"metadata of {len(text)} bytes are too many", remedy=f"keep to {_METADATA_BYTES} bytes")
    if too_deep(text.encode(), DEEPEST):
        raise InvalidInput(f"the metadata are nested deeper than {DEEPEST}", remedy="write them flatter")
    return text


def _name(about: Mapping[str, Any], key: str) -> str | None:
    value = about.get(key)
    if not isinstance(value, str) or not value or "\x00" in value:
        return None
    return value.encode("utf-8", "replace").decode()[:_NAME_CHARACTERS]


def _time(about: Mapping[str, Any], key: str) -> float | None:
    value = about.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if not -_LATEST <= value <= _LATEST:  # also refuses a NaN
        raise InvalidInput(f"{key} is no time", remedy="give seconds since the epoch")
    return float(value)


_MOST_USES = 2**53


@dataclass(frozen=True, slots=True)
class Skill:
    """A plugin's function and how often it worked, kept as metadata of a procedural memory.

    >>> Skill("text.count").used(True).used(False).success_rate
    0.5
    """

    function: str
    usage_count: int = 0
    success_rate: float = 0.0

    def used(self, worked: bool) -> Skill:
        """The skill after one more use."""
        successes = self.success_rate * self.usage_count + worked
        return Skill(self.function, self.usage_count + 1, successes / (self.usage_count + 1))

    def to_metadata(self) -> dict[str, Any]:
        """As metadata hold it."""
        return {"function": self.function, "usage_count": self.usage_count, "success_rate": self.success_rate}


def read_skill(metadata: Mapping[str, Any]) -> Skill | None:
    """The skill in metadata; None when there is none, or it is no such thing."""
    function = metadata.get("function")
    count, rate = metadata.get("usage_count", 0), metadata.get("success_rate", 0.0)
    if (
        not isinstance(function, str)
        or isinstance(count, bool)
        or not isinstance(count, int)
        or not 0 <= count <= _MOST_USES
    ):
        return None
    if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 <= rate <= 1:
        return None
    return Skill(function, count, float(rate))
