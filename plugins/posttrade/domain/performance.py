"""Returns of a portfolio and the risk read off them. Money is decimal; returns are ratios and may be floats."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import accumulate, pairwise
from math import isfinite, log1p, sqrt
from typing import TypeAlias

from pyxirr import xirr

Ratio: TypeAlias = float
"""A return as a part of one: 0.05 is 5 %. Binary, as no money is booked from it."""

DAYS_A_YEAR = 365


class FlowTiming(StrEnum):
    """When, between two valuations, external flows are taken to have happened."""

    INFLOW_FIRST_OUTFLOW_LAST = "inflow first, outflow last"
    """Money paid in works from the start on, money taken out until the end: what was there earned the return."""
    START = "start"
    """All flows before the first trade."""
    END = "end"
    """All flows after the last trade."""


@dataclass(frozen=True)
class Valuation:
    """What the portfolio is worth at the end of a day, that day's flows included."""

    valuation_date: date
    value_amount: Decimal


@dataclass(frozen=True)
class ExternalFlow:
    """Money or securities that come into the portfolio (positive) or leave it (negative); not income, fees or trades."""

    flow_date: date
    amount: Decimal


@dataclass(frozen=True)
class PeriodReturn:
    """The return from one valuation to the next."""

    end_date: date
    return_ratio: Ratio


def period_returns(
    valuations: Sequence[Valuation],
    flows: Iterable[ExternalFlow],
    timing: FlowTiming = FlowTiming.INFLOW_FIRST_OUTFLOW_LAST,
) -> list[PeriodReturn]:
    """The return up to each valuation: (value + what left at the end) / (value before + what came at the start) - 1.

    Before the first valuation the portfolio is taken to be empty; give its opening value as a flow of the first day, or as
    a valuation the flows of which lie before. A flow between two valuations belongs to the later one. A period that began
    and ended with nothing returns zero.

    Args:
        valuations: in order of date, one a date.
        flows: in any order, several a date.
        timing: see `FlowTiming`; whoever shows the return says which one it is.

    Raises:
        ValueError: dates are out of order, a flow follows the last valuation, or a period began with nothing or with debts
            and has no return.
    """
    if any(later.valuation_date <= earlier.valuation_date for earlier, later in pairwise(valuations)):
        raise ValueError("the valuations are not in order of date, one a date")
    pending = sorted(flows, key=lambda flow: flow.flow_date)
    if pending and (not valuations or pending[-1].flow_date > valuations[-1].valuation_date):
        raise ValueError(f"the flow of {pending[-1].flow_date} follows the last valuation")
    returns, opening = [], Decimal(0)
    for valuation in valuations:
        amounts = [flow.amount for flow in pending if flow.flow_date <= valuation.valuation_date]
        pending = pending[len(amounts) :]
        at_start, at_end = _split(amounts, timing)
        returns.append(PeriodReturn(valuation.valuation_date, _ratio(valuation, opening + at_start, at_end)))
        opening = valuation.value_amount
    return returns


def time_weighted_return(
    valuations: Sequence[Valuation],
    flows: Iterable[ExternalFlow],
    timing: FlowTiming = FlowTiming.INFLOW_FIRST_OUTFLOW_LAST,
) -> Ratio:
    """The return of a unit of the portfolio over all valuations, whatever came and went: the `period_returns`, linked.

    Exact where every day with a flow is valued. Source: the true time-weighted return of the GIPS standards.

    Raises:
        ValueError: see `period_returns`.
    """
    return linked_return(one.return_ratio for one in period_returns(valuations, flows, timing))


def linked_return(returns: Iterable[Ratio]) -> Ratio:
    """Returns of periods that follow each other as one: the product of (1 + return), less 1."""
    return accumulated_returns(returns)[-1]


def accumulated_returns(returns: Iterable[Ratio]) -> list[Ratio]:
    """The linked return before the first period (zero) and up to each period."""
    return [wealth - 1 for wealth in accumulate(returns, lambda wealth, one: wealth * (1 + one), initial=1.0)]


def annualised_return(return_ratio: Ratio, start: date, end: date) -> Ratio:
    """The return of a year that, compounded by actual days over 365, gives the return from `start` to `end`.

    Raises:
        ValueError: the period has no days, or more than everything was lost.
    """
    if end <= start or return_ratio < -1:
        raise ValueError(f"a return of {return_ratio} from {start} to {end} has no yearly equivalent")
    return float((1 + return_ratio) ** (DAYS_A_YEAR / (end - start).days)) - 1


def average_capital(opening: Valuation, closing: Valuation, flows: Iterable[ExternalFlow]) -> Decimal:
    """The opening value and each flow by the part of the period it was there: (days - day of flow) / days.

    Raises:
        ValueError: the period has no days, or a flow lies outside of it (the opening date itself is outside).
    """
    days = (closing.valuation_date - opening.valuation_date).days
    if days <= 0:
        raise ValueError(f"the period from {opening.valuation_date} to {closing.valuation_date} has no days")
    capital = opening.value_amount
    for flow in flows:
        if not opening.valuation_date < flow.flow_date <= closing.valuation_date:
            raise ValueError(f"the flow of {flow.flow_date} lies outside {opening.valuation_date} to {closing.valuation_date}")
        capital += flow.amount * (closing.valuation_date - flow.flow_date).days / days
    return capital


def modified_dietz_return(opening: Valuation, closing: Valuation, flows: Sequence[ExternalFlow]) -> Ratio:
    """The money-weighted return of a period without valuations in between: gain / `average_capital`.

    The first-order form of `money_weighted_return`, of the period and not of a year. A flow happens at the end of its day.
    Source: P. O. Dietz, Pension Funds: Measuring Investment Performance (1966); GIPS.

    Raises:
        ValueError: see `average_capital`, or the average capital is not positive.
    """
    capital = average_capital(opening, closing, flows)
    if capital <= 0:
        raise ValueError(f"an average capital of {capital} up to {closing.valuation_date} has no return")
    gain = closing.value_amount - opening.value_amount - sum((flow.amount for flow in flows), Decimal(0))
    return float(gain / capital)


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
    return _deviation(returns, only_below_mean=False)


def semi_deviation(returns: Sequence[Ratio]) -> Ratio:
    """`volatility` of the returns below their mean alone, by the same divisor.

    Raises:
        ValueError: fewer than two returns, or one of -100 % or less.
    """
    return _deviation(returns, only_below_mean=True)


def max_drawdown(accumulated: Sequence[Ratio]) -> Ratio:
    """The largest loss from a peak, as a positive part of the peak; of accumulated returns in order of date."""
    wealth = [1 + one for one in accumulated]
    return max((1 - value / peak for value, peak in zip(wealth, accumulate(wealth, max), strict=True)), default=0.0)


def longest_drawdown_days(dates: Sequence[date], accumulated: Sequence[Ratio]) -> int:
    """The most days from one high of the accumulated return to the next higher one, or to the end."""
    longest, high, high_date = 0, None, None
    for day, value in zip(dates, accumulated, strict=True):
        longest = max(longest, (day - (high_date or day)).days)
        if high is None or value > high:
            high, high_date = value, day
    return longest


def _split(amounts: list[Decimal], timing: FlowTiming) -> tuple[Decimal, Decimal]:
    """The flows of a period at its start and at its end."""
    inflow = sum((amount for amount in amounts if amount > 0), Decimal(0))
    outflow = sum((amount for amount in amounts if amount < 0), Decimal(0))
    match timing:
        case FlowTiming.INFLOW_FIRST_OUTFLOW_LAST:
            return inflow, outflow
        case FlowTiming.START:
            return inflow + outflow, Decimal(0)
        case FlowTiming.END:
            return Decimal(0), inflow + outflow


def _ratio(valuation: Valuation, invested: Decimal, at_end: Decimal) -> Ratio:
    earned = valuation.value_amount - at_end
    if invested == 0 and earned == 0:
        return 0.0
    if invested <= 0:
        raise ValueError(f"the period up to {valuation.valuation_date} began with {invested} and has no return")
    return float(earned / invested - 1)


def _deviation(returns: Sequence[Ratio], *, only_below_mean: bool) -> Ratio:
    if len(returns) < 2 or min(returns) <= -1:
        raise ValueError("a deviation needs two returns or more, each above -100 %")
    logarithms = [log1p(one) for one in returns]
    mean = sum(logarithms) / len(logarithms)
    squares = sum((one - mean) ** 2 for one in logarithms if one < mean or not only_below_mean)
    return sqrt(squares / (len(logarithms) - 1) * len(logarithms))
