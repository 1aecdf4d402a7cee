"""A language without a compiler for the tests of what all languages share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.toolchains.texts import LANGUAGE, TOOLCHAIN, TextToolchain, echo

from omnicore.config.trust import Trusted, TrustRecord
from omnicore.toolchains import languages


@pytest.fixture(scope="module", autouse=True)
def trusted() -> Iterator[None]:
    """Every folder is trusted: what a build does in one that is not is proved in `tests/attack`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrustRecord, "of", lambda _, folder: Trusted(str(folder), 0))
        yield


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
