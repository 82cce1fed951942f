# ruff: noqa: E501
"""One small CRM, exported in every form that users bring; each must give the same records."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
import xlsxwriter

from enrico.intake import Intake, read_exports

ACCOUNTS = [
    ("001000000000001AAA", "1001", "Müller GmbH & Co. KG", "mueller-pumpen.de", "Germany"),
    ("001000000000002AAA", "1002", "Société Ampère S.A.", "ampere.fr", "France"),
    ("001000000000003AAA", "1003", "Acme, Inc.", "acme-corp.com", "United States"),
]
CONTACTS = [
    (
        "003000000000001AAA",
        "7001",
        0,
        "Jürgen",
        "Weiß",
        "juergen.weiss@mueller-pumpen.de",
        "Geschäftsführer",
    ),
    (
        "003000000000002AAA",
        "7002",
        0,
        "Anna",
        "Klein",
        "anna.klein@mueller-pumpen.de",
        "Leiterin Einkauf",
    ),
    (
        "003000000000003AAA",
        "7003",
        1,
        "Zoé",
        "Dubois",
        "zoe.dubois@ampere.fr",
        "Directrice financière",
    ),
    ("003000000000004AAA", "7004", 2, "Jane", "Doe", "jane.doe@acme-corp.com", "CFO"),
    ("003000000000005AAA", "7005", 2, "Tom", "Roe", "tom.roe@acme-corp.com", "VP Engineering"),
]
DEALS = [
    (
        "006000000000001AAA",
        "9001",
        "Pumpen 2026",
        0,
        "Closed Won",
        "won",
        "12000.50",
        "2026-11-20",
        "EUR",
        "Eva Rep",
    ),
    (
        "006000000000002AAA",
        "9002",
        "Ampère rollout",
        1,
        "Closed Lost",
        "lost",
        "8000",
        "2026-10-05",
        "EUR",
        "Eva Rep",
    ),
    (
        "006000000000003AAA",
        "9003",
        'Pilot, phase "two"',
        2,
        "Negotiation",
        "open",
        "1234567",
        "2026-12-31",
        "USD",
        "Max Rep",
    ),
]
LINKS = [(0, 0, "Decision Maker", True), (0, 1, "Influencer", False), (1, 2, "Economic Buyer", True),
         (2, 3, "Economic Buyer", True), (2, 4, "Champion", False)]  # fmt: skip


def text(
    rows: Sequence[Sequence[object]], delimiter: str = ",", quoting: int = csv.QUOTE_MINIMAL
) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, quoting=quoting).writerows(rows)
    return out.getvalue()


def table(
    path: Path, rows: Sequence[Sequence[object]], encoding: str = "utf-8", delimiter: str = ","
) -> None:
    path.write_bytes(text(rows, delimiter).encode(encoding))


def flat_rows(
    d: Callable[[str], str] = lambda x: x, m: Callable[[str], str] = lambda x: x
) -> list[list[str]]:
    rows = []
    for deal, contact, role, _ in LINKS:
        dl, ct = DEALS[deal], CONTACTS[contact]
        ac = ACCOUNTS[dl[3]]
        rows.append(
            [dl[2], ac[2], ac[3], dl[4], m(dl[6]), d(dl[7]), f"{ct[3]} {ct[4]}", ct[5], ct[6], role]
        )
    return rows


@dataclass
class Expected:
    """What a form can carry."""

    roles: bool = True
    domains: bool = True
    ids: str = ""


def salesforce_data_export(folder: Path) -> Expected:
    def save(name: str, rows: list[list[str]]) -> None:
        (folder / name).write_bytes(
            text(rows, quoting=csv.QUOTE_ALL).encode("iso-8859-1", "replace")
        )

    none = "000000000000000AAA"
    save("Account.csv", [["Id", "IsDeleted", "MasterRecordId", "Name", "Type", "ParentId", "BillingCountry", "Website"]]
         + [[a[0], "0", none, a[2], "", none, a[4], f"https://www.{a[3]}/"] for a in ACCOUNTS])  # fmt: skip
    save("Contact.csv", [["Id", "IsDeleted", "MasterRecordId", "AccountId", "Salutation", "FirstName", "LastName", "Email", "Title", "Phone"]]
         + [[c[0], "0", none, ACCOUNTS[c[2]][0], "", c[3], c[4], c[5], c[6], ""] for c in CONTACTS])  # fmt: skip
    flags = {"won": ("1", "1"), "lost": ("1", "0"), "open": ("0", "0")}
    save("Opportunity.csv", [["Id", "IsDeleted", "AccountId", "Name", "Description", "StageName", "Amount", "CloseDate",
                              "IsClosed", "IsWon", "CurrencyIsoCode", "OwnerId", "CreatedDate", "ContactId", "Champion__c"]]
         + [[d[0], "0", ACCOUNTS[d[3]][0], d[2], "a\nb", d[4], d[6], d[7] + " 00:00:00", *flags[d[5]], d[8],
             "005000000000001AAA", "2026-01-01 10:00:00", none, ""] for d in DEALS])  # fmt: skip
    save("OpportunityContactRole.csv",
         [["Id", "OpportunityId", "ContactId", "Role", "CreatedDate", "CreatedById", "IsDeleted", "CurrencyIsoCode"]]
         + [[f"00K00000000000{i}AAA", DEALS[d][0], CONTACTS[c][0], r, "2026-01-01 10:00:00", "005000000000001AAA", "0", "EUR"]
            for i, (d, c, r, _) in enumerate(LINKS)])  # fmt: skip
    return Expected(ids="sf")


def salesforce_data_loader(folder: Path) -> Expected:
    table(folder / "opps.csv", [["Id", "AccountId", "Account.Name", "Account.Website", "Name", "StageName", "Amount", "CloseDate", "IsClosed", "IsWon", "CreatedDate"]]
          + [[d[0], ACCOUNTS[d[3]][0], ACCOUNTS[d[3]][2], ACCOUNTS[d[3]][3], d[2], d[4], d[6], d[7],
              "true" if d[5] != "open" else "false", "true" if d[5] == "won" else "false", "2026-01-01T10:00:00.000+0000"] for d in DEALS],
          "utf-8-sig")  # fmt: skip
    table(folder / "people.csv", [["Id", "AccountId", "FirstName", "LastName", "Name", "Email", "Title"]]
          + [[c[0], ACCOUNTS[c[2]][0][:15], c[3], c[4], f"{c[3]} {c[4]}", c[5], c[6]] for c in CONTACTS], "utf-8-sig")  # fmt: skip
    table(folder / "ocr.csv", [["Id", "OpportunityId", "ContactId", "Role", "IsPrimary"]]
          + [[f"00K00000000000{i}AAA", DEALS[d][0][:15], CONTACTS[c][0][:15], r, str(p).lower()] for i, (d, c, r, p) in enumerate(LINKS)],
          "utf-8-sig")  # fmt: skip
    return Expected(ids="sf")


def salesforce_report(folder: Path) -> Expected:
    rows = [["Opportunity Name", "Account Name", "Stage", "Amount Currency", "Amount", "Close Date", "First Name",
             "Last Name", "Title", "Email", "Contact Role", "Primary", "Opportunity Owner"]]  # fmt: skip
    for deal, contact, role, primary in LINKS:
        d, c = DEALS[deal], CONTACTS[contact]
        y, m, day = d[7].split("-")
        rows.append([d[2], ACCOUNTS[d[3]][2], d[4], d[8], d[6], f"{int(m)}/{int(day)}/{y}", c[3], c[4], c[6], c[5],
                     role, "1" if primary else "0", d[9]])  # fmt: skip
    rows += [[], ["Grand Totals (5 records)"], [], ["Opportunities with Contact Roles"],
             ["Copyright (c) 2000-2026 salesforce.com, inc. All rights reserved."],
             ["Confidential Information - Do Not Distribute"], ["Generated By:  Eva Rep  11/23/2026 9:12 AM"], ["Acme"]]  # fmt: skip
    table(folder / "report1764000000.csv", rows, "cp1252")
    return Expected(domains=True)


def hubspot(folder: Path, *, spanish: bool = False) -> Expected:
    deals = ["Record ID", "Deal Name", "Pipeline", "Deal Stage", "Amount", "Close Date", "Deal owner", "Currency",
             "Associated Company IDs", "Associated Company", "Associated Contact IDs", "Associated Contact"]  # fmt: skip
    contacts = ["Record ID", "First Name", "Last Name", "Email", "Job Title", "Buying Role", "Lifecycle Stage",
                "Associated Company IDs (Primary)", "Associated Deal IDs"]  # fmt: skip
    companies = [
        "Record ID",
        "Company name",
        "Company Domain Name",
        "Country/Region",
        "Associated Note",
    ]
    if spanish:
        deals[:8] = ["ID de registro", "Nombre del negocio", "Pipeline", "Etapa del negocio", "Valor", "Fecha de cierre",
                     "Propietario del negocio", "Divisa"]  # fmt: skip
        contacts[:7] = [
            "ID de registro",
            "Nombre",
            "Apellidos",
            "Correo",
            "Cargo",
            "Rol de compra",
            "Estado del lead",
        ]
        companies[:4] = [
            "ID de registro",
            "Nombre de la empresa",
            "Nombre de dominio de la empresa",
            "País/región",
        ]
    people = {i: [CONTACTS[c] for d, c, _, _ in LINKS if d == i] for i in range(3)}
    table(folder / "hubspot-crm-exports-all-deals-2026-11-20.csv", [deals]
          + [[d[1], d[2], "Sales", d[4], d[6], d[7] + " 10:00", d[9], d[8], ACCOUNTS[d[3]][1], ACCOUNTS[d[3]][2],
              ";".join(c[1] for c in people[i]), ";".join(f"{c[3]} {c[4]}" for c in people[i])] for i, d in enumerate(DEALS)])  # fmt: skip
    table(folder / "hubspot-crm-exports-contacts-2026-11-20.csv", [contacts]
          + [[c[1], c[3], c[4], c[5], c[6], "", "Customer", ACCOUNTS[c[2]][1], ""] for c in CONTACTS])  # fmt: skip
    table(folder / "hubspot-crm-exports-companies-2026-11-20.csv", [companies]
          + [[a[1], a[2], a[3], a[4], ""] for a in ACCOUNTS])  # fmt: skip
    return Expected(roles=False, ids="hs")


def hubspot_spanish(folder: Path) -> Expected:
    return hubspot(folder, spanish=True)


def pipedrive(folder: Path) -> Expected:
    rows = [["Deal - ID", "Deal - Title", "Deal - Value", "Deal - Currency", "Deal - Organization", "Deal - Contact person",
             "Deal - Owner", "Deal - Stage", "Deal - Status", "Deal - Expected close date", "Person - Name",
             "Person - Email - Work", "Person - Job title", "Person - Buying role"]]  # fmt: skip
    for deal, contact, role, _ in LINKS:
        d, c = DEALS[deal], CONTACTS[contact]
        rows.append([d[1], d[2], d[6], d[8], ACCOUNTS[d[3]][2], f"{c[3]} {c[4]}", d[9], "Proposal made", d[5].capitalize(),
                     d[7], f"{c[3]} {c[4]}", c[5], c[6], role])  # fmt: skip
    table(folder / "deals-1.csv", rows)
    return Expected(ids="hs")


HEADERS = {
    "english": ["Opportunity", "Company", "Website", "Stage", "Deal size", "Expected close", "Name", "E-mail", "Job title", "Role"],
    "german": ["Verkaufschance", "Firma", "Webseite", "Phase", "Betrag", "Abschlussdatum", "Ansprechpartner", "E-Mail", "Position", "Rolle"],
    "french": ["Affaire", "Société", "Site web", "Étape", "Montant", "Date de clôture", "Contact", "Courriel", "Fonction", "Rôle"],
    "spanish": ["Negocio", "Empresa", "Sitio web", "Etapa", "Importe", "Fecha de cierre", "Contacto", "Correo electrónico", "Cargo", "Rol"],
    "portuguese": ["Negócio", "Empresa", "Site", "Etapa", "Valor", "Data de fechamento", "Contato", "E-mail", "Cargo", "Papel"],
    "italian": ["Trattativa", "Azienda", "Sito web", "Fase", "Importo", "Data di chiusura", "Referente", "Email", "Qualifica", "Ruolo"],
    "dutch": ["Verkoopkans", "Bedrijf", "Website", "Fase", "Bedrag", "Sluitingsdatum", "Contactpersoon", "E-mailadres", "Functie", "Rol"],
}  # fmt: skip


def _day_first(iso: str) -> str:
    y, m, d = iso.split("-")
    return f"{d}/{m}/{y}"


def _comma(amount: str) -> str:
    whole, _, cents = amount.partition(".")
    return f"{int(whole):,}".replace(",", ".") + f",{(cents + '00')[:2]} €"


def own_sheet(language: str) -> Callable[[Path], Expected]:
    def form(folder: Path) -> Expected:
        rows = [["Pipeline 2026"], [], HEADERS[language], *flat_rows(_day_first, _comma)]
        table(folder / "pipeline.csv", rows, "cp1252", ";")
        return Expected()

    return form


def excel_unicode_text(folder: Path) -> Expected:
    (folder / "export.txt").write_bytes(
        text([HEADERS["english"], *flat_rows()], "\t").encode("utf-16")
    )
    return Expected()


def sep_line(folder: Path) -> Expected:
    (folder / "export.csv").write_text(
        "sep=;\r\n" + text([HEADERS["english"], *flat_rows()], ";"), "utf-8"
    )
    return Expected()


def people_in_one_cell(folder: Path) -> Expected:
    rows: list[list[str]] = [
        ["Deal", "Account", "Domain", "Status", "Value", "ETA", "Stakeholders", "Rep"]
    ]
    for i, d in enumerate(DEALS):
        people = [
            f"{CONTACTS[c][3]} {CONTACTS[c][4]} ({CONTACTS[c][6]}, {r}) <{CONTACTS[c][5]}>"
            for x, c, r, _ in LINKS
            if x == i
        ]
        rows.append(
            [d[2], ACCOUNTS[d[3]][2], ACCOUNTS[d[3]][3], d[4], d[6], d[7], ", ".join(people), d[9]]
        )
    table(folder / "deals.csv", rows)
    return Expected()


def numbered_people(folder: Path) -> Expected:
    head = ["Deal name", "Client", "Domain", "Phase", "Amount", "Close date"]
    for n in (1, 2):
        head += [f"Contact {n}", f"Contact {n} email", f"Contact {n} title", f"Contact {n} role"]
    rows = [head]
    for i, d in enumerate(DEALS):
        row = [d[2], ACCOUNTS[d[3]][2], ACCOUNTS[d[3]][3], d[4], d[6], d[7]]
        for x, c, r, _ in LINKS:
            if x == i:
                row += [f"{CONTACTS[c][3]} {CONTACTS[c][4]}", CONTACTS[c][5], CONTACTS[c][6], r]
        rows.append(row)
    table(folder / "deals.csv", rows)
    return Expected()


def workbook_of_three_sheets(folder: Path) -> Expected:
    with xlsxwriter.Workbook(str(folder / "crm.xlsx")) as book:
        day = book.add_format({"num_format": "dd.mm.yyyy"})
        sheet = book.add_worksheet("Deals")
        sheet.merge_range(0, 0, 0, 3, "All our deals", book.add_format())
        sheet.write_row(2, 0, ["ID", "Name", "Account", "Stage", "Amount", "Close date", "Created"])
        for n, d in enumerate(DEALS, 3):
            sheet.write_row(n, 0, [int(d[1]), d[2], ACCOUNTS[d[3]][2], d[4], float(d[6])])
            sheet.write_datetime(n, 5, date.fromisoformat(d[7]), day)  # type: ignore[arg-type]
            sheet.write_number(n, 6, 46000)
        sheet.write_row(8, 0, ["Total", "", "", "", 1254568.0])
        sheet = book.add_worksheet("Accounts")
        sheet.write_row(0, 0, ["Name", "Website", "Country"])
        for n, a in enumerate(ACCOUNTS, 1):
            sheet.write_row(n, 0, [a[2].upper(), a[3], a[4]])
        sheet = book.add_worksheet("Contacts")
        sheet.write_row(0, 0, ["Full name", "Company", "Email", "Title", "Deal", "Role"])
        for n, (i, c, r, _) in enumerate(LINKS, 1):
            ct = CONTACTS[c]
            sheet.write_row(
                n,
                0,
                [f"{ct[4]}, {ct[3]}", ACCOUNTS[ct[2]][2], ct[5].upper(), ct[6], DEALS[i][2], r],
            )
        book.add_worksheet("Empty")
    return Expected()


def json_nested(folder: Path) -> Expected:
    deals = [
        {
            "id": d[1], "name": d[2], "stage": d[4], "amount": float(d[6]), "close_date": d[7] + "T00:00:00Z",
            "account": {"id": ACCOUNTS[d[3]][1], "name": ACCOUNTS[d[3]][2], "domain": ACCOUNTS[d[3]][3]},
            "contacts": [
                {"id": CONTACTS[c][1], "first_name": CONTACTS[c][3], "last_name": CONTACTS[c][4], "email": CONTACTS[c][5],
                 "title": CONTACTS[c][6], "role": r}
                for x, c, r, _ in LINKS if x == i
            ],
        }
        for i, d in enumerate(DEALS)
    ]  # fmt: skip
    (folder / "deals.jsonl").write_text("\n".join(json.dumps(d) for d in deals), "utf-8")
    return Expected(ids="hs")


def zipped(folder: Path) -> Expected:
    inner = folder / "inner"
    inner.mkdir()
    expected = salesforce_data_export(inner)
    with zipfile.ZipFile(folder / "WE_00D.zip", "w") as archive:
        for file in inner.iterdir():
            archive.write(file, file.name)
            file.unlink()
    return expected


def html_as_xls(folder: Path) -> Expected:
    rows = [HEADERS["english"], *flat_rows()]
    body = "".join(
        "<tr>" + "".join(f"<td>{c.replace('&', '&amp;')}</td>" for c in row) + "</tr>"
        for row in rows
    )
    (folder / "report.xls").write_text(
        f'<html><meta charset="utf-8"><table>{body}</table></html>', "utf-8"
    )
    return Expected()


def parquet(folder: Path) -> Expected:
    duckdb = pytest.importorskip("duckdb")
    table(folder / "x.csv", [HEADERS["english"], *flat_rows()])
    duckdb.sql(
        f"COPY (SELECT * FROM read_csv('{folder / 'x.csv'}', header=true)) TO '{folder / 'x.parquet'}'"
    )
    (folder / "x.csv").unlink()
    return Expected()


FORMS: list[Callable[[Path], Expected]] = [
    salesforce_data_export, salesforce_data_loader, salesforce_report, hubspot, hubspot_spanish, pipedrive,
    *(own_sheet(language) for language in HEADERS), excel_unicode_text, sep_line, people_in_one_cell,
    numbered_people, workbook_of_three_sheets, json_nested, zipped, html_as_xls, parquet,
]  # fmt: skip
NAMES = [f.__name__ if f.__name__ != "form" else "" for f in FORMS]
NAMES[6:13] = [f"own_sheet_{language}" for language in HEADERS]


@pytest.mark.parametrize("form", FORMS, ids=NAMES)
def test_every_form_gives_the_same_crm(form: Callable[[Path], Expected], tmp_path: Path) -> None:
    expected = form(tmp_path)

    found = read_exports([tmp_path])

    assert [
        u for u in found.unusable if u.reason not in ("report footer", "deleted in the CRM")
    ] == []
    check(found, expected)


def check(found: Intake, expected: Expected) -> None:
    accounts = {a.id: a for a in found.accounts}
    contacts = {c.id: c for c in found.contacts}
    deals = {d.id: d for d in found.deals}
    assert sorted(d.name for d in found.deals) == sorted(d[2] for d in DEALS)
    assert len(accounts) == 3
    for d in DEALS:
        deal = next(x for x in found.deals if x.name == d[2])
        assert (deal.outcome, deal.amount, deal.close_date) == (
            d[5],
            Decimal(d[6]),
            date.fromisoformat(d[7]),
        )
        assert accounts[deal.account_id].domain == ACCOUNTS[d[3]][3]
        if expected.ids:
            assert deal.id == (d[0] if expected.ids == "sf" else d[1])
    assert sorted(c.email.lower() for c in found.contacts) == sorted(c[5] for c in CONTACTS)
    for c in CONTACTS:
        contact = next(x for x in found.contacts if x.email.lower() == c[5])
        assert (contact.first_name, contact.last_name, contact.title) == (c[3], c[4], c[6])
        assert accounts[contact.account_id].domain == ACCOUNTS[c[2]][3]
    pairs = {
        (deals[x.deal_id].name, contacts[x.contact_id].email.lower()): x.role_label
        for x in found.deal_contacts
    }
    assert pairs == {
        (DEALS[d][2], CONTACTS[c][5]): role if expected.roles else "" for d, c, role, _ in LINKS
    }
