from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omnicore.plugins.schemas import UnsafePatternError, safe_pattern

TAKEN = [
    r"^[a-z][a-z0-9-]{0,62}$",
    r"^\d{4}-\d{2}-\d{2}$",
    r"^[^@]+@[^@]+\.[a-z]+$",
    r"(ab|cd)e",
    r"a*?b",
    r"[]a+*?]",
    r"x{1000}",
    r"\*?a",
    r"^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$",
]
REFUSED = [
    (r"^(a+)+$", "repeats a part"),
    (r"(a|b)*c", "repeats a part"),
    (r"(\*?)*b", "repeats a part"),
    (r"(a*){,99}", "repeats a part"),
    (r"(a*){2,99999}", "repeats a part"),
    (r"(a?){30}b", "too many"),
    (r"(a?a?){4}b", "too many"),
    (r"a*a*a*a*b", "too many"),
    (r"(a{2,3}){5}", "too many"),
    (r"(x{100}){100}", "too many"),
    (r"(a)\1", "back reference"),
    (r"(?=a)b", "look-around"),
    (r"(?P<n>a)", "look-around"),
    (r"(?i)x", "look-around"),
    (r"(", "no regular expression"),
    (r"\p{L}", "no regular expression"),
    (r"a{99999999999999999999}", "no regular expression"),
]


@pytest.mark.parametrize("text", TAKEN)
def test_common_patterns_are_taken(text: str) -> None:
    assert safe_pattern(text).pattern.pattern == text


@pytest.mark.parametrize(("text", "why"), REFUSED)
def test_a_pattern_that_could_run_away_is_refused(text: str, why: str) -> None:
    with pytest.raises(UnsafePatternError, match=why):
        safe_pattern(text)


_atoms = st.sampled_from(["a", "b", ".", r"\w", "[ab]", r"\*", "{", "}", r"\}"])
_quantifiers = st.sampled_from(["", "*", "+", "?", "{2}", "{1,3}", "{,4}", "*?", "{3,}", "{٣}"])
_parts = st.recursive(
    st.tuples(_atoms, _quantifiers).map("".join),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4).map("".join),
        st.tuples(inner, inner).map("|".join),
        st.tuples(inner, _quantifiers).map(lambda two: f"({two[0]}){two[1]}"),
    ),
    max_leaves=10,
)


@given(text=_parts)
@settings(max_examples=300, deadline=None)
def test_whatever_is_taken_ends_in_time_on_its_longest_text(text: str) -> None:
    try:
        pattern = safe_pattern(text)
    except UnsafePatternError:
        return
    for filling in ("a", "ab", "}*"):
        subject = (filling * pattern.longest)[: min(pattern.longest, 20_000)] + "!"
        start = time.perf_counter()
        pattern.pattern.search(subject)
        re.search(f"(?:{text})!!", subject)  # the worst case: it always fails at the end
        assert time.perf_counter() - start < 5
