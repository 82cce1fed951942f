"""The command line. Commands are imported only when they are run, so that ``--help`` is quick."""

from __future__ import annotations

import gc
import os
import sys

from cyclopts import App, CycloptsError, Group, Parameter

from enrico import __version__
from enrico.cli.helptexts import COMMANDS, HELP

app = App(
    name="enrico",
    help=HELP,
    version=__version__,
    version_flags=["--version"],
    help_format="plaintext",
    default_parameter=Parameter(negative=(), show_default=False),
)
for place, (title, commands) in enumerate(COMMANDS.items(), 1):
    group = Group(title, sort_key=place)
    for name, (target, text) in commands.items():
        app.command(f"enrico.cli.{target}", name=name, group=group, help=text)


def main() -> None:
    """Entry point of the ``enrico`` command."""
    from enrico.cli.terminal import outlive_terminal

    collect_rarely()
    outlive_terminal()
    sys.exit(run_command(sys.argv[1:]))


def collect_rarely() -> None:
    """Look for garbage in cycles less often than Python does; for a process that is all ours.

    A command makes modules, settings and tables that it keeps, and rows that are freed without the
    collector; Python's thresholds let it walk over all of them some hundred times.
    """
    gc.set_threshold(50_000, 20, 20)


def run_command(arguments: list[str]) -> int:
    """Run one command line; returns the exit code. Errors are one line on stderr."""
    from enrico.errors import EnricoError

    try:
        result = app(
            arguments, exit_on_error=False, print_error=False, result_action="return_value"
        )
        return result if isinstance(result, int) else 0
    except CycloptsError as error:
        text = " ".join(str(error).split())
        print(f"enrico: {text} See: enrico --help", file=sys.stderr)
        return 2
    except EnricoError as error:
        if "--debug" in arguments:
            return _crashed(error, error.exit_code)
        if "--json" in arguments:
            import orjson

            problem = {"error": {"code": error.code, "message": str(error)}}
            print(orjson.dumps(problem).decode())
        print(f"enrico: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # The reader of a pipe went away, as `| head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # a mistake of ours; its traceback may repeat what it stumbled on
        return _crashed(error, 1)


def _crashed(error: Exception, code: int) -> int:
    from enrico.logs import masked_traceback

    print(masked_traceback(error), end="", file=sys.stderr)
    return code
