"""Bodies of several parts, as a server reads them."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import HTTP
from typing import Any

import pytest

from omnicore.errors import InvalidInput
from omnicore.workflows.steps.http import body_bytes, multipart
from omnicore.workflows.steps.openapi import find_operation, plan_of

BINARY = {"type": "string", "format": "binary"}
OPENAPI: dict[str, Any] = {
    "openapi": "3.0.4",
    "paths": {
        "/files": {
            "post": {
                "operationId": "upload",
                "requestBody": {
                    "content": {
                        "application/json": {},
                        "multipart/form-data": {
                            "schema": {
                                "properties": {"file": BINARY, "many": {"type": "array", "items": BINARY}, "odd": True}
                            }
                        },
                    }
                },
            },
            "put": {
                "operationId": "replace",
                "requestBody": {"content": {"multipart/form-data": {"schema": {"properties": {"file": BINARY}}}}},
            },
        }
    },
}
SWAGGER: dict[str, Any] = {
    "swagger": "2.0",
    "paths": {
        "/files": {
            "post": {
                "operationId": "upload",
                "consumes": ["multipart/form-data"],
                "parameters": [{"name": "file", "in": "formData", "type": "file"}, {"name": "n", "in": "formData"}],
            }
        }
    },
}


def parts(data: bytes, media: str) -> list[tuple[str, str | None, str, bytes]]:
    """Name, filename, media type and content of each part."""
    message = message_from_bytes(f"content-type: {media}\r\n\r\n".encode() + data, policy=HTTP)
    assert message.is_multipart()
    found = []
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        found.append((str(name), part.get_filename(), part.get_content_type(), part.get_payload(decode=True)))
    return found


def sent(document: dict[str, Any], operation: str, given: dict[str, Any]) -> list[tuple[str, str | None, str, bytes]]:
    plan = plan_of(document, find_operation(document, operation), given, base="http://a.example/")
    return parts(*body_bytes(plan.body, plan.headers["content-type"]))


def test_fields_lists_files_and_json_are_parts() -> None:
    body = {
        "text": "é",
        "number": 5,
        "flag": True,
        "none": None,
        "list": ["a", "b"],
        "table": {"a": 1},
        "file": {"base64": "AAH/", "filename": "a.bin"},
        "page": {"text": "<p>", "filename": "p.html", "type": "text/html"},
    }
    data, media = body_bytes(body, "multipart/form-data")
    assert parts(data, media) == [
        ("text", None, "text/plain", "é".encode()),
        ("number", None, "text/plain", b"5"),
        ("flag", None, "text/plain", b"true"),
        ("list", None, "text/plain", b"a"),
        ("list", None, "text/plain", b"b"),
        ("table", None, "application/json", b'{"a":1}'),
        ("file", "a.bin", "application/octet-stream", b"\x00\x01\xff"),
        ("page", "p.html", "text/html", b"<p>"),
    ]
    assert multipart(body) == (data, media)


def test_a_boundary_is_in_no_part() -> None:
    data, media = multipart({"a": "x"})
    mark = media.partition("boundary=")[2]
    assert mark.encode() not in data.replace(b"--" + mark.encode(), b"")


def test_names_cannot_steer_the_headers() -> None:
    data, _ = multipart({'a"\r\nx: y': {"text": "", "filename": 'b"\r\nc'}})
    assert b'name="a%22%0D%0Ax: y"; filename="b%22%0D%0Ac"' in data


@pytest.mark.parametrize(
    "body",
    [
        {"f": {"base64": "?"}},
        {"f": {"base64": 5}},
        {"f": {"text": "a", "type": "a\r\nb: c"}},
        {"f": {"text": "a", "filename": 5}},
        {"f": "\ud800"},
        {"f": ["a"] * 1001},
        "no object",
    ],
)
def test_what_cannot_be_sent_in_parts_is_refused(body: Any) -> None:
    with pytest.raises(InvalidInput):
        body_bytes(body, "multipart/form-data")


def test_operations_send_files_in_parts() -> None:
    assert sent(OPENAPI, "replace", {"file": "hello", "n": 1}) == [
        ("file", "file", "text/plain", b"hello"),
        ("n", None, "text/plain", b"1"),
    ]
    file = {"base64": "AAE=", "filename": "a.png", "type": "image/png"}
    assert sent(OPENAPI, "upload", {"file": file, "many": ["a", file]}) == [
        ("file", "a.png", "image/png", b"\x00\x01"),
        ("many", "many", "text/plain", b"a"),
        ("many", "a.png", "image/png", b"\x00\x01"),
    ]
    assert sent(SWAGGER, "upload", {"file": "a", "n": "b"}) == [
        ("file", "file", "text/plain", b"a"),
        ("n", None, "text/plain", b"b"),
    ]


def test_without_files_json_is_sent_where_it_is_taken() -> None:
    plan = plan_of(OPENAPI, find_operation(OPENAPI, "upload"), {"n": 1}, base="http://a.example/")
    assert (plan.body, plan.headers["content-type"]) == ({"n": 1}, "application/json")
