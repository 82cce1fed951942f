"""What each column of a table means, decided by its header, the other headers, and the values."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from enrico.domain.word_tables import word_set
from enrico.intake import evidence
from enrico.intake.kinds import kind_of
from enrico.intake.result import Crm, Kind
from enrico.intake.vocabulary import Meaning, entity_of, meaning, words


@dataclass(slots=True)
class Column:
    """One column and what it was taken for."""

    index: int
    header: str
    target: str = ""
    """``deal.name`` …; ``roleflag.champion`` holds yes or no, ``rolefield.champion`` a name."""
    slot: str = ""
    rank: int = 0
    why: str = ""
    note: str = ""
    values: list[str] = field(default_factory=list)
    """Some of its values, without empty ones."""


@dataclass(slots=True)
class Plan:
    """How to read the rows of one table."""

    kind: Kind
    crm: Crm
    columns: list[Column]
    note: str = ""

    def of(self, target: str, slot: str | None = None) -> list[Column]:
        """The columns of one field, best first."""
        found = [c for c in self.columns if c.target == target and slot in (None, c.slot)]
        return sorted(found, key=lambda c: (c.rank, c.index))

    def has(self, *targets: str) -> bool:
        """Is any of these fields there?"""
        return any(c.target in targets for c in self.columns)


def plan(headers: Sequence[str], sample: Sequence[Sequence[str]], file: str, sheet: str) -> Plan:
    """Decide on every column of a table from its headers and its first rows."""
    columns = [_first_reading(i, header, sample) for i, header in enumerate(headers)]
    for i in range(len(headers), max((len(row) for row in sample), default=0)):
        columns.append(_first_reading(i, "", sample))
    result = Plan("ignored", evidence.crm_of(headers, file, columns), columns)
    _by_values(result)
    hint = entity_of(sheet) or entity_of(re.sub(r"\.[A-Za-z]{2,7}$", "", file.rsplit("/", 1)[-1]))
    result.kind = kind_of(result, hint)
    if result.kind == "ignored":
        result.note = result.note or "its columns name no deal, account or contact"
        for column in columns:
            column.target, column.why = "", "the table is not used"
        return result
    _settle_bare(result)
    _settle_roles(result)
    _settle_people(result)
    _settle_slots(result)
    _settle_seconds(result)
    for column in columns:
        if not column.target:
            column.why = column.why or "not known"
    return result


def _first_reading(index: int, header: str, sample: Sequence[Sequence[str]]) -> Column:
    values = [row[index] for row in sample if index < len(row) and row[index].strip()]
    column = Column(index, header, values=evidence.usual(values))
    found: Meaning | None = meaning(header)
    if found is None:
        return column
    if found.target == "ignore":
        column.why = "known, not needed"
        return column
    column.target, column.slot, column.rank, column.note = (
        found.target,
        found.slot,
        found.rank,
        found.note,
    )
    column.why = "by its header"
    renamed = {
        "role.id": "contact.id", "role.label": "contact.role_label", "role.deal_id": "deal.id",
        "role.primary": "contact.primary", "role.deleted": "row.deleted",
    }  # fmt: skip
    column.target = renamed.get(column.target, column.target)
    return column


def _retarget(column: Column, target: str, why: str) -> None:
    column.target, column.why = target, why


def _by_values(plan: Plan) -> None:
    """A header naming a record can hold its id, name or address; unknown ones tell by values."""
    for column in plan.columns:
        kind, _, part = column.target.partition(".")
        values = column.values
        if not values:
            continue
        if (
            part == "name"
            and kind in ("deal", "account", "contact")
            and evidence.are_record_ids(values)
        ):
            _retarget(column, f"{kind}.id", "its values are ids")
        elif column.target == "contact.name" and evidence.share(values, lambda v: "@" in v) > 0.6:
            if (
                evidence.share(
                    values, lambda v: bool(re.fullmatch(r"\s*[^\s@<>]+@[^\s@<>]+\s*", v))
                )
                > 0.6
            ):
                _retarget(column, "contact.email", "its values are e-mail addresses")
        elif column.target == "account.name" and evidence.share(values, evidence.is_domain) > 0.6:
            if not plan.has("account.domain"):
                _retarget(column, "account.domain", "its values are domains")
        elif (
            column.target in ("contact.id", "deal.id")
            and evidence.share(values, evidence.is_words) > 0.8
        ):
            _retarget(column, f"{kind}.name", "its values are names")
        elif (
            column.target == "contact.linkedin_url"
            and evidence.share(values, lambda v: "/company/" in v) > 0.5
        ):
            _retarget(column, "", "company pages, not people's")
        elif not column.target and not column.why:
            _by_values_alone(plan, column)


def _by_values_alone(plan: Plan, column: Column) -> None:
    values = column.values
    if not plan.has("contact.email") and evidence.share(values, evidence.is_email) > 0.6:
        _retarget(column, "contact.email", "its values are e-mail addresses")
    elif (
        not plan.has("contact.linkedin_url")
        and evidence.share(values, lambda v: "linkedin.com/in/" in v.lower()) > 0.6
    ):
        _retarget(column, "contact.linkedin_url", "its values are LinkedIn profiles")
    elif (
        not plan.has("account.domain")
        and len(values) > 2
        and evidence.share(values, evidence.is_url) > 0.8
    ):
        _retarget(column, "account.domain", "its values are web addresses")


def _settle_bare(plan: Plan) -> None:
    """Name, Title, ID, Owner, Status …: the kind of table decides, or else the values."""
    home = {"deals": "deal", "accounts": "account", "contacts": "contact"}.get(plan.kind, "")
    rules: dict[str, Callable[[Plan, Column, str], tuple[str, str]]] = {
        "any.name": _bare_name, "any.title": _bare_title, "any.id": _bare_id,
        "any.owner": _bare_owner, "any.status": _bare_status, "any.created_date": _bare_created,
    }  # fmt: skip
    for column in plan.columns:
        rule = rules.get(column.target)
        if rule is not None:
            column.target, column.why = rule(plan, column, home)
        if home == "account" and column.target.startswith("contact.") and not column.slot:
            _retarget(column, "", "belongs to a person, and the table is of accounts")
        is_link = plan.kind == "contacts" and column.target in ("deal.id", "deal.name")
        listed = plan.kind in ("accounts", "contacts") and column.target.startswith("deal.")
        if listed and not is_link:
            _retarget(column, "", "no deals in this table")
        if (
            plan.kind == "deals" and plan.crm == "salesforce" and column.target == "contact.id"
            and re.fullmatch(r"contact ?id", column.header, re.I)
        ):  # fmt: skip
            _retarget(column, "", "the contact that the deal was made from, no role")


def _bare_name(plan: Plan, column: Column, home: str) -> tuple[str, str]:
    if column.slot and plan.kind in ("flat", "deals", "contacts"):
        return "contact.name", "a numbered person"
    if (
        home in ("contact", "")
        and plan.has("contact.last_name")
        and not plan.has("contact.first_name")
    ):
        return "contact.first_name", "beside a last name"
    if (
        home in ("contact", "")
        and plan.has("contact.first_name")
        and not plan.has("contact.last_name")
    ):
        return "contact.last_name", "beside a first name"
    if home:
        return f"{home}.name", f"a table of {plan.kind}"
    if plan.has("contact.name", "contact.last_name") and not plan.has("deal.name"):
        return "deal.name", "the person has a column of their own"
    if plan.has("deal.name") or evidence.are_people(plan, column):
        return "contact.name", "its values are people"
    if plan.kind == "flat" and not plan.has("deal.name"):
        return "deal.name", "its values are no people"
    return "contact.name", "a table of people on deals"


def _bare_title(plan: Plan, column: Column, home: str) -> tuple[str, str]:
    if column.slot:
        return "contact.title", "a numbered person"
    if home == "deal":
        return (
            ("deal.name", "a table of deals")
            if not plan.has("deal.name")
            else ("", "no person here")
        )
    if home == "account":
        return "", "no person here"
    if home == "contact":
        return "contact.title", "a table of contacts"
    if (
        evidence.are_job_titles(column.values)
        or plan.has("deal.name")
        or plan.kind == "deal_contacts"
    ):
        return "contact.title", "a table of people on deals"
    return "deal.name", "its values are no job titles"


def _bare_id(plan: Plan, column: Column, home: str) -> tuple[str, str]:
    counted = evidence.is_counter(column.values)
    if counted and (
        column.header.strip().lower().strip(".")
        in ("#", "nr", "no", "lfd. nr", "lfd nr", "number", "row")
    ):
        return "", "row numbers"
    if home:
        return f"{home}.id", f"a table of {plan.kind}"
    if plan.kind == "deal_contacts" or plan.has("deal.id"):
        return "", "the id of the row itself"
    if counted and plan.has("deal.name") and float(column.values[0]) <= 1:
        return "", "row numbers"
    if evidence.repeats_with(plan, column):
        return "", "the id of the row itself"
    return "deal.id", "a row is a deal"


def _bare_owner(plan: Plan, column: Column, home: str) -> tuple[str, str]:
    return (
        ("deal.owner", "a table of deals") if plan.kind in ("deals", "flat") else ("", "not needed")
    )


def _bare_created(plan: Plan, column: Column, home: str) -> tuple[str, str]:
    return (
        ("deal.created_date", "a table of deals")
        if plan.kind in ("deals", "flat")
        else ("", "not needed")
    )


def _bare_status(plan: Plan, column: Column, home: str) -> tuple[str, str]:
    if plan.kind not in ("deals", "flat"):
        return "", "not of a deal"
    if plan.has("deal.stage"):
        return "deal.status", "beside the stage"
    return "deal.stage", "the only column of its kind"


def _settle_roles(plan: Plan) -> None:
    """*Role* can be a title or a buying role; *Champion* holds yes or no, or a person."""
    for column in plan.columns:
        if column.target == "any.role" or (
            column.target == "contact.role_label"
            and re.search(r"(?i)\b(role|rolle|rol|ruolo|papel)$", column.header)
        ):
            explicit = column.target != "any.role"
            titles = evidence.are_job_titles(column.values) and not evidence.are_buying_roles(
                column.values
            )
            if plan.kind in ("deals", "accounts") and not plan.has("contact.name"):
                _retarget(column, "", "no person here")
            elif titles and not (explicit and plan.has("contact.title")):
                _retarget(column, "contact.title", "its values are job titles")
            else:
                _retarget(
                    column,
                    "contact.role_label",
                    "its values are buying roles" if column.values else "by its header",
                )
        elif (
            column.target == "contact.title"
            and not plan.has("contact.role_label", "any.role")
            and evidence.are_buying_roles(column.values)
            and not evidence.are_job_titles(column.values)
            and plan.of("contact.title") != [column]
        ):
            _retarget(column, "contact.role_label", "its values are buying roles")
        elif column.target.startswith("role."):
            role = column.target.partition(".")[2]
            if column.slot:
                _retarget(column, f"roleflag.{role}", "a numbered person")
            elif evidence.are_booleans(column.values):
                _retarget(column, f"roleflag.{role}", "yes or no in the row's person")
            elif plan.kind in ("deals", "flat"):
                if any(c.slot == role for c in plan.columns if c is not column):
                    column.slot = role
                    _retarget(column, "contact.name", f"the {role.replace('_', ' ')} of the deal")
                else:
                    _retarget(column, f"rolefield.{role}", "names a person in a role")
            else:
                _retarget(column, "", "names a role, and the table is not of deals")


def _settle_people(plan: Plan) -> None:
    """Cells with several people, and several columns that each hold a person."""
    if plan.kind not in ("deals", "flat", "deal_contacts"):
        return
    names = plan.of("contact.name", "")
    for number, column in enumerate(names):
        if evidence.hold_several_people(column.values):
            _retarget(column, "contact.people", "several people in one cell")
        is_same = column.values == names[0].values  # Pipedrive: "Contact person", "Person - Name"
        if number and column.header != names[0].header and not is_same:
            column.slot = f"+{number}"
            column.why = "another person in the row"


def _settle_slots(plan: Plan) -> None:
    """Numbers in headers tell people apart only where each number has a person."""
    numbered = {c.slot for c in plan.columns if c.slot.isdigit() and c.target == "contact.name"}
    for column in plan.columns:
        if not column.target.startswith("contact.") or column.slot:
            continue
        digits = re.findall(r"\d+", column.header)
        if len(numbered) > 1 and digits and digits[0].lstrip("0") in numbered:
            column.slot = digits[0].lstrip("0")
    told = {
        c.slot
        for c in plan.columns
        if c.target
        in (
            "contact.name",
            "contact.first_name",
            "contact.last_name",
            "contact.id",
            "contact.people",
        )
        or (c.target == "contact.email" and len(words(c.header)) > 2)
        or (c.target == "contact.email" and not c.slot.isdigit())
    }
    for column in plan.columns:
        if column.slot and column.slot not in told:
            if column.slot.isdigit():
                column.rank += 100 * int(column.slot)
            column.slot = ""


_OTHER_NUMBERS = word_set(
    """
    number no nr nummer numero code external ref reference guid uuid kundennummer kunden debitor
    debitorennummer
    """
)


def _settle_seconds(plan: Plan) -> None:
    """Of several columns for one field the first that is filled counts; the others say so.

    A number of another kind, such as *AccountNumber*, never stands in for an id.
    """
    best: dict[tuple[str, str], Column] = {}
    for column in sorted(plan.columns, key=lambda c: (_is_other_number(c), c.rank, c.index)):
        if not column.target.startswith(("account.", "deal.", "contact.")):
            continue
        first = best.setdefault((column.target, column.slot), column)
        if first is column:
            continue
        if _is_other_number(column) and not _is_other_number(first):
            _retarget(column, "", f"another number: the id is in '{first.header}'")
        else:
            column.why += f"; used where '{first.header}' is empty"
    for column in plan.of("contact.name"):
        parts = ("contact.first_name", "contact.last_name")
        if all(plan.of(part, column.slot) for part in parts) and "used where" not in column.why:
            column.why += "; used where first or last name is empty"


def _is_other_number(column: Column) -> bool:
    return column.target.endswith(".id") and not _OTHER_NUMBERS.isdisjoint(words(column.header))
