"""Candidates of a recall and their scores: several signals, each stretched to 0 to 1, then added by weight.

Source: convex combination as in "An Analysis of Fusion Functions for Hybrid Retrieval" (2022). On dialogues it finds
a third more than reciprocal ranks do; recency and importance only break ties, for with equal weights recall falls
from 0.75 to 0.10.

Candidates are the nearest by meaning, those that hold the question's words, and their neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from omnicore.memory.columns import Bools, Floats, MemoryColumns, Places, best
from omnicore.vectors.numeric import np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt


LISTED = 50
"""The number of candidates of a signal, by whose range it is stretched."""

SIGNALS = ("given", "turn", "pair", "words", "window")
"""Cosine to the caller's embedding; to the embedder's, alone and with the turn before; BM25, alone and with the
turns before and behind."""

_BEST_OF_SESSION = 3


@dataclass(frozen=True, slots=True)
class Weights:
    """The weight of each signal; see `SIGNALS` and the settings of `memory`."""

    turn: float = 0.25
    pair: float = 0.25
    words: float = 0.3
    window: float = 0.2
    speaker: float = 0.1
    session: float = 0.3
    importance: float = 0.05
    recency: float = 0.02


@dataclass(frozen=True, slots=True)
class Pool:
    """Candidates from one index. Signals are NaN where a candidate has none.

    Shapes: all of one length; `signals[name]: float32[candidates]`.
    """

    source: int
    places: Places
    signals: Mapping[str, Floats]
    importance: Floats
    created: npt.NDArray[np.float64]
    session: Places
    spoke: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate with its score, 0 to 1, and what it is made of."""

    source: int
    place: int
    score: float
    parts: Mapping[str, float]


def rank(pools: Sequence[Pool], weights: Weights, most: int) -> list[Ranked]:
    """The best candidates of all pools, best first."""
    pool, sources = joined(pools)
    if not len(pool.places):
        return []
    parts = _parts(pool, weights)
    total = np.sum(list(parts.values()), axis=0)
    parts["session"] = weights.session * _of_sessions(total, pool.session)
    parts["importance"] = weights.importance * pool.importance
    parts["recency"] = weights.recency * _range(pool.created, float(pool.created.min()), float(pool.created.max()))
    total = total + parts["session"] + parts["importance"] + parts["recency"]
    reachable = _reachable(pool, weights)
    chosen = best(np.asarray(total, np.float32), most)
    scores = np.clip(total[chosen] / reachable, 0, 1)
    explained = np.stack([values[chosen] for values in parts.values()], axis=1).astype(np.float64) / reachable
    lists = (sources[chosen].tolist(), pool.places[chosen].tolist(), scores.tolist(), explained.round(6).tolist())
    return [
        Ranked(source, place, score, {name: value for name, value in zip(parts, values, strict=True) if value})
        for source, place, score, values in zip(*lists, strict=True)
    ]


def stretched(values: Floats) -> Floats:
    """The values from 0 to 1, by the range of the best `LISTED`; what is below, or no number, is 0.

    >>> stretched(np.array([3.0, 1.0, 2.0, np.nan], np.float32)).tolist()
    [1.0, 0.0, 0.5, 0.0]
    """
    known = values[np.isfinite(values)]
    if not len(known):
        return np.zeros(len(values), np.float32)
    highest = float(known.max())
    lowest = float(known.min() if len(known) <= LISTED else np.partition(known, len(known) - LISTED)[-LISTED])
    return _range(values, lowest, highest)


def joined(pools: Sequence[Pool]) -> tuple[Pool, Places]:
    """All pools as one, and the source of each candidate. Sessions of different indexes stay apart."""
    filled = [pool for pool in pools if len(pool.places)]
    if len(filled) == 1:
        return filled[0], np.full(len(filled[0].places), filled[0].source, np.int64)
    sources = _all([np.full(len(pool.places), pool.source, np.int64) for pool in filled], np.int64)
    names = {name for pool in filled for name in pool.signals}
    whole = Pool(
        source=-1,
        places=_all([pool.places for pool in filled], np.int64),
        signals={name: np.concatenate([_signal(pool, name) for pool in filled]) for name in SIGNALS if name in names},
        importance=_all([pool.importance for pool in filled], np.float32),
        created=_all([pool.created for pool in filled], np.float64),
        session=_all([np.where(pool.session < 0, -1, pool.session * 4 + pool.source) for pool in filled], np.int64),
        spoke=_all([pool.spoke for pool in filled], np.bool_),
    )
    return whole, sources


def _all(arrays: Sequence[npt.NDArray[Any]], kind: type[np.generic]) -> npt.NDArray[Any]:
    return np.concatenate(arrays) if arrays else np.zeros(0, kind)


def _signal(pool: Pool, name: str) -> Floats:
    found = pool.signals.get(name)
    return np.full(len(pool.places), np.nan, np.float32) if found is None else found


def _shares(pool: Pool, weights: Weights) -> dict[str, float]:
    """The weight of each signal that is there. A caller's embedding takes the place of the embedder's, or half."""
    shares = {name: float(getattr(weights, name)) for name in pool.signals if name != "given"}
    if "given" in pool.signals:
        dense = weights.turn + weights.pair
        shares["given"] = dense / 2 if "turn" in shares else dense
        for name in {"turn", "pair"} & shares.keys():
            shares[name] /= 2
    return shares


def _parts(pool: Pool, weights: Weights) -> dict[str, Floats]:
    parts = {
        name: np.asarray(share * stretched(pool.signals[name]), np.float32)
        for name, share in _shares(pool, weights).items()
    }
    if pool.spoke.any():
        parts["speaker"] = weights.speaker * pool.spoke.astype(np.float32)
    return parts


def _of_sessions(total: Floats, session: Places) -> Floats:
    """The score of each candidate's session: its three best together, the best session being 1."""
    found = np.zeros(len(total), np.float32)
    inside = np.flatnonzero(session >= 0)
    if len(inside):
        order = inside[np.lexsort((-total[inside], session[inside]))]
        begins = np.flatnonzero(np.r_[True, session[order][1:] != session[order][:-1]])
        lengths = np.diff(np.r_[begins, len(order)])
        within = np.arange(len(order)) - np.repeat(begins, lengths)
        sums = np.add.reduceat(np.where(within < _BEST_OF_SESSION, total[order], 0), begins)
        found[order] = np.repeat(sums, lengths) / max(float(sums.max()), 1e-9)
    return found


def _reachable(pool: Pool, weights: Weights) -> float:
    """The most that a candidate could have."""
    most = sum(_shares(pool, weights).values()) + weights.importance + weights.recency
    most += weights.speaker if pool.spoke.any() else 0
    most += weights.session if (pool.session >= 0).any() else 0
    return max(most, 1e-9)


def _range(values: npt.NDArray[np.floating], lowest: float, highest: float) -> Floats:
    wide = highest - lowest
    part = (values - lowest) / wide if wide > 0 else (values >= highest).astype(np.float32)
    return np.asarray(np.fmin(np.fmax(part, 0), 1), np.float32)  # of a value and no number, fmax takes the value


Matches = tuple[Places, Floats]
"""Places and the BM25 of each."""


def gathered(
    columns: MemoryColumns,
    allowed: Bools,
    *,
    source: int,
    sense: Floats | None,
    given: Floats | None,
    near: Mapping[str, Places],
    matches: Matches | None,
    speakers: frozenset[int],
) -> Pool:
    """The candidates of an index with all their signals.

    Args:
        sense, given: the question in the embedder's and in the caller's space; None for a question without.
        near: the nearest places by "sense" and by "given", allowed or not.
        matches: places whose text holds words of the question, with BM25; None for a question without words.
        speakers: those whom the question names.
    """
    words = _word_scores(allowed, matches)
    pool = _pool(columns, allowed, near.values(), words)
    signals = _signals(columns, allowed, pool, sense, given)
    if len(words[0]):
        before, behind = columns.neighbours(pool)
        signals["words"] = _at(words, pool)
        signals["window"] = signals["words"] + _at(words, before) + _at(words, behind)
    spoke = np.zeros(len(pool), np.bool_)
    for speaker in speakers:  # one or two; `isin` would sort numbers of 60 bits
        spoke |= columns.column("speaker")[pool] == speaker
    return Pool(
        source=source,
        places=pool,
        signals=signals,
        importance=columns.column("importance")[pool],
        created=columns.column("created")[pool],
        session=columns.column("session")[pool],
        spoke=spoke,
    )


def _pool(columns: MemoryColumns, allowed: Bools, near: Iterable[Places], words: Matches) -> Places:
    """All candidates that are allowed, each once."""
    parts = [words[0], *(_and_behind(columns, places) for places in near)]
    if len(words[0]):
        parts += list(columns.neighbours(best_of(*words)))
    pool = np.unique(np.concatenate(parts))
    pool = pool[pool >= 0]
    found: Places = pool[allowed[pool]]
    return found


def _signals(
    columns: MemoryColumns, allowed: Bools, pool: Places, sense: Floats | None, given: Floats | None
) -> dict[str, Floats]:
    """Signals of the candidates by meaning."""
    signals: dict[str, Floats] = {}
    if given is not None:
        signals["given"] = _cosines(columns, "given", given, pool)
    if sense is not None:
        signals["turn"] = _cosines(columns, "sense", sense, pool)
        before, _ = columns.neighbours(pool)
        signals["pair"] = _with_before(columns, allowed, sense, pool, before, signals["turn"])
    return signals


def nearest(columns: MemoryColumns, space: str, query: Floats, allowed: Bools) -> Places:
    """The places of the nearest that are allowed, by looking at each."""
    matrix = columns.sense if space == "sense" else columns.given
    scores = matrix.all_scores(query, columns.count)
    scores[~allowed] = -np.inf
    return best(scores, LISTED)


def best_of(places: Places, words: Floats) -> Places:
    """The places of the highest word scores: only those bring their neighbours along."""
    return places[best(words, LISTED)]


def _word_scores(allowed: Bools, matches: Matches | None) -> Matches:
    """BM25 by place, in order: what may not be recalled must not show in its neighbours' scores either."""
    if matches is None:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    places, scores = matches
    open_ = allowed[places]
    places, scores = places[open_], scores[open_]
    order = np.argsort(places, kind="stable")
    return places[order], scores[order]


def _and_behind(columns: MemoryColumns, places: Places) -> Places:
    behind = columns.neighbours(places)[1]
    return np.concatenate([places, behind[behind >= 0]])


def _cosines(columns: MemoryColumns, space: str, query: Floats, places: Places) -> Floats:
    matrix = columns.sense if space == "sense" else columns.given
    scores = matrix.scores(query, places)
    scores[~matrix.has(places)] = np.nan
    return scores


def _with_before(
    columns: MemoryColumns, allowed: Bools, query: Floats, places: Places, before: Places, turn: Floats
) -> Floats:
    """The cosine to each turn and the one before taken together; to itself where there is none."""
    usable = (before >= 0) & allowed[np.maximum(before, 0)]
    usable &= columns.sense.has(np.maximum(before, 0))
    earlier = columns.sense.scores(query, np.maximum(before, 0))
    length = np.sqrt(np.maximum(2 + 2 * columns.column("closeness")[places], 1e-3))
    return np.asarray(np.where(usable, (turn + earlier) / length, turn), np.float32)


def _at(words: Matches, places: Places) -> Floats:
    """The word scores of places, 0 for who has none. Not by an array of all places: there may be a million of them."""
    known, scores = words
    found = np.minimum(np.searchsorted(known, places), len(known) - 1)
    return np.where(known[found] == places, scores[found], np.float32(0)).astype(np.float32)
