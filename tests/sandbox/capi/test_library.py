"""The signatures and sizes we assume are those of the package's own binding, which is made from the C headers."""

from __future__ import annotations

import ctypes
import importlib.metadata

import pytest
import wasmtime
import wasmtime._bindings as bindings
from tests.sandbox.child import run_child

from omnicore.errors import EngineFailed
from omnicore.sandbox.capi import library
from omnicore.sandbox.capi.library import EXTERN_WORDS, FUNCTION_AT


def size(kind) -> int:
    return 0 if kind is None else ctypes.sizeof(kind)


@pytest.mark.parametrize("name", sorted(library.SIGNATURES))
def test_a_signature_agrees_with_the_packages_own(name):
    result, arguments = library.SIGNATURES[name]
    theirs = getattr(bindings, f"_{name}")
    assert (theirs.restype is None) == (result is None)
    assert size(theirs.restype) == size(result)
    assert [size(kind) for kind in theirs.argtypes] == [size(kind) for kind in arguments]


@pytest.mark.parametrize("name", sorted(library.SIGNATURES))
def test_whole_numbers_stand_where_whole_numbers_do(name):
    for ours, theirs in zip(library.SIGNATURES[name][1], getattr(bindings, f"_{name}").argtypes, strict=True):
        plain = (ctypes.c_bool, ctypes.c_uint8, ctypes.c_uint32, ctypes.c_int64, ctypes.c_uint64, ctypes.c_size_t)
        if ours in plain or theirs in plain:
            pairs = {(ctypes.c_uint8, ctypes.c_ubyte), (ours, ours)}
            assert (ours, theirs) in pairs


def test_an_extern_is_a_kind_and_at_eight_bytes_what_it_holds():
    assert ctypes.sizeof(bindings.wasmtime_extern_t) == EXTERN_WORDS * 8 == 32
    assert bindings.wasmtime_extern_t.of.offset == FUNCTION_AT == 8
    assert bindings.wasmtime_extern_t.kind.offset == 0


def test_a_function_is_two_words_and_a_memory_fits_its_place():
    assert ctypes.sizeof(bindings.wasmtime_func_t) == 16
    assert ctypes.sizeof(bindings.wasmtime_memory_t) <= 24
    assert ctypes.sizeof(bindings.wasmtime_instance_t) == 16


def test_a_value_is_32_bytes_with_its_number_at_eight_and_a_raw_one_16():
    assert ctypes.sizeof(bindings.wasmtime_val_t) == 32
    assert bindings.wasmtime_val_t.of.offset == 8
    assert ctypes.sizeof(bindings.wasmtime_val_raw_t) == 16


def test_a_vector_is_a_size_and_a_pointer():
    for vector in (bindings.wasm_byte_vec_t, bindings.wasm_frame_vec_t, bindings.wasm_valtype_vec_t):
        assert (vector.size.offset, vector.data.offset, ctypes.sizeof(vector)) == (0, 8, 16)


def test_a_continuation_is_three_pointers():
    made = bindings.wasmtime_async_continuation_t
    assert [getattr(made, field).offset for field, _ in made._fields_] == [0, 8, 16]
    assert [field for field, _ in made._fields_] == ["callback", "env", "finalizer"]


def test_the_kinds_of_values_have_the_numbers_we_use():
    kinds = (wasmtime.ValType.i32(), wasmtime.ValType.i64(), wasmtime.ValType.f32(), wasmtime.ValType.f64())
    assert [bindings.wasm_valtype_kind(kind.ptr()) for kind in kinds] == [0, 1, 2, 3]
    engine = wasmtime.Engine()
    store = wasmtime.Store(engine)
    memory = wasmtime.Memory(store, wasmtime.MemoryType(wasmtime.Limits(1, 1)))
    assert memory._as_extern().kind == 3


def test_the_version_is_the_packages():
    assert importlib.metadata.version("wasmtime") == library.LIBRARY_VERSION


def test_a_machine_without_an_engine_is_told_what_to_do(monkeypatch):
    monkeypatch.setattr(library.platform, "machine", lambda: "riscv128")
    with pytest.raises(EngineFailed, match=r"no engine for .* on riscv128.*pip install"):
        library.library_path()


def test_the_package_itself_is_not_imported():
    shown = run_child("import omnicore.sandbox.capi.library; print('wasmtime._bindings' in sys.modules)")
    assert shown == "False\n"
