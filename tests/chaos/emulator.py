"""The three providers as the client finds them, and the books that they keep, without a socket.

It stands where ``engine.http.Http`` stands. Whatever reaches it is decided on and charged at its
own instants, whether the client is still there or not.
"""

from __future__ import annotations

import asyncio
import heapq
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from enrico.engine.http import HUNG_UP, Lost, NotSent, Reply, Request
from tests.chaos.faults import Fault, Weather
from tests.chaos.small_world import World
from tests.chaos.vendors import Vendor, make_vendors
from tests.chaos.virtual import CLOCK

FREE = ("/account", "/usage_stats/credit_usage_stats", "/usage_stats/api_usage_stats")


@dataclass(eq=False)
class Exchange:
    """One request and all that became of it. Times are the loop's."""

    provider: str
    request: Request
    call_id: str
    run_id: str
    asked: tuple[str, ...]
    """Addresses, a query, or ids of accounts."""
    fault: Fault
    left: float
    end: float
    """When the client hangs up."""
    paid: int = 0
    """Micro-credits, or nano-dollars of the model."""
    bought: tuple[str, ...] = ()
    """Who was charged for."""
    reply: Reply | None = None
    """What the provider would send; None until it is decided."""
    delivered: bool = False
    """Whether the client had the whole of it in hand."""
    price: int = 0
    """What it costs once it is charged for."""
    ready_at: float = math.inf
    dropped: bool = False
    """It never arrived: the process died while it was on its way."""


Intent = Callable[[str, Request], tuple[str, str]]
"""(call id, run id) of the intent that stands in the journal for a request, seen from outside."""


@dataclass
class Emulator:
    """All providers of one history. It outlives the client's processes."""

    world: World
    weather: Weather
    intent: Intent
    watch: Callable[[str, Exchange | None], None] = lambda what, exchange: None
    exchanges: list[Exchange] = field(default_factory=list)
    dead: bool = False
    """The client's process is gone; nothing more leaves it."""
    vendors: dict[str, Vendor] = field(init=False)
    _due: list[tuple[float, int, str, Exchange]] = field(default_factory=list)
    _order: int = 0

    def __post_init__(self) -> None:
        self.vendors = make_vendors(self.world, self.weather)

    def http(self) -> type:
        """What the client takes for its connections."""
        emulator = self

        class Wire:
            def __init__(self, base_url: str, headers: Mapping[str, str], *, connections: int):
                self._provider = next(n for n in ("apollo", "serper", "deepseek") if n in base_url)

            async def __aenter__(self) -> Wire:
                return self

            async def __aexit__(self, *_: object) -> None:
                pass

            async def warm(self, connections: int) -> list[float]:
                return []

            async def send(
                self, request: Request, timeout: float, left: Callable[[], None] | None = None
            ) -> Reply:
                if emulator.dead:
                    await asyncio.Event().wait()
                if request.path in FREE:
                    return await emulator.tell(self._provider, request)
                return await emulator.serve(self._provider, request, timeout, left)

        return Wire

    async def tell(self, provider: str, request: Request) -> Reply:
        """Counters and balances, which cost nothing."""
        await asyncio.sleep(self.weather.delay())
        self.advance()
        if self.weather.counter_fails():
            raise Lost("the connection broke (ServerDisconnectedError)")
        return self.vendors[provider].counters(request.path, CLOCK.now)

    async def serve(
        self, provider: str, request: Request, timeout: float, left: Callable[[], None] | None
    ) -> Reply:
        """A paid call."""
        vendor, now = self.vendors[provider], CLOCK.now
        fault = self.weather.draw(provider, now)
        call_id, run_id = self.intent(provider, request)
        asked = vendor.asked(request)
        exchange = Exchange(provider, request, call_id, run_id, asked, fault, now, now + timeout)
        self.watch("leaves", exchange)
        self.exchanges.append(exchange)
        if fault.kind == "refused_connection":
            await asyncio.sleep(self.weather.delay())
            raise NotSent("no connection (Connection refused)")
        if left is not None:
            left()
        arrives = CLOCK.now + self.weather.delay()
        self._plan(arrives, "arrive", exchange)
        vendor.at_once += 1
        try:
            await self._until(min(arrives, exchange.end))
            await self._until(min(exchange.ready_at, exchange.end))
            if exchange.ready_at > exchange.end:
                raise Lost(f"{HUNG_UP} {timeout:g} s")
            await asyncio.sleep(self.weather.delay())
        finally:
            vendor.at_once -= 1
        if fault.kind.startswith("reset"):
            raise Lost("the connection broke (ClientOSError)")
        assert exchange.reply is not None
        if fault.kind == "cut_short":
            raise Lost("the answer was cut short", status=200, partial=exchange.reply.body[:40])
        exchange.delivered = True
        self.watch("delivers", exchange)
        return exchange.reply

    # -- the providers' own time ----------------------------------------------------------

    def advance(self) -> None:
        """What was due at the providers until now happens."""
        while self._due and self._due[0][0] <= CLOCK.now:
            at, _, what, exchange = heapq.heappop(self._due)
            if exchange.dropped:
                continue
            if what == "arrive":
                self._arrive(at, exchange)
            else:
                self._charge(exchange)

    def crash(self) -> None:
        """The client's process ends: what is on its way arrives or not."""
        self.dead = True
        for _, _, what, exchange in self._due:
            if what == "arrive" and self.weather.chance(0.5):
                exchange.dropped = True

    def restart(self) -> None:
        """Another process of the client begins."""
        self.dead = False
        for vendor in self.vendors.values():
            vendor.at_once = 0

    def _plan(self, at: float, what: str, exchange: Exchange) -> None:
        self._order += 1
        heapq.heappush(self._due, (at, self._order, what, exchange))

    async def _until(self, when: float) -> None:
        if when > CLOCK.now:
            await asyncio.sleep(when - CLOCK.now)
        self.advance()

    def _arrive(self, at: float, exchange: Exchange) -> None:
        vendor, fault = self.vendors[exchange.provider], exchange.fault
        takes = self.weather.service(exchange.provider)
        exchange.ready_at = at + takes
        if (refusal := vendor.throttle(at, fault)) is not None:
            exchange.reply, exchange.ready_at = refusal, at + 0.02
            exchange.fault = fault.as_wall()
            self.watch("refuses", exchange)
            return
        if fault.kind == "reset_before":
            return
        bill = vendor.answer(exchange.request, fault)
        exchange.reply, exchange.bought = bill.reply, bill.bought
        if fault.kind == "slow":
            exchange.ready_at = at + fault.seconds
        answered = exchange.ready_at <= exchange.end  # and so charged, in time
        if bill.paid and (answered or fault.charge != "never"):
            late = exchange.ready_at if fault.charge == "late" else at + takes
            exchange.price = bill.paid
            self._plan(late, "charge", exchange)

    def _charge(self, exchange: Exchange) -> None:
        exchange.paid = exchange.price
        self.vendors[exchange.provider].spent += exchange.price
        self.watch("charges", exchange)
