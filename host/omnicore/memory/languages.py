"""Languages of memories: how to recognise one, cut its words to stems, and see what is worth keeping.

All that is known of a language is data: `languages.toml`. A text's language is the one with most of its frequent words
and letters among the text's; words that many languages share count little.
"""

from __future__ import annotations

import re
import string
import struct
import threading
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from omnicore.optional import optional

__all__ = ["ENGLISH", "UNKNOWN", "LanguageRules", "language_of", "languages", "likely", "plain", "stem"]

ENGLISH = "en"
UNKNOWN = ""
"""A text whose language cannot be told: of a few words, or of none that is known. It is read as English."""

_READ = 2_000  # characters: a language shows early
# Of what one language has. What several have counts the less for each; with less than the least, nothing is told.
_WORD_WEIGHT, _ENDING_WEIGHT, _LETTER_WEIGHT, _LEAST = 12, 5, 24, 6
_BITS = 16  # for each language in a sum: each word counts once, so that none comes near 65,536
_SUMS = struct.Struct("<16H")
_WORD = re.compile(r"[^\W\d_]+")
_SPACES = str.maketrans(dict.fromkeys(string.punctuation, " "))
_MARKS = re.compile("[\u0300-\u036f\u064b-\u065f]+")
_ALIKE = str.maketrans({"ı": "i", "’": "'", "ʼ": "'"})
_LONG = 8
_CLEAR = 2  # words that no other language has
_ENDED = 4  # letters; an ending of a shorter word tells little


@dataclass(frozen=True, slots=True)
class LanguageRules:
    """A language. `stop` and the patterns are in the form that `plain` makes."""

    code: str
    stemmer: str
    stop: frozenset[str]
    keep: re.Pattern[str]
    about: re.Pattern[str]
    names: bool
    long: int


@cache
def languages() -> Mapping[str, LanguageRules]:
    """All languages by their codes, English first."""
    return {code: _language(code, about) for code, about in _data().items()}


def language_of(text: str) -> str:
    """The code of a text's language, `UNKNOWN` where nothing tells it.

    >>> language_of("Where is the key?"), language_of("Wo ist der Schlüssel?"), language_of("Où est la clé ?")
    ('en', 'de', 'fr')
    """
    lowered = text[:_READ].lower()
    words = _split(lowered)
    if len(_evidence().english.intersection(words)) >= _CLEAR and lowered.isascii():
        return ENGLISH  # most texts are, and this is half of the work
    total = _sum(lowered, words)
    if not total:
        return UNKNOWN
    counts = _SUMS.unpack(total.to_bytes(_SUMS.size, "little"))
    most = max(counts)
    return _codes()[counts.index(most)] if most >= _LEAST else UNKNOWN


def likely(text: str) -> dict[str, int]:
    """The languages that a text may be in, the likeliest first, each with its evidence."""
    lowered = text[:_READ].lower()
    total = _sum(lowered, _split(lowered))
    counts = {code: (total >> _BITS * place) & 0xFFFF for place, code in enumerate(_codes())}
    return {code: counts[code] for code in sorted(counts, key=lambda code: -counts[code]) if counts[code]}


def plain(text: str) -> str:
    """A text in lower case and without accents, as phrases and stop words are compared.

    >>> plain("Où est l’été ?")
    "ou est l'ete ?"
    """
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFKD", text).lower()
    return unicodedata.normalize("NFC", _MARKS.sub("", parts)).translate(_ALIKE)


_KNOWN_WORDS = 65_536  # 58 us for a new word, 0.1 us for a known one
_stemming = threading.Lock()


@lru_cache(_KNOWN_WORDS)
def stem(word: str, code: str = ENGLISH) -> str:
    """The stem of a word in lower case, without accents; short words and those of other alphabets stay as they are.

    Source: the algorithms of Snowball; for English M. F. Porter, "An algorithm for suffix stripping", Program 14(3),
    1980.
    """
    if len(word) <= 2 or not word.isalpha():
        return word
    if code == ENGLISH:
        return _stemmed(word, code) if word.isascii() else word
    return plain(_stemmed(word, code))


def _stemmed(word: str, code: str) -> str:
    with _stemming:  # a stemmer keeps the word that it is at
        found: str = _stemmer(code).stemWord(word)
    return found


@cache
def _stemmer(code: str) -> Any:
    return optional("snowballstemmer").stemmer(languages()[code].stemmer)


def _split(lowered: str) -> list[str]:
    if lowered.isascii():
        return lowered.translate(_SPACES).split()
    return _WORD.findall(unicodedata.normalize("NFC", lowered))


def _sum(lowered: str, words: list[str]) -> int:
    """The evidence for each language, `_BITS` for each in one number: adding one up is five times as fast as a list."""
    evidence = _evidence()
    found = sum(map(evidence.words.__getitem__, evidence.known.intersection(words)))
    ends = [word[-3:] for word in words if len(word) > _ENDED]
    found += sum(map(evidence.endings.__getitem__, evidence.ends.intersection(ends)))
    if lowered.isascii():
        return found
    letters = set(unicodedata.normalize("NFC", lowered))
    return found + sum(map(evidence.letters.__getitem__, evidence.letters.keys() & letters))


@dataclass(frozen=True, slots=True)
class _Evidence:
    """The evidence of each frequent word, ending and letter; `english` are the words of no other language."""

    words: Mapping[str, int]
    endings: Mapping[str, int]
    letters: Mapping[str, int]
    known: frozenset[str]
    ends: frozenset[str]
    english: frozenset[str]


@cache
def _data() -> Mapping[str, Any]:
    found: dict[str, Any] = tomllib.loads((files(__package__) / "languages.toml").read_text("utf-8"))
    return found


@cache
def _codes() -> tuple[str, ...]:
    return tuple(_data())


@cache
def _evidence() -> _Evidence:
    words: list[set[str]] = []
    for about in _data().values():
        found = set(f"{about['stop']} {about['also']}".split())
        words.append(found | {plain(word) for word in found})
    told = _packed(words, _WORD_WEIGHT)
    endings = _packed([set(about.get("endings", "").split()) for about in _data().values()], _ENDING_WEIGHT)
    letters = _packed([set(about.get("letters", "")) for about in _data().values()], _LETTER_WEIGHT)
    english = words[0].difference(*words[1:])
    return _Evidence(told, endings, letters, frozenset(told), frozenset(endings), frozenset(english))


def _packed(signs: list[set[str]], weight: int) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for sign in set().union(*signs):
        having = [place for place, some in enumerate(signs) if sign in some]
        found[sign] = sum((weight // len(having)) << _BITS * place for place in having)
    return found


def _language(code: str, about: Mapping[str, Any]) -> LanguageRules:
    return LanguageRules(
        code=code,
        stemmer=about["stemmer"],
        stop=frozenset(plain(word) for word in about["stop"].split()),
        keep=_pattern(about["keep"]),
        about=_pattern(about["about"]),
        names=about.get("names", True),
        long=about.get("long", _LONG),
    )


def _pattern(phrases: list[str]) -> re.Pattern[str]:
    """Any of the phrases, as whole words; `*` stands for any letters."""
    written = [r"[\s-]+".join(re.escape(word).replace(r"\*", r"\w*") for word in plain(one).split()) for one in phrases]
    return re.compile(rf"\b(?:{'|'.join(written)})\b")
