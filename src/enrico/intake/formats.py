"""How a table writes dates and amounts, decided from whole columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from enrico.intake.columns import Column, Plan
from enrico.intake.dates import DateStyle, Order, style_of, vote
from enrico.intake.values import decimal_style
from enrico.intake.vocabulary import hints, words

DATE_TARGETS = ("deal.close_date", "deal.created_date", "deal.won_time", "deal.lost_time")


@dataclass(slots=True)
class Formats:
    """How the columns of a table write dates and amounts."""

    dates: dict[int, DateStyle] = field(default_factory=dict)
    decimal: str = ""
    decimal_why: str = ""
    unread: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Header → how many values were no dates or no amounts, and the first of them."""

    def note_unread(self, header: str, value: str) -> None:
        """Count a value that is no date or no amount."""
        count, first = self.unread.get(header, (0, value))
        self.unread[header] = count + 1, first


def formats_of(plan: Plan, values_of: Callable[[Column], Iterable[str]], delimiter: str) -> Formats:
    """Decide from whole columns. Ties: other dates, decimals, language, delimiter."""
    result = Formats()
    amounts = plan.of("deal.amount")
    result.decimal, result.decimal_why = decimal_style(v for c in amounts for v in values_of(c))
    european = any(set(words(c.header)) & hints("day_first") for c in plan.columns if c.header)
    if not result.decimal and any(True for c in amounts for _ in values_of(c)):
        if delimiter == ";" or european:
            result.decimal, result.decimal_why = (
                "",
                "nothing tells; a mark before three digits divides thousands",
            )
        else:
            result.decimal_why = "no value has a decimal mark that tells"
    columns = [c for t in DATE_TARGETS for c in plan.of(t)]
    votes = {c.index: vote(values_of(c)) for c in columns}
    day = sum(found[0] for found in votes.values())
    month = sum(found[1] for found in votes.values())
    hint, why = _order_hint(day, month, result.decimal, european, delimiter)
    for c in columns:
        noted = c.note.lower().replace(" ", "")
        if noted.startswith(("dd", "tt", "jj", "gg")):
            result.dates[c.index] = DateStyle("day", "its header says so")
        elif noted.startswith("mm"):
            result.dates[c.index] = DateStyle("month", "its header says so")
        else:
            result.dates[c.index] = style_of(votes[c.index], hint, why)
    return result


def _order_hint(
    day: int, month: int, decimal: str, european: bool, delimiter: str
) -> tuple[Order, str]:
    if day and not month:
        return "day", "as the other dates of the table"
    if month and not day:
        return "month", "as the other dates of the table"
    if decimal == ",":
        return "day", "amounts have a decimal comma"
    if european:
        return "day", "the language of the headers"
    if delimiter == ";":
        return "day", "divided by semicolons, as in Europe"
    return "", ""
