"""Webhooks: each service's rule over raw bytes, the window, duplicates, and what a killed process left."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.connectors.rooms import Room, room

from omnicore.clock import ManualClock
from omnicore.connectors.webhooks import RULES, Delivery, check_secret, verify
from omnicore.errors import Conflict, InvalidInput, LimitExceeded, NotFound, PermissionDenied
from omnicore.storage.store import Store
from omnicore.storage.tables.connectors import DeliveryRow

NOW = 1_700_000_000
SECRET = "a-secret-of-tests"
WHSEC = "whsec_" + base64.b64encode(b"k" * 24).decode()
KEY = Ed25519PrivateKey.from_private_bytes(b"d" * 32)
PUBLIC = KEY.public_key().public_bytes_raw().hex()
BODY = b'{"type": "order.paid", "id": "evt_1", "event": "paid"}'


def mac(key: bytes, text: bytes) -> bytes:
    return hmac.new(key, text, hashlib.sha256).digest()


def signed(rule: str, body: bytes = BODY, at: int = NOW) -> tuple[str, dict[str, str]]:
    """The secret and the headers of a delivery, made the way the service makes them."""
    if rule == "github":
        signature = "sha256=" + mac(SECRET.encode(), body).hex()
        fields = {"x-hub-signature-256": signature, "x-github-delivery": "d1", "x-github-event": "pull_request"}
        return SECRET, fields
    if rule == "gitlab":
        return SECRET, {"x-gitlab-token": SECRET, "x-gitlab-event": "Push Hook", "x-gitlab-event-uuid": "u1"}
    if rule == "token":
        return SECRET, {"authorization": f"Bearer {SECRET}", "x-delivery-id": "t1"}
    if rule == "telegram":
        return SECRET, {"x-telegram-bot-api-secret-token": SECRET}
    if rule == "discord":
        return PUBLIC, {
            "x-signature-timestamp": str(at),
            "x-signature-ed25519": KEY.sign(str(at).encode() + body).hex(),
        }
    if rule == "standard":
        signature = base64.b64encode(mac(b"k" * 24, f"m1.{at}.".encode() + body)).decode()
        return WHSEC, {"webhook-id": "m1", "webhook-timestamp": str(at), "webhook-signature": f"v1,AAAA v1,{signature}"}
    if rule == "slack":
        signature = "v0=" + mac(SECRET.encode(), f"v0:{at}:".encode() + body).hex()
        return SECRET, {"x-slack-request-timestamp": str(at), "x-slack-signature": signature}
    if rule in ("shopify", "linear", "pagerduty", "jira"):
        signature = mac(SECRET.encode(), body)
        return SECRET, {
            "shopify": {
                "x-shopify-hmac-sha256": base64.b64encode(signature).decode(),
                "x-shopify-topic": "orders/paid",
            },
            "linear": {"linear-signature": signature.hex(), "linear-event": "Issue"},
            "pagerduty": {"x-pagerduty-signature": f"v1=00ff,v1={signature.hex()}"},
            "jira": {"x-hub-signature": f"sha256={signature.hex()}"},
        }[rule]
    if rule == "stripe":
        signature = mac(SECRET.encode(), f"{at}.".encode() + body).hex()
        return SECRET, {"stripe-signature": f"t={at},v1=00ff,v1={signature},v0=abc"}
    signature = mac(SECRET.encode(), f"{at}.".encode() + body).hex()
    return SECRET, {"x-timestamp": str(at), "x-signature": signature}


def refused(rule: str, secret: str, headers: dict[str, str], body: bytes = BODY, now: float = NOW) -> bool:
    try:
        verify(rule, secret, Delivery(headers, body, now, 300.0))
    except PermissionDenied:
        return True
    return False


@pytest.mark.parametrize("rule", RULES)
def test_a_delivery_that_is_signed_as_the_service_signs_is_proven(rule: str) -> None:
    secret, headers = signed(rule)
    check_secret(rule, secret)
    assert not refused(rule, secret, headers)


@pytest.mark.parametrize("rule", RULES)
def test_without_its_proof_a_delivery_is_refused(rule: str) -> None:
    secret, headers = signed(rule)
    for name in headers:
        if any(word in name for word in ("signature", "token")):
            assert refused(rule, secret, {**headers, name: ""})
            assert refused(rule, secret, {**headers, name: headers[name][::-1]})
            assert refused(rule, secret, {**headers, name: "\u00e9" * 64})
    assert refused(rule, secret, {})


@pytest.mark.parametrize("rule", sorted(RULES.keys() - {"gitlab", "telegram", "token"}))
def test_one_changed_byte_of_the_body_is_noticed(rule: str) -> None:
    secret, headers = signed(rule)
    assert refused(rule, secret, headers, BODY + b" ")
    assert refused(rule, secret, headers, BODY.replace(b"1", b"2"))


@pytest.mark.parametrize("rule", ["discord", "standard", "stripe", "slack", "hmac"])
def test_a_delivery_out_of_its_window_is_refused_in_both_directions(rule: str) -> None:
    secret, headers = signed(rule)
    assert not refused(rule, secret, headers, now=NOW + 300)
    assert refused(rule, secret, headers, now=NOW + 301)
    assert refused(rule, secret, headers, now=NOW - 301)
    for text in ("", "soon", "-1", "1e9", "\u0661", "9" * 30):
        assert refused(rule, secret, {name: value.replace(str(NOW), text) for name, value in headers.items()})


def test_the_rules_give_what_their_services_publish() -> None:
    body = b"Hello, World!"
    headers = {"x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}
    assert not refused("github", "It's a Secret to Everybody", headers, body)
    headers = {"x-hub-signature": "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"}
    assert not refused("jira", "It's a Secret to Everybody", headers, b"Hello World!")
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    headers = {
        "x-slack-request-timestamp": "1531420618",
        "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    }
    assert not refused("slack", "8f742231b10e8888abcd99yyyzzz85a5", headers, body, now=1531420618)
    body = b'{"test": 2432232314}'
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    assert not refused("standard", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", headers, body, now=1614265330)


def test_a_gitlab_signing_token_is_not_fooled_by_the_older_header() -> None:
    assert refused("gitlab", WHSEC, {"x-gitlab-token": WHSEC})
    assert not refused("gitlab", WHSEC, signed("standard")[1])


@pytest.mark.parametrize(
    ("rule", "secret"),
    [("github", "short"), ("telegram", "not fit at all"), ("discord", "ab"), ("standard", "whsec_!"), ("stripe", "")],
)
def test_secrets_that_cannot_work_are_refused(rule: str, secret: str) -> None:
    with pytest.raises(InvalidInput):
        check_secret(rule, secret)


def hook(made: Room, rule: str, name: str = "in", **given: Any) -> Any:
    return made.service.hooks.add(name, rule, signed(rule)[0], **given)


def take(made: Room, row: Any, rule: str, body: bytes = BODY, **more: str) -> Any:
    return made.service.hooks.take(row, {**signed(rule, body)[1], "content-type": "application/json", **more}, body)


@pytest.mark.parametrize(
    ("rule", "event"),
    [
        *(("github", "pull_request"), ("gitlab", "push_hook"), ("telegram", "delivery"), ("standard", "order_paid")),
        *(("stripe", "order_paid"), ("hmac", "paid"), ("token", "paid")),
    ],
)
def test_a_delivery_is_kept_then_told_once(tmp_path: Path, store: Store, rule: str, event: str) -> None:
    with room(tmp_path, store=store, clock=ManualClock(at=NOW)) as made:
        row = hook(made, rule, connector="shop")
        first, second = take(made, row, rule), take(made, row, rule)
        assert (first.document, first.duplicate, second.duplicate) == ({"status": "ok"}, False, True)
        data = {"delivery": first.delivery, "webhook": "in", "connector": "shop", "event": event}
        assert made.events() == [
            ("webhook.in", {**data, "payload": json.loads(BODY)}),
            (f"connector.shop.{event}", {**data, "payload": json.loads(BODY)}),
        ]
        (kept,) = made.service.hooks.table.page(row.id)
        assert (kept.state, kept.attempts, kept.event) == ("published", 1, event)
        again = made.service.hooks.redeliver("in", kept.id)
        assert again.body == BODY
        assert len(made.events("webhook.in")) == 2


def test_discord_hears_what_it_waits_for(tmp_path: Path) -> None:
    with room(tmp_path, clock=ManualClock(at=NOW)) as made:
        row = hook(made, "discord")
        said = {
            name: take(made, row, "discord", json.dumps(body).encode()).document
            for name, body in {
                "ping": {"type": 1, "id": "1"},
                "event ping": {"type": 0},
                "event": {"type": 1, "event": {"type": "X"}, "id": "2"},
                "command": {"type": 2, "id": "3"},
                "button": {"type": 3, "id": "4"},
            }.items()
        }
        assert said == {
            "ping": {"type": 1},
            "event ping": None,
            "event": None,
            "command": {"type": 5},
            "button": {"type": 6},
        }
        assert len(made.events("webhook.in")) == 3


@pytest.mark.parametrize(
    ("media", "body", "payload"),
    [
        ("application/json", b"[" * 100_000, "[" * 100_000),
        ("application/json", b"{no", "{no"),
        ("application/json", b"NaN", None),
        ("application/x-www-form-urlencoded", b"a=1&b=%20", {"a": "1", "b": " "}),
        ("application/octet-stream", b"\xff\xfe", None),
        ("application/json", json.dumps({"x": "y" * 300_000}).encode(), None),
    ],
)
def test_a_body_of_any_kind_is_kept_and_told_as_far_as_an_event_can_hold_it(
    tmp_path: Path, media: str, body: bytes, payload: Any
) -> None:
    with room(tmp_path, clock=ManualClock(at=NOW)) as made:
        row = hook(made, "github")
        taken = take(made, row, "github", body, **{"content-type": media})
        ((_, data),) = made.events("webhook.in")
        assert data["payload"] == payload
        kept = made.service.hooks.table.get(row.id, taken.delivery)
        assert kept is not None
        assert kept.body == body


def test_what_a_killed_process_kept_and_did_not_tell_is_told_by_the_next(tmp_path: Path, store: Store) -> None:
    clock = ManualClock(at=NOW)
    with room(tmp_path, store=store, clock=clock) as made:
        row = hook(made, "github")
        for number in range(3):
            lost = DeliveryRow(f"dlv_{number}", row.id, f"id:{number}", "push", "", "received", 0, NOW, body=b"{}")
            assert made.service.hooks.table.receive(lost)
        assert made.service.hooks.recover() == 0, "it may be on its way in another process"
        clock.advance(10)
        assert made.service.hooks.recover() == 3
        assert made.service.hooks.recover() == 0
        assert [data["delivery"] for _, data in made.events("webhook.in")] == ["dlv_0", "dlv_1", "dlv_2"]


def test_old_deliveries_go_and_no_webhook_keeps_more_than_it_may(tmp_path: Path, store: Store) -> None:
    clock = ManualClock(at=NOW)
    with room(tmp_path, store=store, clock=clock, deliveries_days=1.0, deliveries_most=150) as made:
        row = hook(made, "github")
        for number in range(200):
            take(made, row, "github", **{"x-github-delivery": str(number)})
        assert len(made.service.hooks.table.page(row.id, limit=500)) == 150
        clock.advance(2 * 86_400)
        made.service.hooks.recover()
        assert made.service.hooks.table.page(row.id) == ()


def test_a_webhook_takes_500_deliveries_a_second(tmp_path: Path) -> None:
    with room(tmp_path, clock=ManualClock(at=NOW)) as made:
        row = hook(made, "github")
        for _ in range(500):
            made.service.hooks.admit(row.id)
        with pytest.raises(LimitExceeded, match="more than 500 times a second"):
            made.service.hooks.admit(row.id)


def test_a_webhook_has_a_name_of_its_own_a_rate_and_takes_its_secret_with_it(tmp_path: Path) -> None:
    with room(tmp_path, clock=ManualClock(at=NOW), hook_rate=2.0) as made:
        row = hook(made, "github")
        with pytest.raises(Conflict):
            hook(made, "stripe")
        assert made.service.hooks.admit(row.id).name == "in"
        made.service.hooks.admit(row.id)
        with pytest.raises(LimitExceeded, match=r"config set connectors\.hook_rate") as refused:
            made.service.hooks.admit(row.id)
        assert (refused.value.details["limit"], refused.value.details["allowed"]) == ("connectors.hook_rate", 2.0)
        with pytest.raises(NotFound):
            made.service.hooks.admit("hook_none")
        assert SECRET not in repr(row) + json.dumps(row.to_json())
        take(made, row, "github")
        assert made.service.hooks.remove("in")
        assert (made.service.vault.list(), made.service.hooks.table.page(row.id)) == ((), ())


@pytest.mark.parametrize(
    ("name", "rule", "secret", "more"),
    [
        ("In", "github", SECRET, {}),
        ("in", "smoke", SECRET, {}),
        ("in", "github", "x", {}),
        ("in", "github", "vault:connector.shop.token", {}),
        ("in", "github", "env:HOME", {}),
        ("in", "github", SECRET, {"window_s": 0}),
        ("in", "github", SECRET, {"connector": "a.b"}),
    ],
)
def test_webhooks_that_cannot_work_are_refused(tmp_path: Path, name: str, rule: str, secret: str, more: Any) -> None:
    with room(tmp_path) as made, pytest.raises(InvalidInput):
        made.service.hooks.add(name, rule, secret, **more)
