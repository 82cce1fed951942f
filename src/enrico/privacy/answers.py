"""Recorded calls without some people: what was asked and answered of them becomes a tombstone.

The others in the same call keep their places, for answers are joined by position: a replay makes
the same of them as before. What a call cost is not touched.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import orjson

from enrico.domain.names import same_person_name
from enrico.engine.http import Request
from enrico.privacy.finder import Finder
from enrico.providers.apollo import BULK
from enrico.providers.common import load_json
from enrico.store.journal import pack, pack_request, unpack_request
from enrico.store.suppressions import TOMBSTONE


class Rewritten(NamedTuple):
    """The columns of a call that hold its payload."""

    items: str
    request: bytes
    body: bytes


def without_people(
    row: Any, finder: Finder, tombstone: Callable[[str], str], at: str
) -> Rewritten | None:
    """A call of a people provider without those whom *finder* knows; None when it has none of them.

    *tombstone*: what stands for an address from now on. *at*: when they were forgotten.
    """
    items: list[Any] = orjson.loads(row.items)
    gone = {place for place, key in enumerate(items) if key in finder.keys}
    if not gone:
        return None
    names = {place: tombstone(items[place]) for place in gone}
    left = [names.get(place, key) for place, key in enumerate(items)]
    stones = {
        place: {"forgotten": name.removeprefix(TOMBSTONE), "at": at}
        for place, name in names.items()
    }
    request = unpack_request(row.request) if row.request else Request("", "")
    asked, details = _asked(request.body, row.endpoint, len(items), stones)
    request = Request(request.method, request.path, asked, request.query)
    body = zlib.decompress(row.body) if row.body else b""
    if body:
        body = _answer(body, row.endpoint, details, stones, finder)
    return Rewritten(
        orjson.dumps(left).decode(), pack_request(request), pack(body) if body else b""
    )


def without_mentions(row: Any, finder: Finder) -> Rewritten | None:
    """A search or classification without the names of people; None when it names none of them."""
    request = unpack_request(row.request) if row.request else Request("", "")
    body = zlib.decompress(row.body) if row.body else b""
    asked, answer = _clean(request.body, finder), _clean(body, finder)
    if (asked, answer) == (request.body, body):
        return None
    request = Request(request.method, request.path, asked, request.query)
    return Rewritten(row.items, pack_request(request), pack(answer) if answer else b"")


def _asked(
    body: bytes, endpoint: str, number: int, stones: dict[int, dict[str, str]]
) -> tuple[bytes, list[dict[str, Any]]]:
    """The request without them, and what is left of each person's part."""
    document = _json(body)
    if not isinstance(document, dict):
        return b"", [{}] * number
    if endpoint != BULK:
        return orjson.dumps(stones[0]), [document]
    details = document.get("details")
    if not isinstance(details, list) or len(details) != number:
        return b"", [{}] * number
    left = [stones.get(place, detail) for place, detail in enumerate(details)]
    return orjson.dumps({**document, "details": left}), details


def _answer(
    body: bytes,
    endpoint: str,
    details: Sequence[dict[str, Any]],
    stones: dict[int, dict[str, str]],
    finder: Finder,
) -> bytes:
    document = _json(body)
    if not isinstance(document, dict):
        return orjson.dumps(stones[min(stones)])  # nobody can read it, so nobody misses it
    part = "matches" if endpoint == BULK else "person"
    people = document.get(part)
    rest = {name: value for name, value in document.items() if name != part}
    clean: dict[str, Any] = finder.without_in(rest)
    if part not in document:
        return orjson.dumps(clean)
    if not isinstance(people, list):
        left: Any = stones[0] if endpoint != BULK else finder.without_in(people)
    else:
        left = [
            _entry(place, entry, len(people) == len(details), details, stones, finder)
            for place, entry in enumerate(people)
        ]
    return orjson.dumps({**dict.fromkeys(document), **clean, part: left})


def _entry(
    place: int,
    entry: Any,
    aligned: bool,
    details: Sequence[dict[str, Any]],
    stones: dict[int, dict[str, str]],
    finder: Finder,
) -> Any:
    """One person of an answer, or what stands for them.

    An answer may be out of order, so it counts what an entry says, too, and not only its place.
    """
    stone = stones[min(stones)]
    asked = details[place] if aligned else {}
    if isinstance(entry, dict):
        said = (str(entry.get("email") or ""), str(entry.get("linkedin_url") or ""))
        name = str(entry.get("name") or f"{entry.get('first_name')} {entry.get('last_name')}")
        meant = f"{asked.get('first_name', '')} {asked.get('last_name', '')}".strip()
        is_another = same_person_name(name, meant) is True and place not in stones
        if finder.knows(said) or (not is_another and finder.names_one(name)):
            return stones.get(place, stone)
    if aligned and place in stones:
        meant_here = _json_text(entry)
        others = [d.get("email", "") for n, d in enumerate(details) if n not in stones]
        if any(other and other in meant_here for other in others):
            return finder.unnamed().without_in(entry)  # somebody else's entry, out of order
        return stones[place] if entry is not None else None
    return finder.unnamed().without_in(entry)


def _clean(body: bytes, finder: Finder) -> bytes:
    """A JSON document without them; what is no JSON as text."""
    if not body:
        return body
    document = _json(body)
    if document is None:
        text = body.decode("utf-8", "replace")
        left = finder.without(text)
        return body if left == text else left.encode()
    clean = finder.without_in(document)
    return body if clean == document else orjson.dumps(clean)


def _json(body: bytes) -> Any:
    try:
        return load_json(body)
    except orjson.JSONDecodeError:
        return None


def _json_text(value: Any) -> str:
    return orjson.dumps(value).decode()
