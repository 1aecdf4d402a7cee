from __future__ import annotations

from tests.workflows.language.texts import HEAD

from omnicore.workflows.language.document import compile_graph, read_document
from omnicore.workflows.language.graph import (
    ApprovalTask,
    CallTask,
    DoTask,
    ForkTask,
    ForTask,
    ListenTask,
    RetryRule,
    SwitchTask,
    TryTask,
    WaitTask,
    children,
)


def graph(tasks, before=""):
    return compile_graph(read_document(HEAD.replace("do:\n", f"{before}do:\n") + tasks))


def one(tasks, before=""):
    return graph(tasks, before).root.block[0]


def test_the_sugar_of_a_task_becomes_fields_of_its_node():
    node = one(
        "- a: {call: x.y, host: {retry: {delay: PT2S, backoff: {exponential: {longest: PT1M}},"
        " limit: {attempt: {count: 3, duration: PT5S}, duration: PT10M}, jitter: {from: PT0S, to: PT1S}},"
        " onError: continue, compensate: [{undo: {call: x.z}}]}}"
    )

    assert node.retry == RetryRule("exponential", 2.0, 60.0, (0.0, 1.0), 3, 5.0, 600.0)
    assert node.on_error == "continue"
    assert [(undo.path, undo.ref) for undo in node.compensate] == [("/do/0/a/host/compensate/0/undo", "x.z")]


def test_loops_and_forks_have_their_rounds_at_once():
    loop, fork = graph(
        "- a: {for: {in: .x}, do: [{b: {set: {c: 1}}}], host: {concurrency: 7, collect: false}}\n"
        "- d: {fork: {branches: [{e: {set: {c: 1}}}]}, host: {concurrency: 2}}\n"
    ).root.block

    assert (type(loop), loop.at_once, loop.collect, loop.each, loop.at) == (ForTask, 7, False, "item", "index")
    assert (type(fork), fork.at_once, fork.compete) == (ForkTask, 2, False)


def test_calls_know_what_they_call():
    calls = graph(
        "- a: {call: 'text.reverse:1.2.0@default', with: [1]}\n"
        "- b: {call: slack.send@connectors}\n- c: {call: kv.get@host}\n"
    ).root.block

    assert [(call.target, call.ref) for call in calls] == [
        ("plugin", "text.reverse:1.2.0"),
        ("connector", "slack.send"),
        ("host", "kv.get"),
    ]
    assert calls[0].given(None, {}) == [1]
    assert calls[1].given is None


def test_references_are_put_in_where_they_are_used():
    use = (
        "use:\n  secrets: [s]\n  authentications: {me: {bearer: {token: '${ $secrets.s }'}}}\n"
        "  retries: {r: {delay: PT1S, limit: {attempt: {count: 2}}}}\n  timeouts: {t: {after: PT9S}}\n"
        "  errors: {e: {type: 'https://a.example/e', status: 418}}\n"
    )
    call, caught, fails = graph(
        "- a: {timeout: t, call: http, with: {method: get,"
        " endpoint: {uri: 'https://a.example', authentication: {use: me}}}}\n"
        "- b: {try: [{c: {call: x.y}}], catch: {retry: r, errors: {with: {details: x}}}}\n- d: {raise: {error: e}}\n",
        use,
    ).root.block

    assert isinstance(call, CallTask)
    assert call.timeout_s == 9.0
    assert call.authentication == {"bearer": {"token": "${ $secrets.s }"}}
    given = call.given(None, {"secrets": {"s": "placeholder"}})
    assert given["endpoint"]["authentication"] == {"bearer": {"token": "placeholder"}}
    assert isinstance(caught, TryTask)
    assert caught.catch.retry == RetryRule(delay_s=1.0, attempts=2)
    assert caught.catch.with_ == {"detail": "x"}
    assert fails.error(None, {})["status"] == 418


def test_a_custom_function_is_put_in_with_its_input():
    use = "use: {functions: {greet: {call: x.y, output: {as: .said}}}}\n"

    node = one("- a: {call: greet, with: {name: '${ .who }'}, output: {as: '{greeting: .}'}, then: end}", use)

    assert isinstance(node, DoTask)
    assert (node.path, node.then) == ("/do/0/a", "end")
    (inner,) = node.block
    assert (inner.path, inner.ref) == ("/do/0/a/call/greet", "x.y")
    assert inner.data.input_from({"who": "Ada"}, {}) == {"name": "Ada"}


def test_a_function_that_has_an_input_of_its_own_gets_with_first():
    use = "use: {functions: {greet: {call: x.y, input: {from: .name}}}}\n"

    (around,) = one("- a: {call: greet, with: {name: Ada}}", use).block

    assert around.data.input_from(None, {}) == {"name": "Ada"}
    assert around.block[0].data.input_from({"name": "Ada"}, {}) == "Ada"


def test_extensions_stand_around_what_they_extend():
    log = "{extend: call, when: .x, before: [{b: {set: {c: 1}}}], after: [{d: {set: {c: 1}}}]}"
    use = f"use: {{extensions: [{{log: {log}}}]}}\n"

    called, other = graph("- a: {call: x.y, if: .y, then: exit}\n- e: {set: {f: 1}}\n", use).root.block[:2]

    assert (called.path, called.name, called.then) == ("/do/0/a", "a", "exit")
    assert called.when is not None
    before, inner, after = called.block
    assert (inner.path, inner.ref, inner.when, inner.then) == ("/do/0/a/extended", "x.y", None, "continue")
    assert before.data.output_as("thrown away", {"input": "kept"}) == "kept"
    assert [one.path for one in (*before.block, *after.block)] == [
        "/do/0/a/before/0/log/0/b",
        "/do/0/a/after/0/log/0/d",
    ]
    assert type(other).__name__ == "SetTask"


def test_a_task_before_another_can_take_its_place():
    mock = "{extend: call, when: .x, before: [{a: {set: {b: 1}}}, {c: {set: {d: 1}, then: exit}}]}"

    first, second, inner = one("- e: {call: x.y}", f"use: {{extensions: [{{mock: {mock}}}]}}\n").block

    assert first.data.output_as("thrown away", {"input": "kept"}) == "kept"
    assert (second.then, second.data.output_as) == ("exit", None)
    assert first.when is not None
    assert second.when is not None
    assert inner.ref == "x.y"


def test_what_is_done_before_a_switch_stands_in_front_of_it():
    use = "use: {extensions: [{log: {extend: all, before: [{b: {set: {c: 1}}}]}}]}\n"

    first, switch, _ = graph("- a: {switch: [{x: {when: .y, then: z}}]}\n- z: {set: {c: 1}}\n", use).root.block

    assert (first.name, type(first)) == ("a", DoTask)
    assert (switch.name, type(switch)) == ("a: cases", SwitchTask)


def test_every_node_is_found_by_its_own_path():
    use = (
        "use: {functions: {f: {input: {from: .x}, do: [{g: {call: x.y}}]}},"
        " extensions: [{log: {extend: all, before: [{b: {set: {c: 1}}}]}}]}\n"
    )
    found = graph("- a: {call: f, with: {x: 1}}\n- h: {call: f}\n- i: {for: {in: .x}, do: [{j: {call: f}}]}\n", use)

    assert all(node.path == path for path, node in found.nodes.items())
    assert len({id(node) for node in found.nodes.values()}) == len(found.nodes)
    assert {node.path for node in _below(found.root)} == {"", *found.nodes}
    for node in _below(found.root):
        assert all(inner.path.startswith(f"{node.path}/") for block in children(node) for inner in block)


def _below(node):
    return [node, *(deeper for block in children(node) for inner in block for deeper in _below(inner))]


def test_approvals_waits_and_listens_have_their_fields():
    ask, until, listen = graph(
        "- ask: {host: {approval: {title: '${ .t }', deadline: PT1H, late: approve, role: admin}}}\n"
        "- until: {host: {until: '2030-01-31T08:00:00Z'}}\n"
        "- l: {listen: {to: {any: [{with: {type: a.b, data: '${ .x }'}, correlate: {k: {from: .data.k}}}],"
        " until: false}}, foreach: {item: e, at: n, output: {as: .x}}}\n"
    ).root.block

    assert isinstance(ask, ApprovalTask)
    assert (ask.deadline_s, ask.late, ask.role, ask.title({"t": "Hi"}, {})) == (3600.0, "approve", "admin", "Hi")
    assert isinstance(until, WaitTask)
    assert until.until(None, {}) == "2030-01-31T08:00:00Z"
    assert isinstance(listen, ListenTask)
    assert (listen.mode, listen.forever, listen.each, listen.at, listen.each_block) == ("any", True, "e", "n", ())
    assert listen.filters[0].attributes == {"type": "a.b"}
    assert listen.filters[0].data({"x": True}, {}) is True
    assert list(listen.filters[0].correlate) == ["k"]


def test_the_hosts_part_has_its_defaults():
    host = compile_graph(
        read_document(
            "document: {dsl: '1.0.3', namespace: default, name: a, version: '1.0.0'}\n"
            "schedule: {cron: 0 8 * * *, after: PT5S}\n"
            "host: {triggers: [{every: PT1H}, {webhook: w}, {event: {any: [{with: {type: a.b}}]}, within: PT1M}],"
            " concurrency: {most: 2}, rate: {starts: 5, per: PT1M}, keep: {for: P1D}}\n"
            "do: [{a: {set: {b: 1}}}]"
        )
    ).host

    kinds = [{key: part for key, part in one.items() if key != "filters"} for one in host.triggers]
    assert kinds == [
        {"kind": "cron", "cron": "0 8 * * *", "timezone": "UTC", "missed": "one", "input": None},
        {"kind": "after", "after": 5.0, "input": None},
        {"kind": "every", "every": 3600.0, "missed": "one", "input": None},
        {"kind": "webhook", "webhook": "w", "respond": "accepted", "timeout": 30.0, "input": None},
        {"kind": "event", "mode": "any", "within": 60.0, "input": None},
    ]
    assert (host.concurrency_most, host.concurrency_key(None, {}), host.rate) == (2, "all", (5, 60.0))
    assert (host.keep_s, host.priority, host.dedupe_key) == (86_400.0, 4, None)


def test_a_graph_says_whether_it_needs_jq():
    assert graph("- a: {set: {b: '${ .x.y }'}}").simple
    assert not graph("- a: {set: {b: '${ .x | to_entries }'}}").simple
