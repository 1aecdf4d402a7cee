"""Who may do what: settings."""

# ruff: noqa: RUF009 -- `setting` is `dataclasses.field` with what the loader checks
from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from omnicore.config.setting import setting

__all__ = ["AccessSettings", "OidcSettings"]


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """Logging in through somebody else's service. It needs the extra `oidc`."""

    issuer: str | None = setting(None, "Address of the OpenID provider; without one nobody logs in that way")
    client_id: str = setting("", "What the provider knows this host by")
    client_secret: str | None = setting(None, "The secret that goes with it, if there is one", secret=True)
    name: str = setting("single sign-on", "What the button of the login page says")
    scopes: tuple[str, ...] = setting(("openid", "email", "profile"), "Scopes to ask for")
    name_claim: str = setting("email", "Claim that becomes the user's name")
    domains: tuple[str, ...] = setting((), "Domains of verified e-mail addresses that may come in; none: any")
    role_claim: str = setting("groups", "Claim whose values are turned into roles")
    roles: tuple[str, ...] = setting((), "Roles by value of that claim: `VALUE -> ROLE`, such as `staff -> operator`")
    default_role: Literal["none", "nobody", "viewer", "operator", "admin"] = setting(
        "none", "Role of somebody whom no value gives one; none: does not come in"
    )
    public_url: str | None = setting(None, "Address of this host as browsers see it; default: as the request says")
    timeout_s: float = setting(10.0, "Longest time the provider may take for an answer", minimum=0.1, maximum=60)


@dataclass(frozen=True, slots=True)
class AccessSettings:
    """Who may do what. Units: seconds, counts; `hash_memory_kib` KiB for each password that is checked."""

    session_s: float = setting(43_200.0, "How long a login lasts at most", minimum=1)
    session_idle_s: float = setting(3_600.0, "How long a login lasts without a request", minimum=1)
    sessions: int = setting(50, "Logins of one user at the same time; the oldest makes room", minimum=1, maximum=1000)
    tokens: int = setting(200, "API tokens that one user may have", minimum=0)
    token_days: float = setting(90.0, "Days that an API token lasts unless it says otherwise", minimum=0.001)
    password_length: int = setting(10, "Fewest characters of a password", minimum=8, maximum=128)
    login_tries: int = setting(
        5, "Failed logins after which a name is locked; an address after four times as many", minimum=1
    )
    login_lock_s: float = setting(900.0, "How long it is locked, and how long failures count", minimum=1)
    hash_passes: int = setting(3, "Passes of argon2 over its memory", minimum=1, maximum=100)
    hash_memory_kib: int = setting(65_536, "Memory of argon2", minimum=8, maximum=4_194_304)
    hash_threads: int = setting(2, "Passwords that are checked at the same time", minimum=1, maximum=64)
    hash_waiting: int = setting(32, "Logins that may wait for that; more are turned away", minimum=0)
    trusted_proxies: tuple[str, ...] = setting(
        (), "Addresses or networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed"
    )
    audit_calls: bool = setting(True, "Record calls of people and tokens as well, not only changes")
    audit_rows: int = setting(1_000_000, "Rows of the audit record that are kept; the oldest go first", minimum=1000)
    audit_days: float = setting(730.0, "Days after which a row goes from the audit record", minimum=1)
    oidc: OidcSettings = setting(OidcSettings(), "Logging in through somebody else's service")
