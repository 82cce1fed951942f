"""Identity keys: the key of a key is that key; case and spaces do not matter."""

from __future__ import annotations

import string

from hypothesis import example, given
from hypothesis import strategies as st

from enrico.domain.identity import (
    account_name_key,
    check_email,
    email_key,
    record_id,
    registrable_domain,
    short_account_name,
)

_label = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=12)
_address = st.builds(
    lambda local, host, end: f"{local}@{host}.{end}",
    st.text(string.ascii_letters + string.digits + "._+-", min_size=1, max_size=20),
    _label,
    st.sampled_from(["com", "de", "co.uk", "example"]),
)


@given(st.one_of(st.text(), _address))
@example("0.+@0.A0")
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


@given(st.one_of(st.text(), _address), st.text())
def test_a_name_never_changes_the_key_of_an_address(raw: str, name: str) -> None:
    assert check_email(raw, name).key == email_key(raw) or check_email(raw, name).usable


_long_id = st.text(string.ascii_letters + string.digits, min_size=15, max_size=15).map(
    lambda end: f"006{end}"
)


@given(_long_id, _long_id)
def test_two_long_ids_are_one_only_when_they_differ_in_the_case_of_their_ending(
    one: str, other: str
) -> None:
    if record_id(one) == record_id(other):
        assert (one[:15], one[15:].upper()) == (other[:15], other[15:].upper())


@given(st.text())
def test_a_short_account_name_is_never_empty(name: str) -> None:
    short = short_account_name(name)

    assert bool(short) == bool(name.strip())
