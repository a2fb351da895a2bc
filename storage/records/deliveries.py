"""SQL of the log of callbacks: a line for every attempt, and never changed."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sessions.callbacks import CallbackType
from sessions.deliveries import Delivery, DeliveryOutcome, milliseconds
from storage.records.tables import deletions, deliveries
from storage.records.upserts import insert_into

_SAME_NAME = tuple(name for name in Delivery.model_fields if name != "duration")


async def write_delivery(connection: AsyncConnection, delivery: Delivery) -> None:
    """Write an attempt down, unless it is there, or its session was deleted."""
    if await connection.scalar(select(deletions.c.kind).where(deletions.c.session_id == delivery.session_id)):
        return
    statement = insert_into(deliveries, connection=connection).on_conflict_do_nothing()
    values = {name: getattr(delivery, name) for name in _SAME_NAME}
    await connection.execute(statement, {**values, "duration_milliseconds": milliseconds(delivery.duration)})


async def deliveries_of(connection: AsyncConnection, session_id: str) -> Sequence[Delivery]:
    """Return every attempt to tell of a session, oldest first."""
    statement = (
        select(deliveries)
        .where(deliveries.c.session_id == session_id)
        .order_by(deliveries.c.at, deliveries.c.id, deliveries.c.attempt)
    )
    return tuple(
        Delivery(
            id=row.id,
            session_id=row.session_id,
            type=CallbackType(row.type),
            url=row.url,
            attempt=row.attempt,
            at=row.at,
            outcome=DeliveryOutcome(row.outcome),
            status=row.status,
            error=row.error,
            duration=timedelta(milliseconds=row.duration_milliseconds),
            next_attempt_at=row.next_attempt_at,
        )
        for row in await connection.execute(statement)
    )


async def delete_deliveries(connection: AsyncConnection, session_id: str) -> None:
    """Delete what is logged of a session."""
    await connection.execute(delete(deliveries).where(deliveries.c.session_id == session_id))
