"""Words of a text for full-text search, the same for memories and questions on both databases.

English words are cut to their stems, so that `painted` finds `painting`.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from omnicore.optional import optional

if TYPE_CHECKING:
    from collections.abc import Iterable


_KNOWN_WORDS = 65_536  # 58 us for a new word, 0.1 us for a known one


@cache
def _stemmer() -> Any:
    return optional("snowballstemmer").stemmer("porter")  # stems in existing databases are of this algorithm


@lru_cache(_KNOWN_WORDS)
def stem(word: str) -> str:
    """The stem of an English word in lower case; short words and those of other alphabets stay as they are.

    Source: M. F. Porter, "An algorithm for suffix stripping", Program 14(3), 1980.
    """
    if len(word) <= 2 or not word.isascii() or not word.isalpha():
        return word
    found: str = _stemmer().stemWord(word)
    return found


_WORD = re.compile(r"[^\W_]+")
_LONGEST = 64
_MOST_WORDS = 20_000
_MOST_ASKED = 32

_STOP_TEXT = """
a about above after again all am an and any are aren as at be because been before being below between both but
by can could couldn d did didn do does doesn doing don down during each few for from further had hadn has hasn
have haven having he her here hers herself him himself his how i if in into is isn it its itself just ll m me
more most my myself no nor not now of off on once only or other our ours ourselves out over own re s same
shall she should shouldn so some such t than that the their theirs them themselves then there these they this
those through to too under until up ve very was wasn we were weren what when where which while who whom why
will with won would wouldn you your yours yourself yourselves
"""
STOP_WORDS: frozenset[str] = frozenset(_STOP_TEXT.split())
"""English words that say nothing about what a question is about."""


def analysed(text: str) -> list[str]:
    """The stems of a text in their order, stop words among them; ideographs stand alone.

    >>> analysed("Painted 3 doors!")
    ['paint', '3', 'door']
    """
    return [stem(word) for word in _words(text)]


def question_words(text: str) -> list[str]:
    """The stems a question asks for, each once and at most 32; all of them when they are nothing but stop words.

    >>> question_words("What is the colour of the doors?")
    ['colour', 'door']
    """
    words = _words(text)
    telling: Iterable[str] = [word for word in words if word not in STOP_WORDS] or words
    return list(dict.fromkeys(stem(word) for word in telling))[:_MOST_ASKED]


def _words(text: str) -> list[str]:
    lowered = text.lower()
    if not lowered.isascii():
        lowered = "".join(_plain(char) for char in unicodedata.normalize("NFKD", lowered))
    return [word[:_LONGEST] for word in _WORD.findall(lowered)[:_MOST_WORDS]]


def _plain(char: str) -> str:
    if unicodedata.combining(char):
        return ""
    # Languages without spaces: each sign is a word, or a whole sentence would be one.
    return f" {char} " if "\u2e80" <= char <= "\u9fff" or "\uac00" <= char <= "\ud7a3" else char
