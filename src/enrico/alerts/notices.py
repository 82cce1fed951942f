"""What somebody was told, kept in the database so that the next run does not tell it again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, delete, select

from enrico.alerts.rules import Finding
from enrico.store.database import Database
from enrico.store.journal import moment, timestamp
from enrico.store.sql import insert
from enrico.store.tables import notices

_INSERT = insert(notices)
_TOLD = _INSERT.on_conflict_do_update(
    index_elements=[notices.c.rule, notices.c.subject],
    set_={"at": _INSERT.excluded.at, "text": _INSERT.excluded.text},
)
_RESOLVED = delete(notices).where(
    notices.c.rule == bindparam("its_rule"), notices.c.subject == bindparam("its_subject")
)


@dataclass(frozen=True, slots=True)
class Notice:
    """One alert that was told and still holds. ``at`` is aware."""

    rule: str
    subject: str
    at: datetime
    text: str


async def read_notices(db: Database) -> list[Notice]:
    """All that was told and is not resolved, the newest first."""
    rows = await db.rows(select(notices).order_by(notices.c.at.desc(), notices.c.rule))
    return [Notice(row.rule, row.subject, moment(row.at), row.text) for row in rows]


async def keep_notice(db: Database, finding: Finding, at: datetime) -> None:
    """Somebody was told of *finding*."""
    row = {
        "rule": finding.rule, "subject": finding.subject, "at": timestamp(at), "text": finding.text
    }  # fmt: skip
    await db.write((_TOLD, [row]))


async def resolve_notices(db: Database, gone: list[Notice]) -> None:
    """These hold no longer: the next time they are told again."""
    if gone:
        rows = [{"its_rule": notice.rule, "its_subject": notice.subject} for notice in gone]
        await db.write((_RESOLVED, rows))
