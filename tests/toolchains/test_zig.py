"""A folder or file of Zig becomes a plugin with the compiler of the package ziglang."""

from __future__ import annotations

import importlib.util
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from omnicore.errors import BuildFailed, GuestFailed, GuestTrapped, OmniError, ToolMissing
from omnicore.toolchains import c
from omnicore.toolchains.build import BuiltPlugin, build, sealed
from omnicore.toolchains.languages import kit

needs_zig = pytest.mark.skipif(importlib.util.find_spec("ziglang") is None, reason="the package ziglang is not here")
pytestmark = pytest.mark.toolchain

SOURCE = """const omnicore = @import("omnicore");

pub const panic = omnicore.panic;

comptime {
    omnicore.exports(.{
        .{ .name = "place", .call = place, .doc = "Takes an \\"order\\"." },
        .{ .name = "pick", .call = pick, .doc = "" },
        .{ .name = "fails", .call = fails, .doc = "" },
    });
}

const Order = struct {
    item: []const u8,
    count: u8 = 1,

    pub const docs = .{ .item = "what is bought" };
};

fn place(order: Order) !struct { total: u32 } {
    if (order.count == 0) return omnicore.fail("{s} is sold out", .{order.item});
    return .{ .total = @as(u32, order.count) * 2 };
}

fn pick(text: []const u8) []const u8 {
    const words = [_][]const u8{ "zero", "one" };
    return words[text.len];
}

fn fails() !void {
    return error.NotToday;
}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Makes a folder with this source."""

    def made(text: str = SOURCE, name: str = "shop") -> Path:
        place = tmp_path / name
        place.mkdir()
        (place / "plugin.zig").write_text(text)
        return place

    return made


def built(path: Path) -> BuiltPlugin:
    source = c.ZIG.find(path)
    assert source is not None
    return build(c.ZIG, source, report=lambda line: None)


def test_folders_and_files_of_zig_are_found(folder):
    place = folder()
    (place / "other.zig").write_text(SOURCE)
    found = [c.ZIG.find(path) for path in (place, place / "plugin.zig", place / "other.zig")]
    assert [source.name for source in found] == ["shop", "shop", "other"]
    assert c.ZIG.find(place.parent) is None


@needs_zig
def test_functions_are_typed_and_what_goes_wrong_is_a_text(folder):
    plugin = built(folder())
    functions = {one.name: one for one in plugin.manifest.functions}
    assert functions["place"].description == 'Takes an "order".'
    assert functions["place"].input == {
        "type": "object",
        "required": ["item"],
        "additionalProperties": False,
        "properties": {
            "item": {"type": "string", "description": "what is bought"},
            "count": {"type": "integer", "minimum": 0, "maximum": 255, "default": 1},
        },
    }
    assert (functions["pick"].input_media, functions["pick"].output_media) == ("text/plain", "text/plain")
    assert plugin.imports.wasi == plugin.imports.others == ()

    def call(function: str, text: str = "") -> str:
        template = sealed(plugin.wasm)
        instance = template.instance()
        try:
            return bytes(instance.call(function, text.encode())).decode()
        finally:
            instance.close()
            template.close()

    assert json.loads(call("place", '{"item": "tea", "count": 3}')) == {"total": 6}
    assert call("pick", "1") == "one"
    for function, text, told in (
        ("place", '{"item": "tea", "count": 0}', "tea is sold out"),
        ("place", "{}", "the input does not fit: MissingField"),
        ("fails", "", "NotToday"),
        ("pick", "12", "index out of bounds: index 2, len 2"),
    ):
        with pytest.raises((GuestFailed, GuestTrapped), match=told):
            call(function, text)


@needs_zig
def test_the_same_source_gives_the_same_bytes_in_another_folder(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    one, two = folder(), folder(name="elsewhere/shop")
    wasm = built(one).wasm
    assert wasm == built(two).wasm
    assert str(tmp_path).encode() not in wasm


@needs_zig
def test_an_error_of_the_compiler_is_shown_with_its_line(folder):
    with pytest.raises(BuildFailed, match=r"plugin\.zig:1:\d+: error: "):
        built(folder("const a: u8 = 300; comptime { _ = a; }"))


def test_a_missing_compiler_is_named_with_the_command_that_brings_it(folder, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ToolMissing) as caught:
        built(folder())
    assert isinstance(caught.value, OmniError)
    assert "pip install 'omnicore[zig]'" in caught.value.remedy


def test_the_compiler_keeps_its_things_where_it_can_write(monkeypatch, tmp_path):
    monkeypatch.setenv("ZIG_GLOBAL_CACHE_DIR", str(tmp_path / "given"))
    assert c.environment()["ZIG_LOCAL_CACHE_DIR"] == str(tmp_path / "given")
    monkeypatch.delenv("ZIG_GLOBAL_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert c.environment()["ZIG_GLOBAL_CACHE_DIR"] == str(tmp_path / "omnicore" / "zig")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert c.environment()["ZIG_GLOBAL_CACHE_DIR"].startswith(tempfile.gettempdir())


def test_what_new_copies_is_there():
    assert all((kit("zig") / part).exists() for part in c.ZIG.kit_files)
