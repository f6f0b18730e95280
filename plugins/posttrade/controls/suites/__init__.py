"""The controls, one module per suite."""

from posttrade.controls.suites import books, landing, ledger

CONTROLS = (*landing.CONTROLS, *books.CONTROLS, *ledger.CONTROLS)
