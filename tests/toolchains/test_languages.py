"""A plugin's language is found by the files it is written in, or told."""

from __future__ import annotations

import re
import sys

import pytest

from omnicore.errors import InvalidInput, NotFound, ToolMissing
from omnicore.toolchains import languages
from omnicore.toolchains.languages import LANGUAGES, Language, PluginSource, find_source, kit_files, load, missing_tool


class _Fake:
    def __init__(self, language: str) -> None:
        self.language = language
        self.watched = ()

    def find(self, path):
        return PluginSource(self.language, path, path, path.name)


@pytest.fixture
def asked(monkeypatch):
    """Every language takes what it is asked for; the list says which were asked."""
    names: list[str] = []

    def fake(language):
        names.append(language)
        return _Fake(language)

    monkeypatch.setattr(languages, "load", fake)
    return names


@pytest.mark.parametrize(
    ("files", "language"),
    [
        (["Cargo.toml"], "rust"),
        (["go.mod", "main.go"], "go"),
        (["plugin.js"], "js"),
        (["plugin.ts", "package.json"], "js"),
        (["package.json"], "js"),
        (["plugin.c"], "c"),
        (["plugin.zig"], "zig"),
        (["asconfig.json", "package.json"], "assemblyscript"),
        (["assembly/index.ts", "package.json"], "assemblyscript"),
        (["Cargo.toml", "package.json"], "rust"),
        (["plugin.py"], "python"),
        (["app.py"], "python"),
    ],
)
def test_a_folder_is_recognised_by_what_is_in_it(tmp_path, asked, files, language):
    for file in files:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text("")
    _, source = find_source(tmp_path)
    assert source.language == language
    assert asked == [language]


@pytest.mark.parametrize(
    ("file", "language"), [("a.js", "js"), ("a.ts", "js"), ("a.c", "c"), ("a.zig", "zig"), ("a.py", "python")]
)
def test_a_file_is_recognised_by_its_ending(tmp_path, asked, file, language):
    (tmp_path / file).write_text("")
    assert find_source(tmp_path / file)[1].language == language


def test_a_folder_of_two_languages_asks_which(tmp_path, asked):
    (tmp_path / "Cargo.toml").write_text("")
    (tmp_path / "go.mod").write_text("")
    with pytest.raises(InvalidInput, match=r"could be rust, go; say which with --language"):
        find_source(tmp_path)
    assert find_source(tmp_path, "go")[1].language == "go"


def test_a_folder_without_a_source_says_what_is_recognised(tmp_path):
    with pytest.raises(NotFound) as caught:
        find_source(tmp_path)
    for word in ("Cargo.toml", "go.mod", "plugin.js", "plugin.c", "plugin.zig", "asconfig.json", "plugin.py"):
        assert word in caught.value.remedy


def test_a_file_of_no_language_says_what_is_recognised(tmp_path):
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(NotFound, match=r"is not a source of a plugin.*Rust: Cargo.toml"):
        find_source(tmp_path / "notes.txt")


def test_a_path_that_is_not_there_is_told(tmp_path):
    with pytest.raises(NotFound, match="there is no"):
        find_source(tmp_path / "none")


def test_a_language_that_is_told_and_not_there_says_what_it_needs(source):
    with pytest.raises(NotFound, match=r"holds no plugin in WebAssembly text; it needs plugin.wat"):
        find_source(source.parent, "text")
    with pytest.raises(NotFound, match="take one of rust, go"):
        find_source(source, "cobol")


def test_a_toolchain_is_loaded_when_it_is_needed(source, texts):
    toolchain, found = find_source(source)
    assert toolchain is texts
    assert (found.language, found.name, found.folder) == ("text", "demo", source)
    assert kit_files("text") == ()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_a_toolchain_that_says_what_a_build_depends_on(language):
    toolchain = load(language)
    assert toolchain.language == language
    assert toolchain.watched
    assert all(isinstance(path, str) for path in kit_files(language))


def test_a_missing_compiler_is_named_with_the_command_that_installs_it(monkeypatch):
    missing = Language("x", "Cobol", ("a.cob",), programs=("no-such-cobol",), install="pip install cobol")
    here = Language("x", "Python", ("a.py",), packages=("json",), install="pip install python")
    known = {"cobol": missing, "py": here, "bare": Language("x", "Bare", ("a",))}
    monkeypatch.setattr(languages, "LANGUAGES", known)
    found = missing_tool("cobol")
    assert isinstance(found, ToolMissing)
    assert "no-such-cobol" in found.fact
    assert found.remedy == "pip install cobol"
    assert missing_tool("py") is None
    assert missing_tool("bare") is None


def test_every_language_with_a_compiler_says_how_to_get_it():
    for name, one in LANGUAGES.items():
        assert bool(one.programs or one.packages) == bool(one.install), name
        assert re.match(r"pip install|install", one.install or "install")


def test_no_toolchain_is_loaded_by_the_table():
    assert "tests.toolchains.nobody" not in sys.modules
