"""Who may fit: the nearest by meaning, those that hold the question's words, and their neighbours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from omnicore.memory.matrix import Floats, Places, best
from omnicore.memory.ranking import LISTED, Pool
from omnicore.memory.shelf import Bools, Shelf
from omnicore.vectors.numeric import np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Matches", "gathered", "nearest"]

Matches = tuple[Places, Floats]
"""Places and the BM25 of each."""


def gathered(
    shelf: Shelf,
    allowed: Bools,
    *,
    source: int,
    sense: Floats | None,
    given: Floats | None,
    near: Mapping[str, Places],
    matches: Matches | None,
    speakers: frozenset[int],
) -> Pool:
    """The candidates of a shelf with all their signals.

    Args:
        sense, given: the question in the embedder's and in the caller's space; None for a question without.
        near: the nearest places by "sense" and by "given", allowed or not.
        matches: places whose text holds words of the question, with BM25; None for a question without words.
        speakers: those whom the question names.
    """
    words, word_places = _word_scores(shelf.count, allowed, matches)
    pool = _pool(shelf, allowed, near.values(), words, word_places)
    signals = _signals(shelf, allowed, pool, sense, given)
    if len(word_places):
        before, behind = shelf.neighbours(pool)
        signals["words"] = words[pool]
        signals["window"] = words[pool] + _at(words, before) + _at(words, behind)
    spoke = np.isin(shelf.column("speaker")[pool], list(speakers)) if speakers else np.zeros(len(pool), np.bool_)
    return Pool(
        source=source,
        places=pool,
        signals=signals,
        importance=shelf.column("importance")[pool],
        created=shelf.column("created")[pool],
        session=shelf.column("session")[pool],
        spoke=spoke,
    )


def _pool(shelf: Shelf, allowed: Bools, near: Iterable[Places], words: Floats, word_places: Places) -> Places:
    """All candidates that are allowed, each once."""
    parts = [word_places, *(_and_behind(shelf, places) for places in near)]
    if len(word_places):
        parts += list(shelf.neighbours(best_of(words, word_places)))
    pool = np.unique(np.concatenate(parts))
    pool = pool[pool >= 0]
    found: Places = pool[allowed[pool]]
    return found


def _signals(
    shelf: Shelf, allowed: Bools, pool: Places, sense: Floats | None, given: Floats | None
) -> dict[str, Floats]:
    """What meaning says of the candidates."""
    signals: dict[str, Floats] = {}
    if given is not None:
        signals["given"] = _cosines(shelf, "given", given, pool)
    if sense is not None:
        signals["turn"] = _cosines(shelf, "sense", sense, pool)
        before, _ = shelf.neighbours(pool)
        signals["pair"] = _with_before(shelf, allowed, sense, pool, before, signals["turn"])
    return signals


def nearest(shelf: Shelf, space: str, query: Floats, allowed: Bools) -> Places:
    """The places of the nearest that are allowed, by looking at each."""
    matrix = shelf.sense if space == "sense" else shelf.given
    scores = matrix.all_scores(query, shelf.count)
    scores[~allowed] = -np.inf
    return best(scores, LISTED)


def best_of(words: Floats, places: Places) -> Places:
    """The places of the highest word scores: only those bring their neighbours along."""
    return places[best(words[places], LISTED)]


def _word_scores(count: int, allowed: Bools, matches: Matches | None) -> tuple[Floats, Places]:
    """BM25 by place, 0 for who has none: what may not be recalled must not show in its neighbours' scores either."""
    words = np.zeros(count, np.float32)
    if matches is None:
        return words, np.zeros(0, np.int64)
    places, scores = matches
    open_ = allowed[places]
    words[places[open_]] = scores[open_]
    return words, places[open_]


def _and_behind(shelf: Shelf, places: Places) -> Places:
    behind = shelf.neighbours(places)[1]
    return np.concatenate([places, behind[behind >= 0]])


def _cosines(shelf: Shelf, space: str, query: Floats, places: Places) -> Floats:
    matrix = shelf.sense if space == "sense" else shelf.given
    scores = matrix.scores(query, places)
    scores[~matrix.has(places)] = np.nan
    return scores


def _with_before(shelf: Shelf, allowed: Bools, query: Floats, places: Places, before: Places, turn: Floats) -> Floats:
    """The cosine to each turn and the one before taken together; to itself where there is none."""
    usable = (before >= 0) & allowed[np.maximum(before, 0)]
    usable &= shelf.sense.has(np.maximum(before, 0))
    earlier = shelf.sense.scores(query, np.maximum(before, 0))
    length = np.sqrt(np.maximum(2 + 2 * shelf.column("closeness")[places], 1e-3))
    return np.asarray(np.where(usable, (turn + earlier) / length, turn), np.float32)


def _at(values: Floats, places: Places) -> npt.NDArray[np.float32]:
    return np.where(places >= 0, values[np.maximum(places, 0)], 0).astype(np.float32)
