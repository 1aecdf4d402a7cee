"""Several modules in one plugin: who gets which function from whom, and what cannot be linked."""

from __future__ import annotations

import pytest
from tests.sandbox.extism.text import module

from omnicore.errors import GuestTrapped, LinkFailed, ModuleRejected, OmniError
from omnicore.sandbox.abi import Doors, HostFunction, Limits
from omnicore.sandbox.capi.code import wat_to_wasm
from omnicore.sandbox.extism.engine import ExtismEngine

ADD = """(module (func (export "add") (param i64 i64) (result i64)
  (i64.add (local.get 0) (local.get 1))))"""
USE_ADD = '(import "lib" "add" (func $add (param i64 i64) (result i64)))'
CALL_ADD = '(func (export "f") (call $emit (call $add (i64.const 2) (i64.const 3))))'
COUNTER = """(module (global $n (mut i64) (i64.const 0)) {start}
  (func (export "next") (result i64) (global.set $n (i64.add (global.get $n) (i64.const 1))) (global.get $n)))"""
USE_NEXT = '(import "lib" "next" (func $next (result i64)))'
TWICE = '(func (export "f") (drop (call $next)) (call $emit (call $next)))'


def lib(text: str, name: str = "lib") -> tuple[str, bytes]:
    return name, wat_to_wasm(text.encode())


def test_a_function_of_another_module_can_be_imported(load):
    assert load(CALL_ADD, USE_ADD, others=[lib(ADD)]).instance().call("f", b"")[0] == 5


@pytest.mark.parametrize("turned", [False, True])
def test_the_order_of_the_modules_does_not_matter(turned):
    modules = [lib(ADD), ("main", module(CALL_ADD, USE_ADD))]
    template = ExtismEngine().load(modules[::-1] if turned else modules, Limits(), Doors())
    assert template.instance().call("f", b"")[0] == 5


def test_modules_import_from_modules_that_import_from_modules(load):
    middle = """(module (import "deep" "add" (func $add (param i64 i64) (result i64)))
      (func (export "add") (param i64 i64) (result i64) (call $add (local.get 0)
        (call $add (local.get 1) (i64.const 1)))))"""
    template = load(CALL_ADD, USE_ADD, others=[lib(middle), lib(ADD, "deep")])
    assert template.instance().call("f", b"")[0] == 6


def test_a_library_keeps_its_state_within_an_instance_and_shares_it_with_no_other(load):
    template = load(TWICE, USE_NEXT, others=[lib(COUNTER.format(start=""))])
    first = template.instance()
    assert [first.call("f", b"")[0], first.call("f", b"")[0]] == [2, 4]
    first.close()
    for _ in range(40):
        fresh = template.instance()
        assert fresh.call("f", b"")[0] == 2
        fresh.close()


def test_a_library_with_a_start_function_is_a_command_and_made_anew_for_every_call(load):
    command = COUNTER.format(start='(func (export "_start"))')
    instance = load(TWICE, USE_NEXT, others=[lib(command)]).instance()
    assert [instance.call("f", b"")[0] for _ in range(3)] == [1, 1, 1]


def test_a_library_that_is_both_command_and_reactor_is_a_reactor(load):
    both = COUNTER.format(start='(func (export "_start")) (func (export "_initialize"))')
    assert load(TWICE, USE_NEXT, others=[lib(both)]).instance().call("f", b"")[0] == 2


def test_a_command_library_can_be_called_ten_thousand_times_in_one_instance(load):
    command = COUNTER.format(start='(func (export "_start")) (memory 1)')
    body = """(func (export "f") (local $i i32) (loop $l (drop (call $next))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 50)))))"""
    template = load(body, USE_NEXT, others=[lib(command)], timeout_s=30)
    for _ in range(200):
        instance = template.instance()
        instance.call("f", b"")
        instance.close()


def test_a_command_library_that_traps_ends_the_call_with_its_trap(load):
    command = '(module (func (export "_start")) (func (export "next") (result i64) unreachable))'
    instance = load(TWICE, USE_NEXT, others=[lib(command)]).instance()
    with pytest.raises(GuestTrapped, match="next of a linked command failed"):
        instance.call("f", b"")
    assert not instance.healthy


def test_arguments_and_results_of_every_kind_pass_through_a_command(load):
    command = """(module (func (export "_start")) (func (export "mix") (param i32 i64 f32 f64) (result f64)
      (f64.add (f64.add (f64.convert_i32_s (local.get 0)) (f64.convert_i64_s (local.get 1)))
               (f64.add (f64.promote_f32 (local.get 2)) (local.get 3)))))"""
    template = load(
        """(func (export "f") (call $emit (i64.trunc_f64_s
           (call $mix (i32.const -1) (i64.const 40) (f32.const 1.5) (f64.const 1.5)))))""",
        '(import "lib" "mix" (func $mix (param i32 i64 f32 f64) (result f64)))',
        others=[lib(command)],
    )
    assert template.instance().call("f", b"")[0] == 42


def test_a_librarys_initialiser_runs_once_and_before_mains(load):
    library = """(module (global $n (mut i64) (i64.const 0))
      (func (export "_initialize") (global.set $n (i64.add (global.get $n) (i64.const 10))))
      (func (export "next") (result i64) (global.get $n)))"""
    body = """(global $seen (mut i64) (i64.const 0))
      (func (export "_initialize") (global.set $seen (call $next)))
      (func (export "f") (call $emit (i64.add (global.get $seen) (call $next))))"""
    assert load(body, USE_NEXT, others=[lib(library)]).instance().call("f", b"")[0] == 20


def test_a_memory_a_table_and_a_global_can_be_shared(load):
    library = """(module (memory (export "m") 1) (table (export "t") 2 funcref)
      (global (export "g") (mut i64) (i64.const 7)) (elem (i32.const 1) $five)
      (func $five (result i64) (i64.load (i32.const 8))))"""
    body = """(type $k (func (result i64)))
      (func (export "f") (i64.store (i32.const 8) (i64.const 35))
        (call $emit (i64.add (call_indirect (type $k) (i32.const 1)) (global.get $g))))"""
    imports = (
        '(import "lib" "m" (memory 1)) (import "lib" "t" (table 2 funcref)) (import "lib" "g" (global $g (mut i64)))'
    )
    assert load(body, imports, others=[lib(library)]).instance().call("f", b"")[0] == 42


@pytest.mark.parametrize(
    ("exported", "imported"),
    [
        ('(global (export "x") (mut i64) (i64.const 7))', "(global (mut i32))"),
        ('(global (export "x") i64 (i64.const 7))', "(global (mut i64))"),
        ('(memory (export "x") 1)', "(memory 2)"),
        ('(memory (export "x") 1)', "(memory 1 2)"),
        ('(table (export "x") 1 funcref)', "(table 2 funcref)"),
        ('(table (export "x") 1 9 funcref)', "(table 1 5 funcref)"),
        ('(memory (export "x") 1)', "(func)"),
        ('(func (export "x"))', "(memory 1)"),
        ('(func (export "x") (param i32))', "(func (param i64))"),
        ('(func (export "x") (result i32))', "(func)"),
    ],
)
def test_what_is_of_another_type_is_refused_when_it_is_loaded(load, exported, imported):
    with pytest.raises(LinkFailed, match=r"types incompatible.*lib::x"):
        load('(func (export "f"))', f'(import "lib" "x" {imported})', others=[lib(f"(module {exported})")])


def test_a_command_shares_no_memory(load):
    library = '(module (func (export "_start")) (memory (export "m") 1))'
    with pytest.raises(LinkFailed, match="command"):
        load('(func (export "f"))', '(import "lib" "m" (memory 1))', others=[lib(library)])


def test_a_module_that_imports_from_itself_is_refused():
    own = wat_to_wasm(b'(module (import "main" "f" (func)) (func (export "f")))')
    with pytest.raises(LinkFailed, match=r"circular import.*main -> main"):
        ExtismEngine().load([("main", own)], Limits(), Doors())


def test_modules_that_import_in_a_circle_are_refused(load):
    others = [
        lib('(module (import "b" "f" (func)) (func (export "f")))', "a"),
        lib('(module (import "a" "f" (func)) (func (export "f")))', "b"),
    ]
    with pytest.raises(LinkFailed, match="circular import between modules: a -> b -> a"):
        load('(func (export "f"))', '(import "a" "f" (func))', others=others)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ('"extism:host/env" "nothing" (func)', r"Invalid function import from extism:host/env: nothing"),
        ('"extism:host/env" "alloc" (func (param i32) (result i32))', r"types incompatible.*\(i32\) -> \(i32\)"),
        ('"extism:host/env" "config_get" (func)', "types incompatible"),
        ('"extism:host/user" "nothing" (func)', r"unknown import: `extism:host/user::nothing`.*plugins show"),
        ('"wasi_snapshot_preview1" "proc_exit" (func (param i32))', r"unknown import.*wasi = true"),
        ('"env" "gone" (func)', r"unknown import: `env::gone` has not been defined; add the module"),
        ('"lib" "sub" (func)', r"unknown import: `lib::sub`"),
        (f'"{"m" * 4000}" "{"n" * 4000}" (func)', r"unknown import"),
    ],
)
def test_an_import_nobody_provides_is_named_with_what_would_help(load, wanted, said):
    with pytest.raises(LinkFailed, match=said) as caught:
        load('(func (export "f"))', f"(import {wanted})", others=[lib(ADD)])
    assert len(str(caught.value)) < 1000


def test_extisms_own_memory_cannot_be_imported(load):
    with pytest.raises(ModuleRejected, match="it has only functions"):
        load('(func (export "f"))', '(import "extism:host/env" "memory" (memory 1))')


def test_a_memory_that_fits_within_what_is_wanted_is_taken(load):
    library = '(module (memory (export "m") 2 3) (table (export "t") 4 funcref))'
    imports = '(import "lib" "m" (memory 1 5)) (import "lib" "t" (table 2 funcref))'
    assert load('(func (export "f"))', imports, others=[lib(library)]).instance().call("f", b"") == b""


def test_a_host_function_may_stand_in_for_one_of_extisms(load):
    seen = []

    def alloc(call, size):
        seen.append(size)
        return call.write(bytes(size))

    doors = Doors(functions=(HostFunction("extism:host/env", "alloc", ("i64",), ("i64",), alloc),))
    load('(func (export "f") (call $emit (i64.const 1)))', doors=doors).instance().call("f", b"")
    assert seen == [8]


def test_a_module_may_stand_in_for_host_functions_of_its_name(load):
    doors = Doors(functions=(HostFunction("lib", "add", ("i64", "i64"), ("i64",), lambda *_: 0),))
    assert load(CALL_ADD, USE_ADD, others=[lib(ADD)], doors=doors).instance().call("f", b"")[0] == 5


def test_a_host_function_fills_in_what_a_module_of_its_name_lacks(load):
    doors = Doors(functions=(HostFunction("lib", "next", (), ("i64",), lambda _call: 9),))
    template = load(TWICE, USE_NEXT, others=[lib(ADD)], doors=doors)
    assert template.instance().call("f", b"")[0] == 9


def test_only_functions_of_main_can_be_called(load):
    template = load('(func (export "f"))', others=[lib('(module (func (export "g")))')])
    assert "g" not in template.exports
    with pytest.raises(OmniError, match="Function not found: g"):
        template.instance().call("g", b"")


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["main", "main"], "Duplicate module name"),
        (["main", "extism:host/env"], "Duplicate module name"),
        (["lib"], "no module `main`"),
        (["main", *(f"m{n}" for n in range(16))], "17 modules, 16 are allowed"),
    ],
)
def test_names_and_number_of_modules_are_checked(names, said):
    wasm = wat_to_wasm(b'(module (func (export "f")))')
    with pytest.raises(LinkFailed, match=said):
        ExtismEngine().load([(name, wasm) for name in names], Limits(), Doors())


def test_a_library_reads_the_memory_that_it_exports_itself(load):
    library = """(module (import "h" "peek" (func $peek (param i64) (result i64)))
      (memory (export "memory") 1) (data (i32.const 0) "L")
      (func (export "next") (result i64) (call $peek (i64.const 0))))"""
    body = """(memory (export "memory") 1) (data (i32.const 0) "M")
      (func (export "f") (call $emit (i64.or (i64.shl (call $next) (i64.const 8)) (call $peek (i64.const 0)))))"""
    doors = Doors(functions=(HostFunction("h", "peek", ("i64",), ("i64",), lambda call, at: call.load(at, 1)[0]),))
    template = load(
        body, USE_NEXT + '(import "h" "peek" (func $peek (param i64) (result i64)))', others=[lib(library)], doors=doors
    )
    assert template.instance().call("f", b"")[:2] == b"ML"
