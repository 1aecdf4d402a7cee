"""The plugins that scripts run in: one for each language, compiled once, which evaluate the code they are given.

A script runs in a fresh sandbox with a clock and random numbers and nothing else. Its arguments are variables; what it
returns is the output, else what it printed.
"""

from __future__ import annotations

__all__ = ["JAVASCRIPT", "PYTHON"]

JAVASCRIPT = """\
export function run({ code, names, values }) {
  const lines = [];
  const text = (one) => (typeof one === "string" ? one : JSON.stringify(one) ?? String(one));
  const print = (...all) => { lines.push(all.map(text).join(" ")); };
  const silent = () => {};
  globalThis.console = { log: print, info: print, debug: silent, trace: silent, warn: silent, error: silent };
  // Named here, so that they are bound: Date, performance, crypto, Math.random.
  const AsyncFunction = (async () => {}).constructor;
  return new AsyncFunction(...names, code)(...values).then((value) => ({
    value: value === undefined ? null : value,
    given: value !== undefined,
    printed: lines.join("\\n"),
  }));
}
"""

PYTHON = '''\
"""Runs a script."""
import contextlib
import io
import json

from omnicore_sdk import function


@function
def run(given: str) -> str:
    asked = json.loads(given)
    names = dict(zip(asked["names"], asked["values"]))
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(asked["code"], "script", "exec"), names)
    found = {"value": names.get("result"), "given": "result" in names, "printed": printed.getvalue().rstrip("\\n")}
    return json.dumps(found, allow_nan=False)
'''
