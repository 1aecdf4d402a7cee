"""URI templates by the examples of RFC 6570, and what is refused on top of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.errors import InvalidInput
from omnicore.workflows.steps.step import expanded

VALUES: dict[str, Any] = {
    "var": "value",
    "hello": "Hello World!",
    "path": "/foo/bar",
    "x": 1024,
    "y": 768,
    "empty": "",
    "list": ["red", "green", "blue"],
    "keys": {"semi": ";", "dot": ".", "comma": ","},
    "yes": True,
}


@pytest.mark.parametrize(
    ("template", "uri"),
    [
        ("{var}", "value"),
        ("{hello}", "Hello%20World%21"),
        ("{+hello}", "Hello%20World!"),
        ("{+path}/here", "/foo/bar/here"),
        ("{path}", "%2Ffoo%2Fbar"),
        ("{#path,x}", "#/foo/bar,1024"),
        ("X{.var}", "X.value"),
        ("{/var,x}/here", "/value/1024/here"),
        ("{;x,y,empty}", ";x=1024;y=768;empty"),
        ("{?x,y}", "?x=1024&y=768"),
        ("{?x,y,empty}", "?x=1024&y=768&empty="),
        ("?fixed=yes{&x}", "?fixed=yes&x=1024"),
        ("{var:3}", "val"),
        ("{list}", "red,green,blue"),
        ("{/list*}", "/red/green/blue"),
        ("{?list*}", "?list=red&list=green&list=blue"),
        ("{?list}", "?list=red,green,blue"),
        ("{?keys*}", "?semi=%3B&dot=.&comma=%2C"),
        ("{keys}", "semi,%3B,dot,.,comma,%2C"),
        ("{?undefined}", ""),
        ("{?yes}", "?yes=true"),
        ("plain", "plain"),
    ],
)
def test_a_template_is_expanded_as_the_standard_says(template: str, uri: str) -> None:
    assert expanded(template, VALUES) == uri


@pytest.mark.parametrize("template", ["{undefined}", "{/undefined}", "{a b}", "{}", "{var:0}", "{!var}"])
def test_what_has_no_value_or_no_sense_is_refused(template: str) -> None:
    with pytest.raises(InvalidInput):
        expanded(template, VALUES)


def test_an_encoded_byte_in_a_value_lets_nothing_else_through() -> None:
    # uritemplate 4.2 hands on the whole value unescaped once it holds an encoded byte.
    assert expanded("/a{+x}", {"x": "%41 \r\nb: c"}) == "/a%2541%20%0D%0Ab:%20c"


@pytest.mark.parametrize("values", [{"a": ".", "b": "."}, {"a": "..", "b": ""}, {"a": "", "b": "."}])
def test_values_together_cannot_go_up_either(values: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        expanded("/x/{a}{b}/y", values)


@given(text=st.text(min_size=1, max_size=50))
def test_no_text_leaves_its_part_of_the_path(text: str) -> None:
    try:
        uri = expanded("/a/{x}/b", {"x": text})
    except InvalidInput:
        return
    assert uri.startswith("/a/")
    assert uri.endswith("/b")
    assert uri.count("/") == 3
    assert not set(uri) & set("?#\\ \r\n")
    assert uri.isascii()
