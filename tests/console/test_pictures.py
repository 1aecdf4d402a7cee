"""The pictures of web/README.md are those that the tests make, and light enough to be read over any line."""

from __future__ import annotations

import re
from pathlib import Path

from tests.console.browser import SHOTS, WEB

MOST_BYTES = 150_000


def shown() -> set[str]:
    return set(re.findall(r"screenshots/([a-z0-9-]+)\.png", (WEB / "README.md").read_text(encoding="utf-8")))


def made() -> set[str]:
    tests = "".join(file.read_text(encoding="utf-8") for file in Path(__file__).parent.glob("test_*.py"))
    return set(re.findall(r'\bscreenshot\(page, "([a-z0-9-]+)"', tests))


def test_each_picture_that_is_shown_is_one_that_a_test_makes() -> None:
    assert shown() == made()


def test_each_is_there_and_small() -> None:
    sizes = {file.stem: file.stat().st_size for file in SHOTS.glob("*.png")}
    assert set(sizes) == shown()
    assert {name: size for name, size in sizes.items() if size > MOST_BYTES} == {}
