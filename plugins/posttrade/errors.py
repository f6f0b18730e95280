"""The error a person sees: what is wrong and what to do about it."""


class PosttradeError(Exception):
    """A condition that a user or operator can act on; the CLI prints it without a traceback.

    Args:
        message: one sentence: what is wrong, with the file, line, field and value where there are any.
        remedy: one sentence: what to do.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message if not remedy else f"{message} {remedy}")
        self.message = message
        self.remedy = remedy
