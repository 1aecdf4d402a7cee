"""Callers, services and senders that mean harm: they spoil nothing for others, and get nothing that is not theirs."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.connectors.local_server import Seen
from tests.connectors.rooms import room
from tests.connectors.test_connectors import TOKEN, answers, failing, scene, shop
from tests.connectors.test_hooks import signed

from omnicore.errors import DeadlineExceeded, InvalidInput
from omnicore.storage.store import Store
from omnicore.texts import is_whole


def test_input_that_cannot_be_sent_is_the_callers_fault_and_opens_no_breaker(tmp_path: Path) -> None:
    def work(made: Any, url: str) -> Any:
        shop(made, url)
        for _ in range(6):
            assert isinstance(failing(lambda: made.use("shop", "get", path="/", query={"a": "\ud800"})), InvalidInput)
        return made.service.ailing(), made.use("shop", "get", path="/")["status"]

    found, _ = scene(tmp_path, lambda seen: answers({}), work)
    assert found == ((), 200)


def test_an_answer_with_halves_of_characters_comes_back_whole(tmp_path: Path) -> None:
    def work(made: Any, url: str) -> Any:
        shop(made, url)
        return made.use("shop", "get", path="/")

    output, _ = scene(tmp_path, lambda seen: answers({"name": "cut \ud83d", "\ude00": 1}), work)
    assert output["json"] == {"name": "cut ?", "?": 1}


async def late(_seen: Seen, writer: asyncio.StreamWriter) -> None:
    """Answers nothing until the caller is gone."""
    while not writer.transport.is_closing():
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await asyncio.sleep(0.02)


def test_a_service_that_hangs_opens_the_breaker(tmp_path: Path) -> None:
    def work(made: Any, url: str) -> Any:
        shop(made, url, limits={"retries": 0, "breaker_failures": 2, "timeout_s": 0.1})
        errors = [failing(lambda: made.use("shop", "get", path="/")) for _ in range(3)]
        return [error.code for error in errors], made.service.ailing()

    codes, ailing = scene(tmp_path, lambda seen: late, work)[0]
    assert codes == ["deadline-exceeded", "deadline-exceeded", "unavailable"]
    assert ailing == ("shop",)


def test_a_caller_without_patience_opens_no_breaker_for_the_others(tmp_path: Path) -> None:
    def work(made: Any, url: str) -> Any:
        shop(made, url, limits={"retries": 0, "breaker_failures": 2})
        for _ in range(3):
            error = failing(lambda: made.service.use_blocking("plugin:a", "shop", "get", {"path": "/"}, timeout_s=0.05))
            assert isinstance(error, DeadlineExceeded)
        return made.service.ailing()

    assert scene(tmp_path, lambda seen: late, work)[0] == ()


@pytest.mark.parametrize("reference", ["vault:connector.shop.token", "vault:webhook.orders", "vault:connector.gone.a"])
def test_a_secret_of_another_part_cannot_be_sent_elsewhere(tmp_path: Path, reference: str) -> None:
    with room(tmp_path) as made:
        shop(made, "https://a.example")
        made.service.hooks.add("orders", "hmac", "long enough")
        elsewhere = {"base_url": "https://evil.example", "auth": "bearer"}
        with pytest.raises(InvalidInput):
            made.service.register.add("other", "http", elsewhere, {"token": reference})
        with pytest.raises(InvalidInput):
            made.service.register.change("shop", config=elsewhere, credentials={"token": reference})
        assert made.service.register.get("shop").config["base_url"] == "https://a.example"


@pytest.mark.parametrize(
    ("kind", "slashes"), [("s3", "//"), ("sqs", "//"), ("http", "\\\\"), ("github", "/"), ("openai", "//")]
)
def test_no_password_is_kept_in_a_base_url(tmp_path: Path, kind: str, slashes: str) -> None:
    config = {"s3": {"region": "a", "bucket": "abc"}, "sqs": {"region": "a", "queue": "q"}}.get(kind, {})
    secrets = {"access_key_id": "a", "secret_access_key": "b"} if config else {"token": TOKEN} if kind != "http" else {}
    with room(tmp_path) as made, pytest.raises(InvalidInput):
        made.service.register.add("shop", kind, {**config, "base_url": f"https:{slashes}me:secret@a.example"}, secrets)


def test_what_is_left_of_a_removed_connector_is_not_taken_up_by_its_name(tmp_path: Path) -> None:
    with room(tmp_path) as made:
        made.service.vault.set("connector.shop.token", TOKEN)
        elsewhere = {"base_url": "https://evil.example", "auth": "bearer"}
        with pytest.raises(InvalidInput):
            made.service.register.add("shop", "http", elsewhere, {"token": "vault:connector.shop.token"})


def test_a_connector_whose_credential_is_a_variable_may_move(tmp_path: Path) -> None:
    with room(tmp_path, environ={"CONNECTOR_A": TOKEN}) as made:
        made.add("shop", "http", "https://a.example", {"token": "env:CONNECTOR_A"}, auth="bearer")
        moved = {"base_url": "https://b.example", "auth": "bearer"}
        row = made.service.register.change("shop", config=moved, credentials={"token": "env:CONNECTOR_A"})
        assert row.config["base_url"] == "https://b.example"


def test_the_own_reference_that_is_shown_may_be_sent_back(tmp_path: Path) -> None:
    with room(tmp_path) as made:
        shop(made, "https://a.example")
        row = made.service.register.get("shop")
        made.service.register.change("shop", config=row.config, credentials=row.credentials)
        assert made.service.vault.get("connector.shop.token") == TOKEN


def test_a_delivery_with_halves_of_characters_is_told_whole_and_stops_nobody(tmp_path: Path, store: Store) -> None:
    body = json.dumps({"event": "made\ud800", "title": "cut \ud83d"}).encode()
    with room(tmp_path, store=store) as made:
        hook = made.service.hooks.add("orders", "github", signed("github")[0])
        taken = made.service.hooks.take(hook, signed("github", body)[1], body)
        (_, data), *_ = made.events("webhook.orders")
        assert (data["delivery"], data["payload"]["title"]) == (taken.delivery, "cut ?")
        assert is_whole(data)
        made.service.hooks.recover()
