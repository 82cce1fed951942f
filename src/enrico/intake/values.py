"""Single values: empties, yes and no, money, ids, outcomes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from enrico.domain.identity import record_id
from enrico.domain.records import Outcome
from enrico.domain.word_tables import word_set
from enrico.intake.cells import Native
from enrico.intake.vocabulary import fold, words

EMPTY = frozenset(
    """-|--|---|–|—|n/a|na|#n/a|n.a.|null|nil|none|(none)|(blank)|blank|(empty)|(no value)
|no value|nan|#ref!|#value!|#name?|#div/0!|#null!|#num!|000000000000000aaa|000000000000000
|undefined|\\n|(sin valor)|sin valor|(kein wert)|kein wert|(aucune valeur)|aucune valeur
|(sem valor)|sem valor|(nessun valore)|nessun valore|(geen waarde)|geen waarde|<null>
|[null]|tbd|tba|k.a.|n.d.|not set|unknown|unassigned|keine angabe|n.v.t.|nvt|?""".replace(
        "\n", ""
    ).split("|")
)
"""Whole cells, in lower case, that hold nothing. Fewer than ``identity_tables.PLACEHOLDERS``, which
speaks of names and addresses: in other columns *test* or *nd* may well mean something."""

TRUE = word_set(
    """
    1 1.0 true yes y x t ✓ ✔ ☑ ✅ wahr ja j si sí oui o vrai verdadero verdadeiro sim s vero waar on
    checked haken primary primär
    """
)
FALSE = word_set(
    """
    0 0.0 false no n f ✗ ✘ ☐ ❌ falsch nein non faux falso não nao nee onwaar off unchecked -
    """
)

_SYMBOLS = {
    "€": "EUR",
    "£": "GBP",
    "¥": "JPY",
    "₹": "INR",
    "zł": "PLN",
    "₺": "TRY",
    "₽": "RUB",
    "₩": "KRW",
    "₪": "ILS",
    "r$": "BRL",
    "us$": "USD",
    "a$": "AUD",
    "c$": "CAD",
    "nz$": "NZD",
    "hk$": "HKD",
    "s$": "SGD",
    "mx$": "MXN",
    "$": "USD",
    "kč": "CZK",
    "ft": "HUF",
    "fr.": "CHF",
    "sfr": "CHF",
    "₴": "UAH",
    "₱": "PHP",
    "฿": "THB",
    "euro": "EUR",
    "euros": "EUR",
    "dollar": "USD",
    "dollars": "USD",
    "pounds": "GBP",
}
_CODES = word_set(
    """
    USD EUR GBP CHF JPY CAD AUD NZD SEK NOK DKK ISK PLN CZK HUF RON BGN HRK RUB UAH TRY ILS AED SAR
    QAR KWD BHD OMR EGP ZAR NGN KES MAD TND INR PKR BDT LKR CNY RMB HKD TWD SGD MYR THB IDR PHP VND
    KRW BRL MXN ARS CLP COP PEN UYU
    """
)


def clean(text: str) -> str:
    """Spaces collapsed, line breaks to spaces, empties to the empty text."""
    text = " ".join(text.split())
    return "" if text.lower() in EMPTY else text


def is_true(text: str) -> bool | None:
    """Yes, no, or None when it is neither. An empty cell is no."""
    lowered = text.strip().lower()
    if lowered in TRUE:
        return True
    return False if not lowered or lowered in FALSE or lowered in EMPTY else None


@lru_cache(maxsize=2_000)
def currency_of(text: str) -> str:
    """The ISO code in a text: ``US Dollar (USD)`` → USD, ``€`` → EUR; empty when there is none."""
    for code in re.findall(
        r"(?<![A-Za-z])[A-Z]{3}(?![A-Za-z])", text.upper() if len(text) < 5 else text
    ):
        if code in _CODES:
            return "CNY" if code == "RMB" else str(code)
    lowered = text.lower()
    for mark in sorted(_SYMBOLS, key=len, reverse=True):
        if mark.isalpha():
            if re.search(rf"(?<![a-zà-ž]){mark}(?![a-zà-ž])", lowered):
                return _SYMBOLS[mark]
        elif mark in lowered:
            return _SYMBOLS[mark]
    return ""


def decimal_style(values: Iterable[str]) -> tuple[str, str]:
    """``.`` or ``,`` as decimal mark of a column, and on what ground; empty when nothing tells."""
    points = commas = 0
    for value in values:
        if isinstance(value, Native):
            continue
        text = re.sub(r"[^\d.,]", "", value)
        last = max(text.rfind("."), text.rfind(","))
        if last < 0:
            continue
        mark, other = text[last], "," if text[last] == "." else "."
        after = len(text) - last - 1
        if other in text:
            decimal = mark
        elif text.count(mark) > 1:
            decimal = other
        elif after != 3 or last > 3 or text.startswith("0"):
            decimal = mark
        else:
            continue
        points += decimal == "."
        commas += decimal == ","
    if points > commas:
        return ".", f"{points} of its values show it"
    if commas > points:
        return ",", f"{commas} of its values show it"
    return "", ""


@lru_cache(maxsize=20_000)
def _number(text: str, decimal: str, native: bool) -> Decimal | None:
    lowered = text.strip().lower()
    negative = bool(re.match(r"^\(.*\)$", lowered)) or bool(
        re.search(r"^[^\d]*[-−]|[-−]\s*$", lowered)
    )
    match = re.search(r"\d[\d.,'’\s\u00a0\u202f_]*(?:e[+-]?\d+)?", lowered)
    if match is None:
        return None
    if re.search(r"\d", lowered[match.end() :]):
        return None  # two numbers in one cell
    digits, after = match.group(), lowered[match.end() :].strip()
    if native or re.search(r"\de[+-]?\d", digits):
        plain = digits.replace(",", ".") if native or decimal == "," else digits.replace(",", "")
    else:
        plain = _plain(re.sub(r"[\s'’_\u00a0\u202f]", "", digits).rstrip(".,"), decimal)
    try:
        value = Decimal(plain)
    except InvalidOperation:
        return None
    factor = {
        "k": 1000,
        "t": 1000,
        "tsd": 1000,
        "tsd.": 1000,
        "mil": 1000 if decimal == "," else 10**6,
        "m": 10**6,
        "mio": 10**6,
        "mio.": 10**6,
        "mm": 10**6,
        "mn": 10**6,
        "million": 10**6,
        "millionen": 10**6,
        "bn": 10**9,
        "b": 10**9,
        "mrd": 10**9,
        "mrd.": 10**9,
        "thousand": 1000,
    }.get(re.split(r"[\s€$£)/]", after, maxsplit=1)[0])
    if factor:
        value *= factor
        value = value.quantize(Decimal(1)) if value == value.to_integral() else value.normalize()
    return -value if negative else value


def _plain(text: str, decimal: str) -> str:
    marks = [c for c in text if c in ".,"]
    if not marks:
        return text
    if len(set(marks)) == 2:
        decimal = marks[-1]
    elif len(marks) > 1:
        decimal = "," if marks[0] == "." else "."
    elif not decimal:
        # One mark and three digits after it: thousands; otherwise a decimal mark.
        place = text.rfind(marks[0])
        grouped = len(text) - place - 1 == 3 and 0 < place <= 3 and not text.startswith("0")
        decimal = marks[0] if not grouped else ("," if marks[0] == "." else ".")
    elif marks[0] != decimal and len(text) - text.rfind(marks[0]) - 1 != 3:
        decimal = marks[0]
    other = "," if decimal == "." else "."
    return text.replace(other, "").replace(decimal, ".")


def money(text: str, decimal: str) -> tuple[Decimal | None, str]:
    """Amount and currency of a cell: ``(1.234,50 €)`` → -1234.50, EUR."""
    return _number(str(text), decimal, isinstance(text, Native)), currency_of(text)


_SCIENTIFIC = re.compile(r"[+-]?\d(?:[.,]\d+)?[eE]\+?\d{1,3}")


def is_scientific(text: str) -> bool:
    """``4.79476E+11``: an id destroyed by a spreadsheet. Also a number of 16 digits and more."""
    text_ = text.strip()
    if _SCIENTIFIC.fullmatch(text_):
        return True
    return isinstance(text, Native) and len(text_.split(".")[0]) > 15


def cell_id(text: str) -> str:
    """The id in a cell, in its one form (``identity.record_id``); ``5001.0`` → ``5001``."""
    text = record_id(text)
    if text.lower() in EMPTY:
        return ""
    return text[:-2] if text.endswith(".0") and text[:-2].isdigit() else text


_WON = word_set(
    """
    won win signed gewonnen ganado ganada ganho ganha gagne gagnee remporte remportee vinto vinta
    vinti conclu chiusa_vinta closedwon unterzeichnet unterschrieben firmado firmada assinado
    assinada signe signee firmato firmata getekend beauftragt booked awarded
    """
)
_LOST = word_set(
    """
    lost lose loss dead verloren perdido perdida perdu perdue perso persa persi closedlost
    disqualified abandoned cancelled canceled rejected declined abgelehnt abgesagt abandonne
    abandonnee descartado descartada cancelado cancelada annule annulee annullato annullata
    afgewezen storniert rechazado rechazada refuse rifiutato kaputt omitted
    """
)
_LOST_PHRASES = (
    "no decision",
    "not won",
    "went dark",
    "keine entscheidung",
    "sin decision",
    "sans suite",
    "geen beslissing",
    "kein abschluss",
    "sem decisao",
    "nessuna decisione",
    "no deal",
    "won t",
    "closed no",
    "no go",
)
_NOT_WON = re.compile(
    r"\b(?:not|to be|awaiting|pending|until|unless|before|nicht|noch|sin|pas|non|nao|niet)\b.*"
    r"\b(?:signed|booked|awarded|unterzeichnet|unterschrieben|firmado|firmada|signe|signee|assinado"
    r"|assinada|firmato|firmata|getekend|beauftragt)\b"
)
_NOT_LOST = ("not lost", "nicht verloren", "no perdido")


_OPEN = word_set("open offen abierto abierta ouvert ouverte aperto aperta aberto aberta")


def says_open(status: str) -> bool:
    """Whether a status says in so many words that nothing is decided."""
    return fold(status).strip() in _OPEN


@lru_cache(maxsize=20_000)
def outcome_of_stage(stage: str) -> Outcome:
    """Won, lost or open by the words of a stage; open when it has a stage that is neither."""
    if not stage or stage.lower() in EMPTY:
        return ""
    text = " ".join(re.findall(r"[^\W_]+", fold(stage)))
    parts = set(text.split()) | set(words(stage))
    if any(phrase in text for phrase in _LOST_PHRASES):
        return "lost"
    if parts & _LOST and not any(phrase in text for phrase in _NOT_LOST):
        return "lost"
    if _NOT_WON.search(text):
        return "open"
    if parts & _WON or "closedwon" in text.replace(" ", ""):
        return "won"
    if text in (
        "closed",
        "geschlossen",
        "cerrado",
        "fermes",
        "ferme",
        "fechado",
        "chiuso",
        "gesloten",
        "abgeschlossen",
    ):
        return ""
    return "open"
