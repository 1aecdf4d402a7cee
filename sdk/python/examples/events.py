"""Events for whoever subscribed."""

from dataclasses import dataclass

from omnicore_sdk import DoorError, events, function


@dataclass
class Order:
    """What somebody buys."""

    item: str
    count: int = 1


@function
def place(order: Order) -> bool:
    """Places an order; returns whether others were told."""
    try:
        events.publish("shop.ordered", {"item": order.item, "count": order.count})
    except DoorError as error:
        if error.code == "permission-denied":
            return False
        raise
    return True
