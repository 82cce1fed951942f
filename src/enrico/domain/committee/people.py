"""The contacts of one deal, found by the name, e-mail or id that a field of the deal gives."""

from __future__ import annotations

import re
from collections.abc import Sequence

from enrico.domain.committee.records import Seat
from enrico.domain.names import find_person


class People:
    """The contacts of one deal, in (contact id, seats) pairs, to be found by name, e-mail or id."""

    __slots__ = ("_by_address", "_names", "_of_person")

    def __init__(self, contacts: Sequence[tuple[str, list[Seat]]]) -> None:
        self._by_address: dict[str, set[str]] = {}
        self._of_person: dict[str, set[str]] = {}
        self._names: dict[str, str] = {}
        for contact_id, same in contacts:
            for seat in same:
                person = seat.person_key or f"contact {contact_id}"
                self._of_person.setdefault(person, set()).add(contact_id)
                for address in (contact_id, seat.email, seat.person_key):
                    if address:
                        self._by_address.setdefault(address.strip().lower(), set()).add(person)
                if seat.name and (
                    person not in self._names or len(seat.name) > len(self._names[person])
                ):
                    self._names[person] = seat.name

    def split(self, value: str) -> list[str]:
        """Names apart: by semicolons, else by commas unless a comma is part of one name."""
        names: list[str] = []
        for part in re.split(r"[;\n|]", value):
            pieces = [piece.strip() for piece in part.split(",")]
            has_address = any("@" in piece or piece.lower() in self._by_address for piece in pieces)
            is_one = len(pieces) == 1 or (not has_address and self.find(part) is not None)
            names.extend([part.strip()] if is_one else pieces)
        return [name for name in dict.fromkeys(names) if name]

    def is_ambiguous(self, text: str) -> bool:
        """Whether a text that finds nobody does so because it fits several."""
        wanted = text.strip().lower()
        if len(self._by_address.get(wanted, ())) > 1:
            return True
        return any(find_person(text, [name]) is not None for name in self._names.values())

    def find(self, text: str) -> tuple[list[str], float] | None:
        """The contacts of the one person meant, with a score of 0 to 1."""
        address = re.search(r"[^\s<>]+@[^\s<>]+", text)
        wanted = (address.group() if address else text).strip().lower()
        persons = self._by_address.get(wanted, set())
        if len(persons) == 1:
            return sorted(self._of_person[next(iter(persons))]), 1.0
        if persons:
            return None
        name = re.sub(r"<[^>]*>|\S+@\S+", " ", text).strip()
        match = find_person(name, self._names) if name else None
        return None if match is None else (sorted(self._of_person[match[0]]), match[1])
