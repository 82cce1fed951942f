"""Whose an item is: claims that may be taken over, and who resolves the roles in doubt."""

from enrico.store.migrations import frozen

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the columns; what is claimed counts as asked for."""
    frozen.run(revision)
