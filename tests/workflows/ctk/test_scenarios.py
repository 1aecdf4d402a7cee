"""The scenarios of the specification's conformance kit, as documents of our own against servers of this machine.

Source: Serverless Workflow DSL 1.0.3, features branch (fork), call, data flow, do, emit, flow, for, raise, set,
switch and try.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from tests.workflows.ctk.driver import Played, play_on_host
from tests.workflows.ctk.driver import play as play_in_memory
from tests.workflows.effects.bench import Bench

Play = Callable[..., Played]


@pytest.fixture(params=["in memory", "on a host"])
def play(request: pytest.FixtureRequest, bench: Bench) -> Play:
    """Runs a workflow to its end, in memory or on a host."""
    return partial(play_in_memory if request.param == "in memory" else play_on_host, bench)


HEAD = """
document:
  dsl: '1.0.3'
  namespace: conformance
  name: scenario
  version: '1.0.0'
"""
RESPONSE = {"request", "headers", "statusCode", "content"}
ERRORS = ("https://serverlessworkflow.io/spec/1.0.0/errors", "https://serverlessworkflow.io/dsl/errors/types")


def test_fork_of_competing_branches_gives_one_output(play: Play) -> None:
    text = """
do:
  - race:
      fork:
        compete: true
        branches:
          - one: { set: { places: '${ .places + ["harbour"] }' } }
          - two: { set: { places: '${ .places + ["market"] }' } }
          - three: { set: { places: '${ .places + ["station"] }' } }
"""
    assert len(play(HEAD + text, {}).output["places"]) == 1


def test_call_http_gives_the_content(play: Play) -> None:
    text = """
do:
  - find:
      call: http
      with:
        method: get
        endpoint: { uri: 'SERVER/v2/pet/findByStatus?status={status}' }
      output: { as: '.[0]' }
"""
    assert play(HEAD + text, {"status": "available"}).output.keys() == {"id", "name", "status"}


def test_call_http_gives_the_response(play: Play) -> None:
    text = """
do:
  - get:
      call: http
      with:
        method: get
        endpoint: { uri: 'SERVER/v2/pet/{petId}' }
        output: response
"""
    output = play(HEAD + text, {"petId": 1}).output
    assert output.keys() == RESPONSE
    assert output["request"].keys() == {"method", "uri", "headers"}
    assert output["content"].keys() == {"id", "name", "status"}


def test_call_http_shows_who_it_is_from_by_basic(play: Play) -> None:
    text = """
do:
  - login:
      call: http
      with:
        method: get
        endpoint:
          uri: 'SERVER/basic-auth/{user}/{word}'
          authentication: { basic: { username: '${ .user }', password: '${ .word }' } }
"""
    assert play(HEAD + text, {"user": "anna", "word": "hidden"}).output == {"authenticated": True}


def test_call_openapi_gives_the_content(play: Play) -> None:
    text = """
do:
  - find:
      call: openapi
      with:
        document: { endpoint: 'SERVER/v2/swagger.json' }
        operationId: findPetsByStatus
        parameters: { status: '${ .status }' }
      output: { as: '. | length' }
"""
    assert play(HEAD + text, {"status": "available"}).output == 2


def test_call_openapi_gives_the_response(play: Play) -> None:
    text = """
do:
  - get:
      call: openapi
      with:
        document: { endpoint: 'SERVER/v2/swagger.json' }
        operationId: getPetById
        parameters: { petId: '${ .petId }' }
        output: response
"""
    output = play(HEAD + text, {"petId": 1}).output
    assert output.keys() == RESPONSE
    assert (output["statusCode"], output["content"]["id"]) == (200, 1)


def test_data_flow_filters_the_input(play: Play) -> None:
    text = """
do:
  - take:
      input: { from: .order.customer.id }
      set: { customer: '${ . }' }
"""
    assert play(HEAD + text, {"order": {"customer": {"id": "c-9"}}}).output == {"customer": "c-9"}


def test_data_flow_filters_the_output(play: Play) -> None:
    text = """
do:
  - get:
      call: http
      with: { method: get, endpoint: { uri: 'SERVER/v2/pet/{petId}' } }
      output: { as: .id }
"""
    assert play(HEAD + text, {"petId": 1}).output == 1


def test_data_flow_passes_on_what_is_no_object(play: Play) -> None:
    text = """
do:
  - first:
      call: http
      with: { method: get, endpoint: { uri: 'SERVER/v2/pet/{petId}' } }
      output: { as: .id }
  - second:
      call: http
      with: { method: get, endpoint: { uri: SERVER/v2/pet/2 } }
      output: { as: '{ ids: [ $input, .id ] }' }
"""
    assert play(HEAD + text, {"petId": 1}).output == {"ids": [1, 2]}


def test_do_runs_its_tasks_one_after_the_other(play: Play) -> None:
    text = """
do:
  - all:
      do:
        - one: { set: { numbers: '${ .numbers + [1] }' } }
        - two: { set: { numbers: '${ .numbers + [2] }' } }
        - three: { set: { numbers: '${ .numbers + [3] }' } }
"""
    assert play(HEAD + text, {}).output == {"numbers": [1, 2, 3]}


def test_emit_gives_the_event(play: Play) -> None:
    text = r"""
do:
  - tell:
      emit:
        event:
          with:
            source: https://shop.example
            type: example.shop.visited.v1
            data: { greeting: '${ "Good day, \(.visitor.name)" }' }
"""
    played = play(HEAD + text, {"visitor": {"name": "Anna"}})
    assert {"id", "specversion", "time", "source", "type", "data"} <= played.output.keys()
    assert played.output["source"] == "https://shop.example"
    assert played.output["type"] == "example.shop.visited.v1"
    assert played.output["data"] == {"greeting": "Good day, Anna"}
    assert played.events == [played.output]


def test_flow_follows_the_order_of_the_document(play: Play) -> None:
    text = """
do:
  - one: { set: { numbers: '${ .numbers + [1] }' } }
  - two: { set: { numbers: '${ .numbers + [2] }' } }
  - three: { set: { numbers: '${ .numbers + [3] }' } }
"""
    played = play(HEAD + text, {})
    assert played.output == {"numbers": [1, 2, 3]}
    assert played.order[:3] == ["one", "two", "three"]


def test_flow_follows_directives(play: Play) -> None:
    text = """
do:
  - one: { set: { numbers: '${ .numbers + [1] }' }, then: two }
  - three: { set: { numbers: '${ .numbers + [3] }' }, then: end }
  - two: { set: { numbers: '${ .numbers + [2] }' }, then: three }
"""
    played = play(HEAD + text, {})
    assert played.output == {"numbers": [1, 2, 3]}
    assert played.order[:3] == ["one", "two", "three"]


def test_for_knows_the_item_and_its_index(play: Play) -> None:
    text = """
do:
  - visit:
      for: { each: town, in: .towns }
      do:
        - note:
            set:
              seen: '${ { towns: (.seen.towns + [$town]), at: (.seen.at + [$index]) } }'
"""
    output = play(HEAD + text, {"towns": ["Bonn", "Kiel", "Ulm"]}).output
    assert output == {"seen": {"towns": ["Bonn", "Kiel", "Ulm"], "at": [0, 1, 2]}}


def test_raise_ends_the_workflow_with_its_error(play: Play) -> None:
    text = """
do:
  - refuse:
      raise:
        error: { type: 'https://shop.example/errors/sold-out', status: 410, title: Sold out }
"""
    assert play(HEAD + text, {}).fault == {
        "type": "https://shop.example/errors/sold-out",
        "status": 410,
        "title": "Sold out",
        "instance": "/do/0/refuse",
    }


def test_set_gives_its_value(play: Play) -> None:
    text = """
do:
  - draw:
      set: { shape: square, edge: '${ .wanted.edge }', colour: '${ .wanted.colour }' }
"""
    wanted = {"edge": {"length": 4}, "colour": {"red": 7}}
    assert play(HEAD + text, {"wanted": wanted}).output == {"shape": "square", **wanted}


SWITCH = """
do:
  - choose:
      switch:
        - low: { when: '.level == "low"', then: setLow }
        - high: { when: '.level == "high"', then: setHigh }
        %s
  - setLow: { set: { levels: '${ .levels + ["low"] }' }, then: end }
  - setHigh: { set: { levels: '${ .levels + ["high"] }' }, then: end }
  - setOther: { set: { levels: '${ .levels + [$input.level] }' } }
"""


def test_switch_takes_the_case_that_holds(play: Play) -> None:
    played = play(HEAD + SWITCH % "", {"level": "high"})
    assert played.output == {"levels": ["high"]}
    assert played.order[:2] == ["choose", "setHigh"]


def test_switch_without_a_case_goes_on_as_it_says(play: Play) -> None:
    text = SWITCH.replace("        %s\n", "      then: end\n")
    played = play(HEAD + text, {"level": "odd"})
    assert played.output == {"level": "odd"}
    assert played.order[0] == "choose"
    assert not {"setLow", "setHigh", "setOther"} & set(played.order)


def test_switch_takes_its_default(play: Play) -> None:
    played = play(HEAD + SWITCH % "- other: { then: setOther }", {"level": "odd"})
    assert played.output == {"levels": ["odd"]}


TRY = """
do:
  - careful:
      try:
        - get:
            call: http
            with: { method: get, endpoint: { uri: 'SERVER/v2/pet/byName/{name}' } }
      catch:
        errors: { with: { type: %s/communication, status: %d } }
        as: problem
        do:
          - tell: { set: { error: '${ $problem }' } }
"""


@pytest.mark.parametrize("base", ERRORS)
def test_try_handles_the_error_that_it_catches(play: Play, base: str) -> None:
    error: Any = play(HEAD + TRY % (base, 404), {"name": "Milou"}).output["error"]
    assert {"type", "status", "title"} <= error.keys()
    assert (error["status"], error["instance"]) == (404, "/do/0/careful/try/0/get")


@pytest.mark.parametrize("base", ERRORS)
def test_try_lets_other_errors_pass(play: Play, base: str) -> None:
    assert play(HEAD + TRY % (base, 503), {"name": "Milou"}).fault["status"] == 404
