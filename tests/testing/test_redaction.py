"""Redaction: by the names of fields, by form, by value."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.testing import Redaction
from omnicore.testing.cassette import HIDDEN

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.sampled_from(["a=b&token=c", '{"secret": "x"}', "Bearer abc.d"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["key", "value", "token", "body", "base64", "n"]), inner, max_size=3)
    ),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("value", "hidden"),
    [
        ({"Authorization": "Basic eA=="}, {"Authorization": HIDDEN}),
        ({"headers": {"cookie": "a=b", "accept": "x"}}, {"headers": {"cookie": HIDDEN, "accept": "x"}}),
        ({"clientSecret": {"text": "x", "n": 1}}, {"clientSecret": {"text": HIDDEN, "n": 1}}),
        ({"max_tokens": 5}, {"max_tokens": 5}),
        ({"url": "https://me:pw@host/x"}, {"url": f"https://{HIDDEN}@host/x"}),
        ({"url": "http://h/?a=1&access_token=abc&b=2"}, {"url": f"http://h/?a=1&access_token={HIDDEN}&b=2"}),
        ({"body": 'x {"apiKey" : "a\\"b", "n": 1}'}, {"body": f'x {{"apiKey" : "{HIDDEN}", "n": 1}}'}),
        ({"note": "send Bearer abc.def now"}, {"note": f"send Bearer {HIDDEN} now"}),
        ({"note": "the basic information of a token"}, {"note": "the basic information of a token"}),
        ({"note": "the bearer of this"}, {"note": "the bearer of this"}),
        ({"note": "bearer 0123456789abcdef0"}, {"note": f"Bearer {HIDDEN}"}),
        ({"log": "authorization: basic dTpw\nhost: h"}, {"log": f"authorization: basic {HIDDEN}\nhost: h"}),
        (
            {"body": json.dumps({"input": json.dumps({"password": 'a"b', "n": 1})})},
            {"body": json.dumps({"input": json.dumps({"password": HIDDEN, "n": 1})})},
        ),
        ({"key": "api_token", "value": "x"}, {"key": "api_token", "value": HIDDEN}),
        ({"key": "colour", "value": "x"}, {"key": "colour", "value": "x"}),
        ([None, True, 1.5, "x"], [None, True, 1.5, "x"]),
    ],
)
def test_what_sounds_secret_is_hidden_and_nothing_else(value: Any, hidden: Any) -> None:
    assert Redaction().request(value) == hidden


def test_the_reply_to_a_request_for_a_secret_is_one() -> None:
    assert Redaction().reply({"value": "x", "version": 1}, {"key": "password"}) == {"value": HIDDEN, "version": 1}
    assert Redaction().reply({"value": None, "version": None}, {"key": "password"})["value"] is None


def test_secrets_are_found_in_bytes_and_in_urls() -> None:
    redaction = Redaction(secrets=["pä ss/word"])
    raw = base64.b64encode(b"\xff" + "pä ss/word".encode() + b"\x00").decode()
    hidden = redaction.request({"body": {"base64": raw}, "url": "http://h/p%C3%A4%20ss%2Fword"})
    assert base64.b64decode(hidden["body"]["base64"]) == b"\xff" + HIDDEN.encode() + b"\x00"
    assert hidden["url"] == f"http://h/{HIDDEN}"


def test_a_secret_that_is_base64_itself_is_hidden_as_bytes_too() -> None:
    key = base64.b64encode(bytes(range(200, 232))).decode()
    hidden = Redaction(secrets=[key]).request({"body": {"base64": key}})
    assert base64.b64decode(hidden["body"]["base64"]) == HIDDEN.encode()


@given(JSON)
def test_hiding_twice_changes_nothing_more(value: Any) -> None:
    redaction = Redaction(keys=["n"], patterns=[r"\d{3,}"])
    once = redaction.request(value)
    assert redaction.request(once) == once


@given(JSON, st.text("abcdefXYZ0123456789-", min_size=8))
def test_a_secret_never_survives(value: Any, secret: str) -> None:
    value = {
        "first": value,
        "text": f"<{secret}>",
        secret: 1,
        "list": [secret, {"base64": base64.b64encode(secret.encode()).decode()}],
    }
    assert secret not in json.dumps(Redaction(secrets=[secret]).request(value))
