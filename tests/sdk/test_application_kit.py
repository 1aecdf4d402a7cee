"""`omnicore kit` writes typed kits for the doors of an application, and plugins built with them use those doors."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.sdk import shop

from omnicore import Host, door
from omnicore.cli.main import cli
from omnicore.errors import InvalidSetting, NotFound
from omnicore.toolchains import js
from omnicore.toolchains.build import application_at, build, kit_files, languages_named
from omnicore.toolchains.languages import find_source

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


def test_the_caller_is_no_parameter_of_plugins() -> None:
    assert "caller" not in "".join(FILES.values())


def test_a_type_that_holds_itself_is_any_json_the_second_time() -> None:
    assert "    pub parent: Option<Json>," in FILES["rust/orders.rs"]


def test_a_record_leaves_its_name_to_a_function() -> None:
    assert "func Invoice(" in FILES["go/billing/billing.go"]
    assert "type InvoiceRecord struct {" in FILES["go/billing/billing.go"]


def test_no_description_ends_a_comment() -> None:
    assert "*/ nothing" not in "".join(FILES.values())
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
    assert languages_named(["ts,go", "go"]) == ("js", "go")
    with pytest.raises(InvalidSetting, match=r"there is no kit of doors for 'zig'.*use rust, go, js; in zig, import"):
        languages_named(["rust,zig"])


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
    assert told["files"] == ["README.md", *sorted(path for path in FILES if path.startswith("js/"))]
    assert (tmp_path / "out" / "js" / "orders.js").read_text() == FILES["js/orders.js"]
