"""Points this process to another database and home."""

import os

from posttrade.records.database import dispose_engines
from posttrade.settings import get_settings


def set_environment(**values: str) -> None:
    """Set POSTTRADE_ variables and let the settings be read again."""
    dispose_engines()
    os.environ.update({f"POSTTRADE_{name.upper()}": value for name, value in values.items()})
    get_settings.cache_clear()
