"""SECURITY.md: every promise names a test that is there, and nothing in it leads to somebody invented."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "SECURITY.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[^`\s]+)`", TEXT)))


@pytest.mark.parametrize("named", NAMED)
def test_a_test_that_proves_a_promise_is_there(named: str) -> None:
    file, _, name = named.partition("::")
    assert (ROOT / file).is_file(), named
    wanted = re.escape(name) if name else r"test_\w+"
    assert re.search(rf"^(async )?def {wanted}\(", (ROOT / file).read_text("utf-8"), re.MULTILINE), named


def test_every_promise_names_a_test() -> None:
    promised = TEXT.partition("## What is promised")[2].partition("## What is not promised")[0]
    rows = [line for line in promised.splitlines() if line.startswith("| ") and not line.startswith("| promise")]
    assert len(rows) > 20
    assert [row for row in rows if "`tests/" not in row] == []


def test_it_says_how_to_report_what_is_supported_and_what_is_not_promised() -> None:
    assert [line[3:] for line in TEXT.splitlines() if line.startswith("## ")] == [
        *("Reporting", "What is protected", "Who attacks, and from where", "What is promised", "What is not promised"),
    ]
    said = TEXT.lower()
    for subject in (
        "same user",
        "trusted folder",
        "side channels",
        "keyring",
        "warm instances",
        "viewers",
        "supported",
    ):
        assert subject in said
    assert "@" not in TEXT
    assert "://" not in TEXT


def test_readme_leads_to_it() -> None:
    assert "SECURITY.md" in (ROOT / "README.md").read_text("utf-8")
