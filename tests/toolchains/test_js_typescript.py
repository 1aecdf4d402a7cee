"""TypeScript and npm packages are bundled by esbuild; errors show the lines of the author's own files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.toolchains.javascript import build, running

from omnicore.errors import BuildFailed, GuestFailed
from omnicore.sandbox.inspect import inspect
from omnicore.toolchains.js import stretches
from omnicore.toolchains.languages import Built

PLUGIN = """
import { describe, kv } from "omnicore";
import { inner } from "./lib/inner";
import twice from "twice";

interface Point {
  readonly x: number;
}

export function double(point: Point): Point {
  return { x: twice(point.x) };
}
describe(double, { input: { type: "object" }, output: { type: "object" } });

export const boom = (n: number): never => inner<number>(n);
export const outside = (): void => twice(null);
export const keep = (x: string): number => kv.put("k", x);
"""
INNER = """type Anything<T> = T | undefined;

export function inner<T>(value: Anything<T>): never {
  const text: string = `too ${value}`;
  throw new RangeError(text);
}
"""
TWICE = "exports.default = module.exports = (n) => { if (n === null) throw new Error('nothing'); return 2 * n; };"


@pytest.fixture(scope="module")
def esbuild(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which esbuild is found."""
    given = shutil.which("esbuild")
    if not given:
        pytest.skip("no esbuild here: `npm install esbuild`, then put node_modules/.bin on PATH")
    folder = tmp_path_factory.mktemp("typescript")
    (folder / "node_modules" / ".bin").mkdir(parents=True)
    (folder / "node_modules" / ".bin" / "esbuild").symlink_to(Path(given).resolve())
    return folder


def write(folder: Path, name: str) -> Path:
    """A plugin with a file and a package of its own."""
    place = folder / name
    (place / "lib").mkdir(parents=True)
    (place / "plugin.ts").write_text(PLUGIN)
    (place / "lib" / "inner.ts").write_text(INNER)
    (place / "node_modules" / "twice").mkdir(parents=True)
    (place / "node_modules" / "twice" / "package.json").write_text(json.dumps({"name": "twice", "main": "twice.js"}))
    (place / "node_modules" / "twice" / "twice.js").write_text(TWICE)
    return place


@pytest.fixture(scope="module")
def plugin(esbuild: Path) -> Built:
    return build(write(esbuild, "one"))


@pytest.mark.toolchain
def test_a_plugin_in_typescript_runs_with_its_packages(plugin: Built) -> None:
    assert plugin.described["functions"]["double"]["input"] == {"type": "object"}
    doors = {one.name.partition("_")[0] for one in inspect(plugin.wasm).imports if one.module == "extism:host/user"}
    assert doors == {"kv"}
    with running(plugin.wasm, "kv") as js:
        assert js("double", {"x": 21}) == {"x": 42}
        assert js("keep", "v") == 1
        with pytest.raises(GuestFailed) as caught:
            js("boom", 7)
        lines = str(caught.value).splitlines()
        assert lines[0] == "RangeError: too 7"
        assert lines[1].startswith("    at inner (lib/inner.ts:5:")
        assert lines[2].startswith("    at boom (plugin.ts:15:")
        with pytest.raises(GuestFailed, match=r"Error: nothing\n    at .*plugin.js:\d+:\d+"):
            js("outside")


@pytest.mark.toolchain
def test_the_same_sources_give_the_same_bytes_in_another_place(esbuild: Path, plugin: Built) -> None:
    assert build(write(esbuild / "deeper" / "still", "two")).wasm == plugin.wasm


@pytest.mark.toolchain
def test_what_does_not_bundle_says_where(esbuild: Path) -> None:
    place = write(esbuild, "three")
    (place / "plugin.ts").write_text("export const f = (x: number) => {\n  return x +;\n};\n")
    with pytest.raises(BuildFailed, match=r"plugin.ts:2:12"):
        build(place)
    for gone, fact, remedy in (
        ("gone", "plugin.ts:1:7: there is no package gone", "run `npm install gone` in three"),
        ("@of/it/deep", "plugin.ts:1:7: there is no package @of/it", "run `npm install @of/it` in three"),
        ("./gone", "plugin.ts:1:7: there is no ./gone", "fix the path"),
        ("fs", "plugin.ts:1:7: fs is a part of Node, which no plugin has", "use what sdk/js/README.md lists"),
    ):
        (place / "plugin.ts").write_text(f'import "{gone}"; export const f = (x: number) => x;')
        with pytest.raises(BuildFailed) as caught:
            build(place)
        assert caught.value.fact == fact
        assert caught.value.remedy is not None
        assert caught.value.remedy.startswith(remedy)
    (place / "plugin.ts").write_text("\n\nconst n: number = 1;\nthrow new Error(`top ${n}`);")
    with pytest.raises(BuildFailed, match=r"Error: top 1\n    at .*plugin.ts:4:"):
        build(place)


@pytest.mark.toolchain
def test_plain_javascript_is_bundled_when_it_imports_a_package(esbuild: Path) -> None:
    place = write(esbuild, "four")
    (place / "plugin.ts").unlink()
    (place / "plugin.js").write_text('const twice = require("twice"); exports.f = (n) => twice(n);')
    with running(build(place).wasm) as js:
        assert js("f", 4) == 8


def test_a_source_map_becomes_plain_numbers_of_own_files() -> None:
    found = stretches("AAAA;AACA,SCDM;;ADEN", ["plugin.ts", "node_modules/p/i.js"])
    assert found["sources"] == ["plugin.ts"]
    rows = [found["stretches"][at : at + 5] for at in range(0, len(found["stretches"]), 5)]
    assert [row[:3] for row in rows] == [[1, 1, 0], [2, 1, 0], [2, 10, -1], [4, 1, 0]]
    assert rows[1][3:] == [2, 1]


TYPED = """
import { describe } from "omnicore";

/** A place. */
interface Point {
  /**
   * to the right
   * @minimum 0
   * @integer
   */
  x: number;
  y?: number;
}
type Tree = { name: string; kind: "leaf" | "branch" | null; below: Tree[]; tags: Record<string, number> };

/** Doubles a point. */
export async function double(point: Point): Promise<Point> { return { x: 2 * point.x }; }
export const size = (text: string): number => text.length;
export const turned = (bytes: Uint8Array): Uint8Array => bytes.reverse();
export const depth = (tree: Tree): [number, boolean] => [1 + tree.below.length, tree.kind === null];
export const when = (day: Date): void => undefined;
export function said(point: Point): Point { return point; }
describe(said, { input: "bytes", description: "Described." });
"""


def test_types_of_functions_become_their_schemas(esbuild: Path, tmp_path: Path) -> None:
    if not shutil.which("tsc") or not shutil.which("node"):
        pytest.skip("no TypeScript here: `npm install typescript`, then put node_modules/.bin on PATH")
    folder = esbuild / "typed"
    folder.mkdir()
    (folder / "plugin.ts").write_text(TYPED)
    made = build(folder)
    found = made.described["functions"]
    point = {
        "type": "object",
        "required": ["x"],
        "properties": {
            "x": {"type": "integer", "description": "to the right", "minimum": 0},
            "y": {"type": "number"},
        },
    }
    whole = {"$ref": "#/$defs/Point", "$defs": {"Point": point}}
    assert found["double"]["description"] == "Doubles a point."
    assert (found["double"]["input"], found["double"]["output"]) == (whole, whole)
    assert (found["size"]["input_media"], found["size"]["output"]) == ("text/plain", {"type": "number"})
    assert found["turned"]["input_media"] == found["turned"]["output_media"] == "application/octet-stream"
    tree = found["depth"]["input"]["$defs"]["Tree"]["properties"]
    assert tree["kind"] == {"anyOf": [{"enum": ["leaf", "branch"]}, {"type": "null"}]}
    assert tree["below"] == {"type": "array", "items": {"$ref": "#/$defs/Tree"}}
    assert tree["tags"] == {"type": "object", "additionalProperties": {"type": "number"}}
    assert found["depth"]["output"]["prefixItems"] == [{"type": "number"}, {"type": "boolean"}]
    assert "input" not in found["when"]
    assert (found["said"]["description"], "input" in found["said"]) == ("Described.", False)
    assert found["said"]["output"] == whole
    with running(made.wasm) as js:
        assert js.raw("size", b"17") == b"2"
