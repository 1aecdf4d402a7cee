"""What tools are called."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from omnicore.mcp.tools import LONGEST, tool_names

_PLUGIN = st.from_regex(r"[a-z][a-z0-9-]{0,62}", fullmatch=True)
_FUNCTION = st.from_regex(re.compile(r"[A-Za-z_$][A-Za-z0-9_$.:-]{0,127}", re.ASCII), fullmatch=True)


def test_a_valid_reference_is_the_name() -> None:
    assert tool_names(["text.count_vowels", "a.b"]) == {"text.count_vowels": "text.count_vowels", "a.b": "a.b"}


def test_what_is_not_valid_becomes_an_underline_and_a_digest_tells_such_names_apart() -> None:
    names = tool_names(["p.a$b", "p.a:b"])
    assert names["p.a$b"] != names["p.a:b"]
    assert all(re.fullmatch(r"p\.a_b-[0-9a-f]{8}", name) for name in names.values())


def test_a_long_reference_is_cut_within_the_limit() -> None:
    names = tool_names([f"{'p' * 63}.{'f' * 127}{end}" for end in "ab"])
    assert [len(name) for name in names.values()] == [LONGEST, LONGEST]
    assert len(set(names.values())) == 2


def test_a_name_stays_the_same_whatever_other_tools_there_are() -> None:
    assert tool_names(["p.a$b"])["p.a$b"] == tool_names(["p.a$b", "p.a:b", "q.a"])["p.a$b"]


def test_a_function_that_is_called_like_a_made_name_keeps_it() -> None:
    made = tool_names(["p.a$b"])["p.a$b"]
    names = tool_names(["p.a$b", made])
    assert names[made] == made
    assert names["p.a$b"] != made


@settings(max_examples=30)
@given(st.lists(st.tuples(_PLUGIN, _FUNCTION), max_size=8))
def test_every_name_is_valid_and_of_one_tool(references: list[tuple[str, str]]) -> None:
    names = tool_names(f"{plugin}.{function}" for plugin, function in references)
    assert len(set(names.values())) == len(set(references))
    assert all(re.fullmatch(r"[A-Za-z0-9._-]{1,128}", name) for name in names.values())
