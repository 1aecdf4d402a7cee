"""Secrets in a whole host: in the request they belong to, and nowhere else that anybody can read."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from pathlib import Path

import pytest
from tests.connectors.local_server import Seen, reply, serve
from tests.plugins.guests import ECHO

from omnicore.assembly import Host

SECRET = "hush-4711-hush"
PRIVATE = {"workflows.http_private": ("127.0.0.1:*",)}
TOKEN = '$secrets["quiet-token"]'
TEXT = f"""
document: {{ dsl: '1.0.3', namespace: default, name: quiet, version: '1.0.0' }}
use: {{ secrets: [quiet-token] }}
do:
  - send:
      call: http
      with:
        method: post
        endpoint: {{ uri: SERVER }}
        headers: {{ X-Token: '${{ {TOKEN} }}', Authorization: '${{ "Bearer " + {TOKEN} }}' }}
        body: {{ note: '${{ {TOKEN} }}', forged: '${{ .forged }}' }}
        output: response
  - tell: {{ emit: {{ event: {{ with: {{ source: 'https://x.example', type: quiet.sent, data: '${{ . }}' }} }} }} }}
  - keep: {{ call: kv.put@host, with: {{ key: last, value: '${{ . }}' }} }}
  - note: {{ call: log.write@host, with: {{ message: '${{ "sent " + {TOKEN} }}' }} }}
  - fail:
      try:
        - refuse:
            call: http
            with: {{ method: get, endpoint: SERVERrefuse, headers: {{ X-Token: '${{ {TOKEN} }}' }} }}
      catch: {{ do: [{{ shown: {{ set: {{ error: '${{ $error }}' }} }} }}] }}
"""


REFUSED = """
document: {dsl: '1.0.3', namespace: default, name: refused, version: '1.0.0'}
do:
  - host:
      try: [{ask: {call: http, with: {method: get, endpoint: 'http://10.0.0.1/'}}}]
      catch: {retry: {delay: PT0S, limit: {attempt: {count: 3}}}, do: [{known: {set: {host: '${ $error }'}}}]}
      export: {as: '${ . }'}
  - grant: {call: needy.echo, host: {retry: {delay: PT0S, limit: {attempt: {count: 3}}}, onError: continue}}
  - keep: {set: {host: '${ $context.host }', grant: '${ .error }'}}
  - away:
      try: [{ask: {call: http, with: {method: get, endpoint: SERVER}}}]
      catch: {retry: {delay: PT0S, limit: {attempt: {count: 3}}}, do: [{known: {set: '${ $steps.keep.output }'}}]}
"""


async def test_what_the_rules_of_the_host_refuse_is_not_tried_again(tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "needy.wat").write_text(ECHO)
    (tmp_path / "plugins" / "needy.toml").write_text('[[capabilities]]\nname = "kv"\nreason = "keeps counts"\n')
    host = Host(plugins=tmp_path / "plugins", data=tmp_path / "data", watch=False, **PRIVATE)
    async with serve(lambda seen: reply(503)) as server, host:
        await host.workflows.apply(REFUSED.replace("SERVER", server.url()), by="tests")
        run = await host.workflows.start("refused", by="tests")
        told = await run
        rows = (await host.workflows.steps(run.id)).items
    assert [told[one]["type"].rpartition("/")[2] for one in ("host", "grant")] == ["authorization"] * 2
    assert [told[one]["final"] for one in ("host", "grant")] == [True, True]
    assert "omnicore plugins grant needy kv" in told["grant"]["detail"]
    tried = Counter(row.place.split("/")[3] for row in rows if row.status == "retried")
    assert tried == {"away": 3}
    assert len(server.seen) == 4, "what a service answers is tried again"


def echo(seen: Seen) -> bytes:
    body = json.dumps({"headers": seen.headers, "body": seen.body.decode()}).encode()
    return reply(403 if seen.target == "/refuse" else 200, body, "Content-Type: application/json")


def test_no_row_log_event_or_answer_holds_a_secret(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> tuple[str, list[Seen], list[str]]:
        host = Host(plugins=tmp_path / "plugins", data=tmp_path / "data", watch=False, **PRIVATE)
        async with serve(echo) as server, host:
            await asyncio.to_thread(host.connectors.vault.set, "quiet-token", SECRET)
            await host.workflows.apply(TEXT.replace("SERVER", server.url()), by="tests")
            output = await host.workflows.run("quiet", {"forged": "omnisecret_" + "0" * 40}, by="tests")
            told = [json.dumps([event.topic, event.data], default=str) for event in host.bus.history("**")]
            return json.dumps(output), server.seen, told

    with caplog.at_level(logging.DEBUG):
        output, seen, told = asyncio.run(asyncio.wait_for(scene(), 50))
    assert seen[0].headers["x-token"] == SECRET
    assert seen[0].headers["authorization"] == f"Bearer {SECRET}"
    assert json.loads(seen[0].body)["note"] == SECRET
    assert SECRET not in output
    assert SECRET not in caplog.text
    assert SECRET not in "".join(told)
    kept = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert kept
    assert not [path.name for path in kept if SECRET.encode() in path.read_bytes()]
