"""The terms of bonds and deals as they are stated on record: the row of the instrument, and what other files tell of it."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal

import sqlalchemy

from posttrade.domain.open_deals import DealTerms, ToldOf
from posttrade.domain.stated_bonds import StatedBond, dates_gone_ex, end_of
from posttrade.procedures.schema import procedures_in_force
from posttrade.records.facts_known import INSTRUMENTS_KNOWN

_CELLS = tuple(one.name for one in fields(StatedBond) if one.name not in ("interest", "is_repaid_in_parts", "listed_coupons"))


@dataclass(frozen=True)
class StatedTerms:
    """One bond or deal, as a business date knows it."""

    instrument_id: str
    product_line: str
    content_sha: str
    """Of its row of instruments.csv."""
    bond: StatedBond
    repayments: dict[date, Decimal]
    """Percent of the original nominal by coupon date, unadjusted."""
    told: DealTerms

    @property
    def end_date(self) -> date | None:
        """The day on which the last of its nominal is repaid; None where nothing ends."""
        return end_of(self.bond, self.repayments, self.told)

    @property
    def dates_gone_ex(self) -> list[date]:
        """The first settlement dates without a coupon or a repayment, in order."""
        return dates_gone_ex(self.bond, self.repayments, self.told)


def terms_stated(
    connection: sqlalchemy.Connection, business_date: date, instrument_ids: Collection[str] | None = None
) -> list[StatedTerms]:
    """The bonds and deals that the business date knows, of the product lines in force on it, in order of their id.

    Args:
        connection: of any role that reads the facts.
        business_date: facts of later dates are left out.
        instrument_ids: only these; None for all.
    """
    lines = {name: one.bond for name, one in procedures_in_force(business_date).items() if one.bond}
    parameters = {
        "business_date": business_date,
        "lines": list(lines),
        "instrument_ids": None if instrument_ids is None else list(instrument_ids),
    }
    repayments: dict[str, dict[date, Decimal]] = defaultdict(dict)
    for instrument_id, day, percent in connection.exec_driver_sql(REPAYMENTS_KNOWN, parameters):
        repayments[instrument_id][day] = percent
    listed: dict[str, dict[date, Decimal | None]] = defaultdict(dict)
    for instrument_id, day, amount in connection.exec_driver_sql(COUPON_DATES_KNOWN, parameters):
        listed[instrument_id][day] = amount
    rates: dict[str, dict[date, Decimal]] = defaultdict(dict)
    end_dates: dict[str, set[date]] = defaultdict(set)
    for row in connection.exec_driver_sql(DEAL_TERMS_KNOWN, parameters):
        if row.told_of == ToldOf.RATE:
            rates[row.instrument_id][row.valid_from] = row.rate
        else:
            end_dates[row.instrument_id].add(row.valid_from)
    terms = []
    for row in connection.exec_driver_sql(BONDS_KNOWN, parameters):
        procedure, name = lines[row.product_line], row.instrument_id
        assert procedure is not None
        bond = StatedBond(
            interest=procedure.interest,
            is_repaid_in_parts=procedure.is_repaid_in_parts,
            listed_coupons=listed.get(name, {}),
            **{cell: getattr(row, cell) for cell in _CELLS},
        )
        told = DealTerms(rates.get(name, {}), frozenset(end_dates.get(name, ())))
        terms.append(StatedTerms(name, row.product_line, row.content_sha, bond, repayments.get(name, {}), told))
    return terms


_CHOSEN = "(%(instrument_ids)s::text[] is null or instrument_id = any(%(instrument_ids)s::text[]))"

BONDS_KNOWN = f"""
select instruments.*
from ({INSTRUMENTS_KNOWN}) as instruments
where instruments.product_line = any(%(lines)s) and {_CHOSEN}
order by instruments.instrument_id
"""

REPAYMENTS_KNOWN = f"""
select instrument_id, repayment_date, repaid_percent
from (
    select distinct on (instrument_id, repayment_date) *
    from books.bond_repayments where business_date <= %(business_date)s and {_CHOSEN}
    order by instrument_id, repayment_date, business_date desc, revision desc
) as known
where repaid_percent > 0
"""

COUPON_DATES_KNOWN = f"""
select instrument_id, coupon_date, coupon_percent
from (
    select distinct on (instrument_id, coupon_date) *
    from books.bond_coupon_dates where business_date <= %(business_date)s and {_CHOSEN}
    order by instrument_id, coupon_date, business_date desc, revision desc
) as known
where date_state = 'LISTED'
"""

DEAL_TERMS_KNOWN = f"""
select instrument_id, valid_from, told_of, rate
from (
    select distinct on (instrument_id, valid_from, told_of) *
    from books.open_deal_terms where business_date <= %(business_date)s and {_CHOSEN}
    order by instrument_id, valid_from, told_of, business_date desc, revision desc
) as known
where deal_state <> 'WITHDRAWN'
"""
