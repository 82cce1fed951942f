"""The tables of version 0.1. New databases are made whole; this is where older ones start from."""

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Nothing to do: no database is older."""
