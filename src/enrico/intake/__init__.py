"""Intake: reads any CRM export and gives accounts, contacts, deals, and who is on which deal."""

from enrico.intake.link import share_by_account
from enrico.intake.on_disk import OnDisk
from enrico.intake.read import read_exports
from enrico.intake.records import Intake
from enrico.intake.result import ColumnReading, FileReading, Unusable

__all__ = [
    "ColumnReading",
    "FileReading",
    "Intake",
    "OnDisk",
    "Unusable",
    "read_exports",
    "share_by_account",
]
