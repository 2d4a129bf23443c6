"""The command `specnet`: parse, call, print.

Commands import what they need when they run, so that `--help` answers at once.
"""

from __future__ import annotations

from typing import Any

import click

from specnet.cli.inspecting import components, data, validate
from specnet.cli.running import run
from specnet.cli.using import evaluate, plot, predict
from specnet.errors import SpecnetError


class Commands(click.Group):
    """A group whose commands end in a message and an exit code, never in a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SpecnetError as error:
            click.echo(str(error), err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(130)
        except MemoryError as error:
            click.echo(f"error[memory]: {error or 'out of memory'}", err=True)
            ctx.exit(2)
        except OSError as error:
            click.echo(f"error[file]: {error.filename or ''}: {error.strerror or error}", err=True)
            ctx.exit(2)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="specnet")
def cli() -> None:
    """Train small neural networks from one JSON file.

    \b
    Example:
      specnet run specs/spiral.json
    """


for command in (run, validate, components, data, evaluate, predict, plot):
    cli.add_command(command)


def main() -> None:
    """Run the command line."""
    cli(prog_name="specnet")
