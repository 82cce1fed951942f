"""A backlog in virtual time keeps to its formulas, and a planted bug is seen."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from benchmarks import scale_out
from benchmarks.backlog import HALF_DAY, Backlog, _Chunk
from benchmarks.on_paper import PACKAGES, Job, broken, whole_packages
from enrico.engine.rules import Rules
from enrico.engine.windows import Window
from enrico.settings import UnknownPolicy

JOB = Job(3_000, windows=(Window(100, 60.0),), life=100.0, chunk=50)
"""Half an hour with some seventy deaths."""


@pytest.mark.parametrize(
    "job",
    [
        Job(20_000, life=math.inf),
        Job(20_000, life=math.inf, hosts=1),
        Job(2_000, life=math.inf, windows=(Window(20, 60.0), Window(100, 3600.0))),
        replace(JOB, policy="retry"),
    ],
    ids=lambda job: f"{job.calls} calls, {job.hosts} hosts, {job.windows}",
)
def test_it_takes_what_the_paper_says(job: Job) -> None:
    outcome = Backlog(job, 7).run()

    assert broken(job, outcome) == []
    longest = max(window.seconds for window in job.windows)
    assert job.expected_seconds <= outcome.seconds <= job.expected_seconds + 1.1 * longest


def test_calls_longer_than_the_concurrency_bears_bind_before_the_window() -> None:
    job = Job(20_000, life=math.inf, service=(0.5, 3.0))

    outcome = Backlog(job, 7).run()

    assert job.bound == pytest.approx(20_000 * 1.89 / 24)
    assert outcome.seconds == pytest.approx(job.bound, rel=0.01)


def test_calls_in_doubt_are_as_many_as_the_paper_says() -> None:
    in_doubt = [sum(Backlog(JOB, seed).run().in_doubt) for seed in range(20)]

    assert sum(in_doubt) / 20 == pytest.approx(JOB.expected_in_doubt, rel=0.15)


@pytest.mark.parametrize(
    ("policy", "held", "paid_again"),
    [("hold", True, False), ("reconcile", True, False), ("retry", False, True)],
)
def test_a_death_costs_what_the_policy_says(
    policy: UnknownPolicy, held: bool, paid_again: bool
) -> None:
    job = replace(JOB, policy=policy)

    outcome = Backlog(job, 7).run()

    assert broken(job, outcome) == []
    assert len(outcome.in_doubt) > 30
    assert (outcome.held > 0, outcome.paid_again > 0) == (held, paid_again)


def test_hosts_that_are_told_to_end_leave_nothing_in_doubt_and_a_night_passes() -> None:
    job = Job(20_000, windows=(Window(20, 60.0),), life=math.inf, at_night=0)

    outcome = Backlog(job, 7).run()

    assert (outcome.in_doubt, outcome.held, outcome.missing) == ([], 0, 0)
    assert outcome.seconds == pytest.approx(job.expected_seconds + HALF_DAY, abs=120)


def test_a_host_takes_all_its_workers_along() -> None:
    job = replace(JOB, hosts=1, each=4)

    outcome = Backlog(job, 7).run()

    assert broken(job, outcome) == []
    assert outcome.taken_over > 2 * len(outcome.in_doubt)


def test_the_same_seed_gives_the_same() -> None:
    assert Backlog(JOB, 7).run() == Backlog(JOB, 7).run() != Backlog(JOB, 8).run()


def windows_ignored(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Rules, "free_at", lambda self, now, **_: (now, ""))


def held_calls_sent_too(patch: pytest.MonkeyPatch) -> None:
    judge = Backlog._judge

    def also_sent(self: Backlog, chunk: _Chunk, *, send_again: bool) -> None:
        chunk.left.extend(chunk.in_flight)
        self._left_to_send += len(chunk.in_flight)
        self._unsettled += len(chunk.in_flight)
        judge(self, chunk, send_again=send_again)

    patch.setattr(Backlog, "_judge", also_sent)


def chunks_begun_anew(patch: pytest.MonkeyPatch) -> None:
    take_over = Backlog._take_over

    def from_its_start(self: Backlog, chunk: _Chunk) -> None:
        first = next(iter(chunk.left), 0) // self._job.chunk * self._job.chunk
        again = [call for call in range(first, next(iter(chunk.left), 0)) if self._done[call]]
        chunk.left.extendleft(again)
        self._left_to_send += len(again)
        self._unsettled += len(again)
        take_over(self, chunk)

    patch.setattr(Backlog, "_take_over", from_its_start)


def answers_lost(patch: pytest.MonkeyPatch) -> None:
    settle = Backlog._settle

    def forgets_one(self: Backlog, call: int) -> None:
        settle(self, call)
        if call == 1_000:
            self._done[call] = 0

    patch.setattr(Backlog, "_settle", forgets_one)


def chunks_stranded(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Backlog, "_take_over", lambda self, chunk: None)


def each_worker_for_itself(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Backlog, "_at_once", lambda self: 24 * len(self._hosts))


@pytest.mark.parametrize(
    ("bug", "words"),
    [
        (windows_ignored, "met a 429"),
        (held_calls_sent_too, "paid for again"),
        (chunks_begun_anew, "paid for again"),
        (answers_lost, "were lost"),
        (chunks_stranded, "were lost"),
        (each_worker_for_itself, "calls at once"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_planted_bug_is_seen(
    bug: Callable[[pytest.MonkeyPatch], None], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bug(monkeypatch)

    found = broken(JOB, Backlog(JOB, 7).run())

    assert any(words in line for line in found), found


def test_credits_are_bought_in_whole_packages() -> None:
    starter = PACKAGES[0]

    assert whole_packages(50_000, starter) == 50
    assert whole_packages(50_001, starter) == 100


def test_the_report_fails_when_something_was_not_kept(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["--calls", "1200", "--tries", "2"]

    assert scale_out.main(arguments) == 0
    windows_ignored(monkeypatch)
    monkeypatch.setattr(scale_out, "KEYS", (1,))
    monkeypatch.setattr(scale_out, "plans", lambda job: iter(()))
    monkeypatch.setattr(scale_out, "circumstances", lambda job: iter(()))

    assert scale_out.main(arguments) == 1
    assert "met a 429" in capsys.readouterr().out
