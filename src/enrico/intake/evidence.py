"""What the values of a column say: ids, people, job titles, roles, addresses, yes and no."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from enrico.domain.identity import check_email, registrable_domain
from enrico.domain.word_tables import word_set
from enrico.intake.result import Crm
from enrico.intake.values import EMPTY, FALSE, TRUE
from enrico.intake.vocabulary import fold, hints, squeeze, tables, words

if TYPE_CHECKING:
    from enrico.intake.columns import Column, Plan

SALESFORCE_ID = re.compile(r"(?:00[0-9A-Za-z]|a[0-9A-Za-z]{2})[0-9A-Za-z]{12}(?:[0-9A-Za-z]{3})?")
_PIPEDRIVE = re.compile(r"(deal|person|organi[sz]ation|lead|product) - .+", re.I)
_SALESFORCE_HEADERS = word_set(
    """
    StageName AccountId OpportunityId IsDeleted SystemModstamp LastModifiedById OwnerId ContactId
    CurrencyIsoCode ForecastCategoryName RecordTypeId CreatedById MasterRecordId
    """
)
_SALESFORCE_LABELS = frozenset(
    """opportunity name|opportunity owner|opportunity id|case safe id|contact: full name
    |nombre de la oportunidad|name der opportunity|opportunity-name|opportunity-inhaber
    |nom de l'opportunite""".replace("\n", "")
    .replace("    ", "")
    .split("|")
)
_HUBSPOT_HEADERS = frozenset(
    [
        "record id",
        "id de registro",
        "datensatz-id",
        "id do registro",
        "id record",
        "dealname",
        "dealstage",
        "deal stage",
        "lifecycle stage",
        "marketing contact status",
        "company domain name",
        "nombre de dominio de la empresa",
        "is closed won",
        "datensatz id",
        "id de l'enregistrement",
        "etapa del negocio",
        "deal-phase",
        "id de fiche d'informations",
        "record-id",
        "buying role",
    ]
)


def usual(values: Iterable[str], most: int = 300) -> list[str]:
    """Some values without the empty ones; the first of each."""
    found: dict[str, None] = {}
    for value in values:
        if value not in found and value.strip().lower() not in EMPTY:
            found[value] = None
            if len(found) >= most:
                break
    return list(found)


def share(values: Sequence[str], test: Callable[[str], bool]) -> float:
    """Part of the values that pass; 0 when there are none."""
    return sum(1 for value in values if test(value)) / len(values) if values else 0.0


def crm_of(headers: Sequence[str], file: str, columns: Sequence[Column]) -> Crm:
    """Which CRM wrote this table."""
    if sum(1 for h in headers if _PIPEDRIVE.fullmatch(h.strip())) >= 2:
        return "pipedrive"
    if "hubspot" in file.lower():
        return "hubspot"
    folded = [fold(h).strip() for h in headers]
    hubspot = sum(
        h.startswith(("associated ", "hs_", "hubspot_", "properties.")) or h in _HUBSPOT_HEADERS
        for h in folded
    )
    salesforce = sum(h in _SALESFORCE_HEADERS or h.endswith("__c") for h in headers)
    salesforce += sum(h in _SALESFORCE_LABELS for h in folded)
    salesforce += 2 * any(
        c.target.endswith(".id") and are_salesforce_ids(c.values) for c in columns
    )
    if hubspot > salesforce:
        return "hubspot"
    return "salesforce" if salesforce else "generic"


def are_salesforce_ids(values: Sequence[str]) -> bool:
    """15 or 18 characters that begin like a Salesforce id."""
    return share(values, lambda v: bool(SALESFORCE_ID.fullmatch(v.strip()))) > 0.8


def are_record_ids(values: Sequence[str]) -> bool:
    """Salesforce ids, or long numbers."""
    return (
        are_salesforce_ids(values)
        or share(
            values,
            lambda v: all(
                re.fullmatch(r"\d{5,}(\.0)?", p.strip()) for p in v.split(";") if p.strip()
            ),
        )
        > 0.9
    )


def is_domain(value: str) -> bool:
    """A bare host such as ``acme.com``."""
    value = value.strip().lower()
    return bool(re.fullmatch(r"(https?://)?[a-z0-9.-]+\.[a-z]{2,}/?", value)) and bool(
        registrable_domain(value)
    )


def is_url(value: str) -> bool:
    """A web address."""
    return bool(re.match(r"\s*(https?://|www\.)", value, re.I)) or is_domain(value)


def is_email(value: str) -> bool:
    """Holds an e-mail address."""
    return "@" in value and bool(check_email(value).key)


def is_words(value: str) -> bool:
    """Two or more words without digits: a name, not an id."""
    return bool(re.fullmatch(r"[^\W\d_]+\.?(?:[ '-][^\W\d_]+\.?)+", value.strip()))


def are_booleans(values: Sequence[str]) -> bool:
    """Yes and no in some spelling."""
    return bool(values) and share(values, lambda v: v.strip().lower() in TRUE | FALSE) > 0.8


def are_job_titles(values: Sequence[str]) -> bool:
    """Many hold a word that job titles are made of."""
    known = hints("job_title")
    return share(values, lambda v: bool(known.intersection(words(v)))) > 0.4


def are_buying_roles(values: Sequence[str]) -> bool:
    """Many consist of words of buying roles."""
    known = hints("buying_role")
    return share(values, lambda v: _part_known(v, known) >= 0.5) > 0.4


def is_buying_role(text: str) -> bool:
    """Nothing but a buying role: ``Economic Buyer``; not ``Technical Director``."""
    parts = words(text)
    return squeeze(parts) in tables().roles or (
        len(parts) > 1 and _part_known(text, hints("buying_role")) == 1
    )


def _part_known(value: str, known: frozenset[str]) -> float:
    parts = words(value)
    return sum(1 for w in parts if w in known) / len(parts) if parts else 0.0


def is_counter(values: Sequence[str]) -> bool:
    """1, 2, 3 …"""
    numbers = [int(float(v)) for v in values if re.fullmatch(r"\d{1,7}(\.0)?", v.strip())]
    return len(numbers) == len(values) > 1 and numbers == list(
        range(numbers[0], numbers[0] + len(numbers))
    )


def are_people(plan: Plan, column: Column) -> bool:
    """Two or three words that are no deal: by the e-mail beside, or by their shape."""
    emails = " ".join(v.lower() for c in plan.of("contact.email") for v in c.values)
    if emails:
        hits = share(column.values, lambda v: any(len(w) > 2 and w in emails for w in words(v)))
        others = 0.5 if plan.has("account.name", "account.domain") else 0.3
        if hits < 0.2:
            return False
        if hits > others and share(column.values, _is_person_like) > 0.4:
            return True
    return share(column.values, _is_person_like) > 0.6


def _is_person_like(value: str) -> bool:
    parts = value.replace(",", " ").split()
    return 2 <= len(parts) <= 4 and all(
        re.fullmatch(r"[^\W\d_][^\W\d_.'’-]*(?:[-'’.][^\W\d_]*)*\.?", p) for p in parts
    )


def repeats_with(plan: Plan, column: Column) -> bool:
    """Is this id new on every row while the deal's name is not? Then it is the row's own."""
    names = [c for c in plan.of("deal.name") if c is not column]
    if not names or not names[0].values or not column.values:
        return False
    return len(column.values) > 1.5 * len(names[0].values) and len(column.values) > 3


def hold_several_people(values: Sequence[str]) -> bool:
    """``Jane Doe (CFO), Tom Roe <tom@x.com>``: does any cell hold more than a name?"""
    return any(_is_several(value) for value in values)


def _is_several(value: str) -> bool:
    if (
        re.search(r"[;\n|<(\[]", value.strip())
        or "@" in value
        or re.search(r"\s[–—/-]\s|\s&\s|\band\b", value)
    ):
        return True
    parts = [p.split() for p in value.split(",") if p.strip()]
    return len(parts) > 1 and all(len(p) > 1 for p in parts)


def most_common(values: Iterable[str]) -> str:
    """The usual value; of equals the first in order."""
    counted = Counter(v for v in values if v)
    return min(counted, key=lambda v: (-counted[v], v)) if counted else ""
