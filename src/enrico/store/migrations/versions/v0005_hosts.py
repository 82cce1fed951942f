"""On which machine a file was written: workers are on several."""

from enrico.store.migrations import frozen

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column to the files that are known; nobody knows any more where they were written."""
    frozen.run(revision)
