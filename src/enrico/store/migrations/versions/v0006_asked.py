"""Whether a claim may be taken over: a part of a batch has not come to the item."""

from enrico.store.migrations import frozen

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column; what is claimed counts as asked for."""
    frozen.run(revision)
