"""JSON, JSON Lines and Parquet: nested records become flat rows with dotted headers."""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from enrico.errors import InputError
from enrico.intake.cells import Row, cell_text
from enrico.intake.evidence import SALESFORCE_ID
from enrico.intake.sources import Source, Unreadable

_HOLDERS = ("records", "results", "data", "items", "rows", "value", "objects")


def json_tables(source: Source) -> Iterator[tuple[str, Iterator[Row]]]:
    """Each list of objects in the file, with its key as the sheet's name. Row 1 is the header."""
    try:
        data = orjson.loads(_utf8(source.read()))
    except orjson.JSONDecodeError:
        data = None
    if data is None:
        yield "", _table(_lines(source))
        return
    found = list(_lists("", data))
    if not found:
        raise Unreadable("the JSON holds no list of records", "Export a list of objects.")
    for name, records in found:
        yield name, _table(records)


def _utf8(data: bytes) -> bytes:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16").encode()
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace").encode()
    return data


def _lines(source: Source) -> Iterator[dict[str, Any]]:
    """One object a line; a line that is none is a record with an error, so that it is reported."""
    good = 0
    bad = 0
    for line in _utf8(source.read()).splitlines():
        text = line.strip().rstrip(b",")
        if not text or text in (b"[", b"]"):
            continue
        try:
            record = orjson.loads(text)
        except orjson.JSONDecodeError:
            record = None
        if isinstance(record, dict):
            good += 1
            yield record
        else:
            bad += 1
            if not good and bad > 20:
                raise Unreadable("this is not valid JSON", "Export it again, or as CSV.")
            yield {"(unreadable line)": text[:80].decode("utf-8", "replace")}
    if not good:
        raise Unreadable("this is not valid JSON", "Export it again, or as CSV.")


def _lists(name: str, data: Any) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    if isinstance(data, list):
        records = [item for item in data if isinstance(item, dict)]
        if records:
            yield name, records
    elif isinstance(data, dict):
        holders = [
            k
            for k in data
            if isinstance(data[k], list) and any(isinstance(x, dict) for x in data[k])
        ]
        plain = [k for k in data if not isinstance(data[k], list | dict)]
        if not holders and all(isinstance(v, dict) for v in data.values()) and data:
            for key, value in data.items():
                yield from _lists(key, value)
        elif (
            holders and (len(plain) <= 4 or set(holders) <= set(_HOLDERS)) and not _is_record(data)
        ):
            for key in holders:
                yield from _lists(name if key in _HOLDERS else key, data[key])
        elif data:
            yield name, [data]


def _is_record(data: dict[str, Any]) -> bool:
    keys = {k.casefold() for k in data}
    return bool(
        keys & {"dealname", "deal_name", "stage", "stagename", "amount", "email", "properties"}
    )


def _table(records: Iterable[dict[str, Any]]) -> Iterator[Row]:
    rows: list[tuple[int, dict[str, str]]] = []
    headers: dict[str, None] = {}
    for number, record in enumerate(records, 1):
        for flat in flatten(record):
            headers.update(dict.fromkeys(flat))
            rows.append((number, flat))
    for header in _without_fields(headers, rows):
        rows = [(number, flat) for number, old in rows for flat in _with_fields(old, header)]
        headers = dict.fromkeys(name for name in headers if name != header)
        headers.update(dict.fromkeys(name for _, flat in rows for name in flat))
    names = list(headers)
    yield 0, names
    for number, flat in rows:
        yield number, [flat.get(name, "") for name in names]


def _without_fields(
    headers: Iterable[str], rows: Sequence[tuple[int, dict[str, str]]]
) -> list[str]:
    """Headers that are an object in some records, and null or plain text in others.

    Not those that hold text beside the object, as HubSpot's value beside its timestamp.
    """
    found = []
    for header in headers:
        inner = [name for name in headers if name.startswith(header + ".")]
        if inner and not any(
            flat.get(header) and any(flat.get(name) for name in inner) for _, flat in rows
        ):
            found.append(header)
    return found


def _with_fields(flat: dict[str, str], header: str) -> list[dict[str, str]]:
    """``contacts: Ada Byrne;t@x.com`` beside records with objects there → two rows of fields."""
    rest = {name: text for name, text in flat.items() if name != header}
    pieces = [piece.strip() for piece in flat.get(header, "").split(";") if piece.strip()]
    rows = [{**rest, f"{header}.{_field_of(piece)}": piece} for piece in pieces]
    return rows or [rest]


def _field_of(text: str) -> str:
    """What a person or a firm is known by when only one text stands for it."""
    if "@" in text:
        return "email"
    is_id = text.isdigit() or (SALESFORCE_ID.fullmatch(text) and any(map(str.isdigit, text)))
    return "id" if is_id else "name"


def flatten(record: dict[str, Any]) -> list[dict[str, str]]:
    """One record to flat rows: one row, or one for each object of the lists inside it.

    ``{"name": "Pilot", "contacts": [{"email": "a@x.com"}, {"email": "b@x.com"}]}`` → two rows.
    """
    base: dict[str, str] = {}
    many: list[tuple[str, list[dict[str, Any]]]] = []
    _walk("", record, base, many)
    rows: list[dict[str, str]] = []
    for prefix, items in many:
        for item in items:
            rows.extend({**base, **inner} for inner in flatten({prefix: item}))
    return rows or [base]


def _walk(
    prefix: str, value: Any, base: dict[str, str], many: list[tuple[str, list[dict[str, Any]]]]
) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "attributes" and isinstance(inner, dict):
                continue  # Salesforce: type and address of the record
            _walk(f"{prefix}.{key}" if prefix else str(key), inner, base, many)
    elif isinstance(value, list) and not value:
        pass  # nobody, as where other records have a list of people
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        objects = [
            item if isinstance(item, dict) else {_field_of(text): text}
            for item in value
            if isinstance(item, dict) or (text := cell_text(item))
        ]
        if all("value" in item for item in objects):  # Pipedrive: [{"value": …, "primary": true}]
            objects.sort(key=lambda item: not item.get("primary"))
            base[prefix] = "; ".join(cell_text(item["value"]) for item in objects)
        else:
            many.append((prefix, objects))
    else:
        base[re.sub(r"\.value$", "", prefix)] = cell_text(value)


def parquet(source: Source) -> Iterator[Row]:
    """A Parquet file's rows; needs the optional extra."""
    try:
        import duckdb
    except ImportError as error:
        raise InputError(
            f"{source.label} is a Parquet file, and the reader for it is not installed. "
            "Install it with: pip install 'enrico[parquet]'"
        ) from error
    with contextlib.ExitStack() as stack:
        path = source.path
        if source.inner:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            path = folder / "table.parquet"
            with source.open() as inward, path.open("wb") as outward:
                shutil.copyfileobj(inward, outward)
        connection = stack.enter_context(duckdb.connect())
        try:
            result = connection.execute("SELECT * FROM read_parquet(?)", [str(path)])
            names = [column[0] for column in result.description]
            yield from _parquet_rows(result, names)
        except duckdb.Error as error:
            raise Unreadable("the Parquet file is damaged or cut off", "Write it again.") from error


def _parquet_rows(result: Any, names: list[str]) -> Iterator[Row]:
    first = result.fetchmany(2000)
    nested = any(
        isinstance(v, dict) or (isinstance(v, list) and v and isinstance(v[0], dict))
        for row in first
        for v in row
    )
    if nested:
        everything = [*first, *result.fetchall()]
        yield from _table(dict(zip(names, row, strict=True)) for row in everything)
        return
    yield 0, names
    number = 0
    while first:
        for row in first:
            number += 1
            yield number, [cell_text(value) for value in row]
        first = result.fetchmany(5000)
