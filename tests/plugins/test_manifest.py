from __future__ import annotations

import pytest
from tests.plugins.guests import ECHO, MOODY, with_manifest

from omnicore.errors import ManifestInvalid
from omnicore.plugins.manifest import Manifest, callable_exports, read_manifest
from omnicore.sandbox.abi import Limits, WasiGrant
from omnicore.sandbox.capi.code import wat_to_wasm
from omnicore.sandbox.inspect import ModuleInfo, inspect

FULL = b"""
name = "counter"
version = "1.2.0"
description = "Counts"
author = "Ann"
warm = 2
threads = true
wasi = { args = ["a"], env = { K = "v" } }

[functions.echo]
description = "Gives back"
input = { type = "object" }
output_media = "text/plain"

[[capabilities]]
name = "kv"
reason = "Stores the count"
scope = { max_keys = 5 }

[config]
type = "object"
properties = { step = { type = "integer", default = 1 } }

[limits]
timeout_s = 0.5
"""


def info(text: str = ECHO) -> ModuleInfo:
    return inspect(wat_to_wasm(text.encode()))


def sidecar(text: bytes, module: ModuleInfo | None = None) -> Manifest:
    return read_manifest("file", module or info(), sidecar=text, sidecar_path="file.toml")


def test_a_module_without_a_manifest_offers_its_exports() -> None:
    manifest = read_manifest("Count_Vowels", info(MOODY), sidecar=None)
    assert manifest.name == "count-vowels"
    assert [one.name for one in manifest.functions] == ["trap", "spin", "fail", "well", "maybe"]
    assert manifest.functions[0].input_media == "application/octet-stream"
    assert manifest.source == "inferred"
    assert manifest.wasi is None


def test_a_sidecar_says_everything() -> None:
    manifest = sidecar(FULL)
    assert (manifest.name, manifest.version, manifest.author) == ("counter", "1.2.0", "Ann")
    assert (manifest.warm, manifest.threads, manifest.source) == (2, True, "sidecar")
    assert manifest.wasi == WasiGrant(arguments=("a",), environment={"K": "v"})
    echo = manifest.functions[0]
    assert (echo.input_media, echo.output_media) == ("application/json", "text/plain")
    assert manifest.capabilities[0].scope == {"max_keys": 5}
    assert manifest.limits == {"timeout_s": 0.5}


def test_a_manifest_survives_the_catalogue() -> None:
    for manifest in (sidecar(FULL), read_manifest("echo", info(), sidecar=None)):
        assert Manifest.from_json(manifest.to_json()) == manifest


def test_an_embedded_manifest_counts_where_there_is_no_sidecar() -> None:
    module = inspect(with_manifest(ECHO, {"name": "inside", "version": "2"}))
    assert read_manifest("file", module, sidecar=None).name == "inside"
    assert read_manifest("file", module, sidecar=None).source == "embedded"
    assert read_manifest("file", module, sidecar=b'name = "beside"').name == "beside"


def test_what_a_sidecar_does_not_speak_of_is_told_by_the_module() -> None:
    module = inspect(with_manifest(ECHO, b'{"version": "1", "functions": {"echo": {"description": "Gives back"}}}'))
    manifest = sidecar(b'description = "Mine"', module)
    assert (manifest.version, manifest.description, manifest.source) == ("1", "Mine", "sidecar")
    assert manifest.functions[0].description == "Gives back"
    manifest = sidecar(b'[functions.echo]\ndescription = "Other"', module)
    assert manifest.functions[0].description == "Other"


def test_what_a_plugin_asks_for_its_sidecar_alone_decides() -> None:
    module = inspect(with_manifest(ECHO, b'{"capabilities": [{"name": "kv", "reason": "r"}], "limits": {"fuel": 5}}'))
    manifest = sidecar(b'version = "2"', module)
    assert (manifest.capabilities, manifest.limits) == ((), None)


def test_embedded_functions_are_checked_beside_a_sidecar() -> None:
    module = inspect(with_manifest(ECHO, b'{"functions": {"gone": {}}}'))
    with pytest.raises(ManifestInvalid, match=r"file\.wasm \(omnicore:manifest\).*no such function"):
        sidecar(b'version = "2"', module)


def test_wasi_is_inferred_from_the_imports() -> None:
    text = """(module (import "wasi_snapshot_preview1" "sched_yield" (func (result i32)))
      (func (export "_start")))"""
    assert read_manifest("x", info(text), sidecar=None).wasi == WasiGrant()
    assert sidecar(b'description = "d"', info(text)).wasi == WasiGrant()
    assert sidecar(b"wasi = false", info(text)).wasi is None
    assert sidecar(b"wasi = true").wasi == WasiGrant()


def test_a_command_offers_its_start_and_a_library_does_not() -> None:
    assert callable_exports(info('(module (func (export "_start")))')) == ("_start",)
    assert callable_exports(info('(module (func (export "_start")) (func (export "run")))')) == ("run",)


def test_what_toolchains_export_for_themselves_is_no_function() -> None:
    text = """(module (func $f) (func $g (param i32)) (export "_initialize" (func $f))
      (export "__wasm_call_ctors" (func $f)) (export "free" (func $g)) (export "hs_init" (func $f))
      (export "asyncify_stop_unwind" (func $f))
      (export "go" (func $f)) (export "with space" (func $f)) (memory (export "memory") 0))"""
    assert callable_exports(info(text)) == ("go",)


INVALID = [
    (b'nam = "x"', 1, "nam: is no known key; did you mean 'name'?"),
    (b'\n\nname = "No"', 3, "name: 'No' does not match"),
    (b'name = """x\n"""', 1, "name: is no name a plugin can have"),
    (b"[functions.echo]\ninput = 3", 2, "functions.echo.input: 3 is not of type 'object'"),
    (b'[functions.echo]\ninput = { type = "objekt" }', 2, "functions.echo.input.type"),
    (
        b'[functions.nope]\ndescription = ""',
        1,
        "functions.nope: the module has no such function to call; it has echo",
    ),
    (b'[[capabilities]]\nname = "kv"', 1, "capabilities[0]: lacks reason"),
    (b'[[capabilities]]\nname = "kv"\nreason = " "', 3, "capabilities[0].reason"),
    (
        b'[[capabilities]]\nname = "evnts"\nreason = "r"',
        2,
        "capabilities[0].name: there is no capability 'evnts'; did you mean 'events'?",
    ),
    (b'[[capabilities]]\nname = "Big Fs"\nreason = "r"', 2, "capabilities[0].name: 'Big Fs' does not match"),
    (b'[[capabilities]]\nname = "http"\nreason = "r"', 1, "capabilities[0]: lacks scope"),
    (
        b'[[capabilities]]\nname = "kv"\nreason = "r"\n[[capabilities]]\nname = "kv"\nreason = "r"',
        5,
        "capabilities[1].name: kv is asked for twice",
    ),
    (
        b'[[capabilities]]\nname = "kv"\nreason = "r"\n[capabilities.scope]\nmax_kees = 3',
        5,
        "capabilities[0].scope.max_kees: is no known key; did you mean 'max_keys'?",
    ),
    (
        b'[[capabilities]]\nname = "events"\nreason = "r"\n[capabilities.scope]\ntopics = ["a b"]',
        5,
        "capabilities[0].scope.topics",
    ),
    (b"[limits]\nfuel = 0", 2, "limits.fuel: 0 is less than the minimum of 1"),
    (b"warm = 1.5", 1, "warm: 1.5 is not of type 'integer'"),
    (b"[limits]\ntimeout_s = inf", 2, "limits.timeout_s: must be a finite number"),
    (b"[config]\ndefault = 1979-05-27", 2, "config.default: dates and times are not taken"),
    (b"x = [1,\n2", 2, "no valid TOML: Unclosed array"),
    (b"a = 1\nb == 2", 2, "no valid TOML"),
    (b"name = 'x'\n\xff", 2, "is not UTF-8 text"),
    (b"x = " + b"[" * 100 + b"]" * 100, 1, "x" + "[0]" * 32 + ": nested deeper than 32"),
    (b"x = " + b"[" * 20_000, 1, "nested too deep"),
    (b"\n" + b"a." * 50_000 + b"b = 1", 2, "more than 300 dots on one line"),
    (b"#" * (256 * 1024 + 1), 1, "has 262145 bytes where 262144 are allowed"),
]


@pytest.mark.parametrize(("text", "line", "message"), INVALID, ids=[one[2][:40] for one in INVALID])
def test_what_is_wrong_is_said_with_path_and_line(text: bytes, line: int, message: str) -> None:
    with pytest.raises(ManifestInvalid) as caught:
        sidecar(text)
    assert str(caught.value).startswith(f"file.toml:{line}: {message}"), str(caught.value)
    assert caught.value.details["path"] == "file.toml"
    assert caught.value.details["line"] == line
    assert "correct the manifest" in caught.value.remedy


def test_all_problems_are_listed_in_the_order_of_the_file() -> None:
    with pytest.raises(ManifestInvalid, match="2 more problems follow") as caught:
        sidecar(b'warm = -1\nversion = ""\nbogus = 1\n')
    assert [(one["line"], one["path"]) for one in caught.value.details["problems"]] == [
        (1, "warm"),
        (2, "version"),
        (3, "bogus"),
    ]


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (b'{"name": "x",\n "warm": "y"}', 2, "warm: 'y' is not of type 'integer'"),
        (b'{"name":\n\n nope}', 3, "no valid JSON"),
        (b"[1]", 1, "must be an object"),
        (b"[" * 200_000, 1, "nested too deep"),
        (b'{"config": ' + b'{"not": ' * 500 + b"{}" + b"}" * 501, 1, "nested too deep"),
        (b'{"name": NaN}', 1, "name: must be a finite number"),
        (b'{"warm": ' + b"9" * 5000 + b"}", 1, "no valid JSON"),
        (b" " * 300_000, 1, "has 262145 bytes"),
    ],
    ids=range(8),
)
def test_an_embedded_manifest_is_checked_the_same_way(content: bytes, line: int, message: str) -> None:
    module = inspect(with_manifest(ECHO, content))
    with pytest.raises(ManifestInvalid) as caught:
        read_manifest("file", module, sidecar=None)
    assert str(caught.value).startswith(f"file.wasm (omnicore:manifest):{line}: {message}"), str(caught.value)


def test_a_file_name_that_gives_no_name_says_what_to_do() -> None:
    with pytest.raises(ManifestInvalid, match="rename the file"):
        read_manifest("123", info(), sidecar=None)
    assert read_manifest("123", info(), sidecar=b'name = "numbers"').name == "numbers"


def test_the_schema_knows_every_limit() -> None:
    for field in Limits.__dataclass_fields__:
        assert sidecar(f"[limits]\n{field} = 70000".encode()).limits == {field: 70000}
