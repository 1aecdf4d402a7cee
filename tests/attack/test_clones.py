"""A repository that was cloned brings state: compiled code with its key, a database with grants, the vault's key."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
from tests.attack.commands import Commands, commands

from omnicore.sandbox.capi.code import wat_to_wasm
from omnicore.sandbox.compiler import CodeCache

__all__ = ["commands"]

SAYING = """(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
  (import "extism:host/env" "output_set" (func $set (param i64 i64)))
  (func (export "hello") (result i32) (local $at i64)
    (local.set $at (call $alloc (i64.const 1)))
    (call $store (local.get $at) (i32.const {byte}))
    (call $set (local.get $at) (i64.const 1)) (i32.const 0)))
"""
ASKING = b"""[[capabilities]]
name = "kv"
reason = "to count"
[functions.hello]
"""


def repository(folder: Path, byte: str, sidecar: bytes = b"") -> str:
    """Makes a folder with the plugin `hello`, which outputs one byte; returns the digest of its module."""
    text = SAYING.format(byte=ord(byte)).encode()
    (folder / "plugins").mkdir(parents=True)
    (folder / "plugins" / "hello.wat").write_bytes(text)
    if sidecar:
        (folder / "plugins" / "hello.toml").write_bytes(sidecar)
    return hashlib.sha256(wat_to_wasm(text)).hexdigest()


def as_cloned(folder: Path) -> Path:
    """The folder with the modes that git gives."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


def test_compiled_code_and_its_key_in_a_clone_are_never_loaded(commands: Commands, tmp_path: Path) -> None:
    stranger, clone = tmp_path / "stranger", tmp_path / "clone"
    forged, honest = repository(stranger, "E"), repository(clone, "g")
    for folder in (stranger, clone):
        assert commands("call", "hello.hello", "--data", ".omnicore", folder=folder).code == 0
    code = CodeCache(stranger / ".omnicore" / "code")
    (entry,) = (stranger / ".omnicore" / "code").glob(f"{forged}*.code")
    native = code.get(entry.stem)
    assert native is not None
    code.put(entry.stem.replace(forged, honest), native)
    shutil.rmtree(clone / ".omnicore")
    (clone / ".omnicore").mkdir()
    shutil.move(stranger / ".omnicore" / "code", clone / ".omnicore" / "code")
    as_cloned(clone)
    (clone / ".omnicore" / "code" / "key").chmod(0o600)  # as a careful umask leaves it
    ran = commands("call", "hello.hello", folder=clone)
    assert (ran.code, ran.out) == (0, "g"), ran.err


def test_the_grants_in_a_clone_s_database_do_not_hold(commands: Commands, tmp_path: Path) -> None:
    repository(tmp_path / "clone", "g", ASKING)
    data = ("--data", ".omnicore")
    assert commands("plugins", "grant", "hello", *data, folder=tmp_path / "clone").code == 0
    assert commands("call", "hello.hello", *data, folder=tmp_path / "clone").out == "g"
    ran = commands("call", "hello.hello", folder=as_cloned(tmp_path / "clone"))
    assert (ran.code, ran.out) == (3, ""), ran.err
    assert "omnicore plugins grant hello" in ran.err
    assert "`omnicore import .omnicore` takes it over" in ran.err


@pytest.mark.parametrize("way", ["folder", "link"])
def test_a_clone_s_state_is_refused_even_when_it_is_named(commands: Commands, tmp_path: Path, way: str) -> None:
    repository(tmp_path / "clone", "g", ASKING)
    assert commands("plugins", "grant", "hello", "--data", "state", folder=tmp_path / "clone").code == 0
    if way == "link":
        (tmp_path / "clone" / "data").symlink_to("state")
    else:
        as_cloned(tmp_path / "clone")
    name = "data" if way == "link" else "state"
    ran = commands("call", "hello.hello", "--data", name, folder=tmp_path / "clone")
    assert ran.code == 1
    assert ("is a symbolic link" if way == "link" else "is open to other users") in ran.err


def test_a_plugin_folder_that_leads_out_of_the_clone_is_not_used(commands: Commands, tmp_path: Path) -> None:
    repository(tmp_path / "mine", "g")
    (tmp_path / "clone").mkdir()
    (tmp_path / "clone" / "plugins").symlink_to(tmp_path / "mine" / "plugins")
    ran = commands("plugins", "ls", folder=tmp_path / "clone")
    assert ran.code != 0
    assert "leads out of" in ran.err
    assert commands("trust", "--yes", folder=tmp_path / "clone").code == 0
    assert commands("call", "hello.hello", folder=tmp_path / "clone").out == "g"
