from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.errors import ModuleRejected
from omnicore.sandbox.capi.code import wat_to_wasm


def refusal(text: bytes) -> str:
    """Why the text is no module; nothing when it is one."""
    try:
        assert wat_to_wasm(text).startswith(b"\0asm")
    except ModuleRejected as error:
        return str(error)
    return ""


def test_text_becomes_a_binary_module():
    assert wat_to_wasm(b"(module)") == b"\0asm\x01\0\0\0"


def test_text_outside_ascii_is_taken():
    assert "grüß".encode() in wat_to_wasm('(module (func (export "grüß")) ;; ☕\n)'.encode())


def test_an_error_tells_line_and_column():
    with pytest.raises(ModuleRejected, match=r"(?s)not a module.*:2:5.*correct the \.wat file"):
        wat_to_wasm(b"(module\n   (nonsense))")


@pytest.mark.parametrize("text", [b"", b"(", b")", b"module", b"\0", b"(module", b"(module))"])
def test_what_is_no_module_is_refused(text):
    with pytest.raises(ModuleRejected, match="not a module"):
        wat_to_wasm(text)


def test_text_that_is_not_utf_8_is_refused_with_the_place():
    with pytest.raises(ModuleRejected, match=r"not UTF-8 at byte 8.*save it as UTF-8"):
        wat_to_wasm(b"(module)\xff")


def test_text_of_a_mebibyte_is_taken_and_one_byte_more_is_not():
    padded = b"(module)" + b" " * (1024 * 1024 - 8)
    assert wat_to_wasm(padded)
    with pytest.raises(ModuleRejected, match=r"1048577 bytes, 1048576 are allowed; drop a \.wasm file"):
        wat_to_wasm(padded + b" ")


@pytest.mark.parametrize(
    "text",
    [
        b"(" * 500_000,
        b"(module (func " + b"(block " * 100_000 + b")" * 100_002,
        b"(module (func (drop " + b"(i32.eqz " * 100_000,
        b"(;" * 200_000,
        b'(module (import "' + b"a" * 900_000 + b'" "" (func)))',
    ],
)
def test_deep_nesting_and_long_names_end_no_process(text):
    assert len(refusal(text)) < 10_000


@given(st.binary(max_size=200))
def test_any_bytes_are_a_module_or_refused(data):
    assert not refusal(data) or "; " in refusal(data)
