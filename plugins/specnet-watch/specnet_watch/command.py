"""The command `specnet watch`."""

from __future__ import annotations

import socket
from pathlib import Path

import click

from specnet.cli.options import PATH, plugin_option
from specnet.cli.output import claim_output, echo
from specnet.errors import UsageError
from specnet.words import os_reason

PORT = 8484


@click.command("watch")
@click.argument("directory", metavar="[RUN|DIR]", type=PATH, default="runs")
@plugin_option
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=PORT,
    show_default=True,
    help="Port of the page; 0 means any free port.",
)
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
def watch_command(directory: Path, port: int, opens: bool) -> None:
    """Show runs in the browser while they train.

    For a RUN, the page shows curves, replay and remaining time. For a DIR, by default runs/, it is a table of all runs
    in it. Only browsers on this machine can open it, and no files are written. Stop the command with Ctrl-C.

    \b
    Example:
      specnet watch runs/spiral --open
      specnet watch runs --port 0
    """
    if not directory.is_dir():
        raise UsageError(
            f"{directory} is not a directory" if directory.exists() else f"there is no directory {directory}"
        )
    from specnet_watch.serving import serve

    try:
        listener = socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise UsageError(f"port {port} cannot be used: {os_reason(error)}", help="--port 0 finds a free one") from error
    address = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    echo(address)
    with listener:
        serve(directory, listener, address if opens else None)


claim_output(watch_command)
