"""The Rust kit: functions that describe themselves, errors and panics as text, examples, and its own tests."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from sdk.generate.contract import load

from omnicore.errors import GuestFailed, OmniError
from omnicore.plugins.manifest import read_manifest
from omnicore.plugins.schemas import problems_of_schema
from omnicore.sandbox.engine import Template
from omnicore.sandbox.inspect import inspect
from omnicore.toolchains.build import BuiltPlugin, build, sealed
from omnicore.toolchains.languages import find_source, kit_files

ROOT = Path(__file__).parents[2]
KIT = ROOT / "sdk" / "rust"
TEMPLATE = ROOT / "host" / "omnicore" / "cli" / "templates" / "plugin-rust"

pytestmark = [
    pytest.mark.skipif(shutil.which("cargo") is None, reason="no cargo here: install Rust"),
    pytest.mark.slow,
    pytest.mark.toolchain,
    pytest.mark.timeout(600),  # the first build compiles some forty crates
]

GUEST = """
use std::collections::BTreeMap;

use omnicore::{bail, json, Context, DoorError, Json, Result};

/// The length of
/// some bytes.
///
/// More about it.
#[omnicore::function]
fn length(bytes: &[u8]) -> String {
    bytes.len().to_string()
}

#[omnicore::function]
fn turned(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.reverse();
    bytes
}

/// A shape.
#[omnicore::data]
#[serde(deny_unknown_fields)]
struct Shape {
    /// Its corners.
    #[schemars(length(min = 3))]
    corners: Vec<Corner>,
    #[serde(default)]
    kind: Kind,
    by_number: BTreeMap<u8, f32>,
}

#[omnicore::data]
struct Corner {
    x: i64,
}

#[omnicore::data]
#[derive(Default)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    Flat,
    Solid,
}

#[omnicore::function]
fn same(shape: Shape) -> Result<Shape> {
    Ok(shape)
}

#[omnicore::function]
fn corners(shape: &Shape) -> usize {
    shape.corners.len()
}

#[omnicore::function]
fn any(value: Option<Json>) -> Json {
    json!([value])
}

#[omnicore::function]
fn r#move() {}

#[omnicore::function]
fn fails(text: String) -> Result<()> {
    match text.as_str() {
        "door" => Err(DoorError { remedy: Some("wait".into()), ..refused() })?,
        "empty" => bail!(""),
        _ => Err(refused()).context("while it was tried")?,
    }
    Ok(())
}

#[omnicore::function]
fn plain_text_fails() -> std::result::Result<String, &'static str> {
    Err("so it is")
}

#[omnicore::function]
fn panics(text: &str) -> String {
    text[..3].to_string()
}

fn refused() -> DoorError {
    DoorError { code: "capacity-reached".into(), message: "the host is busy".into(), ..Default::default() }
}
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Iterator[Path]:
    """A copy of the kit, and one target folder: crates are compiled once for all. Nothing is downloaded."""
    folder = tmp_path_factory.mktemp("rust")
    carry_kit(folder / "kit")
    shutil.copytree(KIT / "tests", folder / "kit" / "tests")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARGO_TARGET_DIR", str(folder / "target"))
        patch.setenv("CARGO_NET_OFFLINE", "true")
        if subprocess.run(["cargo", "fetch"], cwd=folder / "kit", capture_output=True).returncode:
            pytest.skip("the crates of sdk/rust are not on this machine: run `cargo fetch` there")
        yield folder


@pytest.fixture(scope="module")
def guest(shared) -> BuiltPlugin:
    folder = shared / "guest"
    template(folder, "guest")
    (folder / "src" / "lib.rs").write_text(GUEST)
    (folder / "plugin.toml").unlink()
    return built(folder)


@pytest.fixture(scope="module")
def running(guest) -> Iterator[Template]:
    opened = sealed(guest.wasm)
    yield opened
    opened.close()


def carry_kit(folder: Path) -> None:
    for name in kit_files("rust"):
        source, target = KIT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copyfile(source, target)


def template(folder: Path, name: str) -> None:
    shutil.copytree(TEMPLATE, folder)
    for path in folder.rglob("*.*"):
        path.write_text(path.read_text().replace("@name@", name))
    carry_kit(folder / "sdk")


def built(folder: Path) -> BuiltPlugin:
    toolchain, source = find_source(folder)
    return build(toolchain, source, report=lambda line: None)


def functions(plugin: BuiltPlugin) -> Mapping[str, Any]:
    return {one.name: one for one in plugin.manifest.functions}


def call(running: Template, name: str, data: bytes = b"") -> bytes:
    instance = running.instance()
    try:
        return instance.call(name, data)
    finally:
        instance.close()


def failure(running: Template, name: str, data: bytes = b"") -> str:
    with pytest.raises(OmniError) as caught:
        call(running, name, data)
    return str(caught.value)


def test_the_template_builds_describes_itself_and_works(shared):
    template(shared / "hello", "hello")
    plugin = built(shared / "hello")
    assert (plugin.manifest.name, plugin.manifest.version, plugin.warnings) == ("hello", "0.1.0", ())
    shout, greet = (functions(plugin)[name] for name in ("shout", "greet"))
    assert (shout.description, shout.input_media, shout.input) == (
        "The text in capital letters.",
        "text/plain",
        {"type": "string"},
    )
    assert greet.input["properties"] == {"name": {"type": "string", "description": "Who is greeted."}}
    assert greet.output["required"] == ["greeting"]
    assert plugin.imports.doors == {"config": ("config_get_v1",)}
    assert b"/registry/" not in plugin.wasm
    assert str(shared).encode() not in plugin.wasm
    opened = sealed(plugin.wasm)
    assert call(opened, "shout", "grün".encode()) == "GRÜN".encode()
    opened.close()
    subprocess.run(["cargo", "test", "--quiet"], cwd=shared / "hello", check=True, capture_output=True)


def test_callers_see_functions_and_not_what_describes_them(guest):
    names = {"length", "turned", "same", "corners", "any", "move", "fails", "plain_text_fails", "panics"}
    assert set(functions(guest)) == names
    exports = {one.name for one in inspect(guest.wasm).exports}
    assert "__omnicore_describe_length" in exports
    inferred = read_manifest("guest", inspect(guest.wasm), sidecar=b"", sidecar_path="guest.toml")
    assert {one.name for one in inferred.functions} == names


def test_the_first_paragraph_of_a_comment_is_the_description(guest):
    assert functions(guest)["length"].description == "The length of some bytes."
    assert functions(guest)["same"].description == ""


def test_types_become_schemas_that_a_host_takes(guest):
    same = functions(guest)["same"]
    assert same.input["additionalProperties"] is False
    assert same.input["required"] == ["corners", "by_number"]
    assert same.output["required"] == ["corners", "kind", "by_number"]
    assert same.input["properties"]["corners"]["minItems"] == 3
    assert same.input["properties"]["by_number"]["additionalProperties"] == {"type": "number"}
    for function in guest.manifest.functions:
        for schema in filter(None, (function.input, function.output)):
            assert list(problems_of_schema(schema, timeout_s=2)) == []


def test_media_types_are_those_of_the_types(guest):
    shown = {one.name: (one.input_media, one.output_media) for one in guest.manifest.functions}
    assert shown["length"] == ("application/octet-stream", "text/plain")
    assert shown["turned"] == ("application/octet-stream", "application/octet-stream")
    assert shown["any"] == ("application/json", "application/json")
    assert shown["plain_text_fails"] == ("application/octet-stream", "text/plain")


def test_text_bytes_and_json_cross_the_border(running):
    assert call(running, "length", b"\xff\x00x") == b"3"
    assert call(running, "turned", b"\xff\x00") == b"\x00\xff"
    shape = {"corners": [{"x": -1}], "by_number": {"7": 0.5}}
    assert json.loads(call(running, "same", json.dumps(shape).encode())) == {**shape, "kind": "flat"}
    assert call(running, "corners", json.dumps(shape).encode()) == b"1"
    assert call(running, "any") == b"[null]"
    assert call(running, "any", b"[1]") == b"[[1]]"
    assert call(running, "move", b"ignored") == b""


def test_input_of_another_shape_says_so(running):
    assert "the input is not what the function takes: missing field" in failure(running, "same", b"{}")
    assert "no UTF-8" in failure(running, "fails", b"\xff")


def test_errors_reach_the_caller_as_text(running):
    assert "the host is busy; wait" in failure(running, "fails", b"door")
    assert "while it was tried: the host is busy" in failure(running, "fails", b"")
    assert "did not say why" in failure(running, "fails", b"empty")
    assert "so it is" in failure(running, "plain_text_fails")


def test_a_panic_reaches_the_caller_with_its_place(running):
    text = failure(running, "panics", b"ab")
    assert "panicked at src/lib.rs:" in text
    assert "end byte index 3 is out of bounds" in text
    with pytest.raises(GuestFailed):
        call(running, "panics", b"ab")


def test_every_example_compiles_and_uses_its_door(shared):
    folder = shared / "examples"
    shutil.copytree(KIT / "examples", folder)
    carry_kit(folder / "sdk")
    cargo = folder / "Cargo.toml"
    cargo.write_text(cargo.read_text().replace('path = ".."', 'path = "sdk"'))
    plugin = built(folder)
    assert set(plugin.imports.doors) == {door.name for door in load().doors}
    assert {path.stem for path in folder.glob("*.rs")} == {*plugin.imports.doors, "lib"}
    assert all(function.description for function in plugin.manifest.functions)


def test_the_kit_passes_its_own_tests(shared):
    for folder in (shared / "kit", shared / "kit" / "macros"):
        done = subprocess.run(["cargo", "test", "--quiet"], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "warning" not in done.stderr
