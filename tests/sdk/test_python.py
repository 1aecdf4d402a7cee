"""The kit for Python: values across the border, errors as texts, doors against a host that a test plays."""

from __future__ import annotations

import dataclasses
import enum
import importlib.util
import inspect
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import omnicore_sdk
import pytest
from omnicore_sdk import DoorError, _core, config, connectors, events, http, kv, log, memory, tasks, vectors
from omnicore_sdk._export import Export, Parameter
from omnicore_sdk._types import BOOL, BYTES, FLOAT, INT, TEXT, Choice, Kind, ListOf, MapOf, OptionOf, RecordOf, TupleOf
from omnicore_sdk.testing import FakeHost
from sdk.generate.contract import load

from omnicore.toolchains.python import world
from omnicore.toolchains.python_source import read

KIT = Path(__file__).parents[2] / "sdk" / "python"
TEMPLATE = KIT.parents[1] / "host" / "omnicore" / "cli" / "templates" / "plugin-python"
EXAMPLES = sorted((KIT / "examples").glob("*.py"))


class Color(enum.Enum):
    RED = "red"
    BLUE = 2


@dataclasses.dataclass
class Point:
    x: float
    tags: list[str] = dataclasses.field(default_factory=lambda: ["new"])

    def __post_init__(self) -> None:
        if self.x < 0:
            raise ValueError("x is negative")


@dataclasses.dataclass
class Bound:
    """What the bindings have for Point."""

    x: float
    tags: list[str] | None


COLOR = Choice([(Color.RED, 0), (Color.BLUE, 1)])
POINT = RecordOf(Point, Bound, {"x": FLOAT, "tags": ListOf(TEXT)}, ["tags"])


@pytest.mark.parametrize(
    ("kind", "mine", "theirs"),
    [
        (INT, -5, -5),
        (FLOAT, 1.5, 1.5),
        (TEXT, "é", "é"),
        (BOOL, True, True),
        (BYTES, b"\xff", b"\xff"),
        (ListOf(INT), [1, 2], [1, 2]),
        (MapOf(INT), {"a": 1}, [("a", 1)]),
        (TupleOf(INT, TEXT), (1, "a"), (1, "a")),
        (OptionOf(INT), None, None),
        (OptionOf(INT), 1, 1),
        (COLOR, Color.BLUE, 1),
        (POINT, Point(1.0, ["a"]), Bound(1.0, ["a"])),
    ],
)
def test_a_value_crosses_the_border_and_comes_back(kind: Kind, mine: Any, theirs: Any) -> None:
    assert kind.lower(mine, "it") == theirs
    assert kind.lift(theirs) == mine


def test_what_is_left_out_of_a_record_is_what_its_class_says() -> None:
    assert POINT.lift(Bound(1.0, None)) == Point(1.0, ["new"])


@pytest.mark.parametrize(
    ("kind", "value", "says"),
    [
        (INT, "1", "it is str, not int"),
        (INT, True, "it is bool, not int"),
        (INT, 2**63, "it is over 64 bits"),
        (FLOAT, None, "it is NoneType, not float"),
        (TEXT, b"a", "it is bytes, not str"),
        (TEXT, "\ud800", "surrogates not allowed"),
        (BYTES, "a", "it is str, not bytes"),
        (ListOf(INT), [1, "a"], r"it\[1\] is str, not int"),
        (ListOf(INT), "ab", "it is str, not list"),
        (MapOf(INT), {1: 1}, "a key of it is int, not str"),
        (MapOf(INT), [], "it is list, not dict"),
        (TupleOf(INT, INT), (1,), "it is tuple, not a tuple of 2"),
        (COLOR, "red", "it is 'red', not one of"),
        (POINT, {"x": 1}, "it is dict, not Point"),
        (ListOf(POINT), [Point(1.0, [2])], r"it\[0\].tags\[0\] is int, not str"),  # type: ignore[list-item]
    ],
)
def test_what_does_not_fit_its_hint_is_named_with_its_place(kind: Kind, value: Any, says: str) -> None:
    with pytest.raises((TypeError, ValueError), match=says):
        kind.lower(value, "it")


def exported(author: Callable[..., Any], *kinds: Kind, result: Kind | None = TEXT) -> Export:
    names = list(inspect.signature(author).parameters.values())
    parameters = [
        Parameter(one.name, kind, one.default is not inspect.Parameter.empty)
        for one, kind in zip(names, kinds, strict=True)
    ]
    return Export(author, parameters, result, failed=RuntimeError, root=os.path.dirname(__file__))


def test_an_exported_function_takes_and_gives_values_of_the_border() -> None:
    def move(point: Point, by: float = 2.0) -> Point:
        return Point(point.x + by, point.tags)

    assert exported(move, POINT, FLOAT, result=POINT)(Bound(1.0, None), None) == Bound(3.0, ["new"])


def test_a_parameter_that_may_be_none_is_given_none() -> None:
    def shown(value: int | None) -> str:
        return repr(value)

    assert exported(shown, OptionOf(INT))(None) == "None"


def fails(how: str) -> str:
    if how == "late":
        import nothing_of_this_name  # type: ignore[import-not-found]  # noqa: F401
    if how == "exit":
        raise SystemExit(3)
    if how == "door":
        raise DoorError("permission-denied", "no grant for kv", "grant it")
    return how if how != "type" else 1  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("late", "import it at the top of plugin.py"),
        ("exit", "SystemExit: 3\n  at test_python.py:"),
        ("door", "permission-denied: no grant for kv; grant it\n  at test_python.py:"),
        ("type", "TypeError: what fails returned is int, not str"),
    ],
)
def test_whatever_goes_wrong_is_a_text_with_its_place(how: str, says: str) -> None:
    with pytest.raises(RuntimeError) as caught:
        exported(fails, TEXT)(how)
    assert says in str(caught.value)


def test_places_are_told_innermost_first() -> None:
    def outer() -> str:
        return fails("exit")

    with pytest.raises(RuntimeError) as caught:
        exported(outer)()
    assert [line.split(" in ")[1] for line in str(caught.value).splitlines()[1:]] == ["fails", "outer"]


def test_an_input_its_class_refuses_is_an_error_of_the_call() -> None:
    with pytest.raises(RuntimeError, match="ValueError: x is negative"):
        exported(lambda point: "", POINT)(Bound(-1.0, None))


# Doors.


def test_every_verb_of_every_door_is_in_the_kit() -> None:
    for door in load().doors:
        module = getattr(omnicore_sdk, door.name)
        for verb in door.verbs:
            given = inspect.signature(getattr(module, verb.name)).parameters
            keywords = [name for name, one in given.items() if one.kind is one.KEYWORD_ONLY]
            assert keywords == [one.name for one in verb.request if one.optional]
            assert [name for name in given if name not in keywords] == [
                one.name for one in verb.request if not one.optional
            ]


def test_bytes_are_text_on_the_wire_where_they_are_utf8() -> None:
    with FakeHost() as host:
        host.reply("http.fetch", {"status": 200, "headers": {"a": "b"}, "body": {"base64": "/w=="}})
        answer = http.fetch("https://example.com", method="POST", body=b"\xff")
        http.fetch("https://example.com", body="é")
    assert answer == http.Response(200, {"a": "b"}, b"\xff")
    assert host.calls == [
        ("http.fetch", {"url": "https://example.com", "method": "POST", "body": {"base64": "/w=="}}),
        ("http.fetch", {"url": "https://example.com", "body": "é"}),
    ]


def test_records_lists_and_maps_are_those_of_the_contract() -> None:
    with FakeHost() as host:
        host.reply("vectors.upsert", {"count": 2})
        host.reply("vectors.search", {"matches": [{"id": "a", "distance": 0.5, "metadata": {"n": 1}}], "exact": True})
        host.reply("tasks.get", {"task": None})
        assert vectors.upsert("c", [vectors.Vector("a", (1.0,), {"n": 1}), vectors.Vector("b", [2.0])]) == 2
        assert vectors.search("c", (1.0,)).matches == [vectors.Match("a", 0.5, {"n": 1})]
        assert tasks.get("t") is None
    assert host.calls[0][1]["vectors"] == [
        {"id": "a", "values": [1.0], "metadata": {"n": 1}},
        {"id": "b", "values": [2.0]},
    ]


def test_the_host_of_a_test_keeps_settings_lines_and_keys() -> None:
    with FakeHost(config={"a": [1]}, kv={"k": "v"}) as host:
        assert (config.get("a"), config.get("b"), config.all()) == ([1], None, {"a": [1]})
        log.warn("m", n=1)
        found = kv.get("k")
        assert found is not None
        assert (found.value, kv.get("none")) == (b"v", None)
        assert not kv.cas("k", None, b"x").swapped
        assert kv.cas("k", found.version, b"\xff", ttl_s=5).swapped
        kv.put("a", "1")
        assert kv.list(limit=1) == kv.Page(["a"], "a")
        assert kv.list(cursor="a") == kv.Page(["k"], None)
        assert (kv.delete("a"), kv.delete("a")) == (True, False)
    assert host.kv == {"k": b"\xff"}
    assert host.log == [("warn", "m", {"n": 1})]


def test_a_test_says_what_other_doors_answer() -> None:
    with FakeHost() as host:
        host.refuse("events.publish", code="limit-exceeded", message="too many", remedy="wait", limit="rate")
        with pytest.raises(DoorError, match="too many; wait") as caught:
            events.publish("a.b", 1)
        assert (caught.value.code, caught.value.limit, caught.value.resource) == ("limit-exceeded", "rate", None)
        host.reply("memory.store", {"id": "1"}, {"id": "2"})
        assert [memory.store("a"), memory.store("b"), memory.store("c")] == ["1", "2", "2"]
        with pytest.raises(AssertionError, match=r"host.reply\('connectors.list'"):
            connectors.list()


def test_without_a_host_a_door_says_so() -> None:
    with pytest.raises(RuntimeError, match="FakeHost"):
        kv.get("k")
    with FakeHost() as outer:
        with FakeHost(kv={"k": "inner"}):
            assert kv.get("k") is not None
        assert kv.get("k") is None
        assert outer.calls == [("kv.get", {"key": "k"})]
    assert _core.answer_with(None) is None


# Examples.


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_can_cross_the_border(path: Path) -> None:
    plugin = read(path.parent, path.stem)
    assert plugin.doors == (path.stem,)
    assert "export" in world(plugin, plugin.doors)


def test_there_is_an_example_for_each_noun() -> None:
    assert {path.stem for path in EXAMPLES} == {door.name for door in load().doors}


def test_the_examples_do_what_they_say() -> None:
    module = {path.stem: loaded(path) for path in EXAMPLES}
    with FakeHost(config={"tax_percent": 10}, kv={"home": "2"}) as host:
        host.reply("http.fetch", {"status": 200, "headers": {}, "body": "<title> Ada </title>"})
        host.refuse("events.publish", code="permission-denied", message="no grant")
        host.reply("tasks.submit", {"id": "t"})
        host.reply("tasks.list", {"tasks": [], "cursor": None})
        host.reply("memory.store", {"id": "m"})
        host.reply("memory.recall", {"items": []})
        host.reply("vectors.create", {"created": True})
        host.reply("vectors.upsert", {"count": 3})
        host.reply("vectors.search", {"matches": [{"id": "red", "distance": 0, "metadata": {}}], "exact": True})
        host.reply("connectors.list", {"connectors": [{"name": "chat", "kind": "http", "actions": ["post"]}]})
        host.reply("connectors.call", {"output": None})
        module["log"].ship("o", 101)
        assert [line[0] for line in host.log] == ["info", "warn"]
        assert (module["config"].price(100), module["config"].settings()) == (110.0, ["tax_percent"])
        assert (module["kv"].visit("home"), module["kv"].visit("new"), module["kv"].pages()) == (3, 1, ["home", "new"])
        assert module["http"].title("https://example.com") == "Ada"
        assert module["events"].place(module["events"].Order("tea")) is False
        assert (module["tasks"].remind("ada", 1), module["tasks"].waiting()) == ("t", [])
        assert (module["memory"].note("n"), module["memory"].recall("q")) == ("m", [])
        assert (module["vectors"].learn(), module["vectors"].nearest(1, 0, 0)) == (3, "red")
        assert module["connectors"].post("hello") is True


def test_the_tests_of_the_template_pass_without_a_host(tmp_path: Path) -> None:
    for path in TEMPLATE.glob("*.py"):
        (tmp_path / path.name).write_text(path.read_text())
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", str(tmp_path)]
    ran = subprocess.run(
        words, cwd=tmp_path, env={**os.environ, "PYTHONPATH": f"{KIT}:{tmp_path}"}, capture_output=True, text=True
    )
    assert "3 passed" in ran.stdout, ran.stdout + ran.stderr
