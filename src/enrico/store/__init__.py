"""The only SQL in the project: what the CRM holds, the call journal, and the facts bought."""

from enrico.store.database import Database, open_database

__all__ = ["Database", "open_database"]
