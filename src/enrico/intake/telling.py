"""What is said when all is joined: what was matched by what, what is doubtful, what is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from enrico.intake.cells import RowNumbers
from enrico.intake.ingest import Ingested
from enrico.intake.records import Intake

_BAD_ID = (
    "Format the id column as text, or export again as CSV and do not save it from a spreadsheet."
)


@dataclass(slots=True)
class Counts:
    """What was counted while the tables were joined."""

    matched: Mapping[str, Counter[str]] = field(default_factory=dict)
    """For deals and contacts: what they were matched by → in how many rows."""
    placed: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """For deals and contacts: what their account was matched by → how many."""
    missing: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """(Table, kind of record) → links to records that are not there."""
    bad_ids: dict[str, RowNumbers] = field(default_factory=dict)
    """Table → rows that were used in spite of a destroyed id."""
    duplicates: tuple[int, int] = (0, 0)
    """Contacts that share an e-mail with others, and the people that they are."""
    repeated: int = 0
    """Links that were there already."""
    taken: int = 0
    """Contacts that took their deal's account."""
    by_mail: int = 0
    """Contacts that took the account of their e-mail's domain."""
    of_contacts: int = 0
    """Deals that took the account of their contacts."""
    with_domain: int = 0
    """Accounts that took the domain of their contacts' e-mails."""
    shared_domains: list[str] = field(default_factory=list)
    """Domains that too many accounts would have had to share."""

    def note_bad_id(self, table: str, number: int) -> None:
        """Count a row that was used in spite of a destroyed id."""
        self.bad_ids.setdefault(table, RowNumbers()).add(number)


def reason_of(
    one: Ingested, deal: bool, says_deal: bool, says_contact: bool, bad: str
) -> tuple[str, str]:
    """Why a row gave nothing, and what to do. *deal*: its deal was found; *bad*: an id in it."""
    if bad:
        return f"the id {bad} was destroyed by a spreadsheet (scientific notation)", _BAD_ID
    kind = one.plan.kind
    salesforce = one.plan.crm == "salesforce"
    if kind == "deal_contacts":
        if not deal and says_deal:
            return "its deal is not in these exports", (
                "Export Opportunity.csv too." if salesforce else "Export the deals too."
            )
        if not deal:
            return "it names no deal", "Fill in the deal's id or name."
        if says_contact:
            return "its contact is not in these exports", (
                "Export Contact.csv too." if salesforce else "Export the contacts too."
            )
        return "it names no contact", "Fill in the contact's id, e-mail or name."
    mends = {
        "deals": ("it names no deal", "Fill in the deal's id or name."),
        "accounts": ("it names no account", "Fill in the account's name or website."),
        "contacts": ("it names no contact", "Fill in the contact's name or e-mail."),
        "flat": (
            "it names neither a deal nor a contact",
            "Fill in the deal's name, or a contact.",
        ),
    }
    return mends[kind]


def say(result: Intake, counts: Counts) -> None:
    """Fill ``matches`` and ``warnings``."""
    if counts.of_contacts:
        result.matches.append(
            f"{counts.of_contacts} deals without an account took that of their contacts"
        )
    many = counts.shared_domains
    if many:
        result.warnings.append(
            f"{len(many)} e-mail domains occur at more than three accounts without a website "
            f"and were not taken as theirs: {', '.join(many[:3])}."
        )
    _say_matches(result.matches, counts)
    _say_doubts(result, counts)
    _say_gaps(result)


def _say_matches(matches: list[str], counts: Counts) -> None:
    for what, counter in counts.matched.items():
        matches += [
            f"{n} {what} matched by {how}" for how, n in sorted(counter.items()) if how and n
        ]
    for what, placed in counts.placed.items():
        for how, count in sorted(placed.items()):
            matches.insert(0, f"{count} {what} matched to accounts by {how}")
    records, people = counts.duplicates
    if people:
        matches.append(f"contacts joined by e-mail: {records} duplicate records of {people} people")
    for count, text in (
        (counts.taken, "contacts without an account took that of their deal"),
        (counts.by_mail, "contacts without an account were placed by their e-mail's domain"),
        (counts.with_domain, "accounts without a website took their contacts' e-mail domain"),
        (counts.repeated, "repeated links of a contact to a deal were merged"),
    ):
        if count:
            matches.append(f"{count} {text}")


def _say_doubts(result: Intake, counts: Counts) -> None:
    warnings, staging = result.warnings, result.staging
    for what in ("accounts", "deals", "contacts"):
        ambiguous = staging.doubts(what)
        if ambiguous:
            warnings.append(
                f"{ambiguous} names or addresses fit several {what}; the first by id "
                "was taken. Export with ids to be sure."
            )
    split = staging.doubts("split")
    if split:
        warnings.append(
            f"{split} deal names occur several times at one account with "
            "other dates or amounts; they were kept apart. Export with ids to be sure."
        )
    for (where, kind), count in sorted(counts.missing.items()):
        warnings.append(
            f"{where}: {count} links to {kind}s that are not in these exports. "
            f"Export the {kind}s too."
        )
    for where, numbers in counts.bad_ids.items():
        warnings.append(
            f"{where}: ids in scientific notation were refused in {numbers.count} rows "
            f"(rows {numbers}); names were used instead. {_BAD_ID}"
        )


def _say_gaps(result: Intake) -> None:
    bare = result.staging.value("SELECT count(*) FROM account WHERE NOT is_known")
    if bare:
        result.warnings.append(
            f"{bare} accounts are known by id only. Export the accounts too (Account.csv)."
        )
    if result.deals and result.contacts and not result.deal_contacts:
        result.warnings.append(
            "No row says which contact is on which deal. Export the contact roles too "
            "(OpportunityContactRole.csv), or the column Associated Contact IDs."
        )
    elif result.deals and not result.contacts:
        result.warnings.append("There are no contacts in these exports. Export them too.")
    elif not result.deals:
        result.warnings.append("There are no deals in these exports. Export them too.")
