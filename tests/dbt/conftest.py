"""The small firm of the integration tests."""

from integration.conftest import firm

__all__ = ["firm"]
