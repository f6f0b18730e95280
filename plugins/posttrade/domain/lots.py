"""The methods by which a closing trade chooses the lots it closes."""

from enum import StrEnum


class LotMethod(StrEnum):
    """Which lot a trade against the position closes first; ties go to the older lot."""

    FIFO = "FIFO"
    """The oldest."""
    LIFO = "LIFO"
    """The newest."""
    HIGHEST_COST = "HIGHEST_COST"
    """The one with the highest cost per unit, fees included, in local currency."""
    LOWEST_COST = "LOWEST_COST"
    """The one with the lowest cost per unit."""
    AVERAGE = "AVERAGE"
    """All that is held is one lot at its average cost."""
    SPECIFIC = "SPECIFIC"
    """The one the trade names; the oldest where it names none that could give anything, which a control reports."""
