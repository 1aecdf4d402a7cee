"""Clients of NATS with no code of ours call plugins, and what they send is bounded and answered with typed errors."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from tests.fleet.fleets import SECRET, bearer, error_of, fleet, until
from tests.fleet.test_calls import Counter
from tests.services.conftest import Servers

from omnicore.access.principal import Role
from omnicore.assembly import Host
from omnicore.fleet.messages import CallHeader, Seal, schemas
from omnicore.records import to_text

pytestmark = pytest.mark.services
SUBJECT = "omnicore.call.text.count_vowels"


def token(host: Host, role: Role = Role.operator, **more: Any) -> str:
    """A token of the host, as `omnicore tokens add` makes one."""
    _, key = host.access.tokens.add("test", owner=None, role=role, **more)
    return key


async def ask(client: Client, subject: str, payload: bytes = b"", headers: dict[str, str] | None = None) -> Msg:
    return await client.request(subject, payload, timeout=10, headers=headers)


def signed(subject: str, payload: bytes = b"", secret: str = SECRET, **header: Any) -> dict[str, str]:
    """Headers of a call as a host sends them."""
    text = to_text(CallHeader(**{"id": "one", "host": "host_other", **header}))
    return {"Omnicore-Call": text, "Authorization": Seal(secret).proof(subject, text, payload)}


async def test_a_bare_client_calls_a_function_with_a_token(tmp_path: Path, servers: Servers) -> None:
    async with fleet(tmp_path, servers("nats")) as made:
        host = await made.host("a", "text")
        client = await made.client()
        answer = await ask(client, SUBJECT, b"hello", bearer(token(host)))
        assert answer.data == b'{"count":2}'
        told = json.loads((answer.headers or {})["Omnicore-Answer"])
        assert (told["plugin"], told["media"]) == ("text", "application/json")
        headers = bearer(token(host), value=True, costs=True, timeout_s=5)
        answer = await ask(client, SUBJECT, b'"hello"', headers)
        assert json.loads(answer.data) == {"count": 2}
        assert json.loads((answer.headers or {})["Omnicore-Answer"])["time_s"] > 0
        assert host.nats is not None
        one = f"omnicore.host.{host.nats.host}.call.text.count_vowels"
        assert (await ask(client, one, b"e", bearer(token(host)))).data == b'{"count":1}'
        version = f"omnicore.version.{told['digest']}.text.count_vowels"
        assert (await ask(client, version, b"e", bearer(token(host)))).data == b'{"count":1}'


async def test_nobody_calls_without_the_right_to(tmp_path: Path, servers: Servers) -> None:
    async with fleet(tmp_path, servers("nats")) as made:
        host = await made.host("a", "text", token="the token of the settings")
        client = await made.client()

        async def code(headers: dict[str, str] | None) -> str:
            return error_of(await ask(client, SUBJECT, b"hello", headers))

        assert await code(None) == "wrong-credentials"
        assert await code(bearer("omt_" + "x" * 43)) == "wrong-credentials"
        assert await code({"Authorization": "Basic eDp5"}) == "wrong-credentials"
        assert await code({"Authorization": "Omnicore 00"}) == "wrong-credentials"
        assert await code(signed(SUBJECT, b"hello", secret="x" * 40)) == "wrong-credentials"
        assert await code(signed("omnicore.call.text.slug", b"hello")) == "wrong-credentials"
        assert await code(bearer(token(host, Role.viewer))) == "permission-denied"
        assert await code(bearer(token(host, Role.viewer, scopes=["tasks"]))) == "permission-denied"
        assert await code(bearer(token(host, Role.nobody, plugins={"text": Role.operator}))) == ""
        assert await code(bearer("the token of the settings")) == ""
        await asyncio.to_thread(host.audit.flush)
        refused = [row for row in host.audit.table.before(None, 100) if row.outcome == "refused"]
        assert len(refused) == 8
        assert {row.target for row in refused} == {"plugin:text.count_vowels"}


async def test_a_setting_lets_in_those_without_a_token(tmp_path: Path, servers: Servers) -> None:
    async with fleet(tmp_path, servers("nats")) as made:
        await made.host("a", "text", fleet={"anonymous": True})
        client = await made.client()
        assert (await ask(client, SUBJECT, b"hello")).data == b'{"count":2}'
        assert error_of(await ask(client, SUBJECT, b"hello", bearer("wrong"))) == "wrong-credentials"


async def test_who_is_no_host_speaks_for_nobody_else(tmp_path: Path, servers: Servers) -> None:
    counter = Counter()
    async with fleet(tmp_path, servers("nats")) as made:
        host = await made.host("a", native=counter)
        client, key = await made.client(), token(host)
        header = {"key": "k", "caller": "user 1", "depth": 100, "host": "host_x"}
        first = await ask(client, "omnicore.call.counter.add", b"x", bearer(key, **header))
        other = await ask(client, "omnicore.call.counter.add", b"x", bearer(token(host), **header))
        assert (first.data, other.data) == (b"1", b"2")  # keys of two callers are two keys


async def test_a_key_is_made_once_and_its_answer_given_again(tmp_path: Path, servers: Servers) -> None:
    counter = Counter()
    async with fleet(tmp_path, servers("nats")) as made:
        host = await made.host("a", native=counter)
        client, headers = await made.client(), bearer(token(host), key="order 7")
        answers = await asyncio.gather(*(ask(client, "omnicore.call.counter.add", b"x", headers) for _ in range(20)))
        assert {one.data for one in answers} == {b"1"}
        again = [json.loads((one.headers or {})["Omnicore-Answer"]).get("replayed", False) for one in answers]
        assert again.count(False) == 1
        assert error_of(await ask(client, "omnicore.call.counter.add", b"y", headers)) == "conflict"
        assert counter.calls == ["x"]


HOSTILE = [
    ({"Omnicore-Call": "{"}, b"x", "invalid-input"),
    ({"Omnicore-Call": "[" * 9000}, b"x", "invalid-input"),
    ({"Omnicore-Call": "3"}, b"x", "invalid-input"),
    ({"Omnicore-Call": '{"timeout_s": -1}'}, b"x", "invalid-input"),
    ({"Omnicore-Call": '{"timeout_s": 1e999}'}, b"x", "invalid-input"),
    ({"Omnicore-Call": '{"nonsense": 1}'}, b"x", "invalid-input"),
    ({"Omnicore-Call": '{"key": "' + "k" * 129 + '"}'}, b"x", "invalid-input"),
    ({"Omnicore-Call": json.dumps({"id": "x" * 20_000})}, b"x", "invalid-input"),
    ({"Omnicore-Call": '{"value": true}'}, b"{", "invalid-input"),
    ({"Omnicore-Call": '{"value": true}'}, b"[" * 100_000, "invalid-input"),
    ({"Omnicore-Call": '{"value": true}'}, b'{"base64": "!"}', "invalid-input"),
    ({"Omnicore-Call": '{"deadline": 1}'}, b"x", "deadline-exceeded"),
    ({"Omnicore-Call": '{"begin_by": 1}'}, b"x", "unavailable"),
    ({"Omnicore-Call": '{"digest": "0000"}'}, b"x", "not-found"),
    (
        {
            "Omnicore-Call": json.dumps(
                {"parcel": {"at": "$JS.API.INFO", "id": "a", "bytes": 1, "part_bytes": 1024, "sha256": "0" * 64}}
            )
        },
        b"",
        "invalid-input",
    ),
    (
        {
            "Omnicore-Call": json.dumps(
                {"parcel": {"at": "_INBOX.no", "id": "a", "bytes": 1 << 30, "part_bytes": 1024, "sha256": "0" * 64}}
            )
        },
        b"",
        "limit-exceeded",
    ),
    (
        {
            "Omnicore-Call": json.dumps(
                {"parcel": {"at": "_INBOX.no", "id": "a", "bytes": 9, "part_bytes": 1024, "sha256": "0" * 64}}
            )
        },
        b"",
        "unavailable",
    ),
    ({"X-Garbage": "\x01\x02 \u2028" * 100}, b"\xff\xfe", "invalid-input"),
]


async def test_hostile_calls_are_answered_with_typed_errors(tmp_path: Path, servers: Servers) -> None:
    async with fleet(tmp_path, servers("nats")) as made:
        host = await made.host("a", "text")
        client, key = await made.client(), token(host)
        for headers, payload, code in HOSTILE:
            answer = await ask(client, SUBJECT, payload, {**headers, **bearer(key)})
            assert error_of(answer) == code, (headers, answer.data)
            assert json.loads(answer.data)["remedy"], headers
            assert (answer.headers or {})["Nats-Service-Error-Code"] == code
        for subject in (
            "omnicore.call.text.a%2Eb",
            "omnicore.call.text.%FF",
            "omnicore.call.text.*x",
            "omnicore.call.text.\u00e9",
        ):
            assert error_of(await ask(client, subject, b"", bearer(key))) == "not-found"
        assert (await ask(client, SUBJECT, b"hello", bearer(key))).data == b'{"count":2}'


async def test_a_hosts_call_is_begun_once_and_in_time_only(tmp_path: Path, servers: Servers) -> None:
    counter = Counter()
    subject = "omnicore.call.counter.add"
    async with fleet(tmp_path, servers("nats")) as made:
        host = await made.host("a", native=counter)
        client, now = await made.client(), host.nats._clock.now()  # type: ignore[union-attr]
        call = signed(subject, b"x", begin_by=now + 2)
        assert (await ask(client, subject, b"x", call)).data == b"1"
        assert error_of(await ask(client, subject, b"x", call)) == "conflict"
        assert error_of(await ask(client, subject, b"x", signed(subject, b"x", id="two"))) == "invalid-input"
        late = signed(subject, b"x", id="three", begin_by=now + 9999)
        assert error_of(await ask(client, subject, b"x", late)) == "invalid-input"
        deep = signed(subject, b"x", id="four", begin_by=now + 2, depth=8)
        assert error_of(await ask(client, subject, b"x", deep)) == "limit-exceeded"
        assert counter.calls == ["x"]


async def test_answers_go_to_no_subject_of_hosts_or_the_server(tmp_path: Path, servers: Servers) -> None:
    async with fleet(tmp_path, servers("nats")) as made:
        await made.host("a", "text", fleet={"anonymous": True})
        client = await made.client()
        heard: list[str] = []

        async def note(message: Msg) -> None:
            heard.append(message.subject)

        await client.subscribe("omnicore.cancel", cb=note)
        await client.subscribe("_INBOX.mine", cb=note)
        for reply in ("omnicore.cancel", "$JS.API.STREAM.DELETE.x", "_INBOX.mine"):
            await client.publish(SUBJECT, b"hello", reply=reply)
        await client.publish(SUBJECT, b"hello")
        await until(lambda: bool(heard))
        await client.flush()
        assert heard == ["_INBOX.mine"]


async def test_beats_of_strangers_are_not_believed(tmp_path: Path, servers: Servers) -> None:
    async with fleet(tmp_path, servers("nats")) as made:
        host = await made.host("a", "text")
        assert host.nats is not None
        client = await made.client()
        forged = json.dumps({**json.loads(to_text(host.nats.beat())), "host": "host_forged"}).encode()
        for data in (forged, b"", b"{" * 1000, b"x" * 900_000):
            await client.publish("omnicore.beat.host_forged", data)
            await client.publish("omnicore.cancel", data[:900_000])
        await client.flush()
        await made.host("b", "echo")
        assert {one.labels["name"] for one in host.nats.hosts()} == {"a", "b"}


async def test_tools_of_nats_find_the_functions(tmp_path: Path, servers: Servers) -> None:
    async with fleet(tmp_path, servers("nats")) as made:
        host = await made.host("a", "text")
        assert host.nats is not None
        client = await made.client()
        await ask(client, SUBJECT, b"hello", bearer(token(host)))
        await ask(client, SUBJECT, b"\xff", bearer(token(host)))
        for end in ("", ".omnicore", f".omnicore.{host.nats.host}"):
            ping = json.loads((await ask(client, f"$SRV.PING{end}")).data)
            assert (ping["type"], ping["name"], ping["id"]) == (
                *("io.nats.micro.v1.ping_response", "omnicore"),
                host.nats.host,
            )
            assert ping["metadata"]["name"] == "a"
        endpoints = json.loads((await ask(client, "$SRV.INFO.omnicore")).data)["endpoints"]
        assert {one["subject"] for one in endpoints} >= {SUBJECT}
        assert endpoints[0]["metadata"]["digest"] == host.plugins.serving("text.slug").hash
        stats = json.loads((await ask(client, "$SRV.STATS.omnicore")).data)["endpoints"]
        (counted,) = (one for one in stats if one["subject"] == SUBJECT)
        assert (counted["num_requests"], counted["num_errors"]) == (2, 1)
        assert counted["last_error"].startswith("invalid-input")


async def test_messages_on_the_wire_fit_their_schemas(tmp_path: Path, servers: Servers) -> None:
    defs = schemas()["$defs"]

    def check(name: str, text: str | bytes) -> None:
        jsonschema.validate(json.loads(text), {"$ref": f"#/$defs/{name}", "$defs": defs})

    async with fleet(tmp_path, servers("nats")) as made:
        heard: list[Msg] = []

        async def note(message: Msg) -> None:
            heard.append(message)

        client = await made.client()
        await client.subscribe("omnicore.>", cb=note)
        await client.subscribe("_INBOX.>", cb=note)
        a, _ = await made.host("a"), await made.host("b", "text")
        await a.call("text.slug", "A b", timeout_s=3)
        await client.flush()
        await until(lambda: any("Omnicore-Answer" in (one.headers or {}) for one in heard))
        seen = set()
        for message in heard:
            for header, name in (("Omnicore-Call", "CallHeader"), ("Omnicore-Answer", "AnswerHeader")):
                if header in (message.headers or {}):
                    check(name, (message.headers or {})[header])
                    seen.add(name)
            if message.subject.startswith("omnicore.beat."):
                check("HostBeat", message.data)
                seen.add("HostBeat")
            elif b'"plugins"' in message.data:
                check("ServedList", message.data)
                seen.add("ServedList")
        assert seen == {"CallHeader", "AnswerHeader", "HostBeat", "ServedList"}


def test_the_specification_holds_the_schemas_and_names_every_subject() -> None:
    text = (Path(__file__).parents[2] / "specs" / "fleet.md").read_text()
    published = json.loads((Path(__file__).parents[2] / "specs" / "schemas" / "fleet.schema.json").read_text())
    assert published == schemas(), "run `python -m omnicore.fleet.messages > specs/schemas/fleet.schema.json`"
    for subject in ("call", "version", "host", "beat", "who", "cancel"):
        assert f"`omnicore.{subject}" in text
