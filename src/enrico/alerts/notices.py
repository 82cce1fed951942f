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


async def take_notice(db: Database, finding: Finding, at: datetime, since: datetime) -> bool:
    """Whether it is for us to tell *finding*: nobody has told it since then, or is telling it.

    Several workers may find the same at the same moment.
    """
    new = insert(notices).values(
        rule=finding.rule, subject=finding.subject, at=timestamp(at), text=finding.text
    )
    taken = new.on_conflict_do_update(
        index_elements=[notices.c.rule, notices.c.subject],
        set_={"at": new.excluded.at, "text": new.excluded.text},
        where=notices.c.at <= timestamp(since),
    )
    return await db.execute(taken) > 0


async def drop_notice(db: Database, finding: Finding, at: datetime) -> None:
    """What was taken at that moment has reached nobody."""
    await db.execute(
        delete(notices).where(
            notices.c.rule == finding.rule,
            notices.c.subject == finding.subject,
            notices.c.at == timestamp(at),
        )
    )


async def resolve_notices(db: Database, gone: list[Notice]) -> None:
    """These hold no longer: the next time they are told again."""
    if gone:
        rows = [{"its_rule": notice.rule, "its_subject": notice.subject} for notice in gone]
        await db.write((_RESOLVED, rows))
