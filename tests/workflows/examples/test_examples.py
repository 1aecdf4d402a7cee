"""Every example of the specification that this host supports does what it shows."""

from __future__ import annotations

import pytest
from tests.workflows.ctk.driver import play
from tests.workflows.ctk.servers import Web
from tests.workflows.effects.bench import Bench
from tests.workflows.examples.documents import EXAMPLES

HEAD = "document: {{ dsl: '1.0.3', namespace: test, name: {name}, version: '0.1.0' }}\n"
POLICY = '{"authority": "%s", "grant": "client_credentials", "client": {"id": "me", "secret": "its-secret"}}'


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_of_the_specification_does_what_it_shows(bench: Bench, name: str) -> None:
    example, web = EXAMPLES[name], Web()
    web.failures = {path: list(statuses) for path, statuses in example.failures.items()}
    others = {other: HEAD.format(name=other) + text for other, text in example.others.items()}
    played = play(
        *(bench, HEAD.format(name=name) + example.text, example.input),
        others=others,
        happenings=example.happenings,
        web=web,
        secrets={name: POLICY % "SERVER" for name in ("example-policy", "oidc-policy") if name in example.text},
    )
    if example.fault is not None:
        assert (played.fault["type"].rpartition("/")[2], played.fault["status"]) == example.fault
    else:
        assert played.output == example.output
    assert web.posts == list(example.posts)
    assert [event["type"] for event in played.events] == list(example.events)
