"""Plugins in Rust are found, compiled by the author's cargo, and hold nothing of the machine that built them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from omnicore.errors import BuildFailed, ToolMissing
from omnicore.sandbox.inspect import inspect
from omnicore.toolchains.build import sealed
from omnicore.toolchains.languages import Built, PluginSource
from omnicore.toolchains.rust import TOOLCHAIN

pytestmark = pytest.mark.toolchain
needs_rust = pytest.mark.skipif(shutil.which("cargo") is None, reason="no cargo here: install Rust")

CARGO = """[package]
name = "loud-one"
version = "1.2.3"
description = "Shouts"
authors = ["Ada", "Bob"]
edition = "2021"

[lib]
crate-type = ["cdylib"]
"""
# A panic names its file, so that a path of this machine would be in the module.
CODE = """#[unsafe(no_mangle)]
pub extern "C" fn loud() -> i32 {
    let words: Vec<String> = std::env::args().collect();
    words[0].len() as i32
}
"""


def crate(folder: Path, *, cargo: str = CARGO, code: str = CODE) -> PluginSource:
    (folder / "src").mkdir(parents=True)
    (folder / "Cargo.toml").write_text(cargo)
    (folder / "src" / "lib.rs").write_text(code)
    source = TOOLCHAIN.find(folder)
    assert source is not None
    return source


def build(source: PluginSource) -> Built:
    return TOOLCHAIN.build(source, lambda line: None)


def initial_pages(wasm: bytes) -> int:
    memory = next(one for one in inspect(wasm).exports if one.name == "memory")
    return memory.type.minimum_pages


def test_a_folder_with_a_library_is_found(tmp_path):
    source = crate(tmp_path)
    assert (source.language, source.folder, source.name) == ("rust", tmp_path, "loud-one")
    assert TOOLCHAIN.find(tmp_path / "Cargo.toml") == source


def test_programs_workspaces_and_broken_files_are_not(tmp_path):
    assert TOOLCHAIN.find(tmp_path) is None
    for text in ('[package]\nname = "program"\n', "[workspace]\n", "[package"):
        (tmp_path / "Cargo.toml").write_text(text)
        assert TOOLCHAIN.find(tmp_path) is None


@needs_rust
def test_the_same_source_gives_the_same_bytes_wherever_it_lies(tmp_path):
    here = build(crate(tmp_path / "here"))
    there = build(crate(tmp_path / "deeper" / "there"))
    assert here.wasm == there.wasm
    assert str(tmp_path).encode() not in here.wasm
    assert b"src/lib.rs" in here.wasm
    assert here.notes == ()


@needs_rust
def test_what_cargo_knows_goes_into_the_manifest(tmp_path):
    described = build(crate(tmp_path)).described
    assert described == {"version": "1.2.3", "description": "Shouts", "author": "Ada, Bob"}


@needs_rust
def test_flags_of_the_environment_come_beside_ours(tmp_path, monkeypatch):
    monkeypatch.setenv("RUSTFLAGS", "--cfg loudly")
    code = CODE + '#[cfg(loudly)]\n#[unsafe(no_mangle)]\npub extern "C" fn louder() -> i32 { 0 }\n'
    built = build(crate(tmp_path, code=code))
    assert {"loud", "louder"} <= {one.name for one in inspect(built.wasm).exports}
    assert initial_pages(built.wasm) == 3


@needs_rust
def test_the_stack_is_as_big_as_the_author_says(tmp_path):
    small = build(crate(tmp_path / "small"))
    metadata = "\n[package.metadata.omnicore]\nstack_bytes = 1048576\n"
    big = build(crate(tmp_path / "big", cargo=CARGO + metadata))
    assert initial_pages(big.wasm) - initial_pages(small.wasm) == 14


@needs_rust
def test_the_authors_own_profile_wins(tmp_path):
    small = build(crate(tmp_path / "small"))
    kept = build(crate(tmp_path / "kept", cargo=CARGO + "\n[profile.release]\nstrip = false\n"))
    assert len(kept.wasm) > len(small.wasm)
    assert "name" in inspect(kept.wasm).custom
    assert "name" not in inspect(small.wasm).custom


@needs_rust
def test_a_warning_is_a_note(tmp_path):
    built = build(crate(tmp_path, code=CODE + "fn unused() {}\n"))
    assert len(built.notes) == 1
    assert "function `unused` is never used" in built.notes[0]


@needs_rust
def test_what_the_compiler_says_is_shown(tmp_path):
    with pytest.raises(BuildFailed, match=r"error\[E0425\].*\n.*src/lib\.rs:6"):
        build(crate(tmp_path, code=CODE + "fn wrong() { nowhere() }\n"))


@needs_rust
def test_a_library_that_is_no_cdylib_is_told_how_to_be_one(tmp_path):
    with pytest.raises(BuildFailed, match="none that a host can load") as caught:
        build(crate(tmp_path, cargo='[package]\nname = "plain"\nedition = "2021"\n'))
    assert 'crate-type = ["cdylib"]' in caught.value.remedy


@needs_rust
def test_a_module_runs(tmp_path):
    code = '#[unsafe(no_mangle)]\npub extern "C" fn well() -> i32 { 0 }\n'
    template = sealed(build(crate(tmp_path, code=code)).wasm)
    assert template.instance().call("well", b"") == b""
    template.close()


def test_without_cargo_the_commands_that_install_it_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing, match="Rust needs cargo") as caught:
        build(crate(tmp_path / "plugin"))
    assert "rustup target add wasm32-unknown-unknown" in caught.value.remedy


@pytest.mark.parametrize(("rustup", "first_word"), [(True, "rustup"), (False, "on")])
def test_without_the_library_for_wasm_the_command_that_adds_it_is_named(tmp_path, monkeypatch, rustup, first_word):
    program(tmp_path / "cargo", "exit 1")
    program(tmp_path / "rustc", f"echo {tmp_path}/nothing")
    if rustup:
        program(tmp_path / "rustup", "exit 1")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing, match="standard library for wasm32-unknown-unknown") as caught:
        build(crate(tmp_path / "plugin"))
    assert caught.value.remedy.split()[0] == first_word
    assert "rustup target add wasm32-unknown-unknown" in caught.value.remedy


def program(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)
