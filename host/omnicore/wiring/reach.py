"""Addresses that plugins, connectors and workflows of a host reach only by a grant that spells them."""

from __future__ import annotations

from omnicore.config.brokers import read_brokers
from omnicore.config.settings import Settings
from omnicore.connectors.policy import Reserved

__all__ = ["reserved_addresses"]

_PORTS = {"redis": 6379, "rediss": 6379, "amqp": 5672, "amqps": 5671, "nats": 4222, "tls": 4222, "kafka": 9092}


def reserved_addresses(settings: Settings) -> Reserved:
    """The host's own listener, its database and its brokers, as the settings name them, and metadata addresses.

    Owns: the caller closes it. Raises: InvalidSetting: `brokers`.
    """
    reserved = Reserved(data=settings.data)
    reserved.listens(settings.port)
    if settings.storage.url is not None:
        reserved.stands_on("the host's own database", settings.storage.url, port=5432)
    for broker in read_brokers(settings.brokers):
        scheme = broker.url.partition(":")[0]
        reserved.stands_on(f"the host's broker {broker.name}", broker.url, port=_PORTS[scheme])
    return reserved
