"""Intake: reads any CRM export and gives accounts, contacts, deals, and who is on which deal."""

from enrico.intake.link import link_by_account
from enrico.intake.read import read_exports
from enrico.intake.records import Intake
from enrico.intake.result import ColumnReading, FileReading, Unusable

__all__ = [
    "ColumnReading",
    "FileReading",
    "Intake",
    "Unusable",
    "link_by_account",
    "read_exports",
]
