"""CloudEvents over HTTP: one, many, in headers; and what is refused."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from omnicore.errors import InvalidInput
from omnicore.workflows.steps.cloud_events import BATCH, MOST_EVENTS, STRUCTURED, admitted, events_of

EVENT = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "order.placed", "data": {"sum": 5}}


def sent(value: Any, media: str = STRUCTURED, **headers: str) -> list[dict[str, Any]]:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    given = [("content-type", media), *((name.replace("_", "-"), one) for name, one in headers.items())]
    return events_of([pair for pair in given if pair[1]], body)


def test_one_event_a_batch_and_plain_json_are_read() -> None:
    assert sent(EVENT) == sent(EVENT, STRUCTURED + "; charset=utf-8") == sent(EVENT, "application/json") == [EVENT]
    assert sent([EVENT, EVENT], BATCH) == sent([EVENT, EVENT], "application/json") == [EVENT, EVENT]
    assert sent([], BATCH) == []


def test_attributes_in_headers_have_the_body_as_data() -> None:
    def binary(body: bytes, media: str) -> dict[str, Any]:
        (event,) = sent(body, media, ce_specversion="1.0", ce_id="1", ce_source="/a%20b", ce_type="t", ce_more="x")
        return event

    named = {"specversion": "1.0", "id": "1", "source": "/a b", "type": "t", "more": "x"}
    media = "application/vnd.shop+json"
    assert binary(b"[1]", media) == {**named, "datacontenttype": media, "data": [1]}
    assert binary("é".encode(), "text/plain") == {**named, "datacontenttype": "text/plain", "data": "é"}
    assert binary(b"\xff", "text/plain")["data_base64"] == base64.b64encode(b"\xff").decode()
    assert binary(b"", "") == named


@pytest.mark.parametrize(
    ("value", "media", "headers", "path"),
    [
        (b"{", STRUCTURED, {}, ""),
        ([EVENT], STRUCTURED, {}, ""),
        (EVENT, BATCH, {}, ""),
        ([EVENT, 1], BATCH, {}, "/1"),
        ([EVENT, {**EVENT, "id": ""}], BATCH, {}, "/1/id"),
        ({**EVENT, "source": 5}, STRUCTURED, {}, "/source"),
        ([EVENT] * (MOST_EVENTS + 1), BATCH, {}, ""),
        (b"{}", "application/json", {"ce_id": "1"}, "/specversion"),
        (b"[" * 100_000, STRUCTURED, {}, ""),
    ],
)
def test_what_is_no_event_is_refused_with_its_place(value: Any, media: str, headers: dict[str, str], path: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        sent(value, media, **headers)
    assert caught.value.details["path"] == path


def test_a_header_that_comes_twice_is_refused() -> None:
    with pytest.raises(InvalidInput, match="twice"):
        events_of([("ce-id", "1"), ("ce-id", "2")], b"")


def test_an_event_gets_an_id_and_a_time() -> None:
    made = admitted({"source": "/shop", "type": "t", "subject": None}, "", 0.0)
    assert made.pop("id").startswith("evt_")
    assert made == {"specversion": "1.0", "time": "1970-01-01T00:00:00.000Z", "source": "/shop", "type": "t"}
    assert admitted({**EVENT, "time": "2026-01-31T12:00:00+01:00"}, "", 0.0)["id"] == "1"


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"source": "omnicore:plugin/text"}, "/source"),
        ({"source": "OmniCore:x"}, "/source"),
        ({"source": None}, "/source"),
        ({"type": "a\nb"}, "/type"),
        ({"Type": "b"}, "/Type"),
        ({"specversion": "0.3"}, "/specversion"),
        ({"time": "noon"}, "/time"),
        ({"more": {"a": 1}}, "/more"),
        ({"data_base64": "AA=="}, "/data_base64"),
    ],
)
def test_what_an_event_may_not_have_is_refused_with_its_place(change: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        admitted({**EVENT, **change}, "/3", 0.0)
    assert caught.value.details["path"] == f"/3{path}"


def test_data_in_base64_is_checked() -> None:
    plain = {name: value for name, value in EVENT.items() if name != "data"}
    assert admitted({**plain, "data_base64": "AA=="}, "", 0.0)["data_base64"] == "AA=="
    with pytest.raises(InvalidInput, match="no base64"):
        admitted({**plain, "data_base64": "a"}, "", 0.0)
