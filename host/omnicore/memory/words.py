"""Words of a text for full-text search, the same for memories and questions on both databases.

Words are cut to their stems, so that `painted` finds `painting`, and `Häuser` finds `Haus`. A memory is entered by the
stems of its own language. A question may be too short to tell its language: each of its words is asked for in English,
as all memories of earlier versions were entered, and in the languages that the memories are in.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING

from omnicore.memory.languages import ENGLISH, languages, likely, plain, stem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

__all__ = ["analysed", "question_words", "stem"]

_WORD = re.compile(r"[^\W_]+")
_SIGN = re.compile("[\u2e80-\u9fff\uac00-\ud7a3]")
_LONGEST = 64
_MOST_WORDS = 20_000
_MOST_ASKED = 32
_KNOWN_WORDS = 65_536


def analysed(text: str, language: str = ENGLISH) -> list[str]:
    """The stems of a text in their order, stop words among them; ideographs stand alone.

    >>> analysed("Painted 3 doors!")
    ['paint', '3', 'door']
    >>> analysed("Viele Häuser", "de")
    ['viel', 'haus']
    """
    if language == ENGLISH:
        return [stem(word) for word in _english_words(text)]
    return list(chain.from_iterable([_entered(word, language) for word in _words(text)]))


Asked = tuple[str, ...]
"""The stems of a word of a question, any of which will do."""


def question_words(text: str, among: Collection[str] = ()) -> list[Asked]:
    """The words a question asks for, each once and at most 32; all of them when they are nothing but stop words.

    Args:
        among: the languages of the memories that are searched.

    >>> question_words("What is the colour of the doors?")
    [('colour',), ('door',)]
    >>> question_words("Wo sind die Schlösser?", {"de"})
    [('schlosser', 'schloss')]
    """
    others = [code for code in among if code != ENGLISH and code in languages()]
    told = likely(text) if others else {}
    if not told and not text.isascii():
        others = []  # of a script whose words only the English way takes apart
    words = _words(text) if others else _english_words(text)
    stop = languages()[_likeliest(told, others)].stop
    telling: Iterable[str] = [word for word in words if plain(word) not in stop] or words
    stems = [asked for word in dict.fromkeys(telling) for asked in _stems(word, others)]
    return list(dict.fromkeys(stems))[:_MOST_ASKED]


def _likeliest(told: dict[str, int], others: list[str]) -> str:
    """The language whose stop words a question has: of those as likely, one of the memories."""
    best = max(told.values(), default=0)
    first = [code for code, evidence in told.items() if evidence == best]
    return next((code for code in first if code in others), first[0] if first else ENGLISH)


def _stems(word: str, others: list[str]) -> list[Asked]:
    if not others:
        return [(stem(word),)]
    english = [stem(one) for one in _english_words(word)]
    if len(english) != 1:
        return [(one,) for one in english]
    found = dict.fromkeys(english)
    for code in others:
        found |= dict.fromkeys(_entered(word, code))
    return [tuple(found)]


@lru_cache(_KNOWN_WORDS)
def _entered(word: str, language: str) -> Asked:
    """A word of a text as it is entered: its stem, of letters and digits only."""
    found = plain(stem(word, language))
    return (found,) if found.isalnum() and found.isascii() else tuple(_WORD.findall(found))


def _words(text: str) -> list[str]:
    lowered = text.lower()
    if not lowered.isascii():
        # Languages without spaces: each sign is a word, or a whole sentence would be one.
        lowered = _SIGN.sub(r" \g<0> ", unicodedata.normalize("NFC", lowered))
    return [word[:_LONGEST] for word in _WORD.findall(lowered)[:_MOST_WORDS]]


def _english_words(text: str) -> list[str]:
    """Words without accents, as those of all memories of earlier versions are."""
    lowered = text.lower()
    if not lowered.isascii():
        lowered = "".join(_plain(char) for char in unicodedata.normalize("NFKD", lowered))
    return [word[:_LONGEST] for word in _WORD.findall(lowered)[:_MOST_WORDS]]


def _plain(char: str) -> str:
    if unicodedata.combining(char):
        return ""
    return f" {char} " if _SIGN.match(char) else char
