"""From paths to files: folders are walked, zips opened, types told by content."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

_READABLE = {
    *(
        [
            ".csv",
            ".tsv",
            ".tab",
            ".txt",
            ".xlsx",
            ".xlsm",
            ".xlsb",
            ".xls",
            ".ods",
            ".json",
            ".jsonl",
            ".ndjson",
            ".parquet",
            ".zip",
            ".gz",
        ]
    )
}
_PAPERS = frozenset(["readme", "license", "licence", "changelog"])
"""Names of texts that explain a folder."""

_LARGEST = 8 * 1024**3
_DEEPEST = 3


class Unreadable(Exception):
    """A file that cannot be read; the others go on."""

    def __init__(self, reason: str, mend: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.mend = mend


class LeftAlone(Unreadable):
    """A file that is no table by its name, beside those that are: nobody need mend it."""

    def __init__(self) -> None:
        super().__init__("not a table by its name; left alone", "")


@dataclass(frozen=True, slots=True)
class Source:
    """One file, on disk or inside a zip."""

    label: str
    path: Path
    inner: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The file's own name, without folders."""
        return (
            (self.inner[-1] if self.inner else str(self.path)).replace("\\", "/").rsplit("/", 1)[-1]
        )

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """The file's bytes from the start; may be opened again for another pass."""
        with ExitStack() as stack:
            stream: IO[bytes] = stack.enter_context(self.path.open("rb"))
            for step in self.inner:
                if step == ":gzip":
                    stream = cast("IO[bytes]", stack.enter_context(gzip.GzipFile(fileobj=stream)))
                else:
                    archive = stack.enter_context(zipfile.ZipFile(stream))
                    stream = stack.enter_context(archive.open(step))
            yield stream

    def head(self, size: int = 65536) -> bytes:
        """The first bytes."""
        with self.open() as stream:
            return stream.read(size)

    def read(self) -> bytes:
        """All bytes; for formats that need the whole file."""
        with self.open() as stream:
            return stream.read()


def find(paths: Sequence[Path]) -> Iterator[Source | tuple[str, Unreadable]]:
    """Every file to read, once, in a fixed order; or what is wrong with one."""
    seen: set[Path] = set()
    for path in paths:
        if not path.exists():
            yield str(path), Unreadable("there is no such file or folder", "Check the path.")
        elif path.is_dir():
            files = [p for p in sorted(path.rglob("*")) if p.is_file() and not _is_hidden(p, path)]
            for file in files:
                if not _is_table(file.name):
                    yield str(file), LeftAlone()
                elif file.resolve() not in seen:
                    seen.add(file.resolve())
                    yield from _expand(Source(str(file), file))
        elif path.resolve() not in seen:
            seen.add(path.resolve())
            yield from _expand(Source(str(path), path))


def _is_table(name: str) -> bool:
    stem, dot, ending = name.lower().rpartition(".")
    return bool(dot) and f".{ending}" in _READABLE and stem not in _PAPERS


def _is_hidden(path: Path, root: Path) -> bool:
    parts = path.relative_to(root).parts
    return any(p.startswith((".", "~$", "__MACOSX")) for p in parts)


def _expand(source: Source) -> Iterator[Source | tuple[str, Unreadable]]:
    try:
        head = source.head(8)
        if head.startswith(b"\x1f\x8b") and len(source.inner) < _DEEPEST:
            name = source.name.removesuffix(".gz")
            yield from _expand(
                _Gzipped(f"{source.label}:{name}", source.path, (*source.inner, ":gzip"))
            )
        elif head.startswith(b"PK") and not head.startswith(b"PK\x05\x06") and _is_archive(source):
            yield from _entries(source)
        elif head.startswith(b"PK\x05\x06"):
            yield source.label, Unreadable("the zip is empty", "Export again.")
        else:
            yield source
    except (OSError, zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError) as error:
        yield source.label, _zip_fault(error)


class _Gzipped(Source):
    __slots__ = ()

    @property
    def name(self) -> str:
        return self.label.rsplit(":", 1)[-1].rsplit("/", 1)[-1]


def _zip_fault(error: Exception) -> Unreadable:
    if isinstance(error, PermissionError):
        return Unreadable("the file may not be read", "Give this user the right to read it.")
    if isinstance(error, RuntimeError) and "password" in str(error):
        return Unreadable("the zip is protected by a password", "Unpack it first.")
    return Unreadable("the file is damaged or cut off", "Export or copy it again.")


def _is_archive(source: Source) -> bool:
    """A zip of files, not a workbook (which is a zip inside too)."""
    with source.open() as stream, zipfile.ZipFile(stream) as archive:
        names = set(archive.namelist())
    return not names & {"[Content_Types].xml", "mimetype", "xl/workbook.xml", "Index.zip"}


def _entries(source: Source) -> Iterator[Source | tuple[str, Unreadable]]:
    if len(source.inner) >= _DEEPEST:
        yield source.label, Unreadable("zips inside zips, too deep", "Unpack it first.")
        return
    with source.open() as stream, zipfile.ZipFile(stream) as archive:
        infos = sorted(archive.infolist(), key=lambda info: info.filename)
    for info in infos:
        name = info.filename
        parts = name.replace("\\", "/").split("/")
        if info.is_dir() or any(p.startswith((".", "~$", "__MACOSX")) for p in parts):
            continue
        label = f"{source.label}:{name}"
        if info.file_size > _LARGEST:
            yield label, Unreadable("larger than 8 GB when unpacked", "Split the export.")
        elif _is_table(parts[-1]):
            yield from _expand(Source(label, source.path, (*source.inner, name)))
        else:
            yield label, LeftAlone()


def what(source: Source) -> str:
    """``text``, ``workbook``, ``parquet``, ``json``, ``html``; the name only breaks ties."""
    head = source.head()
    name = source.name.lower()
    if not head.strip(b"\x00 \t\r\n\xef\xbb\xbf"):
        raise Unreadable("the file is empty", "Export it again.")
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return "workbook"
    for magic, text in _OTHER_TYPES.items():
        if head.startswith(magic):
            raise Unreadable(f"this is {text}, not a table", "Export the data as CSV or XLSX.")
    wide = head[:2] in (b"\xff\xfe", b"\xfe\xff") or looks_wide(head)
    if not wide and _is_binary(head):
        raise Unreadable("this is a binary file, not a table", "Export the data as CSV or XLSX.")
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:300].lower()
    if start.startswith(
        (b"<html", b"<!doctype html", b"<table", b"<meta", b"<?xml", b"<head", b"<style")
    ):
        return "html"
    if start.startswith((b"{", b"[")) or name.endswith((".json", ".jsonl", ".ndjson")):
        return "json"
    return "text"


_NEVER_TEXT = (".xlsx", ".xlsm", ".xlsb", ".ods", ".parquet", ".zip", ".gz")


def misnamed(source: Source, kind: str) -> str:
    """What a file is that its ending does not say; empty when they agree.

    HTML and text under the name .xls agree: CRMs export them so.
    """
    ending = next((e for e in _NEVER_TEXT if source.name.lower().endswith(e)), "")
    content = {"text": "plain text", "json": "JSON", "html": "a web page"}.get(kind, "")
    return f"its name ends in {ending}, but it is {content}" if ending and content else ""


_OTHER_TYPES = {
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"SQLite format 3": "a database file",
    b"{\\rtf": "a text document",
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"\x7fELF": "a program",
    b"MZ": "a program",
}


def looks_wide(head: bytes) -> bool:
    """UTF-16 without its mark: every other byte of plain text is zero."""
    sample = head[:2000]
    half = len(sample) // 2
    return half > 3 and max(sample[0::2].count(0), sample[1::2].count(0)) > 0.7 * half > (
        3 * min(sample[0::2].count(0), sample[1::2].count(0))
    )


def _is_binary(head: bytes) -> bool:
    odd = sum(
        head.count(bytes([b])) for b in (*range(1, 9), 11, 12, *range(14, 27), *range(28, 32))
    )
    zeros = head.count(0)
    return odd > len(head) * 0.02 + 2 or zeros > len(head) * 0.2 + 20


def as_bytes_io(source: Source) -> io.BytesIO:
    """The whole file in memory, seekable."""
    return io.BytesIO(source.read())
