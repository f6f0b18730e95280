"""Income payments to clients."""

from typing import Annotated

import typer

from posttrade.cli.surroundings import out, with_engine

payments_app = typer.Typer(help="Income payments to clients: list, approve, reject, release.", no_args_is_help=True)


@payments_app.command("list")
def list_payments() -> None:
    """List the payments that wait for a second person."""
    from posttrade.offices.income import waiting_payments

    rows = with_engine("OPERATOR", lambda engine, day: waiting_payments(day, engine))
    for row in rows:
        out.print(
            f"{row['payment_id']}  {row['client_id']}  {row['amount']:>14,.2f} {row['currency_code']}  due {row['pay_date']}"
            f"  prepared by {row['maker']}"
        )
    out.print(f"{len(rows)} waiting.")


@payments_app.command("approve")
def approve_payments(
    payment_ids: list[str], by: Annotated[str, typer.Option(help="Your name; never the one who prepared it.")], note: str = ""
) -> None:
    """Approve payments as the second person."""
    _decide(payment_ids, "APPROVED", by, note)


@payments_app.command("reject")
def reject_payments(
    payment_ids: list[str], by: Annotated[str, typer.Option(help="Your name.")], note: Annotated[str, typer.Option(help="Why.")]
) -> None:
    """Reject payments as the second person."""
    _decide(payment_ids, "REJECTED", by, note)


@payments_app.command("release")
def release() -> None:
    """Send the approved payments to the bank; each leaves once."""
    from posttrade.offices.income import release_payments

    counts = with_engine("OPERATOR", lambda engine, day: release_payments(day, engine))
    out.print(", ".join(f"{name} {count}" for name, count in counts.items()))


def _decide(payment_ids: list[str], decision: str, checker: str, note: str) -> None:
    from posttrade.offices.income import decide_payments

    with_engine("OPERATOR", lambda engine, day: decide_payments(payment_ids, decision, checker, note, day, engine))
    out.print(f"{len(payment_ids)} {decision.lower()}.")
