"""The command line, put together. Importing this file imports no torch, so that ``gsmooth --help`` answers at once."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from cyclopts import App
from rich.markup import escape

from gsmooth_core.cli.attack import attack
from gsmooth_core.cli.benchmark import benchmark
from gsmooth_core.cli.certify import certify
from gsmooth_core.cli.exit_codes import EXIT_UNEXPECTED
from gsmooth_core.cli.failures import explained
from gsmooth_core.cli.figure.app import figure
from gsmooth_core.cli.figure.augmented import augmented
from gsmooth_core.cli.figure.noises import noises
from gsmooth_core.cli.figure.variances import variances
from gsmooth_core.cli.fit import fit
from gsmooth_core.cli.new import new
from gsmooth_core.cli.page import page
from gsmooth_core.cli.plugins import plugins
from gsmooth_core.cli.printing import warn, warnings_in_sentences
from gsmooth_core.cli.show import show
from gsmooth_core.cli.verify import verify
from gsmooth_core.common.console import make_tolerant, new_console

OLD_NAMES = {"corrupt": "benchmark", "report": "page"}
"""Earlier names of commands, and their names now; :func:`main` takes both."""

app = App(
    name="gsmooth",
    help="Certify image classifiers against realistic corruptions.\n\nExit codes: 0 done; 1 an unexpected error; 2 bad "
    "input or a broken plugin; 3 less certified than --at-least asks, or a broken certificate; 130 interrupted (with "
    "--out, what was done is kept).",
    version_flags=["--version"],
    suppress_keyboard_interrupt=False,
)
for drawing in (noises, variances, augmented):
    figure.command(drawing)
for command in (plugins, certify, fit, attack, verify, benchmark, show, page, figure, new):
    app.command(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    for stream in (sys.stdout, sys.stderr):
        make_tolerant(stream)
    errors = new_console(stderr=True, soft_wrap=True)
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and given[0] in OLD_NAMES:
        warn(f"'gsmooth {given[0]}' is now called 'gsmooth {OLD_NAMES[given[0]]}'")
        given[0] = OLD_NAMES[given[0]]
    try:
        with warnings_in_sentences():
            code = app(given, exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()
    except BrokenPipeError:  # nobody reads what is printed, as after "| head"
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = EXIT_UNEXPECTED
    except (Exception, KeyboardInterrupt, SystemExit) as error:
        if isinstance(error.__context__, BrokenPipeError):
            raise
        sentence, code = explained(error)
        errors.print(f"[bold red]gsmooth:[/bold red] {escape(sentence)}")
    sys.exit(code if isinstance(code, int) else 0)
