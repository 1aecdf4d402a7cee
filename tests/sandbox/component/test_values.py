"""Values of every type pass through the guest and come back as they were; what no type can hold is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sandbox.component.conftest import Loader, component

from omnicore.errors import GuestFailed, GuestTrapped, InvalidInput, LimitExceeded
from omnicore.sandbox.capi.values import VALUE_BYTES, Arena, CopyMeter, TooLargeError, UnfitValueError, decoder, encoder
from omnicore.sandbox.wit import (
    BOOL,
    F64,
    PRIMITIVES,
    S64,
    STRING,
    U8,
    WitType,
    enum,
    list_of,
    option,
    record,
    result,
    tuple_of,
    variant,
)

BY_NAME = {kind.kind: kind for kind in PRIMITIVES.values()}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
RANGES = {f"s{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)} | {
    f"u{bits}": (0, 2**bits - 1) for bits in (8, 16, 32, 64)
}


def there_and_back(kind: WitType, value: Any) -> Any:
    arena = Arena()
    data = encoder(kind)(value, arena)
    assert len(data) == VALUE_BYTES
    return decoder(kind)(data, 0, CopyMeter(1 << 20))


SHAPES = {
    "text": (STRING, TEXT),
    "flag": (BOOL, st.booleans()),
    "number": (F64, st.floats(allow_nan=False)),
    "character": (BY_NAME["char"], st.characters(exclude_categories=["Cs"])),
    "bytes": (list_of(U8), st.binary(max_size=40)),
    "numbers": (list_of(S64), st.lists(st.integers(-(2**63), 2**63 - 1), max_size=9)),
    "texts": (list_of(STRING), st.lists(TEXT, max_size=9)),
    "pair": (tuple_of(BOOL, STRING), st.tuples(st.booleans(), TEXT).map(list)),
    "option": (option(STRING), st.none() | TEXT),
    "enum": (enum("red", "dark-green"), st.sampled_from(["red", "dark-green"])),
    "flags": (WitType("flags", ("a", "b-c", "d")), st.lists(st.sampled_from(["a", "b-c", "d"]), unique=True)),
    "record": (
        record(("a-name", STRING), ("b", option(S64))),
        st.fixed_dictionaries({"a_name": TEXT, "b": st.none() | st.integers(-9, 9)}),
    ),
    "variant": (
        variant(("none", None), ("some-text", STRING)),
        st.just({"tag": "none"}) | TEXT.map(lambda text: {"tag": "some-text", "value": text}),
    ),
    "result": (
        result(S64, STRING),
        st.integers(-9, 9).map(lambda number: {"ok": number}) | TEXT.map(lambda text: {"err": text}),
    ),
    "nested": (
        list_of(option(tuple_of(STRING, list_of(U8)))),
        st.lists(st.none() | st.tuples(TEXT, st.binary()).map(list)),
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_value_comes_back_as_it_went(name: str) -> None:
    kind, values = SHAPES[name]

    @settings(max_examples=40, deadline=None)
    @given(value=values)
    def check(value: Any) -> None:
        assert there_and_back(kind, value) == value

    check()


@pytest.mark.parametrize("name", RANGES)
def test_whole_numbers_are_exact_to_their_bounds_and_never_cut(name: str) -> None:
    least, most = RANGES[name]
    assert [there_and_back(BY_NAME[name], value) for value in (least, 0, most)] == [least, 0, most]
    for value in (least - 1, most + 1, 2**200, True, "1", 1.5, None):
        with pytest.raises(UnfitValueError):
            encoder(BY_NAME[name])(value, Arena())


UNFIT: dict[str, tuple[WitType, Any]] = {
    "half a character": (STRING, "\ud800"),
    "two characters": (BY_NAME["char"], "ab"),
    "half a character as one": (BY_NAME["char"], "\udfff"),
    "a number that f32 lacks": (BY_NAME["f32"], 1e39),
    "a number that no float has": (F64, 10**400),
    "bad base64": (list_of(U8), {"base64": "?"}),
    "numbers for bytes": (list_of(U8), [1, 2]),
    "a text for a list": (list_of(STRING), "ab"),
    "too few in a tuple": (tuple_of(BOOL, BOOL), [True]),
    "an unknown case": (enum("a"), "b"),
    "an unknown flag": (WitType("flags", ("a",)), ["b"]),
    "a list as a case": (enum("a"), ["a"]),
    "an unknown tag": (variant(("a", None)), {"tag": "b"}),
    "a value where none is due": (variant(("a", None)), {"tag": "a", "value": 1}),
    "a tag that is no text": (variant(("a", None)), {"tag": ["a"]}),
    "a missing field": (record(("a", STRING)), {}),
    "a field too many": (record(("a", STRING)), {"a": "", "b": ""}),
    "both sides": (result(None, None), {"ok": None, "err": None}),
}


@pytest.mark.parametrize("name", UNFIT)
def test_what_a_type_cannot_hold_is_refused(name: str) -> None:
    kind, value = UNFIT[name]
    with pytest.raises(UnfitValueError):
        encoder(kind)(value, Arena())


def test_the_error_of_an_unfit_value_leads_to_it() -> None:
    kind = record(("list-of", list_of(tuple_of(STRING, U8))))
    with pytest.raises(UnfitValueError, match=r"^list_of\[1\]\[1\]: 256 does not fit u8$"):
        encoder(kind)({"list_of": [["a", 1], ["b", 256]]}, Arena())


def test_more_than_the_meter_allows_is_not_copied() -> None:
    for kind, value in (
        (STRING, "x" * 101),
        (list_of(BOOL), [True] * 7),
        (list_of(F64), [1.0] * 26),
        (list_of(U8), b"x" * 101),
    ):
        arena = Arena()
        data = encoder(kind)(value, arena)
        with pytest.raises(TooLargeError):
            decoder(kind)(data, 0, CopyMeter(100))


CALLS: dict[str, tuple[str, Any, Any]] = {
    "text": ("shout", "höllo", "HÖLLO"),
    "several parameters": ("add", {"a": 2**32 - 1, "b": -(2**63)}, 2**32 - 1 - 2**63),
    "floats": ("numbers", [1.5, -2], [3.0, -4.0]),
    "a variant": ("area", {"tag": "square", "value": 3}, 9.0),
    "an empty case": ("area", {"tag": "empty"}, 0.0),
    "a result": ("divide", {"a": 7, "b": 2}, 3),
    "an interface's function": ("greeter.greet", {"name": "Ada"}, "Hello, Ada!"),
    "an option": ("greeter.greet", {"name": "Ada", "age": 36}, "Hello, Ada (36)!"),
    "enum flags char tuple": (
        "mix",
        {"a": "dark-green", "flags": ["loud", "list"], "c": "ü", "pair": [True, None]},
        ["dark-green", ["loud", "list"], "ü", [True, None]],
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_real_guest_takes_and_gives_it(load: Loader, name: str) -> None:
    function, value, due = CALLS[name]
    given = value.encode() if isinstance(value, str) else json.dumps(value).encode()
    found = load().instance().call(function, given)
    assert (found.decode() if isinstance(due, str) else json.loads(found)) == due


def test_a_list_of_bytes_travels_as_it_is(load: Loader) -> None:
    assert load().instance().call("reverse", bytes(range(256))) == bytes(reversed(range(256)))
    assert load().instance().call("reverse", b"") == b""


def test_a_function_without_parameters_takes_nothing_or_null(load: Loader) -> None:
    instance = load().instance()
    assert [instance.call("nothing", data) for data in (b"", b"null")] == [b"", b""]
    with pytest.raises(InvalidInput, match="it takes none"):
        instance.call("nothing", b"1")


@pytest.mark.parametrize(
    ("function", "data"),
    [
        ("add", b'{"a": -1, "b": 0}'),
        ("add", b'{"a": 1}'),
        ("add", b'{"a": 1, "b": 2, "c": 3}'),
        ("add", b"[1, 2]"),
        ("add", b'{"a": NaN, "b": 1}'),
        ("add", b"{"),
        ("shout", b"\xff"),
        ("numbers", b"[" * 5_000),
    ],
)
def test_input_that_fits_no_parameter_is_the_callers_fault_and_leaves_the_instance_well(
    load: Loader, function: str, data: bytes
) -> None:
    instance = load().instance()
    with pytest.raises(InvalidInput):
        instance.call(function, data)
    assert instance.healthy
    assert instance.call("shout", b"still") == b"STILL"


def test_the_error_side_of_a_result_is_the_guests_text_or_json(load: Loader) -> None:
    instance = load().instance()
    with pytest.raises(GuestFailed, match=r"^1 cannot be divided by 0$"):
        instance.call("divide", b'{"a": 1, "b": 0}')
    with pytest.raises(GuestFailed, match=r'^\{"x":1,"y":2\}$'):
        instance.call("check", b'{"x": 1, "y": 2}')
    assert instance.healthy
    assert instance.call("check", b'{"x": 1, "y": 1}') == b""


def test_a_number_that_json_lacks_is_the_guests_failure(load: Loader) -> None:
    wasm = component('(func (export "run") (result f64) (f64.const nan))', kind="(result f64)")
    with pytest.raises(GuestFailed, match="JSON"):
        load(wasm).instance().call("run", b"")


def test_an_output_over_the_limit_is_refused(load: Loader) -> None:
    template = load(output_bytes=100)
    with pytest.raises(LimitExceeded, match="output") as caught:
        template.instance().call("repeat", b'{"text": "ab", "times": 51}')
    assert caught.value.details["limit"] == "output_bytes"
    assert len(template.instance().call("repeat", b'{"text": "ab", "times": 50}')) == 100


def test_a_panic_is_told_with_its_text(load: Loader) -> None:
    instance = load().instance()
    with pytest.raises(GuestTrapped, match="the text of the panic") as caught:
        instance.call("panic", b"the text of the panic")
    assert caught.value.details["trap"] == "unreachable-code-reached"
    assert not instance.healthy
