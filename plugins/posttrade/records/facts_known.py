"""Facts as a business date knows them: SQL for statements of psycopg with the parameter `business_date`; how trades are named on record."""

INSTRUMENTS_KNOWN = (
    "select distinct on (instrument_id) * from books.instruments where business_date <= %(business_date)s"
    " order by instrument_id, business_date desc, revision desc"
)
"""Each instrument as it was last stated."""

BASE_CURRENCY_KNOWN = (
    "select one.base_currency_code from books.firms as one where one.business_date <= %(business_date)s"
    " order by one.business_date desc, one.revision desc limit 1"
)
"""The currency the firm keeps its books in."""

ALLOCATION_ACCOUNTS_KNOWN = (
    "select one.account_id from (select distinct on (account_id) account_id, account_type from books.accounts"
    " where business_date <= %(business_date)s order by account_id, business_date desc, revision desc) as one"
    " where one.account_type = 'ALLOCATION'"
)
"""The accounts whose trades are blocks."""

NAMED_WITH_SOURCE = "^(CSV|FIX|FODB)~."
"""The name of a trade as it stands on record, as a regular expression: its source and the id given there."""
