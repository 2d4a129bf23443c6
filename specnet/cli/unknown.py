"""What to type instead of a command or an option that does not exist."""

from __future__ import annotations

from itertools import pairwise

import click

from specnet.names import nearest, suggest
from specnet.words import printable, quote

PLUGIN_COMMANDS = {"sweep": "specnet-sweep", "watch": "specnet-watch"}
"""Commands of our own plugins, which may not be installed, and their distributions."""


class CommandGroup(click.Group):
    """A group that suggests a command for an unknown one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if not (args[0].startswith("-") or ctx.resilient_parsing or self.get_command(ctx, args[0])):
            ctx.fail(f"there is no command {quote(args[0])}: {printable(self.suggest(args))}")
        return super().resolve_command(ctx, args)

    def suggest(self, args: list[str]) -> str:
        """Return what to type instead of these arguments."""
        return suggest(args[0], self.commands)


def unknown_option(error: click.NoSuchOption, args: list[str]) -> click.UsageError:
    """Return the error for an option that a command does not have.

    If it names a value of the spec, and the command takes `--set`, that is what to type.
    """
    from specnet.spec.overrides import find_setting

    name = error.option_name
    options = {option for each in error.ctx.command.params for option in each.opts} if error.ctx else set()
    message = f"there is no option {quote(name)}"
    if "--set" in options and (place := find_setting(name.lstrip("-").replace("-", "_"))):
        words = " ".join(args).replace(f"{name}=", f"{name} ").split()
        value = next((after for before, after in pairwise(words) if before == name), "VALUE")
        return click.UsageError(f"{message}: use --set {place}={printable(value)}", error.ctx)
    near = nearest(name, options) if len(name) > len("--lr") else None
    return click.UsageError(f'{message}: did you mean "{near}"?' if near else message, error.ctx)
