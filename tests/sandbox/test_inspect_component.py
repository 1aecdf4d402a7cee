"""The reader's view of a component agrees with the engine's, and nothing in a file surprises it."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import wasmtime
from wasmtime import component as peer

from omnicore.errors import ModuleRejected, OmniError
from omnicore.sandbox.abi import Limits
from omnicore.sandbox.capi.code import wat_to_wasm
from omnicore.sandbox.inspect import admit, inspect
from omnicore.sandbox.wasm import ComponentInfo
from omnicore.sandbox.wit import Signature, WitType

GUEST = Path(__file__).parents[1] / "guests" / "component" / "rust" / "guest.wasm"


def read(text: str) -> ComponentInfo:
    found = inspect(wat_to_wasm(text.encode())).component
    assert found is not None
    return found


def shown(kind: Any) -> Any:
    """One of the package's types in words."""
    name = type(kind).__name__.removesuffix("Type").lower()
    if isinstance(kind, peer.RecordType):
        return name, [(field, shown(item)) for field, item in kind.fields]
    if isinstance(kind, peer.VariantType):
        return name, [(case, item and shown(item)) for case, item in kind.cases]
    if isinstance(kind, peer.EnumType | peer.FlagsType):
        return name, list(kind.names)
    if isinstance(kind, peer.TupleType):
        return name, [shown(item) for item in kind.elements]
    if isinstance(kind, peer.ListType):
        return name, shown(kind.element)
    if isinstance(kind, peer.OptionType):
        return name, shown(kind.payload)
    if isinstance(kind, peer.ResultType):
        return name, kind.ok and shown(kind.ok), kind.err and shown(kind.err)
    return name


def ours(kind: WitType | None) -> Any:
    """One of ours in the same words."""
    if kind is None:
        return None
    items = [ours(item) for item in kind.items]
    if kind.kind in ("record", "variant"):
        return kind.kind, list(zip(kind.names, items, strict=True))
    if kind.kind in ("enum", "flags"):
        return kind.kind, list(kind.names)
    if kind.kind == "tuple":
        return kind.kind, items
    return (kind.kind, *items) if items else kind.kind


def test_types_of_functions_agree_with_the_engines() -> None:
    engine = wasmtime.Engine()
    exports = peer.Component(engine, GUEST.read_bytes()).type.exports(engine)
    info = inspect(GUEST.read_bytes()).component
    assert info is not None
    for function in info.functions:
        found: Any = exports[function.path[0]]
        for part in function.path[1:]:
            found = found.ty.exports(engine)[part]
        assert [(name, shown(kind)) for name, kind in found.ty.params] == [
            (name, ours(kind)) for name, kind in function.signature.params
        ]
        result = found.ty.result
        assert (None if result is None else shown(result)) == ours(function.signature.result)
    top = {name for name, found in exports.items() if type(found.ty).__name__ == "FuncType"}
    assert top == {function.path[0] for function in info.functions if len(function.path) == 1}


def test_imports_are_named_as_the_engine_names_them() -> None:
    engine = wasmtime.Engine()
    imports = peer.Component(engine, GUEST.read_bytes()).type.imports(engine)
    info = inspect(GUEST.read_bytes()).component
    assert info is not None
    for interface, found in imports.items():
        functions = {name for name, one in found.ty.exports(engine).items() if type(one.ty).__name__ == "FuncType"}
        assert functions == {name for name, one in info.imports[interface].items() if isinstance(one, Signature)}


def test_what_lies_in_a_component_is_counted() -> None:
    found = read(
        "(component (core module (memory 2) (table 3 funcref)) (core module (memory 1)) (component (component)))"
    )
    assert (found.memories, found.tables, found.nested) == (2, 1, 2)
    assert (found.minimum_pages, found.minimum_elements, found.largest_table) == (3, 3, 3)


def test_the_tables_of_all_modules_count_together_with_what_they_can_grow_to() -> None:
    large, bounded, free = "(core module (table 6000 funcref))", "(table 1 9 funcref)", "(table 1 funcref)"
    admit(inspect(wat_to_wasm(f"(component {large} (core module {bounded}))".encode())), Limits())
    with pytest.raises(ModuleRejected, match="grow to 12000 elements"):
        admit(inspect(wat_to_wasm(f"(component {large} (core module {free}))".encode())), Limits())


@pytest.mark.parametrize("letters", [2, 4_000], ids=["types", "names"])
def test_a_large_type_is_not_written_out_for_any_number_of_functions(letters: int) -> None:
    fields = " ".join(f'(field "{"f" * letters}{number}" u8)' for number in range(25))
    exports = " ".join(f'(export "f{number}" (func $f))' for number in range(2_000))
    text = f"""(component (type $t0 (record {fields})) (export $t "t" (type $t0))
        (core module $M (memory (export "m") 1) (func (export "f") (result i32) i32.const 0))
        (core instance $m (instantiate $M))
        (func $f (result $t) (canon lift (core func $m "f") (memory (core memory $m "m")))) {exports})"""
    with pytest.raises(ModuleRejected, match="more than 50000 parts"):
        read(text)


def test_an_exported_interface_of_a_nested_component_is_found() -> None:
    text = """(component (core module $M (func (export "f") (result i32) i32.const 1))
        (core instance $m (instantiate $M))
        (type $t0 (enum "a" "b")) (func $f (result u32) (canon lift (core func $m "f")))
        (component $C (import "f" (func $g (result u32))) (export "say-it" (func $g)))
        (instance $i (instantiate $C (with "f" (func $f)))) (export "a:b/my-face@1.0.0" (instance $i)))"""
    (function,) = read(text).functions
    assert (function.name, function.path) == ("my_face.say_it", ("a:b/my-face@1.0.0", "say-it"))
    assert ours(function.signature.result) == "u32"


def test_names_that_meet_are_refused() -> None:
    text = """(component (core module $M (func (export "f"))) (core instance $m (instantiate $M))
        (func $f (canon lift (core func $m "f"))) (instance $i (export "f" (func $f)))
        (export "a:b/x@1.0.0" (instance $i)) (export "c:d/x@1.0.0" (instance $i)))"""
    with pytest.raises(ModuleRejected, match="same name"):
        read(text)


def test_custom_sections_of_the_component_itself_are_kept() -> None:
    info = inspect(wat_to_wasm(b'(component (core module (@custom "inner" "b")) (@custom "outer" "a"))'))
    assert {name: bytes(data) for name, data in info.custom.items()} == {"outer": b"a"}


def test_a_core_module_inside_is_admitted_like_one_outside() -> None:
    with pytest.raises(ModuleRejected, match="shared memory"):
        admit(inspect(wat_to_wasm(b"(component (core module (memory 1 1 shared)))")), Limits())


def test_the_memories_of_all_modules_count_together() -> None:
    wasm = wat_to_wasm(b"(component (core module (memory 600)) (core module (memory 600)))")
    with pytest.raises(ModuleRejected, match="memory_bytes"):
        admit(inspect(wasm), Limits())


def test_mangled_components_are_read_or_refused_and_nothing_else() -> None:
    small = wat_to_wasm(
        b"""(component (import "a:b/c" (instance $i (type $r (record (field "a" u8))) (export "r" (type (eq $r)))
        (export "s" (type (sub resource))) (export "f" (func (param "x" (list string)) (result (option u32))))))
        (alias export $i "f" (func $f)) (component (type (variant (case "a" u8) (case "b")))) (export "g" (func $f)))"""
    )
    draw = random.Random(7)
    for _ in range(3_000):
        data = bytearray(small)
        for _ in range(draw.randint(1, 4)):
            data[draw.randrange(8, len(data))] = draw.randrange(256)
        if draw.random() < 0.2:
            del data[draw.randrange(8, len(data)) :]
        try:
            inspect(bytes(data))
        except OmniError:
            continue
