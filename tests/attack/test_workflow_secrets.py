"""What stands for a secret never reaches people, other runs, or anything that could send it back to its run."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from tests.workflows.engines import Steps, text, until, workflows_on

from omnicore.clock import ManualClock
from omnicore.errors import NotFound, WorkflowFailed
from omnicore.storage.store import Store
from omnicore.workflows.steps.step import PREFIX, SecretReader, placeholders

HEAD = "use: {secrets: [bank]}\n"


def with_secret(name: str, tasks: str) -> str:
    return text(name, tasks).replace("do:\n", f"{HEAD}do:\n", 1)


def whole(store: Store, table: str) -> str:
    return json.dumps([list(row) for row in store.rows(f"SELECT * FROM {table}")], default=str)


async def test_people_are_asked_with_the_name_of_a_secret_and_not_with_what_stands_for_it(store: Store) -> None:
    asks = "- ask: {host: {approval: {title: '${ \"Pay with \" + $secrets.bank }', text: '${ $secrets.bank }'}}}"
    async with workflows_on(store, Steps()) as workflows:
        await workflows.apply(with_secret("asks", asks))
        handle = await workflows.start("asks")
        await until(lambda: store.rows("SELECT 1 FROM workflow_waits"))
        (asked,) = (await workflows.approvals()).items
        assert (asked.title, asked.text) == ("Pay with <secret:bank>", "<secret:bank>")
        assert PREFIX not in whole(store, "workflow_waits")
        assert PREFIX not in json.dumps([one.to_json() for one in await workflows.open(handle.id)])
        await handle.cancel()


async def test_a_run_that_another_begins_sees_nothing_of_its_secrets(store: Store) -> None:
    run = "{workflow: {namespace: default, name: inner, version: latest, input: {key: '${ $secrets.bank }'}}}"
    async with workflows_on(store, Steps()) as workflows:
        await workflows.apply(text("inner", "- a: {call: work.echo, with: '${ . }'}"))
        await workflows.apply(with_secret("outer", f"- a: {{run: {run}}}"))
        assert await workflows.run("outer", timeout_s=20) == {"key": "<secret:bank>"}
        (inner,) = (await workflows.page_runs(workflow="inner")).items
        assert inner.input == {"key": "<secret:bank>"}


async def test_what_people_see_of_a_run_has_no_placeholder(store: Store) -> None:
    tasks = """
- kept: {set: {key: '${ "Bearer " + $secrets.bank }'}}
- called: {call: work.echo, with: '${ . }'}
- wrong: {raise: {error: {type: 'https://example.com/e', status: 500, title: '${ .key }', detail: '${ .key }'}}}
"""
    async with workflows_on(store, Steps()) as workflows:
        await workflows.apply(with_secret("shows", tasks))
        handle = await workflows.start("shows", {"of": "mine"})
        with pytest.raises(WorkflowFailed):
            await handle
        rows = (await workflows.steps(handle.id)).items
        views = [(await workflows.run_view(handle.id)).to_json(), *(one.to_json() for one in rows)]
        views += [(await workflows.step(handle.id, one.seq)).to_json() for one in rows]
        views += [one.to_json() for one in (await workflows.dead()).items]
        assert PREFIX not in json.dumps(views)
        assert "<secret:bank>" in json.dumps(views)


async def test_each_run_has_placeholders_of_its_own_also_when_it_follows_from_another(store: Store) -> None:
    async with workflows_on(store, Steps()) as workflows:
        await workflows.apply(with_secret("own", "- a: {call: work.echo, with: '${ $secrets.bank }'}"))
        first = await workflows.start("own")
        second = await workflows.fork((await _ended(first)).id, 0)
        third = await workflows.start("own")
        found = {await one for one in (first, second, third)}
        assert len(found) == 3
        assert all(one.startswith(PREFIX) and len(one) >= len(PREFIX) + 40 for one in found)


async def _ended(handle: Any) -> Any:
    await handle
    return handle


def test_nothing_of_a_run_but_its_nonce_gives_its_placeholders() -> None:
    made = placeholders("nonce", ["bank"])["bank"]
    assert made not in {placeholders(guess, ["bank"])["bank"] for guess in ("", "run_1", "bank", "nonce ", "NONCE")}


class _Vault:
    """Slow, so that others come in between."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def get(self, name: str) -> str:
        self.names.append(name)
        if name == "none":
            raise NotFound("none")
        return f"value of {name}"


async def test_many_runs_with_many_secrets_push_none_out_of_anothers_hands() -> None:
    vault = _Vault()
    reader = SecretReader(vault, ManualClock())  # type: ignore[arg-type]
    orders = [{f"s{group}-{number}": f"p{group}-{number}" for number in range(100)} for group in range(8)]
    opened = await asyncio.gather(*(reader.open(one) for one in orders * 3))
    for order, one in zip(orders * 3, opened, strict=True):
        assert one.put(list(order.values())) == [f"value of {name}" for name in order]


@pytest.mark.parametrize("name", ["connector.github", "webhook.in", "connector.", "webhook."])
async def test_secrets_of_connectors_and_webhooks_are_nobody_elses(name: str) -> None:
    vault = _Vault()
    opened = await SecretReader(vault, ManualClock()).open({name: "stands"})  # type: ignore[arg-type]
    with pytest.raises(Exception, match="Secret missing"):
        opened.put("stands")
    assert vault.names == []


async def test_a_definition_that_was_altered_in_the_database_is_not_run(store: Store) -> None:
    steps = Steps()
    async with workflows_on(store, steps, park_s=0.01) as workflows:
        await workflows.apply(text("rests", "- a: {listen: {to: {one: {with: {type: go}}}}}\n- b: {set: {n: 1}}"))
        handle = await workflows.start("rests")
        await until(lambda: store.rows("SELECT 1 FROM workflow_runs WHERE status = 'waiting'"))
        row = store.rows("SELECT digest, document FROM workflow_documents")[0]
        evil = row[1].replace('{"set":{"n":1}}', '{"call":"work.fail"}')
        assert evil != row[1]
        sql = "UPDATE workflow_documents SET document = ? WHERE digest = ?"
        store.apply(lambda session: session.execute(sql, (evil, row[0])).rowcount)
        workflows.definitions.graphs._kept.clear()
        await workflows.engine.journal.signal(handle.id, "event", "/do/0/a", {"type": "go", "source": "/s", "id": "1"})
        with pytest.raises(WorkflowFailed, match="altered in the database"):
            await handle
        assert steps.calls == []


async def test_a_row_that_was_altered_while_its_run_rests_is_told(store: Store) -> None:
    async with workflows_on(store, Steps(), park_s=0.01) as workflows:
        tasks = "- a: {call: work.echo, with: {amount: 1}}\n- b: {wait: {milliseconds: 400}}\n- c: {set: '${ . }'}"
        await workflows.apply(text("rests", tasks))
        handle = await workflows.start("rests")
        await until(lambda: store.rows("SELECT 1 FROM workflow_runs WHERE status = 'waiting'"))
        sql = "UPDATE workflow_steps SET result = '{\"amount\":1000000}' WHERE seq = 1"
        store.apply(lambda session: session.execute(sql).rowcount)
        with pytest.raises(WorkflowFailed, match="altered"):
            await handle
        found = await workflows.audit(handle.id)
        assert (found["ok"], found["seq"]) == (False, 1)
