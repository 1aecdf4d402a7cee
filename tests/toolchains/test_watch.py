"""A save is noticed by how the files look, and what a build makes is no save."""

from __future__ import annotations

import asyncio
import os

import pytest
from tests.toolchains.texts import echo

from omnicore.toolchains.build import SourceWatch, _pattern
from omnicore.toolchains.languages import find_source


@pytest.fixture
def watch(source) -> SourceWatch:
    toolchain, found = find_source(source)
    return SourceWatch(found, toolchain)


def test_nothing_has_changed_at_first(watch):
    assert watch.changed() == []


def test_a_saved_a_new_and_a_deleted_file_are_changes_once(watch, source):
    (source / "plugin.wat").write_text(echo() + " ")
    (source / "more.wat").write_text("")
    (source / "plugin.toml").write_text("")
    assert watch.changed() == ["more.wat", "plugin.toml", "plugin.wat"]
    assert watch.changed() == []
    (source / "more.wat").unlink()
    assert watch.changed() == ["more.wat"]


def test_a_save_of_the_same_size_is_a_change_and_one_of_the_same_text_is_none(watch, source):
    file = source / "plugin.wat"
    text = file.read_text()
    file.write_text(text)
    os.utime(file, ns=(1, 1))
    assert watch.changed() == []
    file.write_text(text.replace("echo", "ohce"))
    os.utime(file, ns=(2, 2))
    assert watch.changed() == ["plugin.wat"]


@pytest.mark.parametrize(
    "place", ["plugins/demo.wasm", "notes.txt", "target/a.wat", "node_modules/a.wat", ".git/a.wat"]
)
def test_what_no_build_depends_on_is_no_change(watch, source, place):
    (source / place).parent.mkdir(exist_ok=True)
    (source / place).write_text("x")
    assert watch.changed() == []


@pytest.mark.parametrize(
    ("glob", "path", "fits"),
    [
        ("src/**/*.rs", "src/lib.rs", True),
        ("src/**/*.rs", "src/a/b/c.rs", True),
        ("src/**/*.rs", "lib.rs", False),
        ("**/*.go", "main.go", True),
        ("*.go", "a/main.go", False),
        ("src/**/*", "src/a/data.json", True),
        ("./a?.c", "ab.c", True),
        ("a.c", "abc", False),
    ],
)
def test_patterns_are_those_of_a_shell(glob, path, fits):
    assert bool(_pattern(glob).fullmatch(path)) is fits


async def _first(watch: SourceWatch) -> list[str]:
    async for changed in watch.saves():
        return changed
    return []


def test_a_save_ends_the_wait(watch, source):
    async def run() -> list[str]:
        waiting = asyncio.ensure_future(_first(watch))
        await asyncio.sleep(0)
        (source / "plugin.wat").write_text(echo() + "  ")
        return await asyncio.wait_for(waiting, 60)

    assert asyncio.run(run()) == ["plugin.wat"]
