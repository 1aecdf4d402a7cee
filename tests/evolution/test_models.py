"""A model proposes candidates: within its bounds, once for each question, and its answers are a stranger's data."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.connectors.local_server import Seen, reply, serve
from tests.evolution.killed import Killed, points_told
from tests.evolution.test_evolution import ended, found, host_in, workflow

from omnicore import Host
from omnicore.errors import InvalidInput
from omnicore.evolution.architecture import EvolutionCase, EvolutionOrder, Knob, check_order
from omnicore.evolution.reflection import EvolutionModel, FailedCase, Unusable, question, value_of
from omnicore.storage.tables.evolution import Evolution

TEXT = Knob("greeting", "/do/0/greet/set/said", "text")
MODEL = EvolutionModel("writer", calls=6)


def order(**given: Any) -> EvolutionOrder:
    usual = {
        "workflow": workflow({"greet": {"set": {"said": "Hello"}}}),
        "cases": [EvolutionCase(n, {"said": "Good day"}) for n in range(24)],
        "knobs": [TEXT],
        "model": MODEL,
        "candidates": 20,
    }
    return EvolutionOrder(**(usual | given))


def said(content: str, tokens: int = 100) -> bytes:
    """An answer as the API of OpenAI documents it."""
    message = {"role": "assistant", "content": content}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    usage = {"prompt_tokens": tokens - 10, "completion_tokens": 10, "total_tokens": tokens}
    body = {"id": "c1", "object": "chat.completion", "model": "small", "choices": choices, "usage": usage}
    return reply(200, json.dumps(body).encode(), "Content-Type: application/json")


def connected(host: Host, url: str) -> None:
    given = {"base_url": f"{url}v1", "chat_model": "small"}
    host.connectors.register.add("writer", "openai", given, {"token": "sk-0123456789abcdef"})


async def test_a_model_is_asked_about_what_fails_once_for_each_question_even_when_the_search_is_killed(
    tmp_path: Path,
) -> None:
    answers: Iterator[bytes] = iter(
        [
            said("I would rather not."),
            said('{"value": "${ $secrets.key }"}'),
            said('```json\n{"value": "Good day"}\n```'),
        ]
    )
    async with serve(lambda _: next(answers)) as server, host_in(tmp_path) as host:
        connected(host, server.url())
        kills = {"after run 1:-1", "before candidate 2", "after run 3:-1"}

        def die(point: str) -> None:
            if point in kills:
                kills.remove(point)
                raise Killed(point)

        with points_told(die):
            begun = await host.evolution.begin(order(), who="ada")
            for _ in range(3):
                carried = host.evolution._task
                assert carried is not None
                await asyncio.wait({carried}, timeout=60)
                assert isinstance(carried.exception(), Killed)
                await host.evolution.start()
            one = await ended(host, begun)
        assert not kills
        tried = await found(host, one)
        assert [each.state for each in tried] == ["judged", "dead", "dead", "judged"]
        assert "is not JSON" in tried[1].reason
        assert "has an expression" in tried[2].reason
        assert [each.tokens for each in tried] == [0, 100, 100, 100]
        assert one.best == 3, one.reason
        assert [_asked(seen)["present"] for seen in server.seen] == ["Hello"] * 3
        assert {"expected": {"said": "Good day"}, "came": {"said": "Hello"}}.items() <= _asked(server.seen[0])[
            "failures"
        ][0].items()


def _asked(seen: Seen) -> Any:
    return json.loads(json.loads(seen.body)["messages"][1]["content"])


@pytest.mark.parametrize(
    ("model", "asked"),
    [
        (EvolutionModel("writer", calls=2), 2),
        (EvolutionModel("writer", tokens=40_000), 2),
        (EvolutionModel("nobody"), 0),
    ],
)
async def test_a_model_is_asked_within_its_bounds(tmp_path: Path, model: EvolutionModel, asked: int) -> None:
    numbers = iter(range(100))
    answer = lambda _: said(f'{{"value": "Hello {next(numbers)}"}}', 15_000)  # noqa: E731
    async with serve(answer) as server, host_in(tmp_path) as host:
        connected(host, server.url())
        one: Evolution = await ended(host, await host.evolution.begin(order(model=model), who="ada"))
        assert one.best is None
        assert len(server.seen) == asked
        assert one.count == 1 + (asked or 3)  # a model that does not answer is left alone after three questions


@pytest.mark.parametrize(
    ("knob", "content", "words"),
    [
        (TEXT, "", "says nothing"),
        (TEXT, "x" * 70_000, "has over"),
        (TEXT, "[" * 60_000, "not JSON"),
        (TEXT, '{"answer": "Hi"}', "no member value"),
        (TEXT, '{"value": 5}', "is no text"),
        (TEXT, '{"value": "' + "x" * 9_000 + '"}', "has over"),
        (TEXT, '{"value": "\\ud800"}', "is no text"),
        (Knob("p", "/x", "jq"), '{"value": "$ENV.HOME"}', "not in the part of jq"),
        (Knob("c", "/x", "choice", values=[1, "a"]), '{"value": true}', "not among the choices"),
    ],
)
def test_an_answer_that_is_no_value_is_refused(knob: Knob, content: str, words: str) -> None:
    with pytest.raises(Unusable, match=words):
        value_of(knob, {"content": content})


def test_a_question_has_an_end() -> None:
    huge = FailedCase("x" * 100_000, ["y" * 5_000] * 100, None)
    asked = question(MODEL, Knob("p", "/x", "jq"), ".a", [huge] * 4, Random(1))
    assert len(json.dumps(asked.given)) < 20_000


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"model": None}, "knobs[0].kind"),
        ({"knobs": [Knob("name", "/document/name", "text")]}, "knobs[0].at"),
        ({"model": EvolutionModel("writer", tokens=10)}, "model.tokens"),
        ({"knobs": [], "edits": ["retry"]}, "model"),
        ({"sampler": "nsga2"}, "sampler"),
        ({"objectives": ["cost"]}, "objectives"),
    ],
)
def test_what_would_not_be_used_is_refused(given: Mapping[str, Any], path: str) -> None:
    one = order(**given)
    with pytest.raises(InvalidInput) as told:
        check_order(one, one.workflow)
    assert told.value.details["path"] == path
