"""`omnicore plugins bench`: what a function costs."""

from __future__ import annotations

from collections.abc import Iterator

import click

from omnicore.cli.bars import bar
from omnicore.cli.benchmark import Costs, measured
from omnicore.cli.inputs import Duration, read_input
from omnicore.cli.options import Shell, host_folders, pass_shell
from omnicore.cli.output import Output
from omnicore.cli.plugin_text import size_text
from omnicore.cli.subjects import find_subject
from omnicore.errors import InvalidInput
from omnicore.plugins.manifest import Manifest

_ENDINGS = (".wasm", ".wat")


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
    its own, with an empty store and all granted that it asks for. INPUT is text or JSON; `-` reads standard
    input, `@FILE` a file.
    """
    output = Output(shell)
    plugin, function = _parts(reference)
    subject = find_subject(shell, output, plugin)
    name = _function(subject.manifest, function)
    with output.waiting(f"Measuring {subject.manifest.name}.{name}"):
        costs = measured(subject, name, read_input(given), count=count, seconds=seconds)
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
