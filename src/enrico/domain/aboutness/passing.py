"""Names in passing: a rival, a customer, a former employer in somebody else's story."""

from __future__ import annotations

import re

from enrico.domain.aboutness.text import Text, folded
from enrico.domain.word_tables import word_set

_CHARACTERS_BEFORE = 140
_CHARACTERS_AFTER = 80
_FORMERLY = word_set("former ex formerly ehemaliger ancien exdirectivo")

_LIST_BEFORE = re.compile(
    r"(?:(?:customers?|clients?|users|companies|brands|firms|startups|competitors?|rivals?"
    r"|players|vendors|giants"
    r"|investors?|backers|partners|employers|names|peers|platforms|retailers|tools)"
    r"(?: \w+){0,3}?,? (?:such as|include|includes|including|like|of|to)"
    r"|such as|alternatives? (?:to|for)|competitors? (?:to|of)|rivals? (?:of|to)|as well as"
    r"|alongside|unlike"
    r"|(?:used|trusted|adopted|backed|funded|certified|owned) by|(?:worked|working|works|years"
    r"|stints?|roles|experience|job|career) (?:at|for|with)"
    r"|formerly (?:at|of|with)|previously (?:at|of|with)|ex-?|former(?:ly)?|veterans? of"
    r"|alum(?:ni|nus|na)? of|graduate of|replaces?|instead of"
    r"|(?:shares|position|holdings?|stake|investment) (?:of"
    r"|in))[\s:]*(?:[\w.'&-]+(?: [\w.'&-]+)?(?:, (?:and )?| and )){0,8}$"
)
_LIST_AFTER = re.compile(
    r"^(?:'s)?[ -](?:rivals?|competitors?|alternatives?|veterans?|alum(?:ni|nus|na|s)?|alumnus"
    r"|clones?|backed|owned|killer|certified"
    r"|spin-?(?:off|out)|partner |reseller|customers? |style|like )\b"
    r"|^(?:'s)? (?:executives?|exec|ceo|cfo|cto|coo|president|director|engineers?|managers?|vp"
    r"|vice president|boss|leader|chief)"
    r"(?: \w+){0,4} (?:joins?|joined|to join|named|appointed|becomes|leads? new"
    r"|launches? (?:new )?(?:startup|fund)|founds?|starts?)\b"
)


def named_in_passing(text: Text, first: int, last: int) -> str:
    """Why the name at these words belongs to somebody else's story; empty if nothing says so.

    `investors such as Acme` · `Acme rival` · `former Acme executive`.
    """
    words = text.words
    start, end = words[first].start, words[last].end
    left = folded(text.raw[max(0, start - _CHARACTERS_BEFORE) : start]).rstrip("( $\"'")
    right = folded(text.raw[end : end + _CHARACTERS_AFTER])
    if right and first and words[first - 1].key in _FORMERLY:
        return "named as a former employer"
    spaced = left + (" " if left and not left.endswith("-") else "")
    found = _LIST_BEFORE.search(spaced) or _LIST_BEFORE.search(left)
    if found:
        return f"named in passing, after “{found.group().strip()[:30]}”"
    found = _LIST_AFTER.match(right)
    if found:
        return f"named in passing, before “{found.group().strip()[:30]}”"
    return ""
