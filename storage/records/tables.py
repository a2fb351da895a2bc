"""The tables. What the migrations build must agree with them; a test compares the two."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    MetaData,
    Named,
    PrimaryKeyConstraint,
    Table,
    TypedColumns,
)

from sessions.artifacts import Artifact
from sessions.state import SessionState
from storage.records.columns import AsJson, UtcDateTime

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


class SessionColumns(TypedColumns):
    """``state`` is the session as its workflow last told it.

    ``status``, ``round``, ``settled_at`` and ``closed_at`` follow its attempts; ``updated_at`` is the state's, and
    that of an item may be later.
    """

    id: Named[str] = Column(primary_key=True)
    kind: Named[str]
    tenant: Named[str]
    title: Named[str]
    title_folded: Named[str]
    status: Named[str]
    round: Named[int]
    revision: Named[int]
    created_at: Named[datetime] = Column(UtcDateTime())
    updated_at: Named[datetime] = Column(UtcDateTime())
    settled_at: Named[datetime | None] = Column(UtcDateTime())
    closed_at: Named[datetime | None] = Column(UtcDateTime())
    request_sha256: Named[str | None]
    # Long texts last: SQLite then reads the columns before them without following a row to its overflow pages.
    start: Named[str | None]
    state: Named[SessionState] = Column(AsJson(SessionState))


sessions = Table("sessions", metadata, SessionColumns)

# Each holds what lists are sorted and cursors continued by. The title and the kind stand at the end so that a
# search and the counts walk an index alone: rows are long.
Index(None, sessions.c.created_at, sessions.c.id, sessions.c.title_folded)
Index(None, sessions.c.status, sessions.c.created_at, sessions.c.id, sessions.c.kind)
Index(None, sessions.c.kind, sessions.c.created_at, sessions.c.id)


class OverviewColumns(TypedColumns):
    """What lists show of a session's state. Apart from it, because rows of sessions are long.

    ``changed_at`` is when the session was last written down, by the database's clock.
    """

    session_id: Named[str] = Column(ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True)
    is_paused: Named[bool]
    estimated_microdollars: Named[int] = Column(BigInteger)
    changed_at: Named[datetime] = Column(UtcDateTime())


overviews = Table("overviews", metadata, OverviewColumns)

Index(None, overviews.c.changed_at)


class ItemColumns(TypedColumns):
    """An item as it stands: the session's state, brought up to date by the attempts recorded since.

    ``live_round`` is the first round whose attempts the state does not tell of yet. ``attempt`` and
    ``max_attempts`` count over the item's whole life.
    """

    session_id: Named[str] = Column(ForeignKey("sessions.id", ondelete="CASCADE"))
    key: Named[str]
    position: Named[int]
    label: Named[str]
    status: Named[str]
    is_running: Named[bool]
    round: Named[int]
    live_round: Named[int]
    attempt: Named[int]
    max_attempts: Named[int]
    retry_count: Named[int]
    error_type: Named[str | None]
    error_message: Named[str | None]
    error_advice: Named[str | None]
    artifact: Named[Artifact | None] = Column(AsJson(Artifact))
    updated_at: Named[datetime] = Column(UtcDateTime())


items = Table("items", metadata, ItemColumns, PrimaryKeyConstraint("session_id", "key"))

# Tells which statuses a session's items have, and when the last of each got there, without a look at the items.
Index(None, items.c.session_id, items.c.status, items.c.updated_at)
# The first pictures of a session.
Index(None, items.c.session_id, items.c.position)


class AttemptColumns(TypedColumns):
    """The ledger. No reference to a session: an attempt is worth writing down even where that row is missing.

    ``item_status`` and ``max_attempts`` are the item's after this entry; ``updated_at`` is the database's clock.
    """

    session_id: Named[str]
    item: Named[str]
    attempt: Named[int]
    round: Named[int]
    variation: Named[str | None]
    prompt_sha256: Named[str]
    model: Named[str]
    status: Named[str]
    error_type: Named[str | None]
    error: Named[str | None]
    advice: Named[str | None]
    request_id: Named[str | None]
    started_at: Named[datetime] = Column(UtcDateTime())
    ended_at: Named[datetime | None] = Column(UtcDateTime())
    input_tokens: Named[int | None] = Column(BigInteger)
    output_tokens: Named[int | None] = Column(BigInteger)
    input_image_tokens: Named[int | None] = Column(BigInteger)
    cost_microdollars: Named[int] = Column(BigInteger)
    worst_case_microdollars: Named[int] = Column(BigInteger)
    artifact: Named[Artifact | None] = Column(AsJson(Artifact))
    worker: Named[str]
    throttled_calls: Named[int]
    item_status: Named[str]
    max_attempts: Named[int]
    updated_at: Named[datetime] = Column(UtcDateTime())


attempts = Table("attempts", metadata, AttemptColumns, PrimaryKeyConstraint("session_id", "item", "attempt"))

Index(None, attempts.c.updated_at)
# Holds all that sums over a period need.
Index(
    "ix_attempts_costs",
    *(attempts.c.started_at, attempts.c.status, attempts.c.model, attempts.c.session_id),
    *(attempts.c.input_tokens, attempts.c.output_tokens, attempts.c.cost_microdollars),
)
Index(None, attempts.c.session_id, attempts.c.status, attempts.c.cost_microdollars)
Index(None, attempts.c.model, attempts.c.status, attempts.c.started_at)
Index(None, attempts.c.status, attempts.c.error_type)


class DeliveryColumns(TypedColumns):
    """Attempts at callbacks. No reference to a session, as with the ledger.

    The moment belongs to the key: should a session's workflow be reset, its attempts count from 1 again.
    """

    id: Named[str]
    attempt: Named[int]
    at: Named[datetime] = Column(UtcDateTime())
    session_id: Named[str]
    type: Named[str]
    url: Named[str]
    outcome: Named[str]
    status: Named[int | None]
    error: Named[str | None]
    duration_milliseconds: Named[int]
    next_attempt_at: Named[datetime | None] = Column(UtcDateTime())


deliveries = Table("deliveries", metadata, DeliveryColumns, PrimaryKeyConstraint("id", "attempt", "at"))

Index(None, deliveries.c.session_id, deliveries.c.at)


class DeletionColumns(TypedColumns):
    """Which sessions were deleted, for good: their ids are not given to other sessions.

    ``removed_at`` is when all that Temporal and the store held of one was removed, ``finished_at`` when that was done
    once more, long after whatever still worked for it. The moments are of the database's clock.
    """

    session_id: Named[str] = Column(primary_key=True)
    kind: Named[str]
    deleted_at: Named[datetime] = Column(UtcDateTime())
    removed_at: Named[datetime | None] = Column(UtcDateTime())
    finished_at: Named[datetime | None] = Column(UtcDateTime())


deletions = Table("deletions", metadata, DeletionColumns)

# What is left to do, the oldest first; and when the list of sessions has last lost one.
Index(None, deletions.c.finished_at, deletions.c.deleted_at)
Index(None, deletions.c.deleted_at)
