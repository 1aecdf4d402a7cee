"""The definitions that are run while their hosts die: every way in which a run goes on, rests or begins another."""

from __future__ import annotations

__all__ = ["LANES", "MOST", "STARTED", "documents"]

LANES = 3
MOST = 2
"""Runs of `keyed` that may have one of the `LANES` keys at once."""

STARTED = ("steps", "retries", "waits", "each", "branches", "outer", "listens", "asks", "keyed", "emits")
"""Those that the driver starts, with `{"n": number, "who": lane}`."""

_HEAD = "document: {{dsl: '1.0.3', namespace: default, name: {name}, version: '1.0.0'}}\n"
_TEXTS = {
    "steps": """
do:
  - a: GUEST
  - b: NOTE
  - c: {set: {n: '${ $input.n }'}}
  - d: GUEST
  - e: NOTE
  - f: NOTE
""",
    "retries": """
do:
  - a:
      call: http
      with: {method: post, endpoint: 'SERVER/flaky', body: {}}
      host: {retry: {delay: {milliseconds: 20}, limit: {attempt: {count: 5}}}}
  - b: NOTE
""",
    "waits": """
do:
  - a: NOTE
  - b: {wait: {milliseconds: 30}}
  - c: NOTE
  - d: {wait: {milliseconds: 600}}
  - e: NOTE
""",
    "each": """
do:
  - each:
      for: {in: '${ [1, 2, 3, 4, 5, 6] }'}
      do:
        - a: NOTE
      host: {concurrency: 3}
  - b: GUEST
""",
    "branches": """
do:
  - side:
      fork:
        branches:
          - left: {do: [{a: NOTE}, {b: {wait: {milliseconds: 10}}}, {c: NOTE}]}
          - middle: GUEST
          - right: NOTE
  - d: NOTE
""",
    "inner": """
do:
  - a: NOTE
  - b: {wait: {milliseconds: 20}}
""",
    "outer": """
do:
  - a: {run: {workflow: {namespace: default, name: inner, version: latest, input: {}}}}
  - b: NOTE
  - c: {run: {workflow: {namespace: default, name: inner, version: latest, input: {}}, await: false}}
""",
    "listens": """
do:
  - a: {set: {n: '${ $workflow.input.n }'}}
  - b: {listen: {to: {one: {with: {type: chaos.fed}, correlate: {n: {from: .data.n, expect: '${ .n }'}}}}}}
  - c: {set: '${ . }', export: {as: '${ . }'}}
  - d: NOTE
  - e: {set: '${ $context }'}
""",
    "asks": """
do:
  - ask: {host: {approval: {title: Go on?}}}
  - b: NOTE
""",
    "keyed": """
host: {concurrency: {key: .who, most: MOST}}
do:
  - a: NOTE
  - b: {wait: {milliseconds: 20}}
  - c: NOTE
""",
    "emits": """
do:
  - a: {emit: {event: {with: {source: 'https://chaos', type: chaos.said, data: {n: '${ $workflow.input.n }'}}}}}
  - b: NOTE
""",
    "hears": """
host: {triggers: [{event: {one: {with: {type: chaos.said}}}}]}
do:
  - a: NOTE
""",
    "ticks": """
host: {triggers: [{every: PT1S, missed: all}]}
do:
  - a: NOTE
""",
}


def documents(server: str) -> list[str]:
    """The texts, for a ledger at this address."""
    # While the server of the database is away a plugin cannot be looked up: such a step fails, and is tried again.
    retry = "{retry: {delay: {milliseconds: 100}, limit: {attempt: {count: 100}}}}"
    guest = f"{{call: echo.echo, with: x, host: {retry}}}"
    # On a loaded machine the ledger may not answer in time; that is a fault of the network, and tried again.
    note = f"{{call: http, with: {{method: post, endpoint: 'SERVER/note', body: {{}}}}, host: {retry}}}"
    found = [_HEAD.format(name=name) + text.lstrip() for name, text in _TEXTS.items()]
    return [
        text.replace("NOTE", note).replace("GUEST", guest).replace("SERVER", server).replace("MOST", str(MOST))
        for text in found
    ]
