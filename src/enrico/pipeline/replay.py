"""Make all facts anew from the recorded answers: parsing, scores and roles, for nothing."""

from __future__ import annotations

from enrico.engine.call import BadAnswer
from enrico.engine.stats import Stats
from enrico.pipeline.apply import Applier
from enrico.pipeline.roles import resolve_roles_in
from enrico.settings import Settings
from enrico.store.crm import Scope
from enrico.store.database import Database
from enrico.store.journal import Journal


async def replay_journal(
    db: Database, settings: Settings, stats: Stats, scope: Scope
) -> dict[str, int]:
    """Read every recorded answer again, in the order in which they came."""
    journal = Journal(db)
    applier = Applier(db, journal, stats, settings.serper.language)
    done = {"answers": 0, "not_understood": 0}
    async for call in journal.find(states=("answered",)):
        try:
            await applier.recorded(call)
            done["answers"] += 1
        except BadAnswer:
            done["not_understood"] += 1
    done["roles"] = await resolve_roles_in(db, scope, settings.role_threshold, afresh=True)
    return done
