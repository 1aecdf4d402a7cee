from __future__ import annotations

import time
from typing import Any

import pytest

from omnicore.plugins.schemas import Schema, SchemaTooSlowError, problems_of_schema, write_path


def problems(document: Any) -> list[tuple[str, str]]:
    return [(write_path(path), message) for path, message in problems_of_schema(document, timeout_s=2)]


def problem(schema: dict[str, Any], value: Any) -> str | None:
    return Schema(schema).problem(value, timeout_s=1)


def test_a_value_that_fits_has_no_problem() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 0}}, "required": ["n"]}
    assert problem(schema, {"n": 3}) is None
    assert problem(schema, {"n": -1}) == "n: -1 is less than the minimum of 0"
    assert problem(schema, {}) == "the value: 'n' is a required property"


def test_references_inside_the_document_are_followed() -> None:
    schema = {
        "$defs": {"a/b": {"type": "string"}},
        "properties": {"x": {"$ref": "#/$defs/a~1b"}, "self": {"$ref": "#"}},
    }
    assert problems(schema) == []
    assert problem(schema, {"self": {"x": 1}}) == "self.x: 1 is not of type 'string'"


@pytest.mark.parametrize("target", ["http://evil.test/x", "file:///etc/passwd", "#/nowhere", "other", "#anchor"])
def test_a_reference_out_of_the_document_is_refused(target: str) -> None:
    assert problems({"properties": {"x": {"$ref": target}}})[0][0] == "properties.x.$ref"


def test_a_reference_into_something_that_is_no_schema_is_refused() -> None:
    hidden = {"x-hidden": {"patternProperties": {"(a+)+$": {}}}, "$ref": "#/x-hidden"}
    assert "only '#/...' to a schema" in problems(hidden)[0][1]


@pytest.mark.parametrize("keyword", ["patternProperties", "$dynamicRef", "$id", "unevaluatedProperties"])
def test_keywords_that_are_not_supported_are_named(keyword: str) -> None:
    value: Any = {} if keyword in ("patternProperties", "unevaluatedProperties") else "x"
    assert problems({"properties": {"y": {keyword: value}}})[0][1].startswith(f"the keyword '{keyword}'")


def test_a_property_may_have_the_name_of_a_keyword() -> None:
    schema = {
        "properties": {"pattern": {"type": "integer"}, "$ref": {"const": 1}},
        "default": {"pattern": "("},
    }
    assert problems(schema) == []


def test_a_schema_that_is_none_says_where() -> None:
    assert problems({"properties": {"x": {"type": "objekt"}}})[0][0] == "properties.x.type"
    assert problems({"properties": {"x": {"pattern": "(a+)+$"}}})[0][0] == "properties.x.pattern"


def test_a_text_too_long_for_its_pattern_is_a_problem_not_a_wait() -> None:
    schema = {"type": "string", "pattern": r"^[^@]+@[^@]+\.[a-z]+$"}
    assert problem(schema, "ann@example.org") is None
    assert problem(schema, "nobody") == "the value: 'nobody' does not match '^[^@]+@[^@]+\\\\.[a-z]+$'"
    start = time.perf_counter()
    assert "too long for the pattern" in (problem(schema, "@" * 1_000_000) or "")
    assert time.perf_counter() - start < 1


def test_references_that_double_again_and_again_end_in_time() -> None:
    twice = {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(40)}
    schema = Schema({"$defs": {**twice, "a40": {}}, "$ref": "#/$defs/a0"})
    start = time.perf_counter()
    with pytest.raises(SchemaTooSlowError):
        schema.problem({}, timeout_s=0.2)
    assert time.perf_counter() - start < 2


def test_a_reference_to_itself_ends() -> None:
    with pytest.raises(SchemaTooSlowError):
        Schema({"$ref": "#"}).problem({}, timeout_s=5)


def test_many_alternatives_over_a_big_value_end_in_time_and_stay_small() -> None:
    schema = Schema({"anyOf": [{"type": "integer"}] * 5_000})
    start = time.perf_counter()
    with pytest.raises(SchemaTooSlowError):
        schema.problem("x" * 2_000_000, timeout_s=0.2)
    assert time.perf_counter() - start < 2


def test_unique_items_of_mixed_types_are_found_in_one_pass() -> None:
    schema = {"uniqueItems": True}
    many = [item for n in range(50_000) for item in (n, str(n), [n], {"k": n})]
    start = time.perf_counter()
    assert problem(schema, many) is None
    assert time.perf_counter() - start < 5
    assert problem(schema, [{"a": [1, 2]}, {"a": [1.0, 2]}]) == "the value: has items that are equal"
    assert problem(schema, [1, True, "1", None, [], {}]) is None


def test_a_schema_too_big_to_check_is_refused_in_time() -> None:
    start = time.perf_counter()
    found = list(problems_of_schema({"anyOf": [{"type": "string"}] * 20_000}, timeout_s=0.2))
    assert found == [((), "is too big or too deep to be checked")]
    assert time.perf_counter() - start < 3


def test_true_is_a_schema_inside_a_schema() -> None:
    assert problems({"properties": {"x": True, "y": False}}) == []
    assert "does not allow 1" in (problem({"properties": {"y": False}}, {"y": 1}) or "")


def test_a_subschema_that_names_its_dialect_is_guarded_all_the_same() -> None:
    dialect = "https://json-schema.org/draft/2020-12/schema"
    schema = {"properties": {"x": {"$schema": dialect, "pattern": r"^[^@]+@[^@]+@$"}}}
    assert "too long for the pattern" in (problem(schema, {"x": "@" * 1_000_000}) or "")
