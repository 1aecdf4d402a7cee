"""The embedder that ships: a table of word pieces distilled from a sentence model, summed up by numpy.

`pieces.npy` and `vocabulary.txt` are made by `distil` from the weights of all-MiniLM-L6-v2, which are under the
Apache License 2.0; `NOTICE.txt` beside them says so. 7.9 MB, mapped and not read: texts touch the rows they need.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omnicore.memory.embedding.wordpiece import WordPiece, read_vocabulary
from omnicore.vectors.numeric import np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["DIMENSIONS", "TABLE", "VOCABULARY", "StaticEmbedder"]

DIMENSIONS = 256
TABLE = "pieces.npy"
VOCABULARY = "vocabulary.txt"


class StaticEmbedder:
    """Texts into unit vectors of 256 numbers, about 25 us each. Usable from any thread."""

    name = "static-256"
    dimensions = DIMENSIONS

    def __init__(self, folder: Path = Path(__file__).parent) -> None:
        self._folder = folder

    @cached_property
    def _parts(self) -> tuple[Any, Any, WordPiece]:
        # Read when the first text comes: a host whose plugins remember nothing does without.
        rows = np.load(self._folder / TABLE, mmap_mode="r")
        scale = np.ascontiguousarray(rows[:, DIMENSIONS:]).view(np.float32)[:, 0]
        words = WordPiece(read_vocabulary((self._folder / VOCABULARY).read_text(encoding="utf-8")))
        return rows[:, :DIMENSIONS], scale, words

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """The vectors of texts. Shapes: `float32[texts, 256]`; a text without known pieces is all zeros."""
        table, scale, words = self._parts
        found = np.zeros((len(texts), DIMENSIONS), np.float32)
        for row, text in enumerate(texts):
            pieces = words.pieces(text)
            if pieces:
                total = scale[pieces] @ table[pieces]
                length = float(np.sqrt(total @ total))
                if length > 0:
                    found[row] = total / length
        return found
