"""Components that try what the hostile modules try, and what only components can."""

from __future__ import annotations

from pathlib import Path

from tests.hostile.corpus import compiling
from tests.hostile.wasm_builder import section, wat

_MAGIC = b"\0asm\x0d\0\x01\0"
_GUEST = Path(__file__).parents[2] / "guests" / "component" / "rust" / "guest.wasm"
_WASI = "0.2.0"


def _component(module: str, *, kind: str = "", options: str = "", parts: str = "") -> bytes:
    return wat(
        f"""(component {parts} (core module $M {module}) (core instance $m (instantiate $M))
        (func (export "run") (param "data" (list u8)) {kind} (canon lift (core func $m "run")
        (memory (core memory $m "memory")) (realloc (core func $m "realloc")) {options})))"""
    )


def _running(body: str, *, more: str = "", pages: int = 1, parts: str = "") -> bytes:
    """`run` takes bytes, which `realloc` puts at address 65,000 cut to nothing that hurts, and does something."""
    return _component(
        f"""(memory (export "memory") {pages}) {more}
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
        (func (export "run") (param i32 i32) {body})""",
        parts=parts,
    )


def loop() -> bytes:
    """Never returns."""
    return _running("(loop $l (br $l))")


def start_loop() -> bytes:
    """Never finishes being instantiated."""
    return _running("", more="(func $s (loop $l (br $l))) (start $s)")


def realloc_loop() -> bytes:
    """Never gives the room that its input needs."""
    return _component(
        """(memory (export "memory") 1)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (loop $l (br $l)) unreachable)
        (func (export "run") (param i32 i32))"""
    )


def realloc_outside() -> bytes:
    """Wants its input outside of its memory."""
    return _component(
        """(memory (export "memory") 1)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const -8))
        (func (export "run") (param i32 i32))"""
    )


def recursion() -> bytes:
    """Calls itself without end."""
    return _running("(call $f)", more="(func $f (call $f))")


def grow_memory() -> bytes:
    """Takes and touches what memory it gets."""
    return _running(
        """(loop $l (br_if $l (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
        (memory.fill (i32.const 0) (i32.const 1) (i32.mul (memory.size) (i32.const 65536)))"""
    )


def grow_table() -> bytes:
    """Takes what table elements it gets."""
    body = "(loop $l (br_if $l (i32.ne (table.grow (ref.null func) (i32.const 64)) (i32.const -1))))"
    return _running(body, more="(table 1 funcref)")


def many_memories() -> bytes:
    """Instantiates a module with a memory of 60 MiB forty times."""
    return _running("", parts="(core module $N (memory 960)) " + "(core instance (instantiate $N)) " * 40)


def many_instances() -> bytes:
    """Two thousand instances."""
    return _running("", parts="(core module $N) " + "(core instance (instantiate $N)) " * 2_000)


def doubling() -> bytes:
    """Forty components, each of which holds the one before twice."""
    inner = "(component $C0 (core module $M (memory 1)) (core instance (instantiate $M)))"
    for level in range(40):
        inner += f"(component $C{level + 1} (alias outer 1 $C{level} (component $D)) (instance (instantiate $D))"
        inner += " (instance (instantiate $D)))"
    return wat(f"(component {inner} (instance (instantiate $C40)))")


def nesting() -> bytes:
    """Five hundred components inside each other."""
    data = _MAGIC
    for _ in range(500):
        data = _MAGIC + section(4, data)
    return data


def deep_type() -> bytes:
    """A list of lists, ten thousand deep."""
    return wat(
        "(component (type $t0 (list u8))" + "".join(f"(type $t{n + 1} (list $t{n}))" for n in range(9_999)) + ")"
    )


def type_bomb() -> bytes:
    """Pairs of pairs: a million values in twenty types, as a result."""
    types = "(type $t0 (tuple u8 u8))" + "".join(f"(type $t{n + 1} (tuple $t{n} $t{n}))" for n in range(18))
    return _component(
        """(memory (export "memory") 1)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0))
        (func (export "run") (param i32 i32) (result i32) (i32.const 0))""",
        parts=types,
        kind="(result $t18)",
    )


def many_types() -> bytes:
    """Sixty thousand types."""
    return _MAGIC + section(7, b"\xe0\xd4\x03" + b"\x70\x7d" * 60_000)


def huge_component() -> bytes:
    """Sixty megabytes of nothing."""
    return _MAGIC + section(0, b"\1x" + bytes(60_000_000))


def compile_bomb() -> bytes:
    """A module that takes minutes and gigabytes to compile, inside."""
    return _MAGIC + section(1, compiling.loop_phi_40_kb())


def hidden_feature() -> bytes:
    """A module with shared memory, inside."""
    return wat("(component (core module (memory 1 1 shared)))")


def bad_text() -> bytes:
    """Answers with what is no UTF-8."""
    return _result("string", 16, 3, '"\\ff\\fe\\00"')


def text_outside() -> bytes:
    """Answers with a text that ends outside of its memory."""
    return _result("string", 16, 0xFFFF_FFF0)


def list_outside() -> bytes:
    """Answers with a list that ends outside of its memory."""
    return _result("(list u64)", 16, 0x2000_0000)


def misaligned_list() -> bytes:
    """Answers with a list of numbers that stand askew."""
    return _result("(list u64)", 17, 1)


def long_text() -> bytes:
    """Answers with 60 MB."""
    return _result("string", 16, 60_000_000, pages=1_000)


def long_list() -> bytes:
    """Answers with sixty million bytes, each of which costs the host eighty."""
    return _result("(list u8)", 16, 60_000_000, pages=1_000)


def endless_list_of_nothing() -> bytes:
    """Answers with four billion values that take no memory at all."""
    return _result("(list (tuple))", 16, 0xFFFF_FFFF)


def _result(kind: str, address: int, size: int, data: str = '""', pages: int = 1) -> bytes:
    room = 1024 if pages == 1 else (pages - 1) << 16
    return _component(
        f"""(memory (export "memory") {pages}) (data (i32.const 16) {data})
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const {room}))
        (func (export "run") (param i32 i32) (result i32) (i32.store (i32.const 0) (i32.const {address}))
        (i32.store (i32.const 4) (i32.const {size})) (i32.const 0))""",
        kind=f"(result {kind})",
    )


def unknown_import() -> bytes:
    """Wants an interface of somebody else."""
    return wat('(component (import "a:b/c@1.0.0" (instance (export "f" (func)))))')


def http_import() -> bytes:
    """Wants the interface that reaches every address."""
    return wat('(component (import "wasi:http/outgoing-handler@0.2.0" (instance (export "handle" (func)))))')


def forged_door() -> bytes:
    """Wants a door with a type of its own."""
    return wat('(component (import "omnicore:plugin/kv@1.0.0" (instance (export "get" (func (result (list u8)))))))')


def forged_wasi() -> bytes:
    """Wants a WASI function with a type of its own."""
    return wat(
        f'(component (import "wasi:random/random@{_WASI}" (instance (export "get-random-u64" (func (result string))))))'
    )


def exported_resource() -> bytes:
    """Hands out a resource."""
    return wat(
        """(component (type $r (resource (rep i32))) (export $e "r" (type $r))
        (core module $M (func (export "f") (param i32) (result i32) local.get 0)) (core instance $m (instantiate $M))
        (func (export "run") (param "x" (own $e)) (result (own $e)) (canon lift (core func $m "f"))))"""
    )


def asynchronous() -> bytes:
    """Uses the asynchronous part of the component model."""
    return _MAGIC + section(8, b"\1\5")


def truncated() -> bytes:
    """The first half of a real one."""
    return _GUEST.read_bytes()[:90_000]


def noise() -> bytes:
    """A header and bytes that mean nothing."""
    return _MAGIC + b"\xff" * 200


_SLEEPS = f"""(import "wasi:io/poll@{_WASI}" (instance $p (export "pollable" (type $r (sub resource)))
 (export "[method]pollable.block" (func (param "self" (borrow $r))))))
 (alias export $p "pollable" (type $pollable))
 (import "wasi:clocks/monotonic-clock@{_WASI}" (instance $c (alias outer 1 $pollable (type $q))
 (export "pollable" (type $o (eq $q))) (export "subscribe-duration" (func (param "when" u64) (result (own $o))))))
 (core func $s (canon lower (func $c "subscribe-duration")))
 (core func $b (canon lower (func $p "[method]pollable.block")))"""
_SLEEP_IMPORTS = '(import "h" "s" (func $s (param i64) (result i32))) (import "h" "b" (func $b (param i32)))'


def _polling(body: str) -> bytes:
    return wat(
        f"""(component {_SLEEPS} (core module $M {_SLEEP_IMPORTS} (memory (export "memory") 1)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
        (func (export "run") (param i32 i32) {body}))
        (core instance $m (instantiate $M (with "h" (instance (export "s" (func $s)) (export "b" (func $b))))))
        (func (export "run") (param "data" (list u8)) (canon lift (core func $m "run")
        (memory (core memory $m "memory")) (realloc (core func $m "realloc")))))"""
    )


def sleep() -> bytes:
    """Sleeps for centuries."""
    return _polling("(call $b (call $s (i64.const -1)))")


def many_pollables() -> bytes:
    """Asks for a new clock to wait for, without end."""
    return _polling("(loop $l (drop (call $s (i64.const 1))) (br $l))")


def forged_handle() -> bytes:
    """Waits for a handle that it never got."""
    return _polling("(call $b (i32.const 77))")


def random_flood() -> bytes:
    """Asks for 4 GiB of random bytes at once."""
    return wat(
        f"""(component (import "wasi:random/random@{_WASI}" (instance $r
        (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))
        (core module $L (memory (export "memory") 1)
         (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
        (core instance $l (instantiate $L))
        (core func $f (canon lower (func $r "get-random-bytes") (memory (core memory $l "memory"))
         (realloc (core func $l "realloc"))))
        (core module $M (import "h" "f" (func $f (param i64 i32)))
         (func (export "run") (param i32 i32) (call $f (i64.const 4294967296) (i32.const 8))))
        (core instance $m (instantiate $M (with "h" (instance (export "f" (func $f))))))
        (func (export "run") (param "data" (list u8)) (canon lift (core func $m "run")
        (memory (core memory $l "memory")) (realloc (core func $l "realloc")))))"""
    )
