"""Which field of work a title names, and what the people provider calls it."""

from __future__ import annotations

from typing import Final

from enrico.domain.titles.phrases import BREAK, Item, Title

# Fields that the table tells apart and the people provider's list does not.
_FUNCTION_OF_FIELD: Final = {
    "procurement": "operations",
    "security": "information_technology",
    "compliance": "legal",
    "medical": None,
    "": None,
}
TECHNICAL: Final = frozenset({"engineering", "information_technology", "security", "data_science"})
"""Fields of those who judge whether it works."""

LEGAL: Final = frozenset({"legal", "compliance", "procurement"})
"""Fields of those who check the terms or do the buying."""


def function_of(field: str) -> str | None:
    """The people provider's word for a field of our table; None when it has none."""
    return _FUNCTION_OF_FIELD.get(field, field)


def field_of(title: Title, item: Item, items: list[Item]) -> str:
    """The field of work that goes with a rank: its own, else the words after, else before."""
    return field_and_place(title, item, items)[0]


def field_and_place(title: Title, item: Item, items: list[Item]) -> tuple[str, Item]:
    """As ``field_of``, and the phrase that says so; the rank itself when nothing else does."""
    own = item.entry.field
    is_general = own in {"", "consulting", "administrative"} or (
        item.entry.kind == "work" and own in {"engineering", "operations"}
    )
    if own and not is_general:
        return own, item
    named = [i for i in items if i.entry.field and i.entry.kind in {"field", "work"} and i != item]
    if own in {"engineering", "operations"}:
        named = [i for i in named if i.entry.field in TECHNICAL | {"sales", "support"}]
    after = [i for i in named if i.first > item.last]
    if item.entry.kind == "rank" and after:
        # the first noun phrase after the rank; its last word is what it is about
        chosen = after[0]
        for following in after[1:]:
            if following.first != chosen.last + 1 or title.gap(following):
                break
            chosen = following
        between = title.tokens[item.last + 1 : after[0].first + 1]
        before = [i for i in named if i.last < item.first]
        is_elsewhere = any(token.gap == BREAK or token.word in {"in", "at"} for token in between)
        if not (before and is_elsewhere):
            return chosen.entry.field, chosen
        return before[-1].entry.field, before[-1]
    before = [i for i in named if i.last < item.first]
    if before:
        return before[-1].entry.field, before[-1]
    if after and item.entry.kind == "work" and own in {"", "consulting", "administrative"}:
        return after[0].entry.field, after[0]
    return own, item
