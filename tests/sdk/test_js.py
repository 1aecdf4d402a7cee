"""The kit for JavaScript: its examples build, its types fit, its engine is the one that its sources make."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.toolchains.javascript import build, running

from omnicore.sandbox.inspect import inspect
from omnicore.toolchains.js import ENGINE, LICENSES

ROOT = Path(__file__).resolve().parents[2]
KIT = ROOT / "sdk" / "js"
NODE_TEST = """
import assert from "node:assert/strict";
import { DoorError, config, kv, log } from "omnicore";
import { host } from "omnicore/testing";
import { count, names } from "./kv.mjs";
import { status } from "./http.mjs";

assert.deepEqual([count("a"), count("a"), names()], [1, 2, ["a"]]);
kv.put("raw", new Uint8Array([255]));
assert.deepEqual([host.kv.get("raw").value, [...kv.get("raw").value]], [{ base64: "/w==" }, [255]]);
assert.equal(kv.get("none"), null);
host.settings.word = "hi";
assert.deepEqual([config.get("word"), config.get("other"), config.all()], ["hi", null, { word: "hi" }]);
log.write("info", "m", { fields: { a: 1 } });
assert.deepEqual(host.lines, [{ level: "info", message: "m", fields: { a: 1 } }]);
assert.equal(status("http://x/").refused, "unavailable");
host.answers.http_fetch_v1 = ({ url }) => ({ status: 200, headers: { "content-type": "t" }, body: url });
assert.deepEqual(status("http://x/"), { status: 200, type: "t", length: 9 });
host.answers.kv_get_v1 = () => { throw new DoorError({ code: "permission-denied", message: "no" }); };
assert.throws(() => kv.get("k"), { name: "DoorError", code: "permission-denied" });
host.reset();
assert.deepEqual(names(), []);
console.log("well");
"""
NOUNS = ("config", "connectors", "events", "http", "kv", "log", "memory", "tasks", "vectors")


@pytest.mark.parametrize("noun", NOUNS)
def test_an_example_of_every_noun_builds_and_imports_that_noun(noun: str) -> None:
    info = inspect(build(KIT / "examples" / f"{noun}.js").wasm)
    doors = {one.name.partition("_")[0] for one in info.imports if one.module == "extism:host/user"}
    assert doors - {"clock", "random"} == {noun}


def test_the_example_of_kv_counts() -> None:
    with running(build(KIT / "examples" / "kv.js").wasm, "kv") as js:
        assert [js("count", "visits") for _ in range(3)] == [1, 2, 3]
        assert js("names") == ["visits"]


def test_the_conformance_plugin_is_the_one_that_its_source_makes() -> None:
    kept = (KIT / "conformance" / "dist" / "conformance.wasm").read_bytes()
    module = build(KIT / "conformance").wasm
    assert kept.startswith(module)  # what follows is the manifest


def test_the_engine_imports_the_guest_abi_alone() -> None:
    info = inspect(ENGINE.read_bytes())
    assert {one.module for one in info.imports} == {"extism:host/env", "omnicore:slot"}
    assert info.size_bytes < 1_200_000
    assert "Fabrice Bellard" in LICENSES.read_text("utf-8")


@pytest.mark.toolchain
@pytest.mark.skipif(shutil.which("tsc") is None, reason="no TypeScript here")
def test_types_fit_the_examples(tmp_path: Path) -> None:
    words = ["tsc", "--noEmit", "--checkJs", "--allowJs", "--target", "ES2023"]
    words += [str(KIT / "index.d.ts"), *map(str, sorted((KIT / "examples").glob("*.js")))]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == ""


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node here")
def test_functions_are_tested_without_a_host(tmp_path: Path) -> None:
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "omnicore").symlink_to(KIT)
    (tmp_path / "kv.mjs").write_text((KIT / "examples" / "kv.js").read_text())
    (tmp_path / "http.mjs").write_text((KIT / "examples" / "http.js").read_text())
    (tmp_path / "test.mjs").write_text(NODE_TEST)
    done = subprocess.run(["node", "test.mjs"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("well\n", "")


@pytest.mark.slow
@pytest.mark.toolchain
@pytest.mark.skipif(not os.environ.get("QUICKJS_SDIST"), reason="set QUICKJS_SDIST to the source distribution")
def test_the_engine_is_the_one_that_its_sources_make() -> None:
    before = hashlib.sha256(ENGINE.read_bytes()).hexdigest()
    words = [sys.executable, str(KIT / "engine" / "build.py"), "--sdist", os.environ["QUICKJS_SDIST"]]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert before in done.stdout
