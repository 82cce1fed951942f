"""Make all facts anew from the recorded answers: parsing, scores and roles, for nothing."""

from __future__ import annotations

from enrico.engine.asking import BadAnswer
from enrico.engine.stats import Stats
from enrico.pipeline.apply import AnswerGone, Applier
from enrico.pipeline.roles import resolve_roles_in
from enrico.settings import Settings
from enrico.store.crm import Scope
from enrico.store.database import Database
from enrico.store.journal import Journal
from enrico.store.suppressions import keep_out, load_suppressions


async def replay_journal(
    db: Database, settings: Settings, stats: Stats, scope: Scope
) -> dict[str, int]:
    """Read every recorded answer again, in the order in which they came."""
    journal = Journal(db)
    found = await load_suppressions(db, settings)
    await keep_out(db, found)
    applier = Applier(db, journal, stats, settings.serper.language, found.covers)
    done = {"answers": 0, "not_understood": 0, "gone": 0}
    async for call in journal.find(states=("answered",)):
        if call.is_gone:  # what was made of it stays
            done["gone"] += 1
            continue
        try:
            await applier.recorded(call)
            done["answers"] += 1
        except AnswerGone:
            done["gone"] += 1
        except BadAnswer:
            done["not_understood"] += 1
    done["roles"] = await resolve_roles_in(db, scope, settings.role_threshold, afresh=True)
    return done
