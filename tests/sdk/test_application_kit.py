"""`omnicore kit` writes typed kits for the doors of an application, and plugins built with them use those doors."""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
from click.testing import CliRunner
from tests.sdk import shop

from omnicore import Host, door
from omnicore.capabilities.application import ApplicationParts
from omnicore.cli.main import cli
from omnicore.errors import InvalidSetting, NotFound
from omnicore.toolchains import js
from omnicore.toolchains.build import application_at, build, kit_files, languages_named
from omnicore.toolchains.languages import find_source

ROOT = Path(__file__).parents[2]
FILES = kit_files(shop.host.doors, languages_named(()))
PLUGIN = """
import { orders } from "./orders.js";
import { billing } from "./billing.js";

export function show(input) {
  const order = orders.get_order(input.id);
  orders.put_order({ ...order, id: 404 }, { notify: true });
  const found = orders.find("tea", { limit: 1 });
  const invoice = billing.invoice(order.id, order.items, {});
  return { order, found: found.length, invoice, any: billing.anything([1]) };
}

export function code(input) {
  try {
    orders.get_order(input.id);
  } catch (error) {
    return { name: error.name, code: error.code };
  }
}
"""
MANIFEST = """
name = "seller"
[[capabilities]]
name = "orders"
reason = "shows orders"
scope = { id = ["17", "4*"] }
[[capabilities]]
name = "billing"
reason = "sends invoices"
"""


def put(folder: Path, language: str) -> None:
    for path, text in FILES.items():
        if path.startswith(f"{language}/"):
            place = folder / path.removeprefix(f"{language}/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)


def test_a_plugin_in_javascript_uses_the_doors_by_its_kit(tmp_path: Path) -> None:
    source = tmp_path / "seller"
    put(source, "js")
    (source / "plugin.js").write_text(PLUGIN)
    (source / "plugin.toml").write_text(MANIFEST)
    toolchain, found = find_source(source)
    assert toolchain is js.TOOLCHAIN
    built = build(toolchain, found, report=lambda _: None)
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "seller.wasm").write_bytes(built.wasm)
    with shop.made(plugins=tmp_path / "plugins", data=tmp_path / "data", watch=False) as host:
        host.plugins.grant("seller", who="test")
        shown: Any = host.call("seller.show", {"id": 17}, timeout_s=30)
        assert shown["order"]["items"] == [{"name": "tea", "count": 2, "shade": "red"}]
        assert (shown["found"], shown["any"]) == (1, [1])
        assert shown["invoice"] == {"number": 17, "total": 1.0, "type": "final"}
        missing = host.call("seller.code", {"id": 41}, timeout_s=30)
        assert missing == {"name": "DoorError", "code": "order-missing"}
        assert host.call("seller.code", {"id": 18}, timeout_s=30)["code"] == "permission-denied"


def test_types_of_every_language_are_those_of_the_application() -> None:
    assert "pub fn get_order(id: i64) -> Result<Order, DoorError> {" in FILES["rust/orders.rs"]
    assert "    pub shade: Option<Shade>," in FILES["rust/orders.rs"]
    assert "func GetOrder(id int64) (Order, error) {" in FILES["go/orders/orders.go"]
    assert "//go:wasmimport extism:host/user orders_get_order_v1" in FILES["go/orders/imports_wasip1.go"]
    assert "  get_order(id: number): OrdersOrder;" in FILES["js/orders.d.ts"]
    assert (
        "invoice(order: number, lines: BillingItem[], extra: any, options?: { type?: string })"
        in (FILES["js/billing.d.ts"])
    )
    assert "orders_get_order_v1(request: PTR): PTR;" in FILES["js/index.d.ts"]
    assert "static inline orders_get_order_result orders_get_order(int64_t id) {" in FILES["c/orders.h"]
    assert "pub fn get_order(id: i64) core.Failure!Order {" in FILES["zig/orders.zig"]
    assert "export function getOrder(id: i64): Result<Order> {" in FILES["assemblyscript/orders.ts"]
    assert "def get_order(id: int) -> Order:" in FILES["python/orders.py"]
    assert "    get-order: func(id: s64) -> result<order, door-error>;" in FILES["wit/application.wit"]


def test_the_caller_is_no_parameter_of_plugins() -> None:
    assert "caller" not in "".join(FILES.values())


def test_a_type_that_holds_itself_is_any_json_the_second_time() -> None:
    assert "    pub parent: Option<Json>," in FILES["rust/orders.rs"]


def test_a_record_leaves_its_name_to_a_function() -> None:
    assert "func Invoice(" in FILES["go/billing/billing.go"]
    assert "type InvoiceRecord struct {" in FILES["go/billing/billing.go"]


def test_no_description_ends_a_comment() -> None:
    assert "*/ nothing" not in "".join(text for path, text in FILES.items() if path != "doors.json")
    assert "* / nothing that follows" in FILES["js/billing.d.ts"]


def test_the_page_tells_what_to_ask_for_and_which_errors_there_are() -> None:
    page = FILES["README.md"]
    assert 'name = "orders"\nreason = "say why it needs this"\nscope = { id = ["*"] }' in page
    assert 'Reply: `{"value": order}`. Errors of its own: `order-missing`.' in page


def test_what_is_no_application_says_what_to_name() -> None:
    with pytest.raises(InvalidSetting, match="write MODULE:NAME"):
        application_at("myapp", Path())
    with pytest.raises(NotFound, match=r"there is no module tests\.nothing"):
        application_at("tests.nothing:host", Path())
    with pytest.raises(NotFound, match="has no nothing"):
        application_at("tests.sdk.shop:nothing", Path())
    with pytest.raises(InvalidSetting, match="has no doors"):
        application_at("tests.sdk.shop:Order", Path())
    assert application_at("tests.sdk.shop:host", Path()) == shop.host.doors


def test_languages_are_listed_and_those_without_a_kit_are_named() -> None:
    assert languages_named(["ts,go,as", "go,py"]) == ("js", "go", "assemblyscript", "python")
    with pytest.raises(InvalidSetting, match=r"there is no kit of doors for 'cobol'; use rust, go, .* or import the"):
        languages_named(["rust,cobol"])


def test_a_word_of_a_language_is_no_name_for_a_door() -> None:
    @door("shelf", "is wrong", name="func")
    def func() -> None: ...

    with pytest.raises(InvalidSetting, match="func is a word of one of the languages"):
        kit_files(Host(functions=[func]).doors, ["go"])


@pytest.mark.skipif(shutil.which("gofmt") is None, reason="Go is not here")
def test_made_go_is_formatted(tmp_path: Path) -> None:
    put(tmp_path, "go")
    listed = subprocess.run(["gofmt", "-l", str(tmp_path)], capture_output=True, text=True, check=True, timeout=60)
    assert listed.stdout == ""


def test_the_command_writes_the_files(tmp_path: Path) -> None:
    given = ["kit", "tests.sdk.shop:host", "--to", str(tmp_path / "out"), "-l", "ts", "-o", "json"]
    ran = CliRunner().invoke(cli, given)
    assert ran.exit_code == 0, ran.output
    told = json.loads(ran.output)
    assert told["files"] == ["README.md", "doors.json", *sorted(path for path in FILES if path.startswith("js/"))]
    assert (tmp_path / "out" / "js" / "orders.js").read_text() == FILES["js/orders.js"]


class Line(msgspec.Struct):
    name: str
    count: int


class Parcel(msgspec.Struct):
    weight: float
    state: Literal["sent", "here"]


class LineNow(msgspec.Struct):
    name: str
    price: int
    note: str = ""


class ParcelNow(msgspec.Struct):
    state: Literal["sent", "here", "lost"]
    weight: str | None


class Result(msgspec.Struct):
    default: int
    register: bool | None
    to_json: str


def shop_of(*functions: Any) -> Any:
    return ApplicationParts.of(functions).doors


def described(*functions: Any) -> bytes:
    return kit_files(shop_of(*functions), ["c"])["doors.json"].encode()


def test_each_change_that_breaks_older_plugins_is_named_with_its_place() -> None:
    @door("post", "sends parcels")
    def send(lines: list[Line], to: str, fast: bool = False) -> Parcel: ...

    @door("post", "sends parcels")
    def track(number: int) -> str: ...

    before = described(send, track)
    assert kit_files(shop_of(send, track), ["c"], before)["doors.json"].encode() == before

    @door("post", "sends parcels", name="send")
    def changed(lines: list[LineNow], to: int, fast: bool) -> ParcelNow: ...

    with pytest.raises(InvalidSetting) as caught:
        kit_files(shop_of(changed), ["c"], before)
    assert caught.value.fact.splitlines()[1:] == [
        "- `count` of the items of `lines` of the request of post.send is gone",
        "- `price` of the items of `lines` of the request of post.send is new and needed",
        "- `to` of the request of post.send was text and is integer",
        "- `fast` of the request of post.send may not be left out any more",
        "- `weight` of `value` of the reply of post.send may be null now",
        "- `weight` of `value` of the reply of post.send was number and is text",
        "- `state` of `value` of the reply of post.send may be `lost` now",
        "- post.track is gone, which plugins import as post_track_v1",
    ]
    assert "`version=2`" in str(caught.value.remedy)


def test_versions_of_a_function_stand_beside_each_other() -> None:
    @door("post", "sends parcels")
    def send(to: str) -> str:
        return f"1 {to}"

    @door("post", "sends parcels", name="send", version=2)
    def send_now(to: str, weight: float) -> str:
        return f"2 {to} {weight}"

    @door("post", "sends parcels", name="get_v2")
    def get() -> None: ...

    wit = kit_files(shop_of(get, send_now), ["wit"])["wit/application.wit"]
    assert "send-v2: func(" in wit
    assert "calls them: post_get_v2_v1" in wit
    files = kit_files(shop_of(send, send_now), ["python", "go"], described(send))
    made = files["python/post.py"]
    assert '_application.call("post_send_v1", request)' in made
    assert "def send_v2(to: str, weight: float) -> str:" in made
    assert '_application.call("post_send_v2", request)' in made
    with pytest.raises(InvalidSetting, match=r"two functions post\.send_v2: .* another version"):
        shop_of(send_now, send_now)


def test_the_command_refuses_a_breach_and_writes_it_when_told_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    app = "from omnicore import door\n@door('post', 'sends')\ndef {0}(to: str) -> None: ...\napp{1} = [{0}]\n"
    (tmp_path / "post_one.py").write_text(app.format("send", 1))
    (tmp_path / "post_two.py").write_text(app.format("ship", 2))
    run = CliRunner().invoke
    assert run(cli, ["kit", "post_one:app1", "-l", "zig"]).exit_code == 0
    refused = run(cli, ["kit", "post_two:app2", "-l", "zig"])
    assert "post.send is gone, which plugins import as post_send_v1" in str(refused.exception)
    assert "post_send_v1" in (tmp_path / "sdk" / "zig" / "post.zig").read_text()
    assert run(cli, ["kit", "post_two:app2", "-l", "zig", "--breaking"]).exit_code == 0
    (tmp_path / "sdk" / "doors.json").write_text("[]")
    assert "doors.json of the earlier kit cannot be read" in str(run(cli, ["kit", "post_two:app2"]).exception)


def test_words_of_a_language_are_spelled_otherwise_there() -> None:
    @door("words", "has words")
    def order(order: int, request: str, lambda_: float = 0.0, type: list[int] = []) -> Result: ...  # noqa: B006

    files = kit_files(shop_of(order), ["c", "zig", "assemblyscript", "python", "wit"])
    assert "words_order(int64_t order, oc_text request_, const words_order_options *options)" in files["c/words.h"]
    assert "int64_t default_; /* default */" in files["c/words.h"]
    assert "pub fn order(order_: i64, request_: []const u8, options: OrderOptions)" in files["zig/words.zig"]
    assert "order(order: i64, request_: string, options:" in files["assemblyscript/words.ts"]
    assert "toJson_: string" in files["assemblyscript/words.ts"]
    assert "class ResultRecord:" in files["python/words.py"]
    assert "register: json," in files["wit/application.wit"]  # an option that is none would be left out
    assert "// Not here, for their names; " in files["wit/application.wit"]  # `lambda_` has none there
    assert "calls them: words_order_v1" in files["wit/application.wit"]


def test_doors_of_a_kit_for_python_are_faked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "python")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.syspath_prepend(ROOT / "sdk" / "python")
    monkeypatch.setitem(sys.modules, "orders", None)  # it is forgotten after the test
    del sys.modules["orders"]
    monkeypatch.setitem(sys.modules, "orders_fake", None)
    del sys.modules["orders_fake"]
    orders, made, testing = map(importlib.import_module, ("orders", "orders_fake", "omnicore_sdk.testing"))
    put_in: list[Any] = []

    class Shop(made.OrdersFake):
        def get_order(self, id: int) -> Any:
            if id == 17:
                return orders.Order(17, [orders.Item("tea", shade="red")])
            raise orders._core.DoorError("order-missing", "there is none")

        def put_order(self, order: Any, *, notify: bool | None = None, note: str | None = None) -> None:
            put_in.append((order, notify, note))

    with testing.FakeHost() as fake:
        made.answer(fake, Shop())
        found = orders.get_order(17)
        orders.put_order(found, notify=True)
        assert put_in == [(found, True, None)]
        with pytest.raises(orders._core.DoorError, match="there is none"):
            orders.get_order(1)
        with pytest.raises(AssertionError, match=r"does not say what orders\.find answers"):
            orders.find("tea")
    with testing.FakeHost() as fake:
        fake.reply("orders_find_v1", {"value": [{"id": 17, "items": [{"name": "tea", "shade": "red"}]}]})
        fake.refuse("orders_get_order_v1", code="order-missing", message="there is none")
        assert orders.find("tea", limit=1) == [orders.Order(17, [orders.Item("tea", None, "red")])]
        assert fake.calls == [("orders_find_v1", {"text": "tea", "limit": 1})]
        with pytest.raises(orders._core.DoorError, match="there is none"):
            orders.get_order(1)


FAKED_C = """
#define OMNICORE_FAKE
#include "omnicore.h"
#include "orders.h"
#include "billing.h"

int main(void) {
    oc_fake_reply("orders_get_order_v1",
                  "{\\"value\\":{\\"id\\":17,\\"items\\":[{\\"name\\":\\"tea\\",\\"shade\\":\\"red\\"}]}}");
    orders_get_order_result got = orders_get_order(17);
    const oc_error *error = orders_put_order(got.value, &(orders_put_order_options){.notify = oc_boolean(false)});
    printf("%d %.*s", error == NULL, (int)oc_fake_request().size, oc_fake_request().at);
    return 0;
}
"""


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler is here")
def test_a_kit_for_c_compiles_without_a_warning_and_its_doors_are_faked(tmp_path: Path) -> None:
    put(tmp_path, "c")
    (tmp_path / "test.c").write_text(FAKED_C)
    words = [
        "cc",
        "-std=gnu11",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-isystem",
        str(ROOT / "sdk" / "c"),
        "test.c",
        "-o",
        "test",
    ]
    built = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert built.returncode == 0, built.stderr
    said = subprocess.run(["./test"], cwd=tmp_path, capture_output=True, text=True, timeout=10).stdout
    assert said == '1 {"order":{"id":17,"items":[{"name":"tea","shade":"red"}]},"notify":false}'
