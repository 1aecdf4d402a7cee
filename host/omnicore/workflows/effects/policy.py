"""Which hosts workflows may reach over HTTP. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

from omnicore.connectors.addresses import is_private
from omnicore.connectors.policy import HttpPolicy
from omnicore.connectors.urls import Url
from omnicore.errors import PermissionDenied

__all__ = ["WorkflowPolicy"]


@dataclass(frozen=True, slots=True)
class WorkflowPolicy(HttpPolicy):
    """The policy of one request.

    Args:
        inside: hosts that may have private addresses, by their exact names.
        home: the only origin that may be reached, for a request whose headers or body carry a secret; None: any.
    """

    inside: frozenset[str] = frozenset()
    home: tuple[str, str, int] | None = None

    def check_hop(self, method: str, url: Url) -> None:
        """Raises: PermissionDenied for a host that the settings do not name, or a redirect that carries a secret."""
        if self.home not in (None, url.origin):
            raise PermissionDenied(
                f"a redirect leads to {url.host}, and the request carries a secret",
                remedy="call that host itself, if it may know the secret",
                capability="http",
                resource=url.host,
            )
        if url.host in self.inside:
            return
        try:
            HttpPolicy.check_hop(self, method, url)
        except PermissionDenied as error:
            raise _told(error, url.host, "workflows.http_hosts") from None

    def check_address(self, host: str, address: str) -> None:
        """Raises: PermissionDenied for a private address of a host that may have none."""
        if host in self.inside or not is_private(ip_address(address.partition("%")[0])):
            return
        where = address if host.strip("[]") == address else f"{host} ({address})"
        raise PermissionDenied(
            f"{where} is not an address of the public internet",
            remedy=f"add {host} to the setting workflows.http_private",
            capability="http",
            resource=host,
        )


def _told(error: PermissionDenied, host: str, setting: str) -> PermissionDenied:
    return PermissionDenied(error.fact, remedy=f"add {host} to the setting {setting}", capability="http", resource=host)
