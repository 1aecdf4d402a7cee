"""What one plugin may reach over HTTP, decided for every hop before anything is sent. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal

from omnicore.connectors.addresses import host_matches, is_glob, is_private
from omnicore.connectors.urls import Url
from omnicore.errors import PermissionDenied

__all__ = ["HttpPolicy"]

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class HttpPolicy:
    """The hosts, methods and addresses of a grant.

    Args:
        hosts: globs over the host of a URL; none match when empty.
        methods: upper case; None for all.
        private: addresses that are not of the public internet are refused ("deny"), allowed for a host that
            an entry names without wildcards ("named"), or not looked at ("allow", as other Extism hosts do).
        plugin: whose policy it is, for the text of a denial.
        follow: whether redirects are followed; else they are answers like others.
    """

    hosts: tuple[str, ...]
    methods: tuple[str, ...] | None = None
    private: Literal["deny", "named", "allow"] = "deny"
    plugin: str = ""
    max_request_bytes: int = 1 * _MIB
    max_redirects: int = 10
    follow: bool = True

    def check_hop(self, method: str, url: Url) -> None:
        """Raises: PermissionDenied for a host or a method that is not granted."""
        if not any(host_matches(pattern, url.host) or _same(pattern, url.host) for pattern in self.hosts):
            raise self._denied(f"no granted host matches {url.host}", url.host, "name the host in its manifest")
        if self.methods is not None and method not in self.methods:
            raise self._denied(f"{method} is not granted for {url.host}", url.host, "name the method in its manifest")

    def check_address(self, host: str, address: str) -> None:
        """Raises: PermissionDenied for an address that `private` refuses.

        Args:
            host: as it stands in the URL.
            address: one of those it resolved to.
        """
        if self.private == "allow" or not is_private(ip_address(address.partition("%")[0])):
            return
        if self.private == "named" and any(not is_glob(one) and _same(one, host) for one in self.hosts):
            return
        where = address if _same(address, host) else f"{host} ({address})"
        hint = "name the host without wildcards and set `private = true` in the scope of its manifest"
        raise self._denied(f"{where} is not an address of the public internet", host, hint)

    def _denied(self, fact: str, resource: str, hint: str) -> PermissionDenied:
        name = self.plugin or "PLUGIN"
        who = f"{self.plugin} may not send this request: " if self.plugin else ""
        return PermissionDenied(
            who + fact,
            remedy=f"{hint}, then run `omnicore plugins grant {name} http`",
            capability="http",
            resource=resource,
        )


def _same(pattern: str, host: str) -> bool:
    """True for the very host; an IPv6 address may stand without its brackets, which globs read as a set."""
    return host in (pattern, f"[{pattern}]")
