"""Every kit's own functions do the same at every door."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.sdk.cases import ROOT, Case, Run, cases, plugin, server
from tests.sdk.direct import Direct

from omnicore.sandbox.extism.engine import ExtismEngine

PLUGINS = sorted(ROOT.glob("sdk/*/conformance/dist/conformance.wasm"))


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
@pytest.mark.parametrize("path", PLUGINS, ids=lambda path: path.parents[2].name)
def test_a_door_does_the_same_in_every_language(path: Path, case: Case, engine: ExtismEngine, address: str) -> None:
    problem = Run(plugin(engine, path.read_bytes()), address).problem(case)
    assert problem is None
