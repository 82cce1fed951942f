"""The sandbox's own rules: windows, rates, faults, chance, reading."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from enrico import sandbox
from enrico.sandbox.draw import Draw
from enrico.sandbox.faults import FaultPlan, read_fault
from enrico.sandbox.meter import SlidingRate
from enrico.sandbox.names import firm
from enrico.sandbox.news import Press, company_in, short_name
from enrico.sandbox.people import read_question
from enrico.sandbox.profiles import PROFILES, Limits
from enrico.sandbox.reader import classify_text
from enrico.sandbox.windows import FixedWindows


class Time:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_window_opens_with_its_first_call_and_lets_twice_the_limit_through_at_its_edge() -> None:
    time = Time()
    windows = FixedWindows(Limits(second=2), time)

    windows.take()
    time.now = 100.9
    windows.take()
    refused = windows.take()
    time.now = 101.0
    opened = [windows.take(), windows.take(), windows.take()]

    assert refused is not None
    assert refused.name == "second"
    assert opened[:2] == [None, None]
    assert opened[2] is not None


def test_a_refused_call_counts_in_no_window() -> None:
    time = Time()
    windows = FixedWindows(Limits(second=1, minute=10), time)

    for _ in range(5):
        windows.take()

    assert windows.usage("minute") == (10, 1)
    assert windows.usage("hour") == (None, 1)


def test_the_sliding_rate_sees_what_a_fixed_window_hides() -> None:
    rate = SlidingRate()

    for moment in (0.9, 0.95, 1.0, 1.05, 3.0):
        rate.add(moment)

    assert rate.as_dict()["1s"] == 4
    assert rate.as_dict()["60s"] == 5


def test_calls_one_window_apart_are_in_different_windows() -> None:
    rate = SlidingRate()

    for moment in (0.0, 1.0, 2.0):
        rate.add(moment)

    assert rate.as_dict()["1s"] == 1


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ({"provider": "hubspot", "kind": "500"}, "no provider 'hubspot'"),
        ({"provider": "apollo", "kind": "drop"}, "apollo has no fault 'drop'"),
        ({"provider": "apollo", "kind": "200"}, "no fault '200'"),
        ({"provider": "apollo", "kind": "500", "att": 3}, "no field att"),
        ("500", "a fault is an object"),
    ],
)
def test_a_wrong_fault_is_refused_with_the_reason(fault: object, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        read_fault(fault)  # type: ignore[arg-type]


def test_faults_are_counted_for_each_provider_and_the_first_that_hits_wins() -> None:
    plan = FaultPlan(
        7, [{"provider": "*", "kind": "500", "at": 2}, {"provider": "apollo", "kind": "cut"}]
    )

    def kinds(provider: str) -> list[str | None]:
        faults = [plan.next(provider, "x", True, 0.0) for _ in range(3)]
        return [fault.kind if fault else None for fault in faults]

    assert kinds("apollo") == ["cut", "500", "cut"]
    assert kinds("serper") == [None, "500", None]


def test_faults_may_depend_on_time() -> None:
    plan = FaultPlan(7, [{"provider": "*", "kind": "500", "from_s": 1, "to_s": 2}])

    hits = [plan.next("llm", "x", True, moment) is not None for moment in (0.5, 1.0, 1.9, 2.0)]

    assert hits == [False, True, True, False]


def test_draws_follow_from_seed_and_key_alone() -> None:
    first, again, other = Draw(1, "a", "b"), Draw(1, "a", "b"), Draw(1, "a", "c")

    numbers = [[draw.below(1000) for _ in range(200)] for draw in (first, again, other)]

    assert numbers[0] == numbers[1] != numbers[2]
    assert 0.2 < sum(Draw(1, str(n)).chance(0.3) for n in range(1000)) / 1000 < 0.4


def test_all_ways_to_ask_for_a_person_have_one_key() -> None:
    questions = [
        {"email": " Ada.Byrne@Acme.com "},
        {"first_name": "Ada", "last_name": "Byrne", "domain": "www.acme.com"},
        {"name": "Ada Byrne", "organization_name": "Acme"},
    ]

    asked = [read_question(question) for question in questions]

    assert {one.key for one in asked if one} == {"ada.byrne@acme.com"}
    assert None not in asked


@pytest.mark.parametrize(
    "email", ["info@acme.com", "no at sign", "a@b", "a b@acme.com", "@acme.com"]
)
def test_nobody_is_found_by_a_role_or_broken_address(email: str) -> None:
    assert read_question({"email": email}) is None


@pytest.mark.parametrize(
    ("query", "company"),
    [
        ('"Acme Corp" (funding OR hiring) -jobs', "Acme Corp"),
        ("Acme Corp news", "Acme Corp"),
        ("Acme Corp funding acquisition 2026 site:reuters.com", "Acme Corp"),
        ("Funding", "Funding"),
    ],
)
def test_the_company_is_found_in_a_query(query: str, company: str) -> None:
    assert company_in(query) == company


def test_legal_forms_are_no_part_of_a_name_in_the_press() -> None:
    assert short_name("Northwind Robotics, Inc.") == "Northwind Robotics"
    assert short_name("Müller Optik GmbH") == "Müller Optik"


def test_the_reader_finds_what_the_press_meant() -> None:
    press = Press(7, lambda: date(2026, 11, 20))
    verdicts: Counter[bool] = Counter()
    kinds = set()

    for number in range(400):
        name = firm(7, number).name
        for story in press.stories(name):
            found = classify_text(name, story.title, story.snippet)
            verdicts[(found[0] if found else None) == story.kind] += 1
            kinds.add(story.kind)

    assert len(kinds) == 12
    assert verdicts[True] / verdicts.total() > 0.97


def test_a_namesake_and_a_mention_are_not_the_company() -> None:
    assert classify_text("Delta", "Delta Dental announces layoffs", "Delta Dental cut 20.") is None
    mention = "She was formerly at Delta, where she built the sales team."
    assert classify_text("Delta", "Acme appoints new CFO", mention) is None
    assert classify_text("Delta", "Delta announces layoffs", "") == ("layoff", 0.95)


def test_profiles_are_those_of_the_design() -> None:
    classic, modern, free = (PROFILES[name] for name in ("classic", "modern", "free"))

    assert set(PROFILES) == {"classic", "modern", "free", "instant", "storm"}
    assert (classic.apollo_bulk.second, classic.apollo_seconds) == (5, (0.5, 1.0))
    assert (classic.serper.second, classic.serper_seconds) == (5, (0.2, 0.5))
    assert (classic.llm_seconds, classic.llm_tokens_per_second) == ((0.4, 0.8), 60.0)
    assert (modern.apollo_bulk.minute, modern.apollo_seconds) == (1000, (0.3, 0.8))
    assert (modern.serper.second, modern.serper_seconds) == (50, (0.9, 2.1))
    assert (modern.llm_tokens_per_second, modern.llm_concurrency) == (270.0, 2500)
    assert free.apollo_bulk == Limits(minute=20, hour=100, day=600)


def test_the_referee_shares_no_code_with_the_player() -> None:
    folder = Path(sandbox.__file__).parent

    imports = {
        module
        for path in folder.glob("*.py")
        for module in re.findall(r"^\s*(?:from|import) (enrico\S*)", path.read_text("utf-8"), re.M)
    }

    assert imports
    assert all(module.split(".")[1] == "sandbox" for module in imports)
