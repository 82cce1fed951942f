# ruff: noqa: E501
"""Which record a table is of, where its columns alone would mislead; and how a deal ended."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
import xlsxwriter

from enrico.intake import Intake, read_exports


def intake(folder: Path, **files: str) -> Intake:
    """What exports of these names and contents give."""
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(dedent(text).strip() + "\n", encoding="utf-8")
    return read_exports([folder])


def test_a_weekly_salesforce_export_is_more_than_deals_and_people(tmp_path: Path) -> None:
    found = intake(
        tmp_path,
        Account="""
            Id,IsDeleted,MasterRecordId,Name,Website,Account_Stage__c
            0018a00001AAAAAAAA,0,000000000000000AAA,Acme,acme-corp.com,Customer
            """,
        Contact="""
            Id,IsDeleted,AccountId,FirstName,LastName,Email
            0038a00001AAAAAAAA,0,0018a00001AAAAAAAA,Jane,Doe,jane@acme-corp.com
            """,
        Opportunity="""
            Id,IsDeleted,AccountId,Name,StageName,Amount,CloseDate,IsClosed,IsWon
            0068a00001AAAAAAAA,0,0018a00001AAAAAAAA,Pilot,Closed Won,12000,2026-11-20,1,1
            """,
        OpportunityContactRole="""
            Id,OpportunityId,ContactId,Role,IsDeleted
            00K8a00001AAAAAAAA,0068a00001AAAAAAAA,0038a00001AAAAAAAA,,0
            """,
        OpportunityHistory="""
            Id,OpportunityId,CreatedById,StageName,Amount,CloseDate,IsDeleted
            0088a00001AAAAAAA1,0068a00001AAAAAAAA,0058a00001AAAAAAAA,Prospecting,5000,2026-12-31,0
            """,
        Case="""
            Id,IsDeleted,ContactId,AccountId,SuppliedEmail,Status,Subject,IsClosed,OwnerId
            5008a00001AAAAAAA1,0,0038a00001AAAAAAAA,0018a00001AAAAAAAA,x@y.com,New,Broken,0,005
            """,
        User="""
            Id,Username,LastName,FirstName,Email,Title,IsActive,SystemModstamp,CreatedById
            0058a00001AAAAAAAA,eva@seller.com,Rep,Eva,eva@seller.com,AE,1,2026-11-01,0058a00001AAAAAAAA
            """,
    )

    assert [deal.name for deal in found.deals] == ["Pilot"]
    assert [account.name for account in found.accounts] == ["Acme"]
    assert [contact.email for contact in found.contacts] == ["jane@acme-corp.com"]
    assert len(found.deal_contacts) == 1
    assert list(found.unusable) == []
    ignored = {Path(file.path).stem: file.note for file in found.files if file.kind == "ignored"}
    assert set(ignored) == {"OpportunityHistory", "Case", "User"}
    assert all("another Salesforce object" in note for note in ignored.values())


def test_accounts_that_are_persons_leave_the_others_accounts(tmp_path: Path) -> None:
    found = intake(
        tmp_path,
        Account="""
            Id,MasterRecordId,Name,LastName,FirstName,Website,IsPersonAccount,PersonEmail
            0018a00001AAAAAAAA,000000000000000AAA,Acme Pumps,,,acme-corp.com,0,
            0018a00001BBBBBBBB,000000000000000AAA,Ann Smith,Smith,Ann,,1,ann@mail.example.org
            """,
        Opportunity="""
            Id,AccountId,Name,StageName,CloseDate
            0068a00001AAAAAAAA,0018a00001AAAAAAAA,Pilot,Closed Won,2026-11-20
            """,
    )

    assert {(a.name, a.domain) for a in found.accounts} == {
        ("Acme Pumps", "acme-corp.com"), ("Ann Smith", ""),
    }  # fmt: skip
    acme = next(account.id for account in found.accounts if account.name == "Acme Pumps")
    assert [deal.account_id for deal in found.deals] == [acme]


def test_hubspots_contacts_and_companies_have_close_dates_and_are_no_deals(tmp_path: Path) -> None:
    found = intake(
        tmp_path,
        companies="""
            Record ID,Company name,Company Domain Name,Lifecycle Stage,Close Date,Recent Deal Amount
            1001,Acme,acme-corp.com,Customer,2026-01-01,5000
            """,
        contacts="""
            Record ID,First Name,Last Name,Email,Lifecycle Stage,Close Date,Associated Company IDs
            7001,Jane,Doe,jane@acme-corp.com,Customer,2026-01-01,1001
            """,
        deals="""
            Record ID,Deal Name,Deal Stage,Amount,Close Date,Associated Company IDs,Associated Contact IDs
            9001,Pilot,Closed Won,12000,2026-11-20 10:00,1001,7001
            """,
    )

    assert [(deal.id, deal.name) for deal in found.deals] == [("9001", "Pilot")]
    assert [(account.id, account.name) for account in found.accounts] == [("1001", "Acme")]
    assert [(contact.id, contact.email) for contact in found.contacts] == [
        ("7001", "jane@acme-corp.com")
    ]
    assert len(found.deal_contacts) == 1


def test_a_french_hubspot_export_is_joined_by_its_ids(tmp_path: Path) -> None:
    found = intake(
        tmp_path,
        contacts="""
            ID de fiche d'informations,Prénom,Nom,E-mail,Associated Company IDs (Primary)
            7001,Zoé,Dubois,zoe@ampere.fr,1001
            """,
        entreprises="""
            ID de fiche d'informations,Nom de l'entreprise,Nom de domaine de l'entreprise
            1001,Ampère,ampere.fr
            """,
        transactions="""
            ID de fiche d'informations,Nom de la transaction,Phase de la transaction,Date de fermeture,Associated Company IDs (Primary),Associated Contact IDs
            9001,Pilote,Fermée gagnée,2026-11-20 10:00,1001,7001
            """,
    )

    assert [(a.id, a.name, a.domain) for a in found.accounts] == [("1001", "Ampère", "ampere.fr")]
    assert len(found.deal_contacts) == 1


@pytest.mark.parametrize(
    ("stage", "status", "outcome"),
    [
        ("Demo booked", "Open", "open"),
        ("NDA signed", "Open", "open"),
        ("Lost contact - retry", "Open", "open"),
        ("Proposal made", "Won", "won"),
        ("Proposal made", "Lost", "lost"),
        ("Closed Won", "Active", "won"),  # a word of one's own says less than the stage
    ],
)
def test_a_status_that_says_open_goes_before_words_in_a_stage(
    tmp_path: Path, stage: str, status: str, outcome: str
) -> None:
    found = intake(tmp_path, deals=f"""
        Deal - ID,Deal - Title,Deal - Organization,Deal - Stage,Deal - Status
        1,Alpha,Acme,{stage},{status}
        """)  # fmt: skip

    assert [deal.outcome for deal in found.deals] == [outcome]


def test_flags_that_say_no_twice_mean_open(tmp_path: Path) -> None:
    found = intake(tmp_path, deals="""
        Record ID,Deal Name,Deal Stage,Is Closed Won,Is closed lost
        1,Alpha,Meeting booked,false,false
        2,Beta,Meeting booked,true,false
        3,Gamma,Meeting booked,false,true
        """)  # fmt: skip

    assert {deal.name: deal.outcome for deal in found.deals} == {
        "Alpha": "open", "Beta": "won", "Gamma": "lost",
    }  # fmt: skip


@pytest.mark.parametrize("stage", ["Contract not signed", "To be signed", "Noch nicht beauftragt"])
def test_what_is_not_signed_is_not_won(tmp_path: Path, stage: str) -> None:
    found = intake(tmp_path, deals=f"Deal,Company,Stage\nPilot,Acme,{stage}")

    assert [deal.outcome for deal in found.deals] == ["open"]


def test_a_deal_was_closed_when_it_was_closed_not_when_it_was_to_be(tmp_path: Path) -> None:
    found = intake(
        tmp_path,
        deals="""
        Deal - ID,Deal - Title,Deal - Organization,Deal - Status,Deal - Expected close date,Deal - Won time,Deal - Lost time
        1,Alpha,Acme,Won,2026-06-30,2026-11-05 10:00:00,
        2,Beta,Acme,Lost,2027-03-31,,2026-10-01 09:00:00
        3,Gamma,Acme,Open,2027-03-31,,
        """,
    )

    assert {deal.name: str(deal.close_date) for deal in found.deals} == {
        "Alpha": "2026-11-05", "Beta": "2026-10-01", "Gamma": "2027-03-31",
    }  # fmt: skip


def test_several_people_in_one_cell_are_several_also_after_many_single_ones(tmp_path: Path) -> None:
    single = "\n".join(f"Deal {n},Acme,Won,Jane{n} Doe{n}" for n in range(2_500))
    found = intake(
        tmp_path,
        deals=f'Deal,Company,Stage,Contact\n{single}\nLast,Acme,Won,"Ann Lee (CFO), Tom Roe (CTO)"',
    )

    last = next(deal.id for deal in found.deals if deal.name == "Last")
    on_it = {seat.contact_id for seat in found.deal_contacts if seat.deal_id == last}
    assert {(c.first_name, c.last_name, c.title) for c in found.contacts if c.id in on_it} == {
        ("Ann", "Lee", "CFO"), ("Tom", "Roe", "CTO"),
    }  # fmt: skip


def test_of_two_exports_of_one_deal_the_one_in_which_it_ended_is_the_later(tmp_path: Path) -> None:
    found = intake(
        tmp_path,
        export_13="""
            Record ID,Deal Name,Deal Stage,Amount,Close Date
            1,Alpha,Negotiation and contract,12000,2026-12-31
            2,Beta,Contract sent to them,9000,2026-12-31
            """,
        export_20="""
            Record ID,Deal Name,Deal Stage,Amount,Close Date
            1,Alpha,Closed Won,9500,2026-11-20
            2,Beta,Closed Lost,,2026-11-19
            """,
    )

    told = {d.name: (d.stage, d.outcome, d.amount, str(d.close_date)) for d in found.deals}
    assert told == {
        "Alpha": ("Closed Won", "won", 9500, "2026-11-20"),
        "Beta": ("Closed Lost", "lost", 9000, "2026-11-19"),
    }


def test_a_cell_merged_over_several_rows_counts_for_each_of_them(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "deals.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.merge_range("A1:F1", "Pipeline of November")
        sheet.write_row("A2", ["Deal", "Company", "Stage", "Contact", "Email", "Amount"])
        people = ["Jane Doe", "Tom Roe", "Ann Lee", "Bob Ray", "Eve Moe"]
        for row, name in enumerate(people):
            first = name.split()[0].lower()
            sheet.write_row(row + 2, 3, [name, f"{first}@acme-corp.com"])
        for column, (pilot, rollout) in enumerate(
            [("Pilot", "Rollout"), ("Acme", "Acme"), ("Won", "Open")]
        ):
            sheet.merge_range(2, column, 3, column, pilot)
            sheet.merge_range(4, column, 5, column, rollout)
        sheet.merge_range(2, 5, 3, 5, 9000)
        sheet.write_row(6, 0, ["Single", "Acme", "Open"])

    found = read_exports([tmp_path])

    names = {deal.id: deal.name for deal in found.deals}
    first = {contact.id: contact.first_name for contact in found.contacts}
    seats = sorted((names[s.deal_id], first[s.contact_id]) for s in found.deal_contacts)
    assert seats == [
        ("Pilot", "Jane"), ("Pilot", "Tom"), ("Rollout", "Ann"), ("Rollout", "Bob"), ("Single", "Eve"),
    ]  # fmt: skip
    assert {deal.name: deal.amount for deal in found.deals} == {
        "Pilot": 9000, "Rollout": None, "Single": None,
    }  # fmt: skip
    assert len(found.accounts) == 1


@pytest.mark.parametrize("title", ["", "Contacts of them\n        "])
def test_a_wider_table_below_does_not_swallow_the_one_above(tmp_path: Path, title: str) -> None:
    found = intake(tmp_path, both=f"""
        Deal,Company,Stage
        Pilot,Acme,Won
        Rollout,Globex,Negotiation

        {title}Name,Email,Title,Company
        Jane Doe,jane@acme-corp.com,CFO,Acme
        """)  # fmt: skip

    assert {(deal.name, deal.stage) for deal in found.deals} == {
        ("Pilot", "Won"), ("Rollout", "Negotiation"),
    }  # fmt: skip
    assert [contact.email for contact in found.contacts] == ["jane@acme-corp.com"]


def test_a_quote_left_open_in_the_last_column_takes_no_rows_along(tmp_path: Path) -> None:
    rows = "\n".join(f"Deal {n},Acme,Won" for n in range(2, 12))
    found = intake(tmp_path, deals=f'Deal,Company,Stage\nDeal 1,Acme,"Won\n{rows}')

    assert len(found.deals) == 11
