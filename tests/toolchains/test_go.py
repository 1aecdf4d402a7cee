"""A folder or file of Go becomes a plugin with Go's own compiler."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from omnicore.errors import BuildFailed, OmniError, ToolMissing
from omnicore.sandbox.inspect import inspect
from omnicore.toolchains import go
from omnicore.toolchains.build import BuiltPlugin, build, sealed
from omnicore.toolchains.languages import kit

needs_go = pytest.mark.skipif(shutil.which("go") is None, reason="there is no Go on this machine")
pytestmark = pytest.mark.toolchain

SOURCE = """package main

import (
	"errors"

	"omnicore.example/sdk/kv"
)

// Order is what somebody buys.
type Order struct {
	Item  string `json:"item" min:"1" doc:"what is bought"`
	Count int    `json:"count" max:"9" default:"1"`
}

// Place takes an order.
//
//omnicore:export
func Place(order Order) (int, error) {
	if order.Item == "air" {
		return 0, errors.New("we have no air")
	}
	_, err := kv.Put(order.Item, nil, nil)
	return order.Count, err
}

//omnicore:export
func Pick(at int) string { return []string{"one"}[at] }
"""
MODULE = """module plugins/shop

go 1.24

require omnicore.example/sdk v0.0.0

require github.com/extism/go-pdk v1.1.3 // indirect

replace omnicore.example/sdk => ./sdk
"""


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Path]:
    """Makes a folder as `omnicore new` does, with this source."""

    def made(source: str = SOURCE, name: str = "shop") -> Path:
        folder = tmp_path / name
        for part in go.TOOLCHAIN.kit_files:
            place = folder / "sdk" / part
            place.parent.mkdir(parents=True, exist_ok=True)
            origin = kit("go") / part
            (shutil.copytree if origin.is_dir() else shutil.copyfile)(origin, place)
        (folder / "go.mod").write_text(MODULE)
        shutil.copyfile(kit("go") / "go.sum", folder / "go.sum")
        (folder / "main.go").write_text(source)
        return folder

    return made


def built(path: Path) -> BuiltPlugin:
    source = go.TOOLCHAIN.find(path)
    assert source is not None
    return build(go.TOOLCHAIN, source, report=lambda line: None)


@contextmanager
def caller(plugin: BuiltPlugin) -> Iterator[Callable[[str, Any], bytes]]:
    template = sealed(plugin.wasm)
    instance = template.instance()
    try:
        yield lambda function, value: instance.call(function, json.dumps(value).encode())
    finally:
        instance.close()
        template.close()


@needs_go
def test_comments_and_types_become_the_manifest_and_only_used_doors_are_imported(project):
    plugin = built(project())
    place = next(one for one in plugin.manifest.functions if one.name == "place")
    assert place.description == "Place takes an order."
    assert place.input == {
        "type": "object",
        "additionalProperties": False,
        "required": ["item"],
        "properties": {
            "item": {"type": "string", "minLength": 1, "description": "what is bought"},
            "count": {"type": "integer", "maximum": 9, "default": 1},
        },
    }
    assert plugin.imports.doors == {"kv": ("kv_put_v1",)}


@needs_go
def test_errors_and_panics_reach_the_caller_as_text(project):
    with caller(built(project())) as call:
        with pytest.raises(OmniError, match="we have no air"):
            call("place", {"item": "air"})
        with pytest.raises(OmniError, match=r"panic: .*index out of range \[4\] with length 1 \(main\.go:27\)"):
            call("pick", 4)
        assert call("pick", 0) == b"one"  # the instance lives on after a panic


@needs_go
def test_the_same_source_gives_the_same_bytes_in_any_folder_and_under_any_setting(project, monkeypatch):
    first = built(project(name="first"))
    monkeypatch.setenv("GOFLAGS", "-ldflags=-X=main.x=1")
    monkeypatch.setenv("GOARCH", "arm64")
    assert (project(name="second") / "omnicore_exports.go").exists() is False
    second = project(name="third")
    module = go.TOOLCHAIN.build(go.TOOLCHAIN.find(second), lambda line: None)
    again = go.TOOLCHAIN.build(go.TOOLCHAIN.find(second.parent / "first"), lambda line: None)
    assert module.wasm == again.wasm
    assert str(second).encode() not in first.wasm


@needs_go
def test_the_exports_follow_the_marks_and_are_left_alone_when_they_are_right(project):
    folder = project()
    built(folder)
    exports = folder / "omnicore_exports.go"
    os.utime(exports, (1, 1))
    built(folder)
    assert exports.stat().st_mtime == 1
    (folder / "main.go").write_text("package main\n")
    assert "omnicore.Describe()" in " ".join(_text_after_build(folder).split())


def _text_after_build(folder: Path) -> str:
    go.TOOLCHAIN.build(go.TOOLCHAIN.find(folder), lambda line: None)
    return (folder / "omnicore_exports.go").read_text()


@needs_go
def test_one_file_needs_no_module_of_its_own(tmp_path):
    file = tmp_path / "greeter.go"
    file.write_text("package main\n\n//omnicore:export\nfunc Greet(name string) string { return `Hello, ` + name }\n")
    plugin = built(file)
    assert plugin.manifest.name == "greeter"
    assert list(tmp_path.iterdir()) == [file]
    assert {item.name for item in inspect(plugin.wasm).exports} >= {"greet", "__omnicore_describe"}


@needs_go
def test_a_source_that_does_not_compile_is_told_with_its_line(project):
    with pytest.raises(BuildFailed, match=r"main\.go:4:2"):
        built(project("package main\n\nfunc f() {\n\tmissing()\n}\n"))
    with pytest.raises(BuildFailed, match=r"Two cannot be exported; write `func Two"):
        built(project("package main\n\n//omnicore:export\nfunc Two(a, b int) {}\n", "two"))
    with pytest.raises(BuildFailed, match="exactly one main package"):
        built(project("package shop\n", "library"))


@needs_go
def test_a_folder_whose_copy_of_the_kit_has_the_path_of_before_still_builds(project):
    folder = project()
    for file in (path for path in folder.rglob("*") if path.suffix in (".go", ".mod")):
        file.write_text(file.read_text().replace(go.kit_path(), "omnicore/sdk"))
    assert {one.name for one in built(folder).manifest.functions} == {"place", "pick"}


def test_folders_and_files_of_go_are_recognised(tmp_path):
    (tmp_path / "main.go").write_text("package main\n")
    assert go.TOOLCHAIN.find(tmp_path) is None
    (tmp_path / "go.mod").write_text("module m\n")
    assert go.TOOLCHAIN.find(tmp_path).name == tmp_path.name
    assert go.TOOLCHAIN.find(tmp_path / "main.go").name == tmp_path.name
    assert go.TOOLCHAIN.find(tmp_path / "go.mod") is None


def test_a_missing_or_old_go_is_named_with_the_command_that_brings_one(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.path", [])
    with pytest.raises(ToolMissing, match=r"not on this machine; pip install 'omnicore\[go\]'"):
        go.compiler()
    old = tmp_path / "go"
    old.write_text("#!/bin/sh\necho go1.19.8\n")
    old.chmod(0o755)
    with pytest.raises(ToolMissing, match=r"is Go 1\.19; pip install"):
        go.compiler()
    package = tmp_path / "site" / "go" / "bin"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").touch()
    newer = package / "go"
    newer.write_text("#!/bin/sh\necho go1.30\n")
    newer.chmod(0o755)
    monkeypatch.setattr("sys.path", [str(tmp_path / "site")])
    assert go.compiler() == str(newer)
