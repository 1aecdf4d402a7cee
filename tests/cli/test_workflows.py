"""`omnicore workflows`: definitions come from files, and runs are made, shown, decided, repeated and checked."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from omnicore.config.folders import project_data
from omnicore.storage.database import Database

from .conftest import Ran

HEAD = "document: {{dsl: 1.0.3, namespace: default, name: {name}, version: 1.0.0}}\n"
GREET = HEAD.format(name="greet") + "do:\n- greet: {set: {words: '${ \"hello \" + .name }'}}\n- last: {set: '${ . }'}\n"
NODES = {
    "workflow": {
        "id": "old",
        "start_node": "a",
        "nodes": [{"id": "a", "type": "start", "next": ["b"]}, {"id": "b", "type": "end"}],
    }
}
Command = Callable[..., Ran]


def document(ran: Ran) -> object:
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


def applied(workflows: Command, name: str, tasks: str) -> None:
    ran = workflows("apply", "-", stdin=HEAD.format(name=name) + f"do:\n{tasks}\n")
    assert ran.code == 0, ran.err


def run_of(ran: Ran) -> str:
    """The run that a command told of on standard error."""
    return next(word for word in ran.err.split() if word.startswith("run_"))


def test_what_is_wrong_has_its_file_line_and_column_and_exit_code_2(workflows: Command, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(GREET.replace("set: {words", "sett: {words"))
    ran = workflows("validate", "bad.yaml")
    assert (ran.code, ran.out.count("\n")) == (2, 1)
    assert ran.out.startswith("bad.yaml:3:3: ")
    assert "(did you mean `set`?)" in ran.out
    shown = json.loads(workflows("validate", "bad.yaml", "-o", "json").out)
    (problem,) = shown["files"][0]["problems"]
    assert (shown["valid"], problem["line"], problem["column"]) == (False, 3, 3)
    assert workflows("validate", "-", stdin=GREET).err == "1 workflow is valid.\n"
    assert workflows("apply", "bad.yaml").code == 2
    assert "greet" not in workflows("ls").out
    assert workflows("validate", "nothing.yaml").code == 5
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "good.yaml").write_text(GREET)
    both = workflows("validate", "bytes.yaml", "good.yaml")
    assert (both.code, both.out) == (2, "bytes.yaml: is no UTF-8 text (give a workflow in YAML or JSON)\n")
    assert both.err == "1 workflow is valid, 1 not.\n"
    assert workflows("apply", "bytes.yaml", "good.yaml").code == 2


def test_what_the_host_lacks_is_told_where_it_is_called_and_keeps_nothing_from_being_applied(
    workflows: Command,
) -> None:
    lacking = "- a: {call: nobody.knows}\nhost: {triggers: [{webhook: orders}]}\n"
    ran = workflows("apply", "-", stdin=HEAD.format(name="lacking") + f"do:\n{lacking}")
    assert ran.code == 0
    assert "-:3:7: warning: this host has no plugin `nobody` now" in ran.err
    assert "-:4:20: warning: there is no webhook `orders` yet (make it: `omnicore connectors hooks add " in ran.err


def test_an_input_that_begins_like_json_and_is_none_begins_no_run(workflows: Command) -> None:
    workflows("apply", "-", stdin=HEAD.format(name="says") + "do:\n- a: {set: {said: '${ . }'}}\n")
    for mistaken in ('{"text": "a"', "{'text': 'a'}", "{text: a}", '["a",', "[[1]"):
        ran = workflows("run", "says", mistaken)
        assert (ran.code, ran.out) == (2, "")
        assert "the input begins like JSON and is none" in ran.err
    assert workflows("runs", "-o", "json").out.startswith('{"items": []')
    for text in ("{{name}} it is", "[sic] she said", "{}", '"{text: a"'):
        assert workflows("run", "says", text).code == 0


def test_a_folder_is_applied_as_a_whole_and_shows_what_changes(workflows: Command, tmp_path: Path) -> None:
    folder = tmp_path / "flows"
    (folder / "inner").mkdir(parents=True)
    (folder / "greet.yaml").write_text(GREET)
    (folder / "inner" / "old.json").write_text(json.dumps(NODES))
    (folder / "package.json").write_text("{}")
    assert workflows("apply", "flows", "--dry-run").out.count(" is new") == 2
    assert workflows("ls").out.count("\n") == 1
    shown = document(workflows("apply", "flows", "-o", "json"))
    assert [(one["workflow"], one["kind"], one["number"]) for one in shown["items"]] == [
        ("greet", "new", 1),
        ("old", "new", 1),
    ]
    assert "is unchanged" in workflows("apply", "flows/greet.yaml").out
    (folder / "greet.yaml").write_text(GREET.replace("hello", "hi"))
    changed = workflows("apply", "flows/greet.yaml").out
    assert "greet (flows/greet.yaml) is changed: 1 changed\n~ /do/0/greet/set/words\n" in changed
    assert '    + ${ "hi " + .name }\n' in changed
    assert "  its version stays 1.0.0; raise it, or runs that ask for 1.0.0 begin the new text\n" in changed
    (folder / "greet.yaml").write_text(GREET.replace("hello", "hey").replace("1.0.0", "1.1.0"))
    assert "its version stays" not in workflows("apply", "flows/greet.yaml", "--dry-run").out
    lines = workflows("ls", "gre").out.splitlines()
    assert [line.split("\t")[:4] for line in lines[1:]] == [["greet", "", "1.0.0 #2", "on"]]
    assert workflows("apply", "flows/greet.yaml", "flows/inner/../greet.yaml").code == 2


def test_versions_are_listed_shown_and_compared(workflows: Command, tmp_path: Path) -> None:
    workflows("apply", "-", stdin=GREET)
    workflows("apply", "-", stdin=GREET.replace("hello", "hi"))
    assert [line.split("\t")[0] for line in workflows("versions", "greet").out.splitlines()[1:]] == ["2", "1"]
    assert "hello" in workflows("show", "greet", "--number", "1").out
    assert document(workflows("show", "greet", "-o", "json"))["number"] == 2
    (change,) = document(workflows("diff", "greet", "-o", "json"))["changes"]
    assert (change["kind"], change["path"]) == ("changed", "/do/0/greet/set/words")
    assert workflows("diff", "greet", "2", "1").out.splitlines()[1:] == [
        '    - ${ "hi " + .name }',
        '    + ${ "hello " + .name }',
    ]
    (tmp_path / "greet.yaml").write_text(GREET)
    assert "~ /do/0/greet/set/words" in workflows("diff", "greet.yaml").out
    assert workflows("diff", "greet.yaml", "greet.yaml").err == "Nothing differs.\n"
    assert workflows("diff", "greet", "9").code == 5
    assert workflows("diff", "greet", "x").code == 2


def test_workflows_go_out_into_a_folder_and_come_back(workflows: Command, tmp_path: Path) -> None:
    workflows("apply", "-", stdin=GREET)
    assert workflows("export", "greet").out == GREET
    assert workflows("export").code == 2
    assert workflows("export", "--to", "out").out == "Wrote 1 workflows into out\n"
    assert workflows("import", "out").out == "greet: unchanged\n"
    (tmp_path / "out" / "greet.yaml").write_text(GREET.replace("hello", "hi"))
    refused = workflows("import", "out")
    assert (refused.code, "--replace" in refused.err) == (1, True)
    assert workflows("import", "out", "--replace").out == "greet: replaced\n"
    assert workflows("rm", "greet").out == "Removed greet\n"
    assert workflows("rm", "greet").code == 5
    assert workflows("import", "out").out == "greet: new\n"


def test_a_run_without_a_server_runs_here_and_prints_its_output_only(workflows: Command, tmp_path: Path) -> None:
    workflows("apply", "-", stdin=GREET)
    ran = workflows("run", "greet", '{"name": "Ada"}', "--key", "k")
    assert document(ran) == {"words": "hello Ada"}
    assert "  completed  /do/0/greet  set, " in ran.err
    again = workflows("run", "greet", '{"name": "Bob"}', "--key", "k", "-o", "json")
    assert (again.err, document(again)["output"], document(again)["id"]) == ("", {"words": "hello Ada"}, run_of(ran))
    (tmp_path / "new.yaml").write_text(GREET.replace("hello", "welcome"))
    assert document(workflows("run", "--file", "new.yaml", '{"name": "Eve"}')) == {"words": "welcome Eve"}
    with closing(Database.open(project_data(tmp_path) / "omnicore.db")) as database:
        record = database.rows("SELECT action, target, after FROM audit ORDER BY seq")
    named = [tuple(row[:2]) for row in record]
    assert ("workflows run", "workflow:greet") in named
    assert ("workflows apply", "workflow:greet") in named
    assert "Eve" not in str(record), "what runs were given can be deleted with them, and the record cannot"
    assert workflows("run", "other", "--file", "new.yaml", "{}").code == 2
    assert workflows("run").code == 2
    assert workflows("run", "nobody").code == 5
    assert "hello" in workflows("export", "greet").out
    lines = [line.split("\t") for line in workflows("runs", "greet").out.splitlines()[1:]]
    assert [line[1:3] for line in lines] == [["greet (trial)", "completed"], ["greet", "completed"]]
    assert workflows("runs", "--workflow", "greet").out == workflows("runs", "greet").out
    assert workflows("runs", "greet", "--workflow", "other").code == 2
    rows = [line.split("\t") for line in workflows("logs", run_of(ran), "--values").out.splitlines()]
    assert rows[0][2:5] + rows[0][-2:] == ["place", "kind", "status", "input", "output"]
    assert rows[1][2:5] + rows[1][-2:] == [
        "/do/0/greet",
        "set",
        "completed",
        '{"name": "Ada"}',
        '{"words": "hello Ada"}',
    ]
    assert workflows("logs", run_of(ran), "--follow").out.count("completed") == 2
    verdict = document(workflows("verify", run_of(ran), "-o", "json"))
    assert (verdict["ok"], verdict["rows"]) == (True, 2)
    assert workflows("verify", "run_none").code == 5


def test_a_workflow_that_is_off_is_not_run(workflows: Command) -> None:
    workflows("apply", "-", stdin=GREET)
    assert workflows("disable", "greet").out == "greet is off\n"
    refused = workflows("run", "greet")
    assert (refused.code, "switched off" in refused.err) == (1, True)
    assert workflows("enable", "greet").out == "greet is on\n"


def test_a_failed_run_is_a_dead_letter_and_goes_on_where_it_failed(workflows: Command) -> None:
    applied(
        workflows,
        "mend",
        "- a: {set: {v: 1}}\n- b: {raise: {error: {type: 'https://x.org/e', status: 503, title: Away}}}",
    )
    failed = workflows("run", "mend")
    assert failed.code == 1
    assert failed.out == ""
    run = run_of(failed)
    assert f"faulted at /do/1/b: Away; see `omnicore workflows logs {run}`" in failed.err
    assert run in workflows("runs", "--dead").out
    again = workflows("retry", run)
    assert (again.code, run_of(again) != run) == (1, True)
    keyed = run_of(workflows("run", "mend", "--key", "k"))
    second = workflows("run", "mend", "--key", "k")
    assert f"{keyed} began with this key before, and is faulted; `omnicore workflows retry {keyed}`" in second.err
    forked = workflows("fork", run, "--after", "1", "--detach").out.strip()
    shown = {one["id"]: one for one in document(workflows("runs", "-o", "json"))["items"]}
    assert (shown[forked]["status"], shown[forked]["forked_from"]) == ("pending", run)
    assert workflows("resume", forked).code == 1
    assert workflows("cancel", run).code == 1


def test_a_run_is_suspended_and_cancelled_without_a_server(workflows: Command) -> None:
    applied(workflows, "rests", "- a: {wait: {hours: 1}}")
    run = workflows("run", "rests", "--detach").out.strip()
    assert workflows("suspend", run).out == f"{run} is suspended\n"
    assert workflows("runs", "--status", "suspended").out.count(run) == 1
    left = workflows("resume", run, "--timeout", "300ms")
    assert (left.code, "/do/0/a  waits until" in left.err) == (4, True)
    assert workflows("cancel", run).out == f"Cancelled {run}\n"
    assert workflows("suspend", run).code == 1


def test_a_run_that_asks_is_left_decided_and_taken_up_again(workflows: Command) -> None:
    applied(workflows, "asks", "- ok: {host: {approval: {title: May I, text: Really}}}\n- last: {set: {v: '${ . }'}}")
    left = workflows("run", "asks", "--timeout", "300ms")
    run = run_of(left)
    assert left.code == 4
    assert "waiting    /do/0/ok  asks for a decision" in left.err
    (asked,) = document(workflows("approvals", "-o", "json"))["items"]
    assert (asked["run"], asked["title"]) == (run, "May I")
    assert workflows("approve", run).out == f"Approved {asked['place']} of {run}\n"
    assert workflows("reject", run).code in (1, 5)
    assert document(workflows("resume", run))["v"]["approved"] is True
    assert workflows("resume", run).code == 1


def test_events_and_runs_of_its_own_reach_a_run_that_is_carried_here(workflows: Command) -> None:
    applied(workflows, "tells", "- go: {emit: {event: {with: {source: 'urn:a', type: a.b, data: {v: 7}}}}}")
    applied(
        workflows,
        "hears",
        """- both:
    fork:
      branches:
      - hears: {listen: {to: {one: {with: {type: a.b}}}}}
      - tells: {run: {workflow: {namespace: default, name: tells, version: 1.0.0}}}
- last: {set: '${ .[0] }'}""",
    )
    assert document(workflows("run", "hears"))[0] == {"v": 7}


def test_an_event_is_published_once(workflows: Command, tmp_path: Path) -> None:
    first = document(workflows("emit", "a.paid", '{"id": 7}', "--source", "/shop", "--id", "7", "-o", "json"))
    assert first == {"id": "7", "source": "/shop", "type": "a.paid", "new": True}
    assert "was published before" in workflows("emit", "a.paid", "--source", "/shop", "--id", "7").out
    assert workflows("emit", "a.paid").out.startswith("Published a.paid as evt_")
    assert workflows("emit", "a.paid", "--source", "omnicore:x").code == 2
    with closing(Database.open(project_data(tmp_path) / "omnicore.db")) as database:
        rows = database.rows("SELECT envelope FROM workflow_events ORDER BY id")
    assert [json.loads(row[0]).get("data") for row in rows] == [{"id": 7}, None]


def test_what_a_host_here_has_not_is_warned_of(workflows: Command, tmp_path: Path) -> None:
    (tmp_path / "calls.yaml").write_text(HEAD.format(name="calls") + "do:\n- a: {call: nothing.here}\n")
    assert workflows("validate", "calls.yaml").out == ""
    workflows("ls")
    ran = workflows("validate", "calls.yaml")
    assert ran.code == 0
    assert ran.out.startswith("calls.yaml:3:7: warning: this host has no plugin `nothing` now (put it into")
    assert workflows("validate", "--no-host", "calls.yaml").out == ""
    (problem,) = document(workflows("validate", "calls.yaml", "-o", "json"))["files"][0]["problems"]
    assert problem["severity"] == "warning"


def test_logs_show_what_a_failed_call_was_given(workflows: Command) -> None:
    call = "- a: {call: http, with: {method: get, endpoint: 'http://127.0.0.1:9/x', headers: {X: '${ .name }'}}}\n"
    workflows("apply", "-", stdin=HEAD.format(name="sends") + f"do:\n{call}")
    failed = workflows("run", "sends", '{"name": "Ada"}', "-o", "json")
    assert failed.code == 1
    run = workflows("runs", "sends").out.splitlines()[1].split("\t")[0]
    logs = workflows("logs", run, "--values").out
    assert 'it was given {"' in logs
    assert '"headers": {"X": "Ada"}' in logs
