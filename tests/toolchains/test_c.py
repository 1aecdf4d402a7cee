"""A folder or file of C or C++ becomes a plugin with the compiler of the package ziglang."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from omnicore.errors import BuildFailed, GuestFailed, GuestTrapped, ToolMissing
from omnicore.toolchains import c
from omnicore.toolchains.build import BuiltPlugin, build, sealed
from omnicore.toolchains.languages import kit

needs_zig = pytest.mark.skipif(importlib.util.find_spec("ziglang") is None, reason="the package ziglang is not here")
pytestmark = pytest.mark.toolchain

ECHO = """#include "omnicore.h"

OMNICORE_FUNCTION(echo, "Gives the input back.", OC_TEXT, OC_BYTES) { return oc_output(oc_input()); }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Makes a folder with these files."""

    def made(name: str = "echo", **files: str) -> Path:
        place = tmp_path / name
        place.mkdir()
        for file, text in files.items():
            (place / file.replace("__", ".")).write_text(text)
        return place

    return made


def built(path: Path) -> BuiltPlugin:
    source = c.C.find(path)
    assert source is not None
    return build(c.C, source, report=lambda line: None)


def call(wasm: bytes, function: str, text: str = "") -> Any:
    template = sealed(wasm)
    instance = template.instance()
    try:
        return bytes(instance.call(function, text.encode())).decode()
    finally:
        instance.close()
        template.close()


def test_folders_and_files_of_c_are_found(folder):
    one, two = folder("one", plugin__c=ECHO), folder("two", plugin__cpp=ECHO)
    (one / "other.c").write_text(ECHO)
    found = [c.C.find(path) for path in (one, two, one / "other.c")]
    assert [(source.name, source.entry.name) for source in found] == [
        ("one", "plugin.c"),
        ("two", "plugin.cpp"),
        ("other", "other.c"),
    ]
    assert c.C.find(folder("none", main__c="")) is None
    assert c.C.find(one / "plugin.h") is None


@needs_zig
def test_a_function_has_its_schemas_and_the_module_imports_the_abi_alone(folder):
    plugin = built(folder(plugin__c=ECHO))
    [echo] = plugin.manifest.functions
    assert (echo.description, echo.input, echo.input_media) == (
        "Gives the input back.",
        {"type": "string"},
        "text/plain",
    )
    assert (echo.output, echo.output_media) == (None, "application/octet-stream")
    assert plugin.imports.wasi == plugin.notes == ()
    assert len(plugin.wasm) < 12_000
    assert call(plugin.wasm, "echo", "123456789\0é") == "123456789\0é"


@needs_zig
def test_what_includes_a_header_of_libc_gets_it_and_files_are_compiled_together(folder):
    count = """#include "count.h"
#include <stdio.h>
#include <stdlib.h>

size_t count(oc_text of, char *to) {
    free(malloc(10));
    return (size_t)snprintf(to, 64, "%zu and %.2f", of.size, 1.5);
}
"""
    main = """#include "count.h"

OMNICORE_FUNCTION(size, "How long.", OC_TEXT, OC_TEXT) {
    char *to = oc_alloc(64);
    return oc_output_text((oc_text){to, count(oc_input_text(), to)});
}
"""
    header = '#include "omnicore.h"\nsize_t count(oc_text of, char *to);\n'
    place = folder(plugin__c=main, count__c=count, count__h=header, size_test__c="this is not compiled")
    assert call(built(place).wasm, "size", "abc") == "3 and 1.50"


@needs_zig
@pytest.mark.slow
@pytest.mark.timeout(600)  # half a minute for the library of C++, the first time, and more where the machine is busy
def test_cpp_has_its_library_and_no_warnings_of_the_kit(folder):
    text = """#include "omnicore.h"
#include <algorithm>
#include <string>

OMNICORE_FUNCTION(turned, "From the back.", OC_TEXT, OC_TEXT) {
    oc_text input = oc_input_text();
    std::string text(input.at, input.size);
    std::reverse(text.begin(), text.end());
    if (text == "keep") oc_kv_put(OC("a"), oc_as_bytes(input), nullptr);
    return oc_output_text(oc_text{text.data(), text.size()});
}
"""
    plugin = built(folder(plugin__cpp=text))
    assert not [note for note in plugin.notes if "warning" in note]
    assert call(plugin.wasm, "turned", "abc") == "cba"


@needs_zig
def test_only_what_a_compiler_has_by_itself_needs_no_libc(folder):
    place = folder(plugin__c="#include <stdint.h>\n# include  <stdbool.h>\n", a__h="#include <stdarg.h>")
    assert not c.needs_libc(place, [place / "plugin.c"])
    (place / "a.h").write_text("#include <math.h>")
    assert c.needs_libc(place, [place / "plugin.c"])


@needs_zig
def test_the_same_source_gives_the_same_bytes_in_another_folder(folder, tmp_path):
    text = ECHO + 'OMNICORE_FUNCTION(where, "", OC_TEXT, OC_TEXT) { return oc_output_text(OC(__FILE__)); }\n'
    (tmp_path / "elsewhere").mkdir()
    one, two = folder("echo", plugin__c=text), folder("elsewhere/echo", plugin__c=text)
    assert built(one).wasm == built(two).wasm
    assert call(built(one).wasm, "where") == "plugin.c"


@needs_zig
def test_a_kit_in_the_folder_comes_first(folder):
    place = folder(plugin__c=ECHO)
    (place / "sdk").mkdir()
    (place / "sdk" / "omnicore.h").write_text("#error own")
    with pytest.raises(BuildFailed, match="own"):
        built(place)


@needs_zig
def test_an_error_of_the_compiler_is_shown_with_its_line(folder):
    with pytest.raises(BuildFailed, match=r"plugin\.c:2:\d+: error: .*nonsense"):
        built(folder(plugin__c="int a;\nnonsense b;\n"))


@needs_zig
def test_a_warning_is_a_note(folder):
    notes = "\n".join(built(folder(plugin__c=ECHO + "static int nobody;\n")).notes)
    assert "plugin.c:4:12: warning: unused variable 'nobody'" in notes


@needs_zig
def test_errors_and_panics_are_texts_and_deep_json_is_none(folder):
    text = """#include "omnicore.h"

OMNICORE_FUNCTION(fails, "", OC_TEXT, OC_TEXT) { return oc_fail(OC("no such city")); }
OMNICORE_FUNCTION(panics, "", OC_TEXT, OC_TEXT) { oc_panic(OC("out of cities")); }
OMNICORE_FUNCTION(hungry, "", OC_TEXT, OC_TEXT) { for (;;) oc_alloc(1 << 20); }
OMNICORE_FUNCTION(kind, "", OC_TEXT, OC_TEXT) {
    return oc_output_text(oc_json_kind(oc_input_json()) == OC_MISSING ? OC("none") : OC("some"));
}
"""
    wasm = built(folder(plugin__c=text)).wasm
    with pytest.raises(GuestFailed, match="no such city"):
        call(wasm, "fails")
    with pytest.raises((GuestFailed, GuestTrapped), match="out of cities"):
        call(wasm, "panics")
    assert call(wasm, "kind", "[" * 64 + "]" * 64) == "some"
    assert call(wasm, "kind", "[" * 100_000) == "none"


@needs_zig
def test_numbers_come_out_of_wasm_as_they_went_in(folder):
    text = """#include "omnicore.h"

OMNICORE_FUNCTION(same, "", OC_SCHEMA({"type": "array"}), OC_SCHEMA({"type": "array"})) {
    oc_writer json = {0};
    oc_write_numbers(&json, oc_json_numbers(oc_input_json()));
    return oc_output_json(oc_written(&json));
}
"""
    numbers = [
        0,
        -1,
        0.1,
        1e21,
        5e-324,
        1.7976931348623157e308,
        2.2250738585072014e-308,
        -1.1804773274252599e138,
        1 / 3,
    ]
    wasm = built(folder(plugin__c=text)).wasm
    assert json.loads(call(wasm, "same", json.dumps(numbers))) == numbers


def test_a_missing_compiler_is_named_with_the_command_that_brings_it(folder, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ToolMissing) as caught:
        built(folder(plugin__c=ECHO))
    assert "pip install 'omnicore[zig]'" in caught.value.remedy


def test_what_new_copies_is_there():
    assert all((kit("c") / part).exists() for part in c.C.kit_files)
