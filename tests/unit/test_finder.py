"""People in texts and documents: found by address, profile, phone and full name, not by less."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrico.errors import InputError
from enrico.privacy.finder import GONE, Finder
from enrico.privacy.subjects import read_target


@pytest.fixture
def jane() -> Finder:
    found = Finder({"jane@acme.com"}, {"linkedin.com/in/jane-doe"}, {"491711234567"})
    found.add_name("Jane", "Doe")
    found.add_name("Jean-Luc", "O'Neil")
    return found


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("ask Jane Doe or Joe", f"ask {GONE} or Joe"),
        ("JANE  DOE", GONE),
        ("Doe, Jane", GONE),
        ("https://x.com/jane-doe-joins", f"https://x.com/{GONE}-joins"),
        ("Jane_Doe", GONE),
        ("Jean Luc O’Neil left", f"{GONE} left"),
        ("mail Jane+crm@ACME.com now", f"mail {GONE} now"),
        ("<jane@acme.com>", f"<{GONE}>"),
        ("see http://de.linkedin.com/in/Jane-Doe/?x=1.", f"see {GONE}"),
        ("call +49 171 123-4567", f"call {GONE}"),
        # Other people, or nobody.
        ("Jane and Doe", "Jane and Doe"),
        ("Jane. We saw a Doe", "Jane. We saw a Doe"),
        ("Janet Doe", "Janet Doe"),
        ("jane@acme.com.au", "jane@acme.com.au"),
        ("ajane@acme.com", "ajane@acme.com"),
        ("+49 171 123-45678", "+49 171 123-45678"),
        ("linkedin.com/in/jdoe-2", "linkedin.com/in/jdoe-2"),
        ("", ""),
    ],
)
def test_somebody_is_taken_out_of_a_text_and_nobody_else(jane, text, left):
    assert jane.without(text) == left
    assert jane.names_one(text) == (text != left)


def test_a_single_word_is_nobodys_full_name():
    found = Finder()
    found.add_name("Madonna", "")
    found.add_name("", "Doe")

    assert found.without("Madonna met Doe") == "Madonna met Doe"


def test_without_names_a_namesake_stays(jane):
    assert jane.unnamed().without("Jane Doe, jane@acme.com") == f"Jane Doe, {GONE}"


json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**50), 2**50) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)


@given(json)
def test_a_document_without_anybody_stays_as_it_is(document):
    found = Finder({"jane@acme.com"}, set(), {"491711234567"})
    found.add_name("Xqzv", "Wvxqz")

    assert found.without_in(document) == document


@given(st.text(max_size=30), st.text(max_size=30))
def test_nobody_is_left_whatever_stands_around_them(before, after):
    found = Finder({"jane@acme.com"})
    found.add_name("Zoë", "Müller-Łukasz")
    text = f"{before} zoe MULLER Lukasz / jane@acme.com {after}"

    left = found.without_in([orjson.dumps({"t": text}).decode(), text])

    assert all("jane@acme.com" not in part and "muller lukasz" not in part.lower() for part in left)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        (" Jane+x@Acme.com ", ("address", "jane@acme.com")),
        ("acme.com", ("domain", "acme.com")),
        ("@Mail.Acme.co.uk", ("domain", "mail.acme.co.uk")),
    ],
)
def test_a_target_is_an_address_or_a_domain(text, target):
    assert read_target(text) == target


@pytest.mark.parametrize("text", ["com", "co.uk", "jane", "", "@", "jane@", "jane doe"])
def test_what_is_neither_is_refused(text):
    with pytest.raises(InputError):
        read_target(text)
