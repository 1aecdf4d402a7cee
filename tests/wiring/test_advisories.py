"""What is known against the engines: a dated list, matched by version, that is true to what is shipped."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from omnicore import advisories
from omnicore.advisories import applies, engines, known


@pytest.mark.parametrize(
    ("version", "ranges", "is_in"),
    [
        ("50.0.1", [">=50.0.0 <50.0.2"], True),
        ("50.0.2", [">=50.0.0 <50.0.2"], False),
        ("50.0.1.post1", [">=50.0.0 <50.0.2"], True),
        ("50", [">=50.0.0 <50.0.2"], True),
        ("9.0.0", ["<24.0.13"], True),
        ("24.0.13", ["<24.0.13", ">=25.0.0 <36.0.14"], False),
        ("30.1", ["<24.0.13", ">=25.0.0 <36.0.14"], True),
        ("0.11.0", ["<=0.11.0"], True),
        ("0.9.9", ["==0.9.9"], True),
        ("1.0", [], False),
        ("1.0", [""], False),
    ],
)
def test_versions_are_compared_by_number(version: str, ranges: list[str], is_in: bool) -> None:
    assert applies(version, ranges) is is_in


def test_every_range_of_the_list_can_be_read_and_names_an_engine() -> None:
    read = known()
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", read.dated)
    assert len({one.id for one in read.advisories}) == len(read.advisories)
    for one in read.advisories:
        assert one.package in ("wasmtime", "extism", "quickjs-ng")
        assert all(part and not applies("99999", [part]) for part in one.affected), one
        assert one.severity in ("low", "medium", "high", "critical", "unknown")


def test_the_shipped_engine_is_the_one_that_the_kit_builds() -> None:
    build = Path(__file__).parents[2] / "sdk" / "js" / "engine" / "build.py"
    match = re.search(r'^REQUIREMENT = "quickjs-ng==(\d+\.\d+\.\d+)', build.read_text(), re.MULTILINE)
    assert match is not None
    assert known().shipped == {"quickjs-ng": match[1]}


def test_an_engine_that_is_not_installed_is_not_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"wasmtime": "19.0.0", "extism-sys": None}
    monkeypatch.setattr(advisories, "_installed", found.get)
    told = {one.name: [advisory.id for advisory in one.advisories] for one in engines()}
    assert set(told) == {"wasmtime", "quickjs-ng"}
    assert "GHSA-75hq-h6g9-h4q5" in told["wasmtime"]
