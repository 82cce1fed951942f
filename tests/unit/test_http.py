"""What an HTTP exchange puts on the wire, and what it says of an address that is none."""

from __future__ import annotations

import asyncio
import re
import socket
from contextlib import ExitStack, suppress

import pytest

from enrico.engine.http import Http, Lost, NotSent, Request


async def test_each_request_leaves_with_its_own_query_and_body() -> None:
    heard: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readline():
            head += await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", head)
            body = await reader.readexactly(int(length[1]) if length else 0)
            heard.append(head.split(b"\r\n")[0] + b" " + body)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    query = (("reveal", "false"), ("q", "a&b"), ("q", "ü"))
    async with server, Http(f"http://127.0.0.1:{port}/v1", {}, connections=1) as http:
        for request in (
            Request("POST", "/people", b"1", query),
            Request("POST", "/people", b"2"),
            Request("GET", "/people?page=2", b"", (("q", "3"),)),
        ):
            left: list[bool] = []
            await http.send(request, 20.0, lambda told=left: told.append(True))  # type: ignore[misc]
            assert left == [True]

    assert heard == [
        b"POST /v1/people?reveal=false&q=a%26b&q=%C3%BC HTTP/1.1 1",
        b"POST /v1/people HTTP/1.1 2",
        b"GET /v1/people?page=2&q=3 HTTP/1.1 ",
    ]


@pytest.mark.parametrize("base", ["http://[::1", "ftp://example.com", "example.com:x"])
async def test_what_is_no_address_was_not_sent_to(base: str) -> None:
    async with Http(base, {}, connections=1) as http:
        with pytest.raises(NotSent, match="not a URL"):
            await http.send(Request("POST", "/people", b"{}"), 20.0)


async def test_a_call_whose_connection_never_came_about_was_not_sent() -> None:
    with ExitStack() as stack:
        busy = stack.enter_context(socket.socket())
        busy.bind(("127.0.0.1", 0))
        busy.listen(0)
        for _ in range(4):  # nobody accepts, so whoever comes after these hears nothing
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            with suppress(BlockingIOError):
                waiting.connect(busy.getsockname())
        left: list[bool] = []
        async with Http(f"http://127.0.0.1:{busy.getsockname()[1]}", {}, connections=1) as http:
            with pytest.raises(NotSent, match="no connection within"):
                await http.send(Request("POST", "/people", b"{}"), 0.3, lambda: left.append(True))

    assert left == []


async def test_a_call_that_left_and_is_never_answered_is_lost() -> None:
    over = asyncio.Event()

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        over.set()

    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        async with Http(f"http://127.0.0.1:{port}", {}, connections=1) as http:
            with pytest.raises(Lost, match="no whole answer within"):
                await http.send(Request("POST", "/people", b"{}"), 0.3)
        await over.wait()
