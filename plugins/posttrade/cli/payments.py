"""Income payments to clients."""

from typing import Annotated

import typer

from posttrade.cli.surroundings import out, with_engine

payments_app = typer.Typer(help="Income payments to clients: list, approve, reject, withdraw, release.", no_args_is_help=True)


@payments_app.command("list")
def list_payments() -> None:
    """List the payments that wait for a second person, those that are held, and what clients were overpaid."""
    from posttrade.offices.income import held_payments, overpaid_clients, waiting_payments

    rows = with_engine("OPERATOR", lambda engine, day: waiting_payments(day, engine))
    for row in rows:
        out.print(
            f"{row['payment_id']}  {row['client_id']}  {row['amount']:>14,.2f} {row['currency_code']}  due {row['pay_date']}"
            f"  prepared by {row['maker']}"
        )
    out.print(f"{len(rows)} waiting.")
    for row in with_engine("OPERATOR", lambda engine, day: held_payments(day, engine)):
        command = "withdraw" if row["is_approved"] else "reject"
        out.print(
            f"{row['payment_id']}  {row['client_id']}  {row['amount']:>14,.2f} {row['currency_code']}  held: the client is entitled to"
            f" {row['entitled_amount']:,.2f} now, of which {row['promised_amount']:,.2f} are promised already."
            f" ./posttrade payments {command} {row['payment_id']} --by NAME --note WHY; what is left is proposed at the next close."
        )
    for row in with_engine("OPERATOR", lambda engine, day: overpaid_clients(day, engine)):
        out.print(
            f"Overpaid: {row['overpaid_amount']:,.2f} {row['currency_code']} to {row['client_id']} on account {row['account_id']} for"
            f" {row['instrument_id']}: {row['paid_amount']:,.2f} left, the client is entitled to {row['entitled_amount']:,.2f}."
            " Claim it back."
        )


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


@payments_app.command("withdraw")
def withdraw(payment_id: str, by: Annotated[str, typer.Option(help="Your name.")], note: Annotated[str, typer.Option(help="Why.")]) -> None:
    """Take back an approved payment that has not left."""
    from posttrade.offices.income import withdraw_payment

    with_engine("OPERATOR", lambda engine, day: withdraw_payment(payment_id, by, note, day, engine))
    out.print(f"{payment_id} is withdrawn. What the client is entitled to is proposed again at the next close after it has changed.")


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
