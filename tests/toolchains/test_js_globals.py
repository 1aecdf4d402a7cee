"""What a JavaScript plugin finds beside the language itself does what browsers do, and is alive in every instance."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.capabilities.double import asks
from tests.toolchains.javascript import Running, build, running

from omnicore.errors import (
    DeadlineExceeded,
    GuestFailed,
    GuestTrapped,
    LimitExceeded,
    OmniError,
    PermissionDenied,
)

SOURCE = Path(__file__).with_name("globals.js")


@pytest.fixture(scope="module")
def js() -> Iterator[Running]:
    http = asks("http", {"hosts": ["granted"], "methods": ["POST"]})
    with running(build(SOURCE).wasm, "kv", http, settings={"greeting": "Hi"}) as found:
        yield found


def failing(js: Running, function: str, value: object = 1) -> OmniError:
    with pytest.raises(OmniError) as caught:
        js(function, value)
    return caught.value


def test_the_clock_is_the_hosts_and_not_that_of_the_build(js: Running) -> None:
    before = time.time() * 1000
    now, date, performed = js("clock", 1)
    assert before - 1 <= now <= date <= time.time() * 1000
    assert performed is True


def test_random_numbers_differ_between_instances(js: Running) -> None:
    one, other = js("random", 1), js("random", 1)
    assert len({*one, *other}) == 4
    assert all(0 <= value < 1 for value in (*one, *other))


def test_random_bytes_and_ids_come_from_the_host(js: Running) -> None:
    assert js("values", 0) == []
    assert js("values", 32) != js("values", 32)
    assert js("manyValues", 1) == "QuotaExceededError"
    one, other = js("uuid", 1), js("uuid", 1)
    assert one != other
    assert [len(part) for part in one.split("-")] == [8, 4, 4, 4, 12]
    assert one[14] == "4"


def test_text_becomes_utf_8(js: Running) -> None:
    assert bytes(js("encode", "aé€😀")) == "aé€😀".encode()
    assert bytes(js("encodeHalf", 1)) == b"\xef\xbf\xbd"
    assert js("encodeInto", "a😀b") == {"read": 1, "written": 1}


@pytest.mark.parametrize(
    "data", [b"plain", "é€😀".encode(), b"\xff", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98a", b"\xed\xa0\x80", b"\xc0\x80z"]
)
def test_bytes_become_text_as_python_reads_them(js: Running, data: bytes) -> None:
    wanted = data.decode(errors="replace")
    assert js("decode", {"label": "utf8", "from": list(data)}) == wanted
    assert js("decodeFatal", list(data)) == ("TypeError" if "\ufffd" in wanted else None)


def test_decoders_know_other_encodings_parts_and_marks(js: Running) -> None:
    assert js("decode", {"label": "latin1", "from": [0x80, 0xE9]}) == "€é"
    assert js("decode", {"label": "utf-16le", "from": list("hö😀".encode("utf-16-le"))}) == "hö😀"
    assert js("decode", {"label": "utf-8", "from": [0xEF, 0xBB, 0xBF, 0x61]}) == "a"
    assert js("decode", {"label": "utf-8", "from": [0xEF, 0xBB, 0xBF, 0x61], "ignoreBOM": True}) == "\ufeffa"
    assert js("decodeParts", [[0xF0, 0x9F], [0x98], [0x80, 0xE2]]) == "😀\ufffd"


@pytest.mark.parametrize(
    ("given", "href"),
    [
        (["https://user:pw@EXAMPLE.com:443/a/../b c?q=ü#f g"], "https://user:pw@example.com/b%20c?q=%C3%BC#f%20g"),
        (["../x?y", "http://h/a/b/c"], "http://h/a/x?y"),
        (["?z", "http://h/a?b#c"], "http://h/a?z"),
        (["#z", "http://h/a?b#c"], "http://h/a?b#z"),
        (["", "http://h/a?b#c"], "http://h/a?b"),
        (["//other/p", "https://h/"], "https://other/p"),
        (["\\p\\.\\q", "http://h/a"], "http://h/p/q"),
        (["http://0x7f.1/"], "http://127.0.0.1/"),
        (["http://[2001:DB8:0:0:1:0:0:1]:80"], "http://[2001:db8::1:0:0:1]/"),
        (["http://[::ffff:1.2.3.4]/"], "http://[::ffff:102:304]/"),
        (["http://bücher.example/"], "http://xn--bcher-kva.example/"),
        (["mailto:a@b.c"], "mailto:a@b.c"),
        (["file:///C:/a/../b"], "file:///C:/b"),
        (["a:b/../c"], "a:b/../c"),
        (["redis://h/%2e%2E/x"], "redis://h/x"),
    ],
)
def test_addresses_are_read_as_browsers_read_them(js: Running, given: list[str], href: str) -> None:
    assert js("href", given) == href


@pytest.mark.parametrize(
    "text", ["nope", "http://", "http://a b/", "http://1.2.3.256/", "http://h:70000/", "http://[1::2::3]/"]
)
def test_what_is_no_address_is_none(js: Running, text: str) -> None:
    assert js("canParse", text) is False
    assert "Invalid URL" in str(failing(js, "href", [text]))


def test_an_address_has_its_parts_and_can_be_changed(js: Running) -> None:
    assert js("parts", "http://u:p@h:81/a?b#c") == {
        **{"origin": "http://h:81", "protocol": "http:", "username": "u", "password": "p", "host": "h:81"},
        **{"hostname": "h", "port": "81", "pathname": "/a", "search": "?b", "hash": "#c"},
    }
    changes = [
        ("protocol", "https"),
        ("host", "x:8"),
        ("port", ""),
        ("pathname", "q r?"),
        ("search", "s=ß"),
        ("hash", ""),
    ]
    assert [js("change", ["http://h:81/a?b#c", *change]) for change in changes] == [
        *("https://h:81/a?b#c", "http://x:8/a?b#c", "http://h/a?b#c"),
        *("http://h:81/q%20r%3F?b#c", "http://h:81/a?s=%C3%9F#c", "http://h:81/a?b"),
    ]
    assert js("parameters", "b=1&b=a+b%26&c") == [
        "b=1&b=a+b%26&c=",
        ["1", "a b&"],
        True,
        3,
        "https://x/?a=0&b=1&b=a+b%26&c=",
    ]


def test_base64_is_that_of_browsers(js: Running) -> None:
    assert js("base64", "hi\xff") == ["aGn/", "hi\xff", "InvalidCharacterError", "InvalidCharacterError"]


def test_a_structured_clone_is_deep_and_keeps_kinds_and_circles(js: Running) -> None:
    refused = ["DataCloneError", "DataCloneError"]
    assert js("clone", 1) == [True, 0, ["a", "b"], "/a/g", [1, 2], True, 1, *refused]
    assert js("move", 1) == [8, 0]


def test_timers_run_in_order_without_waiting_and_end_with_the_call(js: Running) -> None:
    began = time.monotonic()
    assert js("timers", 1) == ["micro", "now", "tick", "a", "tick", "b", "tick"]
    assert time.monotonic() - began < 20
    instance = js.fresh
    assert instance.call("left", b"1") == b'"set"'
    assert instance.call("left", b"1") != b'"ran"'
    instance.close()


def test_a_promise_that_nothing_settles_is_an_error(js: Running) -> None:
    assert "a promise that nothing settles" in str(failing(js, "never"))


def test_console_writes_to_the_log(js: Running) -> None:
    js.lines.clear()
    js.raw("lines", b"1")
    assert js.lines == [
        ("info", 'x has 3 { list: [1, { map: Map { 1 => "a" } }], fn: [Function clock], nothing: undefined }'),
        ("warn", "[Uint8Array(1) [1], 1970-01-01T00:00:00.000Z, /r/, 1n, Symbol(s), null]"),
        ("error", "{ self: [Circular] }"),
        ("error", "Assertion failed sums"),
    ]


def test_extisms_globals_are_there(js: Running) -> None:
    assert js("host", 1) == ["Hi", None, "one", None, 255, {"a": [1]}, 9, "hö", 2, 7, 0.5, "9", 0]


def test_requests_without_a_grant_are_refused() -> None:
    with running(build(SOURCE).wasm) as js:
        assert js("refused", "http://h/") == ["TypeError", True, "permission-denied"]
        with pytest.raises(PermissionDenied, match="http_request"):
            js("asked", {"url": "http://h/"})


def test_fetch_goes_through_the_http_door(js: Running) -> None:
    assert js("fetched", "http://granted/x") == [200, True, None, "hello", "TypeError"]


def test_doors_take_and_give_bytes_and_refuse_by_an_error(js: Running) -> None:
    version, value, none, later, text, deleted, refused = js("door", 1)
    assert version >= 1
    assert (value, none, later, text, deleted, refused) == ([0, 255], None, True, "täxt", True, "DoorError")


def test_input_and_output_are_what_is_described(js: Running) -> None:
    assert js.raw("text", b'"x"') == b'"x"!'
    assert js.raw("reverse", b"\x00\x01\xff") == b"\xff\x01\x00"
    assert js("schema", {"n": 4}) == 8
    assert "promised" in str(failing(js, "wrong"))


@pytest.mark.parametrize("value", [1, 1.5, "text", "1", None, True, [1, {"a": None}], {"ä": "\n"}])
def test_what_nothing_is_said_of_is_json(js: Running, value: object) -> None:
    assert js.raw("same", js.raw("same", _json(value))) == js.raw("same", _json(value)) == _json(value)


def test_input_that_is_no_json_arrives_as_text(js: Running) -> None:
    assert js.raw("same", b"hello") == b'"hello"'
    assert js.raw("same") == b"null"
    assert js.raw("defaults", b"5") == b"5"
    assert 'describe it with output: "bytes"' in str(failing(js, "undescribedBytes"))


def test_an_error_shows_its_text_its_cause_and_where_it_was_thrown(js: Running) -> None:
    lines = str(failing(js, "boom", 7)).splitlines()
    assert lines[0] == "RangeError: too 7"
    source = SOURCE.read_text().splitlines()
    at = next(number for number, line in enumerate(source, 1) if "throw new RangeError" in line)
    assert lines[1].startswith(f"    at inner (globals.js:{at}:")
    assert lines[2].startswith(f"    at boom (globals.js:{at + 2}:")
    assert "caused by Error: because" in lines
    assert str(failing(js, "rejects")).startswith("RangeError: too late\n    at inner (globals.js:")


@pytest.mark.parametrize(
    ("function", "text"),
    [("throwsText", "plain"), ("throwsObject", 'thrown: {"code":7}'), ("throwsNothing", "thrown: undefined")],
)
def test_whatever_is_thrown_reaches_the_caller(js: Running, function: str, text: str) -> None:
    assert str(failing(js, function)) == text


def test_recursion_without_end_is_an_error_and_the_instance_stays(js: Running) -> None:
    instance = js.fresh
    with pytest.raises(GuestFailed, match="Maximum call stack size exceeded"):
        instance.call("deep", b"1")
    assert instance.call("same", b"1") == b"1"
    instance.close()


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        ("nested", GuestTrapped),
        ("huge", (LimitExceeded, GuestFailed)),
        ("spin", DeadlineExceeded),
        ("forever", DeadlineExceeded),
    ],
)
def test_what_would_take_all_is_contained(js: Running, function: str, kind: Any) -> None:
    instance = js.fresh
    with pytest.raises(kind):
        instance.call(function, b"1", timeout_s=0.5)
    instance.close()
    assert js("same", 1) == 1


def test_no_module_is_loaded_at_run_time(js: Running) -> None:
    assert "while a plugin is built" in str(failing(js, "late"))


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
