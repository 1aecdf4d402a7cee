"""Webhooks: deliveries are verified over their raw bytes, stored, answered and published as events.

The order loses no delivery and accepts no forged one. A rule looks at raw bytes only: no body is parsed before its
sender is known. Comparisons take the same time wherever two values differ. A rule with a time refuses deliveries
outside the window.

Sources: GitHub "Validating webhook deliveries"; GitLab "Webhooks"; Telegram "setWebhook"; Discord "Interactions:
receiving and responding"; Stripe "Verify webhook signatures"; the Standard Webhooks specification 1.0.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import logging
import re
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qsl

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from omnicore import records
from omnicore.connectors.line import Buckets
from omnicore.connectors.vault import Credentials, is_reference, vault_name
from omnicore.errors import Conflict, InvalidInput, LimitExceeded, NotFound, OmniError, PermissionDenied
from omnicore.ids import new_id
from omnicore.records import decode
from omnicore.storage.tables.connectors import DeliveryRow, HookOrder, HookRow, WebhooksTable
from omnicore.texts import is_whole, made_whole

if TYPE_CHECKING:
    from omnicore.clock import Clock
    from omnicore.config.settings import ConnectorSettings
    from omnicore.connectors.vault import Vault
    from omnicore.storage.store import Session


_KEY_BYTES, _SIGNATURE_BYTES = 32, 64


def is_public_key(text: str) -> bool:
    """True if a text is a public key in hexadecimal."""
    try:
        return len(bytes.fromhex(text)) == _KEY_BYTES
    except ValueError:
        return False


def signed_by(public_key: str, signature: str, message: bytes) -> bool:
    """True if the signature, in hexadecimal, is the key's over the message."""
    try:
        key, raw = bytes.fromhex(public_key), bytes.fromhex(signature)
        if len(key) != _KEY_BYTES or len(raw) != _SIGNATURE_BYTES:
            return False
        Ed25519PublicKey.from_public_bytes(key).verify(raw, message)
    except (ValueError, InvalidSignature):
        return False
    return True


_LONGEST_ID = 200
_MOST_SIGNATURES = 10
_LEAST_SECRET = 8
_DIGITS = re.compile(r"[0-9]{1,12}")
_TELEGRAM = re.compile(r"[A-Za-z0-9_-]{1,256}")


@dataclass(frozen=True, slots=True)
class Delivery:
    """An incoming request. Header names in lower case; `now` in seconds since the Unix epoch, `window_s` in seconds."""

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
        member: of a JSON body, that names the delivery where no header does; dots lead into objects.
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


def _slack(secret: str, delivery: Delivery) -> bool:
    at = delivery.field("x-slack-request-timestamp")
    wanted = "v0=" + _mac(secret.encode(), f"v0:{at}:".encode("latin-1", "replace"), delivery.body).hex()
    return _same(wanted, delivery.field("x-slack-signature")) and _in_time(at, delivery)


def _over_body(field: str, before: str = "", *, is_base64: bool = False) -> Callable[[str, Delivery], bool]:
    """The check of a header that is the HMAC-SHA256 of the body; of several, with commas between, one must be it."""

    def check(secret: str, delivery: Delivery) -> bool:
        mac = _mac(secret.encode(), delivery.body)
        wanted = before + (base64.b64encode(mac).decode() if is_base64 else mac.hex())
        given = delivery.field(field).split(",")[:_MOST_SIGNATURES]
        return sum(_same(wanted, one.strip()) for one in given) > 0

    return check


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
        Rule(
            *("github", "the webhook's secret, 8 characters or more"),
            _over_body("x-hub-signature-256", "sha256="),
            *("x-github-delivery", "x-github-event"),
        ),
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
        Rule("slack", "the app's signing secret", _slack, member="event_id", event_member="event.type"),
        Rule(
            *("shopify", "the client secret of the shop's app"),
            _over_body("x-shopify-hmac-sha256", is_base64=True),
            *("x-shopify-webhook-id", "x-shopify-topic"),
        ),
        Rule(
            *("linear", "the webhook's signing secret"),
            _over_body("linear-signature"),
            *("linear-delivery", "linear-event"),
        ),
        Rule(
            *("pagerduty", "the secret of the webhook subscription"),
            _over_body("x-pagerduty-signature", "v1="),
            member="event.id",
            event_member="event.event_type",
        ),
        Rule(
            *("jira", "the webhook's secret, 8 characters or more"),
            _over_body("x-hub-signature", "sha256="),
            "x-atlassian-webhook-identifier",
            event_member="webhookEvent",
        ),
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


_log = logging.getLogger("omnicore.connectors.webhooks")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_UNFIT = re.compile(r"[^A-Za-z0-9_-]+")
_DAY_S = 86_400.0
_PRUNE_EVERY = 200
_MARK_S = 0.1
_RECOVER_AFTER_S = 5.0  # younger ones may be on their way in another process
# What Discord wants to hear within 3 s after a command, a button, a completion or a form: that an answer will follow.
_DEFERRED: Mapping[int, Mapping[str, Any]] = {
    2: {"type": 5},
    3: {"type": 6},
    4: {"type": 8, "data": {"choices": []}},
    5: {"type": 5},
}


class _Publish(Protocol):
    def __call__(self, topic: str, data: Any = None, source: str = "host") -> str: ...


@dataclass(frozen=True, slots=True)
class Taken:
    """The answer to the sender. `document` None is an empty answer; a `test` is answered and not kept."""

    document: Any
    delivery: str | None = None
    duplicate: bool = False
    test: bool = False
    status: int = 200


_OK = Taken({"status": "ok"})


@dataclass(frozen=True, slots=True)
class Offer:
    """A proven delivery before it is kept. `keep` says in a transaction whether it is new, and keeps it then."""

    hook: HookRow
    row: DeliveryRow
    payload: Any
    keep: Callable[[Session], bool]


class Taker(Protocol):
    """Begins something with deliveries, in the transaction that keeps them."""

    def wanted(self, hook: str) -> Any:
        """The work that deliveries of this webhook begin; false: none. Blocks."""

    async def take(self, offer: Offer, wanted: Any) -> Taken | None:
        """Keeps the delivery and begins what is wanted, all or nothing.

        Returns: what to answer a sender that wants no answer of its service's own. None: it was kept before.
        """


_RATE_REMEDY = "send less often, or raise it: `omnicore config set connectors.hook_rate 2000`, then restart"


class Hooks:
    """Webhooks of a host; every method blocks and may be called from any thread."""

    def __init__(
        self,
        table: WebhooksTable,
        vault: Vault,
        credentials: Credentials,
        settings: ConnectorSettings,
        *,
        publish: _Publish,
        clock: Clock,
    ) -> None:
        self.table = table
        self._vault, self._credentials, self._settings = vault, credentials, settings
        self._publish, self._clock = publish, clock
        self._lock = threading.Lock()
        self._rates = Buckets(settings.hook_rate, max(1.0, settings.hook_rate))
        self._taken = 0
        self._unmarked: list[str] = []
        self._marking: asyncio.Task[None] | None = None
        self.taker: Taker | None = None

    # -- for operators

    def add(
        self, name: str, rule: str, secret: str, *, connector: str | None = None, window_s: float = 300.0
    ) -> HookRow:
        """Adds a webhook; its path is a random one. The secret is a value or a reference.

        Raises: InvalidInput; Conflict: the name is taken; LimitExceeded.
        """
        return self.add_order(
            decode(
                HookOrder,
                {"name": name, "rule": rule, "secret": secret, "connector": connector, "window_s": window_s},
                "webhook",
            )
        )

    def add_order(self, order: HookOrder) -> HookRow:
        """Adds the webhook of an order that was checked. Raises: as `add`."""
        if not _NAME.fullmatch(order.name):
            raise InvalidInput(f"{order.name[:80]!r} is not a name of a webhook", remedy="use up to 63 of a-z 0-9 _ -")
        if order.connector is not None and not _NAME.fullmatch(order.connector):
            raise InvalidInput(
                f"{order.connector[:80]!r} is not a name of a connector", remedy="name one of them, or none"
            )
        self._check_secret(order.rule, order.secret)
        kept = order.secret if is_reference(order.secret) else f"vault:{_own(order.name)}"
        hook = HookRow(
            id=new_id("hook"),
            name=order.name,
            connector=order.connector,
            rule=order.rule,
            secret=kept,
            window_s=order.window_s,
            added_at=self._clock.now(),
        )
        if not self.table.add(hook, most=self._settings.most):
            if self.table.named(order.name) is None:
                most = self._settings.most
                raise LimitExceeded(f"there are {most} webhooks", remedy="remove some", limit="most", allowed=most)
            raise Conflict(f"there is a webhook {order.name} already", remedy="remove it, or take another name")
        if kept != order.secret:
            self._vault.set(_own(order.name), order.secret)
        return hook

    def named(self, name: str) -> HookRow:
        """The webhook of this name. Raises: NotFound."""
        hook = self.table.named(name)
        if hook is None:
            raise NotFound(f"there is no webhook {name[:80]!r}", remedy="see `omnicore connectors hooks ls`")
        return hook

    def remove(self, name: str) -> bool:
        """True if there was such a webhook; its deliveries and its own secret go with it."""
        hook = self.table.named(name)
        if hook is None or not self.table.remove(hook.id):
            return False
        if vault_name(hook.secret) == _own(name):
            self._vault.remove(_own(name))
        return True

    def delivery(self, name: str, delivery: str) -> DeliveryRow:
        """A delivery with its body. Raises: NotFound."""
        row = self.table.get(self.named(name).id, delivery)
        if row is None:
            raise NotFound(f"{name} has no delivery {delivery[:80]!r}", remedy="it may be too old to be kept")
        return row

    def redeliver(self, name: str, delivery: str) -> DeliveryRow:
        """Publishes a delivery once more. Raises: NotFound."""
        row = self.delivery(name, delivery)
        self._tell(self.named(name), row)
        return row

    async def redeliver_all(self, name: str, delivery: str) -> DeliveryRow:
        """The same, and what a delivery begins is begun once more. Raises: NotFound."""
        row = await asyncio.to_thread(self.redeliver, name, delivery)
        hook = await asyncio.to_thread(self.named, name)
        again = records.replace(row, dedupe=f"{row.dedupe}~{row.attempts}")
        offer = Offer(hook, again, _parsed(row.media, row.body), lambda _: True)
        wanted = await asyncio.to_thread(self._wanted, hook)
        if wanted and self.taker is not None:
            await self.taker.take(offer, wanted)
        return row

    # -- for senders

    def admit(self, hook: str) -> HookRow:
        """The webhook at a path, before its body is read. Raises: NotFound; LimitExceeded: it is used too often."""
        found = self.table.with_id(hook)
        if found is None:
            raise NotFound("there is no such webhook", remedy="see the address that `omnicore connectors hooks` shows")
        with self._lock:
            what, now = f"the webhook {found.name}", self._clock.monotonic()
            self._rates.take(found.id, now, what=what, limit="connectors.hook_rate", remedy=_RATE_REMEDY)
        return found

    def take(self, hook: HookRow, headers: Mapping[str, str], body: bytes) -> Taken:
        """Takes a delivery in; it is on the disk when this returns, and begins nothing but what the bus leads to.

        Raises: PermissionDenied: it is not proven; Unavailable: the secret is not there; StorageFailed.
        """
        offer, answer = self._proven(hook, headers, body)
        return answer if offer is None else self._kept(offer, answer)

    async def deliver(self, hook: HookRow, headers: Mapping[str, str], body: bytes) -> Taken:
        """The same, and what its taker wants begins in the transaction that keeps it.

        Raises: as `take`, and what the taker raises; the delivery is not kept then.
        """
        offer, answer, wanted = await asyncio.to_thread(self._offered, hook, headers, body)
        if offer is None or not wanted or self.taker is None:
            return answer
        taken = await self.taker.take(offer, wanted)
        if taken is None:
            return replace(answer, duplicate=True)
        own = hook.rule == "discord"  # its answer is part of its protocol
        return replace(answer if own else taken, delivery=offer.row.id)

    def told(self, offer: Offer) -> None:
        """Publishes a delivery that a taker has kept; a killed process's are told by `recover`. On the event loop.

        That it was published is written down a little later, for many at once: nobody waits for it.
        """
        self._publish_all(offer.hook, offer.row, offer.payload)
        self._unmarked.append(offer.row.id)
        if self._marking is None:
            self._marking = asyncio.get_running_loop().create_task(self._mark(offer.hook))

    async def settle(self) -> None:
        """Writes down at once what `told` has published."""
        marking, self._marking = self._marking, None
        if marking is not None:
            marking.cancel()
            with suppress(asyncio.CancelledError):
                await marking
        await self._mark_all()

    async def _mark(self, hook: HookRow) -> None:
        await asyncio.sleep(_MARK_S)
        self._marking = None
        marked = await self._mark_all()
        await asyncio.to_thread(self._prune_sometimes, hook, marked)

    async def _mark_all(self) -> int:
        done, self._unmarked = self._unmarked, []
        try:
            if done:
                await asyncio.shield(asyncio.to_thread(self.table.all_published, done, at=self._clock.now()))
        except OmniError as error:  # they are kept: the next start tells them again
            _log.warning("%d deliveries are not marked as told: %s", len(done), error)
        return len(done)

    def _offered(self, hook: HookRow, headers: Mapping[str, str], body: bytes) -> tuple[Offer | None, Taken, Any]:
        """The offer for the taker. A delivery that nobody takes is stored at once."""
        offer, answer = self._proven(hook, headers, body)
        if offer is None:
            return None, answer, None
        wanted = self._wanted(hook)
        return (offer, answer, wanted) if wanted else (None, self._kept(offer, answer), None)

    def _wanted(self, hook: HookRow) -> Any:
        return None if self.taker is None else self.taker.wanted(hook.name)

    def _proven(self, hook: HookRow, headers: Mapping[str, str], body: bytes) -> tuple[Offer | None, Taken]:
        delivery = Delivery(headers, body, self._clock.now(), hook.window_s)
        verify(hook.rule, self._credentials.read(hook.secret), delivery)
        document = _parsed(headers.get("content-type", ""), body)
        answer = _ANSWERS.get(hook.rule, _usual_answer)(document)
        if answer.test:
            return None, answer
        rule = RULES[hook.rule]
        row = DeliveryRow(
            new_id("dlv"),
            hook.id,
            _dedupe(rule, headers, document, body),
            _event(rule, headers, document),
            headers.get("content-type", "")[:100],
            "received",
            0,
            self._clock.now(),
            body=body,
        )
        return Offer(hook, row, document, partial(self.table.receive_in, row)), answer

    def _kept(self, offer: Offer, answer: Taken) -> Taken:
        if not self.table.receive(offer.row):
            return replace(answer, duplicate=True)
        self._tell(offer.hook, offer.row)
        self._prune_sometimes(offer.hook)
        return replace(answer, delivery=offer.row.id)

    def recover(self) -> int:
        """Publishes what a killed process had kept and not published; how many. Deletes what is too old."""
        done = 0
        hooks = {hook.id: hook for hook in self.table.all()}
        while rows := self.table.unpublished(before=self._clock.now() - _RECOVER_AFTER_S):
            for row in rows:
                if row.hook in hooks:
                    self._tell(hooks[row.hook], row)
                else:  # its webhook was removed meanwhile
                    self.table.published(row.id, at=self._clock.now())
                done += 1
        while self.table.prune(before=self._clock.now() - self._settings.deliveries_days * _DAY_S):
            pass
        return done

    def _tell(self, hook: HookRow, row: DeliveryRow) -> None:
        self._publish_all(hook, row, _parsed(row.media, row.body))
        self.table.published(row.id, at=self._clock.now())

    def _publish_all(self, hook: HookRow, row: DeliveryRow, payload: Any) -> None:
        data = {"delivery": row.id, "webhook": hook.name, "connector": hook.connector, "event": row.event}
        topics = [f"webhook.{hook.name}", *([f"connector.{hook.connector}.{row.event}"] if hook.connector else [])]
        for topic in topics:
            try:
                self._publish(topic, {**data, "payload": payload}, f"webhook:{hook.name}")
            except OmniError as error:  # over the bus's bound, or nothing JSON can hold: told without the payload
                _log.warning("the delivery %s is told without its payload: %s", row.id, error.fact)
                self._publish(topic, {**data, "payload": None, "left_out": True}, f"webhook:{hook.name}")

    def _prune_sometimes(self, hook: HookRow, count: int = 1) -> None:
        with self._lock:
            before = self._taken
            self._taken += count
            due = self._taken // _PRUNE_EVERY > before // _PRUNE_EVERY
        if due:
            self.table.prune(before=self._clock.now() - self._settings.deliveries_days * _DAY_S)
            while self.table.prune_to(hook.id, most=self._settings.deliveries_most):
                pass

    def _check_secret(self, rule: str, secret: str) -> None:
        if is_reference(secret):
            self._credentials.check(secret)
            if (vault_name(secret) or "").startswith(("connector.", "webhook.")):
                raise InvalidInput(f"{secret[:80]} belongs to another part", remedy="give the secret itself")
        else:
            check_secret(rule, secret)


def _discord_answer(document: Any) -> Taken:
    """Its two ways in: events of webhooks carry an `event`, interactions do not; each tests an endpoint first."""
    kind = document.get("type") if isinstance(document, dict) else None
    if type(kind) is not int:
        return _OK
    if kind == 0:
        return Taken(None, test=True)
    if "event" in document:
        return Taken(None)
    return Taken({"type": 1}, test=True) if kind == 1 else Taken(_DEFERRED.get(kind, {"type": 5}))


def _slack_answer(document: Any) -> Taken:
    """Its test of an address wants the challenge back."""
    if isinstance(document, dict) and document.get("type") == "url_verification":
        return Taken({"challenge": str(document.get("challenge", ""))[:1000]}, test=True)
    return _OK


def _usual_answer(document: Any) -> Taken:
    return _OK


_ANSWERS: Mapping[str, Callable[[Any], Taken]] = {"discord": _discord_answer, "slack": _slack_answer}


def _own(name: str) -> str:
    return f"webhook.{name}"


def _parsed(media: str, body: bytes) -> Any:
    """The body as a JSON value: what it is, what a form holds, or its text."""
    kind = media.partition(";")[0].strip().lower()
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    if kind == "application/x-www-form-urlencoded":
        try:
            return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=1000))
        except ValueError:
            return None
    try:
        value = json.loads(text)
        # A service that cuts its texts may cut a character in two; the body is kept as it came.
        return made_whole(value) if "\\ud" in text.lower() and not is_whole(value) else value
    except (ValueError, RecursionError):
        return text


def _dedupe(rule: Rule, headers: Mapping[str, str], document: Any, body: bytes) -> str:
    """The identity of a delivery: the service's own name for it, else its content."""
    given = headers.get(rule.id_of, "") if rule.id_of else ""
    if not given and rule.name == "token":  # two that say the same are two
        given = headers.get("idempotency-key", "") or new_id("sent")
    if not given and rule.name == "gitlab":
        given = headers.get("idempotency-key", "") or headers.get("x-gitlab-event-uuid", "")
    if not given and rule.member:
        found = _member(document, rule.member)
        given = str(found) if isinstance(found, (str, int)) and not isinstance(found, bool) else ""
    if given:
        return f"id:{given}" if len(given) <= 200 else "hash:" + hashlib.sha256(given.encode()).hexdigest()
    return "body:" + hashlib.sha256(headers.get("x-timestamp", "").encode() + b"." + body).hexdigest()


def _member(document: Any, path: str) -> Any:
    for step in path.split("."):
        document = document.get(step) if isinstance(document, dict) else None
    return document


def _event(rule: Rule, headers: Mapping[str, str], document: Any) -> str:
    """The event's name, as a part of a topic."""
    given = headers.get(rule.event_of, "") if rule.event_of else ""
    if not given and rule.event_member:
        found = _member(document, rule.event_member)
        given = found if isinstance(found, str) else ""
    return _UNFIT.sub("_", given).strip("_")[:64].lower() or "delivery"
