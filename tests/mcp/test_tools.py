"""Functions as tools: their schemas, the values their arguments stand for, and their results."""

from __future__ import annotations

from typing import Any

import pytest

from omnicore.errors import GuestFailed, InvalidInput, LimitExceeded
from omnicore.mcp.server import answered, failed
from omnicore.mcp.tools import Tool
from omnicore.plugins.schemas import FunctionSpec

_JSON, _TEXT, _BYTES = "application/json", "text/plain", "application/octet-stream"
_NUMBER = {"$ref": "#/$defs/n", "$defs": {"n": {"type": "integer"}}}
_OBJECT = {"type": "object", "properties": {"value": {"type": "integer"}}}


def tool(**spec: Any) -> Tool:
    return Tool("p.f", "p", FunctionSpec("f", **spec), "Counts.", 5.0)


def test_an_object_is_the_arguments_themselves() -> None:
    one = tool(input=_OBJECT, input_media=_JSON)
    assert one.listed()["inputSchema"] == _OBJECT
    assert one.value({"value": 1}) == {"value": 1}


def test_any_other_schema_is_that_of_the_argument_input_and_its_references_follow() -> None:
    one = tool(input=_NUMBER, input_media=_JSON)
    schema = one.listed()["inputSchema"]
    assert schema["type"] == "object"
    assert schema["required"] == ["input"]
    assert schema["properties"]["input"]["$ref"] == "#/properties/input/$defs/n"
    assert one.value({"input": 3}) == 3
    with pytest.raises(InvalidInput, match="needs the argument input"):
        one.value({})


def test_json_without_a_schema_takes_any_value_as_input() -> None:
    one = tool(input_media=_JSON)
    assert one.listed()["inputSchema"]["properties"].keys() == {"input"}
    assert one.value({"input": [None]}) == [None]
    assert one.value({}) == b""


def test_text_takes_text() -> None:
    one = tool(input_media=_TEXT)
    assert one.listed()["inputSchema"]["properties"]["input"]["type"] == "string"
    assert one.value({"input": "a"}) == "a"
    with pytest.raises(InvalidInput, match="takes text"):
        one.value({"input": 1})
    with pytest.raises(InvalidInput, match="has no argument 'base64'"):
        one.value({"base64": ""})


def test_bytes_come_as_text_or_as_base64() -> None:
    one = tool()
    assert one.listed()["inputSchema"]["properties"].keys() == {"input", "base64"}
    assert one.value({"input": "a"}) == "a"
    assert one.value({"base64": "/w=="}) == b"\xff"
    for wrong in ({"base64": "?"}, {"base64": 1}, {"base64": "", "input": ""}, {"other": 1}, {"input": None}):
        with pytest.raises(InvalidInput):
            one.value(wrong)


def test_hints_are_told_only_where_the_manifest_has_them() -> None:
    assert "annotations" not in tool().listed()
    assert tool(hints={"read_only": True, "open_world": False}).listed()["annotations"] == {
        "readOnlyHint": True,
        "openWorldHint": False,
    }


def test_a_tool_without_a_description_says_whose_function_it_is() -> None:
    assert tool().listed()["description"] == "The function f of p. Counts."
    assert tool(description="Adds.").listed()["description"] == "Adds."


def test_an_object_comes_back_as_structured_content_and_as_text() -> None:
    one = tool(output=_OBJECT, output_media=_JSON)
    assert one.listed()["outputSchema"] == _OBJECT
    assert answered(one, {"value": 1}) == {
        "content": [{"type": "text", "text": '{"value":1}'}],
        "structuredContent": {"value": 1},
    }


def test_any_other_described_output_is_the_member_result() -> None:
    one = tool(output=_NUMBER, output_media=_JSON)
    assert one.listed()["outputSchema"]["properties"]["result"]["$ref"] == "#/properties/result/$defs/n"
    assert answered(one, 3)["structuredContent"] == {"result": 3}


def test_output_without_a_schema_is_text_and_an_object_is_structured_too() -> None:
    one = tool(output_media=_JSON)
    assert answered(one, [1]) == {"content": [{"type": "text", "text": "[1]"}]}
    assert answered(one, "a")["content"][0]["text"] == '"a"'
    assert answered(one, {"a": 1})["structuredContent"] == {"a": 1}


def test_bytes_that_are_text_come_as_text_and_others_as_an_embedded_resource() -> None:
    assert answered(tool(), b"h\xc3\xa9")["content"] == [{"type": "text", "text": "hé"}]
    (block,) = answered(tool(), b"\xff")["content"]
    assert block["resource"] == {"uri": "omnicore:///p/f", "mimeType": _BYTES, "blob": "/w=="}


def test_half_a_character_in_an_output_is_the_plugins_failure() -> None:
    with pytest.raises(GuestFailed):
        answered(tool(output_media=_JSON), {"a": "\ud800"})


def test_a_failure_says_what_happened_and_what_to_do() -> None:
    result = failed(LimitExceeded("too much", remedy="send less \ud800", limit="input_bytes", allowed=3))
    assert result["isError"]
    assert result["content"][0]["text"] == "too much; send less ?"
    assert result["_meta"]["omnicore/error"]["code"] == "limit-exceeded"
