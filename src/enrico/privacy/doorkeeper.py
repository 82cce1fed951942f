"""Lets nobody in who is to stay forgotten: an export without their records, seats and names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from enrico.domain.identity import addresses_in, linkedin_key
from enrico.domain.names import same_person_name
from enrico.domain.records import Contact, Deal, DealContact
from enrico.intake import Intake
from enrico.privacy.finder import Finder, digits_of
from enrico.store.suppressions import Suppressions


class Doorkeeper:
    """What of an export may come in. Reads the contacts once before anything else."""

    def __init__(self, intake: Intake, found: Suppressions) -> None:
        self._intake = intake
        self._kept_out: dict[str, Contact] = {}
        self._finder = Finder()
        if found:
            for contact in intake.contacts:
                if found.covers_contact(contact):
                    self._keep_out(contact)
        self._names = self._names_on_deals()

    def _keep_out(self, contact: Contact) -> None:
        self._kept_out[contact.id] = contact
        self._finder.add_name(contact.first_name, contact.last_name)
        self._finder.keys.update(check.key for check in addresses_in(contact.email) if check.usable)
        self._finder.profiles.update(filter(None, [linkedin_key(contact.linkedin_url)]))
        self._finder.phones.update(filter(None, [digits_of(contact.phone)]))

    def _names_on_deals(self) -> dict[str, set[str]]:
        """Deal or account → the names there of those who are kept out."""
        names: dict[str, set[str]] = {}
        if self._kept_out:
            for contact in self._kept_out.values():
                names.setdefault(contact.account_id or contact.id, set()).add(contact.name)
            for seat in self._intake.deal_contacts:
                if seat.contact_id in self._kept_out:
                    name = self._kept_out[seat.contact_id].name
                    names.setdefault(seat.deal_id, set()).add(name)
        return names

    @property
    def kept_out(self) -> int:
        """How many contacts were left out."""
        return len(self._kept_out)

    @property
    def seats_kept_out(self) -> int:
        """How many places on deals were left out with them."""
        if not self._kept_out:
            return 0
        return sum(seat.contact_id in self._kept_out for seat in self._intake.deal_contacts)

    def contacts(self) -> Iterator[Contact]:
        """The contacts who may come in."""
        return (c for c in self._intake.contacts if c.id not in self._kept_out)

    def seats(self) -> Iterator[DealContact]:
        """Their places on deals."""
        return (s for s in self._intake.deal_contacts if s.contact_id not in self._kept_out)

    def deals(self) -> Iterator[Deal]:
        """The deals, without fields that name somebody who is kept out."""
        for deal in self._intake.deals:
            names = self._names.get(deal.id, set()) | self._names.get(deal.account_id, set())
            yield self._without(deal, names) if names else deal

    def _without(self, deal: Deal, names: set[str]) -> Deal:
        fields = tuple(
            (name, value)
            for name, value in deal.role_fields
            if not self._finder.names_one(value)
            and not any(same_person_name(value, other) is True for other in names)
        )
        return replace(deal, role_fields=fields, name=self._finder.without(deal.name))

    def words(self, texts: Sequence[str]) -> list[str]:
        """What is told of the load, without their names."""
        return [self._finder.without(text) for text in texts] if self._kept_out else list(texts)

    def row(self, row: dict[str, Any]) -> dict[str, Any]:
        """As :meth:`words`, for a row that could not be used."""
        return self._finder.without_in(row) if self._kept_out else row
