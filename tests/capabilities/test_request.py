"""Requests read with suspicion: no bytes a guest sends raise anything but a malformed request."""

from __future__ import annotations

import json
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.capabilities.double import CallDouble

from omnicore.capabilities.request import Request, read_request, to_value, write_reply
from omnicore.errors import InvalidInput


def test_a_reply_with_half_of_a_character_keeps_it_as_an_escape() -> None:
    call = CallDouble()
    assert call.read(write_reply(call, {"output": "\ud800é"})) == b'{"output":"\\ud800\\u00e9"}'
    assert call.read(write_reply(call, {"output": "é"})) == '{"output":"é"}'.encode()


def read(data: bytes, most: int = 1 << 20) -> Request:
    call = CallDouble()
    return read_request(call, call.write(data), most)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"\xff", "not JSON"),
        (b'{"a": NaN}', "not JSON"),
        (b'{"a": -Infinity}', "not JSON"),
        (b'{"a": 1e999}', "not JSON: Number out of range"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not JSON"),
        (b'{"a": "\\ud800"}', "not JSON"),
        (b'{"\\udfff": 1}', "not JSON"),
        (b'{"a": ' + b"[" * 100_000, "nested deeper than 32"),
        (b'{"a": ' + b"[" * 32 + b"]" * 32 + b"}", "nested deeper than 32"),
    ],
)
def test_what_is_no_bounded_json_object_is_refused(data: bytes, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        read(data)


def test_32_levels_and_brackets_in_text_are_fine() -> None:
    assert read(b'{"a": ' + b"[" * 31 + b"]" * 31 + b"}")
    assert read(json.dumps({"a": '["{\\' * 100}).encode())
    assert read(json.dumps({"a": [[] for _ in range(100)]}).encode())


def test_text_that_never_ends_costs_no_time() -> None:
    began = time.perf_counter()
    with pytest.raises(InvalidInput):
        read(b"[" * 33 + b'"\\' * 500_000)
    assert time.perf_counter() - began < 20


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    with suppress(InvalidInput):
        assert isinstance(read(data), Request)


TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | TEXT,
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(TEXT, VALUES, max_size=5))
def test_a_json_object_is_read_as_it_was_written(values: dict[str, object]) -> None:
    request = read(json.dumps(values).encode())
    assert {name: request.any(name) for name in values} == values
    request.done()


@given(st.binary(max_size=50))
def test_bytes_travel_there_and_back(data: bytes) -> None:
    call = CallDouble()
    handle = write_reply(call, {"value": to_value(data)})
    assert read(call.read(handle)).blob("value", most=50) == data
