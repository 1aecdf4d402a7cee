"""Guests in every language, built with the kits of one application, answer the same."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.sdk import shop
from tests.toolchains.conftest import trusted

from omnicore.cli.main import cli
from omnicore.errors import ToolMissing
from omnicore.toolchains.build import build, kit_files, languages_named
from omnicore.toolchains.languages import find_source, kit

__all__ = ["trusted"]
pytestmark = [pytest.mark.toolchain, pytest.mark.slow, pytest.mark.timeout(600)]

JAVASCRIPT = """
import { billing } from "./billing.js";
import { orders } from "./orders.js";

export function show(id) {
  try {
    const order = orders.get_order(Number(id));
    orders.put_order({ ...order, labels: { by: "guest" } }, { notify: true });
    const found = orders.find("tea", { limit: 1 });
    const bill = billing.invoice(order.id, [{ name: "tea", count: 2 }], { note: "ü" });
    const [item] = order.items;
    return [item.name, item.shade, found.length, bill.type, bill.number, billing.anything("x")].join(" ");
  } catch (error) {
    return error.code;
  }
}
"""
TYPESCRIPT = (
    JAVASCRIPT.replace("show(id)", "show(id: string): string")
    .replace("(error)", "(error: any)")
    .replace("bill.type, bill.number", "bill!.type, bill!.number")
)
RUST = """
mod billing;
mod orders;

fn told(id: i64) -> Result<String, omnicore::DoorError> {
    let order = orders::get_order(id)?;
    orders::put_order(order.clone(), orders::PutOrderOptions { notify: Some(true), note: None })?;
    let found = orders::find("tea", orders::FindOptions { limit: Some(1), within: None })?;
    let lines = [billing::Item { name: "tea".to_string(), count: Some(2), shade: None }];
    let note = omnicore::json!({"note": "ü"});
    let bill = billing::invoice(order.id, &lines, note, None)?.expect("a bill");
    let item = &order.items[0];
    let any: String = billing::anything("x")?;
    let shown = omnicore::json!([item.name, item.shade, found.len(), bill.r#type, bill.number, any]);
    Ok(shown.to_string().replace(&['[', ']', '"'][..], "").replace(',', " "))
}

#[omnicore::function]
fn show(id: &str) -> String {
    told(id.parse().unwrap()).unwrap_or_else(|error| error.code)
}
"""
GO = """package main

import (
	"fmt"
	"omnicore.example/sdk/door"
	"plugins/seller/billing"
	"plugins/seller/orders"
)

//omnicore:export
func Show(text string) string {
	var id int64
	fmt.Sscan(text, &id)
	order, err := orders.GetOrder(id)
	if refused, is := err.(*door.Error); is {
		return refused.Code
	}
	yes, one, item := true, int64(1), order.Items[0]
	orders.PutOrder(order, &orders.PutOrderOptions{Notify: &yes})
	found, _ := orders.Find("tea", &orders.FindOptions{Limit: &one})
	bill, _ := billing.Invoice(order.ID, []billing.Item{{Name: "tea"}}, map[string]any{"note": "ü"}, nil)
	any, _ := billing.Anything("x")
	return fmt.Sprintln(item.Name, *item.Shade, len(found), bill.Type, bill.Number, any.TextOr(""))
}
"""
PYTHON = '''
from billing import Item, anything, invoice
from omnicore_sdk import DoorError, function
from orders import find, get_order, put_order


@function
def show(id: str) -> str:
    """Shows an order."""
    try:
        order = get_order(int(id))
    except DoorError as error:
        return error.code
    put_order(order, notify=True)
    found = find("tea", limit=1)
    bill = invoice(order.id, [Item("tea", 2)], {"note": "ü"})
    assert bill is not None
    return f"{order.items[0].name} {order.items[0].shade} {len(found)} {bill.type} {bill.number} {anything('x')}"
'''
C = """
#include "billing.h"
#include "orders.h"

OMNICORE_FUNCTION(show, "Shows an order.", OC_TEXT, OC_TEXT) {
    orders_get_order_result got = orders_get_order(oc_json_integer(oc_json_parse(oc_input_text())));
    if (got.error) return oc_output_text(got.error->code);
    orders_order order = got.value;
    const oc_error *refused = orders_put_order(order, &(orders_put_order_options){.notify = oc_boolean(true)});
    if (refused) return oc_fail_with(refused);
    orders_find_result found = orders_find(OC("tea"), &(orders_find_options){.limit = oc_integer(1)});
    billing_item line = {.name = OC("tea"), .count = oc_integer(2)};
    billing_item_list lines = {&line, 1};
    billing_invoice_record bill = billing_invoice(order.id, lines, OC_JSON({"note": "ü"}), NULL).value;
    oc_text any = oc_json_text(billing_anything(OC_JSON("x")).value);
    oc_text kind = billing_invoice_type_text(bill.type), shade = orders_shade_text(order.items.at->shade), s = OC(" ");
    char count[20], number[20];
    oc_text size = {count, oc_integer_text((int64_t)found.value.size, count)};
    oc_text bills = {number, oc_integer_text(bill.number, number)};
    return oc_output_text(oc_join(order.items.at[0].name, s, shade, s, size, s, kind, s, bills, s, any));
}
"""
ZIG = """
const std = @import("std");
const omnicore = @import("omnicore");
const billing = @import("billing.zig");
const orders = @import("orders.zig");

pub const panic = omnicore.panic;
comptime {
    omnicore.exports(.{.{ .name = "show", .call = show }});
}

fn show(id: []const u8) ![]const u8 {
    const order = orders.get_order(try std.fmt.parseInt(i64, id, 10)) catch return omnicore.lastError().?.code;
    try orders.put_order(order, .{ .notify = true });
    const found = try orders.find("tea", .{ .limit = 1 });
    const bill = (try billing.invoice(order.id, &.{.{ .name = "tea" }}, .{ .note = "ü" }, .{})).?;
    const any = (try billing.anything("x")).string;
    const item = order.items[0];
    const shown = .{ item.name, @tagName(item.shade.?), found.len, @tagName(bill.type.?), bill.number, any };
    return std.fmt.allocPrint(omnicore.allocator(), "{s} {s} {d} {s} {d} {s}", shown);
}
"""
ASSEMBLYSCRIPT = """
import * as billing from "./billing";
import * as orders from "./orders";
import { Flag, Json, inputText, outputText } from "../sdk/omnicore";

export function show(): i32 {
  const got = orders.getOrder(I64.parseInt(inputText()));
  const error = got.error;
  if (error !== null) return outputText(error.code);
  const order = got.value, options = new orders.PutOrderOptions(), limit = new orders.FindOptions();
  options.notify = Flag.Yes;
  limit.limit = 1;
  orders.putOrder(order, options);
  const line = new billing.Item();
  line.name = "tea";
  const bill = billing.invoice(order.id, [line], Json.object().set("note", Json.text("ü"))).value!;
  const parts = [order.items[0].name, order.items[0].shade!, orders.find("tea", limit).value.length.toString()];
  const any = billing.anything(Json.text("x")).value.text;
  return outputText(parts.concat([bill.type!, bill.number.toString(), any]).join(" "));
}
"""
WIT = """
import wit_world
from componentize_py_types import Err
from wit_world.imports import billing, orders


class WitWorld(wit_world.WitWorld):
    def show(self, id: str) -> str:
        try:
            order = orders.get_order(int(id))
        except Err as error:
            return error.value.code
        orders.put_order(order, True, None)
        found = orders.find("tea", 1, None)
        bill = billing.invoice(order.id, [billing.Item("tea", 2, None)], billing.Json_Json('{"note": "ü"}'), None)
        item, said = order.items[0], billing.anything(billing.Json_Json('"x"')).value.strip('"')
        return f"{item.name} {item.shade.name.lower()} {len(found)} {bill.type.name.lower()} {bill.number} {said}"
"""
WORLD = """package local:seller;
world plugin {
    include omnicore:application/imports@1.0.0;
    export show: func(id: string) -> string;
}
"""
GUESTS = {
    "rust": ("plugin-rust", "src/lib.rs", "src", RUST),
    "go": ("plugin-go", "main.go", "", GO),
    "js": ("plugin-js", "plugin.js", "", JAVASCRIPT),
    "ts": ("plugin-ts", "plugin.ts", "", TYPESCRIPT),
    "python": ("plugin-python", "plugin.py", "", PYTHON),
    "c": ("plugin-c", "plugin.c", "", C),
    "zig": ("plugin-zig", "plugin.zig", "", ZIG),
    "wit": ("plugin-python", "plugin.py", "wit/deps/application", WIT),
    "as": ("plugin-as", "assembly/index.ts", "assembly", ASSEMBLYSCRIPT),
}
"""For each language the template, the file of the guest, the folder for its kit in it, and the guest's own text."""
FAKED_GO = """package main

import (
	"testing"

	"omnicore.example/sdk/door"
	"omnicore.example/sdk/omnicoretest"
	"plugins/seller/billing"
	"plugins/seller/orders"
)

func TestTheDoorsAreThoseOfTheTest(t *testing.T) {
	host, put := omnicoretest.New(t), false
	orders.Fake{
		GetOrder: func(id int64) (orders.Order, error) {
			if id != 17 {
				return orders.Order{}, &door.Error{Code: "order-missing"}
			}
			shade := orders.ShadeRed
			return orders.Order{ID: id, Items: []orders.Item{{Name: "tea", Shade: &shade}}}, nil
		},
		PutOrder: func(order orders.Order, options orders.PutOrderOptions) error {
			put = order.ID == 17 && *options.Notify && options.Note == nil
			return nil
		},
		Find: func(text string, options orders.FindOptions) ([]orders.Order, error) {
			return make([]orders.Order, *options.Limit), nil
		},
	}.Answer(host)
	billing.Fake{
		Invoice: func(
			order int64, lines []billing.Item, extra door.Value, _ billing.InvoiceOptions,
		) (*billing.InvoiceRecord, error) {
			kind := billing.InvoiceTypeFinal
			return &billing.InvoiceRecord{Number: order, Type: kind}, nil
		},
		Anything: func(value door.Value) (door.Value, error) { return value, nil },
	}.Answer(host)
	if said := Show("17"); said != "tea red 1 final 17 x\\n" || !put {
		t.Fatal(said, put)
	}
	if said := Show("41"); said != "order-missing" {
		t.Fatal(said)
	}
}
"""
FAKED_JS = """
import assert from "node:assert/strict";
import { test } from "node:test";
import { DoorError } from "omnicore";
import { fakeBilling } from "./billing.fake.js";
import { fakeOrders } from "./orders.fake.js";
import { show } from "./plugin.js";

test("the doors are those of the test", () => {
  let put;
  fakeOrders({
    get_order(id) {
      if (id !== 17) throw new DoorError({ code: "order-missing", message: "there is none" });
      return { id, items: [{ name: "tea", shade: "red" }] };
    },
    put_order: (order, options) => (put = [order.labels, options]),
    find: (text, { limit }) => Array(limit).fill({ id: 1, items: [] }),
  });
  fakeBilling({ invoice: (order) => ({ number: order, type: "final" }), anything: (value) => value });
  assert.equal(show("17"), "tea red 1 final 17 x");
  assert.deepEqual(put, [{ by: "guest" }, { notify: true }]);
  assert.equal(show("41"), "order-missing");
});
"""
TYPED_FAKE = """
import { fakeOrders } from "./orders.fake.js";
fakeOrders({ get_order: (id) => ({ id, items: [{ name: "tea" }] }) });
// @ts-expect-error an order is no number
fakeOrders({ get_order: (id) => id });
"""
FAKED_RUST = """
#[cfg(test)]
mod tests {
    use super::*;

    struct Shop;

    impl orders::fake::Door for Shop {
        fn get_order(&mut self, id: i64) -> Result<orders::Order, omnicore::DoorError> {
            if id != 17 {
                let code = "order-missing".to_string();
                return Err(omnicore::DoorError { code, ..omnicore::DoorError::default() });
            }
            let item = orders::Item { name: "tea".into(), count: None, shade: Some(orders::Shade::Red) };
            Ok(orders::Order { id, items: vec![item], placed: None, labels: None, parent: None })
        }

        fn put_order(
            &mut self,
            _: orders::Order,
            notify: Option<bool>,
            _: Option<String>,
        ) -> Result<(), omnicore::DoorError> {
            assert_eq!(notify, Some(true));
            Ok(())
        }
    }

    #[test]
    fn the_door_is_that_of_the_test() {
        omnicore::testing::host(|function, request| {
            orders::fake::answer(&mut Shop, function, &request).expect("a door of orders")
        });
        assert_eq!(show("41"), "order-missing");
        assert_eq!(show("17"), "unavailable"); // find, of which the test says nothing
    }
}
"""
MANIFEST = """name = "seller"
[[capabilities]]
name = "orders"
reason = "shows orders"
scope = { id = ["17", "41"] }
[[capabilities]]
name = "billing"
reason = "sends invoices"
"""
TEXT = """[functions.show]
input = { type = "string" }
input_media = "text/plain"
output = { type = "string" }
output_media = "text/plain"
"""
CHECKS = {
    "rust": [["cargo", "check", "--quiet", "--target", "wasm32-unknown-unknown"]],
    "go": [["go", "vet", ".", "./orders", "./billing"]],
    "ts": [["tsc", "-p", "."]],
    "python": [["pyright"], [sys.executable, "-m", "mypy", "--strict"]],
}
"""What a language's own checker is called with; the first one that is here counts."""
NEEDS = {"rust": "cargo", "go": "go", "as": "npm"}
MODULES = {"python": "componentize_py", "wit": "componentize_py", "c": "ziglang", "zig": "ziglang"}


FAKED = {
    "go": ("main_test.go", FAKED_GO, ("go", "test", ".")),
    "js": ("plugin.test.js", FAKED_JS, ("node", "--test", "plugin.test.js")),
    "ts": ("typed.ts", TYPED_FAKE, ("tsc", "-p", ".")),
    "rust": ("src/lib.rs", RUST + FAKED_RUST, ("cargo", "test", "--quiet", "--offline")),
}
"""For each language the file and text of a test with the fakes of the kit, and what runs it."""


def code_lines(text: str) -> int:
    """Lines that a person writes: those that are not empty and are no bracket alone."""
    return sum(1 for line in text.splitlines() if line.strip(" \t{}()"))


def project(folder: Path, language: str) -> Path:
    """A folder as `omnicore new` makes it, with the kit of the shop and the guest."""
    template, entry, place, text = GUESTS[language]
    made = CliRunner().invoke(cli, ["new", "seller", "-t", template])
    assert made.exit_code == 0, made.output
    plugin = folder / "seller"
    (own,) = languages_named([language])
    for path, content in kit_files(shop.host.doors, [own]).items():
        if path.startswith(f"{own}/"):
            target = plugin / place / path.removeprefix(f"{own}/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content)
    (plugin / "main_test.go").unlink(missing_ok=True)  # of the template's own functions
    (plugin / entry).write_text(text.lstrip("\n"))
    if language == "wit":
        (plugin / "wit" / "world.wit").write_text(WORLD)
    (plugin / "plugin.toml").write_text(MANIFEST + (TEXT if language in ("js", "ts", "as") else ""))
    return plugin


def check(folder: Path, language: str) -> None:
    """Has the language's checker look at guest and kit, which must leave it silent."""
    words = next((one for one in CHECKS.get(language, ()) if shutil.which(one[0])), None)
    if words is None:
        return
    words = [
        *words,
        *(
            ["plugin.py", *(f"{one}.py" for one in ("orders", "orders_fake", "billing", "billing_fake"))]
            if language == "python"
            else []
        ),
    ]
    checked = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=300)
    said = checked.stdout + checked.stderr
    assert (checked.returncode, "warning" in said.replace("0 warnings", "")) == (0, False), said


@pytest.fixture
def plugin(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Path]:
    language = request.param
    tool, module = NEEDS.get(language), MODULES.get(language)
    if (tool and shutil.which(tool) is None) or (module and importlib.util.find_spec(module) is None):
        pytest.skip(f"{tool or module} is not here")
    monkeypatch.chdir(tmp_path)
    return language, project(tmp_path, language)


@pytest.mark.parametrize("plugin", list(GUESTS), indirect=True)
def test_guests_of_every_language_answer_the_same(plugin: tuple[str, Path], tmp_path: Path) -> None:
    language, folder = plugin
    assert code_lines(GUESTS[language][3]) < 20
    toolchain, source = find_source(folder)
    try:
        built = build(toolchain, source, report=lambda _: None)
    except ToolMissing as error:
        pytest.skip(str(error))
    assert [*built.warnings, *(one for one in built.notes if "warning" in one)] == []
    check(folder, language)
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "seller.wasm").write_bytes(built.wasm)
    with shop.made(plugins=tmp_path / "plugins", data=tmp_path / "data", watch=False) as host:
        host.plugins.grant("seller", who="test")
        answers: list[Any] = [host.call("seller.show", one, timeout_s=60).strip() for one in ("17", "41", "18")]
    assert answers == ["tea red 1 final 17 x", "order-missing", "permission-denied"]


@pytest.mark.parametrize("plugin", list(FAKED), indirect=True)
def test_fakes_of_a_kit_take_and_give_the_types_of_the_application(plugin: tuple[str, Path]) -> None:
    language, folder = plugin
    file, text, command = FAKED[language]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not here")
    if language == "js":
        (folder / "package.json").write_text('{"type": "module", "dependencies": {}}')
        (folder / "node_modules").mkdir()
        (folder / "node_modules" / "omnicore").symlink_to(kit("js"))
    (folder / "omnicore_exports.go").unlink(missing_ok=True)  # of the template's own functions
    (folder / file).write_text(text.lstrip("\n"))
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=500)
    assert ran.returncode == 0, ran.stdout + ran.stderr
