"""Bonds as the product makes them: from the cells of an instrument."""

from datetime import date
from decimal import Decimal

from posttrade.domain.bond_terms import Bond
from posttrade.domain.day_counts import ICMA
from posttrade.domain.stated_bonds import Interest, StatedBond, bond_of


def bond(
    issue: date | str,
    maturity: date | str,
    *,
    first: date | str | None = None,
    rate: Decimal | str = "4",
    frequency: int = 2,
    day_count: str = ICMA,
    market_mic: str = "XETR",
) -> Bond:
    """A bond of a fixed rate, repaid at maturity; dates as such or as in a file, empty where there is none."""
    stated = StatedBond(
        Interest.FIXED,
        is_repaid_in_parts=False,
        market_mic=market_mic,
        issue_date=_day(issue),
        maturity_date=_day(maturity),
        coupon_rate=Decimal(rate),
        coupon_frequency=frequency,
        day_count=day_count,
        first_coupon_date=_day(first),
    )
    return bond_of(stated, {}, {})


def _day(stated: date | str | None) -> date | None:
    if isinstance(stated, str):
        return date.fromisoformat(stated) if stated else None
    return stated
