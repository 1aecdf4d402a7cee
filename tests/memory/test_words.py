"""Words of texts and questions, their stems, and pieces for the embedder."""

from __future__ import annotations

import json
from hashlib import blake2b
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.memory.inflected import PAIRS

from omnicore.memory.embedder import MOST_PIECES, WordPiece
from omnicore.memory.languages import language_of, languages
from omnicore.memory.words import analysed, question_words, stem

WORDS = WordPiece({piece: number for number, piece in enumerate(["[UNK]", "paint", "##ing", "##ed", "un", "a", "!"])})


@pytest.mark.parametrize(
    ("word", "root"),
    [
        *[("caresses", "caress"), ("ponies", "poni"), ("feed", "feed"), ("agreed", "agre"), ("sing", "sing")],
        *[("conflated", "conflat"), ("hopping", "hop"), ("falling", "fall"), ("filing", "file"), ("happy", "happi")],
        *[("relational", "relat"), ("rational", "ration"), ("generalizations", "gener"), ("oscillators", "oscil")],
        *[("electriciti", "electr"), ("replacement", "replac"), ("adoption", "adopt"), ("cease", "ceas")],
        *[("controll", "control"), ("roll", "roll"), ("by", "by"), ("naïve", "naïve"), ("r2d2", "r2d2")],
    ],
)
def test_words_are_cut_to_their_stems(word: str, root: str) -> None:
    assert stem(word) == root


def test_a_text_becomes_words_without_case_signs_and_accents() -> None:
    assert analysed('Café, "AND" foo:bar -x NEAR(1) *') == ["cafe", "and", "foo", "bar", "x", "near", "1"]
    assert analysed("東京タワー") == ["東", "京", "タ", "ワ", "ー"]


def test_a_question_is_its_telling_words_or_all_when_none_is() -> None:
    assert question_words("What is the colour of the colour?") == [("colour",)]
    assert question_words("to be or not to be") == [("to",), ("be",), ("or",), ("not",)]
    assert question_words(" ?! ") == []
    assert len(question_words(" ".join(f"word{number}" for number in range(99)))) == 32


@given(st.text())
def test_words_of_any_text_are_letters_and_digits_and_their_own_words(text: str) -> None:
    words = analysed(text)
    assert all(word.isalnum() or any(char.isalnum() for char in word) for word in words)
    assert all(not set(word) & set("\"' \t\n\x00:*()|&!") for word in words)
    assert set(chain.from_iterable(question_words(text))) <= set(words)


@given(st.text(), st.sampled_from(sorted(languages())))
def test_words_in_any_language_are_letters_and_digits_and_a_question_of_the_same_text_asks_for_them(
    text: str, code: str
) -> None:
    words = analysed(text, code)
    assert all(word.isalnum() for word in words)
    if language_of(text):
        asked = question_words(text, {code})
        assert all(set(stems) & {*words, *analysed(text)} for stems in asked)


def test_a_question_asks_for_the_stems_of_the_languages_that_are_there_without_its_own_stop_words() -> None:
    asked = "Wo sind die Schlösser und das Haus?"
    assert question_words(asked, {"de"}) == [("schlosser", "schloss"), ("hau", "haus")]
    assert ("die",) in question_words(asked)
    assert question_words("Who went to die?", {"de", "en"})[-1] == ("die",)
    assert question_words("東京 Haus", {"de"}) == [("東",), ("京",), ("hau", "haus")]


def test_stems_do_not_change() -> None:
    """Memories are in the full text by these: a version of the stemmers that gives others must be refused."""
    found = {code: analysed(" ".join(said for said, _ in pairs), code) for code, pairs in PAIRS.items()}
    known = blake2b(json.dumps(found, sort_keys=True, ensure_ascii=False).encode(), digest_size=8).hexdigest()
    assert known == "161b64b13257450d"


def test_pieces_are_the_longest_that_fit() -> None:
    assert WORDS.pieces("Painting a unpainted!") == [1, 2, 5, 0, 6]
    assert WORDS.pieces("") == []
    assert len(WORDS.pieces("a " * 10_000)) == MOST_PIECES


@given(st.text())
def test_any_text_has_pieces_of_the_vocabulary(text: str) -> None:
    assert all(0 <= piece <= 6 for piece in WORDS.pieces(text))
    assert WORDS.pieces(text) == WORDS.pieces(text)
