"""What the CRM itself says about roles: labels on contacts, fields of the deal that name people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from enrico.domain.committee.people import People
from enrico.domain.committee.records import (
    SOURCE_CONFIDENCE,
    DealOnAccount,
    Guesses,
    RoleGuess,
    RoleNote,
    Seat,
    SeatKey,
)
from enrico.domain.roles import ROLE_PLACE, BuyingRole, is_no_role, read_role_field, read_role_label


def roles_by_label(seats: Mapping[SeatKey, list[Seat]], notes: set[RoleNote]) -> Guesses:
    """Seat → guesses by its labels: first those on the deal, then those on the person."""
    confidence = SOURCE_CONFIDENCE["crm_role"]
    explicit: Guesses = {}
    for key, same in seats.items():
        if not any(seat.deal_role_label or seat.person_role_label for seat in same):
            continue
        on_deal: set[tuple[BuyingRole, str]] = set()
        on_person: set[tuple[BuyingRole, str]] = set()
        for seat in same:
            for label, found in (
                (seat.deal_role_label, on_deal),
                (seat.person_role_label, on_person),
            ):
                if label:
                    roles = read_role_label(label)
                    found.update((role, label) for role in roles)
                    if not roles and not is_no_role(label):
                        notes.add(_unknown_label(key[0], label))
        guesses = [
            RoleGuess(role, "crm_role", confidence, f'the CRM says "{_clip(label)}" {where}')
            for found, where in ((on_deal, "on this deal"), (on_person, "on the person"))
            for role, label in sorted(found, key=_role_then_label)
        ]
        if guesses:
            explicit[key] = guesses
    return explicit


def _role_then_label(pair: tuple[BuyingRole, str]) -> tuple[int, str]:
    return ROLE_PLACE[pair[0]], pair[1]


def _unknown_label(deal_id: str, label: str) -> RoleNote:
    text = "the label is no buying role that we know; map it in the settings or rename it"
    return RoleNote(deal_id, "unknown_label", "role", label, text)


def add_deal_fields(
    deals: Sequence[DealOnAccount],
    seats: Mapping[SeatKey, list[Seat]],
    explicit: Guesses,
    notes: set[RoleNote],
) -> None:
    """Reads the deals' role fields and adds a guess for each contact that one names."""
    fields: dict[str, set[tuple[str, str]]] = {}
    for deal in deals:
        if deal.role_fields:
            fields.setdefault(deal.deal_id, set()).update(deal.role_fields)
    if not fields:
        return
    on_deal: dict[str, list[tuple[str, list[Seat]]]] = {}
    for (deal_id, contact_id), same in seats.items():
        if deal_id in fields:
            on_deal.setdefault(deal_id, []).append((contact_id, same))
    for deal_id, pairs in fields.items():
        people = People(sorted(on_deal.get(deal_id, ()), key=lambda pair: pair[0]))
        found: dict[SeatKey, set[RoleGuess]] = {}
        for field, value in pairs:
            role = read_role_field(field)
            if role is None:
                text = "the field's name is no buying role that we know"
                notes.add(RoleNote(deal_id, "unknown_field", field, value, text))
                continue
            for name in people.split(value):
                match = people.find(name)
                if match is None:
                    notes.add(_not_found(deal_id, field, name, people))
                    continue
                contacts, score = match
                confidence = round(SOURCE_CONFIDENCE["deal_field"] * score, 2)
                reason = f'the deal\'s field "{_clip(field)}" names this person'
                for contact_id in contacts:
                    guess = RoleGuess(role, "deal_field", confidence, reason)
                    found.setdefault((deal_id, contact_id), set()).add(guess)
        for key, guesses in found.items():
            ordered = sorted(guesses, key=lambda g: (-g.confidence, ROLE_PLACE[g.role], g.reason))
            explicit.setdefault(key, []).extend(ordered)


def _not_found(deal_id: str, field: str, name: str, people: People) -> RoleNote:
    if people.is_ambiguous(name):
        text = "several contacts on the deal may be meant; write the full name or the e-mail"
        return RoleNote(deal_id, "ambiguous", field, name, text)
    text = "no contact on the deal has that name, e-mail or id; add the person to the deal"
    return RoleNote(deal_id, "nobody", field, name, text)


def _clip(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 60 else flat[:59] + "…"
