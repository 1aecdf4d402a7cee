"""The re-ranker: an optional stage that puts the best candidates of a recall into another order.

Features of a question and each of its first 80 candidates, weighed by a linear model that is learned offline:
`python -m omnicore.memory.ranking.train DATA --out FILE`. The setting `memory.reranker` names the file; without one
recall ranks as `memory/candidates.py` does. Scores stay as they are: only the order changes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from omnicore.errors import InvalidSetting
from omnicore.memory.columns import Floats, Places
from omnicore.vectors.numeric import np

CANDIDATES = 80
"""The number of candidates that are put in order."""

SHARES = ("turn", "pair", "words", "window", "speaker", "session", "rank", "cosine", "covered", "around")
"""Members of `explain` that are features as they are."""

_MEASURES = ("shared_pairs", "own_words", "length", "asks", "numbers", "names", "before", "behind", "after_question")
_ASKS_FOR = {
    name: frozenset(words.split())
    for name, words in (
        ("time", "when date day month year time long wann datum tag monat jahr lange"),
        ("name", "who whom whose where which city country wer wen wem wessen wo welche welcher stadt land"),
        ("count", "many much number old age viel viele alt nummer"),
    )
}
_CROSSED = tuple(f"{asked}_{told}" for asked in _ASKS_FOR for told in ("numbers", "names"))

FEATURES = SHARES + _MEASURES + _CROSSED
"""The names of all features, in their order."""

_WORD = re.compile(r"[^\W_]+")
_MONTHS = (
    "january|february|march|april|may|june|july|august|september|october|november|december|januar|februar|märz|mai|juni"
    "|juli|oktober|dezember"
)
_NUMBER = re.compile(rf"\d|\b(?:{_MONTHS})\b", re.IGNORECASE)
_NAME = re.compile(r"(?<=[^\W\d_]) [A-ZÄÖÜ][^\W\d_]+|(?<=,) [A-ZÄÖÜ][^\W\d_]+")
_READ = 2000  # characters of a text
_FILE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class RankCandidate:
    """A candidate: the members of its `explain`, its text, and the place in the list of the turn before it, or -1."""

    parts: Mapping[str, float]
    text: str
    before: int = -1


def features(question: str, candidates: Sequence[RankCandidate]) -> Floats:
    """The features of candidates, the best first.

    Shapes: `float32[candidates, FEATURES]`.
    """
    asked = _WORD.findall(question[:_READ].casefold())
    wanted = {name: float(not words.isdisjoint(asked)) for name, words in _ASKS_FOR.items()}
    pairs, words = set(pairwise(asked)), set(asked)
    ranks = [one.parts.get("rank", 0.0) for one in candidates]
    behind = {one.before: rank for one, rank in zip(candidates, ranks, strict=True) if one.before >= 0}
    rows: list[list[float]] = []
    for place, one in enumerate(candidates):
        text = one.text[:_READ]
        told = _WORD.findall(text.casefold())
        numbers, names = float(bool(_NUMBER.search(text))), float(bool(_NAME.search(text)))
        earlier = candidates[one.before].text if one.before >= 0 else ""
        rows.append(
            [
                *(one.parts.get(name, 0.0) for name in SHARES),
                len(pairs & set(pairwise(told))) / max(len(pairs), 1),
                len(words.intersection(told)) / max(len(told), 1),
                float(np.log1p(len(told))),
                float(text.rstrip().endswith("?")),
                *(numbers, names),
                ranks[one.before] if one.before >= 0 else 0.0,
                behind.get(place, 0.0),
                float(earlier.rstrip().endswith("?")),
                *(wanted[asks] * told_of for asks in _ASKS_FOR for told_of in (numbers, names)),
            ]
        )
    return np.array(rows, np.float32).reshape(len(candidates), len(FEATURES))


@dataclass(frozen=True, slots=True)
class Reranker:
    """A linear model over features that are first brought to mean 0 and spread 1.

    Shapes: `float32[FEATURES]` each.
    """

    mean: Floats
    spread: Floats
    weights: Floats

    def order(self, question: str, candidates: Sequence[RankCandidate]) -> list[int]:
        """The places of the candidates, best first; those that are equal stay in their order."""
        found: list[int] = self.order_of(features(question, candidates)).tolist()
        return found

    def order_of(self, values: Floats) -> Places:
        """The same from features."""
        return np.argsort(-((values - self.mean) / self.spread @ self.weights), kind="stable")

    def to_json(self) -> str:
        """As its file has it."""
        columns = {name: [round(float(one), 6) for one in getattr(self, name)] for name in self.__slots__}
        return json.dumps({"format": 1, "features": list(FEATURES), **columns}, indent=1) + "\n"


def reranker_in(file: Path | None) -> Reranker | None:
    """The re-ranker of the setting `memory.reranker`; None without one. Raises: InvalidSetting."""
    if file is None:
        return None
    try:
        with file.open("rb") as stream:
            data = stream.read(_FILE_BYTES + 1)
        found = json.loads(data) if len(data) <= _FILE_BYTES else {}
        columns = [np.array(found[name], np.float32) for name in Reranker.__slots__]
        fits = found["format"] == 1 and found["features"] == list(FEATURES)
    except (OSError, ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
        raise _unusable(file) from error
    fits = fits and all(one.shape == (len(FEATURES),) and np.isfinite(one).all() for one in columns)
    if not fits or not (columns[1] > 0).all():
        raise _unusable(file)
    return Reranker(*columns)


def _unusable(file: Path) -> InvalidSetting:
    return InvalidSetting(
        f"memory.reranker: {str(file)[:200]!r} holds no weights of this version",
        remedy="make the file with `python -m omnicore.memory.ranking.train DATA --out FILE`, or leave it out",
    )
