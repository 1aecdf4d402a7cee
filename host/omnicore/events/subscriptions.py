"""Durable subscriptions as doors and people see them: kept in the database, checked, told to whoever delivers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from omnicore.errors import InvalidInput
from omnicore.events.delivery import Order
from omnicore.ids import OrderedIds

__all__ = ["OrderKeeper", "Subscriptions"]


class OrderKeeper(Protocol):
    """Where subscriptions are kept."""

    def add(self, order: str, plugin: str, topic: str, function: str, *, most: int, most_all: int) -> str:
        """The id of the subscription, or of the same one that was there. Raises: LimitExceeded."""

    def remove(self, plugin: str, order: str) -> bool:
        """Whether the plugin had it."""

    def forget(self, plugin: str) -> int:
        """Drops all of a plugin."""

    def of(self, plugin: str) -> Sequence[Order]:
        """A plugin's, oldest first."""


class Subscriptions:
    """Subscribes functions of plugins to topics.

    Args:
        offers: whether a plugin has a function.
        stir: told whenever a subscription came or went.
        most_all: how many all plugins together may have.
    """

    def __init__(
        self,
        keeper: OrderKeeper,
        *,
        offers: Callable[[str, str], bool],
        stir: Callable[[], None],
        most_all: int,
    ) -> None:
        self._keeper, self._offers, self._stir, self._most_all = keeper, offers, stir, most_all
        self._ids = OrderedIds("sub")

    def subscribe(self, plugin: str, topic: str, function: str, *, max_subscriptions: int) -> str:
        """The subscription's id; of the first one, when there is the same. Raises: InvalidInput, LimitExceeded."""
        if not self._offers(plugin, function):
            raise InvalidInput(f"{plugin} has no function {function[:64]!r}", remedy="name one that it exports")
        order = self._keeper.add(
            self._ids.next(), plugin, topic, function, most=max_subscriptions, most_all=self._most_all
        )
        self._stir()
        return order

    def unsubscribe(self, plugin: str, subscription: str) -> bool:
        """Whether the plugin had it."""
        removed = self._keeper.remove(plugin, subscription)
        if removed:
            self._stir()
        return removed

    def of(self, plugin: str) -> Sequence[Order]:
        """The plugin's subscriptions, oldest first."""
        return self._keeper.of(plugin)

    def forget(self, plugin: str) -> None:
        """Ends all subscriptions of a plugin that is removed."""
        if self._keeper.forget(plugin):
            self._stir()
