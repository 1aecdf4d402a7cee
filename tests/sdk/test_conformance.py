"""Every kit's own functions do the same at every door."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.sdk.cases import ROOT, Case, Run, cases, plugin, server
from tests.sdk.direct import Direct

from omnicore.sandbox.extism.engine import ExtismEngine

PLUGINS = {path.parents[2].name: path for path in sorted(ROOT.glob("sdk/*/conformance/dist/conformance.wasm"))}
DAILY = ("rust", "js")
"""Kits of which every case runs each day: one that is compiled, and the one with an engine of its own."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with server() as address:
        yield address


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> ExtismEngine:
    return ExtismEngine(tmp_path_factory.mktemp("cache"))


@pytest.mark.parametrize("case", cases(), ids=str)
def test_the_host_itself_answers_as_the_cases_say(case: Case, address: str) -> None:
    problem = Run(Direct, address).problem(case)
    assert problem is None


@pytest.mark.parametrize("case", cases(), ids=str)
@pytest.mark.parametrize("kit", [kit if kit in DAILY else pytest.param(kit, marks=pytest.mark.long) for kit in PLUGINS])
def test_a_door_does_the_same_in_every_language(kit: str, case: Case, engine: ExtismEngine, address: str) -> None:
    problem = Run(plugin(engine, PLUGINS[kit].read_bytes()), address).problem(case)
    assert problem is None
