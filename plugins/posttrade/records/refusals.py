"""What the database refuses, said as it says it: a sentence and a hint of what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.exc import IntegrityError

from posttrade.errors import PosttradeError


def refusal(error: IntegrityError) -> PosttradeError | None:
    """What a rule of the database refuses, for a person; None where the database does not say what to do."""
    origin = error.orig
    if not isinstance(origin, psycopg.Error) or not origin.diag.message_hint:
        return None
    message = str(origin.diag.message_primary)
    return PosttradeError(f"{message[0].upper()}{message[1:]}.", origin.diag.message_hint)


@contextmanager
def refusals_said() -> Iterator[None]:
    """Say what the database refuses within the block, or the decorated function, as a `PosttradeError`."""
    try:
        yield
    except IntegrityError as error:
        if (said := refusal(error)) is None:
            raise
        raise said from error
