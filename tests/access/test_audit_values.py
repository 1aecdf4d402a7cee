"""What stands in a row: canonical, bounded, and without secrets."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.access.audit import HIDDEN, MOST_BYTES, kept_text, kept_value
from omnicore.access.keys import TOKEN
from omnicore.connectors.redaction import Redactor
from omnicore.storage.tables.audit import GENESIS, AuditEntry, AuditRow, canonical, hash_of

NUMBERS = st.integers() | st.floats()
TEXTS = st.text(st.characters(), max_size=40)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS | st.binary(max_size=10),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXTS, inner, max_size=5),
    max_leaves=20,
)


@given(JSON_VALUES)
def test_what_is_kept_is_canonical_and_stays_so_when_it_is_read_and_written_again(value: object) -> None:
    text = kept_value(value)
    if text is None:
        assert value is None
        return
    assert canonical(json.loads(text)) == text
    assert text.isascii()
    assert len(text) <= MOST_BYTES
    assert kept_value(json.loads(text)) == text


@given(st.floats(0, 1e10), TEXTS, TEXTS, JSON_VALUES, JSON_VALUES)
def test_a_hash_is_that_of_the_exported_row(at: float, actor: str, target: str, before: object, after: object) -> None:
    names = (kept_text(actor), "session", "::1", "giveGrant", kept_text(target))
    entry = AuditEntry(at, *names, kept_value(before), kept_value(after), "done")
    digest = hash_of(7, entry, GENESIS)
    exported = json.loads(json.dumps(AuditRow.of(entry, 7, digest).to_json()))
    assert exported.pop("hash") == digest
    assert hashlib.sha256(f"{GENESIS}\n{canonical(exported)}".encode()).hexdigest() == digest


@given(TEXTS)
def test_a_name_can_be_stored_and_shown(text: str) -> None:
    shown = kept_text(text)
    assert shown.isprintable()
    assert len(shown) <= 200
    shown.encode()  # no half of a character


@pytest.mark.parametrize(
    "value",
    [
        {"password": "hunter2-hunter2"},
        {"old_password": "hunter2-hunter2"},
        {"credentials": {"any": ["hunter2-hunter2"]}},
        {"headers": {"Authorization": "hunter2-hunter2"}},
        {"headers": {"X-Api-Key": "hunter2-hunter2"}},
        {"name": "telegram_token", "value": "hunter2-hunter2"},
        {"setting": "token", "value": {"deep": "hunter2-hunter2"}},
        {"url": "https://ann:hunter2-hunter2@example.org/"},
        {"text": "curl -H 'Authorization: Bearer hunter2-hunter2'"},
        {"line": "password=hunter2-hunter2"},
        ['{"secret": "hunter2-hunter2"}'],
        {"text": "curl " + TOKEN + "hunter2" * 6 + "h"},
        {"x": "a" * 1000 + " Bearer hunter2-hunter2 " + "b" * 1000},
        {"token": "hunter2-hunter2" * 1000},
    ],
)
def test_secrets_are_hidden_by_their_names_and_forms(value: object) -> None:
    assert "hunter2" not in (kept_value(value) or "")


def test_what_is_no_secret_is_kept() -> None:
    value = {"name": "text", "state": "enabled", "value": 7, "token": None}
    assert json.loads(kept_value(value) or "") == value
    assert json.loads(kept_value({"token": "x"}) or "") == {"token": HIDDEN}


def test_long_values_stand_there_by_their_size_and_digest() -> None:
    text = "x" * 100_000
    kept = json.loads(kept_value({"text": text}) or "")["text"]
    assert (kept["size"], kept["sha256"]) == (100_000, hashlib.sha256(text.encode()).hexdigest())
    assert len(kept_value(list(range(10_000))) or "") < 1000
    assert len(kept_value({str(n): "y" * 1000 for n in range(5000)}) or "") <= MOST_BYTES
    deep: object = 1
    for _ in range(5000):
        deep = [deep]
    assert len(kept_value(deep) or "") < 100
    assert json.loads(kept_value(b"\x00wasm") or "")["size"] == 5
    assert json.loads(kept_value(10**5000) or "")["size"] > 1000


def test_what_is_nested_deeply_is_bounded_before_known_secrets_are_looked_for() -> None:
    deep: object = "hunter2"
    for _ in range(900):
        deep = {"a": deep}
    hide = Redactor(["hunter2-hunter2"]).value
    assert len(kept_value(deep, hide) or "") < 200
    assert "hunter2" not in (kept_value({"any": "see hunter2-hunter2"}, hide) or "")
