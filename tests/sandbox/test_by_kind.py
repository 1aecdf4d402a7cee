"""Each file goes to the engine for its kind."""

from __future__ import annotations

from typing import Any

import pytest

from omnicore.sandbox.abi import Doors, Limits
from omnicore.sandbox.capi.code import wat_to_wasm
from omnicore.sandbox.component.engine import ComponentEngine
from omnicore.sandbox.component.instance import ComponentTemplate
from omnicore.sandbox.engine import EngineByKind
from omnicore.sandbox.extism.engine import ExtismEngine
from omnicore.sandbox.extism.instance import ExtismTemplate


@pytest.mark.parametrize(("text", "kind"), [(b"(module)", ExtismTemplate), (b"(component)", ComponentTemplate)])
def test_a_file_goes_to_the_engine_for_its_kind(text: bytes, kind: type[Any]) -> None:
    engine = EngineByKind(ExtismEngine(), ComponentEngine())
    template = engine.load([("main", wat_to_wasm(text))], Limits(), Doors())
    assert isinstance(template, kind)
    template.close()


def test_it_shows_itself_as_the_engine_for_core_modules() -> None:
    core = ExtismEngine()
    engine = EngineByKind(core, ComponentEngine())
    assert (engine.name, engine.version, engine.on_loop) == (core.name, core.version, True)
