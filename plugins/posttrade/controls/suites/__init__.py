"""The controls, one module per suite."""

from posttrade.controls.suites import books, landing, ledger, marts_back_office, marts_middle_office

CONTROLS = (
    *landing.CONTROLS,
    *books.CONTROLS,
    *marts_middle_office.CONTROLS,
    *marts_back_office.CONTROLS,
    *ledger.CONTROLS,
)
