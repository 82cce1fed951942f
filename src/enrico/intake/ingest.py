"""One table into parts: rows are streamed to disk, equal cells are kept and parsed once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import chain, islice
from operator import itemgetter

from enrico.intake.cells import Cells, Row, packed, unpacked
from enrico.intake.columns import Column, Plan, plan
from enrico.intake.formats import Formats, formats_of
from enrico.intake.layout import Table
from enrico.intake.on_disk import UnusableRows
from enrico.intake.parts import Reader
from enrico.intake.result import Unusable
from enrico.intake.staging import Staging
from enrico.intake.values import is_true

_SAMPLE = 2000
_REMEMBERED = 40_000
"""Cells whose number is known without looking on disk, in all groups together."""

FROM_TABLE, FROM_ROW, FROM_LINKS = 1, 2, 3
"""The order of what is said of a row: by its table, by itself, and once all is joined."""


@dataclass(slots=True)
class Ingested:
    """A table after reading; its rows and parts lie in the staging."""

    table: Table
    plan: Plan
    file: str
    formats: Formats = field(default_factory=Formats)
    rows: tuple[int, int] = (0, 0)
    """The first and the last of its numbers in ``mention.n``."""
    deleted: int = 0
    has_bad_ids: bool = False


def ingest(table: Table, file: str, staging: Staging, unusable: UnusableRows) -> Ingested:
    """Read a table to its end."""
    rows = iter(table.rows)
    sample: list[Row] = list(islice(rows, _SAMPLE))
    decided = plan(table.headers, [row for _, row in sample], file, table.sheet)
    result = Ingested(table, decided, file)
    if decided.kind == "ignored":
        for _ in rows:
            table.leftovers.clear()
        return result
    _Reading(result, staging, unusable).run(chain(sample, rows))
    return result


class _Group:
    """The columns of one record in a row: equal cells get one number, and are parsed once."""

    def __init__(
        self,
        staging: Staging,
        number: int,
        columns: Sequence[Column],
        parse: Callable[[int, Cells], None],
    ) -> None:
        self.columns = columns
        self.room = _REMEMBERED
        self._staging = staging
        self._number = number
        self._parse = parse
        self._get = _getter(columns)
        self._known: dict[Cells, int] = {}

    def cells_of(self, row: list[str]) -> int:
        """The number of this row's cells."""
        cells = self._get(row)
        known = self._known.get(cells)
        return self._look_up(cells) if known is None else known

    def _look_up(self, cells: Cells) -> int:
        if len(self._known) >= self.room:
            self._staging.flush()
            self._known.clear()
        text = "\x1f".join(cells).encode("utf-8", "surrogatepass")
        digest = blake2b(text, digest_size=16).digest()
        query = "SELECT cells FROM seen WHERE grp = ? AND digest = ?"
        found = self._staging.one(query, self._number, digest)
        number = found[0] if found else self._staging.next_number()
        self._known[cells] = number
        if not found:
            self._staging.add("seen", (self._number, digest, number))
            self._parse(number, cells)
        return number


def _getter(columns: Sequence[Column]) -> Callable[[list[str]], Cells]:
    places = [c.index for c in columns]
    if not places:
        return lambda row: ()
    if len(places) == 1:
        place = places[0]
        return lambda row: (row[place],)
    get = itemgetter(*places)
    return lambda row: get(row)


class _Reading:
    """Reads the rows of one table into the staging."""

    def __init__(self, result: Ingested, staging: Staging, unusable: UnusableRows) -> None:
        self._result = result
        self._staging = staging
        self._unusable = unusable
        self._kind = result.plan.kind
        columns = result.plan.columns
        deal = [c for c in columns if c.target.startswith(("deal.", "rolefield."))]
        account = [c for c in columns if c.target.startswith("account.")]
        self._accounts = Reader(result.plan, account, result.formats)
        self._deal = self._group(deal, self._keep_deal)
        self._account = self._group(account, self._parse_account)
        self._slots = [
            (slot, self._group(own, self._contact_parser(own)), self._group(role, parse_role))
            for slot, (own, role) in enumerate(_people_columns(result.plan))
            for parse_role in [self._role_parser(own, role)]
        ]
        groups = [self._deal, self._account, *(g for _, *pair in self._slots for g in pair)]
        for group in groups:
            group.room = _REMEMBERED // len(groups)

    def _group(self, columns: list[Column], parse: Callable[[int, Cells], None]) -> _Group:
        return _Group(self._staging, self._staging.next_number(), columns, parse)

    def run(self, rows: Iterable[Row]) -> None:
        """Read all rows, then decide how dates and amounts are written, then parse the deals."""
        result, staging = self._result, self._staging
        first = staging.last_row + 1
        for _ in self._mentions(rows):
            if result.table.leftovers:
                self._take_leftovers()
        self._take_leftovers()
        staging.flush()
        result.rows = first, staging.last_row
        self._weigh()
        result.formats = formats_of(result.plan, self._values_of, result.table.delimiter)
        self._parse_deals()
        staging.flush()
        staging.end_table()

    def _mentions(self, rows: Iterable[Row]) -> Iterator[None]:
        """The hot loop: a few look-ups for each row."""
        add, slots = self._staging.add, self._slots
        deal_of, account_of = self._deal.cells_of, self._account.cells_of
        columns = self._result.plan.columns
        deleted = next((c.index for c in columns if c.target == "row.deleted"), -1)
        width = max(len(columns), 1)
        padding = [""] * width
        n = self._staging.last_row
        for number, row in rows:
            if len(row) < width:
                row = row + padding[len(row) :]
            if deleted >= 0 and is_true(row[deleted]):
                self._result.deleted += 1
                self._refuse(number, "deleted in the CRM",
                             "Restore it in the CRM if it should count.", FROM_ROW)  # fmt: skip
                yield
                continue
            self._staging.last_row = n = n + 1
            deal, account = deal_of(row), account_of(row)
            if not slots:
                add("mention", (n, 0, number, deal, account, 0, 0))
            for slot, people, role in slots:
                seat = (n, slot, number, deal, account, people.cells_of(row), role.cells_of(row))
                add("mention", seat)
            yield

    def _take_leftovers(self) -> None:
        for number, reason in self._result.table.leftovers:
            self._refuse(number, reason, "Nothing to do: it is not a record.", FROM_TABLE)
        self._result.table.leftovers.clear()

    def _refuse(self, row: int, reason: str, mend: str, phase: int) -> None:
        table = self._result.table
        self._unusable.add(Unusable(table.path, table.sheet, row, reason, mend), phase)

    def _weigh(self) -> None:
        """Count the rows of all distinct cells."""
        for column in ("deal", "account", "people"):
            once = "" if column == "people" else "AND slot = 0"
            self._staging.run(
                f"INSERT INTO weight SELECT {column}, count(*) FROM mention "
                f"WHERE {column} > 0 AND n BETWEEN ? AND ? {once} GROUP BY {column}",
                *self._result.rows,
            )

    # -- parts ------------------------------------------------------------------------------

    def _parse_account(self, cells: int, texts: Cells) -> None:
        for part in self._accounts.account(texts):
            part.home = self._kind == "accounts"
            self._note_bad(part.bad_id)
            self._staging.add("account_part", (cells, *part.columns()))

    def _keep_deal(self, cells: int, texts: Cells) -> None:
        self._staging.add("deal_text", (cells, packed(texts)))

    def _deal_texts(self) -> Iterator[tuple[int, Cells]]:
        query = "SELECT cells, text FROM deal_text ORDER BY cells"
        return ((cells, unpacked(text)) for cells, text in self._staging.rows(query))

    def _values_of(self, column: Column) -> Iterator[str]:
        place = next(i for i, c in enumerate(self._deal.columns) if c.index == column.index)
        values = (texts[place] for _, texts in self._deal_texts())
        return (
            unpacked(text)[0]
            for text in self._staging.distinct(packed([value]) for value in values if value)
        )

    def _parse_deals(self) -> None:
        reader = Reader(self._result.plan, self._deal.columns, self._result.formats)
        for cells, texts in self._deal_texts():
            for place, part in enumerate(reader.deal(texts)):
                part.home = self._kind in ("deals", "flat")
                part.row_is_deal = self._kind == "deals"
                self._note_bad(part.bad_id)
                number = self._staging.next_number()
                self._staging.add("deal_part", (number, cells, place, *part.columns()))

    def _contact_parser(self, columns: list[Column]) -> Callable[[int, Cells], None]:
        reader = Reader(self._result.plan, columns, self._result.formats)
        is_home = self._kind == "contacts"

        def parse(cells: int, texts: Cells) -> None:
            for place, part in enumerate(reader.contacts(texts)):
                part.home = is_home
                if is_home:
                    part.person_role = reader.role(texts)[0]
                self._note_bad(part.bad_id)
                number = self._staging.next_number()
                self._staging.add("contact_part", (number, cells, place, *part.columns()))

        return parse

    def _role_parser(
        self, own: list[Column], columns: list[Column]
    ) -> Callable[[int, Cells], None]:
        reader = Reader(self._result.plan, columns, self._result.formats)
        named = _named_role(own)

        def parse(cells: int, texts: Cells) -> None:
            label, is_primary = reader.role(texts)
            self._staging.add("role", (cells, label or named, int(is_primary)))

        return parse

    def _note_bad(self, bad_id: str) -> None:
        self._result.has_bad_ids = self._result.has_bad_ids or bool(bad_id)


def _people_columns(decided: Plan) -> Iterator[tuple[list[Column], list[Column]]]:
    """For each person of a row the columns that say who it is, and those of the role."""
    contact = [c for c in decided.columns if c.target.startswith("contact.")]
    flags = [c for c in decided.columns if c.target.startswith("roleflag.")]
    slots = sorted({c.slot for c in contact}, key=lambda s: (s != "", len(s), s))
    # In a list of contacts a role belongs to the person; elsewhere to the person on that deal.
    role_targets = () if decided.kind == "contacts" else ("contact.role_label", "contact.primary")
    for slot in slots:
        own = [c for c in contact if c.slot == slot and c.target not in role_targets]
        roles = [c for c in contact if c.slot == slot and c.target in role_targets]
        (own if decided.kind == "contacts" else roles).extend(c for c in flags if c.slot == slot)
        if own:
            yield own, roles


def _named_role(own: list[Column]) -> str:
    """The role that a person's columns are named after: *Champion email*."""
    slot = own[0].slot
    return slot.replace("_", " ").capitalize() if slot.isidentifier() else ""
