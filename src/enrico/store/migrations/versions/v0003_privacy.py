"""Who is forgotten, keys kept in the database, files that we wrote."""

from alembic import op

from enrico.store.tables import data_keys, provider_keys, suppressions, upkeep, written_files

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the tables, all empty."""
    connection = op.get_bind()
    for table in (suppressions, data_keys, provider_keys, written_files, upkeep):
        table.create(connection)
