"""Which phrases of a title are the holder's own present post, and how high it is."""

from __future__ import annotations

import re
from typing import Final

from enrico.domain.titles.fields import LEGAL, TECHNICAL, field_of
from enrico.domain.titles.phrases import AN_AND, BREAK, JUST_SPACE, Item, Title
from enrico.domain.titles.table import Entry

# Nobody owns such a thing as a business: *Technology Owner* looks after it.
_NOT_FOR_SALE: Final = TECHNICAL | LEGAL | {"product_management", "finance", "human_resources"}
_PHYSICIAN: Final = re.compile(r"\w+(?:ologist|iatrist|gyn|gynecologist|ician)")
_LEVELS: Final = ("c_level", "vp", "head", "director", "manager", "senior", "ic")


def present_items(title: Title) -> list[Item]:
    """The items that say what the holder is now: no *former* posts, none of the *retired*."""
    items = title.items
    now = max((i for i, item in enumerate(items) if item.entry.kind == "now"), default=-1)
    if any(item.entry.kind == "retired" for item in items[now + 1 :]):
        return []
    if any(item.entry.kind in {"retired", "former"} for item in items[:now]):
        items = items[now + 1 :]
    present: list[Item] = []
    is_former = False
    previous: Item | None = None
    for item in items:
        if title.gap(item, previous) == BREAK:
            is_former = False
        previous = item
        if item.entry.kind == "former":
            is_former = True
            following = title.after(item)
            is_last = following is None or following.gap == BREAK
            if is_last and title.gap(item) == BREAK:
                present.clear()  # "CFO (former)"
        elif not is_former:
            present.append(item)
    return present


def intern_item(title: Title, items: list[Item]) -> Item | None:
    """The word that makes its holder an intern, unless it only names whom a post looks after."""
    for item in items:
        if item.entry.kind != "intern" or title.is_someone_elses(item):
            continue
        rest = [
            other
            for other in items
            if other.first > item.last
            and not any(t.gap == BREAK for t in title.tokens[item.last + 1 : other.first + 1])
            and other.entry.kind in {"rank", "work"}
        ]
        heads = [
            other
            for other in rest
            if other.entry.kind == "rank" or other.entry.field in {"", "education", "consulting"}
        ]
        if not heads or (rest and rest[-1].entry.field in TECHNICAL):
            return item
    return None


def own_ranks(title: Title, items: list[Item]) -> tuple[list[Item], Item | None]:
    """The holder's own ranks and occupations, and the word that makes the holder an aide."""
    own: list[Item] = []
    aide: Item | None = None
    serves = False
    previous: Item | None = None
    for item in items:
        kind = item.entry.kind
        gap = title.gap(item, previous)
        previous = item
        if serves and kind in {"rank", "work"}:
            before = title.tokens[item.first - 1].word if item.first else ""
            is_top = item.entry.value in {"c_level", "vp"}
            is_next_post = gap == BREAK or (gap == AN_AND and before != "the")
            if (is_next_post and not is_top) or (gap == BREAK and aide is None):
                serves = False
        if kind == "aide":
            aide, serves = aide or item, True
        elif kind == "to":
            serves = bool(own) or item.first > 0
        elif kind in {"rank", "work"} and not serves:
            if kind == "rank" and title.is_someone_elses(item):
                following = title.after(item)
                if following is not None and following.word in title.table.words["box:aide"]:
                    aide = aide or item
                continue
            if kind == "rank" and _lowered(title, item) is None:
                aide = aide or item  # "Assistant CEO"
                continue
            own.append(item)
    return own, aide


def best_rank(title: Title, items: list[Item], own: list[Item]) -> tuple[Item, Entry] | None:
    """The highest of the holder's own ranks, and what it counts as; the first among equals."""
    found: list[tuple[Item, Entry]] = []
    for item in own:
        if item.entry.kind == "rank" and not is_real(title, item, items):
            is_head = item.entry.position in {"head", "bare chief"}
            value = "senior" if is_head else "ic"
            position = "head" if is_head else ""
            found.append((item, item.entry._replace(value=value, position=position)))
            continue
        entry = _lowered(title, item)
        if entry is None:
            continue
        if entry.value == "ic" and title.has_modifier(item, "senior"):
            entry = entry._replace(value="senior")
        if entry.position == "board" and _chairs_a_department(title, item):
            entry = entry._replace(value="head", position="head")
        if entry.position == "principal":
            entry = _principal(title, item, items)
        if entry.position == "executive director" and field_of(title, item, items):
            entry = entry._replace(value="director", position="director")
        found.append((item, entry))
    chief = _generic_chief(title) if len(items) == len(title.items) else None
    if chief is not None and all(
        item.first != chief.first or entry.value != "c_level" for item, entry in found
    ):
        found.append((chief, chief.entry))
    return min(found, key=lambda pair: (_LEVELS.index(pair[1].value), pair[0].first), default=None)


def is_top(entry: Entry) -> bool:
    """Whether a rank is so high that no other word of the title makes its holder an intern."""
    return entry.position in {"chief executive", "owner", "founder", "managing director"}


def is_real(title: Title, item: Item, items: list[Item]) -> bool:
    """Whether a rank is one, and not made something else by its neighbours: *Partner Marketing*."""
    position = item.entry.position
    following = title.after(item)
    neighbours_before = [
        i for i in items if i.last == item.first - 1 and title.gap(item) == JUST_SPACE
    ]
    neighbours_after = [i for i in items if i.first == item.last + 1 and title.gap(i) == JUST_SPACE]
    if position == "partner":
        if title.tokens[item.first].word.startswith("associe") and item.first:
            return title.gap(item) > JUST_SPACE  # "matériaux associés"
        if any(_turns_partner(title, item, other) for other in items):
            return False
        return not any(
            i.entry.field not in {"", "finance", "legal", "compliance", "consulting"}
            for i in neighbours_before
        )
    if position == "board" and title.tokens[item.last].word in {"chair", "governor", "trustee"}:
        return following is None or bool(following.gap or following.word in title.table.words["of"])
    if position == "md":
        return not any(i.entry.field == "medical" or i.entry.kind == "work" for i in items) and (
            not any(_PHYSICIAN.fullmatch(token.word) for token in title.tokens)
        )
    if position == "owner":
        return not any(i.entry.kind == "work" for i in neighbours_after) and not any(
            i.entry.field in _NOT_FOR_SALE and i.last < item.first and not title.gap(item, i)
            for i in items
        )
    if position == "chief" and item.first == item.last:  # "DaF-Lehrer", "modéliste CAO"
        lower = title.table.words["modifier:lower"]
        beside = neighbours_before + neighbours_after
        return not any(
            i.entry.kind == "work" and title.tokens[i.last].word not in lower for i in beside
        )
    if position == "bare chief":
        return following is None or following.gap > JUST_SPACE
    if position == "head" and item.first == item.last and neighbours_after:
        return neighbours_after[0].entry.kind != "work"
    return True


def _turns_partner(title: Title, partner: Item, other: Item) -> bool:
    """Whether a later word of the same phrase makes *partner* a mere adjective."""
    stretch = title.tokens[partner.last + 1 : other.first + 1]
    if other.first <= partner.last or any(
        t.gap or t.word in title.table.words["of"] for t in stretch
    ):
        return False
    is_practice = other.entry.field in {"finance", "legal", "consulting"}
    return other.entry.kind in {"rank", "work"} or (other.entry.kind == "field" and not is_practice)


def _lowered(title: Title, item: Item) -> Entry | None:
    """The rank less what *assistant* or *associate* takes off; None when nothing is left."""
    entry = item.entry
    if entry.value not in {"c_level", "vp", "head", "director"}:
        return entry
    if not title.has_modifier(item, "lower"):
        return entry
    if entry.position in {"chief executive", "president", "owner", "founder", "board"}:
        return None
    level = {"c_level": "director", "vp": "director"}.get(entry.value, "manager")
    return entry._replace(value=level, position="assistant director")


def _generic_chief(title: Title) -> Item | None:
    """*Chief … Officer* with words between that the table does not know as one title."""
    words = [token.word for token in title.tokens]
    for first, word in enumerate(words):
        if word != "chief":
            continue
        for last in range(first + 2, min(first + 6, len(words))):
            if title.tokens[last].gap == BREAK:
                break
            if words[last] == "officer":
                between = [i for i in title.items if first <= i.first and i.last < last]
                field = next((i.entry.field for i in between if i.entry.field), "")
                item = Item(Entry("rank", "c_level", field, "chief"), first, last)
                return None if title.is_someone_elses(item) else item
    return None


def _chairs_a_department(title: Title, item: Item) -> bool:
    """*Economics Department Chair*, unlike *Chair* and *Vice Chair*."""
    token = title.tokens[item.first]
    if not token.word.startswith("chair") or item.first == 0 or token.gap:
        return False
    return title.tokens[item.first - 1].word not in title.table.words["modifier:scope"]


def _principal(title: Title, item: Item, items: list[Item]) -> Entry:
    """A principal runs a school or is near to a partner; *principal engineer* is a senior one."""
    following = title.after(item)
    if following is not None and following.gap == JUST_SPACE:
        return item.entry
    if any(other.entry.field == "education" for other in items):
        return item.entry._replace(value="manager")
    level = "director" if item.first == 0 else "senior"
    return item.entry._replace(value=level, position="associate director")
