"""Ways to spoil an answer. Each is a function of a random draw; none knows who will read it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import orjson

Path = tuple[Any, ...]
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 7, 10**18, 1.5, "", " ", "7", "null", "\x00", "a\x00b", "\u200b",
    [], {}, [[]], [None], {"id": None}, {"error": "try again"}, "x" * 1_000,
)  # fmt: skip
RAW_VALUES = (
    b"NaN", b"Infinity", b"-Infinity", b"1e999", b"9" * 400, b'"\\ud800"', b'"\\udc00\\ud800"',
    b"'x'", b"undefined", b"0x10", b"-", b'"\\x41"', b"99999999999999999999",
)  # fmt: skip
DEEP = (b"[" * 3_000 + b"]" * 3_000, b'{"a":' * 3_000 + b"1" + b"}" * 3_000)
WHOLE: tuple[bytes, ...] = (
    b"", b" ", b"\n\n\n", b"null", b"true", b"0", b'""', b"[]", b"{}", b"[[]]", b"\x00",
    b"\xff\xfe",
    b"<html><body>502 Bad Gateway</body></html>", b'<?xml version="1.0"?><error/>', b"OK",
    b'{"error":"try again later"}', b'{"message":"Unauthorized.","statusCode":403}',
    b'{"status":"failed","error_code":"UNKNOWN_ERROR","error_message":"odd"}',
    b'{"error":{"message":"overloaded","type":"server_error"}}',
    b'{"message":"The maximum number of api calls allowed is 600 times per hour."}',
    b'{"request_id":1,"error":"try again"}', b'{"searchParameters":{},"message":"failed"}',
    *DEEP,
)  # fmt: skip


def walk(value: Any, path: Path = ()) -> Iterator[Path]:
    """The place of everything in a document, itself included."""
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from walk(inner, (*path, key))
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            yield from walk(inner, (*path, n))


def at(document: Any, path: Path) -> Any:
    """What lies there."""
    for step in path:
        document = document[step]
    return document


def _somewhere(draw: random.Random, document: Any, kind: type) -> Path | None:
    found = [path for path in walk(document) if isinstance(at(document, path), kind)]
    return draw.choice(found) if found else None


def _a_key(draw: random.Random, document: Any) -> tuple[dict[str, Any], str] | None:
    full = [p for p in walk(document) if isinstance(at(document, p), dict) and at(document, p)]
    if not full:
        return None
    owner = at(document, draw.choice(full))
    return owner, draw.choice(list(owner))


def drop_key(draw: random.Random, document: Any) -> None:
    if found := _a_key(draw, document):
        del found[0][found[1]]


def rename_key(draw: random.Random, document: Any) -> None:
    if found := _a_key(draw, document):
        owner, key = found
        owner[draw.choice((key[:-1], key.upper(), key + "s", "x_" + key, ""))] = owner.pop(key)


def other_type(draw: random.Random, document: Any) -> None:
    if found := _a_key(draw, document):
        owner, key = found
        owner[key] = draw.choice(ODD)


def number_as_text(draw: random.Random, document: Any) -> None:
    numbers = [p for p in walk(document) if p and type(at(document, p)) in (int, float)]
    if numbers:
        *path, last = draw.choice(numbers)
        at(document, tuple(path))[last] = str(at(document, (*path, last)))


def with_nul(draw: random.Random, document: Any) -> None:
    texts = [p for p in walk(document) if p and isinstance(at(document, p), str)]
    if texts:
        *path, last = draw.choice(texts)
        at(document, tuple(path))[last] += "\x00"


def drop_item(draw: random.Random, document: Any) -> None:
    if (path := _somewhere(draw, document, list)) is not None and (items := at(document, path)):
        items.pop(draw.randrange(len(items)))


def double_item(draw: random.Random, document: Any) -> None:
    if (path := _somewhere(draw, document, list)) is not None and (items := at(document, path)):
        items.insert(draw.randrange(len(items) + 1), draw.choice(items))


def swap_items(draw: random.Random, document: Any) -> None:
    if (path := _somewhere(draw, document, list)) is not None and len(at(document, path)) > 1:
        items = at(document, path)
        one, other = draw.sample(range(len(items)), 2)
        items[one], items[other] = items[other], items[one]


def rotate_items(draw: random.Random, document: Any) -> None:
    if (path := _somewhere(draw, document, list)) is not None and len(at(document, path)) > 1:
        items = at(document, path)
        turn = draw.randrange(1, len(items))
        items[:] = items[turn:] + items[:turn]


def odd_item(draw: random.Random, document: Any) -> None:
    if (path := _somewhere(draw, document, list)) is not None and (items := at(document, path)):
        items[draw.randrange(len(items))] = draw.choice(ODD[1:])  # null is an answer


IN_DOCUMENT: tuple[Callable[[random.Random, Any], None], ...] = (
    drop_key, rename_key, other_type, number_as_text, with_nul, drop_item, double_item, swap_items,
    rotate_items, odd_item,
)  # fmt: skip


def cut(draw: random.Random, body: bytes) -> bytes:
    return body[: draw.randrange(len(body))]


def raw_value(draw: random.Random, body: bytes) -> bytes:
    """A value that is no JSON, or more than a number can be, in the place of another."""
    places = [n for n, byte in enumerate(body) if byte == 0x3A]  # a colon
    place = draw.choice(places) + 1 if places else 0
    end = place
    while end < len(body) and body[end] not in b",}]":
        end += 1
    return body[:place] + draw.choice(RAW_VALUES) + body[end:]


def double_key(draw: random.Random, body: bytes) -> bytes:
    """A key twice in one object; the last one counts, or none."""
    key = draw.choice((b"matches", b"person", b"organic", b"choices", b"status", b"accounts"))
    return body[:-1] + b',"' + key + b'":' + draw.choice((b"[]", b"null", b"{}", b'""')) + b"}"


def encoded(draw: random.Random, body: bytes) -> bytes:
    text = body.decode("utf-8", "replace")
    return draw.choice(
        (b"\xef\xbb\xbf" + body, text.encode("utf-16"), text.encode("utf-16-be"),
         text.encode("utf-32"), b"\x1f\x8b" + body, body + b"\x00", body + body, body + b"}")
    )  # fmt: skip


def broken_bytes(draw: random.Random, body: bytes) -> bytes:
    place = draw.randrange(len(body))
    return (
        body[:place] + draw.choice((b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\x00")) + body[place:]
    )


IN_BYTES: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    cut, raw_value, double_key, encoded, broken_bytes,
)  # fmt: skip


def mutate(draw: random.Random, body: bytes) -> tuple[str, bytes]:
    """(what was done, the spoilt body)."""
    way = draw.random()
    if way < 0.03:
        return "whole", draw.choice(WHOLE)
    if way < 0.35:
        done = draw.choice(IN_BYTES)
        return done.__name__, done(draw, body)
    document = orjson.loads(body)
    change = draw.choice(IN_DOCUMENT)
    change(draw, document)
    return change.__name__, orjson.dumps(document)
