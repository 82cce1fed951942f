"""Runs in parts, done by workers side by side."""

from enrico.store.migrations import frozen

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the tables, all empty."""
    frozen.run(revision)
