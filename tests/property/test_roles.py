"""What holds for roles whatever the CRM contains."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from enrico.domain.committee import (
    SOURCE_CONFIDENCE,
    DealOnAccount,
    Seat,
    VerifiedPerson,
    resolve_committees,
    resolve_roles,
)
from enrico.domain.names import find_person, name_match, same_person_name
from enrico.domain.roles import BuyingRole, is_no_role, read_role_field, read_role_label
from enrico.domain.titles import TITLE_CONFIDENCE, read_title

NAMES = ["Ada Byrne", "A. Byrne", "Bob Stone", "Robert Stone", "Mark Hall", "Mary Hall", "Doe", ""]
LABELS = ["", "Champion", "BLOCKER;CHAMPION", "Economic Buyer", "Other", "CFO", "Influencer"]
TITLES = ["", "CEO", "CFO", "CTO", "VP Sales", "Buyer", "Engineer", "Assistant to the CEO", "Zzz"]
VALUES = [*NAMES, "c1", "c2; Bob Stone", "ada@acme.com", "Byrne, Ada", "Ada Byrne, Bob Stone"]

verified_people = st.none() | st.builds(
    VerifiedPerson,
    title=st.sampled_from(TITLES),
    seniority=st.sampled_from(["", "owner", "c_suite", "partner", "vp", "manager", "entry", "?"]),
    departments=st.sampled_from([(), ("master_finance",), ("c_suite", "master_sales")]),
    provider=st.sampled_from(["", "apollo"]),
    moved=st.booleans(),
)
seats = st.builds(
    Seat,
    deal_id=st.just("d1"),
    contact_id=st.sampled_from(["c1", "c2", "c3", "c4"]),
    person_key=st.sampled_from(["", "p1", "p2", "p3"]),
    name=st.sampled_from(NAMES),
    title=st.sampled_from(TITLES),
    deal_role_label=st.sampled_from(LABELS),
    person_role_label=st.sampled_from(LABELS),
    is_primary=st.booleans(),
    verified=verified_people,
    email=st.sampled_from(["", "ada@acme.com", "bob@acme.com"]),
)


@st.composite
def accounts(draw: st.DrawFn) -> list[DealOnAccount]:
    deals: list[DealOnAccount] = []
    for deal_id in draw(st.lists(st.sampled_from(["d1", "d2", "d3", "d4"]), max_size=5)):
        fields = draw(
            st.lists(
                st.tuples(
                    st.sampled_from(["champion", "Economic_Buyer__c", "Region"]),
                    st.sampled_from(VALUES),
                ),
                max_size=3,
            )
        )
        on_deal = [s._replace(deal_id=deal_id) for s in draw(st.lists(seats, max_size=5))]
        deals.append(DealOnAccount(deal_id, tuple(fields), tuple(on_deal)))
    return deals


@given(accounts(), st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None)
def test_the_order_of_deals_contacts_and_fields_changes_nothing(account, random) -> None:  # type: ignore[no-untyped-def]
    shuffled = [
        replace(
            deal,
            seats=tuple(random.sample(deal.seats, len(deal.seats))),
            role_fields=tuple(random.sample(deal.role_fields, len(deal.role_fields))),
        )
        for deal in random.sample(account, len(account))
    ]

    assert resolve_committees(shuffled) == resolve_committees(account)


@given(accounts(), st.sampled_from([0.0, 0.30, 0.45, 0.72, 0.96]))
@settings(max_examples=300, deadline=None)
def test_no_role_is_surer_than_its_source_or_under_the_threshold(
    account: list[DealOnAccount], threshold: float
) -> None:
    for found in resolve_roles(account, threshold=threshold):
        assert found.confidence <= SOURCE_CONFIDENCE[found.source]
        assert found.reason
        assert (found.role is None) == (found.source == "") == (found.confidence == 0.0)
        if found.role is not None:
            assert found.confidence >= threshold
        if found.runner_up is not None:
            assert found.role is not None
            assert threshold <= found.runner_up.confidence
            assert found.runner_up.confidence <= SOURCE_CONFIDENCE[found.runner_up.source]
            assert (found.runner_up.role, found.runner_up.source) != (found.role, found.source)


@given(accounts())
@settings(max_examples=200, deadline=None)
def test_every_contact_on_every_deal_comes_out_once(account: list[DealOnAccount]) -> None:
    wanted = sorted({(deal.deal_id, seat.contact_id) for deal in account for seat in deal.seats})

    found = resolve_roles(account)

    assert [(assignment.deal_id, assignment.contact_id) for assignment in found] == wanted


@given(accounts())
@settings(max_examples=200, deadline=None)
def test_a_role_that_the_crm_gives_is_never_overruled(account: list[DealOnAccount]) -> None:
    labels: dict[tuple[str, str], set[BuyingRole]] = {}
    for deal in account:
        for seat in deal.seats:
            found = labels.setdefault((deal.deal_id, seat.contact_id), set())
            found.update(read_role_label(seat.deal_role_label))

    for assignment in resolve_roles(account):
        given_roles = labels[assignment.deal_id, assignment.contact_id]
        if given_roles:
            assert assignment.source == "crm_role"
            assert assignment.role in given_roles


@given(st.text(max_size=80), st.text(max_size=80))
@settings(max_examples=500, deadline=None)
def test_no_text_whatever_crashes(a: str, b: str) -> None:
    reading = read_title(a)
    match = name_match(a, b)
    seat = Seat("d", a, b, a, b, a, b, verified=VerifiedPerson(a, b), email=b)

    assert 0.0 <= reading.confidence <= TITLE_CONFIDENCE
    assert 0.0 <= match.score <= 1.0
    assert name_match(b, a) == match
    assert same_person_name(a, b) in {True, False, None}
    find_person(a, [a, b])
    read_role_label(a), is_no_role(a), read_role_field(a)
    assert len(resolve_roles([DealOnAccount("d", ((a, b), ("champion", b)), (seat,))])) == 1


@given(st.lists(st.sampled_from([t for t in TITLES if t]), min_size=1, max_size=3))
def test_spaces_and_case_around_titles_change_nothing(parts: list[str]) -> None:
    title = " / ".join(parts)
    one, other = read_title(title), read_title(f"  {title.upper()} ")

    assert (one.seniority, one.role, one.confidence) == (
        other.seniority,
        other.role,
        other.confidence,
    )
