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
_WEIGHT = 12  # of a word that one language has; shared by all, 16 of them, it tells nothing
_BITS = 16  # for each language in a sum: each word counts once, so that none comes near 65,536
_SUMS = struct.Struct("<16H")
_WORD = re.compile(r"[^\W\d_]+")
_SPACES = str.maketrans(dict.fromkeys(string.punctuation, " "))
_MARKS = re.compile("[\u0300-\u036f\u064b-\u065f]+")
_ALIKE = str.maketrans({"ı": "i", "’": "'", "ʼ": "'"})
_LONG = 8


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
    total = _sum(text)
    if not total:
        return UNKNOWN
    counts = _SUMS.unpack(total.to_bytes(_SUMS.size, "little"))
    return _codes()[counts.index(max(counts))]


def likely(text: str) -> dict[str, int]:
    """The languages that a text may be in, the likeliest first, each with its evidence."""
    total = _sum(text)
    counts = {code: (total >> _BITS * place) & 0xFFFF for place, code in enumerate(_codes())}
    return {code: counts[code] for code in sorted(counts, key=lambda code: -counts[code]) if counts[code]}


def plain(text: str) -> str:
    """A text in lower case and without accents, as phrases and stop words are compared.

    >>> plain("Où est l’été ?")
    "ou est l'ete ?"
    """
    lowered = text.lower()
    if lowered.isascii():
        return lowered
    return unicodedata.normalize("NFC", _MARKS.sub("", unicodedata.normalize("NFKD", lowered))).translate(_ALIKE)


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


def _sum(text: str) -> int:
    """The evidence for each language, `_BITS` for each in one number: adding one up is five times as fast as a list."""
    lowered = text[:_READ].lower()
    known, evidence, letters = _evidence()
    if lowered.isascii():
        return sum(map(evidence.__getitem__, known.intersection(lowered.translate(_SPACES).split())))
    lowered = unicodedata.normalize("NFC", lowered)
    found = sum(map(evidence.__getitem__, known.intersection(_WORD.findall(lowered))))
    return found + sum(map(letters.__getitem__, letters.keys() & set(lowered)))


@cache
def _data() -> Mapping[str, Any]:
    found: dict[str, Any] = tomllib.loads((files(__package__) / "languages.toml").read_text("utf-8"))
    return found


@cache
def _codes() -> tuple[str, ...]:
    return tuple(_data())


@cache
def _evidence() -> tuple[frozenset[str], Mapping[str, int], Mapping[str, int]]:
    """All frequent words, and what each of them and each letter tells."""
    words: list[set[str]] = []
    letters: list[set[str]] = []
    for about in _data().values():
        found = set(f"{about['stop']} {about['also']}".split())
        words.append(found | {plain(word) for word in found})
        letters.append(set(about.get("letters", "")))
    told = _packed(words)
    return frozenset(told), told, _packed(letters)


def _packed(signs: list[set[str]]) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for sign in set().union(*signs):
        having = [place for place, some in enumerate(signs) if sign in some]
        found[sign] = sum((_WEIGHT // len(having)) << _BITS * place for place in having)
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
