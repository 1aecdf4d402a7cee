"""`omnicore loops` and `omnicore intelligences` over the data of a folder."""

from __future__ import annotations

import json

import pytest

from .test_tasks import omnicore

__all__ = ["omnicore"]

LANES = ["reflexive", "reactive", "adaptive", "deliberative", "evolutionary", "transformative", "transcendent"]


@pytest.fixture(autouse=True)
def plugins(tmp_path):
    (tmp_path / "plugins").mkdir()


def test_the_lanes_are_listed_and_a_cycle_runs_and_is_counted(omnicore):
    ran = omnicore("loops", "run", "deliberative", '{"tasks": [{"id": "t", "needs": "flying"}]}', "-o", "json")
    assert ran.code == 0
    done = json.loads(ran.out)
    assert done["results"]["unmatched"][0]["reason"] == "nobody has flying"
    lanes = json.loads(omnicore("loops", "ls", "-o", "json").out)
    assert [one["lane"] for one in lanes] == LANES
    assert [one["cycles_completed"] for one in lanes] == [0, 0, 0, 1, 0, 0, 0]
    table = omnicore("loops", "ls").out.splitlines()
    assert table[0].startswith("lane\tscheduled\tcycles")
    assert table[4].startswith("deliberative\tyes\t1\t0\t20")


def test_a_cycle_for_people_says_what_it_did(omnicore):
    ran = omnicore("loops", "run", "transcendent")
    lines = dict(line.split("\t", 1) for line in ran.out.splitlines())
    assert (ran.code, lines["success"], lines["verified"]) == (0, "yes", "0")


@pytest.mark.parametrize("data", ["[1]", "{broken"])
def test_data_that_is_no_object_is_a_usage_error(omnicore, data):
    ran = omnicore("loops", "run", "adaptive", data)
    assert (ran.code, "DATA is not" in ran.err) == (2, True)
    assert omnicore("loops", "run", "cosmic").code == 5


def test_intelligences_are_made_listed_and_retired(omnicore):
    assert "No intelligences" in omnicore("intelligences", "ls").err
    made = omnicore("intelligences", "create", "Researcher", "--needs", "research", "--calls", "5", "-o", "json")
    one = json.loads(made.out)
    assert (one["status"], one["missing"], one["spec"]["budget"]["calls"]) == ("MissingCapabilities", ["research"], 5)
    second = omnicore("intelligences", "create", "Researcher")
    assert second.out.startswith("Researcher 2 is Ready (int_")
    rows = omnicore("intelligences", "ls", "--status", "Ready").out.splitlines()
    assert [row.split("\t")[1:4] for row in rows[1:]] == [["Researcher", "2", "Ready"]]
    assert omnicore("intelligences", "rm", one["id"]).code == 0
    assert omnicore("intelligences", "rm", "int_none").code == 5
    retired = json.loads(omnicore("intelligences", "ls", "--retired", "-o", "json").out)
    assert [old["id"] for old in retired] == [one["id"]]


def test_a_strict_intelligence_is_refused_without_plugins(omnicore):
    ran = omnicore("intelligences", "create", "A", "--needs", "flying", "--strict")
    assert (ran.code, "no plugin provides flying" in ran.err) == (2, True)
