"""The two short journeys through the house: which files a call enters, and which a dropped file."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import omnicore
from omnicore import Host
from omnicore.sandbox.wat import wat_to_wasm

HOUSE = Path(omnicore.__file__).parent
GUEST = wat_to_wasm(
    b"""(module
      (import "extism:host/env" "input_offset" (func $input (result i64)))
      (import "extism:host/user" "kv_get_v1" (func $get (param i64) (result i64)))
      (import "extism:host/env" "length" (func $length (param i64) (result i64)))
      (import "extism:host/env" "output_set" (func $output (param i64 i64)))
      (func (export "look") (local $h i64)
        (local.set $h (call $get (call $input)))
        (call $output (local.get $h) (call $length (local.get $h)))))"""
)
MANIFEST = b'[[capabilities]]\nname = "kv"\nreason = "to look"\n[functions.look]\noutput = {}\n'


def entered(work) -> set[str]:
    """The files of the house that ran during `work`."""
    found: set[str] = set()

    def note(frame, _event, _argument):
        path = Path(frame.f_code.co_filename)
        if HOUSE in path.parents:
            found.add(path.relative_to(HOUSE).as_posix())

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return found


def test_a_call_goes_from_the_host_to_the_pool_to_the_guest_to_the_door_to_its_table(tmp_path):
    (tmp_path / "plugins").mkdir()
    with Host(plugins=tmp_path / "plugins", data=tmp_path / "data", watch=False) as host:
        host.plugins.install("looker.wasm", GUEST, manifest=MANIFEST)
        host.plugins.grant("looker", None, who="test")
        host.call("looker.look", b'{"key": "a"}')  # compiled and resolved: the second call is the journey
        files = entered(lambda: host.call("looker.look", b'{"key": "a"}'))
    for stop in (
        "plugins/calls.py",
        "plugins/pool.py",
        "sandbox/extism/instance.py",
        "capabilities/kv.py",
        "storage/tables/kv.py",
    ):
        assert stop in files
    rooms = {file.split("/")[0] for file in files}
    assert rooms <= {
        "assembly.py",
        "plugins",
        "sandbox",
        "capabilities",
        "storage",
        "telemetry",
        "resilience",
        "clock.py",
    }
    assert "capabilities/grants.py" not in files  # closed doors were linked as refusals: nothing to ask in a call


def test_a_dropped_file_goes_from_the_folder_to_the_reader_to_the_manifest_to_the_catalogue(tmp_path):
    (tmp_path / "plugins").mkdir()
    with Host(plugins=tmp_path / "plugins", data=tmp_path / "data", watch=False) as host:
        (tmp_path / "plugins" / "looker.wasm").write_bytes(GUEST)
        files = entered(host.plugins.scan)
        added = [event.topic for event in host.bus.history("plugin.*")]
    for stop in (
        "plugins/folder.py",
        "sandbox/inspect.py",
        "plugins/manifest.py",
        "plugins/catalogue.py",
        "events/bus.py",
    ):
        assert stop in files
    assert added
