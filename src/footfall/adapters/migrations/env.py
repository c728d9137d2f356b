"""How does Alembic reach the database? Through the connection, and in the transaction, of whoever opens definitions."""

from alembic import context

from footfall.adapters.definitions_schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
