"""Components are tested as core modules are: the tap stands before the same doors."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.testing.guests import REPOSITORY

from omnicore.testing import Cassette, IsolatedHost

Make = Callable[..., IsolatedHost]
GUEST = REPOSITORY / "tests" / "guests" / "component" / "rust" / "guest.wasm"
MANIFEST = 'name = "guest"\nwasi = true\n[[capabilities]]\nname = "kv"\nreason = "for a test"\n'


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    (tmp_path / "guest.toml").write_text(MANIFEST)
    return Path(shutil.copy(GUEST, tmp_path))


def test_scripts_answer_a_component_and_what_it_asked_is_noted(host: Make, plugin: Path) -> None:
    opened = host(plugin)
    opened.script("kv.get", reply={"value": "blue", "version": 1}, when={"key": "door"})
    assert [opened.call("guest.recall", key) for key in ("door", "wall")] == ["blue", None]
    assert opened.asked("kv.get") == [{"key": "door"}, {"key": "wall"}]
    with pytest.raises(Exception, match="no grant"):
        host(plugin, deny=["kv"]).call("guest.recall", "door")


def test_a_cassette_plays_a_component_s_doors_clock_and_random_bytes(host: Make, plugin: Path, tmp_path: Path) -> None:
    def run(**options: Any) -> list[Any]:
        with host(plugin, cassette=Cassette(tmp_path / "case.json", **options)) as opened:
            opened.call("guest.remember", {"key": "door", "value": "blue"})
            return [opened.call("guest.recall", "door"), opened.call("guest.now"), opened.call("guest.dice", 8)]

    recorded = run()
    assert recorded[0] == "blue"
    assert run(mode="none") == recorded
    assert run(mode="all") != recorded
