"""What all commands hang on, and how it ends when something goes wrong."""

import logging
import sys

import sqlalchemy
import sqlalchemy.exc
import typer

from posttrade.errors import PosttradeError

app = typer.Typer(
    help="The daily middle- and back-office work of an investment firm: close days, look at the result, look after it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


class Interrupted(Exception):
    """A person has stopped the run."""


def main() -> None:
    """Run the command line; what a person can mend is one sentence on stderr and exit code 1."""
    logging.basicConfig(level=logging.WARNING)
    try:
        app(prog_name="./posttrade")
    except Interrupted:
        print("posttrade: stopped; what was finished is kept, nothing is half-written.", file=sys.stderr)
        sys.exit(130)
    except PosttradeError as error:
        print(f"posttrade: {error}", file=sys.stderr)
        sys.exit(1)
    except sqlalchemy.exc.OperationalError as error:
        print(f"posttrade: the database does not answer: {str(error.orig).splitlines()[0]}", file=sys.stderr)
        sys.exit(1)
