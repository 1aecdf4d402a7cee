"""Expressions that would change what stands for a secret are found, and no others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.workflows.expressions.expression import Transformed, transformed


@pytest.mark.parametrize(
    ("filter", "by"),
    [
        ("$secrets.x | ascii_upcase", "ascii_upcase"),
        (" $secrets.x | @base64 ", "@base64"),
        ('$secrets["x"]|@base64', "@base64"),
        ('$secrets.x | ltrimstr("Bearer ")', "ltrimstr"),
        ('"\\(.user):\\($secrets.x)" | @base64', "@base64"),
        ('.user + ":" + $secrets.x | @base64', "@base64"),
        ('"Basic " + (.user + ":" + $secrets.x | @base64)', "@base64"),
        ('"Basic \\("me:" + $secrets.x | @base64)"', "@base64"),
        ('@base64 "me:\\($secrets.x)"', "@base64"),
        ("{a: ($secrets.x | trim)}", "trim"),
        ("{a: $secrets.x | length}", "length"),
        ('[$secrets.x | split(",")]', "split"),
        ("($secrets.x) | tostring | explode", "explode"),
        ("if .a then $secrets.x else . end | ascii_downcase", "ascii_downcase"),
        ("$secrets.x # the key | of all\n | @sh", "@sh"),
    ],
)
def test_what_changes_a_secret_is_named(filter: str, by: str) -> None:
    assert list(transformed(filter)) == [Transformed("x", by)]


@pytest.mark.parametrize(
    "filter",
    [
        "$secrets.x",
        '"Bearer " + $secrets.x',
        '"Bearer \\($secrets.x)"',
        "{a: $secrets.x}",
        "{a: $secrets.x} | tojson",
        "{a: $secrets.x, b: .y | length}",
        "{a: $secrets.x, b: (.y | ascii_upcase)}",
        "[$secrets.x, .y] | length",
        ".y | ascii_upcase + $secrets.x",
        "(.y | @base64) + $secrets.x",
        '"\\(.y | @base64):\\($secrets.x)"',
        '@base64 "\\(.y)" + $secrets.x',
        "$secrets.x as $key | .y | ascii_upcase",
        "select(.key == $secrets.x) | .name | ascii_upcase",
        "if $secrets.x then .a else .b end | ascii_upcase",
        '"https://a.example/?key=\\($secrets.x | @uri)"',
        '"$secrets.x | @base64"',
        ".a # $secrets.x | @base64",
        "$secrets | keys",
        '$secrets.x | @base64 "\\(.y)"',
        "$secrets.x | {key: ., length: 1}",
        "$secrets.x, (.y | length)",
    ],
)
def test_what_only_hands_one_on_is_left_alone(filter: str) -> None:
    assert not list(transformed(filter))


@given(st.text(alphabet='$secrets.x|@base64 "\\(){}[],:;#=a', max_size=60))
def test_whatever_stands_there_is_read_to_its_end(filter: str) -> None:
    assert len(list(transformed(filter))) <= len(filter)


def test_a_long_expression_is_read_in_one_go() -> None:
    assert len(list(transformed("(" * 10_000 + '"\\(' * 5_000 + "$secrets.x | trim"))) == 1
