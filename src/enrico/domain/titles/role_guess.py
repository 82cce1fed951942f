"""The buying role that a level and a field of work make likely, and how sure that is."""

from __future__ import annotations

from typing import NamedTuple

from enrico.domain.roles import BuyingRole
from enrico.domain.titles.fields import LEGAL, TECHNICAL


class Guess(NamedTuple):
    """A role, how sure it is (0 to 0.5), and why."""

    role: BuyingRole | None
    confidence: float
    why: str


def guess_role(level: str, field: str, position: str, *, is_deputy: bool) -> Guess:
    """The likeliest role of a level and a field of work; surer guesses have higher numbers."""
    leads = level in {"c_level", "vp", "head", "director"}
    if position in {"chief executive", "president", "managing director", "owner", "founder"}:
        if is_deputy:
            return Guess(BuyingRole.EXECUTIVE_SPONSOR, 0.40, "stands in for who runs the company")
        return Guess(BuyingRole.DECISION_MAKER, 0.50, "runs the company and has the last word")
    if position == "md":
        return Guess(BuyingRole.DECISION_MAKER, 0.35, "is a managing director, or a physician")
    if position in {"general manager", "partner", "executive director", "signatory"}:
        return Guess(BuyingRole.DECISION_MAKER, 0.40, "runs the business and may sign for it")
    if field in LEGAL:
        sure = {"manager": 0.45, "senior": 0.40, "ic": 0.35}.get(level, 0.50)
        what = "buys for the company" if field == "procurement" else "checks the terms"
        return Guess(BuyingRole.LEGAL_PROCUREMENT, sure, what)
    if field == "finance" and leads:
        if level != "c_level" and is_deputy:
            return Guess(BuyingRole.ECONOMIC_BUYER, 0.35, "stands in for who holds the budget")
        sure = 0.50 if level == "c_level" else 0.45
        return Guess(BuyingRole.ECONOMIC_BUYER, sure, "holds the budget")
    if position == "controller" or (field == "finance" and position == "treasurer"):
        return Guess(BuyingRole.ECONOMIC_BUYER, 0.35, "watches the budget")
    if field in TECHNICAL and position != "board":
        sure = {"c_level": 0.50, "manager": 0.40, "senior": 0.40, "ic": 0.35}.get(level, 0.45)
        return Guess(BuyingRole.TECHNICAL_EVALUATOR, sure, "judges whether it works technically")
    return _business_guess(level, position, is_deputy=is_deputy)


def _business_guess(level: str, position: str, *, is_deputy: bool) -> Guess:
    if level == "c_level":
        sure = 0.40 if position == "board" or is_deputy else 0.45
        return Guess(BuyingRole.EXECUTIVE_SPONSOR, sure, "sits at the top table")
    if level == "vp" and position == "senior vice president":
        return Guess(BuyingRole.EXECUTIVE_SPONSOR, 0.40, "leads several departments")
    if position == "chief of staff":
        return Guess(BuyingRole.INFLUENCER, 0.35, "has the ear of who decides")
    if level in {"vp", "head", "director"}:
        if is_deputy or position in {"assistant vice president", "associate director"}:
            return Guess(BuyingRole.INFLUENCER, 0.35, "helps to lead a department")
        sure = 0.35 if level == "director" else 0.40
        return Guess(
            BuyingRole.DECISION_MAKER, sure, "leads a department and decides on what it uses"
        )
    if level == "manager":
        sure = 0.30 if position in {"supervisor", "assistant director"} else 0.35
        return Guess(BuyingRole.INFLUENCER, sure, "leads a team whose wishes count")
    if position in {"lead", "work", "head", "principal"}:
        return Guess(BuyingRole.INFLUENCER, 0.30, "leads the work, not the people")
    return Guess(BuyingRole.END_USER, 0.30, "does the work that the purchase is for")
