"""What is named and a host has not is warned of, with the nearest that it has."""

from __future__ import annotations

import pytest

from omnicore.workflows.language.palette import known_of
from omnicore.workflows.language.sources import look

HEAD = "document: {dsl: 1.0.3, namespace: default, name: one, version: 1.0.0}\ndo:\n- first: {set: {v: 1}}\n- second:\n"
PALETTE = {
    "plugins": [
        {"plugin": "text", "state": "enabled", "functions": [{"ref": "text.reverse"}, {"ref": "text.slug"}]},
        {"plugin": "other", "state": "needs-grant", "functions": []},
    ],
    "connectors": [{"connector": "mail", "actions": [{"ref": "mail.send@connectors"}]}],
    "host": [],
}


@pytest.mark.parametrize(
    ("call", "fact", "remedy"),
    [
        ("text.slgu", "`text` has no function `slgu`", "did you mean `text.slug`?"),
        ("txt.reverse:1.0.0@default", "this host has no plugin `txt` now", "did you mean `text.reverse`?"),
        ("nothing.like_this", "no plugin `nothing` now", "put it into the plugin folder, or correct the name"),
        ("text.zzzzzz", "`text` has no function `zzzzzz`", "it has reverse, slug"),
        ("other.any", "does not answer now: needs-grant", "omnicore plugins show other"),
        ("mail.sent@connectors", "`mail` has no action `sent`", "did you mean `mail.send@connectors`?"),
        ("mial.send@connectors", "no connector `mial` now", "did you mean `mail.send@connectors`?"),
    ],
)
def test_what_is_not_there_is_a_warning_at_the_call(call: str, fact: str, remedy: str) -> None:
    found = look(f"{HEAD}    call: {call}\n    with: {{a: 1}}\n", known_of(PALETTE))
    (one,) = found.problems
    assert (one.path, one.line, one.severity) == ("/do/1/second/call", 5, "warning")
    assert fact in one.fact
    assert remedy in one.remedy
    assert found.graph is not None


@pytest.mark.parametrize("call", ["text.slug", "text.slug:2.0.0", "mail.send@connectors", "log.write@host"])
def test_what_is_there_is_not_told(call: str) -> None:
    assert look(f"{HEAD}    call: {call}\n    with: {{message: a}}\n", known_of(PALETTE)).problems == ()


def test_of_a_host_that_is_not_known_nothing_is_told() -> None:
    assert known_of({}) is None
    assert look(f"{HEAD}    call: nothing.here\n").problems == ()


def test_the_same_call_many_times_is_looked_up_once_and_told_within_a_bound() -> None:
    tasks = "".join(f"- t{number}: {{call: nothing.here}}\n" for number in range(1000))
    found = look(HEAD.partition("- first")[0] + tasks, known_of(PALETTE))
    assert found.graph is not None
    assert len(found.problems) == 200


@pytest.mark.parametrize(
    ("trigger", "fact", "remedy"),
    [
        ("webhook: ordres", "there is no webhook `ordres` yet", "omnicore connectors hooks add ordres RULE"),
        ("connector: mial", "no connector `mial` now", "did you mean `mail`?"),
        ("connector: zzz", "no connector `zzz` now", "omnicore connectors add zzz KIND"),
    ],
)
def test_triggers_that_nothing_can_pull_are_told_at_their_own_place(trigger: str, fact: str, remedy: str) -> None:
    more = f"host:\n  triggers:\n  - {{webhook: orders}}\n  - {{{trigger}}}\n"
    text = f"{HEAD}    set: {{v: 1}}\nschedule: {{every: PT1M}}\n{more}"
    (one,) = look(text, known_of(PALETTE, webhook={"orders"}.__contains__)).problems
    assert (one.path, one.line, one.severity) == (f"/host/triggers/1/{trigger.partition(':')[0]}", 10, "warning")
    assert fact in one.fact
    assert remedy in one.remedy


def test_another_workflow_that_is_not_there_is_told_and_the_workflow_itself_is_taken_for_there() -> None:
    run = "run: {{workflow: {{namespace: {}, name: {}, version: latest}}}}"
    asked: list[str] = []

    def there(name: str) -> bool:
        asked.append(name)
        return name == "other.child"

    tasks = [("default", "one"), ("other", "child"), ("other", "chidl"), ("other", "chidl")]
    text = HEAD + "    set: {v: 1}\n" + "".join(f"- t{at}: {{{run.format(*one)}}}\n" for at, one in enumerate(tasks))
    found = look(text, known_of(PALETTE, workflow=there)).problems
    assert [one.path for one in found] == [f"/do/{at}/t{at - 2}/run/workflow/name" for at in (4, 5)]
    assert "no workflow `other.chidl` now" in found[0].fact
    assert asked == ["other.child", "other.chidl"]
