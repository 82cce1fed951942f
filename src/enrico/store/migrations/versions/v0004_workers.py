"""Runs in parts, done by workers side by side."""

from alembic import op

from enrico.store.tables import chunks, claims, leases, schedules

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the tables, all empty."""
    connection = op.get_bind()
    for table in (chunks, claims, leases, schedules):
        table.create(connection)
