"""When are two spellings the same person, or the same company? Keys that records are matched by.

All functions are pure and idempotent: the key of a key is that key.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal

import idna

from enrico.domain import identity_tables as tables
from enrico.domain.spelling import LETTERS, fold, without_accents
from enrico.domain.word_tables import word_set

EmailFault = Literal["", "no_email", "malformed", "role_account", "disposable", "placeholder"]


@dataclass(frozen=True, slots=True)
class EmailCheck:
    """What an e-mail cell is worth."""

    key: str
    """The address in its matching form; empty when the cell holds none."""
    usable: bool
    """Worth a paid look-up: a well-formed address that belongs to one person."""
    why: EmailFault
    """Empty when usable."""


_SPACE = re.compile(r"[\s\u200b-\u200f\u2060\ufeff\u00a0\u00ad]+")
_CANDIDATE = re.compile(
    r"[^\s,;|<>()\[\]\"“”„«»\u200b-\u200f\ufeff]+@[^\s,;|<>()\[\]\"“”„«»@\u200b-\u200f\ufeff]+"
)
_LOCAL = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*")
_HOST = re.compile(
    r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:[a-z][a-z0-9-]{0,61}[a-z0-9])"
)
_LINKEDIN = re.compile(r"linkedin\.com/in/([^\s/?#\"'<>,;]+)", re.IGNORECASE)
_BROKEN = re.compile(r"[a-z0-9._-]+ [a-z0-9._-]+@\S+")  # "jane doe@x.com": whose is doe@x.com?
_EDGE = "\"'`´‘’.,;:!?*<>()[]{}/\\"


def is_placeholder(text: str) -> bool:
    """Does this text stand for nothing, as ``N/A``, ``-``, ``(No value)`` or ``TBD`` do?"""
    return _SPACE.sub(" ", text).strip().lower() in _NOTHING


_NOTHING = tables.PLACEHOLDERS | {""}


def email_key(raw: str) -> str:
    """The form people are matched by: ``Jane <J.Doe+crm@GoogleMail.com>`` → ``jdoe@gmail.com``.

    Of several addresses in one cell the first usable one; empty when there is none at all.
    """
    return check_email(raw).key


@lru_cache(maxsize=16_000)
def check_email(raw: str, name: str = "") -> EmailCheck:
    """Is there an address in this cell that is worth a look-up, and which?

    Of several addresses the first usable one is taken; if none is usable, the first. With the
    person's name, what is a mailbox by its word may be a person's: ``post@acme.com`` → role
    account; with *Emily Post* → usable. The name never changes an address's key.
    """
    if "@" not in raw:
        text = raw.replace("＠", "@")
        if "@" not in text:
            return EmailCheck("", False, "no_email" if is_placeholder(raw) else "malformed")
        raw = text
    if _BROKEN.fullmatch(raw.strip()):
        return EmailCheck("", False, "malformed")
    first: EmailCheck | None = None
    for candidate in _candidates(raw):
        found = _check_one(candidate, name)
        if found.usable:
            return found
        if first is None or (not first.key and found.key):
            first = found
    return first or EmailCheck("", False, "malformed")


def addresses_in(text: str) -> list[EmailCheck]:
    """All addresses in a cell or a text, in their matching form, usable or not."""
    if "@" not in text:
        return []
    found = (_check_one(candidate, "") for candidate in _candidates(text))
    return [check for check in found if check.key]


def linkedin_key(url: str) -> str:
    """``https://de.LinkedIn.com/in/Ada-Byrne/?x=1`` → ``linkedin.com/in/ada-byrne``, else empty."""
    found = _LINKEDIN.search(url)
    return f"linkedin.com/in/{found[1].lower()}" if found else ""


def _candidates(raw: str) -> Iterator[str]:
    text = unicodedata.normalize("NFC", raw)
    for match in _CANDIDATE.finditer(text):
        # "a@x.com/b@x.com" is two addresses; a slash inside a local part is not met in practice.
        for piece in match.group().split("/") if match.group().count("@") > 1 else [match.group()]:
            address = piece.strip(_EDGE)
            if address[:7].lower() == "mailto:":
                address = address[7:]
            local, at, host = address.rpartition("@")
            host = re.split(r"[?&#/]", host, maxsplit=1)[0]
            yield f"{local.strip(_EDGE) if ':' in local else local}{at}{host.strip(_EDGE)}"


def _check_one(address: str, name: str) -> EmailCheck:
    local, _, host = address.rpartition("@")
    local = _lower_case(local)
    host = _ascii_host(host)
    if host in tables.PLACEHOLDER_HOSTS:
        return EmailCheck("", False, "placeholder")
    if not host or len(local) > 64 or not _LOCAL.fullmatch(local):
        return EmailCheck("", False, "malformed")
    plain = local.split("+", 1)[0]
    if plain != local and _LOCAL.fullmatch(plain):
        local = plain
    if host == "googlemail.com":
        host = "gmail.com"
    if host == "gmail.com":
        local = local.replace(".", "")
    key = f"{local}@{host}"
    if len(key) > 254:
        return EmailCheck("", False, "malformed")
    bare = re.sub(r"[._-]", "", local)
    domain = registered_part(host)
    if domain in tables.PLACEHOLDER_DOMAINS:
        return EmailCheck(key, False, "placeholder")
    if "noreply" in bare or "donotreply" in bare:
        return EmailCheck(key, False, "placeholder")
    if domain in tables.DISPOSABLE or host in tables.DISPOSABLE:
        return EmailCheck(key, False, "disposable")
    why = _no_person(bare)
    if why and not _is_named_so(bare, name, domain):
        return EmailCheck(key, False, why)
    return EmailCheck(key, True, "")


def _no_person(bare: str) -> EmailFault:
    """What a local part without marks is by its word alone; empty when it may be a person's."""
    if bare in tables.PLACEHOLDER_LOCAL_PARTS:
        return "placeholder"
    if bare in tables.ROLE_LOCAL_PARTS or bare.rstrip("0123456789") in tables.SURE_FUNCTIONS:
        return "role_account"
    return ""


def _is_named_so(bare: str, name: str, domain: str) -> bool:
    """Whether a person's name explains a local part: Joe *Root*, *A*na *P*erez.

    Another word of the name must be a person's: *Sales Team* and *Info Acme* explain nothing.
    """
    words = [w for w in (re.sub(r"[\W_]", "", fold(part)) for part in name.split()) if w]
    site = domain.partition(".")[0].replace("-", "")
    others = [w for w in words if w != bare and not _no_person(w) and w != site]
    if len(words) < 2 or not others:
        return False
    first, last = words[0], words[-1]
    initials = "".join(word[0] for word in words)
    spelled = {
        *words,
        first + last,
        last + first,
        first[0] + last,
        first + last[0],
        last + first[0],
    }
    return bare in spelled | {initials, first[0] + last[0]}


def _lower_case(text: str) -> str:
    """Unicode lower case with its accents, repeated until it stays: a few letters need it twice."""
    for _ in range(4):
        folded = unicodedata.normalize("NFC", text.casefold())
        if folded == text:
            break
        text = folded
    return text


def _ascii_host(host: str) -> str:
    """Lower case and punycode; one-label hosts only when they are placeholders; else empty."""
    host = host.strip().rstrip(".").lower()
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            return ""
    if host in tables.PLACEHOLDER_HOSTS:
        return host
    return host if _HOST.fullmatch(host) else ""


@cache
def _list_by_ending() -> tuple[Mapping[str, Sequence[str]], Mapping[str, Sequence[str]]]:
    """The rules of the registries and those of the hosting companies, by their last label."""
    from publicsuffixlist import PSLFILE

    lines = Path(PSLFILE).read_text(encoding="utf-8").splitlines()
    border = lines.index("// ===BEGIN PRIVATE DOMAINS===")
    return _by_ending(lines[:border]), _by_ending(lines[border:])


def _by_ending(lines: Iterable[str]) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        if line and not line.startswith("//"):
            found[line.rpartition(".")[2]].append(line)
    return found


def _public_suffixes(host: str) -> tuple[Any, Any]:
    """The registries' suffixes and the hosting companies', as far as they can be *host*'s."""
    return _suffixes_of_ending(host.removesuffix(".").rpartition(".")[2])


@lru_cache(maxsize=2_000)
def _suffixes_of_ending(ending: str) -> tuple[Any, Any]:
    # The whole list takes longer to parse than a small export to load; an export has few endings.
    from publicsuffixlist import PublicSuffixList

    plain = ending
    if ending.startswith("xn--"):
        with suppress(UnicodeError):
            plain = ending.encode().decode("idna")
    registries, hosting = (list(_spelt(of.get(plain, ()))) for of in _list_by_ending())
    return (
        PublicSuffixList(registries, accept_encoded_idn=False),
        PublicSuffixList(hosting, accept_encoded_idn=False, accept_unknown=False),
    )


def _spelt(rules: Iterable[str]) -> Iterator[str]:
    """Rules, also in punycode; the library would encode those that are ASCII too."""
    for rule in rules:
        yield rule
        if not rule.isascii():
            yield rule.encode("idna").decode("ascii")


@lru_cache(maxsize=16_000)
def registered_part(host: str) -> str:
    """The part of a host that somebody registered: ``www.news.acme.co.uk`` → ``acme.co.uk``.

    Whoever owns it, mail and hosting companies too (see ``registrable_domain``). Wants lower case.
    Empty for a mere suffix, such as ``co.uk``.
    """
    registries, hosting = _public_suffixes(host)
    suffix = registries.publicsuffix(host)
    hosted = hosting.publicsuffix(host)
    if hosted and len(hosted) > len(suffix):
        suffix = hosted
    return _one_label_more(host, suffix) if suffix else ""


def _one_label_more(host: str, suffix: str) -> str:
    host = host.removesuffix(".").lower()
    before = host.removesuffix(suffix).rstrip(".").rpartition(".")[2]
    return f"{before}.{suffix}" if before else ""


def is_free_mail(domain: str) -> bool:
    """Does anyone get a mailbox there, so that it says nothing about the employer?

    ``gmail.com``, ``yahoo.co.uk`` → True.
    """
    domain = domain.strip().lower()
    if domain in tables.FREE_MAIL:
        return True
    brand, _, ending = domain.partition(".")
    if brand == "live":
        return ending in tables.LIVE_ENDINGS
    return brand in tables.FREE_MAIL_BRANDS and ending.count(".") < 2 and bool(ending)


_PLAIN_ADDRESS = re.compile(r"[\w.+-]+@([a-z0-9.-]+)")


def registrable_domain(raw: str) -> str:
    """The company's own domain: ``https://shop.Acme.co.uk/de?x`` → ``acme.co.uk``.

    From a URL, a host or an e-mail address. Empty for free mail, social pages, site builders,
    short links, addresses by number, placeholders and all that is no host.
    """
    # Addresses are as many as people, their hosts as few as firms.
    address = _PLAIN_ADDRESS.fullmatch(raw)
    return _registrable(address[1] if address else raw)


@lru_cache(maxsize=16_000)
def _registrable(raw: str) -> str:
    for piece in re.split(r"[\s,;|]+", unicodedata.normalize("NFC", raw).strip()):
        domain = _one_domain(piece)
        if domain:
            return domain
    return ""


def _one_domain(piece: str) -> str:
    text = re.sub(r"^[a-z][a-z0-9+.-]*:/*", "", piece.strip("<>\"'()[]"), flags=re.I)
    if re.match(r"[^/]*@", text):
        text = text.split("/", 1)[0].rpartition("@")[2]
    text = text.lstrip("/")
    host, _, path = text.partition("/")
    host = re.split(r"[?#:]", host, maxsplit=1)[0]
    host = _ascii_host(host.strip(".,;*"))
    if "." not in host or host in tables.SHARED_HOSTS:
        return ""
    domain = registered_part(host)
    if not domain or domain in tables.PLACEHOLDER_DOMAINS or is_free_mail(domain):
        return ""
    if domain in tables.NOT_A_COMPANY_SITE or domain in tables.DISPOSABLE:
        return ""
    if domain == "x.com" and path.strip("/"):
        return ""
    public = _public_suffixes(host)[0].privatesuffix(host)
    if public and public != domain and domain.partition(".")[2] not in tables.COUNTRY_REGISTRIES:
        return ""  # a name under a hosting company's own suffix, as acme.github.io
    return domain


@cache
def _legal_forms() -> frozenset[str]:
    """Our own table and cleanco's, folded the way names are."""
    from cleanco import termdata

    forms = set(tables.LEGAL_FORMS)
    for group in (termdata.terms_by_type, termdata.terms_by_country):
        for terms in group.values():
            forms.update(" ".join(_name_tokens(term)) for term in terms)
    return frozenset(forms - _NOT_FORMS - {""})


_NOT_FORMS = word_set(
    "the group bank trust union international mas a e uk eu at et me is ca da ad ok sd ps pp"
)
"""Listed by cleanco, but carried as names by companies, or ordinary words in some language."""


def _name_tokens(name: str) -> list[str]:
    text = without_accents(name.casefold().translate(LETTERS)).casefold()
    text = unicodedata.normalize("NFKC", text)
    text = re.sub(r"[.'’`´‘]", "", text)
    text = re.sub(r"\s*[&+]\s*", " & ", text)
    return re.findall(r"&|[^\W_]+", text)


@lru_cache(maxsize=16_000)
def account_name_key(name: str) -> str:
    """The form that accounts are matched by: ``The Müller GmbH & Co. KG`` → ``muller``.

    Legal forms, accents, marks and *the* are gone. Never empty, unless the name is a placeholder.
    """
    if is_placeholder(name):
        return ""
    text = name
    for form in tables.CJK_LEGAL_FORMS:
        text = text.replace(form, " ").strip() or text
    tokens = _name_tokens(text)
    tokens = _without_legal_forms(tokens)
    if len(tokens) > 1 and tokens[0] == "the":
        tokens = tokens[1:]
    elif len(tokens) > 1 and tokens[-1] == "the":
        tokens = tokens[:-1]
    tokens = _without_legal_forms(tokens)
    key = " ".join("and" if token == "&" else token for token in tokens)
    return key or " ".join(_lower_case(name).split())


def _without_legal_forms(tokens: list[str]) -> list[str]:
    forms = _legal_forms()
    while len(tokens) > 1:
        for size in range(min(5, len(tokens) - 1), 0, -1):
            if " ".join(tokens[-size:]) in forms:
                tokens = tokens[:-size]
                break
        else:
            if tokens[-1] in ("&", "and"):
                tokens = tokens[:-1]
                continue
            if tokens[0] not in tables.LEADING_LEGAL_FORMS:
                break
            tokens = tokens[1:]
    return tokens


@lru_cache(maxsize=16_000)
def short_account_name(name: str) -> str:
    """The name as news writes it: ``Bäckerei Kröger GmbH & Co. KG`` → ``Bäckerei Kröger``.

    Without legal forms at its end and, as in ``PT Telkom``, at its start. Case and accents stay.
    What would leave nothing or a single letter, as ``X Corp.``, stays whole.
    """
    text = name
    for form in tables.CJK_LEGAL_FORMS:
        text = text.replace(form, " ").strip() or text
    words = text.split()
    is_shorter = False
    while len(words) > 1:
        size = next((n for n in range(min(6, len(words) - 1), 0, -1) if _is_form(words[-n:])), 0)
        if size:
            words, is_shorter = words[:-size], True
        elif is_shorter and words[-1].casefold() in ("&", "+", "and", "und", "et", "y"):
            words = words[:-1]
        elif "".join(_name_tokens(words[0])) in tables.SURE_LEADING_FORMS:
            words = words[1:]
        else:
            break
    short = " ".join(words).strip(" ,;")
    return short if sum(map(str.isalnum, short)) > 1 else " ".join(name.split())


def _is_form(words: list[str]) -> bool:
    """Whether words as written are one legal form: ``S.A.``, ``GmbH & Co.KG``."""
    joined, apart = zip(*map(_spellings_of, words), strict=True)
    return any(" ".join(filter(None, spelled)) in _legal_forms() for spelled in (joined, apart))


@lru_cache(maxsize=16_000)  # the words at the ends of names are few
def _spellings_of(word: str) -> tuple[str, str]:
    """A word in tokens, its full stops left out, or read as spaces: ``Co.KG`` → cokg, co kg."""
    return " ".join(_name_tokens(word)), " ".join(_name_tokens(word.replace(".", " ")))


_SALESFORCE_ID = re.compile(r"(?!000)00[0-9A-Za-z]{13}")
_SUFFIX_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def record_id(text: str) -> str:
    """An id in its one form: a Salesforce id of 15 characters gets the three that check it.

    One of 18 stays as it is, valid or not, so that different ids never become one; only the case
    of a valid ending is mended. ``0061x00000Ab3Cd`` and ``0061x00000Ab3CdAAJ`` → the latter.
    """
    text = text.strip().strip("'\"")
    short, suffix = text[:15], text[15:]
    if len(suffix) not in (0, 3) or not _SALESFORCE_ID.fullmatch(short):
        return text
    valid = _salesforce_suffix(short)
    return short + valid if suffix.upper() in ("", valid) else text


@lru_cache(maxsize=16_000)
def _salesforce_suffix(short: str) -> str:
    return "".join(
        _SUFFIX_LETTERS[
            sum(1 << i for i, c in enumerate(short[start : start + 5]) if "A" <= c <= "Z")
        ]
        for start in (0, 5, 10)
    )
