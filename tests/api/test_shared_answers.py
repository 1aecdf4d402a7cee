"""Answers to requests with an Idempotency-Key that hosts share: replayed, refused, and readable by nobody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse
from tests.storage.stores import OpenStore

from omnicore.api.exchange import SharedAnswers
from omnicore.clock import ManualClock
from omnicore.connectors.master_key import FilePlace
from omnicore.connectors.vault import Vault
from omnicore.errors import Conflict, InvalidInput
from omnicore.storage.store import Store
from omnicore.storage.tables.answers import AnswersTable
from omnicore.storage.tables.connectors import SecretsTable

KEY = ("POST", "/api/v1/tokens", "once", "session", "ada")
MADE = JSONResponse({"key": "omc_never-in-the-clear"}, 201, {"location": "/api/v1/tokens/one"})


def host(store: Store, folder: Path, clock: ManualClock | None = None) -> tuple[SharedAnswers, Vault]:
    vault = Vault(SecretsTable(store), FilePlace(folder), clock or ManualClock())
    return SharedAnswers(AnswersTable(store, clock or ManualClock()), vault), vault


def test_another_host_answers_the_same_and_the_body_is_sealed(open_store: OpenStore, tmp_path: Path) -> None:
    store = open_store()
    (one, vault), (other, _) = host(store, tmp_path), host(open_store(), tmp_path)
    vault.set("any", "makes the first key")
    assert one.begin(KEY, b"digest") is None
    with pytest.raises(Conflict, match="still runs at another host; try again in a moment"):
        other.begin(KEY, b"digest")
    one.end(KEY, MADE)
    again: Any = other.begin(KEY, b"digest")
    assert (again.status_code, again.body, again.headers["location"]) == (201, MADE.body, "/api/v1/tokens/one")
    assert again.headers["idempotency-replayed"] == "true"
    with pytest.raises(InvalidInput, match="used for another request"):
        other.begin(KEY, b"another digest")
    rows = repr(store.rows("SELECT * FROM request_answers"))
    assert "never-in-the-clear" not in rows
    assert "ada" not in rows


def test_without_a_body_the_other_host_says_where_to_look(open_store: OpenStore, tmp_path: Path) -> None:
    (one, vault), (other, _) = host(open_store(), tmp_path), host(open_store(), tmp_path)
    one.begin(KEY, b"digest")
    one.end(KEY, MADE)  # the vault has no key, and none is made for this
    assert not (tmp_path / "master.key").exists()
    with pytest.raises(Conflict, match="answered with 201; see /api/v1/tokens/one"):
        other.begin(KEY, b"digest")
    vault.set("any", "makes the first key")
    large, rotated = (*KEY, "large"), (*KEY, "rotated")
    for key, body in ((large, "x" * 70_000), (rotated, "small")):
        one.begin(key, b"digest")
        one.end(key, JSONResponse(body))
    vault.rotate_data_key()
    fresh, _ = host(open_store(), tmp_path)
    for key in (large, rotated):
        with pytest.raises(Conflict, match="answered with 200; look at what it made"):
            fresh.begin(key, b"digest")


def test_a_request_that_failed_may_be_sent_again_and_one_of_a_killed_host_is_told(store: Store, tmp_path: Path) -> None:
    clock = ManualClock()
    answers, _ = host(store, tmp_path, clock)
    answers.begin(KEY, b"digest")
    answers.end(KEY, None)
    assert answers.begin(KEY, b"digest") is None
    clock.advance(601)
    with pytest.raises(Conflict, match="ended before it answered; look whether it was done, then use a new key"):
        answers.begin(KEY, b"digest")
    clock.advance(90_000)
    table = AnswersTable(store, clock)
    table.prune()
    assert answers.begin(KEY, b"digest") is None
    for number in range(5):
        clock.advance(1)
        table.begin(str(number), b"")
    table.prune(most=2)
    assert [row[0] for row in store.rows("SELECT key FROM request_answers ORDER BY at")] == ["3", "4"]
