"""One HTTP exchange: what was received, or how far it got before it failed.

All that the journal needs to know of a failure is whether the provider can have seen the request.
Nothing here retries, waits for limits or reads a body's meaning.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from types import TracebackType

import aiohttp
from yarl import URL


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it goes on the wire, without the key: replaying it sends the same bytes."""

    method: str
    path: str
    body: bytes = b""
    query: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer: status, headers in lower case, the raw body."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class NotSent(Exception):
    """No connection was made: the provider has seen nothing."""


class Lost(Exception):
    """The request may have arrived and no whole answer came back.

    ``status`` and ``partial`` hold what was received before the end; paid bytes are evidence.
    """

    def __init__(self, why: str, *, status: int = 0, partial: bytes = b"") -> None:
        super().__init__(why)
        self.status = status
        self.partial = partial


# A server may drop a connection that was idle for a few seconds just as we use it again, and then
# nobody knows whether a paid request arrived. Idle connections are therefore given up early.
IDLE_SECONDS = 2.0
CONNECT_SECONDS = 30.0
WARMING = aiohttp.ClientTimeout(connect=5.0)
HUNG_UP = "no whole answer within"
LARGEST_BODY = 32 * 1024 * 1024


class Http:
    """A pool of connections to one provider. Open it inside the running loop."""

    def __init__(self, base_url: str, headers: Mapping[str, str], *, connections: int) -> None:
        self._base = base_url.rstrip("/")
        self._connector = aiohttp.TCPConnector(
            limit=connections + 4, keepalive_timeout=IDLE_SECONDS
        )
        self._session = aiohttp.ClientSession(
            headers={**headers, "User-Agent": "enrico"},
            connector=self._connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            request_class=_Leaving,
            # Send bounds the whole exchange; a clock of the session's would end it at five minutes.
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
            auto_decompress=True,
            # The environment's proxies are not ours to follow: base URLs are settings.
            trust_env=False,
        )

    async def __aenter__(self) -> Http:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def warm(self, connections: int) -> list[float]:
        """Open connections before they are needed; whoever cannot be reached is met later.

        Returns the seconds that each took.
        """
        url = URL(self._base)
        loop = asyncio.get_running_loop()

        async def connect() -> tuple[aiohttp.connector.Connection, float]:
            began = loop.time()
            request = aiohttp.ClientRequest("GET", url, loop=loop)
            connection = await self._connector.connect(request, [], WARMING)
            return connection, loop.time() - began

        opened = await asyncio.gather(
            *(connect() for _ in range(connections)), return_exceptions=True
        )
        made = [one for one in opened if not isinstance(one, BaseException)]
        for connection, _ in made:
            connection.release()
        return [seconds for _, seconds in made]

    async def send(
        self, request: Request, timeout_seconds: float, left: Callable[[], None] | None = None
    ) -> Reply:
        """The provider's whole answer. Raises NotSent or Lost; a refusal is an answer too.

        *left* is called the moment before the request is written to the network; what it raises
        goes through, and nothing is written.

        *timeout_seconds* bounds the whole exchange: blank lines that keep a connection alive
        would renew any limit between bytes.
        """
        status, received = 0, bytearray()
        has_left = False

        def leaves() -> None:
            nonlocal has_left
            if left is not None:
                left()
            has_left = True

        _LEFT.set(leaves)
        try:
            url = _url(self._base, request.path, request.query)
        except ValueError as error:
            raise NotSent("the base URL is not a URL") from error
        try:
            async with (
                asyncio.timeout(timeout_seconds),
                self._session.request(
                    request.method,
                    url,
                    data=request.body or None,
                    headers=_JSON if request.body else None,
                    allow_redirects=False,
                ) as response,
            ):
                status = response.status
                async for chunk in response.content.iter_any():
                    received += chunk
                    if len(received) > LARGEST_BODY:
                        raise Lost("the answer is too large", status=status)
                # Bytes that are no text come as halves of surrogate pairs, which nobody can store.
                headers = {
                    name.lower(): value.encode("utf-8", "replace").decode()
                    for name, value in response.headers.items()
                }
                return Reply(status, headers, bytes(received))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotSent(_why(error)) from error
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
            raise NotSent("the base URL is not a URL") from error
        except TimeoutError as error:
            if not has_left:
                raise NotSent(f"no connection within {timeout_seconds:g} s") from error
            why = f"{HUNG_UP} {timeout_seconds:g} s"
            raise Lost(why, status=status, partial=bytes(received)) from error
        except (aiohttp.ClientError, OSError) as error:
            raise Lost(_why(error), status=status, partial=bytes(received)) from error


_JSON = {"Content-Type": "application/json"}
_LEFT: ContextVar[Callable[[], None] | None] = ContextVar("left", default=None)
"""Whom to tell when the request of this task leaves."""


class _Leaving(aiohttp.ClientRequest):
    """A request that says when it is written to a connection.

    aiohttp's tracing says so too, and fifteen other things that nobody asks for.
    """

    async def send(self, conn: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
        if (left := _LEFT.get()) is not None:
            left()
        return await super().send(conn)


@lru_cache(maxsize=256)  # requests differ in their bodies; their addresses are few
def _url(base: str, path: str, query: tuple[tuple[str, str], ...]) -> URL:
    return URL(base + path).extend_query(query)


def _why(error: BaseException) -> str:
    """A reason without URLs, for messages may be logged."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "the certificate was refused"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"no connection ({error.os_error.strerror or type(error.os_error).__name__})"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the connection was closed before an answer"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "the answer was cut short"
    return f"the connection broke ({type(error).__name__})"
