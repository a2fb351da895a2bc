"""Indexes for money: sums over a period without a look at the ledger's rows, and the newest calls of a model."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SUMS = "ix_attempts_costs"
CALLS = "ix_attempts_model_status_started_at"
BEFORE = "ix_attempts_started_at"


def upgrade() -> None:
    op.create_index(
        SUMS,
        "attempts",
        [
            *("started_at", "status", "model", "session_id"),
            *("input_tokens", "output_tokens", "cost_microdollars"),
        ],
    )
    op.create_index(CALLS, "attempts", ["model", "status", "started_at"])
    # The first begins with the same column.
    op.drop_index(BEFORE, "attempts")


def downgrade() -> None:
    op.create_index(BEFORE, "attempts", ["started_at"])
    op.drop_index(CALLS, "attempts")
    op.drop_index(SUMS, "attempts")
