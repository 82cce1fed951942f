"""Occupations that the table lacks, told by the ending of the word: *Devulcanizer Loader*."""

from __future__ import annotations

import re
from typing import Final

from enrico.domain.titles.phrases import Item, Title
from enrico.domain.titles.table import Entry
from enrico.domain.word_tables import word_set

# Words that end like an occupation and are none.
_NO_OCCUPATION: Final = word_set(
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


def occupation_in(title: Title) -> Item | None:
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
            return Item(Entry("work", "ic", "", ""), at, at)
    return None
