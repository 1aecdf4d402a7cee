"""Events for whoever subscribed."""

from dataclasses import dataclass

from omnicore_sdk import DoorError, events, function


@dataclass
class Order:
    """What somebody buys."""

    item: str
    count: int = 1


@function
def listen() -> str:
    """Lets the host call `heard` with each event of shop.*; returns the subscription's id."""
    return events.subscribe("shop.*", "heard")


@dataclass
class Event:
    """What the host hands over."""

    id: str
    topic: str
    data: Order
    source: str
    at: float


@function
def heard(event: Event) -> str:
    """Called by the host with each event."""
    return f"{event.topic}: {event.data.item}"


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
