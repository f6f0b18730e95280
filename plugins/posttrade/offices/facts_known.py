"""Facts as a business date knows them: SQL for statements with the parameter `business_date`."""

from posttrade.records import facts_known

INSTRUMENTS_KNOWN = facts_known.INSTRUMENTS_KNOWN % {"business_date": ":business_date"}
"""Each instrument as it was last stated."""

TRADES_TOUCHED = """
    select trade_id from books.trade_versions where business_date = :business_date
    union
    select trade_id from operations.trade_releases where business_date = :business_date
    union
    select trade_id from books.trades_held_for_terms
    where business_date <= :business_date and coalesce(found_date >= :business_date, true)
"""
"""The trades of which the date records or releases a version, and those that wait for their terms."""
