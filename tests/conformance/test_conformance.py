"""The default engine does what the Extism guest ABI asks, case by case, each in a process of its own."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.conformance.run_cases import WORKERS, load_cases, run_case

CASES: Mapping[str, dict[str, Any]] = {case["id"]: case for case in load_cases()}

OWN_WORDS = {
    "mem-max-pages-5": "memory_bytes",
    "mem-max-pages-initial-too-big": "memory",
}
"""Cases whose exact error text, `oom`, the C API cannot give: Extism's host aborts in a limiter callback that
only Rust code can install. Ours must fail the same call, with an error that names the limit."""

Running = Mapping[str, Future[list[str]]]


def as_ours(case: dict[str, Any]) -> dict[str, Any]:
    """The case, expecting our words where the reference's cannot be given."""
    case = copy.deepcopy(case)
    for call in case["calls"]:
        if case["id"] in OWN_WORDS and "error" in (call["expect"] or {}):
            call["expect"]["error"] = OWN_WORDS[case["id"]]
    return case


@pytest.fixture(scope="module")
def running(request: pytest.FixtureRequest) -> Iterator[Running]:
    """Every selected case, started at once on a few workers; a test waits for its own."""
    names = [item.callspec.params["name"] for item in request.session.items if is_case(item)]
    with ThreadPoolExecutor(WORKERS) as pool:
        yield {name: pool.submit(run_case, as_ours(CASES[name])) for name in names}
        pool.shutdown(cancel_futures=True)


def is_case(item: pytest.Item) -> bool:
    return isinstance(item, pytest.Function) and item.originalname == "test_case_passes"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", CASES)
def test_case_passes(name: str, running: Running) -> None:
    failures = running[name].result()
    assert not failures, "\n".join(failures)


def test_there_are_83_cases_of_every_kind() -> None:
    assert len(CASES) == 83
    assert {name.split("-")[0] for name in CASES} >= {"abi", "init", "mem", "link", "http", "sec"}


ADAPTERS = {
    "a host that gives the wrong output": ("return b'wrong'", "gave b'wrong'"),
    "a host that fails": ("raise ValueError('no')", "failed with 'no'"),
    "a host that crashes": ("os.abort()", "the host crashed: exit code -6"),
    "a host that hangs": ("time.sleep(60)", "the host hung"),
}


@pytest.mark.parametrize("kind", ADAPTERS)
def test_the_runner_sees(kind: str, tmp_path: Path) -> None:
    body, says = ADAPTERS[kind]
    adapter = tmp_path / "adapter.py"
    adapter.write_text(
        f"import os, time\nclass Host:\n    def open(self, *a, **k): return self\n    def call(self, *a): {body}\n"
    )
    case = CASES["abi-input-length"] | {"kill_after": 3}
    assert says in run_case(case, adapter)[0]


def test_the_runner_sees_a_host_that_opens_what_it_must_refuse(tmp_path: Path) -> None:
    adapter = tmp_path / "adapter.py"
    adapter.write_text("class Host:\n    def open(self, *a, **k): return self\n")
    case = CASES["link-duplicate"] | {"calls": []}
    assert run_case(case, adapter) == ["opening went well, not with the error Duplicate module name"]
