"""Languages of texts, and the importance of the same sentence in each of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.memory.conftest import Mind
from tests.memory.parallel import KEPT, PLAIN, TOLD

from omnicore.memory.item import judged_importance
from omnicore.memory.languages import ENGLISH, UNKNOWN, language_of, languages, likely, plain

ALIKE = {"da": "no", "no": "da"}
"""What is written nearly the same: a sentence may be taken for one of the other."""


def test_each_language_has_sentences_here() -> None:
    assert len(languages()) == 16
    assert KEPT.keys() == TOLD.keys() == PLAIN.keys() == languages().keys()


@pytest.mark.parametrize("code", KEPT)
def test_a_text_is_in_its_language(code: str) -> None:
    for text in (KEPT[code], TOLD[code], PLAIN[code]):
        assert language_of(text) in (code, ALIKE.get(code))


@pytest.mark.parametrize("code", KEPT)
def test_the_same_sentence_is_as_important_in_each_language(code: str) -> None:
    for sentences in (KEPT, TOLD, PLAIN):
        assert judged_importance(sentences[code]) == pytest.approx(judged_importance(sentences[ENGLISH]), abs=0.11)
    assert judged_importance(KEPT[code]) > judged_importance(TOLD[code]) > judged_importance(PLAIN[code])


def test_what_is_asked_to_be_kept_in_german_is_not_erased_after_a_month(mind: Mind) -> None:
    item = mind.memories.store("Merke dir: ich bin allergisch")
    found = mind.memories.get(item)
    assert found is not None
    assert found.importance == judged_importance("Remember: I am allergic") == 0.8


@pytest.mark.parametrize(
    ("text", "importance"),
    [
        *[("vergiss nicht: am 3. kommt Besuch", 0.7), ("VERGISS NICHT den Besuch", 0.6), ("Der Besuch kommt", 0.3)],
        *[("Souviens-toi de la clé", 0.6), ("N’oublie pas la clé", 0.6), ("ne m'oublie pas trop", 0.6)],
        *[("remembered by all", 0.3), ("He said that Anna comes", 0.4), ("Er sagt, dass Anna kommt", 0.3)],
        *[("ok", 0.1), ("", 0.1), ("東京タワーは高いですよ 333", 0.2)],
    ],
)
def test_importance_by_phrases_names_and_numbers(text: str, importance: float) -> None:
    assert judged_importance(text) == importance


def test_a_text_that_tells_nothing_is_of_no_language_and_one_of_several_of_the_likeliest() -> None:
    assert language_of("Pizza 42") == language_of("") == language_of("ほげ") == UNKNOWN
    assert likely("42") == {}
    assert next(iter(likely("Wo ist the key?"))) == "de"
    assert "en" in likely("Wo ist the key?")


@given(st.text())
def test_any_text_has_a_language_an_importance_and_a_plain_form(text: str) -> None:
    assert language_of(text) in (UNKNOWN, *languages())
    assert 0 <= judged_importance(text) <= 1
    assert not plain(text).isascii() or plain(text).lower() == plain(text)


def test_the_evidence_of_a_long_text_does_not_run_over() -> None:
    everything = " ".join(word for language in languages().values() for word in sorted(language.stop))
    for start in range(0, len(everything), 1000):
        assert language_of(everything[start:]) in languages()
