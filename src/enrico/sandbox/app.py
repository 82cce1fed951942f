"""The web server: takes a call, lets the vendor answer, charges, and breaks what shall break."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from random import Random
from typing import Any

import orjson
from aiohttp import web

from enrico.sandbox.apollo import Apollo
from enrico.sandbox.config import Clock, SandboxConfig
from enrico.sandbox.faults import Fault, FaultPlan
from enrico.sandbox.llm import DeepSeek
from enrico.sandbox.meter import Account, Drawn, Meter
from enrico.sandbox.serper import Serper
from enrico.sandbox.wire import HTML, JSON, Call, Reply, Vendor, parse

PREFIXES = {"apollo": "/apollo/api/v1/", "serper": "/serper/", "llm": "/llm/"}
_MOST_BYTES = 64 << 20
_KNOWN = frozenset(
    {
        "people/bulk_match",
        "people/match",
        "usage_stats/api_usage_stats",
        "usage_stats/credit_usage_stats",
        "users/api_profile",
        "auth/health",
        "search",
        "news",
        "account",
        "chat/completions",
        "models",
        "user/balance",
    }
)
_BLANK_EVERY_SECONDS = 1.0
_SLOW_SECONDS = 5.0
_HTML_503 = (
    b"<!DOCTYPE html><html><head><title>503 Service Temporarily Unavailable</title></head>"
    b"<body><center><h1>503</h1></center><hr><center>cloudfront</center></body></html>"
)
_HTML_200 = b"<html><body>Checking your browser before accessing the site.</body></html>"

log = logging.getLogger(__name__)


class Sandbox:
    """Three vendors, their books and their faults, behind one request handler."""

    def __init__(self, config: SandboxConfig) -> None:
        profile = config.chosen_profile()
        self._config = config
        self._profile = profile
        self._clock = Clock(config.now)
        self._time = asyncio.get_running_loop().time
        balances = {
            "apollo": config.apollo_credits,
            "serper": config.serper_credits,
            "llm": config.llm_usd,
        }
        self._meter = Meter(balances, self._time)
        self._faults = FaultPlan(config.seed, [*config.faults, *profile.faults])
        self._random = Random(config.seed)
        self._vendors: dict[str, Vendor] = {
            "apollo": self._open("apollo", Apollo),
            "serper": self._open("serper", Serper),
            "llm": self._open("llm", DeepSeek),
        }
        self._steering: dict[tuple[str, str], Callable[[bytes], Reply]] = {
            ("GET", "/_stats"): lambda body: _ok(self.stats()),
            ("GET", "/_drawn"): lambda body: _ok(self.drawn()),
            ("POST", "/_reset"): self._on_reset,
            ("GET", "/_faults"): lambda body: _ok(self._faults.listed()),
            ("POST", "/_faults"): self._on_faults,
        }

    def _open(self, name: str, vendor: Callable[..., Vendor]) -> Vendor:
        return vendor(
            self._config,
            self._profile,
            lambda: self._meter.accounts[name],
            self._clock,
            self._time,
            lambda span: self._random.uniform(*span) if span[1] else 0.0,
        )

    def stats(self) -> dict[str, Any]:
        """All counts; see ``meter``."""
        return {
            "profile": self._profile.name,
            "seed": self._config.seed,
            "started_at": self._clock.start.isoformat(),
            "uptime_s": round(self._clock.elapsed(), 3),
            **self._meter.as_dict(),
        }

    def drawn(self) -> dict[str, list[Drawn]]:
        """The delays that answered calls were given; see ``meter``."""
        return self._meter.drawn()

    def reset(self) -> None:
        """Begin anew: counts, spending, windows, delays and the numbering of calls."""
        self._meter.reset()
        self._clock.restart()
        self._random.seed(self._config.seed)
        self._faults.restart()
        for vendor in self._vendors.values():
            vendor.reset()

    def set_faults(self, faults: list[dict[str, Any]]) -> None:
        """Put these faults in place of all others, the profile's included."""
        self._faults.replace(faults)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer any request."""
        path = request.path
        for name, prefix in PREFIXES.items():
            if path.startswith(prefix):
                return await self._serve(request, name, path[len(prefix) :])
        steer = self._steering.get((request.method, path))
        if steer is None:
            return _response(Reply(404, b'{"message":"No such page in the sandbox."}'))
        return _response(steer(await request.read()))

    async def _serve(self, request: web.BaseRequest, name: str, rest: str) -> web.StreamResponse:
        query = request.query if request.query_string else {}
        call = Call(request.method, rest.strip("/"), request.headers, query, await request.read())
        endpoint = call.endpoint.removeprefix("v1/")
        counted = endpoint if endpoint in _KNOWN else "other"
        account = self._meter.accounts[name]
        account.arrive(counted, self._time(), self._clock.now())
        status, items = "aborted", 0
        try:
            reply, fault = self._decide(name, call, counted, account)
            status, items = str(reply.status), reply.items
            response = await self._deliver(request, reply, fault, account)
            if response is None:
                status = "reset"
                return web.Response()
            return response
        finally:
            account.leave(status, items)

    def _decide(
        self, name: str, call: Call, endpoint: str, account: Account
    ) -> tuple[Reply, Fault | None]:
        """What the vendor answers, and what will be done to the answer; nothing is awaited here,
        so that the balance cannot change between its check and its charge."""
        vendor = self._vendors[name]
        refused = vendor.refuse(call)
        if refused:
            return refused, None
        usual = endpoint in vendor.faulty
        fault = self._faults.next(name, endpoint, usual, self._clock.elapsed())
        if fault:
            account.faults[fault.kind] += 1
        if fault and fault.status == 429:
            return vendor.error(429, call, fault), fault
        limited = vendor.throttle(call, account.at_once)
        if limited:
            return limited, None
        account.serve(endpoint, self._time())
        if fault and fault.kind == "503_html":
            return Reply(503, _HTML_503, content_type=HTML), fault
        reply = vendor.answer(call, fault)
        if fault and reply.status == 200:
            _break(reply, fault, vendor, call)
        if reply.charge and not (fault and (not fault.charges or fault.charge == "late")):
            account.charge(reply.charge)
        if usual and reply.status == 200 and not (fault and fault.loses_answer):
            account.draw(reply.seconds, reply.about)
        return reply, fault

    async def _deliver(
        self, request: web.BaseRequest, reply: Reply, fault: Fault | None, account: Account
    ) -> web.StreamResponse | None:
        """Wait as the vendor would, and send; None when the connection was cut off instead."""
        kind = fault.kind if fault else ""
        seconds = reply.seconds
        if fault and (fault.seconds is not None or kind == "slow"):
            seconds += _SLOW_SECONDS if fault.seconds is None else fault.seconds
        early: web.StreamResponse | None = None
        if reply.blank_lines and not kind.startswith("reset") and reply.chunks is None:
            early = await _send_blank_lines(request, reply, seconds)
        elif seconds > 0:
            await asyncio.sleep(seconds)
        charged = reply.charge if not fault or fault.charges else None
        if charged and fault and fault.charge == "late":
            account.charge(charged)
        gone = request.transport is None or request.transport.is_closing()
        if charged and (gone or (fault and fault.loses_answer)):
            account.lose(charged)
        if gone or kind in ("reset_before", "reset_after"):
            _reset_connection(request)
            return None
        if kind == "cut":
            await _send_half(request, reply, early)
            return early or web.Response()
        if early:
            await early.write(reply.body)
            await early.write_eof()
            return early
        if reply.chunks is not None:
            return await _stream(request, reply.chunks)
        return _response(reply)

    def _on_reset(self, body: bytes) -> Reply:
        self.reset()
        return _ok({"reset": True})

    def _on_faults(self, body: bytes) -> Reply:
        faults = parse(body)
        try:
            if not isinstance(faults, list):
                raise ValueError("send a JSON list of faults, [] for none")
            self.set_faults(faults)
        except (TypeError, ValueError) as error:
            return Reply(400, orjson.dumps({"message": str(error)}))
        return _ok({"faults": len(faults)})


def _break(reply: Reply, fault: Fault, vendor: Vendor, call: Call) -> None:
    """Change a good reply in place as the fault wants it."""
    status = fault.status
    if status is not None:
        broken = vendor.error(status, call, fault)
        reply.status, reply.body = status, broken.body
        reply.headers, reply.content_type = broken.headers, broken.content_type
        reply.chunks, reply.blank_lines = None, False
    elif fault.kind == "malformed":
        # Cut inside the text, so that no parser takes it for whole.
        reply.body = reply.body[: len(reply.body) * 2 // 3] + b'"\\'
        reply.chunks = None
    elif fault.kind == "html_200":
        reply.body, reply.content_type, reply.chunks = _HTML_200, HTML, None
    elif fault.kind == "error_200":
        broken = vendor.error(500, call, fault)
        reply.body, reply.chunks = broken.body, None


def _ok(value: Any) -> Reply:
    return Reply(200, orjson.dumps(value))


def _response(reply: Reply) -> web.Response:
    headers = {"Content-Type": reply.content_type, **reply.headers}
    return web.Response(status=reply.status, body=reply.body, headers=headers)


async def _send_blank_lines(
    request: web.BaseRequest, reply: Reply, seconds: float
) -> web.StreamResponse:
    """Open the answer and send empty lines until it is ready, as DeepSeek does under load."""
    early = web.StreamResponse(status=reply.status, headers={"Content-Type": JSON})
    await early.prepare(request)
    await early.write(b"\n\n")
    left = seconds
    while left > 0:
        await asyncio.sleep(min(left, _BLANK_EVERY_SECONDS))
        left -= _BLANK_EVERY_SECONDS
        await early.write(b"\n")
    return early


async def _send_half(
    request: web.BaseRequest, reply: Reply, early: web.StreamResponse | None
) -> None:
    """Promise the whole body, send half, hang up."""
    response = early
    if response is None:
        headers = {"Content-Type": reply.content_type, "Content-Length": str(len(reply.body))}
        response = web.StreamResponse(status=reply.status, headers=headers | reply.headers)
        await response.prepare(request)
    await response.write(reply.body[: len(reply.body) // 2])
    if request.transport is not None:
        request.transport.close()


async def _stream(request: web.BaseRequest, chunks: list[bytes]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for chunk in [*chunks, b"data: [DONE]\n\n"]:
        await response.write(chunk)
    await response.write_eof()
    return response


def _reset_connection(request: web.BaseRequest) -> None:
    """Abort so that the client sees a reset, not an orderly end."""
    transport = request.transport
    if transport is None:
        return
    plug = transport.get_extra_info("socket")
    if plug is not None:
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class RunningSandbox:
    """A sandbox that listens; ``stop`` it, or use it as ``async with``."""

    def __init__(self, sandbox: Sandbox, stop: Callable[[], Awaitable[None]], url: str) -> None:
        self._sandbox = sandbox
        self._stop = stop
        self.base_url = url
        self.apollo_url = url + PREFIXES["apollo"].rstrip("/")
        self.serper_url = url + PREFIXES["serper"].rstrip("/")
        self.llm_url = url + PREFIXES["llm"].rstrip("/")

    def stats(self) -> dict[str, Any]:
        """The same as ``GET /_stats``."""
        return self._sandbox.stats()

    def drawn(self) -> dict[str, list[Drawn]]:
        """The same as ``GET /_drawn``."""
        return self._sandbox.drawn()

    def reset(self) -> None:
        """The same as ``POST /_reset``."""
        self._sandbox.reset()

    def set_faults(self, faults: list[dict[str, Any]]) -> None:
        """The same as ``POST /_faults``; ValueError when one of them is not a fault."""
        self._sandbox.set_faults(faults)

    async def stop(self) -> None:
        """Close the port and all connections; calls in hand are dropped."""
        await self._stop()

    async def __aenter__(self) -> RunningSandbox:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


async def start(config: SandboxConfig, host: str = "127.0.0.1", port: int = 0) -> RunningSandbox:
    """Serve on a loopback address; port 0 takes a free one.

    ValueError for an address that others can reach, an unknown profile or a wrong fault; OSError
    when the port is taken.
    """
    if not ip_address(host).is_loopback:
        raise ValueError(f"the sandbox listens on loopback addresses only, not on {host}")
    sandbox = Sandbox(config)
    server = web.Server(
        sandbox.handle,
        request_factory=_make_request,
        access_log=None,
        keepalive_timeout=300.0,
    )
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, host, port, backlog=4096)
    try:
        await site.start()
    except OSError:
        await runner.cleanup()
        raise
    address = runner.addresses[0]
    return RunningSandbox(sandbox, runner.cleanup, f"http://{host}:{address[1]}")


def _make_request(
    message: Any, payload: Any, protocol: Any, writer: Any, task: Any
) -> web.BaseRequest:
    loop = asyncio.get_running_loop()
    return web.BaseRequest(
        message, payload, protocol, writer, task, loop, client_max_size=_MOST_BYTES
    )
