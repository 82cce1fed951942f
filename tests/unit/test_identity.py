"""Keys that people and companies are matched by."""

from __future__ import annotations

import pytest

from enrico.domain.identity import (
    account_name_key,
    check_email,
    email_key,
    is_free_mail,
    is_placeholder,
    registrable_domain,
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
