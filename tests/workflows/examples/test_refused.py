"""Every example of the specification that this host does not run is refused: where, and with what to use instead."""

from __future__ import annotations

import pytest

from omnicore.workflows.language.document import check, compile_graph, read_document

HEAD = "document: {dsl: '1.0.3', namespace: test, name: refused, version: '0.1.0'}\ndo:\n"
ASYNC = "  - talk:\n      call: asyncapi\n      with: {document: {endpoint: https://a.example/a.json}, %s}\n"
CONTAINER = "  - box:\n      run:\n        container: {image: hello-world%s}\n"
SCRIPT = "  - code:\n      run:\n        script:\n          language: js\n          code: return 1\n          %s\n"
REFUSED = {
    "call-grpc": (
        "  - greet:\n      call: grpc\n      with: {proto: {endpoint: 'file://greet.proto'}, method: SayHello}\n",
        *("/do/0/greet/call", 4, "REST gateway"),
    ),
    "call-asyncapi-publish": (
        ASYNC % "operation: publish, message: {payload: {a: 1}}",
        *("/do/0/talk/call", 4, "`emit` and `listen`"),
    ),
    **{
        f"call-asyncapi-subscribe-{kind}": (
            ASYNC % f"operation: subscribe, subscription: {{consume: {{{consume}}}}}",
            *("/do/0/talk/call", 4, "`emit` and `listen`"),
        )
        for kind, consume in {
            "consume-amount": "amount: 5",
            "consume-forever-foreach": "until: '${ false }'",
            "consume-until": "until: '${ .x }'",
            "consume-while": "while: '${ .x }'",
        }.items()
    },
    "call-mcp": ("  - tools:\n      call: mcp\n      with: {method: tools/list}\n", "/do/0/tools/call", 4, "plugin"),
    "call-a2a": ("  - agent:\n      call: a2a\n      with: {method: message/send}\n", "/do/0/agent/call", 4, "plugin"),
    **{
        name: (CONTAINER % more, "/do/0/box/run/container", 5, "plugin")
        for name, more in {
            "run-container": "",
            "run-container-cleanup-always": ", lifetime: {cleanup: always}",
            "run-container-cleanup-eventually": ", lifetime: {cleanup: eventually, after: {minutes: 30}}",
            "run-container-with-name": ", name: mine",
            "run-container-with-pull-policy": ", pullPolicy: always",
            "run-container-stdin-and-arguments": ", stdin: hello, arguments: [a]",
        }.items()
    },
    **{
        f"run-return-{what}": (
            f"  - box:\n      run:\n        container: {{image: hello-world}}\n        return: {what}\n",
            *("/do/0/box/run/container", 5, "plugin"),
        )
        for what in ("all", "code", "none", "stderr")
    },
    "run-shell-stdin-and-arguments": (
        "  - sh:\n      run:\n        shell: {command: cat, stdin: a, arguments: [b]}\n",
        *("/do/0/sh/run/shell", 5, "plugin"),
    ),
    "run-script-with-stdin": (SCRIPT % "stdin: hello", "/do/0/code/run/script/stdin", 8, "arguments"),
    "run-script-with-environment": (
        SCRIPT % "environment: {a: b}",
        *("/do/0/code/run/script/environment", 8, "arguments"),
    ),
    "run-script-from-source": (
        SCRIPT.replace("          code: return 1\n", "") % "source: {endpoint: https://a.example/x.js}",
        *("/do/0/code/run/script/source", 7, "code"),
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_supported_is_refused_with_its_place_and_what_to_use_instead(name: str) -> None:
    text, path, line, instead = REFUSED[name]
    found = next(one for one in check(HEAD + text) if one.path == path)
    assert (found.line, found.severity) == (line, "error")
    assert "not supported" in found.fact or "is not a key here" in found.fact
    assert instead in found.remedy


SCHEDULES = {"cron: '0 0 * * *'": "cron", "every: {minutes: 15}": "every", "after: PT1H": "after"}


@pytest.mark.parametrize(("schedule", "kind"), SCHEDULES.items())
def test_a_schedule_of_the_dsl_begins_runs(schedule: str, kind: str) -> None:
    graph = compile_graph(
        read_document(HEAD.replace("do:\n", f"schedule: {{{schedule}}}\ndo: [{{a: {{set: {{b: 1}}}}}}]"))
    )
    assert [one["kind"] for one in graph.host.triggers] == [kind]


def test_an_event_of_a_schedule_begins_runs() -> None:
    schedule = "schedule: {on: {one: {with: {type: a.b}}}}\ndo: [{a: {set: {b: 1}}}]"
    (trigger,) = compile_graph(read_document(HEAD.replace("do:\n", schedule))).host.triggers
    assert trigger["kind"] == "event"
