"""What calls waited for, what happened in a run, roles in doubt, notices given."""

from alembic import op
from sqlalchemy import text

from enrico.store.doubts import MARK_ALL, triggers
from enrico.store.tables import (
    load_deals,
    notices,
    requests,
    role_notes,
    role_rules,
    run_events,
    unresolved,
    work,
)

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns and tables; everybody's roles are in doubt once."""
    connection = op.get_bind()
    connection.execute(text("ALTER TABLE calls ADD COLUMN waited_ms FLOAT NOT NULL DEFAULT 0"))
    connection.execute(text("ALTER TABLE calls ADD COLUMN waited_for VARCHAR NOT NULL DEFAULT ''"))
    connection.execute(text("DROP INDEX ix_deals_load_id"))
    work.drop(connection)
    for table in (
        run_events, unresolved, role_rules, role_notes, notices, requests, work, load_deals,
    ):  # fmt: skip
        table.create(connection)
    connection.execute(text("INSERT INTO load_deals SELECT load_id, id FROM deals"))
    connection.execute(text("ALTER TABLE deals DROP COLUMN load_id"))
    for statement in (*triggers("sqlite"), MARK_ALL):
        connection.execute(text(statement))
