"""What a list of sessions shows without reading their states, and indexes for the rest of it."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

COSTS = "ix_attempts_session_id_status_cost_microdollars"
POSITIONS = "ix_items_session_id_position"
# Quotes within texts are escaped, so that no title reads like the field.
STATES = {
    "sqlite": """
        INSERT INTO overviews (session_id, is_paused, estimated_microdollars, changed_at)
        SELECT id, state LIKE '%"is_paused"\\:true%',
            coalesce(json_extract(state, '$.estimated_microdollars'), 0), updated_at
        FROM sessions
    """,
    "postgresql": """
        INSERT INTO overviews (session_id, is_paused, estimated_microdollars, changed_at)
        SELECT id, state LIKE '%"is_paused"\\:true%',
            coalesce(cast(cast(state AS json) ->> 'estimated_microdollars' AS bigint), 0), updated_at
        FROM sessions
    """,
}


def upgrade() -> None:
    op.create_table(
        "overviews",
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("is_paused", sa.Boolean(), nullable=False),
        sa.Column("estimated_microdollars", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("session_id", name="pk_overviews"),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name="fk_overviews_sessions", ondelete="CASCADE"),
    )
    op.create_index("ix_overviews_changed_at", "overviews", ["changed_at"])
    op.create_index(COSTS, "attempts", ["session_id", "status", "cost_microdollars"])
    op.create_index(POSITIONS, "items", ["session_id", "position"])
    op.execute(STATES[op.get_bind().dialect.name])


def downgrade() -> None:
    op.drop_index(POSITIONS, "items")
    op.drop_index(COSTS, "attempts")
    op.drop_table("overviews")
