"""The homes: each outside library is imported in one room only, so that it can be replaced there."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Mapping, Sequence

from tests.architecture.source import Source, at, imports

__all__ = ["HOMES", "check_homes", "check_sql"]

HOMES: Mapping[str, tuple[str, ...]] = {
    "ctypes": ("sandbox.capi",),
    "wasmtime": ("sandbox",),
    "extism": ("sandbox.reference",),
    "sqlite3": ("storage", "connectors.sqlite"),
    "sqlite_utils": ("storage",),
    "psycopg": ("storage", "connectors.postgresql"),
    "hnswlib": ("vectors",),
    "msgspec": ("records", "storage.table", "capabilities"),
    "numpy": ("vectors", "memory"),
    "pluggy": ("core.extensions", "hookspecs"),
    "cronsim": ("jobs",),
    "argon2": ("access.passwords",),
    "authlib": ("access.oidc",),
    "joserfc": ("access.oidc",),
    "cryptography": ("connectors.master_key", "connectors.webhooks", "fleet.keys", "packages.keys"),
    "keyring": ("connectors.master_key", "packages.credentials"),
    "aiomysql": ("connectors.mysql",),
    "redis": ("connectors.redis",),
    "aiobotocore": ("connectors.aws",),
    "aiohttp": ("connectors.aws",),
    "sqlglot": ("connectors.queries",),
    "faststream": ("workflows.triggers",),
    "nats": ("fleet",),
    "botocore": ("connectors.aws",),
    "pymysql": ("connectors.mysql",),
    "opentelemetry": ("telemetry.traces",),
    "starlette": ("api",),
    "hypercorn": ("api",),
    "python_multipart": ("api",),
    "click": ("cli",),
    "rich": ("cli",),
    "httpcore": ("connectors",),
    "h11": ("connectors", "api.server"),
    "certifi": ("connectors",),
    "platformdirs": ("config.folders",),
    "watchfiles": ("plugins.folder", "toolchains.build"),
    "prometheus_client": ("telemetry",),
    "snowballstemmer": ("memory.words",),
    "jsonschema": ("plugins", "config", "connectors"),
    "jsonschema_specifications": ("plugins", "config"),
    "yaml": ("config", "workflows.language"),
    "mcp": ("mcp",),
    "anyio": ("mcp",),
    "tuf": ("packages.index",),
    "sigstore": ("packages.signature",),
    "securesystemslib": ("packages.index",),
    "pytest": ("testing.pytest_plugin",),
}
"""A library's homes: rooms, or a single file of one."""

SQL_HOMES = ("storage", "connectors.sqlite", "connectors.postgresql")
"""Where SQL may be written: the host's own database, and what a connector asks of somebody else's before it is used."""

_SQL = re.compile(
    r"""^\s*(?:select\b.+\bfrom\b|pragma\s+\w+|begin\s+(?:immediate|exclusive)\b|with\s+\w+\s+as\s*\()
      | \b(?:insert\s+(?:or\s+\w+\s+)?into|delete\s+from|create\s+(?:table|(?:unique\s+)?index|view|trigger)
            |alter\s+table|drop\s+(?:table|index))\s+(?:[\w\["]|$)
      | \bupdate\s+\w+\s+set\s+\w+\s*=""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)


def check_homes(sources: Sequence[Source]) -> list[str]:
    """Outside libraries imported away from home, and ones that have none."""
    return [finding for source in sources for finding in _of_file(source)]


def _of_file(source: Source) -> Iterable[str]:
    package, _, inner = source.module.partition(".")
    for item in imports(source):
        library = item.target.split(".")[0]
        homes = HOMES.get(library)
        if homes and not any(f"{inner}.".startswith(f"{home}.") for home in homes):
            yield at(source, item.line, f"{library} is at home in {', '.join(homes)}, not in {inner or package}")
        elif not homes and library != package and library not in sys.stdlib_module_names:
            yield at(source, item.line, f"{library} has no home: enter it in tests/architecture/homes.py")


def check_sql(sources: Sequence[Source]) -> list[str]:
    """SQL in strings outside of its homes; docstrings may speak of it."""
    return [
        at(source, text.lineno, f"SQL outside storage: {str(text.value).strip()[:40]!r}")
        for source in sources
        if not source.module.partition(".")[2].startswith(SQL_HOMES)
        for text in _texts(source.tree)
    ]


def _texts(tree: ast.Module) -> Iterable[ast.Constant]:
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) and id(node) not in prose else None
        if isinstance(text, str) and _SQL.search(text):
            yield node
