"""Validation of values against `workflow.schema.json`, with messages that need no knowledge of it.

The file is a plain JSON Schema that other tools can use. It is walked here by hand: which of several forms is meant
is decided first, and then only what is wrong with that form is told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib import resources
from typing import Any, TypeAlias

from omnicore.workflows.language.problems import Path, Report, shown

__all__ = ["SCHEMA_FILE", "check_shape", "fits", "schema"]


SCHEMA_FILE = "workflow.schema.json"
_Schema: TypeAlias = Mapping[str, Any]
_TASK_LIST = "#/$defs/taskList"
_LATER = frozenset({_TASK_LIST, "#/$defs/task"})
"""Tasks are walked by the compiler, one by one, so that one broken task hides no other."""
_INNER = frozenset({"additionalProperties", "unevaluatedProperties", "items", "propertyNames"})
_CHOICES = frozenset({"anyOf", "oneOf"})
_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_WORDS = {
    "object": "an object",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}


@lru_cache(maxsize=1)
def schema() -> _Schema:
    """The whole schema."""
    text = resources.files("omnicore.workflows").joinpath(SCHEMA_FILE).read_text(encoding="utf-8")
    found: _Schema = json.loads(text)
    return found


def check_shape(name: str, value: Any, path: Path, report: Report) -> bool:
    """True if a value has the form of a definition of the schema (`""`: of the whole); problems are reported."""
    before = report.errors
    _walk(_resolved(name), value, path, report)
    return report.errors == before


def fits(name: str, value: Any) -> bool:
    """True if a value has the form of a definition."""
    return check_shape(name, value, (), Report())


@lru_cache(maxsize=256)
def _resolved(name: str) -> _Schema:
    whole = schema()
    return _grown(whole["$defs"][name] if name else {key: part for key, part in whole.items() if key != "$defs"})


def _grown(one: _Schema) -> _Schema:
    """A schema with what it refers to and builds on put into it, all the way down; tasks stay references."""
    flat = dict(_flat(one))
    for key in _INNER & flat.keys():
        flat[key] = _grown(flat[key]) if isinstance(flat[key], Mapping) else flat[key]
    for key in _CHOICES & flat.keys():
        flat[key] = [_grown(part) for part in flat[key]]
    if "properties" in flat:
        flat["properties"] = {key: _grown(part) for key, part in flat["properties"].items()}
    return flat


def _flat(one: _Schema) -> _Schema:
    reference = one.get("$ref", "")
    if reference and reference not in _LATER:
        return {**_resolved(reference.removeprefix("#/$defs/")), **_without(one, "$ref")}
    if "allOf" not in one:
        return one
    merged: dict[str, Any] = {}
    for part in (*one["allOf"], _without(one, "allOf")):
        flat = _flat(part)
        if flat.get("$ref") in _LATER:
            return flat
        properties = {**merged.get("properties", {}), **flat.get("properties", {})}
        required = [*merged.get("required", ()), *flat.get("required", ())]
        merged = {**merged, **flat, "properties": properties, "required": required}
    return merged


def _without(one: _Schema, name: str) -> dict[str, Any]:
    return {key: value for key, value in one.items() if key != name}


def _walk(one: _Schema, value: Any, path: Path, report: Report) -> None:
    if one.get("$ref") in _LATER:
        if one["$ref"] == _TASK_LIST and (not isinstance(value, list) or not value):
            report.error(path, f"must be a list of tasks, not {_empty_or(value)}", _TASKS)
        return
    choices = one.get("anyOf") or one.get("oneOf")
    if choices:
        _choose(one, choices, value, path, report)
        return
    types = one.get("type")
    if types is not None and not _is(types, value):
        report.error(path, f"must be {_said(types)}, not {shown(value)}", _write(one))
    elif isinstance(value, str):
        _text(one, value, path, report)
    elif isinstance(value, dict):
        _object(one, value, path, report)
    elif isinstance(value, list):
        _list(one, value, path, report)
    elif not isinstance(value, bool) and isinstance(value, int | float):
        _number(one, value, path, report)


def _choose(one: _Schema, choices: Iterable[_Schema], value: Any, path: Path, report: Report) -> None:
    ready = list(choices)
    likely = [choice for choice in ready if _is(choice.get("type", ("object",)), value)]
    if isinstance(value, dict) and len(likely) > 1:
        likely = [choice for choice in likely if any(key in value for key in _marks(choice))][:1] or likely
    if len(likely) == 1:
        _walk({**likely[0], "description": _hint(likely[0]) or _hint(one)}, value, path, report)
    elif not likely:
        types = sorted({_said(choice["type"]) for choice in ready if "type" in choice})
        report.error(path, f"must be {' or '.join(types)}, not {shown(value)}", _write(one))
    elif not any(_passes(choice, value) for choice in likely):
        if isinstance(value, dict):
            marks = [mark for choice in likely for mark in _marks(choice)]
            wrong = next((key for key in value if key not in marks), "")
            report.error(path, "says nothing of what it may say", report.closest(wrong, marks, otherwise=_write(one)))
        else:
            report.error(path, f"{shown(value)} cannot stand here", _write(one))


def _marks(one: _Schema) -> Iterable[str]:
    """Keys that tell this form from the others: what it must have, else anything that it knows."""
    found: Iterable[str] = one.get("required") or one.get("properties", ())
    return found


def _passes(one: _Schema, value: Any) -> bool:
    trial = Report()
    _walk(one, value, (), trial)
    return not trial.errors


def _text(one: _Schema, value: str, path: Path, report: Report) -> None:
    if "const" in one and value != one["const"]:
        report.error(path, f"must be `{one['const']}`, not {shown(value)}")
    elif "enum" in one and value not in one["enum"]:
        known = ", ".join(one["enum"])
        report.error(
            path,
            f"{shown(value)} is none of {known}",
            report.closest(value, one["enum"], otherwise=f"use one of {known}"),
        )
    elif len(value) < one.get("minLength", 0):
        report.error(path, "is empty", _write(one))
    elif len(value) > one.get("maxLength", len(value)):
        report.error(path, f"has more than {one['maxLength']} characters", "make it shorter")
    elif "pattern" in one and not _pattern(one["pattern"]).search(value):
        report.error(path, f"{shown(value)} cannot stand here", _write(one))


def _object(one: _Schema, value: dict[str, Any], path: Path, report: Report) -> None:
    properties: Mapping[str, _Schema] = one.get("properties", {})
    others = one.get("additionalProperties", one.get("unevaluatedProperties", True))
    for key, item in value.items():
        part = properties.get(key)
        if part is not None:
            _walk(part, item, (*path, key), report)
        elif others is False:
            known = ", ".join(sorted(properties))
            remedy = report.closest(key, properties, otherwise=f"the keys here are {known}" if known else "remove it")
            report.error((*path, key), f"`{key[:60]}` is no key here", remedy)
        elif isinstance(others, Mapping):
            if "propertyNames" in one:
                _walk(one["propertyNames"], key, (*path, key), report)
            _walk(others, item, (*path, key), report)
    for key in one.get("required", ()):
        if key not in value:
            report.error(path, f"`{key}` is missing", f"add `{key}:`" + _example(properties.get(key)))
    if len(value) < one.get("minProperties", 0):
        report.error(path, "is empty", _write(one))
    elif len(value) > one.get("maxProperties", len(value)):
        names = ", ".join(list(value)[:5])
        report.error(path, f"holds several where one belongs: {names}", "begin each with a dash of its own")


def _list(one: _Schema, value: list[Any], path: Path, report: Report) -> None:
    if len(value) < one.get("minItems", 0):
        report.error(path, "is empty", "put one in, or remove the list")
    elif len(value) > one.get("maxItems", len(value)):
        report.error(path, f"has more than {one['maxItems']} items", "take some out")
    elif "items" in one:
        for index, item in enumerate(value):
            _walk(one["items"], item, (*path, index), report)


def _number(one: _Schema, value: float, path: Path, report: Report) -> None:
    if not one.get("minimum", value) <= value <= one.get("maximum", value):
        least, most = one.get("minimum", "any"), one.get("maximum", "any")
        report.error(path, f"{shown(value)} is out of bounds", f"use a number from {least} to {most}")


def _is(types: Any, value: Any) -> bool:
    wanted = (types,) if isinstance(types, str) else types
    if isinstance(value, bool):
        return "boolean" in wanted
    return any(isinstance(value, _TYPES[one]) for one in wanted)


def _said(types: Any) -> str:
    return _WORDS[types] if isinstance(types, str) else " or ".join(_WORDS[one] for one in types)


def _hint(one: _Schema) -> str:
    found: str = one.get("description", "")
    return found


def _write(one: _Schema) -> str:
    return f"write {_hint(one)}" if _hint(one) else ""


def _example(part: _Schema | None) -> str:
    hint = _hint(part) if part else ""
    return f" with {hint}" if hint else ""


def _empty_or(value: Any) -> str:
    return "an empty one" if value == [] else shown(value)


@lru_cache(maxsize=64)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(rf"{text[:-1]}\Z" if text.endswith("$") else text)  # JSON Schema's `$` is the very end


_TASKS = "write each task as `- name:` with what it does below"
