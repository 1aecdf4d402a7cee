"""The conformance plugin in Python does at every door what the others do; it is built here, for it is 18 MB."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import pytest
from tests.sdk.cases import ROOT, Run, cases, plugin, server

from omnicore.sandbox.component.engine import ComponentEngine
from omnicore.toolchains.python import TOOLCHAIN

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("componentize_py") is None,
        reason="no componentize-py: pip install 'omnicore[python-guest]'",
    ),
    pytest.mark.slow,
    pytest.mark.toolchain,
    pytest.mark.timeout(300),
]


@pytest.fixture(scope="module")
def wasm() -> bytes:
    source = TOOLCHAIN.find(ROOT / "sdk" / "python" / "conformance")
    assert source is not None
    return TOOLCHAIN.build(source, lambda line: None).wasm


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with server() as address:
        yield address


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> ComponentEngine:
    return ComponentEngine(tmp_path_factory.mktemp("cache"))


def test_every_door_does_the_same_in_python(wasm: bytes, engine: ComponentEngine, address: str) -> None:
    run = Run(plugin(engine, wasm), address)
    problems = {str(case): problem for case in cases() if (problem := run.problem(case))}
    assert problems == {}
