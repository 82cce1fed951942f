"""The verdict on one search result, from all places where the account's name occurs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from enrico.domain.aboutness.account import (
    NamedAccount,
    account_of,
    registered_host,
)
from enrico.domain.aboutness.text import Text, folded, read_text
from enrico.domain.aboutness.uses import Use, uses_of
from enrico.domain.aboutness.words import COUNTRIES, GENERIC_COUNTRY_TLDS, LEGAL_FORMS

Verdict = Literal["about", "mention", "other_firm", "no_mention"]
"""``about``: the account is what it is about. ``mention``: it occurs, the story is somebody
else's. ``other_firm``: another organisation of that name. ``no_mention``: the name does not
occur as a name."""

_DOMAIN = re.compile(
    r"(?<![\w@.-])(?:https?://)?(?:www\.)?((?:[a-z0-9-]+\.)+(?:com|net|org|io|ai|co|dev|app|tech"
    r"|info|biz|us|uk|de|fr|es|it|nl"
    r"|ch|at|be|eu|in|jp|cn|br|au|ca|se|no|dk|fi|pl|ie|tv|me|ly|so|sh|gg|xyz|cloud|health|bank"
    r"|shop|store|finance))(?![\w-])"
)
_HOST_BEGINS = re.compile(r"(?<![\w-])")
_HOST_ENDS = re.compile(r"(?![\w-]|\.\w)")
_COUNTRY_WORDS_AFTER = 4
_NO_SPACES = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u3040-\u30ff\u3130-\u318f"
                        r"\u3400-\u9fff\uac00-\ud7af]")  # fmt: skip
"""Thai, Lao, Burmese, Japanese, Chinese; and Korean, whose particles are a part of the word."""


@dataclass(frozen=True, slots=True)
class Aboutness:
    """A verdict, how sure it is (0 to 1), and the reason in a few words."""

    verdict: Verdict
    confidence: float
    reason: str


def about_account(
    account_name: str, account_domain: str, title: str, snippet: str, url: str
) -> Aboutness:
    """Whether a search result is about this account.

    Accents, case, legal forms, spaces, hyphens and CamelCase do not matter. A result on the
    account's own domain is about it. A name that is one ordinary word must stand where a firm's
    name stands; inside a longer name it is another firm. All arguments may be empty; the name `N/A`
    matches nothing.

    `Delta`, `Delta Dental names new CEO` → other_firm; `Acme Corp`, `Acme, Inc. raises $5M` →
    about; `Acme`, `Former Acme executive joins Beta` → mention.
    """
    account = account_of(account_name, account_domain)
    site = registered_host(_host(url))
    if account.has_own_site and site == account.domain:
        return Aboutness("about", 0.98, "it is on the account's own site")
    plain = folded(f"{title} {snippet}")
    head, body = read_text(title), read_text(snippet)
    in_title, in_body = uses_of(account, head), uses_of(account, body)
    names_domain = account.has_own_site and _names_domain(plain, account.domain)
    if not names_domain:
        if rival := _rival_domain(account, plain, site):
            return Aboutness("other_firm", 0.85, f"a firm of that name at {rival}")
        if foreign := _foreign(account, head, body):
            return Aboutness("other_firm", 0.6, f"a firm of that name elsewhere: {foreign}")
    found = _weigh(account, head, in_title, in_body, names_domain, url)
    if found.verdict == "no_mention" and _may_hide(account, head, body):
        return Aboutness("no_mention", 0.5, "the name may stand within a longer word")
    return found


def _weigh(
    account: NamedAccount,
    head: Text,
    in_title: list[Use],
    in_body: list[Use],
    names_domain: bool,
    url: str,
) -> Aboutness:
    every = in_title + in_body
    longer = next((use for use in every if use.kind == "longer"), None)
    if longer is not None and not names_domain:
        is_of_title = longer in in_title
        is_strong = any(_is_firm(use) and use.points >= 3 for use in in_title)
        if not is_strong and (is_of_title or not _is_sure(in_title)):
            return Aboutness("other_firm", 0.8 if is_of_title else 0.65, longer.why)
    if not any(map(_is_firm, every)):
        return _without_firm(account, every, names_domain, url)
    points = _most_points(in_title) + _most_points(in_body) + (4 if names_domain else 0)
    is_word = any(use.kind == "word" for use in every)
    if points < (3 if is_word else 2 if _needs_more(account) else 1):
        return Aboutness("no_mention", 0.5, "nothing shows that the word is a firm's name")
    confidence = min(0.95, 0.55 + 0.08 * points)
    if told := next((use for use in in_title if use.kind == "subject"), None):
        return Aboutness("about", confidence, told.why)
    if listed := next((use for use in in_title if use.kind == "listed"), None):
        return Aboutness("mention", confidence, listed.why)
    return _by_snippet(account, head, in_body, names_domain, url, confidence)


def _without_firm(
    account: NamedAccount, every: list[Use], names_domain: bool, url: str
) -> Aboutness:
    """The verdict when the name stands nowhere as a firm's name."""
    if names_domain:
        return Aboutness("mention", 0.7, "its domain is named")
    if _in_path(account, url):
        return Aboutness("mention", 0.5, "only the address of the page names it")
    if every:
        return Aboutness("no_mention", 0.8, every[0].why)
    return Aboutness("no_mention", 0.9, "the name does not occur")


def _by_snippet(
    account: NamedAccount,
    head: Text,
    in_body: list[Use],
    names_domain: bool,
    url: str,
    confidence: float,
) -> Aboutness:
    """The verdict when the title does not name the firm and the snippet does."""
    leading = next(
        (u for u in in_body if u.kind == "subject" and u.start <= 40 and u.points >= 2), None
    )
    if leading is not None:
        if not head.words:
            return Aboutness("about", confidence, "the snippet begins with it")
        if names_domain or leading.points >= 4:
            return Aboutness("about", min(confidence, 0.65), "the snippet begins with it")
        if _in_path(account, url):
            why = "the snippet begins with it and the address names it"
            return Aboutness("about", 0.6, why)
    why = next((use.why for use in in_body if use.kind == "listed"), "only the snippet names it")
    return Aboutness("mention", min(confidence, 0.75), why)


def _is_firm(use: Use) -> bool:
    return use.kind in ("subject", "listed")


def _most_points(uses: list[Use]) -> int:
    return max((use.points for use in uses if _is_firm(use)), default=0)


def _is_sure(uses: list[Use]) -> bool:
    return any(use.kind == "subject" and use.points >= 2 for use in uses)


def _needs_more(account: NamedAccount) -> bool:
    return any(
        name.is_ordinary or name.kind == "acronym"
        for name in account.spellings
        if name.kind != "stem"
    )


def _may_hide(account: NamedAccount, head: Text, body: Text) -> bool:
    """Whether a word may be the name with something grown onto it, which we cannot take apart.

    Some scripts put no space between words; some languages an ending: `Volkswagens Werk`.
    """
    keys = head.keys | body.keys
    return any(
        any(name.joined in key for key in keys)
        if _NO_SPACES.search(name.joined)
        else len(name.joined) >= 4 and not name.is_ordinary and name.joined + "s" in keys
        for name in account.spellings
    )


def _names_domain(plain: str, domain: str) -> bool:
    """Whether a text writes the domain out, alone or as the end of a longer host."""
    at = plain.find(domain)
    while at >= 0:  # a pattern for each domain would have to be compiled
        if _HOST_BEGINS.match(plain, at) and _HOST_ENDS.match(plain, at + len(domain)):
            return True
        at = plain.find(domain, at + 1)
    return False


def _host(url: str) -> str:
    try:
        return (urlsplit(url.strip()).hostname or "").casefold()
    except ValueError:
        return ""


def _rival_domain(account: NamedAccount, plain: str, site: str) -> str:
    """Another domain with the same stem: `apex.io` beside apex.com. A country's site of ours is
    none."""
    if not account.stem or not account.domain:
        return ""
    named = {site}
    if account.stem in plain.replace("-", ""):
        named |= {registered_host(found) for found in _DOMAIN.findall(plain)}
    for domain in sorted(named - {"", account.domain}):
        stem, _, suffix = domain.partition(".")
        if stem.replace("-", "") == account.stem and not _is_sister(account, suffix):
            return domain
    return ""


def _is_sister(account: NamedAccount, suffix: str) -> bool:
    """Whether a domain of this ending may well be the account's too: `acme.de` of acme.com."""
    if len(account.stem) < 5 or account.has_ordinary_stem:
        return False
    last = suffix.split(".")[-1]
    is_of_country = len(last) == 2 and last not in GENERIC_COUNTRY_TLDS
    return is_of_country or suffix in ("com", "net", "org", "eu")


def _foreign(account: NamedAccount, head: Text, body: Text) -> str:
    """Another legal form beside another country: `Apex Ltd, a Nigerian builder` for `Apex, Inc.`,
    apex.us."""
    if not account.legal or LEGAL_FORMS.isdisjoint(head.keys | body.keys):
        return ""
    country = account.domain.rsplit(".", 1)[-1]
    if len(country) != 2 or country in GENERIC_COUNTRY_TLDS:
        country = ""
    words = head.words + body.words
    keys = [word.key for word in words]
    for name in account.spellings:
        width = len(name.parts)
        for n in range(len(words) - width):
            form = n + width
            if tuple(keys[n:form]) != name.parts:
                continue
            if keys[form] not in LEGAL_FORMS or keys[form] in account.legal:
                continue
            for word in words[form + 1 : form + 1 + _COUNTRY_WORDS_AFTER]:
                if COUNTRIES.get(word.key, country) != country:
                    return word.text
    return ""


def _in_path(account: NamedAccount, url: str) -> bool:
    """Whether the page's address names the account: `/quote/acme-corp/`. Not for ordinary words."""
    try:
        path = folded(urlsplit(url.strip()).path)
    except ValueError:
        return False
    padded = "-" + re.sub(r"[^a-z0-9]+", "-", path) + "-"
    return any(
        f"-{spelled}-" in padded
        for name in account.spellings
        if not name.is_ordinary and name.kind != "acronym" and len(name.joined) >= 4
        for spelled in (name.joined, "-".join(name.parts))
    )
