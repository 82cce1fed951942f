"""The order of things in a paid call: reserve, commit the intent, send, commit the answer, read."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from enrico.engine import call as call_module
from enrico.engine.asking import BadAnswer, Call
from enrico.engine.budget import Budget, BudgetReached, Caps, Overcharged
from enrico.engine.call import REFUSED_AFTER, CallPath
from enrico.engine.http import Http, Lost, NotSent, Reply, Request
from enrico.engine.limits import Limiter, TooLate
from enrico.engine.money import MICRO, Cost
from enrico.engine.stats import Stats
from enrico.engine.windows import Sent
from enrico.errors import Adapted, Fatal, Outage, Skippable, Unavailable, UnknownOutcome, Unreadable
from enrico.providers.apollo import Apollo
from enrico.providers.serper import Serper
from enrico.settings import ApolloSettings, SerperSettings
from enrico.store.database import Database, open_database
from enrico.store.journal import Journal

Step = Reply | Exception | Callable[[], Awaitable[Reply]]
COST = Cost(10 * MICRO, 250_000_000)
OK = Reply(200, {}, b'{"matches":[],"credits_consumed":3}')
WALL = Reply(429, {"retry-after": "0.01"}, b"{}")


class Script:
    """Stands where HTTP is: gives the next scripted reply, remembers what was sent."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.sent: list[Request] = []

    async def send(
        self, request: Request, timeout_seconds: float, left: Callable[[], None]
    ) -> Reply:
        self.sent.append(request)
        left()
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if isinstance(step, Exception):
            raise step
        return step if isinstance(step, Reply) else await step()


class Stage:
    """A call path over a real database and a scripted wire."""

    def __init__(self, db: Database, path: Path) -> None:
        self.db, self.path = db, path
        self.stats = Stats()

    def call_path(self, *steps: Step, dear: bool = True, caps: Caps | None = None) -> CallPath:
        self.wire = Script(*steps)
        self.budget = Budget(caps or Caps())
        return CallPath(
            Apollo(ApolloSettings()) if dear else Serper(SerperSettings()),
            http=self.wire,  # type: ignore[arg-type]
            limiter=Limiter(concurrency=50),
            journal=Journal(self.db),
            budget=self.budget,
            stats=self.stats,
            run_id="r1",
            attempts=3,
            max_wait_seconds=60,
        )

    def on_disk(self) -> list[tuple[Any, ...]]:
        """What another process sees: (state, credits, has a body)."""
        with closing(sqlite3.connect(self.path)) as raw:
            rows = raw.execute("SELECT state, credits, length(body) > 0 FROM calls ORDER BY id")
            return rows.fetchall()


@pytest.fixture
async def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    monkeypatch.setattr(call_module, "BACKOFF_FIRST_SECONDS", 0.0)
    path = tmp_path / "enrico.db"
    db = await open_database(f"sqlite:///{path}")
    yield Stage(db, path)
    await db.close()


def question(number: int = 0) -> Call:
    return Call("people/bulk_match", Request("POST", f"/{number}", b"{}"), ["k"], COST)


def read(reply: Reply) -> bytes:
    return reply.body


async def test_the_intent_is_on_disk_before_anything_is_sent(stage: Stage) -> None:
    seen: list[Any] = []

    async def provider() -> Reply:
        seen.append((stage.on_disk(), stage.budget.reserved["apollo"]))
        return OK

    await stage.call_path(provider).send(question(), read)

    assert seen == [([("sent", 0, 0)], COST)]


async def test_the_raw_answer_is_on_disk_before_anybody_reads_it(stage: Stage) -> None:
    seen: list[Any] = []

    def reader(reply: Reply) -> None:
        seen.extend(stage.on_disk())
        raise BadAnswer("nonsense")

    with pytest.raises(UnknownOutcome):
        await stage.call_path(OK).send(question(), reader)

    assert seen == [("answered", 3 * MICRO, 1)]
    assert stage.on_disk() == [("unknown", 3 * MICRO, 1)]


async def test_the_true_cost_replaces_the_reservation(stage: Stage) -> None:
    answer = await stage.call_path(OK).send(question(), read)

    assert answer.cost.credits == 3 * MICRO
    assert stage.budget.spent["apollo"].credits == 3 * MICRO
    assert stage.budget.reserved["apollo"] == Cost()


async def test_a_call_whose_leave_ran_out_asks_anew_and_costs_nothing(stage: Stage) -> None:
    class Late(Limiter):
        refusals = 2

        def _leaves(self, call: Sent) -> None:
            if self.refusals:
                self.refusals -= 1
                raise TooLate("its leave had run out")
            super()._leaves(call)

    path = stage.call_path(OK)
    path.limiter = Late(concurrency=1)

    answer = await path.send(question(), read)

    assert answer.cost.credits == 3 * MICRO
    assert stage.budget.spent["apollo"].credits == 3 * MICRO
    assert stage.budget.reserved["apollo"] == Cost()
    assert stage.stats.providers["apollo"].calls == 1
    assert stage.on_disk() == [("answered", 3 * MICRO, 1)]


async def test_nothing_is_made_for_watchers_where_nobody_looks_on(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(**_: Any) -> None:
        raise AssertionError("made for nobody")

    monkeypatch.setattr(call_module, "CallSeen", forbidden)

    assert (await stage.call_path(OK).send(question(), read)).value == OK.body


@pytest.mark.parametrize("lost", [Lost("reset"), Lost("cut", status=200, partial=b"{"), Reply(502)])
async def test_a_dear_call_of_unknown_outcome_is_never_simply_sent_again(
    stage: Stage, lost: Step
) -> None:
    path = stage.call_path(lost)

    with pytest.raises(UnknownOutcome) as caught:
        await path.send(question(), read)

    assert len(stage.wire.sent) == 1
    assert [row[0] for row in stage.on_disk()] == ["unknown"]
    assert stage.budget.spent["apollo"] == COST  # until it is proven free
    assert (await Journal(stage.db).get(caught.value.call_id)) is not None


async def test_a_cheap_call_is_sent_again_and_each_attempt_is_on_the_record(stage: Stage) -> None:
    path = stage.call_path(Lost("reset"), Reply(503), OK, dear=False)

    await path.send(question(), read)

    assert len(stage.wire.sent) == 3
    assert [row[0] for row in stage.on_disk()] == ["failed", "failed", "answered"]
    # The lost one may have been charged; Serper's errors are free.
    assert stage.budget.spent["serper"].credits == COST.credits + COST.credits


async def test_a_cheap_call_gives_up_after_its_attempts(stage: Stage) -> None:
    with pytest.raises(Unavailable):
        await stage.call_path(Reply(503), dear=False).send(question(), read)
    assert len(stage.wire.sent) == 3

    def nonsense(reply: Reply) -> None:
        raise BadAnswer("nonsense")

    with pytest.raises(Unreadable):
        await stage.call_path(OK, dear=False).send(question(1), nonsense)


async def test_what_never_left_is_safe_to_send_again_and_free(stage: Stage) -> None:
    await stage.call_path(NotSent("no connection"), OK).send(question(), read)

    assert [row[:2] for row in stage.on_disk()] == [("not_sent", 0), ("answered", 3 * MICRO)]
    assert stage.budget.spent["apollo"].credits == 3 * MICRO


async def test_equal_requests_about_different_items_are_two_calls_in_the_ledger(
    stage: Stage,
) -> None:
    path = stage.call_path(Reply(200, {}, b'{"credits":1}'), dear=False)
    request = Request("POST", "/search", b'{"q":"Acme"}')

    await asyncio.gather(
        *(path.send(Call("search", request, [key], COST), read) for key in ("acme.com", "acme.de"))
    )

    assert stage.on_disk() == [("answered", MICRO, 1)] * 2


async def test_a_429_costs_no_attempt_no_credit_and_is_no_result(stage: Stage) -> None:
    path = stage.call_path(WALL, WALL, WALL, WALL, WALL, OK)

    await path.send(question(), read)

    assert stage.stats.providers["apollo"].rate_limited == 5
    assert stage.stats.providers["apollo"].retries == 0
    assert stage.on_disk() == [("answered", 3 * MICRO, 1)]
    assert stage.budget.spent["apollo"].credits == 3 * MICRO


async def test_a_wait_that_is_too_long_ends_the_provider_not_the_record(stage: Stage) -> None:
    path = stage.call_path(Reply(429, {"retry-after": "86400"}, b""))

    with pytest.raises(Outage, match="1440 minutes"):
        await path.send(question(), read)

    assert stage.on_disk() == [("refused", 0, 0)]


async def test_a_refused_key_stops_everybody_who_waits(stage: Stage) -> None:
    path = stage.call_path(Reply(401, {}, b"Invalid API key"))

    results = await asyncio.gather(
        *(path.send(question(n), read) for n in range(200)), return_exceptions=True
    )

    assert all(isinstance(result, Fatal) for result in results)
    assert len(stage.wire.sent) <= 50  # those already under way
    assert stage.budget.spent["apollo"] == Cost()


async def test_a_refused_request_harms_only_itself(stage: Stage) -> None:
    path = stage.call_path(Reply(422, {}, b'{"error":"odd"}'), OK)

    with pytest.raises(Skippable, match="odd"):
        await path.send(question(), read)
    await path.send(question(1), read)

    assert {row[0] for row in stage.on_disk()} == {"refused", "answered"}


async def test_a_provider_that_is_down_is_left_alone(stage: Stage) -> None:
    path = stage.call_path(NotSent("no connection"), dear=False)

    results = await asyncio.gather(
        *(path.send(question(n), read) for n in range(300)), return_exceptions=True
    )

    assert any(isinstance(result, Outage) for result in results)
    assert len(stage.wire.sent) < 120


async def test_no_call_goes_out_that_does_not_fit_under_the_cap(stage: Stage) -> None:
    path = stage.call_path(OK, caps=Caps(credits=25 * MICRO))

    results = await asyncio.gather(
        *(path.send(question(n), read) for n in range(30)), return_exceptions=True
    )

    paid = sum(not isinstance(result, BaseException) for result in results)
    assert paid == 6  # 3 credits each; a seventh could cost ten, and 18 + 10 is over 25
    assert all(isinstance(r, BudgetReached) for r in results if isinstance(r, BaseException))


async def test_a_cancelled_call_keeps_its_reservation_as_spent(stage: Stage) -> None:
    async def forever() -> Reply:
        await asyncio.sleep(3600)
        return OK

    path = stage.call_path(forever)
    task = asyncio.create_task(path.send(question(), read))
    while not stage.wire.sent:
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert stage.on_disk() == [("sent", 0, 0)]  # the next run finds it in doubt
    assert stage.budget.spent["apollo"] == COST


@pytest.mark.parametrize("dear", [True, False])
async def test_requests_that_are_refused_one_after_the_other_end_the_asking(
    stage: Stage, dear: bool
) -> None:
    path = stage.call_path(Reply(422, {}, b'{"error":"no such field"}'), dear=dear)

    for number in range(REFUSED_AFTER - 1):
        with pytest.raises(Skippable):
            await path.send(question(number), read)
    for number in range(3):
        with pytest.raises(Fatal, match=r"no such field.* 12 requests in a row") as ended:
            await path.send(question(90 + number), read)

    assert ended.value.exit_code == 5
    assert len(stage.wire.sent) == REFUSED_AFTER


async def test_refusals_between_answers_or_of_other_kinds_end_nothing(stage: Stage) -> None:
    steps = [*[Reply(422)] * (REFUSED_AFTER - 1), OK] * 3 + [Reply(422), Reply(400)] * REFUSED_AFTER
    path = stage.call_path(*steps)

    for number in range(len(steps)):
        with contextlib.suppress(Skippable):
            await path.send(question(number), read)

    assert len(stage.wire.sent) == len(steps)


async def test_who_is_asked_without_a_switch_is_not_taken_to_refuse_everything(
    stage: Stage,
) -> None:
    path = stage.call_path(Reply(400))
    path.provider.step_down = lambda error, call: True  # type: ignore[method-assign]

    for number in range(3 * REFUSED_AFTER):
        with pytest.raises(Adapted):
            await path.send(question(number), read)


async def test_who_has_room_but_no_leave_yet_is_not_sent_after_a_call_cost_too_much(
    stage: Stage,
) -> None:
    path = stage.call_path(
        Reply(200, {}, b'{"matches":[],"credits_consumed":11}'), caps=Caps(credits=90 * MICRO)
    )
    path.limiter = Limiter(concurrency=1)

    ends = await asyncio.gather(
        *(path.send(question(number), read) for number in range(3)), return_exceptions=True
    )

    assert [type(end) for end in ends[1:]] == [Overcharged, Overcharged]
    assert len(stage.wire.sent) == 1
    assert stage.budget.spent["apollo"].credits == 11 * MICRO
    assert stage.budget.reserved["apollo"] == Cost()


async def test_a_batch_that_may_have_cost_something_is_as_dear_to_ask_again_as_its_parts(
    stage: Stage,
) -> None:
    batch = Call("search", Request("POST", "/b", b"{}"), list(range(15)), COST)
    path = stage.call_path(Lost("reset"), dear=False)

    with pytest.raises(Unavailable):
        await path.send(batch, read)

    assert len(stage.wire.sent) == 2  # 15 of the 20 that a run begins with, and no 15 more
    assert path.may_retry(5)
    assert not path.may_retry()


async def test_headers_that_are_no_text_are_received_and_can_be_kept():
    async def answers(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nX-Request-Id: a\xffb\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answers, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with Http(f"http://127.0.0.1:{port}", {}, connections=1) as http:
            reply = await http.send(Request("GET", "/"), 30)

    assert reply.headers["x-request-id"].encode().startswith(b"a")
