"""The command `specnet`: parse, call, print.

Commands import what they need when they run, so that `--help` answers at once.
"""

from __future__ import annotations

import atexit
import io
import os
import signal
import sys
import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from specnet.cli.check import check
from specnet.cli.commands import find_command, list_plugins
from specnet.cli.compare import compare
from specnet.cli.doctor import doctor
from specnet.cli.drawing import plot, report
from specnet.cli.explain import explain
from specnet.cli.export import export
from specnet.cli.inspecting import components, data, validate
from specnet.cli.looking import importance, influence
from specnet.cli.lr_find import lr_find
from specnet.cli.many import cross_validate, refit, repeat
from specnet.cli.messages import terminal_width
from specnet.cli.new import new
from specnet.cli.output import claim_output, drop_unwritten, is_lost, return_stdout, take_stdout, tell
from specnet.cli.reproduce import reproduce
from specnet.cli.running import resume, run
from specnet.cli.runs import runs
from specnet.cli.schema import schema
from specnet.cli.summary import summary
from specnet.cli.together import refuse_ranks
from specnet.cli.trace import trace
from specnet.cli.unknown import PLUGIN_COMMANDS, CommandGroup, unknown_option
from specnet.cli.using import bundle, evaluate, predict
from specnet.errors import BrokenComponentError, SpecnetError
from specnet.names import nearest, suggest
from specnet.runs.signals import HANDLED, Signals
from specnet.words import describe_error, printable

if TYPE_CHECKING:
    from specnet.registry import Entry


LINGER = 5.0
"""Seconds that a command which has failed or was stopped waits for threads of plugins."""


class Commands(CommandGroup):
    """A group whose commands end in a message and an exit code, never in a traceback.

    Plugins may add commands. A built-in keeps its name: it is looked up first, and plugins only if there is none.
    """

    plugin: Entry | None = None
    """The entry of the command that runs, if a plugin provides it."""

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        self.plugin = None
        if name in self.commands or not name.isidentifier():
            return super().get_command(ctx, name)
        if found := find_command(name):
            self.plugin, command = found
            return_stdout(ctx.obj)
            return command
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_commands(ctx, formatter)
        if plugins := [(name, owner) for name, owner in list_plugins().items() if name not in self.commands]:
            with formatter.section("Commands of plugins"):
                formatter.write_dl([(name, f"from {owner}") for name, owner in plugins])

    def invoke(self, ctx: click.Context) -> Any:
        arguments = [*ctx.args]
        try:
            with Signals() as signals, signals.promptly():  # a run handles its own, and is not left at once
                return super().invoke(ctx)
        except SpecnetError as error:
            tell(error.render(terminal_width()), *_notes(error))
            ctx.exit(error.exit_code)
        except KeyboardInterrupt as error:
            tell(str(error) or "interrupted", *_notes(error))
            ctx.exit(getattr(error, "exit_code", 130))
        except (MemoryError, OSError) as error:
            blamed = _blame_own(error)
            if isinstance(error, BrokenPipeError) and not blamed:
                raise  # click exits quietly if nobody reads the output
            tell(blamed or _describe_shortage(error), *_notes(error))
            ctx.exit(2)
        except click.NoSuchOption as error:
            raise unknown_option(error, arguments) from None
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except BaseException as error:
            blamed = _blame(error, self.plugin)
            if not (blamed or isinstance(error, Exception)):
                raise
            if os.environ.get("SPECNET_DEBUG"):
                raise
            where = "SPECNET_DEBUG=1 in the environment shows where"
            if blamed:
                tell(_describe_broken(blamed, error), f"   = help: report it to the author; {where}")
                ctx.exit(BrokenComponentError.exit_code)
            tell(f"error[internal]: {describe_error(error)}", f"   = help: this is a bug; {where}")
            ctx.exit(1)

    def suggest(self, args: list[str]) -> str:
        commands = {*self.commands, *list_plugins(), *PLUGIN_COMMANDS}
        if plugin := PLUGIN_COMMANDS.get(args[0]):
            return f"it comes with the plugin {plugin}: pip install {plugin}"
        spec = next((argument for argument in args if argument.endswith(".json")), None)
        if spec and (spec == args[0] or nearest(args[0], commands, "commands") == "run"):
            return f'did you mean "specnet run {spec}"?'
        return suggest(args[0], commands, "commands")

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="specnet")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Train small neural networks from one JSON file.

    \b
    Example:
      specnet run specs/spiral.json
    """
    if ctx.invoked_subcommand not in (None, run.name, resume.name):
        refuse_ranks(ctx.invoked_subcommand)


for command in (
    run,
    resume,
    repeat,
    cross_validate,
    refit,
    validate,
    summary,
    trace,
    schema,
    components,
    data,
    evaluate,
    predict,
    bundle,
    importance,
    influence,
    plot,
    report,
    compare,
    runs,
    reproduce,
    explain,
    check,
    lr_find,
    doctor,
    new,
    export,
):
    cli.add_command(command)
    for each in command.commands.values() if isinstance(command, click.Group) else (command,):
        claim_output(each)


def _notes(error: BaseException) -> list[str]:
    return [f"   = note: {printable(note)}" for note in getattr(error, "__notes__", ())]


def _blame(error: BaseException, plugin: Entry | None) -> str | None:
    """Return which plugin component raised an error, if one did; `plugin` is the command that runs."""
    from specnet.faults import find_culprit

    if found := find_culprit(error):
        return f"{found[0]} fails in {found[1]}{found[0].where(error)}"
    return f"{plugin} fails" if plugin else None


def _describe_shortage(error: MemoryError | OSError) -> str:
    if isinstance(error, MemoryError):
        help = "make batch_size or units smaller, or set --memory-budget"
        return printable(f"error[memory]: {error or 'out of memory'}") + f"\n   = help: {help}"
    return printable(f"error[file]: {error.filename or 'output'}: {error.strerror or error}")


def _blame_own(error: BaseException) -> str | None:
    """Return the message for a lack of memory or an error of a file in the code of a plugin; None if it is ours."""
    from specnet.faults import raised_by_plugin

    blamed = _blame(error, None) if raised_by_plugin(error) else None
    return blamed and _describe_broken(blamed, error)


def _describe_broken(blamed: str, error: BaseException) -> str:
    return printable(f"error[broken-component]: {blamed}: {describe_error(error)}")


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # characters that the terminal cannot show are escaped
            stream.reconfigure(errors="backslashreplace")
    # pydantic would look for plugins of its own in all installed distributions.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    atexit.register(_ignore_signals)  # registered first, so it runs after what plugins register
    code, own = 1, take_stdout()
    try:
        cli(prog_name="specnet", obj=own)
    except SystemExit as done:
        code = done.code if isinstance(done.code, int) else int(done.code is not None)
        if code == 0 and is_lost(own):
            code = 2
            tell("error[file]: output: the code of a plugin has closed it")
        raise SystemExit(code) from None
    except OSError as error:  # while options are read, or help is printed
        code = 2
        tell(_describe_shortage(error))
        raise SystemExit(code) from None
    finally:
        drop_unwritten()
        atexit.register(setattr, sys, "stdout", sys.stderr)  # before what plugins have registered
        _leave_at_a_signal(code)


def _leave_at_a_signal(code: int) -> None:
    """Let a signal end the process with the code of its command, which is done, if threads of plugins do not end."""

    def leave(*_: object) -> None:
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()
        os._exit(code)

    for number in HANDLED:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, leave)
    if any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
        hint = "note: a thread of a plugin is still running; Ctrl-C ends the command"
        timer = threading.Timer(LINGER, leave if code else partial(tell, hint))
        timer.daemon = True
        timer.start()


def _ignore_signals() -> None:
    for number in HANDLED:  # nothing is left to wait for: a signal should not change the exit code
        signal.signal(number, signal.SIG_IGN)
