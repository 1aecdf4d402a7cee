"""The kit for AssemblyScript: its JSON and bytes, and an example for each noun."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sdk.generate.contract import DOORS, ROOT
from tests.toolchains.test_assemblyscript import built, fetched, needs_npm, project

from omnicore.errors import OmniError
from omnicore.sandbox.inspect import inspect
from omnicore.toolchains.build import sealed

KIT = ROOT / "sdk" / "assemblyscript"
pytestmark = [pytest.mark.toolchain, needs_npm]
__all__ = ["fetched", "project"]

ECHO = """
import { Json, inputBytes, inputJson, outputBytes, outputJson, utf8, textOf } from "../sdk/omnicore";
import { isUtf8, readBytes, writeBytes } from "../sdk/bytes";

export function json(): i32 { return outputJson(inputJson()); }
export function numbers(): i32 {
  const items = inputJson().items;
  return outputJson(Json.list(items.map<Json>((one: Json): Json => Json.number(one.number))));
}
export function bytes(): i32 { return outputBytes(readBytes(writeBytes(inputBytes()))); }
export function wire(): i32 { return outputJson(writeBytes(inputBytes())); }
export function valid(): i32 { return outputBytes(utf8(isUtf8(inputBytes()) ? "yes" : "no")); }
"""
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
RELAXED = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(scope="module")
def call(fetched, tmp_path_factory) -> Iterator[Callable[[str, bytes], bytes]]:
    folder = tmp_path_factory.mktemp("kit")
    for name in ("sdk", "node_modules", "package.json", "package-lock.json", "asconfig.json"):
        (folder / name).symlink_to(fetched / name)
    (folder / "assembly").mkdir()
    (folder / "assembly" / "index.ts").write_text(ECHO)
    template = sealed(built(folder))
    instance = template.instance()  # one for all calls: its garbage has to be collected meanwhile
    yield instance.call
    instance.close()
    template.close()


@RELAXED
@given(VALUES, st.booleans())
def test_json_comes_back_as_it_was(call, value, escaped):
    text = json.dumps(value, ensure_ascii=escaped)
    try:
        data = text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair has no UTF-8
        data = json.dumps(value).encode()
    assert json.loads(call("json", data)) == value


@RELAXED
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False)), st.lists(st.integers(-(2**53) + 1, 2**53 - 1)))
def test_numbers_keep_their_value_to_15_digits_and_integers_all_of_it(call, numbers, integers):
    short = [float(f"{value:.14g}") for value in numbers if 1e-7 < abs(value) < 1e14]
    exact = [*short, *map(float, integers)]
    assert json.loads(call("numbers", json.dumps(exact).encode())) == exact
    got = json.loads(call("numbers", json.dumps(numbers).encode()))
    assert got == pytest.approx(numbers, rel=4e-15, abs=1e-300)


@RELAXED
@given(st.binary() | st.text().map(str.encode))
def test_bytes_travel_in_the_form_the_host_takes(call, data):
    assert call("bytes", data) == data
    try:
        text = data.decode()
    except UnicodeDecodeError:
        assert json.loads(call("wire", data)).keys() == {"base64"}
        assert call("valid", data) == b"no"
    else:
        assert json.loads(call("wire", data)) == text


@pytest.mark.parametrize(
    "text",
    ["", "{", "[1,]", "{'a': 1}", "01", "1.", "-", '"\\x"', '"\\u12"', "nul", "1 2", '"\n"', '{"a" 1}', "[" * 99],
)
def test_what_is_no_json_is_refused(call, text):
    with pytest.raises(OmniError, match="the input is no JSON"):
        call("json", text.encode())


@pytest.mark.parametrize(
    "data", [b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe0\x80\x80", b"\xe2\x82", b"\x80"]
)
def test_what_only_looks_like_utf8_is_bytes(call, data):
    assert call("valid", data) == b"no"


def test_there_is_an_example_for_each_noun():
    assert {path.stem for path in KIT.glob("examples/*.ts")} == set(DOORS)


def test_all_examples_build_and_one_imports_only_what_it_calls(project):
    examples = sorted(KIT.glob("examples/*.ts"))
    folder = project("".join(f'export * from "./{path.stem}";\n' for path in examples))
    for path in examples:
        (folder / "assembly" / path.name).write_text(path.read_text())
    assert {name.split("_")[0] for name in doors(built(folder))} == set(DOORS)
    assert doors(built(project((KIT / "examples" / "kv.ts").read_text(), "kv"))) == {"kv_get_v1", "kv_cas_v1"}


def doors(wasm: bytes) -> set[str]:
    return {item.name for item in inspect(wasm).imports if item.module == "extism:host/user"}


def test_the_conformance_plugin_is_as_its_source_builds_it():
    assert built(KIT / "conformance") == (KIT / "conformance" / "dist" / "conformance.wasm").read_bytes()
