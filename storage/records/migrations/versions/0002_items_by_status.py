"""An index by which a session of many items is brought up to date without reading them."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INDEX = "ix_items_session_id_status_updated_at"


def upgrade() -> None:
    op.create_index(INDEX, "items", ["session_id", "status", "updated_at"])


def downgrade() -> None:
    op.drop_index(INDEX, "items")
