"""What calls waited for, what happened in a run, roles in doubt, notices given."""

from enrico.store.migrations import frozen

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns and tables; everybody's roles are in doubt once."""
    frozen.run(revision)
