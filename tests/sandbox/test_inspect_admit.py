"""What the presets do not allow is refused before an engine sees it."""

from __future__ import annotations

import pytest
import wasmtime
from tests.hostile import wasm_builder as wb

from omnicore.errors import ModuleRejected
from omnicore.sandbox.abi import Limits
from omnicore.sandbox.inspect import admit, inspect

LIMITS = Limits()

REFUSED = {
    "too big": (wb.MAGIC + wb.custom("x", bytes(LIMITS.module_bytes)), "module_bytes"),
    "memory64": (wb.ModuleBuilder(memories=[wb.limits(1, flags=4)]).build(), "memory64"),
    "memory64 of 2^48 pages": (wb.ModuleBuilder(memories=[wb.limits(2**48, flags=4)]).build(), "memory64"),
    "table64": (wb.ModuleBuilder(tables=[b"\x70" + wb.limits(1, flags=4)]).build(), "memory64"),
    "shared memory": (wb.ModuleBuilder(memories=[wb.limits(1, 1, flags=2)]).build(), "threads"),
    "custom page size": (wb.ModuleBuilder(memories=[wb.limits(1, flags=8) + b"\0"]).build(), "pages of 64"),
    "two memories": (wb.ModuleBuilder(memories=[wb.limits(1)] * 2).build(), "2 memories"),
    "imported and own memory": (
        wb.ModuleBuilder(imports=[wb.imported("a", "m", b"\x02\0\1")], memories=[wb.limits(1)]).build(),
        "2 memories",
    ),
    "kernel memory": (
        wb.ModuleBuilder(imports=[wb.imported("extism:host/env", "memory", b"\x02\0\1")]).build(),
        "only functions",
    ),
    "exception tag": (wb.MAGIC + wb.section(1, b"\1\x60\0\0") + wb.section(13, b"\1\0\0"), "exceptions"),
    "imported tag": (wb.ModuleBuilder(imports=[wb.imported("a", "t", b"\x04\0\0")]).build(), "exceptions"),
    "externref table": (wb.ModuleBuilder(tables=[b"\x6f\0\1"]).build(), "externref"),
    "externref parameter": (wb.ModuleBuilder(types=[wb.func_type([wb.EXTERNREF])]).build(), "externref"),
    "externref global": (wb.ModuleBuilder(globals=[b"\x6f\0\xd0\x6f\x0b"]).build(), "externref"),
    "initial memory": (wb.ModuleBuilder(memories=[wb.limits(1025)]).build(), "oom"),
    "initial memory of 4 GiB": (wb.ModuleBuilder(memories=[wb.limits(65_536)]).build(), "oom"),
    "table elements in sum": (
        wb.ModuleBuilder(tables=[b"\x70" + wb.limits(5_001)] * 2).build(),
        "table_elements",
    ),
    "nine tables": (wb.ModuleBuilder(tables=[b"\x70\0\1"] * 9).build(), "9 tables"),
    "element segments": (
        wb.ModuleBuilder(elements=[b"\1\0" + wb.vector([b"\0"] * 300_000)]).build(),
        "element segments",
    ),
    "a name of the host": (
        wb.ModuleBuilder(memories=[wb.limits(1)], exports=[wb.export("omnicore:memory", 2, 0)]).build(),
        "name of the host",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_plugins_may_not_use_is_refused_with_a_remedy(case: str) -> None:
    data, reason = REFUSED[case]
    with pytest.raises(ModuleRejected, match=reason) as caught:
        admit(inspect(data), LIMITS)
    assert caught.value.remedy


def test_everything_at_its_edge_is_admitted() -> None:
    tables = [b"\x70" + wb.limits(5_000), b"\x70" + wb.limits(5_000)] + [b"\x70\0\0"] * 6
    data = wb.ModuleBuilder(memories=[wb.limits(1024)], tables=tables).build()
    data += wb.custom("pad", bytes(LIMITS.module_bytes - len(data) - 9))
    assert len(data) == LIMITS.module_bytes
    admit(inspect(data), LIMITS)


def test_an_ordinary_plugin_is_admitted() -> None:
    source = '(module (import "extism:host/env" "free" (func (param i64))) (memory 2) (func (export "run")))'
    admit(inspect(wasmtime.wat2wasm(source)), LIMITS)
