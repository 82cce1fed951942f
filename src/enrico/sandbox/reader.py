"""The stand-in for a language model: reads each text and says what it tells, by rules of its own.

It sees what the model would see and nothing else, so a prompt that leaves something out is
answered as badly as by a model. What it says of an account depends on that account alone.
"""

from __future__ import annotations

import re
from typing import Any

from enrico.sandbox.news import short_name
from enrico.sandbox.storywords import NAMESAKES

_RULES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        (
            "layoff",
            r"\blay(s|ing)?[ -]?offs?\b|\blays off\b|\blaid off\b|\bjob cuts?\b|\bcuts? jobs\b|"
            r"\bredundanc|\bcutting .{0,30}workforce",
        ),
        (
            "negative_press",
            r"\blawsuit|\bsued\b|\bsues\b|\bdata breach|\bcriticised|\bcriticized|\bscandal|"
            r"\bfraud\b|"
            r"\brecall(s|ed)?\b",
        ),
        (
            "regulatory",
            r"\bregulat|\bantitrust|\blicen[cs]e\b|\bcompliance ruling|\bauthorit(y|"
            r"ies)\b.*\binquiry",
        ),
        (
            "acquisition",
            r"\bacqui(re|res|red|sition|ring)\b|\bto buy\b|\btakes? over\b|\bmerger\b|\bbuys\b",
        ),
        (
            "funding",
            r"\braise[sd]?\b.*\b(million|billion|series|m\b)|\bseries [a-f]\b|\bfunding\b|"
            r"\binvestment in\b|\bgrowth round|\bsecures \$|finanzierungsrunde|\bipo\b",
        ),
        (
            "leadership_change",
            r"\bappoint(s|ed)?\b|\bnames .* (new|as)\b|\bsteps? down\b|\bsucceeds\b|\bresign|"
            r"\bwird .* bei\b|\bnew (ceo|cfo|coo|chief)\b",
        ),
        (
            "hiring",
            r"\bhir(e|es|ing)\b|\brecruit|\bjob openings\b|\bopen roles\b|\badd \d+ jobs\b|"
            r"\bheadcount .*grow",
        ),
        (
            "partnership",
            r"\bpartner(s|ship)? (with|for|on)\b|\bpartnership\b|\bteams up\b|\bcollaborat|"
            r"\bas partner\b",
        ),
        (
            "award",
            r"\baward\b|\bbest places to work|\brecogni[sz]ed (as|for)\b|\bhonou?red\b|\bwins "
            r".*prize",
        ),
        ("product_launch", r"\blaunch(es|ed)?\b|\bunveil(s|ed)?\b|\bintroduc(es|ed)\b|^new from\b"),
        (
            "expansion",
            r"\bexpan(ds|sion|ded)\b|\bopens? .*(office|site|facility|branch|plant)|"
            r"\bbreaks ground\b|\bimplante\b|\benter(s|ed)? the .* market",
        ),
    )
)
_HEDGED = re.compile(r"\b(may|could|reportedly|rumou?r|people familiar)\b", re.IGNORECASE)
_IN_PASSING = r"(such as|including|companies like|formerly at|vendors like|competitors like)"


def classify_account(account: dict[str, Any]) -> dict[str, Any]:
    """The protocol's answer for one account: ``{"id": …, "signals": […]}``."""
    name = str(account.get("name") or account.get("domain") or "")
    results = account.get("results")
    signals = []
    for result in results if isinstance(results, list) else []:
        if not isinstance(result, dict):
            continue
        found = classify_text(
            name, str(result.get("title") or ""), str(result.get("snippet") or "")
        )
        if found:
            kind, relevance = found
            signals.append({"result": result.get("id"), "type": kind, "relevance": relevance})
    return {"id": account.get("id"), "signals": signals}


def classify_text(name: str, title: str, snippet: str) -> tuple[str, float] | None:
    """(type, relevance) of a text about this company, or None when it is not, or no news."""
    company = short_name(name)
    if not _is_about(company, title, snippet):
        return None
    for text, weight in ((title, 0.0), (snippet, 0.15)):
        for kind, pattern in _RULES:
            if pattern.search(text):
                named = company.casefold() in title.casefold()
                relevance = (0.95 if named else 0.7) - weight
                relevance -= 0.2 if _HEDGED.search(f"{title} {snippet}") else 0.0
                return kind, round(relevance, 2)
    return None


def _is_about(company: str, title: str, snippet: str) -> bool:
    if not company:
        return False
    text = f"{title} {snippet}"
    name = re.escape(company)
    if not re.search(rf"(?<!\w){name}(?!\w)", text, re.IGNORECASE):
        return False
    namesake = rf"(?<!\w){name} ({'|'.join(NAMESAKES)})\b"
    if re.search(namesake, title):
        return False
    in_title = company.casefold() in title.casefold()
    return in_title or not re.search(rf"{_IN_PASSING} {name}", snippet, re.IGNORECASE)
