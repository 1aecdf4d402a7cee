"""Words into the pieces of a BERT vocabulary, without an outside library.

Source: the uncased tokeniser of "BERT: Pre-training of Deep Bidirectional Transformers" (2018).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

__all__ = ["MOST_PIECES", "WordPiece", "read_vocabulary"]

MOST_PIECES = 512
_LONGEST_WORD = 100
_MOST_CHARACTERS = 8 * MOST_PIECES  # a text beyond has more pieces than are read anyhow
_KNOWN_WORDS = 65_536
_UNSEEN = frozenset({"Mn", "Cc", "Cf", "Cs", "Co"})
# ASCII symbols and Unicode punctuation stand alone, and so does each ideograph.
_ASCII_SYMBOL = re.compile(r"[!-/:-@\[-`{-~]")
_PLAIN = re.compile(r"[a-z0-9]+|[!-/:-@\[-`{-~]")


def read_vocabulary(text: str) -> dict[str, int]:
    """The pieces of a `vocab.txt` and their numbers: a line each."""
    return {piece: number for number, piece in enumerate(text.split("\n")) if piece}


class WordPiece:
    """Cuts texts into pieces, the longest first. Usable from any thread."""

    def __init__(self, vocabulary: Mapping[str, int]) -> None:
        self._vocabulary = vocabulary
        self._unknown = vocabulary["[UNK]"]
        self._words: dict[str, tuple[int, ...]] = {}

    def pieces(self, text: str) -> list[int]:
        """The numbers of the text's pieces, at most `MOST_PIECES`, without the marks of beginning and end."""
        found: list[int] = []
        known = self._words
        for word in _words(text[:_MOST_CHARACTERS]):
            numbers = known.get(word)
            found.extend(self._cut(word) if numbers is None else numbers)
            if len(found) >= MOST_PIECES:
                return found[:MOST_PIECES]
        return found

    def _cut(self, word: str) -> Sequence[int]:
        numbers = tuple(self._longest_first(word)) if len(word) <= _LONGEST_WORD else (self._unknown,)
        if self._unknown in numbers:
            numbers = (self._unknown,)
        if len(self._words) >= _KNOWN_WORDS:  # words come from outside: what is kept of them has an end
            self._words = {}
        self._words[word] = numbers
        return numbers

    def _longest_first(self, word: str) -> Iterator[int]:
        start = 0
        while start < len(word):
            prefix = "##" if start else ""
            for end in range(len(word), start, -1):
                number = self._vocabulary.get(prefix + word[start:end])
                if number is not None:
                    break
            else:
                yield self._unknown
                return
            yield number
            start = end


def _words(text: str) -> list[str]:
    lowered = text.lower()
    if lowered.isascii():
        return _PLAIN.findall(lowered)
    plain = "".join(_spaced(char) for char in unicodedata.normalize("NFD", lowered))
    return plain.split()


def _spaced(char: str) -> str:
    kind = unicodedata.category(char)
    if char.isspace() or kind == "Zs":
        return " "
    if kind in _UNSEEN or char == "\ufffd":
        return ""
    if kind[0] == "P" or _ASCII_SYMBOL.match(char) or _is_ideograph(char):
        return f" {char} "
    return char


def _is_ideograph(char: str) -> bool:
    return "\u4e00" <= char <= "\u9fff" or "\u3400" <= char <= "\u4dbf" or "\U00020000" <= char <= "\U0002fa1f"
