"""One case in a process of its own: `case_worker.py ADAPTER < case.json` writes what failed as a JSON list.

A process each, because a case may crash or hang the host; `run_cases.py` kills it then.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from local_http import serve  # a neighbour: this file runs as a script, so its folder is on the path

Case = dict[str, Any]


def main() -> None:
    """Runs the case on standard input."""
    case = json.load(sys.stdin)
    with ExitStack() as servers:
        ports = [servers.enter_context(serve()) for _ in range(2 if case.get("http") else 0)]
        places = {f"{{{name}}}": str(port) for name, port in zip(("PORT", "PORT2"), ports, strict=False)}
        failures = list(_failures(_filled(case, places), _adapter(Path(sys.argv[1]))))
    sys.stdout.write(json.dumps(failures))
    sys.stdout.flush()
    os._exit(0)  # without waiting for whatever the case left running


def _adapter(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("adapter", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} is no Python module")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Host()


def _filled(value: Any, places: Mapping[str, str]) -> Any:
    """The case with ports in place of `{PORT}` and `{PORT2}`, in keys as well."""
    if isinstance(value, str):
        for place, text in places.items():
            value = value.replace(place, text)
        return value
    if isinstance(value, list):
        return [_filled(item, places) for item in value]
    if isinstance(value, dict):
        return {_filled(key, places): _filled(item, places) for key, item in value.items()}
    return value


def _failures(case: Case, host: Any) -> Iterator[str]:
    expected = case.get("expect_create")
    try:
        plugin = host.open(
            _manifest(case),
            bool(case.get("wasi")),
            [],
            http_headers=bool(case.get("http_headers")),
            log_level=case.get("log_level"),
        )
    except Exception as error:
        if not expected or not _is_error(expected["error"], error):
            yield f"opening failed: {error}"
        return
    if expected and not expected.get("or_call"):
        yield f"opening went well, not with the error {expected['error']}"
    for number, call in enumerate(case["calls"]):
        problem = _call(plugin, call)
        if problem:
            yield f"call {number} of {call['fn']}: {problem}"


def _manifest(case: Case) -> Case:
    modules = [
        {"data": base64.b64encode(module["wat"].encode()).decode()}
        | ({"name": module["name"]} if "name" in module else {})
        for module in case["modules"]
    ]
    return {**case.get("manifest", {}), "wasm": modules}


def _call(plugin: Any, call: Case) -> str | None:
    data = base64.b64decode(call["input_b64"]) if "input_b64" in call else call["input"].encode()
    expected = call["expect"]
    try:
        output = plugin.call(call["fn"], data * call.get("repeat", 1))
    except Exception as error:
        if expected is None or ("error" in expected and _is_error(expected["error"], error)):
            return None
        return f"failed with {str(error)!r}, not {_short(expected)}"
    return None if _is_output(expected, output) else f"gave {_short(output)}, not {_short(expected)}"


def _is_error(expected: str | bool, error: Exception) -> bool:
    return expected is True or str(expected) in str(error)


def _is_output(expected: Case | None, output: bytes) -> bool:
    if expected is None:
        return True
    if "output" in expected:
        return output == expected["output"].encode()
    if "output_b64" in expected:
        return output == base64.b64decode(expected["output_b64"])
    if "json_subset" in expected:
        return expected["json_subset"].items() <= json.loads(output).items()
    return False


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) < 300 else f"{text[:300]}..."


if __name__ == "__main__":
    main()
