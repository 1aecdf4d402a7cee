"""Secrets of runs: placeholders everywhere, the value at the call alone, and taken out of all that comes back."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given as cases
from hypothesis import settings
from hypothesis import strategies as st
from tests.connectors.local_server import Seen, redirect, reply
from tests.workflows.effects.bench import Bench, call, emit, run_of, script, short

from omnicore.workflows.steps.step import PREFIX, StepSecrets, marked, placeholders

VALUE = "s3cr3t/with+marks&=and ä"


def echo(seen: Seen) -> bytes:
    """Gives back all that it was sent, as careless servers do."""
    body = json.dumps({"headers": seen.headers, "target": seen.target, "body": seen.body.decode()})
    return reply(200, body.encode(), "Content-Type: application/json", f"X-Seen: {seen.headers.get('x-token', '')}")


def test_placeholders_are_the_run_s_own_and_no_secret() -> None:
    one, other = placeholders("nonce", ["a", "b"]), placeholders("other", ["a", "b"])
    assert len({*one.values(), *other.values()}) == 4
    assert one == placeholders("nonce", ["a", "b"])
    assert all(text.startswith(PREFIX) and text.isascii() and text.isidentifier() for text in one.values())


def test_a_secret_reaches_the_server_and_nothing_else(bench: Bench) -> None:
    secret, run = bench.secret("shop-token", "tok-53/8+x="), run_of("shop-token")
    token = run.secrets["shop-token"]
    given = {"headers": {"X-Token": token}, "query": {"t": token}, "body": {"deep": [token, f"a {token} b"]}}
    done, server = bench.ask(
        echo,
        lambda server: {"method": "post", "endpoint": server.url(f"/{token}/x"), "output": "response", **given},
        run=run,
    )
    (seen,) = server.seen
    assert seen.headers["x-token"] == secret
    assert seen.target == "/tok-53%2F8%2Bx%3D/x?t=tok-53%2F8%2Bx%3D"
    assert json.loads(seen.body) == {"deep": [secret, f"a {secret} b"]}
    shown = json.dumps([done.output, dict(done.meta)])
    assert "tok-53" not in shown
    assert PREFIX not in json.dumps(done.output["request"])
    assert done.output["request"]["uri"].endswith("/<secret:shop-token>/x")


def test_a_secret_may_be_a_whole_address(bench: Bench) -> None:
    run = run_of("hook-url")

    def given(server: Any) -> Any:
        bench.host.connectors.vault.set("hook-url", server.url("/hook/abc?x=1"))
        return {"method": "get", "endpoint": run.secrets["hook-url"]}

    _, server = bench.ask(lambda seen: reply(200, b"ok", "Content-Type: text/plain"), given, run=run)
    assert server.seen[0].target == "/hook/abc?x=1"


def test_a_placeholder_of_another_run_stays_what_it_is(bench: Bench) -> None:
    bench.secret("mine", "the value of mine")
    stranger = placeholders("another nonce", ["mine"])["mine"]
    done, server = bench.ask(
        echo,
        lambda server: {"method": "post", "endpoint": server.url("/"), "body": {"text": stranger}},
        run=run_of("mine"),
    )
    assert stranger in server.seen[0].body.decode()
    assert "the value" not in json.dumps(done.output)


def test_faults_hold_no_secret(bench: Bench) -> None:
    bench.secret("told", "tell-nobody")
    run = run_of("told")
    token = run.secrets["told"]
    fault = bench.refused(
        lambda seen: reply(403, f"wrong token {seen.headers['x-token']}".encode()),
        lambda server: {"method": "get", "endpoint": server.url("/"), "headers": {"X-Token": token}},
        run=run,
    )
    assert short(fault) == ("communication", 403)
    assert "tell-nobody" not in str(fault.to_json())
    bench.secret("host-part", "unreachable.invalid")
    run = run_of("host-part")
    fault = bench.fault(call("http"), {"method": "get", "endpoint": f"http://{run.secrets['host-part']}/"}, run)
    assert "unreachable.invalid" not in str(fault.to_json())


def test_a_secret_that_is_missing_is_told_by_its_name_where_it_is_used(bench: Bench) -> None:
    run = run_of("nowhere")
    assert bench.do(call("plugin", "text.slug"), "A", run).output == "a"
    fault = bench.fault(call("plugin", "text.slug"), run.secrets["nowhere"], run)
    assert short(fault) == ("configuration", 400)
    assert "omnicore secrets set nowhere" in fault.detail


def test_secrets_of_connectors_are_nobody_else_s(bench: Bench) -> None:
    bench.secret("connector.shop.token", "a connector's own")
    run = run_of("connector.shop.token")
    fault = bench.fault(call("plugin", "text.slug"), run.secrets["connector.shop.token"], run)
    assert short(fault) == ("configuration", 400)


def test_plugins_scripts_and_logs_give_no_secret_back(bench: Bench, caplog: Any) -> None:
    bench.secret("word", "openSesame")
    run = run_of("word")
    word = run.secrets["word"]
    assert bench.do(script("return [word, word.length]"), {"word": word}, run).output == ["[redacted]", 10]
    frequencies = {"text": f"{word} {word}"}
    assert "openSesame" not in json.dumps(bench.do(call("plugin", "text.frequencies"), frequencies, run).output)
    for verb, given in (("kv.put", {"key": "leak", "value": [word]}), ("memory.store", {"text": f"it is {word}"})):
        fault = bench.fault(call("host", verb), given, run)
        assert short(fault) == ("validation", 400)
        assert "would keep a secret" in fault.detail
    with caplog.at_level(20, "omnicore"):
        bench.do(call("host", "log.write"), {"message": f"it is {word}"}, run)
    assert "it is <secret:word>" in caplog.text
    assert "openSesame" not in caplog.text


def test_an_event_has_neither_the_secret_nor_its_placeholder(bench: Bench) -> None:
    bench.secret("word", "openSesame")
    run = run_of("word")
    done = bench.do(emit(), {"type": "t", "data": run.secrets["word"]}, run)
    assert done.output["data"] == "<secret:word>"


def test_a_redirect_takes_no_secret_to_another_host(bench: Bench) -> None:
    bench.secret("carried", "carry-me-not")
    run = run_of("carried")
    headers = {"X-Token": run.secrets["carried"]}
    fault = bench.refused(
        lambda seen: redirect(f"http://localhost:{seen.headers['host'].partition(':')[2]}/elsewhere"),
        lambda server: {"method": "get", "endpoint": server.url("/"), "redirect": True, "headers": headers},
        run=run,
    )
    assert short(fault) == ("authorization", 403)
    assert "carries a secret" in fault.detail


def test_a_secret_with_a_line_break_cannot_add_a_header(bench: Bench) -> None:
    bench.secret("broken", "x\r\nHost: elsewhere")
    run = run_of("broken")
    given = {"method": "get", "endpoint": "http://127.0.0.1/", "headers": {"X-Token": run.secrets["broken"]}}
    fault = bench.fault(call("http"), given, run)
    assert short(fault) == ("validation", 400)
    assert "elsewhere" not in str(fault.to_json())


def test_people_see_a_mark_instead_of_a_placeholder() -> None:
    names = placeholders("nonce", ["a"])
    assert marked({"x": [f"Bearer {names['a']}", 1]}, names) == {"x": ["Bearer <secret:a>", 1]}


@settings(max_examples=40)
@cases(
    value=st.recursive(
        st.text() | st.integers() | st.none(), lambda one: st.lists(one) | st.dictionaries(st.text(), one)
    )
)
def test_values_without_placeholders_pass_as_they_are(value: Any) -> None:
    opened = StepSecrets({placeholders("nonce", ["a"])["a"]: VALUE})
    assert opened.put(value) == value
    assert VALUE not in repr(opened)
