"""A door's function that was released keeps what plugins rely on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sdk.generate.contract import ROOT, Verb, load

RELEASED = json.loads((ROOT / "specs" / "doors" / "released.json").read_text())


def shape(verb: Verb) -> dict[str, Any]:
    return {
        "required": sorted(field.name for field in verb.request if not field.optional),
        "optional": sorted(field.name for field in verb.request if field.optional),
        "reply": sorted(field.name for field in verb.reply),
    }


def broken(released: dict[str, Any], now: dict[str, Any] | None) -> str | None:
    """Why a plugin that was built for `released` may fail now."""
    if now is None:
        return "it is gone"
    if set(now["required"]) - set(released["required"]):
        return "a field became required"
    if {*released["required"], *released["optional"]} - {*now["required"], *now["optional"]}:
        return "a field of the request is gone"
    return "a field of the reply is gone" if set(released["reply"]) - set(now["reply"]) else None


NOW = {f"{verb.function} {verb.name}": shape(verb) for door in load().doors for verb in door.verbs}


@pytest.mark.parametrize("name", sorted(RELEASED))
def test_a_released_function_keeps_its_meaning(name: str) -> None:
    assert broken(RELEASED[name], NOW.get(name)) is None


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (None, "it is gone"),
        ({"required": ["key", "new"], "optional": ["ttl_s"], "reply": ["version"]}, "a field became required"),
        ({"required": ["key"], "optional": [], "reply": ["version"]}, "a field of the request is gone"),
        ({"required": ["key"], "optional": ["ttl_s"], "reply": []}, "a field of the reply is gone"),
        ({"required": [], "optional": ["key", "ttl_s", "new"], "reply": ["version", "new"]}, None),
    ],
)
def test_a_breach_is_told(now: dict[str, Any] | None, why: str | None) -> None:
    assert broken({"required": ["key"], "optional": ["ttl_s"], "reply": ["version"]}, now) == why
