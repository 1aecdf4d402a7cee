"""Guests built with stock kits run unchanged, and answer as they do on the reference engine."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import pytest

from omnicore.errors import DeadlineExceeded, GuestError
from omnicore.sandbox.abi import Doors, HostFunction, HttpResponse, Limits, WasiGrant
from omnicore.sandbox.engine import SandboxEngine
from omnicore.sandbox.extism.engine import ExtismEngine
from omnicore.sandbox.reference.engine import ReferenceEngine

GUESTS = Path(__file__).parents[2] / "guests"
CONFIG = {"greeting": "Grüß Gott"}
KITS = ("rust", "go", "c", "assemblyscript")
LIMITS = Limits(timeout_s=20.0, compile_s=60.0)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("guests") / "code"


def doors(kit: str, **given) -> Doors:
    def hello(call, handle):
        return call.write(b"hello, " + call.read(handle))

    functions = (HostFunction("extism:host/user", "hello_world", ("i64",), ("i64",), hello),)
    return Doors(functions=functions, wasi=WasiGrant() if kit == "go" else None, **given)


def opened(kit: str, cache: Path, **given):
    return loaded(kit, ExtismEngine(cache), **given).instance()


def loaded(kit: str, engine: SandboxEngine, **given):
    wasm = (GUESTS / kit / f"{kit}.wasm").read_bytes()
    return engine.load([("main", wasm)], LIMITS, doors(kit, **given))


@functools.cache
def reference(kit: str):
    """On the reference engine, which compiles for seconds and keeps nothing."""
    return loaded(kit, ReferenceEngine(), config=CONFIG)


@pytest.mark.parametrize("kit", KITS)
def test_a_stock_guest_answers_as_on_the_reference_engine(kit, cache):
    ours, theirs = opened(kit, cache, config=CONFIG), reference(kit).instance()
    for export, data in [
        ("echo", b""),
        ("echo", bytes(range(256)) * 8),
        ("greet", b"x" * 64),
        ("greet", b"again"),
        ("forget", b""),
        ("greet", b"anew"),
        ("hello", "Ada Ω".encode()),
    ]:
        assert ours.call(export, data) == theirs.call(export, data), (export, data[:20])


@pytest.mark.parametrize("kit", KITS)
def test_a_stock_guests_failures_are_told_as_on_the_reference_engine(kit, cache):
    ours, theirs = opened(kit, cache, config=CONFIG), reference(kit).instance()
    for export, data in [("fail", b"no such thing"), ("code", b"")]:
        with pytest.raises(GuestError) as here:
            ours.call(export, data)
        with pytest.raises(GuestError) as there:
            theirs.call(export, data)
        assert str(there.value).split(";")[0] in str(here.value)
    with pytest.raises(GuestError):
        ours.call("panics", b"help")


@pytest.mark.parametrize("kit", KITS)
def test_a_stock_guest_that_never_ends_is_cut(kit, cache):
    with pytest.raises(DeadlineExceeded):
        opened(kit, cache).call("spin", b"", timeout_s=0.3)


@pytest.mark.parametrize("kit", KITS)
def test_a_stock_guest_fetches_and_logs_through_the_doors_it_is_given(kit, cache):
    asked, lines = [], []

    async def send(request):
        asked.append((request.method, request.url, request.headers["x-guest"]))
        return HttpResponse(203, {"content-type": "text/plain"}, b"page")

    guest = opened(kit, cache, http=send, log=lambda level, text: lines.append(text), log_level="trace")
    assert json.loads(guest.call("fetch", b"http://example.com/")) == {"status": 203, "body": "page"}
    assert asked == [("GET", "http://example.com/", kit)]
    guest.call("log", b"here")
    assert any("here" in line for line in lines)


@pytest.mark.parametrize("name", ["upper-c", "upper-go"])
def test_a_plain_wasi_command_reads_its_input_and_prints_its_output(name, cache):
    wasm = (GUESTS / "wasi" / f"{name}.wasm").read_bytes()
    template = ExtismEngine(cache).load([("main", wasm)], LIMITS, Doors(wasi=WasiGrant()))
    command = template.instance()
    assert command.call("_start", b"one\ntwo") == b"ONE\nTWO"
    assert command.call("_start", b"and again") == b"AND AGAIN"  # a command is new every time
    with pytest.raises(GuestError, match="Error code: 3"):
        command.call("_start", b"exit 3\n")


def test_linked_modules_of_a_c_compiler_share_the_exchange_memory(cache):
    modules = [(name, (GUESTS / "link" / f"{name}.wasm").read_bytes()) for name in ("lib", "main")]
    instance = ExtismEngine(cache).load(modules, LIMITS, Doors()).instance()
    assert instance.call("run", b"hey") == b"HEY!!" or instance.call("run", b"hey") == b"hey!!"
    assert instance.call("count", b"").isdigit()
