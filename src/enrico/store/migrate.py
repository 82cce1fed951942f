"""Bring an older database up to date. Imported only when one is met, for alembic takes its time."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection


def upgrade(connection: Connection, to: str = "head") -> None:
    """Run the migrations that the database lacks, in the caller's transaction."""
    config = Config()
    config.set_main_option("script_location", "enrico.store:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, to)
