"""The sample CRM has the size that is asked for, and the form of a real export."""

from __future__ import annotations

import csv
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from enrico.sandbox import write_sample_crm
from enrico.sandbox.crm import blocks, size_of
from enrico.sandbox.names import firm


def read(path: Path, encoding: str = "utf-8") -> list[dict[str, str]]:
    with path.open(encoding=encoding, newline="") as handle:
        return list(csv.DictReader(handle))


def salesforce(folder: Path) -> dict[str, list[dict[str, str]]]:
    return {path.stem: read(path, "iso-8859-1") for path in folder.glob("*.csv")}


def test_fifty_deals_are_exactly_the_workload_that_speed_is_judged_on(tmp_path: Path) -> None:
    write_sample_crm(tmp_path)

    tables = salesforce(tmp_path)
    emails = {row["Id"]: row["Email"].strip().lower() for row in tables["Contact"]}
    pairs = {
        (row["OpportunityId"], emails[row["ContactId"]]) for row in tables["OpportunityContactRole"]
    }
    assert len(tables["Opportunity"]) == 50
    assert len(tables["Account"]) == 32
    assert {row["AccountId"] for row in tables["Opportunity"]} == {
        row["Id"] for row in tables["Account"]
    }
    assert len(tables["OpportunityContactRole"]) == len(pairs) == 503
    assert len({person for _, person in pairs}) == len(set(emails.values())) == 225
    assert all(row["IsClosed"] == "1" for row in tables["Opportunity"])


def test_people_are_typed_in_again_and_otherwise_on_other_deals(tmp_path: Path) -> None:
    write_sample_crm(tmp_path)

    contacts = salesforce(tmp_path)["Contact"]
    records = Counter(row["Email"].strip().lower() for row in contacts)
    assert any(count == 2 for count in records.values())
    assert len({row["Email"] for row in contacts}) > 225
    assert any(row["Email"] != row["Email"].strip() for row in contacts)
    assert any(row["Email"] != row["Email"].lower() for row in contacts)
    assert not any(row["Email"].startswith(("info@", "sales@")) for row in contacts)


def test_a_data_export_is_quoted_latin_1_with_empty_lookups(tmp_path: Path) -> None:
    write_sample_crm(tmp_path)

    raw = (tmp_path / "Opportunity.csv").read_bytes()
    tables = salesforce(tmp_path)
    roles = [row["Role"] for row in tables["OpportunityContactRole"]]
    assert b"000000000000000AAA" in raw
    assert raw.split(b"\r\n")[1].startswith(b'"006')
    assert all(row["CloseDate"].endswith(" 00:00:00") for row in tables["Opportunity"])
    assert 0.25 < sum(map(bool, roles)) / len(roles) < 0.42
    assert {len(row["Id"]) for rows in tables.values() for row in rows} == {18}
    names = " ".join(row["FirstName"] + row["LastName"] for row in tables["Contact"])
    assert not names.isascii()


def test_a_champion_is_somebody_on_the_deal(tmp_path: Path) -> None:
    write_sample_crm(tmp_path, 200)

    tables = salesforce(tmp_path)
    names = {row["Id"]: f"{row['FirstName']} {row['LastName']}" for row in tables["Contact"]}
    on_deal: dict[str, set[str]] = {}
    for row in tables["OpportunityContactRole"]:
        on_deal.setdefault(row["OpportunityId"], set()).add(names[row["ContactId"]])
    champions = {
        row["Id"]: row["Champion__c"] for row in tables["Opportunity"] if row["Champion__c"]
    }
    assert 5 < len(champions) < 60
    assert all(name in on_deal[deal] for deal, name in champions.items())


def test_hubspot_files_tell_the_same_with_one_contact_for_each_address(tmp_path: Path) -> None:
    write_sample_crm(tmp_path, form="hubspot")

    tables: dict[str, Any] = {p.stem.split("-")[4]: read(p) for p in tmp_path.glob("*.csv")}
    ids = {row["Record ID"] for row in tables["contacts"]}
    pairs = [
        contact
        for row in tables["deals"]
        for contact in row["Associated Contact IDs"].split(";")
        if contact
    ]
    assert (len(tables["deals"]), len(tables["companies"])) == (50, 32)
    assert len(ids) == len({row["Email"] for row in tables["contacts"]}) == 225
    assert len(pairs) == 503
    assert set(pairs) == ids
    assert any(row["Buying Role"] for row in tables["contacts"])


def test_a_plain_sheet_has_a_row_for_each_person_on_each_deal(tmp_path: Path) -> None:
    (path,) = write_sample_crm(tmp_path, form="plain")

    rows = read(path, "utf-8-sig")
    assert len(rows) == 503
    assert len({row["E-mail"].strip().lower() for row in rows}) == 225
    assert len({row["Deal"] for row in rows}) == 50


@pytest.mark.parametrize("deals", [1, 2, 3, 7, 49, 51, 120])
def test_any_number_of_deals_is_as_wanted(deals: int) -> None:
    size = size_of(deals)
    made = list(blocks(size, seed=3))

    people = {contact.person.email for block in made for contact in block.contacts}
    on_deals = [pair for block in made for deal in block.deals for pair in deal.contacts]
    assert sum(len(block.deals) for block in made) == deals
    assert len(people) == size.people
    assert len(on_deals) <= size.contacts
    assert len({(deal.number) for block in made for deal in block.deals}) == deals


def test_counts_can_be_given_and_must_make_sense(tmp_path: Path) -> None:
    write_sample_crm(tmp_path, 20, accounts=5, people=60, contacts=120)

    tables = salesforce(tmp_path)
    assert len(tables["Account"]) == 5
    assert len(tables["OpportunityContactRole"]) == 120
    with pytest.raises(ValueError, match="1 to 20 accounts"):
        write_sample_crm(tmp_path, 20, accounts=21)


def test_a_large_crm_is_made_piece_by_piece(tmp_path: Path) -> None:
    made = blocks(size_of(100_000), seed=7)
    next(made)
    tracemalloc.start()

    for _ in range(20):
        next(made)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 8_000_000


def test_the_same_seed_writes_the_same_files(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_sample_crm(tmp_path / name, seed=seed)

    first, again, other = (
        b"".join(path.read_bytes() for path in sorted((tmp_path / name).iterdir()))
        for name in "abc"
    )
    assert first == again != other


def test_no_two_firms_share_a_domain() -> None:
    domains = {firm(7, number).domain for number in range(20_000)}

    assert len(domains) == 20_000
    assert not any("example" in domain for domain in domains)
