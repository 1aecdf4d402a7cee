"""`omnicore call`: one function of a plugin, without a server."""

from __future__ import annotations

from time import perf_counter

import click

from omnicore.cli.hosting import opened
from omnicore.cli.inputs import Duration, output_value, print_output, read_input
from omnicore.cli.options import Shell, host_folders, pass_shell
from omnicore.cli.output import Output
from omnicore.cli.session import log_to_stderr


@click.command()
@click.argument("reference", metavar="PLUGIN.FUNCTION")
@click.argument("given", metavar="[INPUT]", required=False)
@click.option("--timeout", type=Duration(), metavar="S", help="Longest time, such as 0.5 or 500ms.")
@click.option("--logs", is_flag=True, help="Show what the plugin logs, on standard error.")
@host_folders
@pass_shell
def call(shell: Shell, reference: str, given: str | None, *, timeout: float | None, logs: bool) -> None:
    """Call one function of a plugin and print its output.

    PLUGIN is enough when it has one function. INPUT is text or JSON; `-` reads standard input, `@FILE` a
    file. In a pipe the output is written byte for byte.
    """
    output = Output(shell)
    payload = read_input(given)
    with opened(shell, output) as host:
        log_to_stderr("trace" if logs else "warn")
        started = perf_counter()
        with output.waiting(f"Calling {reference}"):
            answer = host.plugins.call_bytes(reference, payload, timeout_s=timeout)
        took_s = perf_counter() - started
    if output.is_json:
        document = {"call": reference, "output": output_value(answer), "ms": round(took_s * 1000, 3)}
        output.document(document)
    else:
        print_output(output, answer)
