"""How each service proves that a delivery is its own. Pure.

A rule looks at raw bytes only: nothing of a body is parsed before it is known who sent it. Comparisons take the same
time wherever two values differ. A rule that has a time refuses what is older or newer than the window.

Sources: GitHub "Validating webhook deliveries"; GitLab "Webhooks"; Telegram "setWebhook"; Discord "Interactions:
receiving and responding"; Stripe "Verify webhook signatures"; the Standard Webhooks specification 1.0.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from omnicore.connectors.hooks.ed25519 import is_public_key, signed_by
from omnicore.errors import InvalidInput, PermissionDenied

__all__ = ["RULES", "Delivery", "Rule", "check_secret", "verify"]

_LONGEST_ID = 200
_MOST_SIGNATURES = 10
_LEAST_SECRET = 8
_DIGITS = re.compile(r"[0-9]{1,12}")
_TELEGRAM = re.compile(r"[A-Za-z0-9_-]{1,256}")


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came in. Header names in lower case; `now` in seconds since the Unix epoch, `window_s` in seconds."""

    headers: Mapping[str, str]
    body: bytes
    now: float
    window_s: float

    def field(self, name: str) -> str:
        """A header's value, empty when it is not there."""
        return self.headers.get(name, "")


@dataclass(frozen=True, slots=True)
class Rule:
    """A service's way.

    Args:
        check: whether a delivery is proven by a secret.
        id_of: the header that names a delivery, if there is one. Where it is not signed, as with GitHub, only who
            has read the whole delivery on its way could send it again under another name.
        event_of: the header that names the event, if there is one.
        member: of a JSON body, that names the delivery where no header does.
        event_member: of a JSON body, that names the event where no header does.
    """

    name: str
    says: str
    check: Callable[[str, Delivery], bool]
    id_of: str = ""
    event_of: str = ""
    member: str = ""
    event_member: str = ""


def verify(rule: str, secret: str, delivery: Delivery) -> None:
    """Raises: PermissionDenied: the delivery is not proven, or outside of its window."""
    if not RULES[rule].check(secret, delivery):
        raise PermissionDenied(
            "the delivery's signature is missing, wrong or too old",
            remedy="give both sides the same secret, and set their clocks",
        )


def check_secret(rule: str, secret: str) -> None:
    """Raises: InvalidInput: a secret that this rule cannot work with."""
    if rule == "discord":
        fits = is_public_key(secret)
    elif rule == "telegram":
        fits = _TELEGRAM.fullmatch(secret) is not None and len(secret) >= _LEAST_SECRET
    elif rule == "standard":
        fits = _standard_key(secret) is not None
    else:
        fits = len(secret) >= _LEAST_SECRET
    if not fits:
        raise InvalidInput(f"the secret does not fit the rule {rule}", remedy=f"give {RULES[rule].says}")


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))


def _mac(key: bytes, *parts: bytes) -> bytes:
    return hmac.new(key, b"".join(parts), hashlib.sha256).digest()


def _in_time(text: str, delivery: Delivery) -> bool:
    return _DIGITS.fullmatch(text) is not None and abs(delivery.now - int(text)) <= delivery.window_s


def _github(secret: str, delivery: Delivery) -> bool:
    wanted = "sha256=" + _mac(secret.encode(), delivery.body).hex()
    return _same(wanted, delivery.field("x-hub-signature-256"))


def _gitlab(secret: str, delivery: Delivery) -> bool:
    """A signature where the server makes one, else the token it repeats. Never the weaker where the stronger is set."""
    if secret.startswith("whsec_"):
        return _standard(secret, delivery)
    return _same(secret, delivery.field("x-gitlab-token"))


def _telegram(secret: str, delivery: Delivery) -> bool:
    return _same(secret, delivery.field("x-telegram-bot-api-secret-token"))


def _discord(public_key: str, delivery: Delivery) -> bool:
    at = delivery.field("x-signature-timestamp")
    signed = signed_by(
        public_key, delivery.field("x-signature-ed25519"), at.encode("latin-1", "replace") + delivery.body
    )
    return signed and _in_time(at, delivery)


def _standard(secret: str, delivery: Delivery) -> bool:
    key, name, at = _standard_key(secret), delivery.field("webhook-id"), delivery.field("webhook-timestamp")
    if key is None or not name or len(name) > _LONGEST_ID:
        return False
    mac = _mac(key, f"{name}.{at}.".encode("latin-1", "replace"), delivery.body)
    wanted = "v1," + base64.b64encode(mac).decode()
    given = delivery.field("webhook-signature").split(" ")[:_MOST_SIGNATURES]
    return sum(_same(wanted, one) for one in given) > 0 and _in_time(at, delivery)


def _standard_key(secret: str) -> bytes | None:
    """The bytes of a `whsec_` secret, which is base64 of 24 to 64 bytes; of any other secret its own bytes."""
    if not secret.startswith("whsec_"):
        return secret.encode() if len(secret) >= _LEAST_SECRET else None
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (ValueError, binascii.Error):
        return None
    return key if 16 <= len(key) <= 64 else None


def _stripe(secret: str, delivery: Delivery) -> bool:
    pairs = [
        part.strip().partition("=") for part in delivery.field("stripe-signature").split(",")[: _MOST_SIGNATURES + 1]
    ]
    times = [value for name, _, value in pairs if name == "t"]
    if len(times) != 1:
        return False
    wanted = _mac(secret.encode(), f"{times[0]}.".encode("latin-1", "replace"), delivery.body).hex()
    return sum(_same(wanted, value) for name, _, value in pairs if name == "v1") > 0 and _in_time(times[0], delivery)


def _token(secret: str, delivery: Delivery) -> bool:
    """A secret that the sender repeats; only as safe as the way it comes, so that HTTPS is a must."""
    scheme, _, given = delivery.field("authorization").partition(" ")
    if scheme.lower() == "bearer":
        return _same(secret, given.strip())
    return _same(secret, delivery.field("x-webhook-token"))


def _hmac(secret: str, delivery: Delivery) -> bool:
    at = delivery.field("x-timestamp")
    wanted = _mac(secret.encode(), f"{at}.".encode("latin-1", "replace"), delivery.body).hex()
    return _same(wanted, delivery.field("x-signature").removeprefix("sha256=")) and _in_time(at, delivery)


RULES: Mapping[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule("github", "the webhook's secret, 8 characters or more", _github, "x-github-delivery", "x-github-event"),
        Rule(
            "gitlab",
            "the webhook's secret token, or its signing token, which begins with whsec_",
            _gitlab,
            "webhook-id",
            "x-gitlab-event",
        ),
        Rule("telegram", "the secret_token of setWebhook, 8 to 256 of A-Z a-z 0-9 _ -", _telegram, member="update_id"),
        Rule("discord", "the application's public key, 64 hexadecimal digits", _discord, member="id"),
        Rule(
            "standard",
            "a Standard Webhooks secret, whsec_ and base64, or any text of 8 characters or more",
            _standard,
            "webhook-id",
            event_member="type",
        ),
        Rule("stripe", "the endpoint's signing secret", _stripe, member="id", event_member="type"),
        Rule(
            "hmac",
            "a text of 8 characters or more; X-Signature is the hexadecimal HMAC-SHA256 of `X-Timestamp.body` by it",
            _hmac,
            event_member="event",
        ),
        Rule(
            "token",
            "a text of 8 characters or more, for senders that sign nothing; they send it as `Authorization: Bearer` or"
            " X-Webhook-Token",
            _token,
            "x-delivery-id",
            event_member="event",
        ),
    )
}
"""The rules by name."""
