"""What a job title says: level, job function, and which buying role it makes likely.

A title is read word by word against the table in ``titles.csv``, never by substrings, so that a
coordinator is no COO. The words come in English, German, French, Spanish, Portuguese, Italian and
Dutch, with some Nordic and Polish; accents and gendered endings do not matter.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Final, Literal, NamedTuple, cast

from enrico.domain.names import fold
from enrico.domain.roles import BuyingRole

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


# Fields that the table tells apart and the people provider's list does not.
_FUNCTION_OF_FIELD: Final = {
    "procurement": "operations",
    "security": "information_technology",
    "compliance": "legal",
    "medical": None,
    "": None,
}
_TECHNICAL: Final = frozenset({"engineering", "information_technology", "security", "data_science"})
_LEGAL: Final = frozenset({"legal", "compliance", "procurement"})
# Nobody owns such a thing as a business: *Technology Owner* looks after it.
_NOT_FOR_SALE: Final = _TECHNICAL | _LEGAL | {"product_management", "finance", "human_resources"}
_PHYSICIAN: Final = re.compile(r"\w+(?:ologist|iatrist|gyn|gynecologist|ician)")
_LEVELS: Final = ("c_level", "vp", "head", "director", "manager", "senior", "ic")
_PHRASE_KINDS: Final = frozenset(
    {"rank", "work", "aide", "intern", "former", "retired", "now", "to", "field"}
)
_MAX_WORDS: Final = 7
_MAX_CHARS: Final = 300


# "(m/w/d)", "H/F", "w/m/x": every gender is welcome, and no part of the title.
_GENDER_MARK: Final = re.compile(
    r"(?<![^\s(\[,|-])[(\[]?\s*(?:[mwfhdxvkn]\s*[/|*]\s*){1,3}[mwfhdxvkn]\s*[)\]]?(?![^\s)\],|-])",
    re.IGNORECASE,
)
# "Leiter/in", "Leiter*innen", "Directeur(trice)", "Gestor/a": the other gender's ending.
_GENDER_ENDING: Final = re.compile(
    r"(?<=\w)(?:\(e\)in|\(er\)e)(?!\w)|(?<=\w)(?:[/*:_](?:-?)|\()(?:innen|in|frau|e|a|as|ne|trice|rice|euse|ière|ère|ora|ra|esse)\)?(?!\w)"
)
_CAMEL_IN: Final = re.compile(r"(?<=[a-zäöü])In(?:nen)?(?!\w)")
_RETIRED_ABBREVIATION: Final = re.compile(r"\b(?:a\. ?D\.|i\. ?R\.)")
_DOTTED: Final = re.compile(r"\b(?:\w\.){2,}(?:\w\b)?|\b(?:\w\.)+\w\b")
_WORD: Final = re.compile(r"\w+(?:[&+]\w+)*\+*")
_STRONG: Final = re.compile(r"[,;|/()\[\]•·:>–—\n\t\\]|\s-+\s|\s-|-\s|--|\s@\s")
_AND_WORDS: Final = frozenset({"and", "y", "e", "plus"})


class _Entry(NamedTuple):
    """A row of the table for one phrase."""

    kind: str
    value: str
    field: str
    position: str


class _Token(NamedTuple):
    word: str
    """Folded, abbreviation resolved."""
    start: int
    end: int
    gap: int
    """What stands before it: 0 a space, 1 an "and", 2 a comma, slash, bracket or dash."""
    possessive: bool


class _Item(NamedTuple):
    """A phrase of the table found in a title."""

    entry: _Entry
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class _Table:
    phrases: dict[tuple[str, ...], _Entry]
    starts: dict[str, int]
    """First word of a phrase → words in the longest phrase that begins so."""
    words: dict[str, frozenset[str]]
    """``modifier:deputy``, ``of``, ``scope``, ``box`` … → single words."""
    aliases: dict[str, str]
    endings: tuple[tuple[str, _Entry], ...]
    """What compound words end with, longest first."""


_GERMAN: Final = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"}
)


def _spellings(phrase: str) -> set[str]:
    """With accents dropped, and with umlauts written out."""
    return {fold(phrase), fold(phrase.translate(_GERMAN))}


@lru_cache(maxsize=1)
def _table() -> _Table:
    text = resources.files(__package__).joinpath("titles.csv").read_text(encoding="utf-8")
    rows = [
        (row["kind"], row["value"], row["field"], row["position"], row["words"].split(" | "))
        for row in csv.DictReader(text.splitlines())
    ]
    aliases = {
        fold(word): value for kind, value, _, _, words in rows if kind == "alias" for word in words
    }
    phrases: dict[tuple[str, ...], _Entry] = {}
    starts: dict[str, int] = {}
    sets: dict[str, set[str]] = {}
    endings: dict[str, _Entry] = {}
    for kind, value, field, position, words in rows:
        entry = _Entry(kind, value, field, position)
        for phrase in words:
            for spelling in _spellings(phrase):
                if kind == "ending":
                    endings.setdefault(spelling, entry)
                elif kind in _PHRASE_KINDS:
                    found = (aliases.get(word, word) for word in _WORD.findall(spelling))
                    key = tuple(word for word in found if word not in _AND_WORDS)
                    phrases.setdefault(key, entry)
                    starts[key[0]] = max(starts.get(key[0], 1), len(key))
                elif kind != "alias":
                    name = f"{kind}:{value}" if value else kind
                    word = aliases.get(spelling, spelling)
                    sets.setdefault(name, set()).add(word)
    return _Table(
        phrases,
        starts,
        {name: frozenset(found) for name, found in sets.items()},
        aliases,
        tuple(sorted(endings.items(), key=lambda item: (-len(item[0]), item[0]))),
    )


def _tokens(title: str, table: _Table) -> list[_Token]:
    tokens: list[_Token] = []
    end, weak = 0, False
    for match in _WORD.finditer(title):
        word = fold(match.group())
        word = table.aliases.get(word, word)
        between = title[end : match.start()]
        possessive = title[match.end() : match.end() + 2].lower() in {"'s", "’s"}
        if word in {"s", "t"} and between in {"'", "’"}:
            end = match.end()
            continue
        weak = weak or "&" in between or "+" in between
        gap = 2 if _STRONG.search(between) else 1 if weak else 0
        if word in _AND_WORDS and tokens and gap < 2:
            weak, end = True, match.end()
            continue
        tokens.append(_Token(word, match.start(), match.end(), gap, possessive))
        end, weak = match.end(), False
    return tokens


def _singular_or_masculine(word: str) -> tuple[str, ...]:
    """Forms that the table may hold in place of this one: ``directoras`` → ``director``."""
    forms: list[str] = []
    for ending, others in (
        ("innen", ("",)),
        ("in", ("", "e")),
        ("oras", ("or",)),
        ("ora", ("or", "ore")),
        ("trice", ("teur", "tore")),
        ("rice", ("eur",)),
        ("euse", ("eur",)),
        ("iere", ("ier",)),
        ("ienne", ("ien",)),
        ("era", ("ero",)),
        ("aria", ("ario",)),
        ("ica", ("ico",)),
        ("ada", ("ado",)),
        ("es", ("", "e")),
        ("s", ("",)),
        ("e", ("",)),
        ("a", ("", "o")),
    ):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            forms.extend(word[: -len(ending)] + other for other in others)
    return tuple(forms)


@lru_cache(maxsize=20_000)
def _single(word: str) -> _Entry | None:
    """The entry for one word that no phrase holds as written: another form, or a compound."""
    table = _table()
    for form in _singular_or_masculine(word):
        entry = table.phrases.get((table.aliases.get(form, form),))
        if entry is not None and entry.kind in {"rank", "work", "field", "intern", "aide"}:
            return entry
    if word.endswith(_not_compounds()):
        return _Entry("work", "ic", "", "")
    for ending, entry in table.endings:
        stem = word[: -len(ending)]
        if len(stem) >= 2 and word.endswith(ending):
            return _compound(stem, entry, table)
    return None


@lru_cache(maxsize=1)
def _not_compounds() -> tuple[str, ...]:
    """Words, also as ends of longer ones, that look like a rank: a *Halbleiter* leads nobody."""
    return tuple(sorted(_table().words["notcompound"]))


def _compound(stem: str, ending: _Entry, table: _Table) -> _Entry | None:
    """``vertrieb`` + ``leiter`` → head of sales; a stem that is no word we know counts if long."""
    forms = (stem, stem.removesuffix("s"), stem + "e", stem.removesuffix("n"), stem + "en")
    known = next((e for form in forms if (e := table.phrases.get((form,)))), None)
    field = known.field if known is not None and known.kind in {"field", "work"} else ""
    if known is None and len(stem) < 3:
        return None
    if ending.value == "aide":
        is_bosss = known is not None and known.kind == "rank" and known.value == "c_level"
        return _Entry("aide", "", "", "") if is_bosss else _Entry("work", "ic", field, "")
    if ending.value == "ic":
        return _Entry("work", "ic", field or ending.field, "")
    if ending.value == "owner":
        return _Entry("rank", "c_level", "", "owner")
    return _Entry("rank", ending.value, field, ending.value)


def _items(tokens: list[_Token], table: _Table) -> list[_Item]:
    """Phrases from left to right, the longest at each place; no phrase runs across a comma."""
    items: list[_Item] = []
    at = 0
    while at < len(tokens):
        longest = min(table.starts.get(tokens[at].word, 1), len(tokens) - at)
        for size in range(longest, 0, -1):
            if any(token.gap == 2 for token in tokens[at + 1 : at + size]):
                continue
            entry = table.phrases.get(tuple(token.word for token in tokens[at : at + size]))
            if entry is not None:
                items.append(_Item(entry, at, at + size - 1))
                at += size - 1
                break
        else:
            found = _single(tokens[at].word)
            if found is not None:
                items.append(_Item(found, at, at))
        at += 1
    return items


@dataclass(slots=True)
class _Title:
    """One title while it is read."""

    text: str
    tokens: list[_Token]
    items: list[_Item]
    table: _Table

    def gap(self, item: _Item, since: _Item | None = None) -> int:
        """The widest gap before an item, looking back as far as the item ``since``."""
        first = item.first if since is None else since.last + 1
        return max((token.gap for token in self.tokens[first : item.first + 1]), default=0)

    def quote(self, item: _Item) -> str:
        return self.text[self.tokens[item.first].start : self.tokens[item.last].end]

    def has_modifier(self, item: _Item, name: str) -> bool:
        """Whether a word such as *deputy* stands right before the phrase or right after it."""
        words = self.table.words[f"modifier:{name}"]
        before, after = item.first - 1, item.last + 1
        while before >= 0 and self.tokens[before + 1].gap == 0:
            if self.tokens[before].word in words:
                return True
            if self.tokens[before].word not in self.table.words["modifier:scope"]:
                break
            before -= 1
        is_after = after < len(self.tokens) and self.tokens[after].gap == 0
        return is_after and name == "deputy" and self.tokens[after].word in words

    def is_someone_elses(self, item: _Item) -> bool:
        """Whether the rank is a boss's or a thing's: *Office of the CEO*, *CEO's aide*."""
        tokens, words = self.tokens, self.table.words
        if tokens[item.last].possessive:
            return True
        at = item.first - 1
        while at >= 1 and tokens[at + 1].gap == 0 and tokens[at].word in words["modifier:scope"]:
            if tokens[at].word in words["of"]:
                return True
            at -= 1
        if at >= 1 and tokens[at + 1].gap == 0 and tokens[at].word in words["of"]:
            return True
        after = item.last + 1
        if after >= len(tokens) or tokens[after].gap:
            return False
        following = tokens[after].word
        if following in words["box:aide"]:
            return True
        return (
            item.entry.position in {"owner", "founder", "partner", "president", "chief executive"}
            and following in words["box:thing"]
        )


def _normal(title: str) -> str:
    text = title[:_MAX_CHARS]
    text = _RETIRED_ABBREVIATION.sub(" (retired) ", text)
    text = _DOTTED.sub(lambda match: match.group().replace(".", ""), text)
    text = _GENDER_MARK.sub(" ", text)
    text = _GENDER_ENDING.sub("", text)
    return _CAMEL_IN.sub("", text)


def _parse(title: str) -> _Title:
    table = _table()
    text = _normal(title)
    tokens = _tokens(text, table)
    return _Title(text, tokens, _items(tokens, table), table)


def _present(title: _Title) -> list[_Item]:
    """The items that say what the holder is now: no *former* posts, none of the *retired*."""
    items = title.items
    now = max((i for i, item in enumerate(items) if item.entry.kind == "now"), default=-1)
    if any(item.entry.kind == "retired" for item in items[now + 1 :]):
        return []
    if any(item.entry.kind in {"retired", "former"} for item in items[:now]):
        items = items[now + 1 :]
    present: list[_Item] = []
    is_former = False
    previous: _Item | None = None
    for item in items:
        if title.gap(item, previous) == 2:
            is_former = False
        previous = item
        if item.entry.kind == "former":
            is_former = True
            following = title.tokens[item.last + 1 : item.last + 2]
            if (not following or following[0].gap == 2) and title.gap(item) == 2:
                present.clear()  # "CFO (former)"
        elif not is_former:
            present.append(item)
    return present


def _intern(title: _Title, items: list[_Item]) -> _Item | None:
    """The word that makes its holder an intern, unless it only names whom a post looks after."""
    for item in items:
        if item.entry.kind != "intern" or title.is_someone_elses(item):
            continue
        rest = [
            other
            for other in items
            if other.first > item.last
            and not any(t.gap == 2 for t in title.tokens[item.last + 1 : other.first + 1])
            and other.entry.kind in {"rank", "work"}
        ]
        heads = [
            other
            for other in rest
            if other.entry.kind == "rank" or other.entry.field in {"", "education", "consulting"}
        ]
        if not heads or (rest and rest[-1].entry.field in _TECHNICAL):
            return item
    return None


def _ranks(title: _Title, items: list[_Item]) -> tuple[list[_Item], _Item | None]:
    """The holder's own ranks and occupations, and the word that makes the holder an aide."""
    own: list[_Item] = []
    aide: _Item | None = None
    serves = False
    previous: _Item | None = None
    for item in items:
        kind = item.entry.kind
        gap = title.gap(item, previous)
        previous = item
        if serves and kind in {"rank", "work"}:
            before = title.tokens[item.first - 1].word if item.first else ""
            is_top = item.entry.value in {"c_level", "vp"}
            is_next_post = gap == 2 or (gap == 1 and before != "the")
            if (is_next_post and not is_top) or (gap == 2 and aide is None):
                serves = False
        if kind == "aide":
            aide, serves = aide or item, True
        elif kind == "to":
            serves = bool(own) or item.first > 0
        elif kind in {"rank", "work"} and not serves:
            if kind == "rank" and title.is_someone_elses(item):
                following = title.tokens[item.last + 1 : item.last + 2]
                if following and following[0].word in title.table.words["box:aide"]:
                    aide = aide or item
                continue
            if kind == "rank" and _lowered(title, item) is None:
                aide = aide or item  # "Assistant CEO"
                continue
            own.append(item)
    return own, aide


def _turns_partner(title: _Title, partner: _Item, other: _Item) -> bool:
    """Whether a later word of the same phrase makes *partner* a mere adjective."""
    stretch = title.tokens[partner.last + 1 : other.first + 1]
    if other.first <= partner.last or any(
        t.gap or t.word in title.table.words["of"] for t in stretch
    ):
        return False
    is_practice = other.entry.field in {"finance", "legal", "consulting"}
    return other.entry.kind in {"rank", "work"} or (other.entry.kind == "field" and not is_practice)


def _is_real(title: _Title, item: _Item, items: list[_Item]) -> bool:
    """Weeds out ranks that their neighbours turn into something else: *Partner Marketing*."""
    position = item.entry.position
    neighbours_before = [i for i in items if i.last == item.first - 1 and title.gap(item) == 0]
    neighbours_after = [i for i in items if i.first == item.last + 1 and title.gap(i) == 0]
    if position == "partner":
        if title.tokens[item.first].word.startswith("associe") and item.first:
            return title.gap(item) > 0  # "matériaux associés"
        if any(_turns_partner(title, item, other) for other in items):
            return False
        return not any(
            i.entry.field not in {"", "finance", "legal", "compliance", "consulting"}
            for i in neighbours_before
        )
    if position == "board" and title.tokens[item.last].word in {"chair", "governor", "trustee"}:
        following = title.tokens[item.last + 1 : item.last + 2]
        words = title.table.words["of"]
        return not (following and following[0].gap == 0 and following[0].word not in words)
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
        following = title.tokens[item.last + 1 : item.last + 2]
        return not following or following[0].gap > 0
    if position == "head" and item.first == item.last and neighbours_after:
        return neighbours_after[0].entry.kind != "work"
    return True


def _lowered(title: _Title, item: _Item) -> _Entry | None:
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


def _generic_chief(title: _Title) -> _Item | None:
    """*Chief … Officer* with words between that the table does not know as one title."""
    words = [token.word for token in title.tokens]
    for first, word in enumerate(words):
        if word != "chief":
            continue
        for last in range(first + 2, min(first + 6, len(words))):
            if title.tokens[last].gap == 2:
                break
            if words[last] == "officer":
                between = [i for i in title.items if first <= i.first and i.last < last]
                field = next((i.entry.field for i in between if i.entry.field), "")
                item = _Item(_Entry("rank", "c_level", field, "chief"), first, last)
                return None if title.is_someone_elses(item) else item
    return None


def _field(title: _Title, item: _Item, items: list[_Item]) -> str:
    """The field of work that goes with a rank: its own, else the words after, else before."""
    own = item.entry.field
    is_general = own in {"", "consulting", "administrative"} or (
        item.entry.kind == "work" and own in {"engineering", "operations"}
    )
    if own and not is_general:
        return own
    named = [i for i in items if i.entry.field and i.entry.kind in {"field", "work"} and i != item]
    if own in {"engineering", "operations"}:
        named = [i for i in named if i.entry.field in _TECHNICAL | {"sales", "support"}]
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
        is_elsewhere = any(token.gap == 2 or token.word in {"in", "at"} for token in between)
        if not (before and is_elsewhere):
            return chosen.entry.field
        return before[-1].entry.field
    before = [i for i in named if i.last < item.first]
    if before:
        return before[-1].entry.field
    if after and item.entry.kind == "work" and own in {"", "consulting", "administrative"}:
        return after[0].entry.field
    return own


class _Guess(NamedTuple):
    role: BuyingRole | None
    confidence: float
    why: str


def _guess(level: str, field: str, position: str, *, is_deputy: bool) -> _Guess:
    """The likeliest role of a level and a field of work; surer guesses have higher numbers."""
    leads = level in {"c_level", "vp", "head", "director"}
    if position in {"chief executive", "president", "managing director", "owner", "founder"}:
        if is_deputy:
            return _Guess(BuyingRole.EXECUTIVE_SPONSOR, 0.40, "stands in for who runs the company")
        return _Guess(BuyingRole.DECISION_MAKER, 0.50, "runs the company and has the last word")
    if position == "md":
        return _Guess(BuyingRole.DECISION_MAKER, 0.35, "is a managing director, or a physician")
    if position in {"general manager", "partner", "executive director", "signatory"}:
        return _Guess(BuyingRole.DECISION_MAKER, 0.40, "runs the business and may sign for it")
    if field in _LEGAL:
        sure = {"manager": 0.45, "senior": 0.40, "ic": 0.35}.get(level, 0.50)
        what = "buys for the company" if field == "procurement" else "checks the terms"
        return _Guess(BuyingRole.LEGAL_PROCUREMENT, sure, what)
    if field == "finance" and leads:
        if level != "c_level" and is_deputy:
            return _Guess(BuyingRole.ECONOMIC_BUYER, 0.35, "stands in for who holds the budget")
        sure = 0.50 if level == "c_level" else 0.45
        return _Guess(BuyingRole.ECONOMIC_BUYER, sure, "holds the budget")
    if position == "controller" or (field == "finance" and position == "treasurer"):
        return _Guess(BuyingRole.ECONOMIC_BUYER, 0.35, "watches the budget")
    if field in _TECHNICAL and position != "board":
        sure = {"c_level": 0.50, "manager": 0.40, "senior": 0.40, "ic": 0.35}.get(level, 0.45)
        return _Guess(BuyingRole.TECHNICAL_EVALUATOR, sure, "judges whether it works technically")
    return _business_guess(level, position, is_deputy=is_deputy)


def _business_guess(level: str, position: str, *, is_deputy: bool) -> _Guess:
    if level == "c_level":
        sure = 0.40 if position == "board" or is_deputy else 0.45
        return _Guess(BuyingRole.EXECUTIVE_SPONSOR, sure, "sits at the top table")
    if level == "vp" and position == "senior vice president":
        return _Guess(BuyingRole.EXECUTIVE_SPONSOR, 0.40, "leads several departments")
    if position == "chief of staff":
        return _Guess(BuyingRole.INFLUENCER, 0.35, "has the ear of who decides")
    if level in {"vp", "head", "director"}:
        if is_deputy or position in {"assistant vice president", "associate director"}:
            return _Guess(BuyingRole.INFLUENCER, 0.35, "helps to lead a department")
        sure = 0.35 if level == "director" else 0.40
        return _Guess(
            BuyingRole.DECISION_MAKER, sure, "leads a department and decides on what it uses"
        )
    if level == "manager":
        sure = 0.30 if position in {"supervisor", "assistant director"} else 0.35
        return _Guess(BuyingRole.INFLUENCER, sure, "leads a team whose wishes count")
    if position in {"lead", "work", "head", "principal"}:
        return _Guess(BuyingRole.INFLUENCER, 0.30, "leads the work, not the people")
    return _Guess(BuyingRole.END_USER, 0.30, "does the work that the purchase is for")


_NOTHING: Final = TitleReading(reason="no title")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Words that end like an occupation and are none.
_NO_OCCUPATION: Final = _set(
    "center centre computer order water power paper letter number other after under over member"
    " never master transfer chapter cover weather customer consumer gender career exterior interior"
    " major minor junior senior color floor motor sector labor error list rubber leather fiber"
    " timber lumber copper silver river tower laser border corner dinner summer winter newsletter"
    " semiconductor reactor sensor tractor woman human german foreigner prior superior harbor tumor"
    " mirror lower upper inner outer per her our younger older former later better for nor or air"
    " hair repair chair fair affair"
)
_OCCUPATION: Final = re.compile(
    r"\w{2,}(?:er|or|ist|ian|man|men|woman|smith|wright|tech|keeper|ant|aire|eur|euse|iste|iere"
    r"|ista|ero|era|dor|dora|ador|nico|logo|loga|logue|loge|ent|ente|rin|erin|istin|ologist|ster"
    r"|hand|boy|girl|person|guide|steward|maid|layer|frau|mann|wirt|eer|aker)(?:e?s)?"
)


def _occupation(title: _Title) -> _Item | None:
    """A word in the place of the noun that ends like an occupation: *Devulcanizer Loader*."""
    tokens, of = title.tokens, title.table.words["of"]
    for at, token in enumerate(tokens):
        is_last = at + 1 == len(tokens) or tokens[at + 1].gap or tokens[at + 1].word in of
        is_first = at == 0
        if (
            (is_last or is_first)
            and token.word not in _NO_OCCUPATION
            and _OCCUPATION.fullmatch(token.word)
        ) or (is_last and at and token.word in {"eng", "tech", "dev", "admin", "man", "asst"}):
            return _Item(_Entry("work", "ic", "", ""), at, at)
    return None


@lru_cache(maxsize=200_000)
def read_title(title: str) -> TitleReading:
    """Reads one job title as its holder or a CRM user typed it, in any case.

    ``SVP Sales & Marketing`` → vp, sales, executive_sponsor; ``Assistant to the CEO`` → an aide,
    no role; ``former CFO`` → nobody. Of several titles in one the highest counts. Never raises;
    what it cannot read comes back empty. Takes some 50 µs, and next to nothing again.
    """
    parsed = _parse(title)
    if not parsed.tokens:
        return _NOTHING
    items = _present(parsed)
    if parsed.items and not items:
        return TitleReading(reason=f'title "{_clip(title)}" names no present post')
    intern = _intern(parsed, items)
    own, aide = _ranks(parsed, items)
    best = _best(parsed, items, own)
    if intern is not None and not (best is not None and _is_top(best[1])):
        function = _FUNCTION_OF_FIELD.get(f := _field(parsed, intern, items), f)
        return TitleReading(
            "intern", function, reason=f'title says "{parsed.quote(intern)}": is still learning'
        )
    if best is None:
        return _without_rank(parsed, items, aide)
    return _reading(parsed, items, own, best, aide)


def _is_top(entry: _Entry) -> bool:
    return entry.position in {"chief executive", "owner", "founder", "managing director"}


def _best(title: _Title, items: list[_Item], own: list[_Item]) -> tuple[_Item, _Entry] | None:
    """The highest of the holder's own ranks, and what it counts as; the first among equals."""
    found: list[tuple[_Item, _Entry]] = []
    for item in own:
        if item.entry.kind == "rank" and not _is_real(title, item, items):
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
        if entry.position == "executive director" and _field(title, item, items):
            entry = entry._replace(value="director", position="director")
        found.append((item, entry))
    chief = _generic_chief(title) if len(items) == len(title.items) else None
    if chief is not None and all(
        item.first != chief.first or entry.value != "c_level" for item, entry in found
    ):
        found.append((chief, chief.entry))
    return min(found, key=lambda pair: (_LEVELS.index(pair[1].value), pair[0].first), default=None)


def _chairs_a_department(title: _Title, item: _Item) -> bool:
    """*Economics Department Chair*, unlike *Chair* and *Vice Chair*."""
    token = title.tokens[item.first]
    if not token.word.startswith("chair") or item.first == 0 or token.gap:
        return False
    return title.tokens[item.first - 1].word not in title.table.words["modifier:scope"]


def _principal(title: _Title, item: _Item, items: list[_Item]) -> _Entry:
    """A principal runs a school or is near to a partner; *principal engineer* is a senior one."""
    following = title.tokens[item.last + 1 : item.last + 2]
    if following and following[0].gap == 0:
        return item.entry
    if any(other.entry.field == "education" for other in items):
        return item.entry._replace(value="manager")
    level = "director" if item.first == 0 else "senior"
    return item.entry._replace(value=level, position="associate director")


def _reading(
    title: _Title,
    items: list[_Item],
    own: list[_Item],
    best: tuple[_Item, _Entry],
    aide: _Item | None,
) -> TitleReading:
    item, entry = best
    field = entry.field if entry.position == "chief" and entry.field else _field(title, item, items)
    guess = _guess(
        entry.value,
        field,
        entry.position,
        is_deputy=title.has_modifier(item, "deputy")
        or entry.position in {"assistant director", "general manager deputy"},
    )
    if aide is not None and entry.value in {"senior", "ic"}:
        guess = _Guess(None, 0.0, "works for someone else")
    return TitleReading(
        seniority=cast(Seniority, entry.value),
        job_function=_FUNCTION_OF_FIELD.get(field, field),
        is_founder=any(i.entry.position == "founder" and _is_real(title, i, items) for i in own),
        is_owner=any(i.entry.position == "owner" and _is_real(title, i, items) for i in own),
        is_aide=aide is not None and entry.value in {"senior", "ic"},
        role=guess.role,
        confidence=min(guess.confidence, TITLE_CONFIDENCE),
        reason=f'title says "{title.quote(item)}": {guess.why}',
    )


def _without_rank(title: _Title, items: list[_Item], aide: _Item | None) -> TitleReading:
    if aide is not None:
        return TitleReading(
            "ic",
            "administrative",
            is_aide=True,
            reason=f'title says "{title.quote(aide)}": works for someone else',
        )
    named = [item for item in items if item.entry.kind == "field" and item.entry.field]
    field = named[0].entry.field if named else ""
    function = _FUNCTION_OF_FIELD.get(field, field)
    occupation = _occupation(title) if len(items) == len(title.items) else None
    if field in _LEGAL | _TECHNICAL:
        guess = _guess("ic", field, "", is_deputy=False)
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


def _work_level(title: _Title, occupation: _Item | None) -> Seniority | None:
    if occupation is None:
        return None
    seniors = title.table.words["modifier:senior"]
    is_senior = any(token.word in seniors for token in title.tokens[: occupation.first])
    return "senior" if is_senior else "ic"


def _clip(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"
