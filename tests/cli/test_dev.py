"""`omnicore dev` serves a plugin and swaps it after each save; a mistake keeps the version before in service."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.toolchains.texts import echo

from .test_build import _Running

ASKING = '[[capabilities]]\nname = "kv"\nreason = "to see it granted"\n'


@pytest.fixture
def demo(tmp_path) -> Path:
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "plugin.wat").write_text(echo())
    return folder


@pytest.fixture
def dev(demo, tmp_path) -> Iterator[_Running]:
    running = _Running(tmp_path, "dev", "demo", "--port", "0", "--grant")
    yield running
    running.process.kill()
    running.process.communicate()


def test_a_save_swaps_the_plugin_and_a_mistake_does_not(dev, demo, omnicore):
    url = re.search(r"http://\S+", dev.until("OmniCore "))[0]
    dev.until("Ctrl-C stops it.")
    name, _, key = omnicore("auth", folder=demo).out.strip().partition(": ")

    def functions(url: str) -> list[str]:
        asked = urllib.request.Request(f"{url}/api/v1/plugins/demo", headers={name: key})
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return list(json.load(answer)["functions"])

    assert (demo / "plugins" / "demo.wasm").is_file()
    assert functions(url) == ["echo"]

    (demo / "plugin.wat").write_text(echo('(func (export "more") (result i32) (i32.const 0))'))
    assert "it is enabled" in dev.until("Built demo")
    assert sorted(functions(url)) == ["echo", "more"]

    (demo / "plugin.wat").write_text("(module")
    dev.until("error: the text is not a module")
    dev.until("The version before goes on serving.")
    assert sorted(functions(url)) == ["echo", "more"]

    (demo / "plugin.toml").write_text(ASKING)
    (demo / "plugin.wat").write_text(echo())
    dev.until("it is enabled")
    assert functions(url) == ["echo"]

    code, rest = dev.stop()
    assert code == 0
    assert rest.endswith("Stopped.\n")


def test_a_first_build_that_fails_is_told_and_the_next_save_serves_it(demo, tmp_path):
    (demo / "plugin.wat").write_text("(module")
    running = _Running(tmp_path, "dev", "demo", "--port", "0")
    try:
        running.until("error: the text is not a module")
        running.until("serves 0 plugins")
        running.until("Ctrl-C stops it.")
        (demo / "plugin.toml").write_text(ASKING)
        (demo / "plugin.wat").write_text(echo())
        assert "needs-grant" in running.until("Built demo")
        running.until("omnicore plugins grant demo")
        assert running.stop()[0] == 0
    finally:
        running.process.kill()
        running.process.communicate()
