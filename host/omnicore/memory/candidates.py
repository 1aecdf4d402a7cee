"""Candidates of a recall and their scores: several signals, each stretched to 0 to 1, then added by weight.

Source: convex combination as in "An Analysis of Fusion Functions for Hybrid Retrieval" (2022). On dialogues it finds
a third more than reciprocal ranks do; recency and importance only break ties, for with equal weights recall falls
from 0.75 to 0.10.

Candidates are the nearest by meaning, those that hold the question's words, and their neighbours.

The probability that a memory answers a question, from signals before they are stretched.

Ranking stretches each signal by its range among the candidates of one question: it finds the best, and says nothing of
whether the best is good. This does: cosines, and the share of the question's words that a memory holds, rare ones
counting more, go through a logistic model.

Source: fitted by `python -m tests.eval.calibrate` on generated lives in English and German (half of the topics) and on
dialogues, as many questions with an answer as without. On the other half of the topics the best score tells questions
with an answer from those without by an AUC of 0.99, by words alone too; on dialogues whose words differ, by 0.80. The
cosines are those of the table that ships; with another embedder a score is a good guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from omnicore.memory.columns import Bools, Floats, MemoryColumns, Places, best
from omnicore.vectors.numeric import np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt

    from omnicore.memory.bm25 import HeldWords, Matches


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


# Each: what is always there, and the weights of the highest cosine, of `covered` and of `around`.
BY_BOTH = (-5.85, 3.93, 6.77, 0.97)
BY_WORDS = (-3.63, 0.0, 8.35, -0.82)
BY_MEANING = (-5.89, 6.52, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class RawSignals:
    """Signals of memories before they are stretched; None where there is no such signal.

    Args:
        cosine: the highest of the cosines.
        covered, around: the share of the question's words, by rarity, that each holds, alone and with its neighbours.

    Shapes: `float32[memories]` each.
    """

    cosine: Floats | None = None
    covered: Floats | None = None
    around: Floats | None = None

    def named(self) -> dict[str, Floats]:
        """Those that are there, by name."""
        named = {"cosine": self.cosine, "covered": self.covered, "around": self.around}
        return {name: values for name, values in named.items() if values is not None}


def probabilities(raw: RawSignals, count: int) -> Floats:
    """The probability of each of so many memories that it answers, 0 to 1; without any signal, 0.

    >>> some = RawSignals(*(np.array(values, np.float32) for values in ([0.6, 0.1], [1, 0], [1, 0])))
    >>> (probabilities(some, 2) > 0.5).tolist()
    [True, False]
    """
    named = raw.named()
    if not named:
        return np.zeros(count, np.float32)
    by_words = BY_WORDS if raw.cosine is None else BY_BOTH
    first, *weights = by_words if raw.covered is not None else BY_MEANING
    total = np.full(count, first, np.float32)
    for name, weight in zip(("cosine", "covered", "around"), weights, strict=True):
        if name in named:
            total += np.float32(weight) * np.maximum(named[name], np.float32(0))
    return np.asarray(1 / (1 + np.exp(-total)), np.float32)


@dataclass(frozen=True, slots=True)
class Pool:
    """Candidates from one index. Signals are NaN where a candidate has none.

    `covered` is the share of the question's words, by rarity, that a candidate holds; `around`, that it and its
    neighbours hold. None for a question without words.

    Shapes: all of one length; `signals[name]: float32[candidates]`.
    """

    source: int
    places: Places
    signals: Mapping[str, Floats]
    importance: Floats
    created: npt.NDArray[np.float64]
    session: Places
    spoke: npt.NDArray[np.bool_]
    covered: Floats | None = None
    around: Floats | None = None


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate with its rank and the probability that it answers, both 0 to 1.

    `parts` are the shares of the rank, the rank and the signals before they are stretched.
    """

    source: int
    place: int
    rank: float
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
    ranks = np.clip(total[chosen] / reachable, 0, 1)
    raw = RawSignals(
        *(None if values is None else values[chosen] for values in (_cosine(pool), pool.covered, pool.around))
    )
    explained = {name: values[chosen] / reachable for name, values in parts.items()} | {"rank": ranks} | raw.named()
    columns = np.stack(list(explained.values()), axis=1).astype(np.float64).round(6).tolist()
    likely = probabilities(raw, len(chosen))
    lists = (sources[chosen].tolist(), pool.places[chosen].tolist(), ranks.tolist(), likely.tolist())
    return [
        Ranked(source, place, at, score, {name: value for name, value in zip(explained, values, strict=True) if value})
        for source, place, at, score, values in zip(*lists, columns, strict=True)
    ]


def _cosine(pool: Pool) -> Floats | None:
    """The highest cosine of each candidate."""
    found = [pool.signals[name] for name in ("turn", "pair", "given") if name in pool.signals]
    return np.nan_to_num(np.fmax.reduce(found)) if found else None


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
        covered=_shared_column([pool.covered for pool in filled], filled),
        around=_shared_column([pool.around for pool in filled], filled),
        session=_all([np.where(pool.session < 0, -1, pool.session * 4 + pool.source) for pool in filled], np.int64),
        spoke=_all([pool.spoke for pool in filled], np.bool_),
    )
    return whole, sources


def _all(arrays: Sequence[npt.NDArray[Any]], kind: type[np.generic]) -> npt.NDArray[Any]:
    return np.concatenate(arrays) if arrays else np.zeros(0, kind)


def _shared_column(columns: Sequence[Floats | None], pools: Sequence[Pool]) -> Floats | None:
    if all(column is None for column in columns):
        return None
    return np.concatenate(
        [
            np.zeros(len(pool.places), np.float32) if column is None else column
            for column, pool in zip(columns, pools, strict=True)
        ]
    )


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


def gathered(
    columns: MemoryColumns,
    allowed: Bools,
    *,
    source: int,
    sense: Floats | None,
    given: Floats | None,
    near: Mapping[str, Places],
    matches: Matches | None,
    held: HeldWords | None,
    speakers: frozenset[int],
) -> Pool:
    """The candidates of an index with all their signals.

    Args:
        sense, given: the question in the embedder's and in the caller's space; None for a question without.
        near: the nearest places by "sense" and by "given", allowed or not.
        matches: places whose text holds words of the question, with BM25; None for a question without words.
        held: which of its words they hold.
        speakers: those whom the question names.
    """
    words = _word_scores(allowed, matches)
    pool = _pool(columns, allowed, near.values(), words)
    signals = _signals(columns, allowed, pool, sense, given)
    before, behind = columns.neighbours(pool)
    if len(words[0]):
        signals["words"] = _at(words, pool)
        signals["window"] = signals["words"] + _at(words, before) + _at(words, behind)
    held = held if held is not None and held.telling else None
    return Pool(
        source=source,
        places=pool,
        signals=signals,
        covered=None if held is None else held.share(held.at(pool)),
        around=None if held is None else held.share(held.with_neighbours(pool, before, behind)),
        importance=columns.column("importance")[pool],
        created=columns.column("created")[pool],
        session=columns.column("session")[pool],
        spoke=_spoke(columns, pool, speakers),
    )


def _spoke(columns: MemoryColumns, pool: Places, speakers: frozenset[int]) -> Bools:
    """True for each candidate that one of the speakers said."""
    spoke = np.zeros(len(pool), np.bool_)
    for speaker in speakers:  # one or two; `isin` would sort numbers of 60 bits
        spoke |= columns.column("speaker")[pool] == speaker
    return spoke


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
