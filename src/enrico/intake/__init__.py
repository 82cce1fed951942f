"""Intake: reads any CRM export and gives accounts, contacts, deals, and who is on which deal."""

from enrico.intake.read import read_exports
from enrico.intake.result import ColumnReading, FileReading, Intake, Unusable

__all__ = ["ColumnReading", "FileReading", "Intake", "Unusable", "read_exports"]
