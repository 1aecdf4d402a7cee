"""An application with doors, for the tests of its kits."""

from __future__ import annotations

import datetime
import enum
from typing import Any, Literal

import msgspec
import pydantic

from omnicore import Host, PluginCaller

__all__ = ["host", "made"]


class Shade(enum.Enum):
    red = "red"
    dark_blue = "dark_blue"


class Item(msgspec.Struct):
    """One line of an order."""

    name: str
    count: int = 1
    shade: Shade | None = None


class Order(msgspec.Struct):
    """An order of a customer."""

    id: int
    items: list[Item]
    placed: datetime.datetime | None = None
    labels: dict[str, str] = {}
    parent: Order | None = None


class Invoice(pydantic.BaseModel):
    """What is to be paid. */ nothing that follows is code"""

    number: int
    total: float = 0.0
    type: Literal["plain", "final"] = "plain"


class Missing(Exception):
    """The shop has no such order."""


ORDERS = {17: Order(17, [Item("tea", 2, Shade.red)])}


def made(**given: Any) -> Host:
    """A host of the shop."""
    shop = Host(**given)

    @shop.door("orders", "reads and writes orders", scope="id", errors={Missing: "order-missing"})
    async def get_order(id: int) -> Order:
        """An order by its number."""
        if id not in ORDERS:
            raise Missing(f"there is no order {id}")
        return ORDERS[id]

    @shop.door("orders", "reads and writes orders")
    def put_order(order: Order, notify: bool = False, note: str | None = None) -> None:
        assert isinstance(order, Order)

    @shop.door("orders", "reads and writes orders")
    def find(caller: PluginCaller, text: str, limit: int | None = None, within: list[str] = []) -> list[Order]:  # noqa: B006
        return [one for one in ORDERS.values() if any(text in item.name for item in one.items)][:limit]

    @shop.door("billing", "sends invoices")
    def invoice(order: int, lines: list[Item], extra: dict[str, Any], type: str = "plain") -> Invoice | None:
        return Invoice(number=order, total=float(len(lines)), type="final") if order > 0 else None

    @shop.door("billing", "sends invoices")
    def anything(value: Any) -> Any:
        return value

    return shop


host = made()
