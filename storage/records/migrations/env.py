"""What Alembic runs. The connection, with its transaction and lock, comes from `storage.records.migrate`."""

from alembic import context

from storage.records.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
