"""Doors of an embedding application: typed functions that plugins call as they call any door."""

from __future__ import annotations

import dataclasses
import enum
import json
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Literal, TypedDict

import msgspec
import pydantic
import pytest
from tests.capabilities.double import CallDouble, House, ask, ask_handle, asks, grants, plugin

from omnicore import HostFunction, PluginCaller, door
from omnicore.capabilities.application import AILING, ApplicationParts, DoorHealth
from omnicore.capabilities.doors import check_requests, provided
from omnicore.errors import InvalidSetting, ManifestInvalid, Unavailable
from omnicore.sandbox.abi import Doors
from omnicore.telemetry.metrics import Metrics


class OrderMissing(Exception):
    """The application has no such order."""


class Item(msgspec.Struct):
    """One line of an order."""

    name: str
    count: int = 1


class Order(msgspec.Struct):
    """An order."""

    id: int
    items: list[Item]
    note: str | None = None


@dataclasses.dataclass
class Customer:
    name: str
    since: datetime


class Address(TypedDict):
    street: str


class Invoice(pydantic.BaseModel):
    number: int
    total: float = 0.0


class Shade(enum.Enum):
    red = "red"


ORDERS = {17: Order(17, [Item("tea", 2)]), 18: Order(18, [])}


@door("orders", "reads an order", scope="id", errors={OrderMissing: "order-missing"})
async def get_order(id: int) -> Order:
    """An order by its number.

    More text for the application alone.
    """
    if id not in ORDERS:
        raise OrderMissing(f"there is no order {id}")
    return ORDERS[id]


def ids(order: Order) -> list[str]:
    return [str(order.id), *(item.name for item in order.items)]


@door("orders", "writes an order", scope=ids, per_call=2)
def put_order(order: Order, notify: bool = False, *, key: Literal["a", "b"] | None = None) -> dict[str, Any]:
    return {"id": order.id, "notify": notify, "key": key}


@door("orders", "reads an order")
def count() -> int:
    return len(ORDERS)


@door("orders", "reads an order")
def forget(why: str) -> None:
    if why == "fail":
        raise RuntimeError("disk is gone")
    if why == "away":
        raise Unavailable("the shop is closed", remedy="come back")


Opener = Callable[..., Doors]


def opened(*functions: Any, scope: Mapping[str, Any] | None = None, granted: bool = True, **given: Any) -> Doors:
    """The doors of a plugin that asks for the capability of the functions."""
    parts = ApplicationParts.of(functions)
    name = parts.doors[0].capability.name
    return House().doors(
        plugin(asks(name, scope), granted=granted, **given), provided(doors=[one.capability for one in parts.doors])
    )


ALL = (get_order, put_order, count, forget)


def test_parameters_and_result_are_typed() -> None:
    doors = opened(get_order, scope={"id": ["*"]})
    assert ask(doors, "orders_get_order_v1", {"id": 17}) == {
        "value": {"id": 17, "items": [{"name": "tea", "count": 2}], "note": None}
    }


def test_a_function_stays_what_it_was() -> None:
    assert count() == 2


def test_nothing_is_an_empty_reply_and_a_plain_value_is_a_value() -> None:
    doors = opened(count, forget)
    assert ask(doors, "orders_count_v1", {}) == {"value": 2}
    assert ask(doors, "orders_forget_v1", {"why": "x"}) == {}


def test_a_parameter_with_a_default_may_be_left_out() -> None:
    doors = opened(*ALL, scope={"ids": ["*"]})
    assert ask(doors, "orders_put_order_v1", {"order": {"id": 1, "items": []}, "key": "b"}) == {
        "value": {"id": 1, "notify": False, "key": "b"}
    }


@pytest.mark.parametrize(
    ("request_", "fact"),
    [
        ({}, "required field `id`"),
        ({"id": "17"}, "Expected `int`, got `str` - at `$.id`"),
        ({"id": 17.5}, "Expected `int`"),
        ({"id": None}, "Expected `int`"),
        ({"id": 17, "more": 1}, "unknown field `more`"),
        (b"[17]", "Expected `object`, got `array`"),
        (b"{", "not JSON"),
        (b'{"id": 17', "not JSON"),
        (b'{"id": "\xff"}', "Expected `int`"),
        (b"[" * 60_000, "nested deeper"),
        (b'{"id": ' + b" " * 70_000 + b"1}", "65536 are allowed"),
    ],
)
def test_a_request_that_does_not_fit_is_told_where(request_: Any, fact: str) -> None:
    error = ask(opened(get_order, scope={"id": ["*"]}), "orders_get_order_v1", request_)["error"]
    assert error["code"] == "malformed-request"
    assert fact in error["message"]


def test_a_forged_handle_is_a_malformed_request() -> None:
    doors = opened(get_order, scope={"id": ["*"]})
    assert ask_handle(doors, "orders_get_order_v1", 4711, CallDouble())["error"]["code"] == "malformed-request"


def test_without_a_grant_the_refusal_says_what_to_do() -> None:
    doors = opened(get_order, scope={"id": ["*"]}, granted=False)
    error = ask(doors, "orders_get_order_v1", {"id": 17})["error"]
    assert (error["code"], error["capability"]) == ("permission-denied", "orders")
    assert error["message"] == "text has no grant for orders.get_order"
    assert error["remedy"] == "run `omnicore plugins grant text orders`"


def test_without_asking_the_refusal_names_the_manifest() -> None:
    parts = ApplicationParts.of([count])
    doors = House().doors(plugin(), provided(doors=[parts.doors[0].capability]))
    remedy = ask(doors, "orders_count_v1", {})["error"]["remedy"]
    assert remedy == "ask for orders in its manifest, then run `omnicore plugins grant text orders`"


def test_a_grant_narrows_by_a_parameter() -> None:
    doors = opened(get_order, scope={"id": ["17", "2*"]})
    assert "value" in ask(doors, "orders_get_order_v1", {"id": 17})
    error = ask(doors, "orders_get_order_v1", {"id": 18})["error"]
    assert (error["code"], error["resource"]) == ("permission-denied", "18")
    assert "may not call orders.get_order for id '18'" in error["message"]
    assert "omnicore plugins grant text orders" in error["remedy"]
    assert ask(doors, "orders_get_order_v1", {"id": 22})["error"]["code"] == "order-missing"


def test_a_wider_request_than_was_granted_is_closed() -> None:
    parts = ApplicationParts.of([get_order])
    known = provided(doors=[parts.doors[0].capability])
    scope = plugin(asks("orders", {"id": ["*"]}), grants=(grants("orders", {"id": ["17"]}),))
    error = ask(House().doors(scope, known), "orders_get_order_v1", {"id": 17})["error"]
    assert error["code"] == "permission-denied"


def test_a_grant_narrows_by_what_a_function_says() -> None:
    doors = opened(*ALL, scope={"ids": ["1", "tea"]})
    order = {"id": 1, "items": [{"name": "tea"}]}
    assert "value" in ask(doors, "orders_put_order_v1", {"order": order})
    order["items"] = [{"name": "tea"}, {"name": "rum"}]
    assert ask(doors, "orders_put_order_v1", {"order": order})["error"]["resource"] == "rum"


def test_a_field_left_out_of_the_scope_grants_none_of_its_functions() -> None:
    doors = opened(*ALL, scope={"ids": ["*"]})
    assert ask(doors, "orders_count_v1", {}) == {"value": 2}
    assert "no granted `id` matches" in ask(doors, "orders_get_order_v1", {"id": 17})["error"]["message"]


def test_a_scope_that_all_functions_need_must_be_written() -> None:
    known = provided(doors=[ApplicationParts.of([get_order]).doors[0].capability]).doors
    with pytest.raises(ManifestInvalid, match="lacks `id`"):
        check_requests([asks("orders")], known)
    with pytest.raises(ManifestInvalid, match="no scope field 'customer'"):
        check_requests([asks("orders", {"id": ["*"], "customer": ["x"]})], known)
    with pytest.raises(ManifestInvalid, match="there is no capability 'orders'"):
        check_requests([asks("orders")])


def test_declared_exceptions_have_a_code_that_the_plugin_sees() -> None:
    error = ask(opened(get_order, scope={"id": ["*"]}), "orders_get_order_v1", {"id": 9})["error"]
    assert (error["code"], error["message"], error["capability"]) == (
        *("order-missing", "there is no order 9", "orders"),
    )


def test_an_error_of_ours_is_a_value_and_any_other_ends_the_call() -> None:
    doors = opened(forget)
    assert ask(doors, "orders_forget_v1", {"why": "away"})["error"]["code"] == "unavailable"
    with pytest.raises(RuntimeError, match="disk is gone"):
        ask(doors, "orders_forget_v1", {"why": "fail"})


def test_uses_in_one_call_are_limited() -> None:
    doors, call = opened(*ALL, scope={"ids": ["*"]}), CallDouble()
    request = {"order": {"id": 1, "items": []}}
    replies = [ask(doors, "orders_put_order_v1", request, call) for _ in range(3)]
    assert ["value" in one for one in replies] == [True, True, False]
    assert replies[2]["error"]["code"] == "limit-exceeded"
    assert "value" in ask(doors, "orders_put_order_v1", request)


def test_uses_in_a_second_are_limited_for_each_plugin_alone() -> None:
    @door("rated", "is rated", per_second=3)
    def rated() -> int:
        return 1

    house, known = House(), provided(doors=[ApplicationParts.of([rated]).doors[0].capability])
    one, two = (house.doors(plugin(asks("rated"), name=name), known) for name in ("one", "two"))
    assert ["value" in ask(one, "rated_rated_v1", {}) for _ in range(4)] == [True, True, True, False]
    assert "value" in ask(two, "rated_rated_v1", {})
    house.clock.advance(0.5)
    assert ["value" in ask(one, "rated_rated_v1", {}) for _ in range(2)] == [True, False]


def test_uses_are_measured_and_recorded() -> None:
    @door("kept", "is kept", audit=True, errors={OrderMissing: "order-missing"})
    def kept(fail: bool = False) -> int:
        if fail:
            raise OrderMissing
        return 1

    house, used = House(), []
    metrics = Metrics()
    services = dataclasses.replace(house.services, used=lambda *each: used.append(each), metrics=metrics)
    house.services = services
    doors = house.doors(plugin(asks("kept")), provided(doors=[ApplicationParts.of([kept]).doors[0].capability]))
    ask(doors, "kept_kept_v1", {})
    assert ask(doors, "kept_kept_v1", {"fail": True})["error"]["message"] == "order-missing"
    assert used == [("text", "kept.kept", "done"), ("text", "kept.kept", "order-missing")]
    text = metrics.render().decode()
    for outcome in ("ok", "order-missing"):
        assert f'omnicore_door_calls_total{{door="kept",outcome="{outcome}",plugin="text",verb="kept"}} 1.0' in text


def test_a_function_that_fails_and_fails_makes_its_door_degraded() -> None:
    health = ApplicationParts.of([forget]).doors[0]
    doors = House().doors(plugin(asks("orders")), provided(doors=[health.capability]))
    for _ in range(AILING):
        assert health.health.probe() is None
        with pytest.raises(RuntimeError):
            ask(doors, "orders_forget_v1", {"why": "fail"})
    assert "forget: RuntimeError: disk is gone" in (health.health.probe() or "")
    ask(doors, "orders_forget_v1", {"why": "well"})
    assert health.health.probe() is None
    assert DoorHealth().probe() is None


def test_a_function_that_wants_to_know_its_caller_is_told() -> None:
    @door("who", "asks who calls")
    def who(caller: PluginCaller, n: int) -> list[Any]:
        return [caller.plugin, caller.host_context, n]

    call = CallDouble(host_context="user 7")
    assert ask(opened(who), "who_who_v1", {"n": 3}, call) == {"value": ["text", "user 7", 3]}
    assert "unknown field `caller`" in ask(opened(who), "who_who_v1", {"n": 3, "caller": 1})["error"]["message"]


@door("shop", "knows types")
def typed(
    customer: Customer, address: Address, invoices: list[Invoice], shade: Shade, by_id: dict[int, uuid.UUID]
) -> dict[str, Any]:
    assert isinstance(customer.since, datetime)
    assert all(isinstance(one, Invoice) for one in invoices)
    assert shade is Shade.red
    return {"invoices": invoices, "customer": customer, "address": address, "ids": by_id}


@door("shop", "knows types")
def invoice(number: int) -> Invoice:
    return Invoice(number=number)


def test_dataclasses_typed_dicts_enums_and_pydantic_models_travel_as_json() -> None:
    doors = opened(typed, invoice)
    given = {
        "customer": {"name": "Ada", "since": "2026-01-02T03:04:05Z"},
        "address": {"street": "Main"},
        "invoices": [{"number": 3}],
        "shade": "red",
        "by_id": {"1": "c5f5e5a6-5d9b-4c5d-9d61-1a8a8f1f1f11"},
    }
    found = ask(doors, "shop_typed_v1", given)["value"]
    assert found == {
        "invoices": [{"number": 3, "total": 0.0}],
        "customer": given["customer"],
        "address": {"street": "Main"},
        "ids": given["by_id"],
    }
    assert ask(doors, "shop_invoice_v1", {"number": 5}) == {"value": {"number": 5, "total": 0.0}}
    given["invoices"] = [{"number": "three"}]
    message = ask(doors, "shop_typed_v1", given)["error"]["message"]
    assert "number: Input should be a valid integer" in message
    assert "three" not in message


def test_half_a_character_does_not_break_the_reply() -> None:
    @door("odd", "answers oddly")
    def odd() -> str:
        return "\ud800"

    assert ask(opened(odd), "odd_odd_v1", {}) == {"value": "\ud800"}


def test_a_large_request_is_read_where_the_door_allows_it() -> None:
    @door("big", "takes much", request_bytes=200_000)
    def big(text: str) -> int:
        return len(text)

    assert ask(opened(big), "big_big_v1", {"text": "x" * 150_000}) == {"value": 150_000}
    assert "200000 are allowed" in ask(opened(big), "big_big_v1", {"text": "x" * 250_000})["error"]["message"]


class Opaque:
    """Nothing that JSON could carry."""


def plain(a: int) -> int:
    return a


def untyped(a) -> int:  # type: ignore[no-untyped-def]
    return a  # type: ignore[no-any-return]


def opaque(a: Opaque) -> None: ...


def unreturned(a: int):  # type: ignore[no-untyped-def]
    ...


def starred(*a: int) -> None: ...


def two_lists(a: int, b: list[int] = [1]) -> None:  # noqa: B006
    ...


@pytest.mark.parametrize(
    ("function", "options", "fact"),
    [
        (untyped, {}, "`a` of orders.untyped has no type"),
        (opaque, {}, "Opaque"),
        (unreturned, {}, "no type for its result"),
        (starred, {}, "has no name"),
        (two_lists, {}, "default that cannot be used"),
        (plain, {"scope": "b"}, "which is no parameter"),
        (plain, {"scope": lambda a: a}, "has no name"),
        (plain, {"errors": {OrderMissing: "Bad Code"}}, "cannot be used"),
        (plain, {"errors": {OrderMissing: "permission-denied"}}, "cannot be used"),
        (plain, {"errors": {Opaque: "x"}}, "is no exception"),
        (plain, {"per_call": 0}, "cannot be 0"),
        (plain, {"per_second": True}, "cannot be True"),
        (plain, {"name": "Not a name"}, "no name for a function"),
    ],
)
def test_what_cannot_be_a_door_is_refused_where_it_is_declared(function: Any, options: Any, fact: str) -> None:
    with pytest.raises(InvalidSetting, match=fact.replace("(", r"\(")):
        door("orders", "is wrong", **{"name": options.pop("name", None), **options})(function)


def test_a_capability_needs_a_name_of_its_own() -> None:
    with pytest.raises(InvalidSetting, match="no name for a capability"):
        door("Or ders", "is wrong")(plain)
    with pytest.raises(InvalidSetting, match="kv is a capability of every host"):
        door("kv", "is wrong", name="plain")(plain)


def test_two_functions_of_one_name_are_refused() -> None:
    with pytest.raises(
        InvalidSetting, match=r"two functions orders\.count: plugins would import both as orders_count_v1"
    ):
        ApplicationParts.of([count, count])


@pytest.mark.parametrize("given", [plain, 7, Opaque()])
def test_a_plain_function_says_what_to_do_instead(given: Any) -> None:
    with pytest.raises(InvalidSetting, match=r"put `@omnicore.door\(capability"):
        ApplicationParts.of([given])


def test_bare_functions_stay_as_they_are() -> None:
    bare = HostFunction("x", "y", (), (), lambda call: None)
    assert ApplicationParts.of([bare, count]).functions == (bare,)


def test_the_purpose_and_the_description_come_from_the_declaration() -> None:
    made = ApplicationParts.of(ALL).doors[0]
    assert made.capability.purpose == "reads an order; writes an order"
    assert made.verbs[0].doc == "An order by its number."
    assert json.dumps(made.verbs[0].shape.schemas())
