"""Messages as CloudEvents: structured, binary, or wrapped."""

from __future__ import annotations

import json
from typing import Any

import pytest

from omnicore.errors import InvalidInput
from omnicore.workflows.triggers.brokers import STRUCTURED, Message, event_of, written

EVENT = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "data": {"a": [1, None]}}


def read(body: bytes, media: str = "", **headers: Any) -> dict[str, Any]:
    message = Message(body, "m1", {name.replace("__", "-"): value for name, value in headers.items()}, media)
    return event_of(message, source="omnicore:broker/b/q", kind="k", now=0.0, most_bytes=10_000)


def test_what_is_written_is_read_again_as_it_was() -> None:
    assert read(written(EVENT), STRUCTURED) == EVENT
    assert read(written(EVENT)) == EVENT


@pytest.mark.parametrize("prefix", ["ce_", "ce__", "cloudEvents:", "cloudEvents_"])
def test_attributes_may_come_as_headers(prefix: str) -> None:
    found = read(b"[1]", **{f"{prefix}id": b"7", f"{prefix}source": "/s", f"{prefix}type": "t", "other": "x"})
    assert found == {"id": "7", "source": "/s", "type": "t", "data": [1]}


@pytest.mark.parametrize(
    ("body", "data"),
    [
        (b'{"n": 1}', {"n": 1}),
        (b"text", "text"),
        (b"", ""),
        (b"null", None),
        (b"NaN", "NaN"),
        (b"[" * 5000, "[" * 5000),
        (b'"\\ud800"', '"\\ud800"'),
        (json.dumps({**EVENT, "id": 5}).encode(), {**EVENT, "id": 5}),
        (json.dumps({**EVENT, "source": "s" * 2000}).encode(), {**EVENT, "source": "s" * 2000}),
    ],
)
def test_anything_else_is_wrapped_with_the_brokers_name_for_it(body: bytes, data: Any) -> None:
    found = read(body)
    assert (found["id"], found["source"], found["type"]) == ("m1", "omnicore:broker/b/q", "k")
    assert found["data"] == data


def test_bytes_that_are_no_text_come_as_base64() -> None:
    assert read(b"\xff")["data_base64"] == "/w=="


def test_a_message_that_is_too_large_is_refused() -> None:
    with pytest.raises(InvalidInput):
        read(b"x" * 10_001)


def test_headers_without_bound_are_cut() -> None:
    many = {f"ce_a{number}": "x" * 5000 for number in range(200)}
    found = read(b"1", ce_id="1", ce_source="/s", ce_type="t", **many)
    assert len(found) <= 51
    assert max(len(value) for name, value in found.items() if name != "data") <= 1024
