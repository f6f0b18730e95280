"""Trades that are not in the books."""

from typing import Annotated

import typer

from posttrade.cli.surroundings import out, settings_for, with_engine

trades_app = typer.Typer(
    help="Trades that are not in the books: beyond the posting cut-off (held, release, refuse), blocks not allocated.", no_args_is_help=True
)


@trades_app.command("held")
def show_held_trades() -> None:
    """List the trade events that reach beyond the posting cut-off and stay out of the books until somebody decides."""
    from posttrade.records.database import Role, engine
    from posttrade.records.trade_releases import list_held
    from posttrade.runtime.postgres import running_server

    settings_for(None)
    with running_server():
        held = list_held(engine(Role.OPERATOR))
    for one in held:
        block = f"; decided on with its block {one['block_trade_id']} {one['block_version']}" if one["block_trade_id"] else ""
        out.print(
            f"{one['trade_id']} {one['version']}  {one['event_type']}, recorded for {one['business_date']}, of a trade dated"
            f" {one['first_trade_date']}: on or before {one['last_date_out_of_reach']}{block}",
            markup=False,
            soft_wrap=True,
        )
    out.print(f"{len(held)} waiting.")


@trades_app.command("blocks")
def show_waiting_blocks() -> None:
    """List the blocks that are not booked as they stand, because their allocations do not add up to them."""
    from posttrade.records.blocks import list_waiting_blocks
    from posttrade.records.database import Role, engine
    from posttrade.runtime.postgres import running_server

    settings_for(None)
    with running_server():
        waiting = list_waiting_blocks(engine(Role.OPERATOR))
    for one in waiting:
        quantity = "unknown" if one["quantity"] is None else f"{one['quantity'].normalize():f}"
        allocated = f"{one['allocated_quantity'].normalize():f}"
        out.print(f"{one['trade_id']}  quantity {quantity}, allocated {allocated}  {one['waits_because']}", markup=False, soft_wrap=True)
    out.print(f"{len(waiting)} waiting.")


@trades_app.command("release")
def release_trade(
    trade_id: Annotated[str, typer.Argument(help="The trade as on record, e.g. CSV~T-1001; a block with all its allocations.")],
    version: Annotated[int, typer.Argument(help="Its version; the ones before it are covered.")],
    by: Annotated[str, typer.Option(help="Your name; never the trader's, nor whoever corrected the row.")],
    reason: Annotated[str, typer.Option(help="Why it may be booked.")],
) -> None:
    """Let a trade event beyond the cut-off into the books; it is booked in the open date, as a prior-day correction."""
    _decide_trade(trade_id, version, "RELEASED", by, reason)


@trades_app.command("refuse")
def refuse_trade(
    trade_id: Annotated[str, typer.Argument(help="The trade as on record, e.g. CSV~T-1001; a block with all its allocations.")],
    version: Annotated[int, typer.Argument(help="Its version.")],
    by: Annotated[str, typer.Option(help="Your name; never the trader's, nor whoever corrected the row.")],
    reason: Annotated[str, typer.Option(help="Why it stays out.")],
) -> None:
    """Keep a trade event beyond the cut-off out of the books; it stays on record."""
    _decide_trade(trade_id, version, "REFUSED", by, reason)


def _decide_trade(trade_id: str, version: int, decision: str, by: str, reason: str) -> None:
    from posttrade.records.trade_releases import decide_on_trade

    with_engine("OPERATOR", lambda engine, day: decide_on_trade(trade_id, version, decision, by, reason, day, engine))
    out.print(f"{decision.capitalize()}.")
