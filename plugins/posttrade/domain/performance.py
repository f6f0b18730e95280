"""Returns of a portfolio and the risk read off them. Money is decimal; returns are ratios and may be floats."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import accumulate
from math import isfinite, log1p, sqrt
from typing import TypeAlias

from pyxirr import xirr

Ratio: TypeAlias = float
"""A return as a part of one: 0.05 is 5 %. Binary, as no money is booked from it."""

DAYS_A_YEAR = 365


@dataclass(frozen=True)
class ExternalFlow:
    """Money or securities that come into the portfolio (positive) or leave it (negative); not income, fees or trades."""

    flow_date: date
    amount: Decimal


def accumulated_returns(returns: Iterable[Ratio]) -> list[Ratio]:
    """Returns of periods that follow each other as one, the product of (1 + return) less 1: before the first (zero) and up to each."""
    return [wealth - 1 for wealth in accumulate(returns, lambda wealth, one: wealth * (1 + one), initial=1.0)]


def money_weighted_return(flows: Sequence[ExternalFlow]) -> Ratio:
    """The yearly rate at which what came into the portfolio and what left it, each compounded to one date, are worth the same.

    The internal rate of return of dated flows, by actual days over 365. The value at the start of the period counts as a flow in on
    its date, the value at the end as a flow out; which of the two directions is positive makes no difference. Flows that change
    direction several times can have several such rates; one of them is returned. Source: the function XIRR of spreadsheets.

    Args:
        flows: in any order, several a date.

    Raises:
        ValueError: all flows go one way, or no rate makes them worth the same, as when all are of one date.
    """
    if not any(flow.amount > 0 for flow in flows) or not any(flow.amount < 0 for flow in flows):
        raise ValueError("a money-weighted return needs flows in and flows out, the value at the end among them")
    ordered = sorted(flows, key=lambda flow: flow.flow_date)
    rate = xirr([flow.flow_date for flow in ordered], [float(flow.amount) for flow in ordered])
    if rate is None or not isfinite(rate):
        raise ValueError(f"no rate makes the flows from {ordered[0].flow_date} to {ordered[-1].flow_date} worth the same")
    return rate


def volatility(returns: Sequence[Ratio]) -> Ratio:
    """The standard deviation over the whole time (not a year): sample deviation of ln(1 + return) times root of their number.

    Raises:
        ValueError: fewer than two returns, or one of -100 % or less.
    """
    if len(returns) < 2 or min(returns) <= -1:
        raise ValueError("a deviation needs two returns or more, each above -100 %")
    logarithms = [log1p(one) for one in returns]
    mean = sum(logarithms) / len(logarithms)
    return sqrt(sum((one - mean) ** 2 for one in logarithms) / (len(logarithms) - 1) * len(logarithms))


def max_drawdown(accumulated: Sequence[Ratio]) -> Ratio:
    """The largest loss from a peak, as a positive part of the peak; of accumulated returns in order of date."""
    wealth = [1 + one for one in accumulated]
    return max((1 - value / peak for value, peak in zip(wealth, accumulate(wealth, max), strict=True)), default=0.0)
