"""The specification's examples of the supported kinds, as workflows of our own against servers of this machine.

Each is what the example of the same name shows, with what goes in, what happens meanwhile, and what comes out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["EXAMPLES", "Example"]

PET = {"id": 1, "name": "Rex", "status": "available"}
GET = "{ call: http, with: { method: get, endpoint: 'SERVER/v2/pet/{petId}' } }"


@dataclass(frozen=True)
class Example:
    """A document without its head, and how it goes.

    Args:
        fault: type's last part and status, where it ends with one.
        posts: what was sent to the servers.
        failures: statuses that a path answers with first.
    """

    text: str
    input: Any = field(default_factory=dict)
    output: Any = None
    fault: tuple[str, int] | None = None
    posts: Sequence[Any] = ()
    events: Sequence[str] = ()
    happenings: Sequence[Mapping[str, Any]] = ()
    others: Mapping[str, str] = field(default_factory=dict)
    failures: Mapping[str, Sequence[int]] = field(default_factory=dict)


def _event(kind: str, data: Any, **more: Any) -> dict[str, Any]:
    return {"specversion": "1.0", "id": "1", "source": "https://tests", "type": kind, "data": data, **more}


def _guarded(authentication: str, uri: str = "SERVER/bearer", use: str = "") -> str:
    return f"""{use}
do:
  - ask:
      call: http
      with: {{ method: get, endpoint: {{ uri: '{uri}', authentication: {authentication} }} }}
"""


_OAUTH2 = "{ oauth2: { authority: SERVER, grant: client_credentials, client: { id: me, secret: its-secret } } }"
_REDACTED = {"token": "[redacted]"}

EXAMPLES: Mapping[str, Example] = {
    "authentication-basic": Example(
        _guarded("{ basic: { username: anna, password: hidden } }", "SERVER/basic-auth/anna/hidden"),
        output={"authenticated": True},
    ),
    "authentication-bearer": Example(
        _guarded("{ bearer: { token: '${ .token }' } }"), {"token": "t-1"}, output={"token": "t-1"}
    ),
    "authentication-bearer-uri-format": Example(
        _guarded("{ bearer: { token: '${ .token }' } }", "SERVER/v2/pet/{petId}"),
        {"token": "t", "petId": 1},
        output=PET,
    ),
    "authentication-oauth2": Example(_guarded(_OAUTH2), output=_REDACTED),
    "authentication-oauth2-secret": Example(
        _guarded("{ oauth2: { use: example-policy } }", use="use: { secrets: [example-policy] }"), output=_REDACTED
    ),
    "authentication-reusable": Example(
        _guarded("{ use: shop }", use=f"use: {{ authentications: {{ shop: {_OAUTH2} }} }}"), output=_REDACTED
    ),
    "call-custom-function-inline": Example(
        f"use: {{ functions: {{ getPetById: {GET} }} }}\ndo:\n  - get: {{ call: getPetById, with: {{ petId: 1 }} }}\n",
        output=PET,
    ),
    "call-custom-function-cataloged": Example(
        "do:\n  - count: { call: 'text.count_vowels:1.0.0@default', with: hello }\n", output={"count": 2}
    ),
    "call-http-endpoint-interpolation": Example(f"do:\n  - get: {GET}\n", {"petId": 1}, output=PET),
    "call-http-query-headers-expressions": Example(
        """
do:
  - prepare: { set: { query: { search: '${ .wanted }' }, headers: { Accept: application/json } } }
  - search:
      call: http
      with: { method: get, endpoint: SERVER/anything/x, query: '${ .query }', headers: '${ .headers }' }
      output: { as: .args }
""",
        {"wanted": "tea & cake"},
        output={"search": "tea & cake"},
    ),
    "call-http-query-parameters": Example(
        """
input: { schema: { document: { type: object, required: [search] } } }
do:
  - search:
      call: http
      with: { method: get, endpoint: SERVER/anything, query: { search: '${ .search }', limit: 3 } }
      output: { as: .args }
""",
        {"search": "x"},
        output={"search": "x", "limit": "3"},
    ),
    "call-http-redirect": Example(
        """
do:
  - go:
      call: http
      with: { method: get, endpoint: SERVER/moved, redirect: true }
      output: { as: .path }
""",
        output="/anything/there",
    ),
    "call-openapi": Example(
        """
do:
  - find:
      call: openapi
      with:
        document: { endpoint: SERVER/v2/swagger.json }
        operationId: findPetsByStatus
        parameters: { status: sold }
      output: { as: '[.[].name]' }
""",
        output=["Tom"],
    ),
    "conditional-task": Example(
        """
do:
  - one: { if: .wanted, set: { done: true } }
  - two: { if: '.done == true', set: { second: true } }
""",
        {"wanted": False},
        output={"wanted": False},
    ),
    "do-multiple": Example(
        f"do:\n  - get: {GET}\n  - tell: {{ call: http, with: {{ method: post, endpoint: SERVER/anything,"
        " body: { pet: '${ .name }' } }, output: { as: .json } }\n",
        {"petId": 1},
        output={"pet": "Rex"},
        posts=[{"pet": "Rex"}],
    ),
    "do-single": Example(f"do:\n  - get: {GET}\n", {"petId": 2}, output={**PET, "id": 2, "name": "Mia"}),
    "emit": Example(
        """
do:
  - tell:
      emit:
        event:
          with: { source: 'https://shop.example', type: order.placed.v1, data: { by: '${ .by }' } }
      output: { as: .data }
""",
        {"by": "Anna"},
        output={"by": "Anna"},
        events=["order.placed.v1"],
    ),
    "for": Example(
        """
do:
  - each:
      for: { each: pet, in: .pets, at: index }
      while: .stop == null
      do:
        - greet:
            set:
              greeted: '${ (.greeted // []) + ["\\($index): \\($pet.name)"] }'
              stop: '${ if $pet.name == "Mia" then true else null end }'
""",
        {"pets": [{"name": "Rex"}, {"name": "Mia"}, {"name": "Tom"}]},
        output={"greeted": ["0: Rex", "1: Mia"], "stop": True},
    ),
    "fork": Example(
        """
do:
  - call:
      fork:
        compete: false
        branches:
          - nurse: { call: http, with: { method: put, endpoint: SERVER/anything/nurse }, output: { as: .path } }
          - doctor: { call: http, with: { method: put, endpoint: SERVER/anything/doctor }, output: { as: .path } }
""",
        output=["/anything/nurse", "/anything/doctor"],
    ),
    "listen-to-one": Example(
        """
do:
  - start: { listen: { to: { one: { with: { type: race.started } } } } }
""",
        happenings=[_event("race.started", {"lap": 1})],
        output=[{"lap": 1}],
    ),
    "listen-to-any": Example(
        """
do:
  - measure:
      listen:
        to:
          any:
            - with: { type: vitals.temperature, data: '${ .temperature > 38 }' }
            - with: { type: vitals.bpm, data: '${ .bpm < 60 or .bpm > 100 }' }
""",
        happenings=[_event("vitals.temperature", {"temperature": 39})],
        output=[{"temperature": 39}],
    ),
    "listen-to-all": Example(
        """
do:
  - measure:
      listen:
        to:
          all:
            - with: { type: vitals.temperature }
            - with: { type: vitals.bpm }
""",
        happenings=[_event("vitals.bpm", {"bpm": 50}), _event("vitals.temperature", {"temperature": 39})],
        output=[{"bpm": 50}, {"temperature": 39}],
    ),
    "listen-to-all-read-envelope": Example(
        """
do:
  - measure:
      listen: { to: { all: [{ with: { type: a } }] }, read: envelope }
      output: { as: '.[0].type' }
""",
        happenings=[_event("a", {})],
        output="a",
    ),
    "listen-to-any-until-condition": Example(
        """
do:
  - measure:
      listen:
        to:
          any: [{ with: { type: vitals.bpm } }]
          until: '( . | length ) >= 2'
""",
        happenings=[_event("vitals.bpm", 1), _event("vitals.bpm", 2)],
        output=[1, 2],
    ),
    "listen-to-any-until-consumed": Example(
        """
do:
  - measure:
      listen:
        to:
          any: [{ with: { type: vitals.bpm } }]
          until: { one: { with: { type: patient.left } } }
""",
        happenings=[_event("vitals.bpm", 1), _event("patient.left", 0)],
        output=[1],
    ),
    "logging-extension": Example(
        """
use:
  extensions:
    - logged:
        extend: set
        before:
          - say: { call: http, with: { method: post, endpoint: SERVER/anything, body: { before: '${ .a }' } } }
        after:
          - said: { call: http, with: { method: post, endpoint: SERVER/anything, body: { after: '${ .b }' } } }
do:
  - work: { set: { b: '${ .a + 1 }' } }
""",
        {"a": 1},
        output={"b": 2},
        posts=[{"before": 1}, {"after": 2}],
    ),
    "raise-inline": Example(
        "do:\n  - no: { raise: { error: { type: 'https://x.example/not-implemented', status: 501, title: No } } }\n",
        fault=("not-implemented", 501),
    ),
    "raise-reusable": Example(
        "use: { errors: { no: { type: 'https://x.example/no', status: 418, title: '${ .title }' } } }\n"
        "do:\n  - no: { raise: { error: no } }\n",
        {"title": "teapot"},
        fault=("no", 418),
    ),
    "run-script": Example(
        """
do:
  - greet:
      run:
        script: { language: js, code: 'console.log(greeting)', arguments: { greeting: '${ .hello }' } }
""",
        {"hello": "Good day"},
        output="Good day",
    ),
    "run-subflow": Example(
        "do:\n  - other: { run: { workflow: { namespace: test, name: register, version: '0.1.0',"
        " input: { customer: '${ .user }' } } } }\n",
        {"user": {"id": 4}},
        others={"register": "do:\n  - done: { set: { registered: '${ .customer.id }' } }\n"},
        output={"registered": 4},
    ),
    "set": Example("do:\n  - init: { set: { start: '${ .a }', end: 5 } }\n", {"a": 1}, output={"start": 1, "end": 5}),
    "switch-then-loop": Example(
        """
do:
  - init: { set: { count: 0 } }
  - up: { set: { count: '${ .count + 1 }' } }
  - more:
      switch:
        - again: { when: .count < 4, then: up }
        - default: { then: exit }
""",
        output={"count": 4},
    ),
    "switch-then-string": Example(
        """
do:
  - sort:
      switch:
        - digital: { when: '.kind == "digital"', then: send }
        - physical: { when: '.kind == "physical"', then: ship }
        - default: { then: puzzled }
  - send: { set: { sent: true }, then: end }
  - ship: { set: { shipped: true }, then: end }
  - puzzled: { raise: { error: { type: 'https://x.example/unknown', status: 400 } } }
""",
        {"kind": "physical"},
        output={"shipped": True},
    ),
    "try-catch": Example(
        f"""
do:
  - careful:
      try:
        - get: {GET}
      catch:
        errors: {{ with: {{ type: 'https://serverlessworkflow.io/spec/1.0.0/errors/communication', status: 404 }} }}
        as: err
        do:
          - tell: {{ set: {{ missing: '${{ $err.status }}' }} }}
""",
        {"petId": 99},
        output={"missing": 404},
    ),
    "try-catch-then": Example(
        f"""
do:
  - careful:
      try:
        - get: {GET}
      catch:
        errors: {{ with: {{ status: 404 }} }}
        do:
          - tell:
              emit: {{ event: {{ with: {{ source: 'https://x.example', type: pet.missing }} }} }}
              output: {{ as: .type }}
""",
        {"petId": 99},
        output="pet.missing",
        events=["pet.missing"],
    ),
    "try-catch-retry-inline": Example(
        f"""
do:
  - careful:
      try:
        - get: {GET}
      catch:
        errors: {{ with: {{ status: 503 }} }}
        retry: {{ delay: {{ seconds: 3 }}, backoff: {{ exponential: {{}} }}, limit: {{ attempt: {{ count: 5 }} }} }}
""",
        {"petId": 1},
        failures={"/v2/pet/1": [503, 503, 503]},
        output=PET,
    ),
    "try-catch-retry-reusable": Example(
        f"""
use: {{ retries: {{ patient: {{ delay: PT3S, backoff: {{ linear: {{}} }}, limit: {{ attempt: {{ count: 3 }} }} }} }} }}
do:
  - careful:
      try:
        - get: {GET}
      catch:
        errors: {{ with: {{ status: 503 }} }}
        retry: patient
""",
        {"petId": 1},
        failures={"/v2/pet/1": [503] * 9},
        fault=("communication", 503),
    ),
    "wait-duration-inline": Example(
        "do:\n  - pause: { wait: { hours: 30 } }\n  - go: { set: { woken: true } }\n", output={"woken": True}
    ),
    "wait-duration-iso8601": Example(
        "do:\n  - pause: { wait: PT15M }\n  - go: { set: { woken: true } }\n", output={"woken": True}
    ),
    "workflow-timeout": Example(
        "timeout: { after: { seconds: 5 } }\ndo:\n  - pause: { wait: { hours: 1 } }\n", fault=("timeout", 408)
    ),
    "authentication-oidc": Example(_guarded(_OAUTH2.replace("oauth2:", "oidc:")), output=_REDACTED),
    "authentication-oidc-secret": Example(
        _guarded("{ oidc: { use: oidc-policy } }", use="use: { secrets: [oidc-policy] }"), output=_REDACTED
    ),
    "accumulate-room-readings": Example(
        """
timeout: { after: { hours: 1 } }
do:
  - gather:
      listen:
        to:
          all:
            - with: { source: 'https://tests', type: sensor.temperature }
              correlate: { room: { from: .data.room } }
            - with: { source: 'https://tests', type: sensor.humidity }
              correlate: { room: { from: .data.room } }
      output: { as: { readings: '${ map(.value) }' } }
  - log:
      for: { each: reading, in: .readings }
      do:
        - note:
            call: http
            with: { method: post, endpoint: SERVER/anything/log, body: { value: '${ $reading }' } }
            output: { as: '$input' }
""",
        happenings=[
            _event("sensor.temperature", {"room": 1, "value": 20}),
            _event("sensor.humidity", {"room": 2, "value": 90}),
            _event("sensor.humidity", {"room": 1, "value": 55}),
        ],
        posts=[{"value": 20}, {"value": 55}],
        output={"readings": [20, 55]},
    ),
    "call-http-endpoint-interpolation-shorthand": Example(
        "do:\n  - get: { call: http, with: { method: get, endpoint: 'SERVER/v2/pet/{petId}' } }\n",
        {"petId": 3},
        output={"id": 3, "name": "Tom", "status": "sold"},
    ),
    "call-http-shorthand-endpoint": Example(
        "do:\n  - get: { call: http, with: { method: get, endpoint: SERVER/v2/pet/1 } }\n", output=PET
    ),
    "call-openapi-redirect": Example(
        """
do:
  - find:
      call: openapi
      with:
        document: { endpoint: SERVER/v2/swagger.json }
        operationId: getPetById
        parameters: { petId: 1 }
        redirect: true
""",
        output=PET,
    ),
    "listen-to-any-filter": Example(
        """
do:
  - measure:
      listen:
        to:
          any:
            - with: { type: vitals.temperature, data: '${ .temperature > 38 }' }
            - with: { type: vitals.bpm, data: '${ .bpm < 60 or .bpm > 100 }' }
""",
        happenings=[_event("vitals.temperature", {"temperature": 37}), _event("vitals.bpm", {"bpm": 120})],
        output=[{"bpm": 120}],
    ),
    "listen-to-any-forever-foreach": Example(
        """
timeout: { after: { hours: 1 } }
do:
  - hear:
      listen: { to: { any: [{ with: { source: 'https://tests' } }], until: '${ false }' } }
      foreach:
        item: event
        at: number
        do:
          - post:
              call: http
              with: { method: post, endpoint: SERVER/anything/chat, body: { n: '${ $number }', said: '${ $event }' } }
""",
        happenings=[_event("gossip", "one"), _event("rumour", "two")],
        posts=[{"n": 0, "said": "one"}, {"n": 1, "said": "two"}],
        fault=("timeout", 408),  # it listens for ever, so only its time ends it
    ),
    "mock-service-extension": Example(
        """
use:
  extensions:
    - mock:
        extend: call
        when: '$task.definition.with.endpoint | startswith("https://mocked.example")'
        before:
          - answer: { set: { content: { foo: { bar: baz } } }, then: exit }
do:
  - mocked: { call: http, with: { method: get, endpoint: 'https://mocked.example/sample' } }
  - real:
      call: http
      with: { method: get, endpoint: SERVER/v2/pet/1 }
      output: { as: { pet: '${ .name }', mocked: '${ $steps.mocked.output.content.foo.bar }' } }
""",
        output={"pet": "Rex", "mocked": "baz"},
    ),
    "run-script-with-arguments": Example(
        """
do:
  - greet:
      run:
        script: { language: js, code: 'console.log(greeting)', arguments: { greeting: 'Hello, world!' } }
""",
        output="Hello, world!",
    ),
    "schedule-cron": Example(
        "schedule: { cron: '0 0 * * *' }\ndo:\n  - back-up: { call: http, with: { method: post, endpoint:"
        " SERVER/anything/backup, body: { all: true } }, output: { as: .json } }\n",
        posts=[{"all": True}],
        output={"all": True},
    ),
    "schedule-every": Example(
        "schedule: { every: { minutes: 15 } }\ndo:\n  - check: { set: { checked: true } }\n", output={"checked": True}
    ),
    "schedule-event-driven": Example(
        """
schedule: { on: { one: { with: { type: patient.heartbeat.low } } } }
do:
  - call-nurse:
      call: http
      with: { method: post, endpoint: SERVER/anything, body: { patient: '${ $workflow.input[0].data.patient }' } }
      output: { as: .json }
""",
        [_event("patient.heartbeat.low", {"patient": 7})],
        posts=[{"patient": 7}],
        output={"patient": 7},
    ),
    "set-expression": Example("do:\n  - all: { set: '${ .body }' }\n", {"body": {"a": [1]}}, output={"a": [1]}),
    "star-wars-homeworld": Example(
        """
input: { schema: { format: json, document: { type: object, required: [id], properties: { id: { type: integer } } } } }
do:
  - get:
      call: http
      with: { method: get, endpoint: 'SERVER/v2/pet/{id}', output: response }
      export: { as: { friend: '${ .content.id + 1 }' } }
  - friend:
      input: { from: '{ id: $context.friend }' }
      call: http
      with: { method: get, endpoint: 'SERVER/v2/pet/{id}' }
      output: { as: .name }
""",
        {"id": 1},
        output="Mia",
    ),
}
