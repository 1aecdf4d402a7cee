"""Delivery of durable subscriptions: who is called, what is lost, and what is counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from omnicore.errors import Unavailable
from omnicore.events.bus import EventBus
from omnicore.events.subscriptions import Deliveries, Handling


@dataclass(frozen=True)
class Ordered:
    id: str
    plugin: str
    topic: str
    function: str = "hear"


class Post:
    """A bus, subscriptions in a list, and plugins that take notes."""

    def __init__(self, *orders: Ordered) -> None:
        self.bus = EventBus()
        self.orders = list(orders)
        self.forbidden: set[str] = set()
        self.version = 0
        self.calls: list[tuple[str, Any, int]] = []
        self.came = asyncio.Condition()
        self.hold = asyncio.Event()
        self.hold.set()
        self.error: Exception | None = None
        self.deliveries = Deliveries(
            self.bus,
            orders=lambda: self.orders,
            changed=lambda: self.version,
            allowed=lambda plugin, topic: plugin not in self.forbidden,
            call=self._call,
        )

    async def _call(self, ref: str, data: Any, handling: Handling) -> None:
        await self.hold.wait()
        async with self.came:
            self.calls.append((ref, data["data"], handling.hops))
            self.came.notify_all()
        if self.error is not None:
            raise self.error

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.deliveries.run())
        await self.until(lambda: self.deliveries.figures().subscriptions == len(self.orders))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def heard(self, count: int) -> list[tuple[str, Any, int]]:
        async with asyncio.timeout(60), self.came:
            await self.came.wait_for(lambda: len(self.calls) >= count)
        return self.calls

    async def until(self, true: Any) -> None:
        async with asyncio.timeout(60):
            while not true():
                await asyncio.sleep(0.001)


def test_a_subscribed_function_gets_each_event_that_matches_in_order() -> None:
    async def scene() -> None:
        post = Post(Ordered("s1", "shop", "order.*"), Ordered("s2", "mail", "order.paid", "send"))
        async with post.at_work():
            post.bus.publish("order.made", 1)
            post.bus.publish("other.made", 2)
            post.bus.publish("order.paid", 3, "till", hops=2)
            calls = await post.heard(3)
            assert [call for call in calls if call[0] == "shop.hear"] == [("shop.hear", 1, 0), ("shop.hear", 3, 2)]
            assert ("mail.send", 3, 2) in calls
            await post.until(lambda: post.deliveries.figures().delivered == 3)

    asyncio.run(scene())


def test_a_handler_that_fails_is_counted_and_hears_the_next_event() -> None:
    async def scene() -> None:
        post = Post(Ordered("s1", "shop", "**"))
        async with post.at_work():
            for post.error in (Unavailable("in quarantine"), ValueError("a bug"), None):
                post.bus.publish("a", str(post.error))
                await post.heard(len(post.calls) + 1)
            await post.until(lambda: post.deliveries.figures().delivered == 1)
            assert post.deliveries.figures().failed == 2

    asyncio.run(scene())


def test_subscriptions_that_come_go_or_lose_their_grant_take_effect() -> None:
    async def scene() -> None:
        post = Post()
        async with post.at_work():
            post.orders.append(Ordered("s1", "shop", "**"))
            post.deliveries.stir()
            await post.until(lambda: post.deliveries.figures().subscriptions == 1)
            post.forbidden.add("shop")
            post.bus.publish("plugin.revoked", {"name": "shop"})
            await post.until(lambda: post.deliveries.figures().subscriptions == 0)
            post.forbidden.clear()
            post.version += 1  # another process wrote; it is found at the next look
            post.deliveries.stir()
            await post.until(lambda: post.deliveries.figures().subscriptions == 1)

    asyncio.run(scene())


def test_a_slow_plugin_loses_its_own_oldest_events_and_holds_up_nobody() -> None:
    async def scene() -> None:
        post = Post(Ordered("s1", "slow", "many"))
        async with post.at_work():
            post.hold.clear()
            for number in range(300):
                post.bus.publish("many", number)
            await asyncio.sleep(0)
            assert post.deliveries.figures().dropped in (43, 44)  # one may have been taken already
            post.hold.set()
            await post.until(lambda: post.calls and post.calls[-1][1] == 299)
        assert post.deliveries.figures().subscriptions == 0

    asyncio.run(scene())
