"""Takes deliveries in: verified, kept, answered, published; in this order, so that none is lost and none is forged."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol
from urllib.parse import parse_qsl

from omnicore.clock import Clock
from omnicore.config.sections.connectors import ConnectorSettings
from omnicore.connectors.bounds import Buckets
from omnicore.connectors.hooks.rules import RULES, Delivery, Rule, check_secret, verify
from omnicore.connectors.vault.references import Credentials, is_reference, vault_name
from omnicore.connectors.vault.vault import Vault
from omnicore.errors import Conflict, InvalidInput, LimitExceeded, NotFound, OmniError
from omnicore.ids import new_id
from omnicore.storage.tables.webhooks import DeliveryRow, HookRow, WebhooksTable
from omnicore.texts import is_whole, made_whole

__all__ = ["Hooks", "Taken"]

_log = logging.getLogger("omnicore.connectors.hooks")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_UNFIT = re.compile(r"[^A-Za-z0-9_-]+")
_DAY_S = 86_400.0
_PRUNE_EVERY = 200
_RECOVER_AFTER_S = 5.0  # younger ones may be on their way in another process
_LONGEST_WINDOW_S = 86_400.0
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
    """What to answer the sender. `document` None is an empty answer; a `test` is answered and not kept."""

    document: Mapping[str, Any] | None
    delivery: str | None = None
    duplicate: bool = False
    test: bool = False


_OK = Taken({"status": "ok"})


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

    # -- for operators

    def add(
        self, name: str, rule: str, secret: str, *, connector: str | None = None, window_s: float = 300.0
    ) -> HookRow:
        """Adds a webhook; its path is a random one. The secret is a value or a reference.

        Raises: InvalidInput; Conflict: the name is taken; LimitExceeded.
        """
        if not _NAME.fullmatch(name):
            raise InvalidInput(f"{name[:80]!r} is no name of a webhook", remedy="use up to 63 of a-z 0-9 _ -")
        if rule not in RULES:
            raise InvalidInput(f"there is no rule {rule[:80]!r}", remedy=f"use one of {', '.join(RULES)}")
        if connector is not None and not _NAME.fullmatch(connector):
            raise InvalidInput(f"{connector[:80]!r} is no name of a connector", remedy="name one of them, or none")
        if not isinstance(window_s, (int, float)) or not 1 <= window_s <= _LONGEST_WINDOW_S:
            raise InvalidInput("window_s is no number from 1 to 86400", remedy="300 is what most services advise")
        self._check_secret(rule, secret)
        kept = secret if is_reference(secret) else f"vault:{_own(name)}"
        hook = HookRow(new_id("hook"), name, connector, rule, kept, float(window_s), self._clock.now())
        if not self.table.add(hook, most=self._settings.most):
            if self.table.named(name) is None:
                most = self._settings.most
                raise LimitExceeded(f"there are {most} webhooks", remedy="remove some", limit="most", allowed=most)
            raise Conflict(f"there is a webhook {name} already", remedy="remove it, or take another name")
        if kept != secret:
            self._vault.set(_own(name), secret)
        return hook

    def named(self, name: str) -> HookRow:
        """The webhook of this name. Raises: NotFound."""
        hook = self.table.named(name)
        if hook is None:
            raise NotFound(f"there is no webhook {name[:80]!r}", remedy="see `omnicore connectors hooks ls`")
        return hook

    def remove(self, name: str) -> bool:
        """Whether there was such a webhook; its deliveries and its own secret go with it."""
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

    # -- for senders

    def admit(self, hook: str) -> HookRow:
        """The webhook at a path, before its body is read. Raises: NotFound; LimitExceeded: it is used too often."""
        found = self.table.with_id(hook)
        if found is None:
            raise NotFound("there is no such webhook", remedy="see the address that `omnicore connectors hooks` shows")
        with self._lock:
            self._rates.take(found.id, self._clock.monotonic(), what=f"the webhook {found.name}", limit="hook_rate")
        return found

    def take(self, hook: HookRow, headers: Mapping[str, str], body: bytes) -> Taken:
        """Takes a delivery in; it is on the disk when this returns.

        Raises: PermissionDenied: it is not proven; Unavailable: the secret is not there; StorageFailed.
        """
        delivery = Delivery(headers, body, self._clock.now(), hook.window_s)
        verify(hook.rule, self._credentials.read(hook.secret), delivery)
        document = _parsed(headers.get("content-type", ""), body)
        answer = _discord_answer(document) if hook.rule == "discord" else _OK
        if answer.test:
            return answer
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
        if not self.table.receive(row):
            return replace(answer, duplicate=True)
        self._tell(hook, row)
        self._prune_sometimes(hook)
        return replace(answer, delivery=row.id)

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
        data = {"delivery": row.id, "webhook": hook.name, "connector": hook.connector, "event": row.event}
        document = _parsed(row.media, row.body)
        topics = [f"webhook.{hook.name}", *([f"connector.{hook.connector}.{row.event}"] if hook.connector else [])]
        for topic in topics:
            try:
                self._publish(topic, {**data, "payload": document}, f"webhook:{hook.name}")
            except OmniError as error:  # over the bus's bound, or nothing JSON can hold: told without the payload
                _log.warning("the delivery %s is told without its payload: %s", row.id, error.fact)
                self._publish(topic, {**data, "payload": None, "left_out": True}, f"webhook:{hook.name}")
        self.table.published(row.id, at=self._clock.now())

    def _prune_sometimes(self, hook: HookRow) -> None:
        with self._lock:
            self._taken += 1
            due = self._taken % _PRUNE_EVERY == 0
        if due:
            self.table.prune(before=self._clock.now() - self._settings.deliveries_days * _DAY_S)
            self.table.prune_to(hook.id, most=self._settings.deliveries_most)

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
    """What names a delivery: the service's own name for it, else its content."""
    given = headers.get(rule.id_of, "") if rule.id_of else ""
    if not given and rule.name == "gitlab":
        given = headers.get("idempotency-key", "") or headers.get("x-gitlab-event-uuid", "")
    if not given and rule.member and isinstance(document, dict):
        found = document.get(rule.member)
        given = str(found) if isinstance(found, (str, int)) and not isinstance(found, bool) else ""
    if given:
        return f"id:{given}" if len(given) <= 200 else "hash:" + hashlib.sha256(given.encode()).hexdigest()
    return "body:" + hashlib.sha256(headers.get("x-timestamp", "").encode() + b"." + body).hexdigest()


def _event(rule: Rule, headers: Mapping[str, str], document: Any) -> str:
    """The event's name, as a part of a topic."""
    given = headers.get(rule.event_of, "") if rule.event_of else ""
    if not given and rule.event_member and isinstance(document, dict):
        found = document.get(rule.event_member)
        given = found if isinstance(found, str) else ""
    return _UNFIT.sub("_", given).strip("_")[:64].lower() or "delivery"
