"""The reading of a title: seniority, job function, and the buying role it makes likely."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, cast

from enrico.domain.roles import BuyingRole
from enrico.domain.titles.fields import LEGAL, TECHNICAL, field_and_place, field_of, function_of
from enrico.domain.titles.occupations import occupation_in
from enrico.domain.titles.phrases import Item, Title, parse_title
from enrico.domain.titles.posts import (
    best_rank,
    intern_item,
    is_real,
    is_top,
    own_ranks,
    present_items,
)
from enrico.domain.titles.role_guess import Guess, guess_role
from enrico.domain.titles.table import Entry

Seniority = Literal["c_level", "vp", "head", "director", "manager", "senior", "ic", "intern"]

TITLE_CONFIDENCE: Final = 0.50
"""The most that a title alone is worth."""


@dataclass(frozen=True, slots=True)
class TitleReading:
    """What one title says about its holder."""

    seniority: Seniority | None = None
    """The level; None when the title does not say."""
    job_function: str | None = None
    """One of the people provider's functions, e.g. ``finance``; None when not said."""
    is_founder: bool = False
    is_owner: bool = False
    is_aide: bool = False
    """Works for someone whom the title names: *Assistant to the CEO*."""
    role: BuyingRole | None = None
    """The likeliest buying role; None when the title says too little to guess."""
    confidence: float = 0.0
    """0 without a role, else 0.30 to 0.50."""
    reason: str = ""
    """Why, in words: ``title says "CFO": holds the budget``."""


_NOTHING: Final = TitleReading(reason="no title")


@lru_cache(maxsize=20_000)
def read_title(title: str) -> TitleReading:
    """Reads one job title as its holder or a CRM user typed it, in any case.

    ``SVP Sales & Marketing`` → vp, sales, executive_sponsor; ``Assistant to the CEO`` → an aide,
    no role; ``former CFO`` → nobody. Of several titles in one the highest counts. Never raises;
    what it cannot read comes back empty. Takes some 50 µs, and next to nothing again.
    """
    parsed = parse_title(title)
    if not parsed.tokens:
        return _NOTHING
    items = present_items(parsed)
    if parsed.items and not items:
        return TitleReading(reason=f'title "{_clip(title)}" names no present post')
    intern = intern_item(parsed, items)
    own, aide = own_ranks(parsed, items)
    best = best_rank(parsed, items, own)
    if intern is not None and not (best is not None and is_top(best[1])):
        function = function_of(field_of(parsed, intern, items))
        return TitleReading(
            "intern", function, reason=f'title says "{parsed.quote(intern)}": is still learning'
        )
    if best is None:
        return _without_rank(parsed, items, aide)
    return _reading(parsed, items, own, best, aide)


def _reading(
    title: Title,
    items: list[Item],
    own: list[Item],
    best: tuple[Item, Entry],
    aide: Item | None,
) -> TitleReading:
    item, entry = best
    field, place = field_and_place(title, item, items)
    if entry.position == "chief" and entry.field:
        field, place = entry.field, item
    is_deputy = title.has_modifier(item, "deputy") or entry.position in {
        "assistant director",
        "general manager deputy",
    }
    guess = guess_role(entry.value, field, entry.position, is_deputy=is_deputy)
    by_rank = guess_role(entry.value, "", entry.position, is_deputy=is_deputy)
    is_half = title.tokens[item.last].word in title.table.words["of"]  # "Head of"
    quoted = title.quote(item, place if guess != by_rank or is_half else None)
    if aide is not None and entry.value in {"senior", "ic"}:
        guess = Guess(None, 0.0, "works for someone else")
    return TitleReading(
        seniority=cast(Seniority, entry.value),
        job_function=function_of(field),
        is_founder=any(i.entry.position == "founder" and is_real(title, i, items) for i in own),
        is_owner=any(i.entry.position == "owner" and is_real(title, i, items) for i in own),
        is_aide=aide is not None and entry.value in {"senior", "ic"},
        role=guess.role,
        confidence=min(guess.confidence, TITLE_CONFIDENCE),
        reason=f'title says "{quoted}": {guess.why}',
    )


def _without_rank(title: Title, items: list[Item], aide: Item | None) -> TitleReading:
    if aide is not None:
        return TitleReading(
            "ic",
            "administrative",
            is_aide=True,
            reason=f'title says "{title.quote(aide)}": works for someone else',
        )
    named = [item for item in items if item.entry.kind == "field" and item.entry.field]
    field = named[0].entry.field if named else ""
    function = function_of(field)
    occupation = occupation_in(title) if len(items) == len(title.items) else None
    if field in LEGAL | TECHNICAL:
        guess = guess_role("ic", field, "", is_deputy=False)
        quoted = title.quote(named[0])
        return TitleReading(
            _work_level(title, occupation),
            function,
            role=guess.role,
            confidence=0.30,
            reason=f'title says "{quoted}": {guess.why}',
        )
    if occupation is not None:
        quoted = title.quote(occupation)
        return TitleReading(
            _work_level(title, occupation),
            function,
            reason=f'title says "{quoted}": an occupation that says nothing about buying',
        )
    return TitleReading(
        None, function, reason=f'title "{_clip(title.text.strip())}" says too little'
    )


def _work_level(title: Title, occupation: Item | None) -> Seniority | None:
    if occupation is None:
        return None
    seniors = title.table.words["modifier:senior"]
    is_senior = any(token.word in seniors for token in title.tokens[: occupation.first])
    return "senior" if is_senior else "ic"


def _clip(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"
