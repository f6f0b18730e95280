"""Geometry of the report's charts: amounts in, coordinates out. The drawing itself is a template.

Coordinates are the only numbers here that become floats; every amount that is written next to a mark stays a Decimal.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import accumulate

BAR_HEIGHT = 26.0
BARS_WIDTH = 720.0
LABEL_WIDTH = 168.0
VALUE_WIDTH = 118.0
DAYS_WIDTH = 720.0
DAYS_LEFT = 64.0
DAYS_TOP = 12.0
DAYS_HEIGHT = 150.0


@dataclass(frozen=True)
class Bar:
    """A horizontal bar with its label and value."""

    label: str
    amount: Decimal
    x: float
    width: float
    top: float
    value_x: float
    value_anchor: str


@dataclass(frozen=True)
class BarChart:
    """Horizontal bars around a common zero line."""

    bars: Sequence[Bar]
    zero_x: float
    width: float
    height: float


@dataclass(frozen=True)
class Tick:
    """A labelled grid line."""

    amount: Decimal
    y: float


@dataclass(frozen=True)
class DayMark:
    """A day of the series: its own amount as a column, the running total as a point."""

    business_date: date
    amount: Decimal
    running: Decimal
    x: float
    column_y: float
    column_height: float
    column_width: float
    point_y: float
    is_labelled: bool


@dataclass(frozen=True)
class DayChart:
    """Columns of the days and the line of their running total on one scale."""

    days: Sequence[DayMark]
    ticks: Sequence[Tick]
    zero_y: float
    width: float
    height: float
    left: float
    bottom: float

    @property
    def line(self) -> str:
        """Points of the running total's polyline."""
        return " ".join(f"{day.x:.1f},{day.point_y:.1f}" for day in self.days)


def bar_chart(amounts: Iterable[tuple[str, Decimal]]) -> BarChart | None:
    """Horizontal bars, largest gain first; None when there is nothing to draw.

    Args:
        amounts: label and amount of each bar.
    """
    ordered = sorted(amounts, key=lambda pair: (-pair[1], pair[0]))
    if not ordered:
        return None
    highest = max(0.0, *(float(amount) for _, amount in ordered))
    lowest = min(0.0, *(float(amount) for _, amount in ordered))
    span = (highest - lowest) or 1.0
    # Each side that has bars keeps room beyond its longest bar for the value.
    left_room = LABEL_WIDTH + (VALUE_WIDTH if lowest < 0 else 0.0)
    right_room = VALUE_WIDTH
    scale = (BARS_WIDTH - left_room - right_room) / span
    zero_x = left_room - lowest * scale
    bars = []
    for position, (label, amount) in enumerate(ordered):
        width = max(abs(float(amount)) * scale, 1.0)
        is_loss = amount < 0
        bars.append(
            Bar(
                label=label,
                amount=amount,
                x=zero_x - width if is_loss else zero_x,
                width=width,
                top=position * BAR_HEIGHT,
                value_x=zero_x - width - 8 if is_loss else zero_x + width + 8,
                value_anchor="end" if is_loss else "start",
            )
        )
    return BarChart(bars=bars, zero_x=zero_x, width=BARS_WIDTH, height=len(bars) * BAR_HEIGHT)


def day_chart(amounts: Sequence[tuple[date, Decimal]]) -> DayChart | None:
    """The amount of each day as a column and their running total as a line; None with fewer than two days.

    Args:
        amounts: business date and amount, oldest first.
    """
    if len(amounts) < 2:
        return None
    running = list(accumulate(amount for _, amount in amounts))
    values = [*running, *(amount for _, amount in amounts), Decimal(0)]
    ticks = _round_steps(min(values), max(values))
    lowest, highest = float(ticks[0]), float(ticks[-1])
    scale = DAYS_HEIGHT / (highest - lowest)

    def y(amount: Decimal) -> float:
        return DAYS_TOP + (highest - float(amount)) * scale

    slot = (DAYS_WIDTH - DAYS_LEFT - 12) / len(amounts)
    every = max(1, -(-len(amounts) // 8))
    days = []
    for position, ((business_date, amount), total) in enumerate(zip(amounts, running, strict=True)):
        height = abs(y(amount) - y(Decimal(0)))
        days.append(
            DayMark(
                business_date=business_date,
                amount=amount,
                running=total,
                x=DAYS_LEFT + slot * (position + 0.5),
                column_y=y(max(amount, Decimal(0))),
                column_height=height,
                column_width=min(slot * 0.56, 34.0),
                point_y=y(total),
                is_labelled=(len(amounts) - 1 - position) % every == 0,
            )
        )
    return DayChart(
        days=days,
        ticks=[Tick(amount=tick, y=y(tick)) for tick in ticks],
        zero_y=y(Decimal(0)),
        width=DAYS_WIDTH,
        height=DAYS_TOP + DAYS_HEIGHT + 26,
        left=DAYS_LEFT,
        bottom=DAYS_TOP + DAYS_HEIGHT,
    )


def _round_steps(lowest: Decimal, highest: Decimal) -> list[Decimal]:
    span = (highest - lowest) or Decimal(1)
    magnitude = Decimal(10) ** (span / 4).adjusted()
    step = next(magnitude * factor for factor in (1, 2, 5, 10) if magnitude * factor * 4 >= span)
    first = (lowest / step).to_integral_value(rounding="ROUND_FLOOR")
    last = (highest / step).to_integral_value(rounding="ROUND_CEILING")
    return [step * number for number in range(int(first), max(int(last), int(first) + 1) + 1)]
