from __future__ import annotations

from typing import Any

import pytest

from omnicore.errors import DeadlineExceeded, GuestFailed, InvalidInput
from omnicore.plugins.schemas import FunctionSpec, Media

JSON, TEXT, BYTES = "application/json", "text/plain", "application/octet-stream"
NUMBER = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def media(**spec: Any) -> Media:
    return Media("math", FunctionSpec("add", **spec), check_s=1.0)


@pytest.mark.parametrize(
    ("kind", "value", "data"),
    [
        (BYTES, b"\xff", b"\xff"),
        (BYTES, bytearray(b"ab"), b"ab"),
        (BYTES, memoryview(b"ab"), b"ab"),
        (BYTES, "hé", "hé".encode()),
        (BYTES, {"a": 1}, b'{"a":1}'),
        (BYTES, None, b""),
        (TEXT, "hé", "hé".encode()),
        (TEXT, None, b""),
        (JSON, "hé", '"hé"'.encode()),
        (JSON, None, b"null"),
        (JSON, [1, {"a": None}], b'[1,{"a":null}]'),
        (JSON, b"[1]", b"[1]"),
    ],
)
def test_values_become_bytes_by_the_media_type(kind: str, value: Any, data: bytes) -> None:
    assert media(input_media=kind).encode(value) == data


@pytest.mark.parametrize(
    ("kind", "data", "value"),
    [(BYTES, b"\xff", b"\xff"), (TEXT, "hé".encode(), "hé"), (JSON, b' {"a": 1} ', {"a": 1})],
)
def test_bytes_become_values_by_the_media_type(kind: str, data: bytes, value: Any) -> None:
    assert media(output_media=kind).decode(data) == value


@pytest.mark.parametrize(
    ("kind", "value", "why"),
    [
        (JSON, {1, 2}, "is no JSON value"),
        (JSON, float("nan"), "is no JSON value"),
        (BYTES, object(), "is no JSON value"),
        (TEXT, 3, "takes text, not int"),
        (TEXT, "\ud800", "no valid Unicode"),
    ],
)
def test_what_cannot_be_sent_is_the_callers_fault(kind: str, value: Any, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        media(input_media=kind).encode(value)


def test_a_list_inside_itself_is_the_callers_fault() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(InvalidInput, match="is no JSON value"):
        media(input_media=JSON).encode(endless)


@pytest.mark.parametrize(
    ("kind", "data", "why"),
    [
        (JSON, b"{", "no JSON"),
        (JSON, b"NaN", "no JSON"),
        (JSON, b"[" * 200_000, "nested deeper"),
        (TEXT, b"\xff", "UTF-8"),
    ],
    ids=range(4),
)
def test_an_answer_in_another_form_is_the_plugins_fault(kind: str, data: bytes, why: str) -> None:
    with pytest.raises(GuestFailed, match=rf"the output of math.add is not what it promises: .*{why}"):
        media(output_media=kind).decode(data)


def test_input_is_checked_against_its_schema_however_it_comes() -> None:
    adds = media(input=NUMBER, input_media=JSON)
    assert adds.encode({"n": 1}) == b'{"n":1}'
    assert adds.encode(b'{"n": 1}') == b'{"n": 1}'
    for bad in ({"n": "x"}, b'{"n": "x"}'):
        with pytest.raises(InvalidInput, match=r"the input of math.add is not valid: n: 'x' is not of type 'integer'"):
            adds.encode(bad)
    with pytest.raises(InvalidInput, match="it is no JSON"):
        adds.encode(b"{")


def test_output_is_checked_against_its_schema_as_value_and_as_bytes() -> None:
    adds = media(output=NUMBER, output_media=JSON)
    assert adds.decode(b'{"n": 1}') == {"n": 1}
    adds.check_output(b'{"n": 1}')
    for check in (adds.decode, adds.check_output):
        with pytest.raises(GuestFailed, match="'n' is a required property"):
            check(b"{}")


def test_a_text_can_have_a_schema_too() -> None:
    short = media(input={"type": "string", "maxLength": 3}, input_media=TEXT)
    assert short.encode("abc") == b"abc"
    with pytest.raises(InvalidInput, match="is too long"):
        short.encode("abcd")


def test_a_check_that_takes_too_long_is_cut() -> None:
    doubling = {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(40)}
    slow = Media(
        "p",
        FunctionSpec("f", output={"$defs": {**doubling, "a40": {}}, "$ref": "#/$defs/a0"}, output_media=JSON),
        check_s=0.1,
    )
    with pytest.raises(DeadlineExceeded, match="make the schema or the value smaller"):
        slow.decode(b"{}")


def test_bytes_that_need_no_look_are_marked_so() -> None:
    assert media().plain_input
    assert media().plain_output
    assert not media(input=NUMBER).plain_input
    assert not media(output_media=TEXT).plain_output


def test_json_that_is_nested_without_end_is_refused_before_the_parser_recurses():
    deep = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    with pytest.raises(InvalidInput, match="nested deeper"):
        media(input={"type": "object"}, input_media=JSON).check_input(deep)
