"""What a provider's answer about a person says about a contact: seniority, tenure, moved or not.

Pure readings of stored values, shared by roles and exports so that both say the same.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Literal

from rapidfuzz import fuzz

from enrico.domain.identity import account_name_key, registrable_domain
from enrico.domain.names import same_person_name
from enrico.domain.titles import read_title

Moved = Literal["yes", "no", ""]
SAME_NAME = 90

# Apollo's list on the left (its search filter, read October 2026), ours on the right.
_SENIORITY = {
    "owner": "c_level",
    "founder": "c_level",
    "c_suite": "c_level",
    "partner": "c_level",
    "vp": "vp",
    "head": "head",
    "director": "director",
    "manager": "manager",
    "senior": "senior",
    "entry": "ic",
    "intern": "intern",
}


@lru_cache(maxsize=8_192)
def seniority_of(provider_seniority: str, title: str) -> str:
    """The provider's level in our words, else what the verified title says; empty when neither."""
    return _SENIORITY.get(provider_seniority) or (
        read_title(title).seniority or "" if title else ""
    )


@lru_cache(maxsize=8_192)
def department_of(departments: str, functions: str, title: str) -> str:
    """One department in plain words: ``master_finance;c_suite`` → ``finance``."""
    names = [name.removeprefix("master_") for name in departments.split(";") if name]
    ranked = [name for name in names if name != "c_suite"] or functions.split(";")[:1] or names
    if ranked and ranked[0]:
        return ranked[0].replace("_", " ")
    if names:
        return "executive"
    return ((read_title(title).job_function or "") if title else "").replace("_", " ")


def tenure_months(employer_since: str, fetched_at: str) -> int | None:
    """Whole months in the present job when the answer came; None when unknown."""
    return _months_between(employer_since[:10], fetched_at[:10])


@lru_cache(maxsize=8_192)
def _months_between(earlier: str, later: str) -> int | None:
    try:
        since, then = date.fromisoformat(earlier), date.fromisoformat(later)
    except ValueError:
        return None
    months = (then.year - since.year) * 12 + then.month - since.month - (then.day < since.day)
    return months if months >= 0 else None


def has_moved(
    *, employer: str, employer_domain: str, account_name: str, account_domain: str, email: str
) -> Moved:
    """Whether the person works elsewhere now than at the account or behind the address.

    Another country's domain of the same name is the same employer; empty when it cannot be told.
    """
    # Colleagues have all of it in common.
    return _moved(employer, employer_domain, account_name, account_domain, _domain_of(email))


@lru_cache(maxsize=8_192)
def _moved(
    employer: str, employer_domain: str, account_name: str, account_domain: str, email_domain: str
) -> Moved:
    if not (employer or employer_domain) or not (account_name or account_domain or email_domain):
        return ""
    known = {_stem(domain) for domain in (account_domain, email_domain) if domain}
    if employer_domain and _stem(employer_domain) in known:
        return "no"
    ours, theirs = account_name_key(account_name), account_name_key(employer)
    if ours and theirs and (ours == theirs or fuzz.token_set_ratio(ours, theirs) >= SAME_NAME):
        return "no"
    if employer_domain and known:
        return "yes"
    if theirs and any(theirs.replace(" ", "") == stem.replace("-", "") for stem in known):
        return "no"
    return "yes" if ours and theirs else ""


def is_about(contact_name: str, verified_name: str, *, shared: bool) -> bool:
    """Whether an answer may be put on a contact.

    An address used by contacts of different names belongs to one of them at most, so there the
    names must agree. Otherwise the address decides: people change their names.
    """
    return not shared or same_person_name(contact_name, verified_name) is True


def _domain_of(email: str) -> str:
    """The employer's domain behind an address; addresses of one host are looked up once."""
    local, _, host = email.rpartition("@")
    # Those two would be taken for the end of an address or the start of a path.
    return registrable_domain(email if "|" in local or "/" in local else f"@{host}")


def _stem(domain: str) -> str:
    return domain.partition(".")[0]
