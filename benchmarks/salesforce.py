"""The sample CRM and the requests, as every variant but ours reads and writes them."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import orjson

T = TypeVar("T")

QUERY = '"{}" (funding OR acquisition OR partnership OR launch OR hiring OR layoffs OR CEO)'
PROMPT = """\
You classify search results about companies. The user message is a JSON document with accounts and \
their results. Types: funding, hiring, expansion, leadership_change, partnership, product_launch, \
acquisition, layoff, regulatory, award, negative_press. Answer with one JSON object: \
{"accounts":[{"id":"a1","signals":[{"result":0,"type":"funding","relevance":0.9}]}]}
"""


@dataclass(slots=True)
class Crm:
    """What is needed of a Salesforce export."""

    accounts: dict[str, dict[str, str]]
    """Those that have a deal, by their id."""
    deals: list[dict[str, str]]
    contacts: dict[str, dict[str, str]]
    links: list[dict[str, str]]
    """Which contact is on which deal, with the CRM's role."""

    def seats(self) -> Iterator[tuple[dict[str, str], str]]:
        """Contact and CRM role for each contact on each deal."""
        for link in self.links:
            yield self.contacts[link["ContactId"]], link["Role"]

    def on_deal(self, deal: str) -> list[dict[str, str]]:
        """What Apollo is asked about each contact on a deal."""
        return [
            question(self.contacts[link["ContactId"]])
            for link in self.links
            if link["OpportunityId"] == deal
        ]

    def people(self) -> dict[str, dict[str, str]]:
        """What Apollo is asked about each address, once."""
        return {address(contact["Email"]): question(contact) for contact, _ in self.seats()}


def read_crm(folder: Path) -> Crm:
    """The sample CRM in Salesforce's form."""

    def table(name: str) -> list[dict[str, str]]:
        with (folder / f"{name}.csv").open(encoding="iso-8859-1", newline="") as lines:
            return list(csv.DictReader(lines))

    deals = table("Opportunity")
    used = {row["AccountId"] for row in deals}
    return Crm(
        accounts={row["Id"]: row for row in table("Account") if row["Id"] in used},
        deals=deals,
        contacts={row["Id"]: row for row in table("Contact")},
        links=table("OpportunityContactRole"),
    )


def address(email: str) -> str:
    """An address by which people are told apart: " Ada@Acme.com" → "ada@acme.com"."""
    return email.strip().lower()


def question(contact: Mapping[str, str]) -> dict[str, str]:
    """What Apollo is asked about a contact."""
    return {
        "email": contact["Email"].strip(),
        "first_name": contact["FirstName"],
        "last_name": contact["LastName"],
    }


def search_request(name: str) -> dict[str, Any]:
    """Serper's body for an account of this name."""
    return {"q": QUERY.format(name), "num": 10, "gl": "us", "hl": "en", "tbs": "qdr:y"}


def llm_request(crm: Crm, found: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """The model's body for accounts with their search results."""
    documents = [
        {
            "id": key,
            "name": crm.accounts[key]["Name"],
            "domain": crm.accounts[key]["Website"],
            "results": [
                {"id": number, **{name: r.get(name, "") for name in ("title", "snippet", "date")}}
                for number, r in enumerate(results)
            ],
        }
        for key, results in found.items()
    ]
    return {
        "model": "deepseek-flash",
        "messages": [
            {"role": "system", "content": PROMPT},
            {"role": "user", "content": orjson.dumps({"accounts": documents}).decode()},
        ],
        "response_format": {"type": "json_object"},
        "thinking": {"type": "disabled"},
        "temperature": 0,
    }


def batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Slices of *size*; the last may be smaller."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
