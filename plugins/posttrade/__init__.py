"""posttrade: the daily middle- and back-office work of an investment firm."""

__version__ = "0.1.0"
