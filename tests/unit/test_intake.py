# ruff: noqa: E501
"""Intake: traps of real exports, each as a small file."""

from __future__ import annotations

import json
import os
import random
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
import xlsxwriter

from enrico.domain.records import DealContact
from enrico.errors import InputError
from enrico.intake import Intake, read_exports
from shared_data import data_file


def read(folder: Path, **files: str) -> Intake:
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text, "utf-8")
    return read_exports([folder])


def field_of(found: Intake, header: str) -> str:
    return next(c.field for f in found.files for c in f.columns if c.header == header)


def test_rows_in_another_order_give_the_same_records(tmp_path: Path) -> None:
    head = "Deal,Company,Website,Stage,Amount,Close date,Name,Email,Title,Role\n"
    rows = [
        f"Deal {i % 7},Company {i % 5}{' Inc' if i % 2 else ''},{f'c{i % 5}.com' if i % 3 else ''},Won,"
        f"{1000 + i % 7},2026-11-{i % 28 + 1:02d},Jane Doe{i % 11},j{i % 11}@c{i % 5}.com,Title {i % 4},Role {i % 3}\n"
        for i in range(200)
    ]
    first = read(tmp_path, deals=head + "".join(rows))
    random.Random(7).shuffle(rows)
    second = read(tmp_path, deals=head + "".join(rows))

    assert first.accounts == second.accounts
    assert first.contacts == second.contacts
    assert first.deals == second.deals
    assert first.deal_contacts == second.deal_contacts


def test_short_and_long_salesforce_ids_are_one_record_and_empty_look_ups_are_empty(
    tmp_path: Path,
) -> None:
    found = read(
        tmp_path,
        Opportunity="Id,AccountId,Name,StageName\n0061x00000Ab3Cd,000000000000000AAA,P,Won\n",
        Contact="Id,AccountId,LastName,Email\n0031x00000Ab3CdAAJ,,Doe,d@acme.com\n",
        OpportunityContactRole="OpportunityId,ContactId,Role\n0061x00000Ab3CdAAJ,0031x00000Ab3Cd,Champion\n",
    )

    assert [d.id for d in found.deals] == ["0061x00000Ab3CdAAJ"]
    assert [(x.deal_id, x.contact_id) for x in found.deal_contacts] == [
        ("0061x00000Ab3CdAAJ", "0031x00000Ab3CdAAJ")
    ]


def test_links_to_records_that_were_not_exported_say_which_file_is_missing(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        Opportunity="Id,Name,StageName\n006000000000001AAA,P,Won\n",
        OpportunityContactRole="Id,OpportunityId,ContactId,Role\n"
        "00K000000000001AAA,006000000000001AAA,003000000000001AAA,Champion\n",
    )

    assert [(u.row, u.mend) for u in found.unusable] == [(2, "Export Contact.csv too.")]


def test_deleted_rows_are_left_out_and_reported(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        Opportunity="Id,IsDeleted,Name,StageName\n006000000000001AAA,0,P,Won\n006000000000002AAA,1,Q,Won\n",
    )

    assert [d.name for d in found.deals] == ["P"]
    assert [(u.row, u.reason) for u in found.unusable] == [(3, "deleted in the CRM")]


def test_repeated_roles_of_one_contact_are_merged_in_a_fixed_order(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        Opportunity="Id,Name,StageName\n006000000000001AAA,P,Won\n",
        Contact="Id,LastName,Email\n003000000000001AAA,Doe,d@acme.com\n",
        OpportunityContactRole="OpportunityId,ContactId,Role,IsPrimary\n"
        + "".join(
            f"006000000000001AAA,003000000000001AAA,{r}\n" for r in ("X,1", "A,0", ",0", "X,0")
        ),
    )

    assert [(x.role_label, x.is_primary) for x in found.deal_contacts] == [("A;X", True)]


def test_ids_destroyed_by_a_spreadsheet_are_refused_and_names_used(tmp_path: Path) -> None:
    found = read(
        tmp_path, deals="Record ID,Deal Name,Deal Stage\n4.79476E+11,P,Won\n4.79476E+11,Q,Won\n"
    )

    assert sorted(d.name for d in found.deals) == ["P", "Q"]
    assert all(d.id.startswith("d_") for d in found.deals)
    assert any("scientific notation" in w for w in found.warnings)


def test_a_hubspot_id_column_may_hold_a_company_s_name(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        deals="Record ID,Deal Name,Deal Stage,Associated Company IDs\n1,P,Won,Acme Inc\n2,Q,Won,77\n",
        companies="Record ID,Company name,Company Domain Name\n77,Foo,foo.com\n",
    )

    assert sorted(a.name for a in found.accounts) == ["Acme Inc", "Foo"]


def test_duplicate_contact_records_stay_apart(tmp_path: Path) -> None:
    found = read(
        tmp_path, contacts="Record ID,Last Name,Email\n1,Doe,j@acme.com\n2,Doe,J@Acme.com\n"
    )

    assert [c.id for c in found.contacts] == ["1", "2"]
    assert "contacts joined by e-mail: 2 duplicate records of 1 people" in found.matches


@pytest.mark.parametrize(
    ("values", "header", "target"),
    [
        (["CFO", "VP Sales"], "Role", "contact.title"),
        (["Decision Maker", "Champion"], "Role", "contact.role_label"),
        (["CFO", "Head of IT"], "Title", "contact.title"),
    ],
)
def test_values_decide_what_an_ambiguous_header_means(
    tmp_path: Path, values: list[str], header: str, target: str
) -> None:
    rows = "".join(f"P,Acme,Jane Doe{i},{v}\n" for i, v in enumerate(values))

    found = read(tmp_path, sheet=f"Deal,Company,Contact,{header}\n{rows}")

    assert field_of(found, header) == target


def test_title_on_a_sheet_of_deals_is_the_deal_s_name(tmp_path: Path) -> None:
    found = read(tmp_path, x="Title,Organization,Value,Status\nPilot,Acme,12,Open\n")

    assert field_of(found, "Title") == "deal.name"


@pytest.mark.parametrize(
    ("cells", "expected", "said"),
    [
        (["03/04/2026", "25/04/2026"], date(2026, 4, 3), "day first"),
        (["03/04/2026", "04/25/2026"], date(2026, 3, 4), "month first"),
        (["03.04.2026"], date(2026, 4, 3), "day first"),
        (["46346"], date(2026, 11, 20), ""),
        (["2026-11-20T23:22:08.000+0000"], date(2026, 11, 20), "year first"),
        (["20. November 2026"], date(2026, 11, 20), ""),
        (["03/04/2026"], date(2026, 3, 4), "month first: nothing tells"),
    ],
)
def test_the_order_of_dates_is_decided_by_the_whole_column(
    tmp_path: Path, cells: list[str], expected: date, said: str
) -> None:
    rows = "".join(f"P{i},Acme,{v}\n" for i, v in enumerate(cells))

    found = read(tmp_path, x=f"Deal,Company,Close date\n{rows}")

    assert next(d.close_date for d in found.deals if d.name == "P0") == expected
    assert said in found.files[0].date_order


def test_a_decimal_comma_settles_ambiguous_dates(tmp_path: Path) -> None:
    found = read(tmp_path, x='Deal,Company,Amount,Close date\nP,Acme,"1.234,50 €",03/04/2026\n')

    deal = found.deals[0]
    assert (deal.amount, deal.currency, deal.close_date) == (
        Decimal("1234.50"),
        "EUR",
        date(2026, 4, 3),
    )


@pytest.mark.parametrize(
    ("stage", "outcome"),
    [
        ("Closed Won", "won"), ("signed", "won"), ("Gewonnen", "won"), ("ganado", "won"), ("Gagné", "won"),
        ("Vinta", "won"), ("Closed Lost", "lost"), ("dead", "lost"), ("no decision", "lost"), ("verloren", "lost"),
        ("perdido", "lost"), ("Perdu", "lost"), ("Negotiation", "open"), ("Id. Decision Makers", "open"),
    ],
)  # fmt: skip
def test_stage_words_tell_the_outcome(tmp_path: Path, stage: str, outcome: str) -> None:
    found = read(tmp_path, x=f"Deal,Company,Stage\nP,Acme,{stage}\n")

    assert found.deals[0].outcome == outcome


def test_flags_overrule_stage_words(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        Opportunity="Id,Name,StageName,IsClosed,IsWon\n006000000000001AAA,P,Signed and lost,1,1\n"
        "006000000000002AAA,Q,Won?,1,0\n006000000000003AAA,R,Won soon,0,0\n",
    )

    assert [d.outcome for d in found.deals] == ["won", "lost", "open"]


def test_deal_fields_that_name_people_are_kept_as_roles(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        Opportunity="Id,Name,StageName,Champion__c,Economic_Buyer__c\n006000000000001AAA,P,Won,Jane Doe,003000000000001AAA\n",
        Contact="Id,FirstName,LastName\n003000000000001AAA,Tom,Roe\n",
    )

    assert found.deals[0].role_fields == (("champion", "Jane Doe"), ("economic_buyer", "Tom Roe"))


def test_every_row_gives_a_record_or_is_reported(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        contacts="First Name,Last Name,Email,Notes\nJane,Doe,j@acme.com,x\n,,,only a note\n\nTom,Roe,,\n",
    )

    assert len(found.contacts) == 2
    assert [(u.row, u.reason) for u in found.unusable] == [(3, "it names no contact")]


def test_two_tables_on_one_sheet_are_both_read(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        x="Deal,Company,Stage\nP,Acme,Won\n\n\nName,Email,Company\nJane Doe,j@acme.com,Acme\n",
    )

    assert [(f.kind, f.header_row) for f in found.files] == [("deals", 1), ("contacts", 5)]


def test_an_open_quote_swallows_no_rows(tmp_path: Path) -> None:
    found = read(tmp_path, x='Deal,Company,Stage\n"P,Acme,Won\nQ,Foo,Lost\nR,Bar,Won\n')

    assert sorted(d.name for d in found.deals) == ["P", "Q", "R"]
    assert any("quote" in w for w in found.warnings)


def test_one_bad_file_does_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "cut.xlsx").write_bytes(b"PK\x03\x04" + os.urandom(200))
    (tmp_path / "binary.csv").write_bytes(bytes(range(256)) * 20)
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "page.xls").write_text("<html><body>Please log in</body></html>")

    found = read(tmp_path, deals="Deal,Company,Stage\nP,Acme,Won\n")

    assert len(found.deals) == 1
    assert sorted(Path(u.file).name for u in found.unusable) == [
        "binary.csv", "cut.xlsx", "empty.csv", "page.xls",
    ]  # fmt: skip


def test_nothing_usable_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "header.csv").write_text("Deal Name,Company,Stage\n")

    with pytest.raises(InputError, match=r"no rows below the header.*Give a CRM's export"):
        read_exports([tmp_path])


def test_numbers_of_workbooks_are_ids_dates_and_amounts(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(str(tmp_path / "deals.xlsx")) as book:
        sheet = book.add_worksheet("Deals")
        sheet.write_row(0, 0, ["Record ID", "Deal Name", "Deal Stage", "Amount", "Close Date"])
        sheet.write_row(1, 0, [5001.0, "P", "Won", 12.345, 46346.0])
        sheet.write_row(2, 0, [479476000000000064.0, "Q", "Won", 1, 46346.5])

    found = read_exports([tmp_path])

    deal = next(d for d in found.deals if d.name == "P")
    assert (deal.id, deal.amount, deal.close_date) == (
        "5001",
        Decimal("12.345"),
        date(2026, 11, 20),
    )
    assert next(d.id for d in found.deals if d.name == "Q").startswith("d_")


def test_wide_sheets_and_huge_cells_are_read(tmp_path: Path) -> None:
    head = ",".join(["Record ID", "Deal Name", "Deal Stage", *(f"Field {i}" for i in range(600))])
    rows = f'\n1,P,Won,"{"line of a mail; with marks" * 8000}"' + ",x" * 599

    found = read(tmp_path, deals=head + rows + "\n")

    assert [d.name for d in found.deals] == ["P"]


def test_public_crm_samples_are_read_without_loss() -> None:
    found = read_exports(sorted(data_file("crm").glob("sfsample_*.csv")))

    assert (len(found.accounts), len(found.contacts), len(found.deals)) == (24, 42, 235)
    assert {a.id for a in found.accounts} >= {d.account_id for d in found.deals}
    assert not found.unusable


def test_zero_padded_ids_of_salesforce_s_length_stay_apart(tmp_path: Path) -> None:
    ids = [[f"{kind}{i:015d}" for kind in ("006", "001", "003")] for i in range(30)]

    found = read(
        tmp_path,
        Opportunity="Id,AccountId,Name,StageName\n"
        + "".join(f"{d},{a},Deal,Won\n" for d, a, _ in ids),
        Account="Id,Name\n" + "".join(f"{a},Acme\n" for _, a, _ in ids),
        Contact="Id,LastName,AccountId\n" + "".join(f"{c},Doe,{a}\n" for _, a, c in ids),
        OpportunityContactRole="OpportunityId,ContactId,Role\n"
        + "".join(f"{d},{c},Champion\n" for d, _, c in ids),
    )

    assert [d.id for d in found.deals] == [d for d, _, _ in ids]
    assert [a.id for a in found.accounts] == [a for _, a, _ in ids]
    assert [c.id for c in found.contacts] == [c for _, _, c in ids]
    assert [(d.account_id) for d in found.deals] == [a for _, a, _ in ids]
    assert found.deal_contacts == [DealContact(d, c, "Champion", False) for d, _, c in ids]


def test_an_18_character_id_with_a_wrong_ending_is_kept_as_given(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        Opportunity="Id,Name,StageName\n006A00000000001AAA,P,Won\n006A00000000001,Q,Won\n",
    )

    assert [(d.id, d.name) for d in found.deals] == [
        ("006A00000000001AAA", "P"),
        ("006A00000000001IAA", "Q"),
    ]


PEOPLE = [
    {"name": "Jane Doe", "email": "jane@acme-corp.com"},
    {"name": "Tom Roe", "email": "tom@acme-corp.com"},
]


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("lines", [True, False])
@pytest.mark.parametrize(
    ("people", "expected"),
    [
        ([], []),
        (None, []),
        ({}, []),
        ("", []),
        (["Ann Lee", "Bob Fox"], [("Ann", "Lee", ""), ("Bob", "Fox", "")]),
        (["ann@globex.com", "bob@globex.com"], [("", "", "ann@globex.com"), ("", "", "bob@globex.com")]),
        ([{"name": "Ann Lee"}, "Bob Fox"], [("Ann", "Lee", ""), ("Bob", "Fox", "")]),
        ([{"name": "Ann Lee"}], [("Ann", "Lee", "")]),
    ],
)  # fmt: skip
def test_records_with_and_without_lists_of_people_agree(
    tmp_path: Path,
    people: object,
    expected: list[tuple[str, str, str]],
    lines: bool,
    is_first: bool,
) -> None:
    deals = [
        {"id": "9001", "name": "Pilot", "stage": "Open", "account": {"name": "Acme"}, "contacts": PEOPLE},
        {"id": "9002", "name": "Second", "stage": "Open", "account": {"name": "Globex"}, "contacts": people},
    ]  # fmt: skip
    if is_first:
        deals.reverse()
    text = "\n".join(map(json.dumps, deals)) if lines else json.dumps(deals)
    (tmp_path / "deals.json").write_text(text)

    found = read_exports([tmp_path])

    by_id = {c.id: (c.first_name, c.last_name, c.email) for c in found.contacts}
    links = {
        d.id: sorted(by_id[x.contact_id] for x in found.deal_contacts if x.deal_id == d.id)
        for d in found.deals
    }
    assert links == {
        "9001": [("Jane", "Doe", "jane@acme-corp.com"), ("Tom", "Roe", "tom@acme-corp.com")],
        "9002": expected,
    }
    assert not found.unusable


@pytest.mark.parametrize("is_first", [True, False])
def test_lists_of_ids_names_and_addresses_are_people(tmp_path: Path, is_first: bool) -> None:
    deals = [
        {"id": "9001", "deal_name": "Pilot", "company": "Acme", "contact_ids": ["7001", "7002"]},
        {"id": "9002", "deal_name": "Second", "company": "Acme", "contact_ids": []},
    ]
    (tmp_path / "deals.json").write_text(json.dumps(deals[:: -1 if is_first else 1]))

    found = read(tmp_path, contacts="Record ID,Last Name\n7001,Doe\n7002,Roe\n")

    assert [(x.deal_id, x.contact_id) for x in found.deal_contacts] == [
        ("9001", "7001"),
        ("9001", "7002"),
    ]


def test_another_number_beside_a_real_id_is_not_used_and_says_so(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        Account="AccountNumber,Id,Name\nCD451796,001000000000001AAA,Acme\nCD355118,,Globex\n",
    )

    assert field_of(found, "Id") == "account.id"
    assert field_of(found, "AccountNumber") == ""
    assert "another number: the id is in 'Id'" in {c.why for c in found.files[0].columns}
    assert not any(a.id.startswith("CD") for a in found.accounts)


def test_a_number_is_the_id_where_there_is_no_other(tmp_path: Path) -> None:
    found = read(tmp_path, Account="AccountNumber,Name\nCD451796,Acme\n")

    assert [a.id for a in found.accounts] == ["CD451796"]


def test_a_second_column_of_a_field_says_when_it_is_used(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        deals="Deal - ID,Deal - Title,Deal - Contact person,Person - Name,Deal - Stage\n"
        "1,P,Jane Doe,Jane Doe,Won\n2,Q,Tom Roe,Tom Roe,Won\n",
    )

    columns = {c.header: c for c in found.files[0].columns}
    assert not any("#" in c.field for c in columns.values())
    assert sorted(columns[h].why.partition("; ")[2] for h in ("Deal - Contact person", "Person - Name")) == [
        "", f"used where '{next(h for h in ('Deal - Contact person', 'Person - Name') if '; ' not in columns[h].why)}' is empty",
    ]  # fmt: skip


def test_numbered_people_are_told_in_words(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        x="Deal,Company,Contact 1,Contact 1 email,Contact 2,Contact 2 email\n"
        "P,Acme,Jane Doe,j@acme.com,Tom Roe,t@acme.com\n",
    )

    assert field_of(found, "Contact 2 email") == "contact.email (person 2)"


def test_files_that_are_no_tables_by_their_name_are_ignored_and_no_fault(tmp_path: Path) -> None:
    for name in ("enrico.db", ".DS_Store", "README", "README.txt"):
        (tmp_path / name).write_bytes(b"SQLite format 3\0")

    found = read(tmp_path, deals="Deal,Company,Stage\nP,Acme,Won\n")

    assert not found.unusable
    ignored = {Path(f.path).name: f.note for f in found.files if f.kind == "ignored"}
    assert ignored == dict.fromkeys(
        ["README", "README.txt", "enrico.db"], "not a table by its name; left alone"
    )


def test_a_file_that_is_not_what_its_ending_says_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.xlsx").write_text("just some words\nand some more of them\n")
    (tmp_path / "table.xlsx").write_text("Deal,Company,Stage\nQ,Acme,Won\n")

    found = read(tmp_path, deals="Deal,Company,Stage\nP,Acme,Won\n")

    assert sorted(d.name for d in found.deals) == ["P", "Q"]
    assert [Path(u.file).name for u in found.unusable] == ["notes.xlsx"]
    assert found.unusable[0].reason.startswith("its name ends in .xlsx, but it is plain text")
    assert "Export it again" in found.unusable[0].mend
    assert any("table.xlsx: its name ends in .xlsx, but it is plain" in w for w in found.warnings)


def test_a_report_s_footer_needs_no_mending(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        x="Deal,Company,Stage\nP,Acme,Won\nQ,Foo,Won\nGrand Totals (2 records),,\n",
    )

    assert [(u.reason, u.mend) for u in found.unusable] == [
        ("report footer", "Nothing to do: it is not a record.")
    ]
