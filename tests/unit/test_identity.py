"""Keys that people and companies are matched by."""

from __future__ import annotations

import pytest

from enrico.domain.identity import (
    account_name_key,
    check_email,
    email_key,
    is_free_mail,
    is_placeholder,
    record_id,
    registered_part,
    registrable_domain,
    short_account_name,
)


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        ("Jane@Acme.com", "jane@acme.com"),
        ("  jane@acme.com. ", "jane@acme.com"),
        ("Jane Doe <jane@acme.com>", "jane@acme.com"),
        ("mailto:jane@acme.com?subject=Hi", "jane@acme.com"),
        ("jane+crm@acme.com", "jane@acme.com"),
        ("J.A.N.E+x@googlemail.com", "jane@gmail.com"),
        ("j.doe@acme.com", "j.doe@acme.com"),
        ("jane@müller.de", "jane@xn--mller-kva.de"),
        ("'jane@acme.com'", "jane@acme.com"),
        ("info@acme.com; jane@acme.com", "jane@acme.com"),
        ("jane@acme", ""),
        ("jane doe@acme.com", ""),
        ("n/a", ""),
        ("", ""),
    ],
)
def test_an_address_has_one_key_however_it_is_written(raw: str, key: str) -> None:
    assert email_key(raw) == key


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("jane@acme.com", ""),
        ("", "no_email"),
        ("N/A", "no_email"),
        ("jane.acme.com", "malformed"),
        ("jane@@acme.com", "malformed"),
        ("jane@acme.c", "malformed"),
        ("info@acme.com", "role_account"),
        ("Vertrieb@acme.de", "role_account"),
        ("atencion.al.cliente@acme.es", "role_account"),
        ("sales2@acme.com", "role_account"),
        ("jane@mailinator.com", "disposable"),
        ("test@test", "placeholder"),
        ("none@none", "placeholder"),
        ("no-reply@acme.com", "placeholder"),
        ("jane@example.com", "placeholder"),
    ],
)
def test_a_cell_says_why_it_is_not_worth_a_look_up(raw: str, why: str) -> None:
    found = check_email(raw)

    assert (found.usable, found.why) == (not why, why)


@pytest.mark.parametrize(
    ("raw", "domain"),
    [
        ("https://shop.Acme.co.uk/de?x=1", "acme.co.uk"),
        ("jane@mail.acme.com", "acme.com"),
        ("WWW.ACME.DE", "acme.de"),
        ("acme.uk.com", "acme.uk.com"),
        ("jane@gmail.com", ""),
        ("https://www.linkedin.com/company/acme", ""),
        ("acme.wixsite.com", ""),
        ("acme.github.io", ""),
        ("https://bit.ly/3xyz", ""),
        ("192.168.0.1", ""),
        ("localhost", ""),
        ("example.com", ""),
        ("Acme Inc", ""),
        ("", ""),
    ],
)
def test_a_domain_is_the_company_s_own_or_nothing(raw: str, domain: str) -> None:
    assert registrable_domain(raw) == domain


@pytest.mark.parametrize(
    "names",
    [
        ("Acme, Inc.", "ACME Inc", "The Acme Corporation", "Acme LLC", "acme"),
        ("Müller GmbH & Co. KG", "Muller GmbH", "MÜLLER  AG"),
        ("Société Générale S.A.", "societe generale"),
        ("Grupo Bimbo, S.A.B. de C.V.", "Grupo Bimbo"),
        ("Novo Nordisk A/S", "Novo Nordisk"),
        ("Allegro Sp. z o.o.", "Allegro"),
        ("Philips N.V.", "Philips B.V."),
        ("Johnson & Johnson", "Johnson and Johnson"),
    ],
)
def test_legal_forms_accents_and_case_do_not_tell_companies_apart(names: tuple[str, ...]) -> None:
    assert len({account_name_key(name) for name in names}) == 1


@pytest.mark.parametrize("name", ["SA", "The", "Co", "!!!", "株式会社", "X", "& Co"])
def test_a_name_key_is_never_empty(name: str) -> None:
    assert account_name_key(name)


@pytest.mark.parametrize("text", ["", " ", "N/A", "-", "(No value)", "TBD", "null", "Unbekannt"])
def test_placeholders_stand_for_nothing(text: str) -> None:
    assert is_placeholder(text)
    assert account_name_key(text) == ""


def test_free_mail_is_known_in_every_country() -> None:
    assert is_free_mail("gmail.com")
    assert is_free_mail("yahoo.co.uk")
    assert is_free_mail("hotmail.fr")
    assert not is_free_mail("acme.com")
    assert not is_free_mail("live.io")


@pytest.mark.parametrize(
    ("raw", "name", "why"),
    [
        ("post@acme.com", "", "role_account"),
        ("post@acme.com", "Emily Post", ""),
        ("root@acme.com", "Joe Root", ""),
        ("ap@acme.com", "Ana Perez", ""),
        ("ap@acme.com", "Juan López", "role_account"),
        ("sales@acme.com", "Maria Sales", ""),
        ("sales@acme.com", "Sales Team", "role_account"),
        ("info@acme.com", "Info Acme", "role_account"),
        ("test@acme.com", "John Test", ""),
        ("test@acme.com", "Test User", "placeholder"),
        ("no-reply@acme.com", "No Reply", "placeholder"),
        ("jane@example.com", "Jane Doe", "placeholder"),
    ],
)
def test_a_person_s_name_may_explain_what_looks_like_a_mailbox(
    raw: str, name: str, why: str
) -> None:
    assert check_email(raw, name).why == why


@pytest.mark.parametrize("local", ["user7", "contact12", "dev3", "staff1", "mail2", "test12"])
def test_a_number_tells_people_apart_but_behind_sure_functions(local: str) -> None:
    assert check_email(f"{local}@acme.com").usable
    assert check_email("billing2@acme.com").why == "role_account"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0061x00000Ab3Cd", "0061x00000Ab3CdAAJ"),
        ("0061x00000Ab3CdAAJ", "0061x00000Ab3CdAAJ"),
        ("0061x00000Ab3Cdaaj", "0061x00000Ab3CdAAJ"),
        (" '0061x00000Ab3CdAAJ' ", "0061x00000Ab3CdAAJ"),
        ("006A00000000001AAA", "006A00000000001AAA"),
        ("006000000000000017", "006000000000000017"),
        ("000000000000123", "000000000000123"),
        ("5001", "5001"),
    ],
)
def test_only_a_valid_ending_makes_two_forms_of_an_id_one(text: str, found: str) -> None:
    assert record_id(text) == found
    assert record_id(found) == found


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("Bäckerei Kröger GmbH & Co. KG", "Bäckerei Kröger"),
        ("Müller GmbH&Co.KG", "Müller"),
        ("PT Telkom Indonesia (Persero) Tbk", "Telkom Indonesia"),
        ("OOO Ромашка", "Ромашка"),
        ("Acme, Inc.", "Acme"),
        ("Nestlé S.A.", "Nestlé"),
        ("Grupo Bimbo, S.A.B. de C.V.", "Grupo Bimbo"),
        ("Allegro Sp. z o.o.", "Allegro"),
        ("株式会社トヨタ", "トヨタ"),
        ("Johnson & Johnson", "Johnson & Johnson"),
        ("AS Roma", "AS Roma"),
        ("X Corp.", "X Corp."),
        ("SA", "SA"),
        ("", ""),
    ],
)
def test_the_short_name_of_an_account_is_what_news_writes(name: str, short: str) -> None:
    assert short_account_name(name) == short


@pytest.mark.parametrize(
    ("host", "part"),
    [
        ("www.news.acme.co.uk", "acme.co.uk"),
        ("co.uk", ""),
        ("acme.github.io", "acme.github.io"),
        ("github.io", ""),
        ("a.b.city.kawasaki.jp", "city.kawasaki.jp"),
        ("a.b.c.kawasaki.jp", "b.c.kawasaki.jp"),
        ("acme.unheardof", "acme.unheardof"),
        ("a..b", ""),
    ],
)
def test_the_registered_part_knows_registries_and_hosting_companies(host: str, part: str) -> None:
    assert registered_part(host) == part
