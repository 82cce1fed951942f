"""A backlog of bulk calls on one key in virtual time, while workers come, go and are killed.

Work is cut into chunks that any worker takes. All workers share the key: its windows, which are
the engine's own rules, and its calls at once. A worker that is killed loses the answers to its
calls in flight, though the provider charges for those that reached it; within half a minute its
chunk is taken over, and its calls in flight are settled by the policy. Every single call is
followed, and the provider keeps its own count.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.limiter import ONE_WAY, provider_of
from benchmarks.on_paper import Job, Outcome
from enrico.engine.limits import HEADROOM
from enrico.engine.rules import Rules
from enrico.engine.windows import Sent

TAKEN_OVER = (5.0, 30.0)
"""Seconds from a death until another worker has the chunk."""
RESTARTED = (10.0, 60.0)
"""Seconds from a death until a new host runs in the dead one's place."""
SETTLING = 2.0
"""Seconds between the two readings of the provider's counters, when nothing may be in flight."""
HALF_DAY = 43_200.0
HOPELESS = 20
"""So many times the expected time: what is not done then is stranded."""


@dataclass(eq=False, slots=True)
class _Chunk:
    left: deque[int]
    in_flight: set[int] = field(default_factory=set)
    arrived: set[int] = field(default_factory=set)
    """Those in flight that the provider has counted and charged."""


@dataclass(eq=False, slots=True)
class _Worker:
    chunk: _Chunk | None = None
    alive: bool = True
    ending: bool = False


class Backlog:
    """One backlog from the first call to the last."""

    def __init__(self, job: Job, seed: object) -> None:
        self._job = job
        self._chance = random.Random(f"{seed} {job}")
        self._rules = Rules(job.windows)
        self._provider = [provider_of("anchored", w.limit, w.seconds) for w in job.windows]
        self._charged = bytearray(job.calls)
        self._done = bytearray(job.calls)
        self._left_to_send = job.calls
        self._unsettled = job.calls
        self._fresh = iter(range(0, job.calls, job.chunk))
        self._returned: deque[_Chunk] = deque()
        self._hosts: list[list[_Worker]] = []
        self._wanted = job.hosts
        self._idle: list[_Worker] = []
        self._ready: deque[_Worker] = deque()  # workers with calls to send, in turn
        self._in_flight = 0
        self._quiet = 0
        self._now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = 0
        self._pump_at = math.inf
        self.outcome = Outcome()

    def run(self) -> Outcome:
        """Until every call is answered or held, or there is no hope of it."""
        for _ in range(self._wanted):
            self._start_host()
        if self._job.at_night is not None:
            self._later(HALF_DAY, self._change_shift)
        while self._unsettled and self._now < HOPELESS * self._job.expected_seconds:
            self._now, _, event = heapq.heappop(self._events)
            event()
        self.outcome.seconds = self._now
        self.outcome.paid_again = sum(times - 1 for times in self._charged if times > 1)
        self.outcome.missing = self._done.count(0)
        return self.outcome

    def _later(self, seconds: float, event: Callable[[], None]) -> None:
        self._order += 1
        heapq.heappush(self._events, (self._now + seconds, self._order, event))

    # -- calls --------------------------------------------------------------------------------

    def _at_once(self) -> int:
        """As the engine's limiter: what the binding windows keep busy, and half as many again."""
        rate = self._rules.binding_rate(self._left_to_send)
        if rate == math.inf:
            return self._job.concurrency
        needed = math.ceil(rate * self._job.call_seconds * HEADROOM)
        return max(1, min(self._job.concurrency, needed))

    def _pump(self) -> None:
        """Send what windows and calls at once allow, the workers in turn."""
        at_once = self._at_once()
        while self._ready and not self._quiet and self._in_flight < at_once:
            free, _ = self._rules.free_at(self._now, to_come=self._left_to_send)
            if free > self._now:
                if free < self._pump_at:
                    self._pump_at = free
                    self._later(free - self._now, self._wake)
                return
            self._send(self._ready[0])

    def _wake(self) -> None:
        self._pump_at = math.inf
        self._pump()

    def _send(self, worker: _Worker) -> None:
        chunk = worker.chunk
        assert chunk is not None
        call = chunk.left.popleft()
        chunk.in_flight.add(call)
        self._ready.popleft()
        if chunk.left:
            self._ready.append(worker)
        self._left_to_send -= 1
        self._in_flight += 1
        self.outcome.most_in_flight = max(self.outcome.most_in_flight, self._in_flight)
        sent = Sent(at=self._now)
        self._rules.count(sent, self._now)

        def arrive() -> None:
            if all(provider.admits(self._now) for provider in self._provider):
                self._charged[call] += 1
                chunk.arrived.add(call)
                self._later(self._chance.uniform(*self._job.service) + way_back, answer)
            else:
                self.outcome.refused += 1
                self._later(way_back, answer)

        def answer() -> None:
            if worker.alive:
                sent.over = self._now
                self._answered(worker, chunk, call)

        way_back = self._chance.uniform(*ONE_WAY)
        self._later(self._chance.uniform(*ONE_WAY), arrive)

    def _answered(self, worker: _Worker, chunk: _Chunk, call: int) -> None:
        self._in_flight -= 1
        chunk.in_flight.discard(call)
        if call in chunk.arrived:
            chunk.arrived.discard(call)
            self._settle(call)
        else:  # refused: it cost nothing, and is asked for again
            self._left_to_send += 1
            chunk.left.append(call)
            if len(chunk.left) == 1 and not worker.ending:
                self._ready.append(worker)
        if not chunk.in_flight and (worker.ending or not chunk.left):
            self._let_go(worker, chunk)
        self._pump()

    def _settle(self, call: int) -> None:
        self._done[call] = 1
        self._unsettled -= 1

    # -- chunks -------------------------------------------------------------------------------

    def _hand_out(self) -> None:
        while self._idle:
            if self._returned:
                chunk = self._returned.popleft()
            elif (first := next(self._fresh, None)) is not None:
                last = min(first + self._job.chunk, self._job.calls)
                chunk = _Chunk(deque(range(first, last)))
            else:
                return
            worker = self._idle.pop()
            worker.chunk = chunk
            self._ready.append(worker)

    def _let_go(self, worker: _Worker, chunk: _Chunk) -> None:
        """The worker is through with its chunk, or gives back what is left of it."""
        worker.chunk = None
        if chunk.left:
            self._returned.append(chunk)
        if not worker.ending:
            self._idle.append(worker)
        self._hand_out()

    def _take_over(self, chunk: _Chunk) -> None:
        """Somebody has noticed the death: settle the calls in flight, hand out the rest."""
        self.outcome.taken_over += 1
        self._in_flight -= len(chunk.in_flight)
        if self._job.policy != "reconcile":
            self._judge(chunk, send_again=self._job.policy == "retry")
            return
        # The counters tell something only while nothing is in flight.
        self._quiet += 1
        longest = 2 * ONE_WAY[1] + self._job.service[1]

        def read() -> None:
            self._quiet -= 1
            self._judge(chunk, send_again=not chunk.arrived)

        self._later(longest + SETTLING, read)

    def _judge(self, chunk: _Chunk, *, send_again: bool) -> None:
        """Calls in doubt go back to the chunk, or are held: bought as far as anybody knows."""
        in_doubt = sorted(chunk.in_flight)
        chunk.in_flight.clear()
        chunk.arrived.clear()
        if send_again:
            self.outcome.sent_again += len(in_doubt)
            self._left_to_send += len(in_doubt)
            chunk.left.extendleft(reversed(in_doubt))
        else:
            self.outcome.held += len(in_doubt)
            for call in in_doubt:
                self._settle(call)
        if chunk.left:
            self._returned.append(chunk)
        self._hand_out()
        self._pump()

    # -- workers ------------------------------------------------------------------------------

    def _start_host(self) -> None:
        host = [_Worker() for _ in range(self._job.each)]
        self._hosts.append(host)
        self._idle += host
        if self._job.life < math.inf:
            self._later(self._chance.expovariate(1 / self._job.life), lambda: self._kill(host))
        self._hand_out()
        self._pump()

    def _kill(self, host: list[_Worker]) -> None:
        """As kill -9 or a machine that is taken away."""
        if host not in self._hosts:
            return
        self._hosts.remove(host)
        in_doubt = 0
        for worker in host:
            worker.alive = False
            if worker.chunk is None:
                self._idle.remove(worker)
                continue
            chunk = worker.chunk
            in_doubt += len(chunk.in_flight)
            if worker in self._ready:
                self._ready.remove(worker)
            self._later(self._chance.uniform(*TAKEN_OVER), lambda left=chunk: self._take_over(left))  # type: ignore[misc]
        self.outcome.in_doubt.append(in_doubt)
        self._later(self._chance.uniform(*RESTARTED), self._replace)

    def _replace(self) -> None:
        if len(self._hosts) < self._wanted:
            self._start_host()

    def _change_shift(self) -> None:
        at_night = self._job.at_night
        assert at_night is not None
        self._wanted = at_night if self._wanted == self._job.hosts else self._job.hosts
        while len(self._hosts) > self._wanted:
            self._end(self._hosts.pop())
        while len(self._hosts) < self._wanted:
            self._start_host()
        self._later(HALF_DAY, self._change_shift)

    def _end(self, host: list[_Worker]) -> None:
        """As SIGTERM: nothing new is sent, calls in flight end, the chunk goes back."""
        for worker in host:
            worker.ending = True
            if worker.chunk is None:
                self._idle.remove(worker)
                continue
            if worker in self._ready:
                self._ready.remove(worker)
            if not worker.chunk.in_flight:
                self._let_go(worker, worker.chunk)
        self._pump()
