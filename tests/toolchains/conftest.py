"""A language without a compiler for the tests of what all languages share."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.toolchains.texts import LANGUAGE, TOOLCHAIN, TextToolchain, echo

from omnicore.toolchains import languages


@pytest.fixture
def texts(monkeypatch: pytest.MonkeyPatch) -> TextToolchain:
    """Makes WebAssembly text one of the languages."""
    monkeypatch.setattr(languages, "LANGUAGES", {**languages.LANGUAGES, "text": LANGUAGE})
    return TOOLCHAIN


@pytest.fixture
def source(tmp_path: Path, texts: TextToolchain) -> Path:
    """The folder `demo` with a plugin that has the function `echo`."""
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "plugin.wat").write_text(echo())
    return folder
