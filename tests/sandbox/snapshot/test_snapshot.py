"""A guest's memory becomes part of a new module, which has only the functions and imports it is given."""

from __future__ import annotations

import pytest
from tests.sandbox.snapshot.guests import FIRST_SLOT, engine

from omnicore.errors import DeadlineExceeded, GuestTrapped, MemoryExceeded
from omnicore.sandbox.abi import MIB, Doors, HostFunction, Limits
from omnicore.sandbox.extism.engine import ExtismEngine
from omnicore.sandbox.inspect import FuncType, admit, inspect
from omnicore.sandbox.snapshot import Evaluation, HostImport, LanguageEngine, ModuleChanges, rewritten, sleb

LIMITS = Limits(timeout_s=0.5, memory_bytes=8 * MIB)


def snapshot(wasm: bytes, plugin: bytes = b"plugin", *, imports: tuple[HostImport, ...] = ()) -> bytes:
    guest = LanguageEngine(ExtismEngine(), wasm, first_slot=FIRST_SLOT, limits=LIMITS)
    evaluation = Evaluation(lambda question: b"")
    said = guest.evaluate(evaluation, prelude=b"", plugin=plugin, bind=lambda said: said)
    assert said == b"0" + plugin
    return guest.module(evaluation, functions=["one", "two"], imports=list(imports))


def called(wasm: bytes, function: str, doors: Doors | None = None) -> bytes:
    template = ExtismEngine().load([("main", wasm)], LIMITS, doors or Doors())
    instance = template.instance()
    try:
        return instance.call(function, b"")
    finally:
        instance.close()
        template.close()


def test_the_memory_of_the_build_is_that_of_every_call() -> None:
    wasm = snapshot(engine())
    assert called(wasm, "one") == b"0plugin"
    assert called(wasm, "two") == b"1plugin"


def test_the_module_is_valid_and_has_nothing_else() -> None:
    info = inspect(snapshot(engine()))
    admit(info, Limits())
    assert [one.name for one in info.exports] == ["one", "two"]
    assert len(info.imports) == FIRST_SLOT
    assert not info.custom
    assert info.memories[0].minimum_pages == 1


def test_what_lay_on_the_stack_and_zeros_are_left_out() -> None:
    wasm = snapshot(engine())
    assert b"\xff\xff\xff\xff" not in wasm  # what begin wrote below the stack's end
    assert b"own data" in wasm
    assert len(wasm) < 2_000


def test_the_same_build_gives_the_same_bytes() -> None:
    assert snapshot(engine()) == snapshot(engine())
    assert snapshot(engine(), b"other") != snapshot(engine())


def test_imports_of_any_type_take_the_room_that_is_there() -> None:
    kinds = [(), ("i32",), ("i64", "i32"), ("f32",), ("f64", "f64", "i64")]
    imports = tuple(
        HostImport(20 + at, "extism:host/user", f"f{at}", FuncType(params, params[:1]))
        for at, params in enumerate(kinds)
    )
    wasm = snapshot(engine(), imports=imports)
    found = inspect(wasm).imports[FIRST_SLOT:]
    assert [(one.name, one.type) for one in found] == [(one.name, one.type) for one in imports]
    functions = [HostFunction(one.module, one.name, one.type.params, one.type.results, lambda *_: 0) for one in imports]
    assert called(wasm, "one", Doors(functions=tuple(functions))) == b"0plugin"


def test_more_imports_than_there_is_room_for_are_refused() -> None:
    imports = [HostImport(at, "m", f"f{at}", FuncType((), ())) for at in range(13)]
    with pytest.raises(ValueError, match="there is room for 12"):
        rewritten(engine(), ModuleChanges(first_slot=FIRST_SLOT, imports=imports, dispatch="omnicore_slot"))


@pytest.mark.parametrize(
    ("begin", "error"),
    [
        ("(loop $always (br $always))", DeadlineExceeded),
        ("unreachable", GuestTrapped),
        ("(loop $g (drop (memory.grow (i32.const 16))) (br $g))", MemoryExceeded),
    ],
)
def test_a_build_that_takes_too_much_is_cut(begin: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        snapshot(engine(begin))


def test_signed_numbers_have_the_shortest_form() -> None:
    assert [sleb(number) for number in (0, 63, 64, -64, -65, 65_536)] == [
        *(b"\x00", b"\x3f", b"\xc0\x00", b"\x40", b"\xbf\x7f", b"\x80\x80\x04"),
    ]
