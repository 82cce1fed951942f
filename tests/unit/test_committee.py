"""Buying committees: the chain of sources, one link at a time."""

from __future__ import annotations

from hashlib import sha256

import pytest

from enrico.domain.committee import (
    RULES,
    DealOnAccount,
    RoleAssignment,
    Seat,
    VerifiedPerson,
    resolve_committees,
    resolve_roles,
    summarise_committee,
)
from enrico.domain.roles import BuyingRole, is_no_role, read_role_field, read_role_label
from enrico.domain.word_tables import csv_rows

R = BuyingRole
ADA = Seat("d1", "c1", person_key="ada@acme.com", name="Ada Byrne", email="ada@acme.com")


def deal(
    *seats: Seat, deal_id: str = "d1", fields: tuple[tuple[str, str], ...] = ()
) -> DealOnAccount:
    return DealOnAccount(deal_id, fields, tuple(seat._replace(deal_id=deal_id) for seat in seats))


def role_of(*deals: DealOnAccount, deal_id: str = "d1", contact_id: str = "c1") -> RoleAssignment:
    return next(
        found
        for found in resolve_roles(deals)
        if (found.deal_id, found.contact_id) == (deal_id, contact_id)
    )


# --- labels ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "roles"),
    [
        ("Business User", (R.END_USER,)),
        ("Decision Maker", (R.DECISION_MAKER,)),
        ("Economic Buyer", (R.ECONOMIC_BUYER,)),
        ("Economic Decision Maker", (R.ECONOMIC_BUYER,)),
        ("Evaluator", (R.TECHNICAL_EVALUATOR,)),
        ("Executive Sponsor", (R.EXECUTIVE_SPONSOR,)),
        ("Influencer", (R.INFLUENCER,)),
        ("Technical Buyer", (R.TECHNICAL_EVALUATOR,)),
        ("BLOCKER", (R.BLOCKER,)),
        ("BUDGET_HOLDER", (R.ECONOMIC_BUYER,)),
        ("CHAMPION", (R.CHAMPION,)),
        ("DECISION_MAKER", (R.DECISION_MAKER,)),
        ("END_USER", (R.END_USER,)),
        ("EXECUTIVE_SPONSOR", (R.EXECUTIVE_SPONSOR,)),
        ("INFLUENCER", (R.INFLUENCER,)),
        ("LEGAL_AND_COMPLIANCE", (R.LEGAL_PROCUREMENT,)),
        ("Budget holder", (R.ECONOMIC_BUYER,)),
        ("Legal & Compliance", (R.LEGAL_PROCUREMENT,)),
        (";CHAMPION;BUDGET_HOLDER", (R.ECONOMIC_BUYER, R.CHAMPION)),
        ("Champion / Decision-makers", (R.DECISION_MAKER, R.CHAMPION)),
        ("decisionMaker", (R.DECISION_MAKER,)),
        ("  key DECISION makers ", (R.DECISION_MAKER,)),
        ("Coach", (R.COACH,)),
        ("Entscheidungsträger", (R.DECISION_MAKER,)),
        ("Entscheidungstraegerin", (R.DECISION_MAKER,)),
        ("Budgetverantwortlicher", (R.ECONOMIC_BUYER,)),
        ("Décideur", (R.DECISION_MAKER,)),
        ("Utilisateur final", (R.END_USER,)),
        ("Tomador de decisiones", (R.DECISION_MAKER,)),
        ("Usuário final", (R.END_USER,)),
        ("Decisore", (R.DECISION_MAKER,)),
        ("Beslisser", (R.DECISION_MAKER,)),
        ("Other", ()),
        ("CFO", ()),
        ("not a decision maker", ()),
        ("Former champion", ()),
        ("", ()),
        ("🤷", ()),
    ],
)
def test_a_label_stands_for_roles(label: str, roles: tuple[BuyingRole, ...]) -> None:
    assert read_role_label(label) == roles


@pytest.mark.parametrize("role", list(BuyingRole))
def test_our_own_words_are_read_back(role: BuyingRole) -> None:
    assert read_role_label(role.value) == read_role_label(role.label) == (role,)


def test_a_label_that_means_no_role_is_told_from_an_unknown_one() -> None:
    assert [is_no_role(label) for label in ("Other", "Sonstige", "", ";", "CFO")] == [
        True,
        True,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("field", "role"),
    [
        ("champion", R.CHAMPION),
        ("Champion__c", R.CHAMPION),
        ("economic buyer", R.ECONOMIC_BUYER),
        ("EconomicBuyerName__c", R.ECONOMIC_BUYER),
        ("Decision maker", R.DECISION_MAKER),
        ("decision_maker_email", R.DECISION_MAKER),
        ("Region", None),
        ("Name", None),
    ],
)
def test_a_deal_field_is_read_as_a_role(field: str, role: BuyingRole | None) -> None:
    assert read_role_field(field) is role


# --- the chain ------------------------------------------------------------------------------


def test_the_crms_role_on_the_deal_beats_all_and_the_next_other_role_is_runner_up() -> None:
    seat = ADA._replace(deal_role_label="Influencer", person_role_label="CHAMPION", title="CFO")

    found = role_of(deal(seat, fields=(("blocker", "Ada Byrne"),)))

    assert (found.role, found.source, found.confidence) == (R.INFLUENCER, "crm_role", 0.95)
    assert found.reason == 'the CRM says "Influencer" on this deal'
    assert found.runner_up is not None
    assert (found.runner_up.role, found.runner_up.source) == (R.CHAMPION, "crm_role")


@pytest.mark.parametrize("label", ["", "Other", "CFO"])
def test_a_blank_or_unknown_label_falls_through_to_the_deal_field(label: str) -> None:
    seat = ADA._replace(deal_role_label=label, title="CFO")

    found = role_of(deal(seat, fields=(("Champion__c", "Byrne, Ada"),)))

    assert (found.role, found.source, found.confidence) == (R.CHAMPION, "deal_field", 0.85)


def test_an_unknown_label_is_noted_and_one_that_means_no_role_is_not() -> None:
    bob = Seat("d1", "c2", deal_role_label="Other")

    notes = resolve_committees([deal(ADA._replace(deal_role_label="CFO"), bob)]).notes

    assert [(note.kind, note.value) for note in notes] == [("unknown_label", "CFO")]


@pytest.mark.parametrize(
    "value",
    [
        "Ada Byrne",
        "Byrne, Ada",
        "ADA@acme.com",
        "Ada Byrne <ada@acme.com>",
        "c1",
        "Bob Stone; Ada Byrne",
        "Bob Stone, Ada Byrne",
        "bob@acme.com,ada@acme.com",
        "c2,c1",
    ],
)
def test_a_deal_field_names_people_by_name_email_or_id(value: str) -> None:
    bob = Seat("d1", "c2", name="Robert Stone", email="bob@acme.com")

    result = resolve_committees([deal(ADA, bob, fields=(("champion", value),))])

    assert result.assignments[0].role is R.CHAMPION
    assert result.notes == ()


def test_a_field_matched_by_an_initial_only_counts_less() -> None:
    found = role_of(deal(ADA, fields=(("champion", "A. Byrne"),)))

    assert (found.role, found.confidence) == (R.CHAMPION, 0.51)


def test_mark_is_never_taken_for_mary() -> None:
    result = resolve_committees(
        [deal(ADA._replace(name="Mark Hall"), fields=(("champion", "Mary Hall"),))]
    )

    assert result.assignments[0].role is None
    assert [(note.kind, note.value) for note in result.notes] == [("nobody", "Mary Hall")]


def test_a_name_that_fits_two_contacts_is_noted_and_given_to_neither() -> None:
    people = (ADA._replace(name="Jane Doe"), Seat("d1", "c2", name="John Doe"))

    result = resolve_committees([deal(*people, fields=(("champion", "J. Doe"),))])

    assert [found.role for found in result.assignments] == [None, None]
    assert [note.kind for note in result.notes] == ["ambiguous"]


def test_two_contacts_of_one_person_are_not_ambiguous() -> None:
    again = ADA._replace(contact_id="c2")

    found = resolve_roles([deal(ADA, again, fields=(("champion", "Ada Byrne"),))])

    assert [assignment.role for assignment in found] == [R.CHAMPION, R.CHAMPION]


def test_a_field_that_is_no_role_is_noted() -> None:
    notes = resolve_committees([deal(ADA, fields=(("Region", "EMEA"),))]).notes

    assert [(note.kind, note.field) for note in notes] == [("unknown_field", "Region")]


def test_the_role_on_another_deal_of_the_account_beats_seniority_and_title() -> None:
    here = ADA._replace(title="CEO", verified=VerifiedPerson("CEO", "c_suite"))
    there = ADA._replace(contact_id="other contact", deal_role_label="Champion")

    found = role_of(deal(here), deal(there, deal_id="d2"))

    assert (found.role, found.source, found.confidence) == (R.CHAMPION, "other_deals", 0.70)
    assert found.runner_up is not None
    assert found.runner_up.source == "verified_seniority"


def test_a_person_keeps_different_roles_on_different_deals() -> None:
    found = resolve_roles(
        [
            deal(ADA._replace(deal_role_label="Champion")),
            deal(ADA._replace(deal_role_label="Blocker"), deal_id="d2"),
        ]
    )

    assert [assignment.role for assignment in found] == [R.CHAMPION, R.BLOCKER]


def test_other_deals_that_disagree_go_by_the_most_frequent_and_say_so() -> None:
    labels = ("Influencer", "Champion", "Influencer")
    others = [
        deal(ADA._replace(deal_role_label=label), deal_id=f"d{number}")
        for number, label in enumerate(labels, start=2)
    ]

    found = role_of(deal(ADA), *others)

    assert found.role is R.INFLUENCER
    assert found.reason == "has this role on 2 of 3 other deals, which disagree"
    assert found.runner_up is not None
    assert found.runner_up.role is R.CHAMPION


def test_a_tie_of_other_deals_goes_by_the_fixed_order_and_says_so() -> None:
    others = [
        deal(ADA._replace(deal_role_label=label), deal_id=label)
        for label in ("Influencer", "Champion")
    ]

    found = role_of(deal(ADA), *others)

    assert found.role is R.CHAMPION
    assert "fixed order" in found.reason


@pytest.mark.parametrize("other", [ADA._replace(person_key="eve@acme.com"), ADA._replace(title="")])
def test_only_the_same_person_and_only_explicit_roles_count_on_other_deals(other: Seat) -> None:
    label = "Champion" if other.person_key != ADA.person_key else ""
    there = other._replace(deal_role_label=label, title="CEO")

    found = role_of(deal(ADA), deal(there, deal_id="d2"))

    assert found.role is None


def test_a_weak_match_of_names_on_one_deal_is_no_evidence_on_another() -> None:
    there = deal(ADA, deal_id="d2", fields=(("champion", "A. Byrne"),))

    assert role_of(deal(ADA), there, deal_id="d2").role is R.CHAMPION
    assert role_of(deal(ADA), there).role is None


def test_people_without_a_key_are_not_one_person() -> None:
    blank = ADA._replace(person_key="")

    found = role_of(deal(blank), deal(blank._replace(deal_role_label="Champion"), deal_id="d2"))

    assert found.role is None


@pytest.mark.parametrize(
    ("verified", "role"),
    [
        (VerifiedPerson("Owner", "owner"), R.DECISION_MAKER),
        (VerifiedPerson("Head of Fun", "founder"), R.DECISION_MAKER),
        (VerifiedPerson("Partner", "partner"), R.DECISION_MAKER),
        (VerifiedPerson("CEO", "c_suite"), R.DECISION_MAKER),
        (VerifiedPerson("Chief Operating Officer", "c_suite"), R.EXECUTIVE_SPONSOR),
        (VerifiedPerson("CTO", "c_suite"), R.EXECUTIVE_SPONSOR),
        (VerifiedPerson("", "c_suite"), R.EXECUTIVE_SPONSOR),
        (VerifiedPerson("CFO", "c_suite"), R.ECONOMIC_BUYER),
        (VerifiedPerson("", "c_suite", ("c_suite", "master_finance")), R.ECONOMIC_BUYER),
        (VerifiedPerson("", "c_suite", (), ("finance",)), R.ECONOMIC_BUYER),
    ],
)
def test_a_verified_seniority_at_the_top_replaces_the_title(
    verified: VerifiedPerson, role: BuyingRole
) -> None:
    found = role_of(deal(ADA._replace(title="Analyst", verified=verified)))

    assert (found.role, found.source, found.confidence) == (role, "verified_seniority", 0.75)


def test_an_assistant_whom_the_provider_files_under_the_chiefs_is_none() -> None:
    verified = VerifiedPerson("Assistant to the CEO", "c_suite")

    assert role_of(deal(ADA._replace(verified=verified))).role is None


def test_the_verified_title_goes_before_the_crms() -> None:
    verified = VerifiedPerson("Procurement Manager", "manager")

    found = role_of(deal(ADA._replace(title="CEO", verified=verified)))

    assert (found.role, found.source) == (R.LEGAL_PROCUREMENT, "verified_title")
    assert found.confidence <= 0.50


def test_a_verified_intern_is_no_chief_whatever_the_crm_says() -> None:
    verified = VerifiedPerson("Marketing Intern", "intern")

    assert role_of(deal(ADA._replace(title="CEO", verified=verified))).role is None


def test_an_unreadable_verified_title_leaves_the_crms_title_to_count() -> None:
    verified = VerifiedPerson("Xyzzy", "")

    found = role_of(deal(ADA._replace(title="CFO", verified=verified)))

    assert (found.role, found.source) == (R.ECONOMIC_BUYER, "title")


def test_what_is_verified_of_a_mover_says_nothing_about_the_deal() -> None:
    verified = VerifiedPerson("CEO", "c_suite", provider="apollo", moved=True)

    found = role_of(deal(ADA._replace(title="Buyer", verified=verified)))

    assert (found.role, found.source) == (R.LEGAL_PROCUREMENT, "title")
    assert found.reason.endswith("works for another employer now, says apollo")


def test_a_title_is_worth_half_at_most() -> None:
    found = role_of(deal(ADA._replace(title="CFO")))

    assert (found.role, found.source, found.confidence) == (R.ECONOMIC_BUYER, "title", 0.50)


def test_nothing_is_guessed_from_nothing() -> None:
    assert role_of(deal(ADA)) == RoleAssignment(
        "d1", "c1", reason="no role in the CRM and no title"
    )


def test_nothing_under_the_threshold_is_given() -> None:
    [found] = resolve_roles([deal(ADA._replace(title="CFO"))], threshold=0.6)

    assert (found.role, found.runner_up, found.confidence) == (None, None, 0.0)


def test_a_contact_that_stands_on_a_deal_twice_comes_out_once() -> None:
    twice = deal(ADA._replace(deal_role_label="Champion"), ADA)

    assert [found.role for found in resolve_roles([twice])] == [R.CHAMPION]


def test_a_role_of_many_labels_has_the_others_as_runner_up() -> None:
    found = role_of(deal(ADA._replace(person_role_label="CHAMPION;BUDGET_HOLDER")))

    assert found.role is R.ECONOMIC_BUYER
    assert found.runner_up is not None
    assert found.runner_up.role is R.CHAMPION


def test_without_another_role_the_next_source_is_runner_up() -> None:
    found = role_of(deal(ADA._replace(deal_role_label="Economic Buyer", title="CFO")))

    assert found.runner_up is not None
    assert (found.runner_up.role, found.runner_up.source) == (R.ECONOMIC_BUYER, "title")


# --- summary --------------------------------------------------------------------------------


def test_a_committee_counts_people_and_names_its_gaps() -> None:
    seats = (
        ADA._replace(title="CFO"),
        ADA._replace(contact_id="c2", title="CFO"),
        Seat("d1", "c3", title="CTO"),
        Seat("d1", "c4"),
    )
    assignments = resolve_roles([deal(*seats)])

    summary = summarise_committee(assignments, {seat.contact_id: seat.person_key for seat in seats})

    assert summary.size == 3
    assert summary.roles_filled == (R.ECONOMIC_BUYER, R.TECHNICAL_EVALUATOR)
    assert summary.gaps == (R.CHAMPION, R.DECISION_MAKER)


def test_an_empty_committee_is_all_gaps() -> None:
    summary = summarise_committee([], {})

    assert (summary.size, len(summary.gaps)) == (0, 4)


# --- the version of the rules -----------------------------------------------------------------


def test_rules_that_say_something_else_have_another_version() -> None:
    """Databases resolve all roles again only where RULES differs: raise it, and put the digest."""
    phrases = [
        phrase
        for row in csv_rows("enrico.domain.titles", "titles.csv")
        for phrase in row["words"].split(" | ")
    ]
    verified = [
        VerifiedPerson(title, seniority, provider="apollo", moved=moved)
        for title in ("", "CFO", "Assistant to the CEO")
        for seniority in ("owner", "c_suite", "vp", "manager", "")
        for moved in (False, True)
    ]
    seats = [
        *(Seat("d1", f"t{n}", title=f"{phrase} Sales") for n, phrase in enumerate(phrases)),
        *(Seat("d1", f"v{n}", verified=person) for n, person in enumerate(verified)),
        *(Seat("d1", f"l{role}", deal_role_label=role.label) for role in BuyingRole),
        ADA._replace(contact_id="ada"),
    ]
    other = DealOnAccount(
        "d2", (("Champion__c", "A. Byrne; Nobody"),), (ADA._replace(deal_id="d2"),)
    )

    said = resolve_committees([DealOnAccount("d1", (), tuple(seats)), other])

    digests = {"1": "bf3453264bc42eea"}
    assert digests.get(RULES) == sha256(repr(said).encode()).hexdigest()[:16]
