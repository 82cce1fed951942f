"""What each version changed, as SQL that stays as it is: ``versions/<revision>.<database>.sql``.

A migration takes nothing from today's tables: a column that comes with a later version would stand
in the earlier one, too, and be added twice.
"""

from __future__ import annotations

from importlib.resources import files

from alembic import op


def run(revision: str) -> None:
    """Execute the statements of *revision*; blank lines part them, and each ends in a semicolon."""
    connection = op.get_bind()
    name = f"{revision}.{connection.dialect.name}.sql"
    text = files("enrico.store.migrations.versions").joinpath(name).read_text("utf-8")
    for statement in text.split("\n\n"):
        if not statement.startswith("--"):
            connection.exec_driver_sql(statement)
