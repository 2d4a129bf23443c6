"""The command `specnet`, which `python -m specnet` is as well."""

import sys


def run_command_line() -> None:
    """Run the command line. Ctrl-C ends it without a traceback, even while it is imported."""
    try:
        from specnet.cli import main

        main()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    run_command_line()
