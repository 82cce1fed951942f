"""Who is forgotten, keys kept in the database, files that we wrote."""

from enrico.store.migrations import frozen

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the tables, all empty."""
    frozen.run(revision)
