"""Requests and replies of each provider as pure functions, on shapes from their contracts."""

from __future__ import annotations

import contextlib
import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrico.domain.signals import SignalType
from enrico.engine.asking import BadAnswer
from enrico.engine.http import Reply
from enrico.engine.money import Cost, micro_credits
from enrico.engine.windows import Window
from enrico.errors import Fatal, RateLimited, Skippable, Unavailable
from enrico.providers.apollo import Apollo, PersonToFind, read_bulk, read_single
from enrico.providers.common import load_json
from enrico.providers.llm import Llm, ToClassify, account_ids, read_picks, read_type
from enrico.providers.serper import SearchResult, Serper, host_of, read_results
from enrico.settings import ApolloSettings, LlmSettings, SerperSettings

APOLLO = Apollo(ApolloSettings())
SERPER = Serper(SerperSettings())


def reply(value: Any, status: int = 200, **headers: str) -> Reply:
    body = value if isinstance(value, bytes) else orjson.dumps(value)
    return Reply(status, {k.replace("_", "-"): v for k, v in headers.items()}, body)


# -- Apollo -------------------------------------------------------------------------------

ADA = PersonToFind("ada@acme.com", "Ada", "Byrne", "acme.com")
BOB = PersonToFind("bob@acme.com", "Bob", "Roe", "acme.com")
CAT = PersonToFind("cat@acme.com", "Cat", "Lim", "acme.com")


def person(name: str, email: str | None, **more: Any) -> dict[str, Any]:
    first, _, last = name.partition(" ")
    return {
        "id": "64b0", "name": name, "first_name": first, "last_name": last, "email": email,
        "title": "CFO", "seniority": "c_suite", **more,
    }  # fmt: skip


def test_a_bulk_call_carries_flags_in_the_query_and_people_in_order() -> None:
    call = APOLLO.bulk([ADA, BOB])

    assert call.request.path == "/people/bulk_match"
    assert ("reveal_personal_emails", "false") in call.request.query
    details = orjson.loads(call.request.body)["details"]
    assert [entry["email"] for entry in details] == ["ada@acme.com", "bob@acme.com"]
    assert call.reserve == Cost(2_000_000, 50_000_000)
    assert call.items == ["ada@acme.com", "bob@acme.com"]


def test_matches_are_joined_by_position_and_null_is_a_miss() -> None:
    body = {"status": "success", "matches": [None, person("Bob Roe", "bob@acme.com")]}

    found = read_bulk(reply(body), [ADA, BOB])

    assert found.not_found == ("ada@acme.com",)
    assert found.found["bob@acme.com"].title == "CFO"


def test_a_moved_person_stays_at_their_position_whatever_address_comes_back() -> None:
    moved = person("Ada Byrne", "ada@other.io", organization={"primary_domain": "other.io"})

    found = read_bulk(reply({"matches": [moved, None]}), [ADA, BOB])

    assert found.found["ada@acme.com"].email == "ada@other.io"
    assert found.found["ada@acme.com"].employer_domain == "other.io"


def test_a_changed_name_alone_does_not_break_the_order() -> None:
    found = read_bulk(reply({"matches": [person("Ada Lovelace", None), None]}), [ADA, BOB])

    assert found.found["ada@acme.com"].name == "Ada Lovelace"


@pytest.mark.parametrize(
    "matches",
    [
        [person("Bob Roe", "bob@acme.com"), person("Ada Byrne", "ada@acme.com"), None],
        [person("Cat Lim", None), person("Ada Byrne", "ada@acme.com"), None],
        [person("Bob Roe", "bob@acme.com"), None, None, None],
        [person("Ada Byrne", "ada@acme.com")],
    ],
)
def test_an_answer_out_of_order_gives_only_what_an_address_proves(matches: list[Any]) -> None:
    found = read_bulk(reply({"matches": matches}), [ADA, BOB, CAT])

    assert all(person.email == key for key, person in found.found.items())
    assert not found.not_found
    assert set(found.unclear) == {"ada@acme.com", "bob@acme.com", "cat@acme.com"} - set(found.found)


def test_an_address_at_anothers_position_is_enough_to_doubt_the_order() -> None:
    nameless = [PersonToFind("ada@acme.com"), PersonToFind("bob@acme.com")]
    swapped = [person("X Y", "bob@acme.com"), person("V W", "moved@other.io")]

    found = read_bulk(reply({"matches": swapped}), nameless)

    assert found.found["bob@acme.com"].name == "X Y"
    assert found.unclear == ("ada@acme.com",)


def test_one_person_under_two_addresses_is_found_twice_and_paid_once() -> None:
    other = PersonToFind("a.byrne@acme.com", "Ada", "Byrne", "acme.com")
    twice = person("Ada Byrne", "ada@acme.com")
    moved = person("Bob Roe", "bob@new.io", id="64b1")
    counts = {"credits_consumed": 2, "unique_enriched_records": 2, "missing_records": 1}
    asked = [ADA, other, BOB, CAT]

    found = read_bulk(reply({"matches": [twice, twice, moved, None], **counts}), asked)

    assert (set(found.found), found.not_found, found.unclear) == (
        {"ada@acme.com", "a.byrne@acme.com", "bob@acme.com"}, ("cat@acme.com",), (),
    )  # fmt: skip
    # Three of four at two credits: nobody else was paid for. At three, somebody was.
    dearer = {**counts, "unique_enriched_records": 3}
    found = read_bulk(reply({"matches": [twice, twice, moved, None], **dearer}), asked)
    assert (found.not_found, found.unclear) == ((), ("cat@acme.com",))
    # Out of order, what the address proves still holds.
    found = read_bulk(reply({"matches": [moved, twice, twice, None]}), asked)
    assert (set(found.found), found.not_found) == ({"ada@acme.com"}, ())


def test_a_stub_that_only_echoes_the_address_is_a_miss() -> None:
    stub = {"id": "1", "name": "", "email": "ada@acme.com", "title": None, "departments": []}

    assert read_bulk(reply({"matches": [stub]}), [ADA]).not_found == ("ada@acme.com",)
    assert read_single(reply({"person": stub}), ADA).not_found == ("ada@acme.com",)
    assert read_single(reply({"person": None}), ADA).not_found == ("ada@acme.com",)


def test_an_empty_object_is_the_barest_stub() -> None:
    found = read_bulk(reply({"matches": [{}, None]}), [ADA, BOB])

    assert (found.not_found, found.unclear) == (("ada@acme.com", "bob@acme.com"), ())
    assert read_single(reply({"person": {}}), ADA).not_found == ("ada@acme.com",)
    assert APOLLO.cost(reply({"person": {}}), Cost(5, 5), 0.0) == Cost()


@pytest.mark.parametrize("body", [{"request_id": -5}, {"person": None}, {}])
def test_a_miss_may_name_no_person_and_costs_nothing(body: dict[str, Any]) -> None:
    assert read_single(reply(body), ADA).not_found == ("ada@acme.com",)
    assert APOLLO.cost(reply(body), Cost(5, 5), 0.0) == Cost()


@pytest.mark.parametrize(
    "counts", [{"credits_consumed": 2}, {"unique_enriched_records": 1}, {"credits_consumed": 0.5}]
)
def test_credits_for_nobody_are_no_miss(counts: dict[str, float]) -> None:
    found = read_bulk(reply({"matches": [None, None], **counts}), [ADA, BOB])

    assert (found.not_found, found.unclear) == ((), ("ada@acme.com", "bob@acme.com"))
    assert not found.unclear_are_free


def test_misses_beside_more_charged_people_than_were_found_are_not_believed() -> None:
    body = {"matches": [person("Ada Byrne", "ada@acme.com"), None], "unique_enriched_records": 2}

    found = read_bulk(reply(body), [ADA, BOB])

    assert (set(found.found), found.not_found, found.unclear) == (
        {"ada@acme.com"}, (), ("bob@acme.com",),
    )  # fmt: skip


def test_matches_that_cost_nothing_are_found_and_misses_beside_them_are_misses() -> None:
    body = {
        "matches": [person("Ada Byrne", "ada@acme.com"), None],
        "unique_enriched_records": 0, "credits_consumed": 0, "missing_records": 1,
    }  # fmt: skip
    found = read_bulk(reply(body), [ADA, BOB])

    assert (set(found.found), found.not_found) == ({"ada@acme.com"}, ("bob@acme.com",))


@pytest.mark.parametrize(
    ("counts", "free"),
    [
        ({}, False),
        ({"credits_consumed": 0}, True),
        ({"credits_consumed": 1, "missing_records": 2}, True),
        ({"credits_consumed": 1, "missing_records": 1}, False),
        ({"credits_consumed": 2, "unique_enriched_records": 2, "missing_records": 2}, False),
        ({"credits_consumed": True, "missing_records": "2"}, False),
    ],
)
def test_unclear_people_are_free_only_by_the_answers_own_counts(
    counts: dict[str, Any], free: bool
) -> None:
    body = {"matches": [person("Ada Byrne", "ada@acme.com")], **counts}

    found = read_bulk(reply(body), [ADA, BOB, CAT])

    assert (found.unclear, found.unclear_are_free) == (("bob@acme.com", "cat@acme.com"), free)


@pytest.mark.parametrize("odd", [5, [], "x", {"error": "try again"}])
def test_a_single_answer_that_names_nobody_may_have_cost_something(odd: Any) -> None:
    assert APOLLO.cost(reply({"person": odd}), Cost(5, 5), 0.0) == Cost(5, 5)


def test_every_field_of_a_person_may_be_missing_or_of_another_type() -> None:
    odd = {
        "name": "Ada Byrne", "seniority": None, "departments": None, "functions": [1, "finance"],
        "organization": [], "employment_history": [{"current": True, "start_date": 5}, "x"],
    }  # fmt: skip
    found = read_bulk(reply({"matches": [odd]}), [ADA]).found["ada@acme.com"]

    assert (found.seniority, found.departments, found.functions) == ("", (), ("finance",))
    assert found.employer_since == ""


def test_tenure_counts_from_the_present_job_at_the_persons_organization() -> None:
    history = [
        {"current": True, "organization_id": "o2", "start_date": "2025-01-01"},
        {"current": True, "organization_id": "o1", "start_date": "2021-03-01"},
        {"current": False, "organization_id": "o1", "start_date": "2026-01-01"},
    ]
    answer = person("Ada Byrne", None, organization_id="o1", employment_history=history)

    assert read_bulk(reply({"matches": [answer]}), [ADA]).found["ada@acme.com"].employer_since == (
        "2021-03-01"
    )


def test_tenure_is_that_of_the_employer_that_is_shown() -> None:
    history = [
        {"current": True, "organization_id": "o2", "organization_name": "Advisory X",
         "start_date": "2025-01-01", "title": "Adviser"},
        {"current": True, "organization_name": "ACME", "start_date": "2019-03-01"},
    ]  # fmt: skip
    at_acme = {"organization": {"id": "o1", "name": "Acme"}, "employment_history": history}
    elsewhere = {**at_acme, "employment_history": history[:1], "title": None}

    for more, since in ((at_acme, "2019-03-01"), (elsewhere, "")):
        found = read_bulk(reply({"matches": [person("Ada Byrne", None, **more)]}), [ADA])
        ada = found.found["ada@acme.com"]
        assert (ada.employer, ada.employer_since, ada.title == "Adviser") == ("Acme", since, False)
    # Of whom no organisation is known, the newest present job tells both.
    alone = person("Ada Byrne", None, employment_history=history)
    ada = read_bulk(reply({"matches": [alone]}), [ADA]).found["ada@acme.com"]
    assert (ada.employer, ada.employer_since) == ("Advisory X", "2025-01-01")


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"matches"', {"status": "failed", "matches": []}, {"a": 1}]
)
def test_what_is_no_answer_is_never_a_miss(body: Any) -> None:
    with pytest.raises(BadAnswer):
        read_bulk(reply(body), [ADA])


@given(st.binary(max_size=200))
def test_no_bytes_make_a_reader_fall_over(body: bytes) -> None:
    for read in (
        lambda: read_bulk(reply(body), [ADA]),
        lambda: read_single(reply(body), ADA),
        lambda: read_results(reply(body)),
        lambda: read_picks(reply(body), [["k", "s", 0, 3]]),
    ):
        with contextlib.suppress(BadAnswer):
            read()
    APOLLO.cost(reply(body), Cost(5, 5), 0.0)
    SERPER.cost(reply(body), Cost(5, 5), 0.0)
    Llm(LlmSettings()).cost(reply(body), Cost(5, 5), 0.0)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, b"Invalid API key. See docs", Fatal),
        (401, {"error": "Invalid API key.", "error_details": {"code": "X"}}, Fatal),
        (403, {"error": "not authorized", "error_code": "API_INACCESSIBLE"}, Fatal),
        (422, {"error": "You have insufficient Credits"}, Fatal),
        (402, {"message": "no credits left"}, Fatal),
        (402, {"message": "Payment Required"}, Fatal),
        (404, {"error": "No route matches"}, Fatal),
        (404, b"<html>nothing here</html>", Fatal),
        (405, b"", Fatal),
        (422, {"error": "no implicit conversion"}, Skippable),
        (400, {"error_code": "INVALID_REQUEST", "error_message": "missing details"}, Skippable),
        (429, {"message": "600 times per hour"}, RateLimited),
        (502, b"<html>bad gateway</html>", Unavailable),
        (302, b"", Fatal),
        (308, b"<html>moved</html>", Fatal),
    ],
)
def test_apollos_refusals_mean_what_the_contract_says(
    status: int, body: Any, kind: type[Exception]
) -> None:
    assert type(APOLLO.refusal(reply(body, status))) is kind


def test_windows_come_from_headers_under_both_names_and_empty_means_unlimited() -> None:
    names = {
        "x-rate-limit-minute": "1000",
        "x-rate-limit-hourly": "",
        "x-rate-limit-24-hour": "oops",
        "x-rate-limit-daily": "600",
    }
    assert APOLLO.windows(names) == (
        Window(1000, 60.0), Window(0, 3600.0), Window(600, 86400.0),
    )  # fmt: skip
    assert APOLLO.windows({}) == ()
    assert APOLLO.windows({"x-rate-limit-minute": "-1"}) == ()


@pytest.mark.parametrize("match", [5, [], "x", {"error": "try again"}, {"id": 1, "name": [0]}])
def test_what_is_neither_null_nor_a_stub_says_of_nobody_that_they_are_not_known(match: Any) -> None:
    found = read_bulk(reply({"matches": [match, None]}), [ADA, BOB])

    assert (found.not_found, found.unclear) == (("bob@acme.com",), ("ada@acme.com",))
    with pytest.raises(BadAnswer):
        read_single(reply({"person": match}), ADA)


def test_an_error_with_status_200_is_no_miss() -> None:
    with pytest.raises(BadAnswer):
        read_single(reply({"request_id": 1, "error": "try again"}), ADA)


def test_a_sum_that_no_call_can_cost_is_not_believed() -> None:
    reserved = Cost(7, 7)
    much = b"9" * 30 + b"}"
    assert APOLLO.cost(reply(b'{"credits_consumed":' + much), reserved, 0.0) == reserved
    assert SERPER.cost(reply(b'{"credits":' + much), reserved, 0.0) == reserved
    for usage in ({"prompt_tokens": -9, "completion_tokens": 1}, {"prompt_tokens": 1e30}):
        body = {"usage": {"completion_tokens": 1, **usage}}
        assert Llm(LlmSettings()).cost(reply(body), reserved, 0.0) == reserved


def test_no_nul_character_comes_out_of_an_answer() -> None:
    backslash = "a\\u0000"  # a backslash and letters, no NUL
    body = {"name": "Ada\0 Byrne\0\0", "city": backslash, "departments": ["\0"]}

    found = read_bulk(reply({"matches": [body]}), [ADA]).found["ada@acme.com"]

    assert (found.name, found.city, found.departments) == ("Ada Byrne", backslash, ("",))
    assert "\0" not in str(APOLLO.refusal(reply(b"odd \0 text", 422)))


def test_credits_may_be_fractional() -> None:
    body = {"credits_consumed": 1.5, "matches": []}
    assert APOLLO.cost(reply(body), Cost(9, 9), 0.0).credits == micro_credits("1.5")


# -- Serper -------------------------------------------------------------------------------


def test_a_search_keeps_the_key_out_of_the_url_and_quotes_the_name_without_its_form() -> None:
    call = SERPER.search("acme.com", 'Acme "The Best" Corp', "acme.com")
    body = orjson.loads(call.request.body)

    assert call.request.query == ()
    assert body["q"].startswith('"Acme The Best" ')
    assert body["autocorrect"] is False
    assert body["num"] == 10


def test_results_come_from_whatever_block_there_is_and_each_page_once() -> None:
    body = {
        "searchParameters": {"q": "x"},
        "organic": [
            {"title": "A", "link": "https://a.com/1", "snippet": "s", "date": "2 days ago"},
            {"title": "B", "link": "javascript:alert(1)"},
            {"link": "https://a.com/2"},
            {"title": "A again", "link": "https://a.com/1"},
        ],
        "topStories": [{"title": "C", "link": "https://c.com", "source": "C"}],
    }
    assert [result.url for result in read_results(reply(body))] == [
        "https://a.com/1",
        "https://c.com",
    ]


@pytest.mark.parametrize("body", [{"searchParameters": {}}, {"organic": []}, {"news": []}])
def test_an_empty_answer_is_an_answer(body: Any) -> None:
    assert read_results(reply(body)) == ()


@pytest.mark.parametrize(
    "body",
    [
        {}, {"message": "ok"}, {"organic": "x"}, {"organic": {}}, b"<html>", b'{"organ',
        {"organic": [None, 5, {"title": 5, "link": "https://a.com"}]},
        {"searchParameters": {}, "message": "Internal error", "statusCode": 500},
    ],
)  # fmt: skip
def test_an_answer_without_shape_is_no_empty_result(body: Any) -> None:
    with pytest.raises(BadAnswer):
        read_results(reply(body))


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (400, "Not enough credits", Fatal),
        (400, "Missing query parameter", Skippable),
        (403, "Unauthorized.", Fatal),
        (401, "Unauthorized.", Fatal),
        (429, "Too many", RateLimited),
        (503, "x", Unavailable),
    ],
)
def test_serpers_empty_balance_is_a_400(status: int, message: str, kind: type[Exception]) -> None:
    body = {"message": message, "statusCode": status}
    assert type(SERPER.refusal(reply(body, status))) is kind


def test_a_host_is_the_registrable_domain() -> None:
    assert host_of("https://www.news.bbc.co.uk/a?b") == "bbc.co.uk"
    assert host_of("http://user@localhost:80/x") == "localhost"


# -- the model ----------------------------------------------------------------------------

RESULTS = tuple(SearchResult(f"T{n}", f"https://x.com/{n}") for n in range(3))
ACME = ToClassify("acme.com", "Acme", "acme.com", "s1", "2026-11-23T10:00:00.000Z", RESULTS)
BETA = ToClassify("beta.com", "Beta", "beta.com", "s2", "2026-11-23T10:00:00.000Z", RESULTS)


def answer(accounts: Any, finish: str = "stop", content: str | None = None) -> Reply:
    text = content if content is not None else orjson.dumps({"accounts": accounts}).decode()
    message = {"role": "assistant", "content": text}
    return reply({"choices": [{"finish_reason": finish, "message": message}]})


def asked() -> tuple[list[Any], str, str]:
    call = Llm(LlmSettings()).classify([ACME, BETA])
    body = orjson.loads(call.request.body)
    document = orjson.loads(body["messages"][-1]["content"])
    first, second = (entry["id"] for entry in document["accounts"])
    return list(call.items), first, second


def test_the_question_is_one_document_after_a_constant_prefix() -> None:
    llm = Llm(LlmSettings())
    one, two = (orjson.loads(llm.classify([account]).request.body) for account in (ACME, BETA))

    assert one["messages"][0] == two["messages"][0]
    assert "JSON" in one["messages"][0]["content"]
    assert one["thinking"] == {"type": "disabled"}
    assert one["response_format"] == {"type": "json_object"}
    document = orjson.loads(one["messages"][-1]["content"])
    assert [result["id"] for result in document["accounts"][0]["results"]] == [0, 1, 2]


def test_result_numbers_run_through_the_call_so_a_swap_fits_nobody() -> None:
    items, acme, beta = asked()
    swapped = [
        {"id": acme, "signals": [{"result": 4, "type": "funding", "relevance": 0.9}]},
        {"id": beta, "signals": [{"result": 1, "type": "funding", "relevance": 0.9}]},
    ]
    found = read_picks(answer(swapped), items)

    assert found.by_account == {}
    assert set(found.missing) == {"acme.com", "beta.com"}


def test_what_is_missing_twice_or_unknown_is_never_guessed() -> None:
    items, acme, beta = asked()
    entries = [
        {"id": acme, "signals": [{"result": 0, "type": "funding", "relevance": 0.9}]},
        {"id": acme, "signals": []},
        {"id": "a9", "signals": [{"result": 0, "type": "funding", "relevance": 0.9}]},
        {"id": beta, "signals": [
            {"result": 3, "type": "bankruptcy", "relevance": 0.9},
            {"result": 4, "type": "layoff", "relevance": 7},
            {"result": 5, "type": "award", "relevance": 0.4},
        ]},
    ]  # fmt: skip
    found = read_picks(answer(entries), items)

    assert found.missing == ("acme.com",)
    assert [(pick.result, str(pick.type)) for pick in found.by_account["beta.com"]] == [
        (2, "award")
    ]
    assert found.dropped["unknown type"] == 1


@pytest.mark.parametrize(
    "signal",
    [
        5, {}, {"results": 0, "type": "award"}, {"result": 0}, {"result": "²", "type": "award"},
        {"result": 0, "type": "bankruptcy"}, {"result": 0, "type": ""},
        {"result": 0, "type": "award", "relevance": 7}, {"result": 99, "type": "award"},
    ],
)  # fmt: skip
def test_signals_that_cannot_be_read_are_not_none(signal: Any) -> None:
    items, acme, beta = asked()
    entries = [{"id": acme, "signals": [signal]}, {"id": beta, "signals": []}]

    found = read_picks(answer(entries), items)

    assert found.missing == ("acme.com",)
    assert found.by_account == {"beta.com": ()}


@pytest.mark.parametrize("kind", SignalType)
def test_a_type_is_understood_however_a_model_spells_it(kind: SignalType) -> None:
    words = kind.replace("_", " ")
    spellings = (
        kind.upper(), words.title(), f" {words} ", kind.replace("_", "-"), f"{words}s",
        words.title().replace(" ", ""),
    )  # fmt: skip
    items, acme, beta = asked()
    for spelling in spellings:
        entries = [{"id": acme, "signals": [{"result": 0, "type": spelling}]}]
        found = read_picks(answer([*entries, {"id": beta, "signals": []}]), items)
        assert [pick.type for pick in found.by_account["acme.com"]] == [kind], spelling


@pytest.mark.parametrize("word", ["merger", "s", "", "  ", "news", "fund", "product", "press"])
def test_a_type_that_is_none_of_ours_is_not_guessed(word: str) -> None:
    assert read_type(word) is None


@pytest.mark.parametrize(
    "bad",
    [
        answer([], finish="length"),
        answer([], finish="content_filter"),
        answer([], finish="insufficient_system_resource"),
        answer([], content="   "),
        answer([], content='{"accounts":[{"id":"a1","sig'),
        answer([], content="I think that"),
        reply({"error": {"message": "x"}}),
        reply({"choices": []}),
        reply(b"\n\n\n"),
    ],
)
def test_a_cut_blank_or_filtered_answer_is_no_answer(bad: Reply) -> None:
    with pytest.raises(BadAnswer):
        read_picks(bad, asked()[0])


def test_fences_thoughts_and_blank_lines_are_seen_through() -> None:
    items, acme, beta = asked()
    document = orjson.dumps(
        {"accounts": [{"id": acme, "signals": []}, {"id": beta, "signals": []}]}
    ).decode()
    for content in (
        f"```json\n{document}\n```",
        f"<think>hm</think>\n{document}",
        f"\n {document}",
        f"Here is the JSON:\n```json\n{document}\n```\nAnything else?",
        f"Sure. {document} Done.",
    ):
        assert not read_picks(answer([], content=content), items).missing
    for content in (document[:-1], f"{document}\n{document}", f"```json\n{document[:-2]}"):
        with pytest.raises(BadAnswer):
            read_picks(answer([], content=content), items)
    padded = answer([], content=document)
    assert not read_picks(Reply(200, {}, b"\n\n\n" + padded.body), items).missing


def test_ids_stay_apart_even_when_their_beginnings_collide() -> None:
    keys = [f"account-{n}.com" for n in range(3_000)]
    assert len(set(account_ids(keys).values())) == 3_000


def test_the_client_steps_down_where_a_switch_is_refused() -> None:
    llm = Llm(LlmSettings())
    no_json = Skippable("'response_format.type' must be", provider="deepseek", status=400)
    no_thinking = Skippable("Unrecognized argument: thinking", provider="deepseek", status=400)

    first, second = llm.classify([ACME]), llm.classify([BETA])  # both under way
    assert llm.step_down(no_json, first)
    assert llm.step_down(no_json, second)  # the same refusal: no further step down
    assert llm.step_down(no_thinking, first)
    assert llm.step_down(no_thinking, second)
    third = llm.classify([ACME])
    body = orjson.loads(third.request.body)
    assert body["response_format"]["type"] == "json_schema"
    assert "thinking" not in body
    assert not llm.step_down(no_thinking, third)
    assert llm.step_down(no_json, third)
    last = llm.classify([ACME])
    assert "response_format" not in orjson.loads(last.request.body)
    assert not llm.step_down(no_json, last)
    too_long = Skippable("context too long", provider="deepseek", status=400)
    assert not llm.step_down(too_long, last)


def test_a_bill_tells_cached_tokens_and_peak_hours() -> None:
    llm = Llm(LlmSettings())
    usage = {
        "prompt_tokens": 1000, "completion_tokens": 100,
        "prompt_cache_hit_tokens": 600, "prompt_cache_miss_tokens": 400,
    }  # fmt: skip
    off = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()
    peak = datetime(2026, 11, 23, 7, tzinfo=UTC).timestamp()
    weekend = datetime(2026, 11, 22, 7, tzinfo=UTC).timestamp()

    # (600 x 0.003 + 400 x 0.15 + 100 x 0.60) / 1e6 dollars
    assert llm.cost(reply({"usage": usage}), Cost(), off).usd == 121_800
    assert llm.cost(reply({"usage": usage}), Cost(), peak).usd == 243_600
    assert llm.cost(reply({"usage": usage}), Cost(), weekend).usd == 121_800
    assert llm.cost(reply({}), Cost(0, 77), off).usd == 77


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, Fatal), (402, Fatal), (404, Fatal), (308, Fatal), (400, Skippable), (503, Unavailable)],
)
def test_the_status_decides_where_types_and_codes_mislead(
    status: int, kind: type[Exception]
) -> None:
    body = {"error": {"message": "Insufficient Balance", "code": "invalid_request_error"}}
    assert type(Llm(LlmSettings()).refusal(reply(body, status))) is kind


TEXTS = (
    "收购 公司 宣布 融资 一亿 美元" * 30,
    '{"a":["\\"]}' * 60,
    "Привет мир " * 40,
    "a b " * 100,
)


@pytest.mark.parametrize("text", TEXTS, ids=["chinese", "json", "russian", "english"])
def test_no_answer_costs_more_than_was_reserved_however_a_model_counts(text: str) -> None:
    """The hard bound: a token for each byte of all messages, nothing cached, all room used."""
    llm = Llm(LlmSettings(cached_usd=Decimal(1)))  # dearer than what is not cached
    results = tuple(SearchResult(text, f"https://a.com/{n}", text) for n in range(10))
    call = llm.classify([ToClassify("acme.com", "Acme", "acme.com", "s1", "", results)])
    sent = orjson.loads(call.request.body)
    prompt = sum(len(message["content"].encode()) for message in sent["messages"]) + 20
    peak = datetime(2026, 11, 23, 2, tzinfo=UTC).timestamp()
    for hit in (0, prompt):
        usage = {
            "prompt_tokens": prompt, "prompt_cache_hit_tokens": hit,
            "prompt_cache_miss_tokens": prompt - hit, "completion_tokens": sent["max_tokens"],
        }  # fmt: skip
        cost = llm.cost(reply({"usage": usage}), call.reserve, peak)
        assert Cost() != cost != call.reserve
        assert cost.usd <= call.reserve.usd


def _sound(value: Any) -> Any:
    """The same in Python: halves of pairs become U+FFFD, NUL goes."""
    if isinstance(value, str):
        whole = re.sub("[\ud800-\udbff][\udc00-\udfff]", _joined, value)
        return re.sub("[\ud800-\udfff]", "\ufffd", whole).replace("\0", "")
    return [_sound(one) for one in value]


def _joined(pair: re.Match[str]) -> str:
    return pair[0].encode("utf-16", "surrogatepass").decode("utf-16")


NASTY = st.text(
    st.sampled_from(["\\", "u", "d", "8", "0", '"', "\0", "\ud83d", "\ude00", "\U0001f600"])
)


@given(st.lists(NASTY | st.text()))
def test_texts_that_cannot_be_are_read_and_all_others_stay_as_they_are(texts: list[str]) -> None:
    assert load_json(json.dumps(texts).encode()) == _sound(texts)


def test_a_half_of_a_pair_spoils_no_answer() -> None:
    half = "Ada \ud800Byrne"
    found = read_bulk(Reply(200, {}, json.dumps({"matches": [{"name": half}]}).encode()), [ADA])
    news = {"news": [{"title": "\udfff!", "link": "https://a.com/1", "snippet": half}]}
    (result,) = read_results(Reply(200, {}, json.dumps(news).encode()))
    items, acme, beta = asked()
    entries = [{"id": key, "signals": [], "note": half} for key in (acme, beta)]

    assert found.found["ada@acme.com"].name == "Ada \ufffdByrne"
    assert (result.title, result.snippet) == ("\ufffd!", "Ada \ufffdByrne")
    assert not read_picks(answer([], content=json.dumps({"accounts": entries})), items).missing


@pytest.mark.parametrize(
    "body",
    [
        {"detail": [{"type": "extra_forbidden", "loc": ["body", "thinking"], "msg": "Extra"}]},
        {"message": {"detail": [{"loc": ["body", "thinking"]}]}, "object": "error"},
        {"message": [{"loc": ["body", "thinking"], "msg": "Extra inputs are not permitted"}]},
        {"detail": "thinking is not known"},
    ],
)
def test_a_switch_is_left_out_wherever_the_endpoint_names_it(body: Any) -> None:
    llm = Llm(LlmSettings())
    call = llm.classify([ToClassify("k", "Acme", "acme.com", "s1", "", ())])
    error = llm.refusal(reply(body, 422))

    assert isinstance(error, Skippable)
    assert llm.step_down(error, call)
    assert "thinking" not in orjson.loads(
        llm.classify([ToClassify("k", "Acme", "acme.com", "s1", "", ())]).request.body
    )


@pytest.mark.parametrize(
    ("said", "meant"), [("0.95", 0.95), (0.9, 0.9), (1, 1.0), ("high", 0.5), (None, 0.5)]
)
def test_a_relevance_may_stand_in_quotes(said: Any, meant: float) -> None:
    ids = account_ids(["k"])
    signals = [{"result": 0, "type": "funding", "relevance": said}]
    content = orjson.dumps({"accounts": [{"id": ids["k"], "signals": signals}]}).decode()
    body = {"choices": [{"finish_reason": "stop", "message": {"content": content}}]}

    picks = read_picks(reply(body), [["k", "s", 0, 3]])

    assert [pick.relevance for pick in picks.by_account["k"]] == [meant]


@pytest.mark.parametrize("said", ["1.5", 1e300, "nan", -1])
def test_a_relevance_out_of_range_is_none(said: Any) -> None:
    ids = account_ids(["k"])
    signals = [{"result": 0, "type": "funding", "relevance": said}]
    content = json.dumps({"accounts": [{"id": ids["k"], "signals": signals}]})
    body = {"choices": [{"finish_reason": "stop", "message": {"content": content}}]}

    assert read_picks(reply(body), [["k", "s", 0, 3]]).missing == ("k",)
