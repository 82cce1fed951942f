"""Identity keys: the key of a key is that key; case and spaces do not matter."""

from __future__ import annotations

import string

from hypothesis import given
from hypothesis import strategies as st

from enrico.domain.identity import account_name_key, check_email, email_key, registrable_domain

_label = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=12)
_address = st.builds(
    lambda local, host, end: f"{local}@{host}.{end}",
    st.text(string.ascii_letters + string.digits + "._+-", min_size=1, max_size=20),
    _label,
    st.sampled_from(["com", "de", "co.uk", "example"]),
)


@given(st.one_of(st.text(), _address))
def test_the_key_of_an_email_key_is_itself(raw: str) -> None:
    key = email_key(raw)

    assert email_key(key) == key


@given(_address)
def test_case_and_spaces_around_an_address_do_not_matter(address: str) -> None:
    assert email_key(f"  {address.upper()}\t") == email_key(address)


@given(st.one_of(st.text(), _address))
def test_an_address_is_usable_or_says_why_not(raw: str) -> None:
    found = check_email(raw)

    assert found.usable == (not found.why)
    assert found.key or not found.usable


@given(st.text())
def test_the_key_of_an_account_key_is_itself(name: str) -> None:
    key = account_name_key(name)

    assert account_name_key(key) == key


@given(st.text(string.ascii_letters + string.digits + " .,&-'"))
def test_case_and_spaces_do_not_tell_accounts_apart(name: str) -> None:
    assert account_name_key(f" {name.upper()}  ") == account_name_key(name)


@given(st.one_of(st.text(), _label.map(lambda x: f"https://www.{x}.co.uk/path")))
def test_the_domain_of_a_domain_is_itself(raw: str) -> None:
    domain = registrable_domain(raw)

    assert registrable_domain(domain) == domain
