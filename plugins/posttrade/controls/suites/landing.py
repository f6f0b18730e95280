"""Controls over what arrived, asked after recording."""

from posttrade.controls.catalogue import Control, Owner, Severity, Suite

CONTROLS = (
    Control(
        "file_refused", Suite.LANDING, Severity.WARNING, Owner.DATA_ENGINEERING,
        "Every file of the date was accepted.",
        "{file_name} was refused whole: {reason}.",
        "Ask the sender for the whole file again and put it into the day's folder; then clear the recording task.",
        ("file_name",),
        """select files.file_name, files.reason from landing.files inner join today using (business_date)
        where files.outcome = 'REFUSED'""",
    ),
    Control(
        "row_rejected", Suite.LANDING, Severity.WARNING, Owner.FRONT_OFFICE,
        "No row of the date waits for correction.",
        "{reason}",
        "Correct the row and replay it: ./posttrade exceptions list, then replay.",
        ("exception_id",),
        """select exceptions.exception_id, exceptions.reason from operations.exceptions inner join today using (business_date)
        where not exists (select from operations.exception_resolutions as done where done.exception_id = exceptions.exception_id)""",
    ),
    Control(
        "many_rows_rejected", Suite.LANDING, Severity.CRITICAL, Owner.DATA_ENGINEERING,
        "At most one row in twenty of a file was rejected.",
        "{rejected_count} of the {row_count} rows of {file_name} were rejected.",
        "The sender has probably changed the format: compare the header with docs/file-contracts.md.",
        ("file_name",),
        """select files.file_name, files.row_count, count(*) as rejected_count
        from landing.files inner join today using (business_date)
        inner join operations.exceptions on files.file_id = exceptions.file_id
        where not exists (select from operations.exception_resolutions as done where done.exception_id = exceptions.exception_id)
        group by files.file_id, files.file_name, files.row_count
        having count(*) > greatest(5, files.row_count * 0.05)""",
    ),
    Control(
        "trade_waits_for_original", Suite.LANDING, Severity.WARNING, Owner.FRONT_OFFICE,
        "Every amendment or cancellation has its original.",
        "{event_type} {version} of {trade_id} waits: its NEW has not come.",
        "Ask the front office for the missing NEW event; it counts as soon as it is recorded.",
        ("trade_id", "version"),
        """select events.trade_id, events.version, events.event_type from books.trade_versions as events, today
        where events.version > 1 and events.business_date <= today.business_date and not exists (
            select from books.trade_versions as originals where originals.trade_id = events.trade_id and originals.version = 1
                and originals.business_date <= today.business_date)""",
    ),
    Control(
        "trade_version_gap", Suite.LANDING, Severity.WARNING, Owner.FRONT_OFFICE,
        "No version of a trade is missing between two others.",
        "{trade_id} has version {version} and not the one before it.",
        "Ask the front office for the missing version.",
        ("trade_id", "version"),
        """select later.trade_id, later.version from books.trade_versions as later inner join today using (business_date)
        where later.version > 2 and not exists (
            select from books.trade_versions as earlier where earlier.trade_id = later.trade_id
                and earlier.version = later.version - 1 and earlier.business_date <= today.business_date)""",
    ),
    Control(
        "trade_after_cancellation", Suite.LANDING, Severity.WARNING, Owner.FRONT_OFFICE,
        "No trade lives on after its cancellation.",
        "{trade_id} was cancelled by version {cancelled_version} and amended by version {version}; it stays cancelled.",
        "Ask the front office; if the trade holds after all, it comes again under an id of its own.",
        ("trade_id", "version"),
        """select later.trade_id, later.version, cancelled.version as cancelled_version
        from today
        inner join books.trade_versions as told using (business_date)
        inner join books.trade_versions as cancelled on told.trade_id = cancelled.trade_id
            and cancelled.event_type = 'CANCEL' and cancelled.business_date <= today.business_date
            and cancelled.block_trade_id is null
        inner join books.trade_versions as later on cancelled.trade_id = later.trade_id
            and cancelled.version < later.version and later.business_date <= today.business_date
        where told.version in (cancelled.version, later.version)""",
    ),
    Control(
        "trade_beyond_cutoff", Suite.LANDING, Severity.WARNING, Owner.MIDDLE_OFFICE,
        "No trade event reaches further back than the firm allows.",
        "{event_type} {version} of {trade_id} reaches trade dates up to {last_date_out_of_reach} and stays out of the books.",
        "Find out why it comes so late; then ./posttrade trades release or refuse, as a second person.",
        ("trade_id", "version"),
        """select held.trade_id, held.version, held.event_type, held.last_date_out_of_reach
        from today, operations.trade_events_held(today.business_date) as held""",
    ),
    Control(
        "block_not_allocated", Suite.LANDING, Severity.WARNING, Owner.FRONT_OFFICE,
        "Every block is allocated, and every division adds up to its block.",
        "The block {trade_id} over {quantity} has {allocated_quantity} allocated and is not booked as it stands: {waits_because}.",
        "Ask the front office for the missing block, or for a division that adds up in quantity and fees (a higher version).",
        ("trade_id",),
        """select states.trade_id, states.quantity, states.allocated_quantity, states.waits_because
        from today, books.block_states(today.business_date) as states where states.waits_because is not null""",
    ),
    Control(
        "no_trades", Suite.LANDING, Severity.WARNING, Owner.DATA_ENGINEERING,
        "The date brought trades.",
        "No trade was recorded for the date.",
        "Check that the front office delivered; then clear record_trades.",
        ("business_date",),
        """select today.business_date from today
        where not exists (select from books.trade_versions as trades where trades.business_date = today.business_date)""",
    ),
    Control(
        "identical_fills", Suite.LANDING, Severity.INFO, Owner.FRONT_OFFICE,
        "No two fills of the date are alike in everything.",
        "{fill_count} fills of {instrument_id} in {book_id} are alike in everything; all were kept.",
        "Nothing, unless the front office says that one was sent twice: then it cancels it.",
        ("content_sha",),
        """select trades.content_sha, min(trades.instrument_id) as instrument_id, min(trades.book_id) as book_id,
            count(*) as fill_count
        from books.trade_versions as trades inner join today using (business_date)
        where trades.trade_id like '%~#%'
        group by trades.content_sha having count(*) > 1""",
    ),
    Control(
        "fx_rate_missing", Suite.LANDING, Severity.CRITICAL, Owner.MIDDLE_OFFICE,
        "Every currency in use has had an exchange rate.",
        "There is no exchange rate of {currency_code} to {base_currency_code}.",
        "Deliver fx_rates.csv with the rate and clear record_market_data. Trades in it wait until it is known.",
        ("currency_code",),
        """select distinct used.currency_code, firm.base_currency_code from books.instruments cross join today
        cross join lateral (select firms.base_currency_code from books.firms where firms.business_date <= today.business_date
            order by firms.business_date desc, firms.revision desc limit 1) as firm
        cross join lateral (values (instruments.currency_code), (instruments.notional_currency_code)) as used (currency_code)
        where instruments.business_date <= today.business_date and used.currency_code <> firm.base_currency_code
            and not exists (select from books.fx_rates as rates where rates.currency_code = used.currency_code
                and rates.base_currency_code = firm.base_currency_code
                and rates.business_date <= today.business_date and rates.rate_date <= today.business_date)""",
    ),
    Control(
        "fx_rate_stale", Suite.LANDING, Severity.WARNING, Owner.MIDDLE_OFFICE,
        "Every currency in use has a rate of the date.",
        "The last exchange rate of {currency_code} is of {rate_date}.",
        "Deliver the day's rate and clear record_market_data.",
        ("currency_code",),
        """select rates.currency_code, max(rates.rate_date) as rate_date from books.fx_rates as rates, today
        where rates.business_date <= today.business_date
        group by rates.currency_code, today.business_date having max(rates.rate_date) < today.business_date""",
    ),
)  # fmt: skip
