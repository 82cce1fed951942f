"""The tables of version 0.1."""

from enrico.store.migrations import frozen

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables. No user's database is older: this is for tests of what came after."""
    frozen.run(revision)
