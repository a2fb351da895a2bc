"""Sessions, their items and the ledger of attempts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("title_folded", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("settled_at", MOMENT, nullable=True),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.Column("request_sha256", sa.String(), nullable=True),
        sa.Column("start", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
    )
    op.create_index("ix_sessions_created_at_id_title_folded", "sessions", ["created_at", "id", "title_folded"])
    op.create_index("ix_sessions_status_created_at_id_kind", "sessions", ["status", "created_at", "id", "kind"])
    op.create_index("ix_sessions_kind_created_at_id", "sessions", ["kind", "created_at", "id"])
    op.create_table(
        "items",
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("is_running", sa.Boolean(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("live_round", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("retry_count", sa.Integer(), nullable=False),
        sa.Column("error_type", sa.String(), nullable=True),
        sa.Column("error_message", sa.String(), nullable=True),
        sa.Column("error_advice", sa.String(), nullable=True),
        sa.Column("artifact", sa.String(), nullable=True),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("session_id", "key", name="pk_items"),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name="fk_items_sessions", ondelete="CASCADE"),
    )
    op.create_table(
        "attempts",
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("item", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("variation", sa.String(), nullable=True),
        sa.Column("prompt_sha256", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("error_type", sa.String(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("advice", sa.String(), nullable=True),
        sa.Column("request_id", sa.String(), nullable=True),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("input_tokens", sa.BigInteger(), nullable=True),
        sa.Column("output_tokens", sa.BigInteger(), nullable=True),
        sa.Column("input_image_tokens", sa.BigInteger(), nullable=True),
        sa.Column("cost_microdollars", sa.BigInteger(), nullable=False),
        sa.Column("worst_case_microdollars", sa.BigInteger(), nullable=False),
        sa.Column("artifact", sa.String(), nullable=True),
        sa.Column("worker", sa.String(), nullable=False),
        sa.Column("throttled_calls", sa.Integer(), nullable=False),
        sa.Column("item_status", sa.String(), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("session_id", "item", "attempt", name="pk_attempts"),
    )
    op.create_index("ix_attempts_updated_at", "attempts", ["updated_at"])
    op.create_index("ix_attempts_started_at", "attempts", ["started_at"])
    op.create_index("ix_attempts_status_error_type", "attempts", ["status", "error_type"])


def downgrade() -> None:
    op.drop_table("attempts")
    op.drop_table("items")
    op.drop_table("sessions")
