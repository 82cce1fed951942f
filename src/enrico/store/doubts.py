"""The database itself marks whose roles are in doubt, in the same commit as the change.

Whatever a role rests on (a deal, who is on it, a contact, an account, a verified person) has a
trigger here, so that no writer, present or to come, can forget to say what it changed. A change
that changes nothing, such as the same export loaded again, marks nothing.

An address that contacts of different names share says nothing sure about any of them, so a contact
that comes, changes or goes also marks the deals of the others with its address.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

# Who resolves roles first says so on the mark; a doubt that comes after that must outlive them.
# ON CONFLICT and not OR IGNORE: the statement that fires a trigger overrules the latter.
_AGAIN = "ON CONFLICT (account_id, deal_id) DO UPDATE SET taken = 0 WHERE unresolved.taken = 1"
_KEY = "{0}.account_id, CASE {0}.account_id WHEN '' THEN {0}.id ELSE '' END, 0"
"""What a deal is marked by: its account, whose deals are resolved together, or else itself."""


def _mark(select: str) -> str:
    # Each once: PostgreSQL refuses to touch a row twice in one statement.
    return f"""
        INSERT INTO unresolved (account_id, deal_id, taken) SELECT DISTINCT {select} {_AGAIN};"""


def _mark_deal(deal_id: str) -> str:
    return _mark(f"{_KEY.format('d')} FROM deals d WHERE d.id = {deal_id}")


def _mark_account(account_id: str) -> str:
    return _mark(f"{_KEY.format('d')} FROM deals d WHERE d.account_id = {account_id} LIMIT 1")


def _mark_seats(contact_id: str) -> str:
    return _mark(
        f"{_KEY.format('d')} FROM deal_contacts s JOIN deals d ON d.id = s.deal_id "
        f"WHERE s.contact_id = {contact_id}"
    )


def _mark_address(address: str, also: str = "true") -> str:
    return _mark(
        f"{_KEY.format('d')} FROM contacts c "
        "JOIN deal_contacts s ON s.contact_id = c.id JOIN deals d ON d.id = s.deal_id "
        f"WHERE {address} <> '' AND c.person_key = {address} AND {also}"
    )


def _name(alias: str) -> str:
    return f"lower(trim({alias}.first_name || ' ' || {alias}.last_name))"


# One contact more changes nothing for the others where their names differed already.
_OTHERS_AGREED = f"""NOT EXISTS (
            SELECT 1 FROM contacts o WHERE o.person_key = new.person_key AND o.id <> new.id
            AND {_name("o")} NOT IN ('', (
                SELECT {_name("f")} FROM contacts f WHERE f.person_key = new.person_key
                AND f.id <> new.id AND {_name("f")} <> '' LIMIT 1)))"""


class _Trigger(NamedTuple):
    name: str
    event: str
    body: str
    when: str = "true"

    def sqlite(self) -> Sequence[str]:
        when = self.when.replace("IS DISTINCT FROM", "IS NOT")
        return [
            f"CREATE TRIGGER doubt_{self.name} AFTER {self.event} WHEN {when} "
            f"BEGIN {self.body.replace('SELECT DISTINCT', 'SELECT')} END"
        ]

    def postgresql(self) -> Sequence[str]:
        return [
            f"CREATE FUNCTION doubt_{self.name}() RETURNS trigger LANGUAGE plpgsql AS $$ "
            f"BEGIN {self.body} RETURN NULL; END $$",
            f"CREATE TRIGGER doubt_{self.name} AFTER {self.event} FOR EACH ROW "
            f"WHEN ({self.when}) EXECUTE FUNCTION doubt_{self.name}()",
        ]


def _on_change(table: str, columns: Sequence[str], body: str, when: str = "true") -> _Trigger:
    changed = " OR ".join(f"old.{name} IS DISTINCT FROM new.{name}" for name in columns)
    event = f"UPDATE OF {', '.join(columns)} ON {table}"
    return _Trigger(f"{table}_changed", event, body, f"({when}) AND ({changed})")


_CONTACT = ("person_key", "first_name", "last_name", "email", "title", "role_label")
_PERSON = (
    "state", "name", "title", "seniority", "departments", "functions", "employer",
    "employer_domain", "provider",
)  # fmt: skip
_OLD_DEAL = _mark(f"{_KEY.format('old')} WHERE true")

_TRIGGERS = (
    _Trigger("accounts_new", "INSERT ON accounts", _mark_account("new.id")),
    _on_change("accounts", ("name", "domain"), _mark_account("new.id")),
    _Trigger("accounts_gone", "DELETE ON accounts", _mark_account("old.id")),
    _on_change("deals", ("account_id", "role_fields"), _mark_deal("new.id") + _OLD_DEAL),
    _Trigger("deals_gone", "DELETE ON deals", _OLD_DEAL),
    _Trigger("deal_contacts_new", "INSERT ON deal_contacts", _mark_deal("new.deal_id")),
    _on_change("deal_contacts", ("role_label",), _mark_deal("new.deal_id")),
    _Trigger("deal_contacts_gone", "DELETE ON deal_contacts", _mark_deal("old.deal_id")),
    _Trigger(
        "contacts_new",
        "INSERT ON contacts",
        _mark_seats("new.id") + _mark_address("new.person_key", _OTHERS_AGREED),
    ),
    _on_change(
        "contacts",
        _CONTACT,
        _mark_seats("new.id")
        + _mark_address("new.person_key")
        + _mark_address("old.person_key", "old.person_key <> new.person_key"),
    ),
    _Trigger(
        "contacts_gone",
        "DELETE ON contacts",
        _mark_seats("old.id") + _mark_address("old.person_key"),
    ),
    _Trigger("people_new", "INSERT ON people", _mark_address("new.key"), "new.state = 'found'"),
    _on_change("people", _PERSON, _mark_address("new.key"), "'found' IN (old.state, new.state)"),
    _Trigger("people_gone", "DELETE ON people", _mark_address("old.key"), "old.state = 'found'"),
)


def triggers(dialect: str) -> list[str]:
    """The statements that make the triggers in ``sqlite`` or ``postgresql``."""
    return [statement for trigger in _TRIGGERS for statement in getattr(trigger, dialect)()]


MARK_ALL = f"""
    INSERT INTO unresolved (account_id, deal_id, taken)
    SELECT DISTINCT {_KEY.format("d")} FROM deals d WHERE true {_AGAIN}"""
"""Everybody's roles are in doubt: the rules have changed."""
