"""Makes the table that ships: `python -m omnicore.memory.embedding.distil [FOLDER OF THE MODEL]`.

Each piece of the vocabulary goes through the sentence model, the result is cut to its 256 strongest directions,
weighted by how rare the piece is, and rounded to eight bits. A text is then the sum of its pieces: 25 us instead
of 11 ms. Takes a minute; the same model gives the same table.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from omnicore.memory.embedding.minilm import MiniLM, installed_model
from omnicore.memory.embedding.static import DIMENSIONS, TABLE, VOCABULARY
from omnicore.memory.embedding.wordpiece import read_vocabulary
from omnicore.vectors.numeric import np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["distil", "rarity"]

_BATCH = 2048
_FIRST_WORD = 1996  # before it stand marks, places left free, signs and single letters
_SMOOTH = 1e-3

Array: TypeAlias = "npt.NDArray[np.float32]"


def rarity(count: int) -> Array:
    """The weight of each piece: a vocabulary is sorted by frequency, which falls as Zipf says.

    Source: "A Simple but Tough-to-Beat Baseline for Sentence Embeddings" (2017), weight a / (a + p).
    """
    rank = np.maximum(np.arange(count, dtype=np.float64) - _FIRST_WORD, 0) + 2.7
    frequency = 1 / rank
    frequency /= frequency[_FIRST_WORD:].sum()
    return (_SMOOTH / (_SMOOTH + frequency)).astype(np.float32)


def distil(folder: Path) -> tuple[npt.NDArray[np.int8], Array]:
    """The table and the scale of each of its rows. Shapes: `int8[pieces, 256]`, `float32[pieces]`."""
    vocabulary = read_vocabulary((folder / "vocab.txt").read_text(encoding="utf-8"))
    model = MiniLM(folder)
    count = max(vocabulary.values()) + 1
    pieces = np.arange(count, dtype=np.int64)[:, None]
    vectors = np.concatenate([model.encode(pieces[at : at + _BATCH]) for at in range(0, count, _BATCH)])
    used = np.array([number for piece, number in vocabulary.items() if not piece.startswith("[")])
    centred = vectors - vectors[used].mean(axis=0)
    _, axes = np.linalg.eigh(np.cov(centred[used].T.astype(np.float64)))
    strongest = axes[:, ::-1][:, :DIMENSIONS]
    strongest *= np.sign(strongest[np.abs(strongest).argmax(axis=0), np.arange(DIMENSIONS)])
    table = (centred @ strongest.astype(np.float32)) * rarity(count)[:, None]
    unused = np.setdiff1d(np.arange(count), used)
    table[unused] = 0
    scale = np.maximum(np.abs(table).max(axis=1), np.float32(1e-12)) / np.float32(127)
    return np.round(table / scale[:, None]).astype(np.int8), scale.astype(np.float32)


def main(arguments: list[str]) -> None:
    """Writes the table beside this file."""
    folder = Path(arguments[0]) if arguments else installed_model()
    table, scale = distil(folder)
    place = Path(__file__).parent
    # The scale rides along as the last four columns, so that one mapped file is all there is to open.
    np.save(place / TABLE, np.concatenate([table, scale[:, None].view(np.int8)], axis=1))
    (place / VOCABULARY).write_bytes((folder / "vocab.txt").read_bytes())
    sys.stdout.write(f"{table.shape[0]} pieces of {table.shape[1]} numbers\n")


if __name__ == "__main__":
    main(sys.argv[1:])
