"""Cassettes: recorded once, played anywhere, and nothing secret in them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.testing.guests import DICE, KIT_DICE, PLUGINS, ask, asker, serving, written

from omnicore.errors import Conflict, InvalidSetting, NotFound, OmniError, Unavailable
from omnicore.testing import Cassette, CassetteMismatch, IsolatedHost, Redaction

Make = Callable[..., IsolatedHost]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cassettes" / "case.json"


def count(host: Make, path: Path, *names: str, **options: Any) -> list[int]:
    """Adds to counters, with a cassette."""
    with host(PLUGINS / "counter", cassette=Cassette(path, **options)) as opened:
        return [opened.call("counter.add", {"name": name})["value"] for name in names]


def test_an_http_request_is_recorded_and_played_without_a_network(host: Make, tmp_path: Path, path: Path) -> None:
    plugin = asker(tmp_path, "http_fetch_v1")
    with serving({"price": 3}) as server:
        with host(plugin, cassette=Cassette(path)) as opened:
            recorded = ask(opened, {"url": f"{server.url}/tea"})
        assert len(server.seen) == 1
    with host(plugin, cassette=Cassette(path, "none")) as opened:
        played = ask(opened, {"url": f"{server.url}/tea"})
        assert opened.asked("http.fetch") == [{"url": f"{server.url}/tea"}]
    assert json.loads(recorded["body"]) == json.loads(played["body"]) == {"price": 3}


def test_a_request_by_the_environment_is_recorded_and_played_too(host: Make, tmp_path: Path, path: Path) -> None:
    plugin = asker(tmp_path, "http_request")
    with serving({"price": 3}) as server, host(plugin, cassette=Cassette(path)) as opened:
        assert ask(opened, {"url": server.url}) == {"price": 3}
    with host(plugin, cassette=Cassette(path)) as opened:
        assert ask(opened, {"url": server.url}) == {"price": 3}


def test_a_failure_that_ends_the_call_is_played_as_the_same_error(host: Make, tmp_path: Path, path: Path) -> None:
    plugin = asker(tmp_path, "http_request")
    with serving({}) as server:
        url = server.url
    errors: list[OmniError] = []
    for _ in range(2):
        with host(plugin, cassette=Cassette(path)) as opened:
            with pytest.raises(Unavailable) as caught:
                ask(opened, {"url": url})
            errors.append(caught.value)
    assert errors[0].to_json() == errors[1].to_json()


def test_services_are_not_touched_while_a_cassette_plays(host: Make, path: Path) -> None:
    assert count(host, path, "a", "a") == [1, 2]
    with host(PLUGINS / "counter", cassette=Cassette(path)) as opened:
        assert [opened.call("counter.add", {"name": "a"})["value"] for _ in range(2)] == [1, 2]
        assert opened.door_calls[0].reply == {"value": None, "version": None}


BEGIN = """\
{
  "omnicore_cassette": 1,
  "clock_ns": 7,
  "seed": "SEED",
  "calls": [
    {
      "plugin": "counter",
      "function": "kv_get_v1",
      "request": {
        "key": "count:a"
      },
      "reply": {
        "value": null,
        "version": null
      }
    },
"""


def test_the_file_is_the_same_for_the_same_calls_and_reads_well(host: Make, path: Path) -> None:
    texts = []
    for _ in range(2):
        count(host, path, "a", mode="all", clock_ns=7)
        text = path.read_text()
        texts.append(text.replace(json.loads(text)["seed"], "SEED"))
    assert texts[0] == texts[1]
    assert texts[0].startswith(BEGIN)
    assert texts[0].endswith("}\n")


def test_another_request_is_a_mismatch_that_shows_the_difference(host: Make, path: Path) -> None:
    count(host, path, "a")
    with pytest.raises(CassetteMismatch) as caught:
        count(host, path, "b")
    text = str(caught.value)
    assert "call 1 is another one" in text
    assert '-    "key": "count:a"' in text
    assert '+    "key": "count:b"' in text
    assert "--omnicore-cassettes=all" in text


def test_more_calls_than_recorded_are_a_mismatch(host: Make, path: Path) -> None:
    count(host, path, "a")
    with pytest.raises(CassetteMismatch, match="holds 2 calls and the guest makes another"):
        count(host, path, "a", "b")


def test_fewer_calls_than_recorded_are_a_mismatch_at_the_end(host: Make, path: Path) -> None:
    count(host, path, "a", "b")
    with pytest.raises(CassetteMismatch, match="2 of 4 recorded calls were not made"):
        count(host, path, "a")


def test_once_plays_what_is_there_none_records_nothing_and_all_records_anew(host: Make, path: Path) -> None:
    with pytest.raises(NotFound, match="there is no cassette"):
        Cassette(path, "none")
    count(host, path, "a")
    first = path.read_text()
    count(host, path, "a", mode="once")
    count(host, path, "a", mode="none")
    assert path.read_text() == first
    count(host, path, "b", mode="all")
    assert path.read_text() != first


def test_a_test_that_fails_writes_no_cassette(host: Make, path: Path) -> None:
    with pytest.raises(NotFound), host(PLUGINS / "counter", cassette=Cassette(path)) as opened:
        opened.call("counter.nothing")
    assert not path.exists()


@pytest.mark.parametrize("guest", [DICE, KIT_DICE], ids=["by WASI", "by the host"])
def test_clock_and_random_values_are_played_as_recorded(host: Make, tmp_path: Path, path: Path, guest: str) -> None:
    plugin = written(tmp_path, "dice", guest)

    def roll(**options: Any) -> list[bytes]:
        with host(plugin, **options) as opened:
            return [opened.call("dice.roll") for _ in range(3)]

    recorded = roll(cassette=Cassette(path))
    assert roll(cassette=Cassette(path, "none")) == recorded
    assert len({values[:8] for values in recorded}) == 3  # each call draws its own
    assert {int.from_bytes(values[8:], "little") for values in recorded} == {json.loads(path.read_text())["clock_ns"]}
    assert roll(cassette=Cassette(path, "all")) != recorded


def test_a_clock_and_a_seed_can_be_fixed_without_a_cassette(host: Make, tmp_path: Path) -> None:
    plugin = written(tmp_path, "dice", DICE)
    rolls = [host(plugin, clock=1.5, seed=b"x").call("dice.roll") for _ in range(2)]
    assert rolls[0] == rolls[1]
    assert int.from_bytes(rolls[0][8:], "little") == 1_500_000_000
    assert host(plugin, clock=1.5, seed=b"y").call("dice.roll")[:8] != rolls[0][:8]


def test_log_and_config_answer_themselves_and_what_they_are_asked_is_compared(
    host: Make, tmp_path: Path, path: Path
) -> None:
    plugin = asker(tmp_path, "config_get_v1")
    for greeting in ("Hi", "Hello"):
        with host(plugin, settings={"greeting": greeting}, cassette=Cassette(path)) as opened:
            assert ask(opened, {"key": "greeting"}) == {"value": greeting}
    assert "Hi" not in path.read_text()
    with pytest.raises(CassetteMismatch), host(plugin, cassette=Cassette(path)) as opened:
        ask(opened, {"key": "other"})


def test_scripted_calls_are_in_no_cassette(host: Make, path: Path) -> None:
    for _ in range(2):
        with host(PLUGINS / "counter", cassette=Cassette(path)) as opened:
            opened.script("kv.get", reply={"value": b"7", "version": 1})
            assert opened.call("counter.get", {"name": "a"}) == {"value": 7}
    assert json.loads(path.read_text())["calls"] == []


def test_a_cassette_can_be_inserted_before_the_first_call_only(host: Make, path: Path) -> None:
    opened = host(PLUGINS / "counter")
    opened.cassette(path)
    opened.call("counter.add", {"name": "a"})
    for late in (opened, host(PLUGINS / "counter")):
        late.call("counter.add", {"name": "a"})
        with pytest.raises(Conflict, match="insert it before the first call"):
            late.cassette(path)
    opened.close()
    assert len(json.loads(path.read_text())["calls"]) == 4


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is no cassette"),
        ("[]", "is no cassette"),
        ("{}", "is no cassette"),
        ('{"omnicore_cassette": 2}', "of version 2, this is 1"),
        ('{"omnicore_cassette": 1, "clock_ns": 1, "seed": ""}', "damaged"),
        ('{"omnicore_cassette": 1, "clock_ns": 1, "seed": "xy", "calls": []}', "damaged"),
        ('{"omnicore_cassette": 1, "clock_ns": 1, "seed": "", "calls": [{"plugin": "a"}]}', "damaged"),
    ],
)
def test_what_is_no_cassette_of_this_version_is_refused(path: Path, text: str, problem: str) -> None:
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(InvalidSetting, match=problem):
        Cassette(path)
    assert path.read_text() == text


def test_a_mode_that_does_not_exist_is_refused(path: Path) -> None:
    with pytest.raises(InvalidSetting, match="'twice' is no mode"):
        Cassette(path, "twice")  # type: ignore[arg-type]


def test_secrets_are_never_written_and_the_cassette_plays_without_them(host: Make, tmp_path: Path, path: Path) -> None:
    plugin = asker(tmp_path, "http_fetch_v1")

    def fetch(url: str, secret: str, redact: Redaction) -> None:
        cassette = Cassette(path, redact=redact)
        with host(plugin, settings={"api_token": secret}, cassette=cassette) as opened:
            headers = {"Authorization": f"Bearer {secret}", "X-Shop": "deep-4711"}
            body = json.dumps({"note": f"use {secret}", "password": "hunter22"})
            ask(opened, {"url": f"{url}/?api_key=k3y&page=2", "headers": headers, "body": body})

    with serving({"access_token": "fr3sh", "iban": "DE00 1234"}) as server:
        fetch(server.url, "s3cret-value", Redaction(keys=["x-shop"], patterns=[r"DE\d\d \d+"]))
        assert server.seen[0][1]["authorization"] == "Bearer s3cret-value"
    text = path.read_text()
    for secret in ("s3cret-value", "hunter22", "k3y", "fr3sh", "deep-4711", "5up3r", "DE00"):
        assert secret not in text, secret
    assert "page=2" in text
    fetch(server.url, "other-value", Redaction(keys=["x-shop"], patterns=[r"DE\d\d \d+"]))
