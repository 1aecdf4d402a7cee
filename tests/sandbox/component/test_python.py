"""A component in Python, of 18 MB, compiles within the limits and loads at once from then on."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from omnicore.errors import GuestTrapped
from omnicore.sandbox.abi import Doors, HostCall, HostFunction, Limits, WasiGrant
from omnicore.sandbox.component.engine import ComponentEngine

WIT = Path(__file__).parents[3] / "specs" / "wit" / "omnicore-1.0.0"
WORLD = """package test:python@1.0.0;
world guest {
    include omnicore:plugin/imports@1.0.0;
    export shout: func(text: string) -> string;
    export save: func(key: string) -> result<s64, string>;
    export fail: func(text: string);
}
"""
APP = """
import wit_world
from componentize_py_types import Err
from wit_world.imports import kv
from wit_world.imports.types import Blob_Text

class WitWorld(wit_world.WitWorld):
    def shout(self, text):
        return text.upper()

    def save(self, key):
        try:
            return kv.put(key, Blob_Text("v"), None)
        except Err as error:
            raise Err(error.value.message)

    def fail(self, text):
        raise ValueError(text)
"""


@pytest.fixture(scope="module")
def wasm(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The built component."""
    if importlib.util.find_spec("componentize_py") is None:
        pytest.skip("componentize-py is not here")
    folder = tmp_path_factory.mktemp("python")
    shutil.copytree(WIT, folder / "wit" / "deps" / "omnicore")
    (folder / "wit" / "world.wit").write_text(WORLD)
    (folder / "app.py").write_text(APP)
    command = [Path(sys.executable).parent / "componentize-py", "-d", "wit", "-w", "guest", "componentize", "app"]
    subprocess.run([*command, "-o", "app.wasm"], cwd=folder, check=True, capture_output=True)
    return (folder / "app.wasm").read_bytes()


@pytest.mark.slow
def test_python_is_compiled_once_within_the_limits_and_then_loaded(
    wasm: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def put(call: HostCall, handle: int) -> int:
        return call.write(
            b'{"version": 7}' if b"good" in call.read(handle) else b'{"error": {"code": "x", "message": "y"}}'
        )

    doors = Doors(functions=(HostFunction("extism:host/user", "kv_put_v1", ("i64",), ("i64",), put),), wasi=WasiGrant())
    limits = Limits(compile_s=60.0)  # by default 30, which a machine that does other work may miss
    ComponentEngine(tmp_path / "code").load([("main", wasm)], limits, doors)
    assert "compiling a component of" in caplog.text
    caplog.clear()
    template = ComponentEngine(tmp_path / "code").load([("main", wasm)], limits, doors)
    assert not caplog.text
    instance = template.instance()
    assert instance.call("shout", b"hello") == b"HELLO"
    assert instance.call("save", b"good") == b"7"
    with pytest.raises(Exception, match=r"^y$"):
        instance.call("save", b"bad")
    with pytest.raises(GuestTrapped, match="the reason"):
        instance.call("fail", b"the reason")
