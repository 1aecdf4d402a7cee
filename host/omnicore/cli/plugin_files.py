"""The contents of a plugin's file: kind, size, hash, exports, imports by provider, sections.

The built plugin that a word on the command line means: a file, a source's folder, or one in the plugin folder.

What a function of a plugin costs, measured on a host of its own.

`omnicore plugins bench`: what a function costs.

`omnicore plugins stub`: a typed Python client.

`omnicore plugins test`: the calls of `expected.json`, each with what came of it.

`omnicore plugins top`: the functions that took the time on a running server.

`omnicore plugins calls`: calls that a running server keeps, with their costs.

`omnicore plugins adopt`: the manifest of a module that was made for another host.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import quantiles
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from omnicore.capabilities.doors import review_warnings
from omnicore.cli.client import connected, loaded
from omnicore.cli.nouns import field_rows
from omnicore.cli.options import (
    Duration,
    Exit,
    Moment,
    Shell,
    common_and_file,
    folders,
    host_folders,
    pass_shell,
    read_input,
)
from omnicore.cli.output import Output, bar, date, printable, short_path, size_text, styled
from omnicore.cli.plugins import asked_rows, detail_rows, function_rows
from omnicore.config.folders import code_folder
from omnicore.config.trust import TrustRecord
from omnicore.errors import Conflict, InvalidInput, ModuleRejected, NotFound
from omnicore.plugins.folder import write_whole
from omnicore.plugins.manifest import Manifest, callable_exports, name_of_stem, read_manifest
from omnicore.sandbox.capi.code import wat_to_wasm
from omnicore.sandbox.inspect import Export, FuncType, ModuleInfo, inspect
from omnicore.testing.expected import FILE as CASES
from omnicore.testing.expected import Result, read_cases, run_cases, updated, written
from omnicore.testing.trial import PluginTrial, Subject, read_subject, trial
from omnicore.toolchains.build import Imports, check_imports, lines_to_ask, needed_fields, sorted_imports, unasked
from omnicore.toolchains.client import client_file, client_source
from omnicore.toolchains.manifest import sections, toml_values

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from omnicore.cli.nouns import Document
    from omnicore.sandbox.engine import Instance


SECTION_HEADS = ("section", "size", "")
_CORE = {
    **{0: "custom", 1: "types", 2: "imports", 3: "functions", 4: "tables", 5: "memories", 6: "globals"},
    **{7: "exports", 8: "start", 9: "elements", 10: "code", 11: "data", 12: "data count", 13: "tags"},
}
_COMPONENT = {
    **{0: "custom", 1: "core modules", 2: "core instances", 3: "core types", 4: "components", 5: "instances"},
    **{6: "aliases", 7: "types", 8: "canonical functions", 9: "start", 10: "imports", 11: "exports", 12: "values"},
}
_MOST = 40


@dataclass(frozen=True, slots=True)
class Anatomy:
    """A module or component; `sections` are its parts with their bytes, like ones together, the largest first."""

    info: ModuleInfo
    sha256: str
    imports: Imports
    sections: tuple[tuple[str, int], ...]

    def to_json(self) -> dict[str, Any]:
        """The members that `plugins show -o json` adds."""
        info = self.info
        return {
            "kind": info.kind,
            "size_bytes": info.size_bytes,
            "sha256": self.sha256,
            "exports": [{"name": one.name, "kind": one.kind, "type": _type(one)} for one in info.exports],
            "imports": [{"from": one.module, "name": one.name, "kind": one.kind} for one in info.imports],
            "doors": {door: list(names) for door, names in self.imports.doors.items()},
            "wasi": list(self.imports.wasi),
            "sections": [{"name": name, "size_bytes": size} for name, size in self.sections],
        }


def dissected(data: bytes) -> Anatomy:
    """The contents of a file. Raises: ModuleRejected: it is not WebAssembly."""
    info = inspect(data)
    names = _COMPONENT if info.kind == "component" else _CORE
    sizes: dict[str, int] = {}
    for one in sections(data):
        kind = names.get(one.identifier, str(one.identifier))
        name = f"{kind} {one.name[:64]}" if one.identifier == 0 else kind
        sizes[name] = sizes.get(name, 0) + one.size
    ordered = tuple(sorted(sizes.items(), key=lambda item: (-item[1], item[0])))
    return Anatomy(info, hashlib.sha256(data).hexdigest(), sorted_imports(info), ordered)


def anatomy_rows(anatomy: Anatomy, *, asked: Collection[str]) -> Iterator[tuple[str, str]]:
    """The file in lines: what it exports and what it wants.

    Args:
        asked: capabilities that are asked for.
    """
    info, imports = anatomy.info, anatomy.imports
    yield "kind", f"{'component' if info.kind == 'component' else 'core module'}, {size_text(info.size_bytes)}"
    yield "file sha256", anatomy.sha256
    called = callable_exports(info)
    for label, names in (("exports", called), ("exports too", _others(info, called))):
        if names:
            yield label, _joined(names)
    for door, names in imports.doors.items():
        yield f"door {door}", _joined(names)
    others = tuple(f"{namespace}::{name}" for namespace, name in imports.others)
    # A component wants whole interfaces of WASI, a function more or less in them says nothing.
    wasi = tuple(dict.fromkeys(name.partition("::")[0] for name in imports.wasi))
    for label, names in (("guest ABI", imports.env), ("WASI", wasi), ("other imports", others)):
        if names:
            yield label, _joined(names)
    if missing := unasked(imports, asked):
        advice = "ask for them in its manifest; `omnicore plugins adopt FILE` writes one where there is none"
        yield "not asked for", f"{_joined(missing)}: every call is refused; {advice}"
    if others:
        yield "unusable", f"nobody provides {_joined(others)}, unless the embedding application does"


def section_rows(anatomy: Anatomy) -> Iterator[tuple[str, ...]]:
    """The sections with a bar for the part each has in the file."""
    for name, size in anatomy.sections:
        yield name, size_text(size), bar(size, anatomy.info.size_bytes)


def _others(info: ModuleInfo, called: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{one.name} {_type(one)}".strip() for one in info.exports if one.name not in called)


def _type(export: Export) -> str:
    if isinstance(export.type, FuncType):
        return f"({' '.join(export.type.params)}) -> ({' '.join(export.type.results)})"
    return export.kind


def _joined(names: tuple[str, ...]) -> str:
    return ", ".join(names[:_MOST]) + (f" and {len(names) - _MOST} more" if len(names) > _MOST else "")


_ENDINGS = (".wasm", ".wat")
_HOMES = ("plugins", "dist")


def is_file(word: str) -> bool:
    """True if a word means a file and not the name of a plugin."""
    return word.endswith(_ENDINGS) or "/" in word or word in (".", "..")


def find_subject(shell: Shell, output: Output, word: str) -> Subject:
    """The plugin that PLUGIN, FOLDER or FILE means.

    Raises: NotFound: with what to build; InvalidInput: a folder with several; ModuleRejected, ManifestInvalid.
    """
    path = Path(word)
    if word.endswith(_ENDINGS):
        return read_subject(path)
    if path.is_dir() and (is_file(word) or _built(path) or path.joinpath(CASES).is_file()):
        return read_subject(_module(path))
    if is_file(word):
        raise NotFound(f"there is no {word}", remedy="check the path")
    with connected(shell, output) as client:
        file: str = client.get("plugins", word)["path"]
    return read_subject(loaded(shell).settings.plugins / file)


def cases_of(subject: Subject) -> Path:
    """The file with a plugin's cases: `NAME.expected.json` beside it, else `expected.json` there or above."""
    folder = subject.path.absolute().parent
    places = [folder / f"{subject.path.stem}.{CASES}", folder / CASES]
    if folder.name in _HOMES:
        places.insert(1, folder.parent / CASES)
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise NotFound(
            f"{subject.manifest.name} has no {CASES}",
            remedy=f'write {places[1]}: [{{"function": "...", "input": "..."}}], then run this with --update',
        )
    return found


def is_trusted(subject: Subject) -> bool:
    """True where the folder of a plugin's file is trusted, or the one that was built into `plugins` or `dist` in it."""
    folder, record = subject.path.resolve().parent, TrustRecord()
    folders = [folder, folder.parent] if folder.name in _HOMES else [folder]
    return any(record.of(one) is not None for one in folders)


def code_cache(shell: Shell) -> Path:
    """The folder that keeps compiled code between commands."""
    return code_folder(loaded(shell).settings.data)


def _built(folder: Path) -> list[Path]:
    """The modules a folder holds, in the first place that has any."""
    for place in (*(folder / home for home in _HOMES), folder):
        if found := sorted(one for one in place.glob("*") if one.suffix in _ENDINGS and one.is_file()):
            return found
    return []


def _module(folder: Path) -> Path:
    found = _built(folder)
    if not found:
        raise NotFound(f"{folder} has no built plugin", remedy=f"run `omnicore build {folder}` first")
    _, values = toml_values(folder)
    name = values.get("name") or name_of_stem(folder.resolve().name)
    mine = [one for one in found if name_of_stem(one.stem) == name] or found
    if len(mine) > 1:
        several = ", ".join(str(one) for one in mine[:5])
        raise InvalidInput(f"{folder} has several plugins: {several}", remedy="name the file")
    return mine[0]


_FEW = 20  # new instances that are looked at; the warm calls are many


@dataclass(frozen=True, slots=True)
class Times:
    """Durations of many repetitions. Units: seconds."""

    count: int
    p50_s: float
    p95_s: float
    p99_s: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Times:
        """The percentiles of a sample."""
        if len(seconds) == 1:
            return cls(1, seconds[0], seconds[0], seconds[0])
        cuts = quantiles(seconds, n=100, method="inclusive")
        return cls(len(seconds), cuts[49], cuts[94], cuts[98])


@dataclass(frozen=True, slots=True)
class Costs:
    """The cost of a plugin and of one of its functions.

    Args:
        compile_s: from the module's bytes to machine code.
        load_s: the same with the machine code in the cache.
        fresh: a new instance and its first call.
        warm: a further call on that instance.
        hosted: a call as callers make it, with whatever the host does around it.
        fuel: instructions of one call.
        memory_bytes: of the instance after it.
    """

    function: str
    input_bytes: int
    output_bytes: int
    compile_s: float
    load_s: float
    fresh: Times
    warm: Times
    hosted: Times
    fuel: int | None
    memory_bytes: int

    @property
    def per_second(self) -> float:
        """Warm calls per second of one thread."""
        return 1 / self.warm.p50_s if self.warm.p50_s else 0.0

    def to_json(self) -> dict[str, Any]:
        """The costs as `-o json` shows them."""
        return {**asdict(self), "calls_per_s": round(self.per_second, 1)}


def measured(
    subject: Subject, function: str, payload: bytes, *, count: int | None, seconds: float, network: bool
) -> Costs:
    """Measures a function.

    Args:
        count: how many warm calls; None for as many as there is time.
        seconds: how long the warm calls may take, where no count is given.
        network: as for `trial`.

    Raises: what the call raises.
    """
    with tempfile.TemporaryDirectory(prefix="omnicore-bench-") as folder:
        cache = Path(folder)
        with trial(subject, cache=cache, network=network) as counting:
            output = counting.host.plugins.call_blocking(_reference(subject, function), payload, raw=True)
            usage = counting.usage
        with trial(subject, counted=False, cache=cache, network=network) as first:
            compile_s = first.load_s
        with trial(subject, counted=False, cache=cache, network=network) as plain:
            fresh, warm = _instances(plain, function, payload, count=count, seconds=seconds)
            hosted = _timed(lambda: _hosted(plain, function, payload), count, min(seconds, 1.0))
            return Costs(
                function=_reference(subject, function),
                input_bytes=len(payload),
                output_bytes=len(output),
                compile_s=compile_s,
                load_s=plain.load_s,
                fresh=fresh,
                warm=warm,
                hosted=hosted,
                fuel=usage.fuel,
                memory_bytes=usage.memory_bytes,
            )


def _reference(subject: Subject, function: str) -> str:
    return f"{subject.manifest.name}.{function}"


def _hosted(on: PluginTrial, function: str, payload: bytes) -> None:
    on.host.plugins.call_blocking(f"{on.manifest.name}.{function}", payload, raw=True)


def _instances(
    on: PluginTrial, function: str, payload: bytes, *, count: int | None, seconds: float
) -> tuple[Times, Times]:
    """Fresh and warm calls; an instance that has had enough after a call is replaced, outside of the clock."""
    held: list[Instance] = [on.template.instance()]

    def fresh() -> None:
        held.append(on.template.instance())
        held[-1].call(function, payload)

    def warm() -> None:
        held[-1].call(function, payload)

    def renew() -> None:
        if len(held) > 1 or not held[-1].healthy:
            last = held.pop()
            while held:
                held.pop().close()
            held.append(last if last.healthy else on.template.instance())

    try:
        return _timed(fresh, _FEW, seconds, renew), _timed(warm, count, seconds, renew)
    finally:
        for one in held:
            one.close()


def _timed(run: Callable[[], None], most: int | None, seconds: float, after: Callable[[], object] = int) -> Times:
    """Runs until there are `most`, or without that until the time is over. `after` is not timed."""
    took: list[float] = []
    end = perf_counter() + seconds
    while most is None or len(took) < most:
        started = perf_counter()
        run()
        now = perf_counter()
        took.append(now - started)
        after()
        if most is None and now >= end:
            break
    return Times.of(took)


@click.command()
@click.argument("reference", metavar="PLUGIN.FUNCTION")
@click.argument("given", metavar="[INPUT]", required=False)
@click.option("-n", "--count", type=click.IntRange(1, 10_000_000), metavar="N", help="How many warm calls.")
@click.option("--seconds", type=Duration(), default=2.0, metavar="S", help="How long, without -n; default: 2.")
@host_folders
@pass_shell
def bench(shell: Shell, reference: str, given: str | None, *, count: int | None, seconds: float) -> None:
    """Measure a function: load, first and warm calls, fuel, memory.

    PLUGIN is the name of a plugin, or a file: `bench plugins/text.wasm:count_vowels hello`. It runs on a host of
    its own, with an empty store and all granted that it asks for; requests are sent only when its folder is
    trusted. INPUT is text or JSON; `-` reads standard input, `@FILE` a file.
    """
    output = Output(shell)
    plugin, function = _parts(reference)
    subject = find_subject(shell, output, plugin)
    name = _function(subject.manifest, function)
    with output.waiting(f"Measuring {subject.manifest.name}.{name}"):
        costs = measured(subject, name, read_input(given), count=count, seconds=seconds, network=is_trusted(subject))
    if output.is_json:
        output.document(costs.to_json())
        return
    output.rows(("what", "", ""), _rows(costs))
    output.say(f"{costs.warm.count:,} warm calls, {costs.input_bytes} bytes in, {costs.output_bytes} bytes out")


def _parts(reference: str) -> tuple[str, str]:
    """The plugin and the function, which stands after a colon where the plugin is a file."""
    for ending in _ENDINGS:
        file, found, function = reference.partition(f"{ending}:")
        if found or reference.endswith(ending):
            return (f"{file}{ending}" if found else reference), function
    plugin, _, function = reference.partition(".")
    return plugin, function


def _function(manifest: Manifest, wanted: str) -> str:
    names = [function.name for function in manifest.functions]
    if wanted and wanted not in names:
        raise InvalidInput(f"{manifest.name} has no function {wanted!r}", remedy=f"it has {', '.join(names) or 'none'}")
    if not wanted and len(names) != 1:
        raise InvalidInput(f"{manifest.name} has {len(names)} functions", remedy=f"name one of {', '.join(names)}")
    return wanted or names[0]


def _rows(costs: Costs) -> Iterator[tuple[str, str, str]]:
    times = (
        ("new instance and first call, p50", costs.fresh.p50_s),
        ("warm call, p50", costs.warm.p50_s),
        ("warm call, p95", costs.warm.p95_s),
        ("warm call, p99", costs.warm.p99_s),
        ("call through the host, p50", costs.hosted.p50_s),
    )
    most = max(seconds for _, seconds in times)
    yield "compile", _time(costs.compile_s), ""
    yield "load compiled code", _time(costs.load_s), ""
    for name, seconds in times:
        yield name, _time(seconds), bar(seconds, most)
    yield "warm calls a second, one thread", f"{costs.per_second:,.0f}", ""
    yield "fuel of a call", "-" if costs.fuel is None else f"{costs.fuel:,}", ""
    yield "memory of an instance", size_text(costs.memory_bytes) if costs.memory_bytes else "-", ""


def _time(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{seconds * 1e6:.1f} us"
    return f"{seconds * 1e3:.2f} ms" if seconds < 1 else f"{seconds:.2f} s"


@click.command()
@click.argument("plugin", metavar="PLUGIN|FOLDER|FILE")
@folders
@common_and_file
@pass_shell
def stub(shell: Shell, plugin: str) -> None:
    """Write a typed Python client for a plugin: NAME_client.py, or the FILE of `-o FILE`; `-o -` prints it.

    \b
    from omnicore import Host
    from text_client import Text
    with Host(plugins="plugins") as host:
        Text(host).count_vowels("hello")["count"]
    """
    output = Output(shell)
    manifest = find_subject(shell, output, plugin).manifest
    source = client_source(manifest.name, manifest.version, manifest.functions)
    file = shell.out or Path(client_file(manifest.name))
    if str(file) == "-":
        click.echo(source, nl=False)
        return
    write_whole(file.absolute().parent, file.name, source.encode())
    words = f"Wrote {short_path(file)}: {len(manifest.functions)} functions of {manifest.name}"
    output.done(words, {"file": str(file), "plugin": manifest.name, "functions": [f.name for f in manifest.functions]})


_SHOWN = 40


@click.command()
@click.argument("plugin", metavar="PLUGIN|FOLDER|FILE", default=".")
@click.option("--cases", type=click.Path(path_type=Path), metavar="FILE", help="The cases, instead of expected.json.")
@click.option("--update", is_flag=True, help="Write what came of the calls, and fuel budgets, into the file.")
@host_folders
@click.pass_context
@pass_shell
def test(shell: Shell, ctx: click.Context, plugin: str, *, cases: Path | None, update: bool) -> None:
    """Make the calls of a plugin's expected.json and compare; exit code 1 when one differs.

    They run in order on a host of their own, with an empty store and all granted that the plugin asks for;
    requests are sent only when its folder is trusted.

    \b
    Each case: {"function", "input"} and one of
      "output"         what comes back
      "output_schema"  a JSON Schema that it fits
      "error"          a part of the error's text
    and if you like "fuel" (the most it may use), "timeout_s", "settings" (a host of its own with these).
    """
    output = Output(shell)
    subject = find_subject(shell, output, plugin)
    file = cases or cases_of(subject)
    wanted = read_cases(file)
    with output.waiting(f"Testing {subject.manifest.name}"):
        results = list(run_cases(subject, wanted, cache=code_cache(shell), network=is_trusted(subject)))
    if update:
        _write(output, file, results)
    else:
        _show(output, subject.manifest.name, results)
        ctx.exit(Exit.OK if all(result.passed for result in results) else Exit.FAILURE)


def _write(output: Output, file: Path, results: Sequence[Result]) -> None:
    cases = updated(results)
    changed = sum(not result.passed for result in results)
    write_whole(file.absolute().parent, file.name, written(cases).encode())
    words = f"Wrote {short_path(file)}: {len(cases)} cases, {changed} of them changed; fuel budgets for all"
    output.done(words, {"file": str(file), "cases": len(cases), "changed": changed})


def _show(output: Output, name: str, results: Sequence[Result]) -> None:
    failed = [result for result in results if not result.passed]
    if output.is_json:
        output.document({"plugin": name, "passed": not failed, "cases": [result.to_json() for result in results]})
    elif output.format == "table":
        output.rows(("", "call", "ms", "fuel", "found"), map(_row, results))
        _tell(output, failed)
        output.line(_summary(name, results, failed), style="red" if failed else "green")
    else:
        _lines(results)
        output.say(_summary(name, results, failed))


def _row(result: Result) -> tuple[str, ...]:
    mark = styled("ok", "green") if result.passed else styled("FAIL", "bold red")
    fuel = "-" if result.fuel is None else f"{result.fuel:,}"
    if result.case.fuel is not None:
        fuel += f" of {result.case.fuel:,}"
    return mark, _called(result), f"{result.took_s * 1000:.1f}", fuel, result.problem


def _tell(output: Output, failed: Sequence[Result]) -> None:
    styles = {"-": "red", "+": "green"}
    for result in failed:
        if result.diff:
            output.line(_called(result), style="bold")
        for line in result.diff.splitlines():
            output.line(f"  {line}", style=styles.get(line[:1], ""))


def _lines(results: Sequence[Result]) -> None:
    """Source: the Test Anything Protocol, version 14."""
    click.echo(f"TAP version 14\n1..{len(results)}")
    for number, result in enumerate(results, 1):
        fuel = "" if result.fuel is None else f" # fuel {result.fuel}"
        click.echo(printable(f"{'ok' if result.passed else 'not ok'} {number} - {_called(result)}{fuel}"))
        for line in f"{result.problem}\n{result.diff}".strip().splitlines():
            click.echo(printable(f"# {line}"))


def _called(result: Result) -> str:
    """The call in short: `greet {"name": "Ada"}`."""
    given = result.case.values.get("input", "")
    shown = " ".join((given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)).split())
    return f"{result.case.function} {shown[:_SHOWN]}{'...' if len(shown) > _SHOWN else ''}".strip()


def _summary(name: str, results: Sequence[Result], failed: Sequence[Result]) -> str:
    return f"{name}: {len(results) - len(failed)} of {len(results)} cases are well"


@click.command()
@click.argument("name", metavar="PLUGIN|FILE")
@host_folders
@pass_shell
def show(shell: Shell, name: str) -> None:
    """Show one plugin: functions with their schemas, what it asks for and was granted, limits, and its file.

    A .wasm or .wat file need not be installed.
    """
    output = Output(shell)
    anatomy: Anatomy | None
    if is_file(name):
        subject = read_subject(Path(name))
        anatomy = dissected(subject.module)
        document = {**json.loads(subject.manifest.to_json()), "path": name}
        rows, title = _manifest_rows(subject.manifest), subject.manifest.name
        asked = {one.name for one in subject.manifest.capabilities}
    else:
        with connected(shell, output) as client:
            document = client.get("plugins", name)
        anatomy = _anatomy(loaded(shell).settings.plugins / document["path"])
        rows, title = detail_rows(document), document["name"]
        asked = {one["name"] for one in document["asked"]}
    if output.is_json:
        output.document({**document, "module": anatomy.to_json() if anatomy else None})
        return
    about = anatomy_rows(anatomy, asked=asked) if anatomy else ()
    output.rows(("plugin", title), [*rows, *about])
    if anatomy is not None:
        output.rows(SECTION_HEADS, section_rows(anatomy))


def _anatomy(file: Path) -> Anatomy | None:
    """The contents of an installed file; None if it is not a module, which its state then says."""
    try:
        data = file.read_bytes()
        return dissected(wat_to_wasm(data) if file.suffix == ".wat" else data)
    except (OSError, ModuleRejected):
        return None


def _manifest_rows(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """Rows from the manifest of a plugin that is not installed."""
    for label, text in (("description", manifest.description), ("author", manifest.author)):
        if text:
            yield label, text
    yield "version", manifest.version or "-"
    yield "manifest", manifest.source
    yield from function_rows({function.name: function.to_json() for function in manifest.functions})
    yield from asked_rows(
        [
            {
                "name": one.name,
                "scope": dict(one.scope),
                "reason": one.reason,
                "warnings": review_warnings(one.name, one.scope),
            }
            for one in manifest.capabilities
        ]
    )
    if manifest.config is not None:
        yield "settings", json.dumps(manifest.config, ensure_ascii=False)
    for name, value in (manifest.limits or {}).items():
        yield f"limit {name}", str(value)
    if manifest.limits_reason:
        yield "limits because", manifest.limits_reason


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--reason", "reasons", metavar="DOOR=TEXT", multiple=True, help="Why it needs a door, such as kv=caches.")
@click.option(
    "--scope", "scopes", metavar="DOOR.FIELD=A,B", multiple=True, help="Such as http.hosts=api.example.com,example.org."
)
@common_and_file
@pass_shell
def adopt(shell: Shell, file: Path, *, reasons: Sequence[str], scopes: Sequence[str]) -> None:
    """Write the manifest of a module that was made for another host.

    Asks what it needs each door for that it imports, and writes FILE's .toml beside it, which `plugins install` and
    the plugin folder take along.
    """
    output = Output(shell)
    subject = read_subject(file)
    if subject.manifest.source != "inferred":
        where = f"edit or delete {file.stem}.toml" if subject.manifest.source == "sidecar" else "there is nothing to do"
        raise Conflict(f"{file.name} has a manifest already", remedy=where)
    info = inspect(subject.module)
    needed = unasked(check_imports(info), ())
    if not needed:
        output.done(f"{file.name} needs no manifest: it reaches no door that somebody has to open", {"needs": []})
        return
    text = _adopted(
        file, needed, _told(needed, needed, reasons, "reason"), _told(needed, _fields(needed), scopes, "scope")
    )
    made = shell.out or file.with_suffix(".toml")
    read_manifest(file.stem, info, sidecar=text.encode(), sidecar_path=made.name)
    write_whole(made.parent, made.name, text.encode())
    output.done(f"Wrote {short_path(made)}", {"needs": list(needed), "file": str(made)})
    output.say(f"Look at it, then run `omnicore plugins install {file}`.")


def _fields(doors: Sequence[str]) -> list[str]:
    return [f"{door}.{field}" for door in doors for field in needed_fields(door)]


def _told(doors: Sequence[str], names: Sequence[str], given: Sequence[str], option: str) -> dict[str, str]:
    """The answers of options and, of what they leave open, of somebody who is asked.

    Raises: InvalidInput: nobody is there.
    """
    found: dict[str, str] = {}
    for text in given:
        name, _, value = text.partition("=")
        if not value or name.partition(".")[0] not in doors:
            raise InvalidInput(
                f"--{option} {text[:80]} is about no door that it imports", remedy=f"it imports {', '.join(doors)}"
            )
        found[name] = value
    for name in names:
        if name not in found:
            question = f"Why does it need {name}?" if option == "reason" else f"{name}, several with commas between"
            if not sys.stdin.isatty():
                raise InvalidInput(f"nobody is there to ask: {question}", remedy=f"add --{option} {name}=...")
            found[name] = str(click.prompt(question, err=True))
    return found


def _adopted(file: Path, needed: Sequence[str], reasons: Mapping[str, str], scopes: Mapping[str, str]) -> str:
    parts = [f'name = "{name_of_stem(file.stem)}"']
    for door in needed:
        own = {name.partition(".")[2]: text for name, text in scopes.items() if name.partition(".")[0] == door}
        values = {name: [one.strip() for one in text.split(",") if one.strip()] for name, text in own.items()}
        parts.append(lines_to_ask(door, reasons[door], values))
    return "\n\n".join(parts) + "\n"


@click.command()
@click.argument("plugin", required=False)
@click.option("-n", "--count", "limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many.")
@click.option("--host", "kind", flag_value="host", help="Only what plugins asked of the host, such as kv.get.")
@click.option("--functions", "kind", flag_value="function", help="Only functions of plugins.")
@host_folders
@pass_shell
def top(shell: Shell, plugin: str | None, kind: str | None, *, limit: int) -> None:
    """Show which functions took the time since the server started, longest in all first.

    Calls of a function are shown as PLUGIN.FUNCTION, what a plugin asked of the host as PLUGIN > VERB.
    """
    output = Output(shell)
    with connected(shell, output) as client:
        items = client.get("metrics", "calls", plugin=plugin, kind=kind, limit=limit)["items"]
    if output.is_json:
        output.document(items)
        return
    output.rows(("what", "calls", "errors", "p50", "p95", "p99", "in all"), [_figures_row(one) for one in items])
    if not items:
        output.say("Nothing was called since the server started.")


def _figures_row(one: Document) -> tuple[str, ...]:
    name = f"{one['plugin']} > {one['name']}" if one["kind"] == "host" else f"{one['plugin']}.{one['name']}"
    times = (_time(one[f"p{part}_ms"] / 1000) for part in (50, 95, 99))
    return name, f"{one['calls']:,}", f"{one['errors']:,}", *times, _time(one["total_s"])


@click.command()
@click.argument("target", metavar="[PLUGIN[.FUNCTION]]", required=False)
@click.option("-n", "--count", "limit", type=click.IntRange(1, 500), default=20, show_default=True, help="How many.")
@click.option("--failed", "state", flag_value="failed", help="Only calls that failed.")
@click.option("--slow", "state", flag_value="slow", help="Only calls that took 0.1 s or longer.")
@click.option("--version", "of_version", help="Only of a version, or of a hash that begins so.")
@click.option("--run", help="Only those of a run of a workflow.")
@click.option("--since", type=Moment(), help="Only from this time on: 1h, a date, or a date and time.")
@click.option("--least", type=Duration(), help="Only those that took as long, such as 50ms.")
@click.option("-q", "--words", "q", help="Words in the error, the caller or the input.")
@click.option("--call", "one", metavar="ID", help="One call, with what it asked of the host.")
@host_folders
@pass_shell
def calls(shell: Shell, /, target: str | None, one: str | None, **given: Any) -> None:
    """Show calls of plugins that the running server keeps, newest first.

    Calls that failed or took 0.1 s are kept, and of the others one a second for each function; the oldest go first.
    """
    output = Output(shell)
    plugin, _, function = (target or "").partition(".")
    asked = {"limit": given["limit"], "state": given["state"], "version": given["of_version"], "run": given["run"]}
    asked |= {"q": given["q"], "since": given["since"], "plugin": plugin or None, "function": function or None}
    asked["least_ms"] = None if given["least"] is None else given["least"] * 1000
    with connected(shell, output) as client:
        found = client.get("calls", one) if one else client.get("calls", **asked)
    if one:
        _show_call(output, found)
        return
    if output.is_json:
        output.document(found)
        return
    output.rows(_CALL_HEADS, [_call_row(call) for call in found["items"]])
    if not found["items"]:
        output.say("No such call is kept.")


_CALL_HEADS = ("call", "at", "function", "outcome", "took", "memory", "asked", "by")


def _call_row(call: Document) -> tuple[str, ...]:
    memory = "" if call["memory_bytes"] is None else size_text(call["memory_bytes"])
    what = f"{call['plugin']}.{call['function']}"
    times = (date(call["at"]), what, call["code"], _time(call["time_ms"] / 1000))
    return call["id"], *times, memory, str(call["host_calls"]), call["by"]


def _show_call(output: Output, call: Document) -> None:
    if output.is_json:
        output.document(call)
        return
    output.rows(("field", "value"), field_rows({name: value for name, value in call.items() if name != "asked"}))
    rows = [
        (one["verb"], _time(one["begin_ms"] / 1000), _time(one["time_ms"] / 1000), one["outcome"])
        for one in call["asked"]
    ]
    if rows:
        output.rows(("asked of the host", "after", "took", "outcome"), rows)
