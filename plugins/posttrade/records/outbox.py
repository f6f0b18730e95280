"""The outbox: a message is recorded in the transaction that decides on it, and delivered afterwards, under one name."""

import hashlib
import os
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import sqlalchemy
from sqlalchemy import text

from posttrade.errors import PosttradeError
from posttrade.settings import get_settings


def queue(connection: sqlalchemy.Connection, channel: str, business_date: date, item_ids: Sequence[str], payload: str) -> str:
    """Record a message in the caller's transaction.

    Args:
        connection: inside a transaction of the operator.
        channel: `settlement` or `payments`; the folder of the outbox.
        business_date: the date in the file's name.
        item_ids: the instructions or payments in it; each may be in one message only.
        payload: the whole text of the file.

    Returns:
        The message's id: `<channel>_<business date>_<number of the day>`.

    Raises:
        sqlalchemy.exc.IntegrityError: an item is already in another message.
    """
    number = connection.scalar(
        text("select count(*) + 1 from operations.outbox where channel = :channel and business_date = :business_date"),
        {"channel": channel, "business_date": business_date},
    )
    message_id = f"{channel}_{business_date}_{number}"
    connection.execute(
        text(
            "insert into operations.outbox (message_id, channel, file_name, payload, payload_sha, item_count, business_date)"
            " values (:message_id, :channel, :file_name, :payload, :payload_sha, :item_count, :business_date)"
        ),
        {
            "message_id": message_id,
            "channel": channel,
            "file_name": f"{message_id}.csv",
            "payload": payload,
            "payload_sha": hashlib.sha256(payload.encode()).hexdigest(),
            "item_count": len(item_ids),
            "business_date": business_date,
        },
    )
    connection.execute(
        text(
            "insert into operations.outbox_items (channel, item_id, message_id)"
            " select :channel, item_id, :message_id from unnest(cast(:item_ids as text[])) as item_id"
        ),
        {"channel": channel, "message_id": message_id, "item_ids": list(item_ids)},
    )
    return message_id


def deliver(channel: str, engine: sqlalchemy.Engine) -> int:
    """Write every message of the channel that is not delivered to its folder, and record the delivery.

    A run that was killed in between finds its own file and records it.

    Returns:
        The number of messages delivered now.

    Raises:
        PosttradeError: a file of that name with other content is already there.
    """
    delivered = 0
    with engine.begin() as connection:
        # Two deliveries at once would race for the file's name.
        connection.execute(text("select pg_advisory_xact_lock(hashtext('outbox ' || :channel))"), {"channel": channel})
        messages = connection.execute(
            text(
                "select message_id, file_name, payload from operations.outbox as outbox where channel = :channel and not exists"
                " (select from operations.outbox_deliveries as done where done.message_id = outbox.message_id)"
                " order by business_date, message_id"
            ),
            {"channel": channel},
        ).all()
        for message_id, file_name, payload in messages:
            write_once(get_settings().outbox / channel / file_name, payload)
            connection.execute(
                text("insert into operations.outbox_deliveries (message_id) values (:message_id)"), {"message_id": message_id}
            )
            delivered += 1
    return delivered


def write_once(path: Path, payload: str) -> None:
    """Write a file so that a reader sees all of it or nothing; the same content again changes nothing.

    Raises:
        PosttradeError: the file is there with other content.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        if path.read_text(encoding="utf-8") == payload:
            return
        raise PosttradeError(
            f"{path} is already there with other content than the message of that name.",
            "Find out who wrote it and move it away; the message is delivered at the next run.",
        )
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("w", encoding="utf-8", newline="") as file:
        file.write(payload)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
