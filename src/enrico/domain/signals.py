"""What is happening at an account: typed, dated signals, the account's score and a summary.

The classifier only chooses a type and a relevance; the score and the sentences are ours, and the
same signals give the same ones in any order. A signal rests on one search result, named by its
index.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from enrico.domain.dates import Precision


class SignalType(StrEnum):
    """The kinds of news that matter to a seller. The order is used to break ties."""

    FUNDING = "funding"
    HIRING = "hiring"
    EXPANSION = "expansion"
    LEADERSHIP_CHANGE = "leadership_change"
    PARTNERSHIP = "partnership"
    PRODUCT_LAUNCH = "product_launch"
    ACQUISITION = "acquisition"
    LAYOFF = "layoff"
    REGULATORY = "regulatory"
    AWARD = "award"
    NEGATIVE_PRESS = "negative_press"


POSITIVE = frozenset(
    {
        SignalType.FUNDING,
        SignalType.HIRING,
        SignalType.EXPANSION,
        SignalType.PARTNERSHIP,
        SignalType.PRODUCT_LAUNCH,
        SignalType.AWARD,
    }
)
"""Types that raise an account's score."""

NEGATIVE = frozenset({SignalType.LAYOFF, SignalType.NEGATIVE_PRESS})
"""Types that lower it. The other types leave it as it is."""

HALF_LIFE_DAYS = 60
"""A signal counts half as much for every 60 days of age: two months is about one buying stage."""

UNKNOWN_DATE_FACTOR = 0.35
"""What a signal without a date counts, as if it were about 91 days old: it may be new or years
old."""

UNSUPPORTED_FACTOR = 0.5
"""What is left of the relevance when the words of the result do not carry the type (`supports`)."""

TYPE_ORDER = {kind: n for n, kind in enumerate(SignalType)}
"""Position of each type in the list above."""

TYPE_WORDS = {
    SignalType.FUNDING: "funding",
    SignalType.HIRING: "hiring",
    SignalType.EXPANSION: "expansion",
    SignalType.LEADERSHIP_CHANGE: "change of leadership",
    SignalType.PARTNERSHIP: "partnership",
    SignalType.PRODUCT_LAUNCH: "product launch",
    SignalType.ACQUISITION: "acquisition",
    SignalType.LAYOFF: "layoffs",
    SignalType.REGULATORY: "regulation",
    SignalType.AWARD: "award",
    SignalType.NEGATIVE_PRESS: "negative press",
}
"""Each type in the words of a sentence."""


@dataclass(frozen=True, slots=True)
class Signal:
    """A dated fact that suggests intent or change, and the search result that it rests on."""

    type: SignalType
    headline: str
    url: str
    source_host: str
    """Host of the result, e.g. ``techcrunch.com``."""
    published: date | None
    """None when the provider gave no date, or one that could not be read."""
    precision: Precision
    relevance: float
    """0 to 1: how much the result says about this account and this type."""
    snippet: str
    result_index: int
    """Position in the list of results that was sent to the classifier."""
    fetched_at: datetime
    """When the search answer came."""
    seen_on: int = 1
    """How many hosts carry the story; at least 1."""


@dataclass(frozen=True, slots=True)
class ScorePart:
    """What one signal adds to its account's score."""

    type: SignalType
    headline: str
    weight: float
    """Relevance times the age factor, 0 to 1."""
    sign: int
    """1, -1, or 0 for types that do not count."""
    age_days: int | None
    """None when the date is unknown; 0 at least."""
    contribution: float
    """``sign * weight``. The score is ``x / (1 + |x|)`` of the sum x of these."""


@dataclass(frozen=True, slots=True)
class AccountScore:
    """An account's score from -1 (bad news) to 1 (good news), and what it is made of."""

    value: float
    """Rounded to 3 digits. 0.0 without signals, found or not searched: the caller knows which."""
    parts: tuple[ScorePart, ...]
    """One for each signal, heaviest first."""


def score_account(signals: Iterable[Signal], as_of: date) -> AccountScore:
    """The account's score on a day, with its parts; the order of the signals does not matter.

    Each signal weighs its relevance times ``0.5 ** (age / HALF_LIFE_DAYS)``, or
    ``UNKNOWN_DATE_FACTOR`` without a date. With x the sum of the good minus the bad weights, the
    score is ``x / (1 + |x|)``: one fresh signal of full relevance → 0.5, two → 0.667, one good and
    one bad → 0.0. One more positive signal never lowers it. Pass each story once
    (``stories.one_story_once``).
    """
    parts = [_part(signal, as_of) for signal in signals]
    parts.sort(key=lambda p: (-p.weight, TYPE_ORDER[p.type], p.headline, _age_key(p.age_days)))
    total = math.fsum(part.contribution for part in parts)
    value = round(total / (1 + abs(total)), 3) + 0.0  # + 0.0: no minus zero
    return AccountScore(value, tuple(parts))


def _part(signal: Signal, as_of: date) -> ScorePart:
    age = None if signal.published is None else max(0, (as_of - signal.published).days)
    factor = UNKNOWN_DATE_FACTOR if age is None else 0.5 ** (age / HALF_LIFE_DAYS)
    weight = round(clamped(signal.relevance) * factor, 6)
    sign = 1 if signal.type in POSITIVE else -1 if signal.type in NEGATIVE else 0
    return ScorePart(signal.type, signal.headline, weight, sign, age, sign * weight + 0.0)


def _age_key(age: int | None) -> int:
    return -1 if age is None else age


def clamped(relevance: float) -> float:
    """A relevance within 0 to 1; what is no number counts as 0."""
    return 0.0 if math.isnan(relevance) else min(1.0, max(0.0, relevance))


# --- summary ----------------------------------------------------------------------------

_MONTHS_TEXT = """
January February March April May June July August September October November December
"""
_MONTHS = _MONTHS_TEXT.split()
_HEADLINE_LENGTH = 140


def compose_summary(
    account_name: str, signals: Iterable[Signal], score: AccountScore, as_of: date
) -> str:
    """One to three sentences for a seller, made of the signals and of nothing else.

    The heaviest signal first, then up to two more, then the count of all. Without signals: `No news
    found about Acme.`; whether anybody searched at all is the caller's to say. Deterministic in any
    order.

    `Funding at Acme: “Acme raises $40M” (March 2026, techcrunch.com, on 3 sites). Also hiring: “…”
    (…).`
    """
    name = _clean(account_name) or "this account"
    ranked = _ranked(signals, as_of)
    if not ranked:
        return f"No news found about {name}."
    told: list[Signal] = []
    headlines: set[str] = set()
    for signal in ranked:
        if len(told) < 3 and _clean(signal.headline).casefold() not in headlines:
            told.append(signal)
            headlines.add(_clean(signal.headline).casefold())
    kinds = _words_of(ranked, told[0])
    sentences = [f"{kinds[0].upper()}{kinds[1:]} at {name}: {_quoted(told[0])}."]
    if told[1:]:
        rest = "; ".join(f"{_words_of(ranked, signal)}: {_quoted(signal)}" for signal in told[1:])
        sentences.append(f"Also {rest}.")
    if len(ranked) > 1:
        good = sum(signal.type in POSITIVE for signal in ranked)
        bad = sum(signal.type in NEGATIVE for signal in ranked)
        sentences.append(
            f"{len(ranked)} signals in all, {good} positive and {bad} negative;"
            f" score {score.value:+.2f}."
        )
    return " ".join(sentences)


def _ranked(signals: Iterable[Signal], as_of: date) -> list[Signal]:
    def heaviest_first(signal: Signal) -> tuple[object, ...]:
        return (
            -_part(signal, as_of).weight,
            TYPE_ORDER[signal.type],
            _clean(signal.headline),
            signal.url,
            signal.published or date.min,
            signal.source_host,
            -signal.seen_on,
        )

    return sorted(signals, key=heaviest_first)


def _words_of(signals: list[Signal], told: Signal) -> str:
    headline = _clean(told.headline).casefold()
    same = {s.type for s in signals if _clean(s.headline).casefold() == headline}
    return " and ".join(TYPE_WORDS[kind] for kind in sorted(same, key=TYPE_ORDER.__getitem__))


def _quoted(signal: Signal) -> str:
    headline = _clean(signal.headline).rstrip(".") or "(no headline)"
    if len(headline) > _HEADLINE_LENGTH:
        headline = headline[: _HEADLINE_LENGTH - 1].rsplit(" ", 1)[0] + "…"
    where = [_when(signal), _clean(signal.source_host)]
    if signal.seen_on > 1:
        where.append(f"on {signal.seen_on} sites")
    return f"“{headline}” ({', '.join(part for part in where if part)})"


def _when(signal: Signal) -> str:
    if signal.published is None:
        return "date unknown"
    if signal.precision == "year":
        return f"about {signal.published.year}"
    return f"{_MONTHS[signal.published.month - 1]} {signal.published.year}"


def _clean(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


# --- evidence ---------------------------------------------------------------------------

_MONEY = (
    r"(?:(?:[$€£¥₹]|us\$|usd|eur|gbp|chf) ?\d[\d.,]*(?: ?(?:k|m|mn|mio|b|bn|million|billion"
    r"|millionen|mrd))?\b"
    r"|\d[\d.,]* ?(?:m|mn|mio|million|millions|millionen|milliarden|mrd|millones|milliards"
    r"|billion|bn|crore)\.?"
    r" ?(?:[$€£]|usd|eur|euros?|dollars?|dolares|pounds?|gbp)?\b)"
)
_TITLES = (
    r"(?:ceo|cfo|cto|coo|cmo|cro|ciso|cio|chro|cpo|chief [a-z]+(?: [a-z]+)? officer|chief executive"
    r"|president|chair(?:man|woman|person)?|director|managing partner|general counsel|head of|vp"
    r"|svp|evp"
    r"|board|executive|leader|geschaftsfuhrer(?:in)?|vorstand\w*|chefin?\b|directeur|directrice"
    r"|pdg|dg"
    r"|directora?|presidenta?|consejer[oa] delegad[oa])"
)
_PATTERNS: dict[SignalType, str] = {
    SignalType.FUNDING: (
        r"series [a-k]\b|seed (?:round|funding|financing|extension|investment)|pre-?seed"
        r"|(?:funding|financing|investment|capital|growth) round"
        r"|venture (?:capital|debt|round)|\bipo\b|initial public offering|goes public|fundrais\w*"
        r"|rais(?:es|ed|ing) (?:\w+ ){0,3}?(?:capital|funding|funds|money|" + _MONEY + r")"
        r"|(?:raises?|raised|raising|secures?|secured|closes?|closed|lands?|nabs?|bags?|gets"
        r"|receives?"
        r"|grabs|invests?|invested|investment of|stake|backed|funding|financing|investors?"
        r"|valuation|private placement"
        r"|public offering)\b.{0,80}?"
        + _MONEY
        + r"|"
        + _MONEY
        + r".{0,60}?\b(?:funding|financing|round|investment|investors?|capital|fundrais\w*"
        r"|offering|stake|valuation)"
        r"|led by .{0,60}(?:ventures|capital|partners)|\binvests? in\b|invested in"
        r"|takes? (?:a )?stake"
        r"|(?:made|makes|making|receives?|received|strategic|equity|majority|minority"
        r"|growth) (?:an? )?(?:\w+ )?investment"
        r"|\bgrants?\b.{0,40}"
        + _MONEY
        + r"|finanzierungsrunde|sammelt\b|kapitalerhohung|borsengang|wagniskapital|einstieg von"
        r"|investiert"
        r"|levee? de fonds|\blev(?:e|ent|er)\b.{0,30}"
        + _MONEY
        + r"|tour de table|ronda de (?:financiacion|inversion)|\bcapta\b|recauda|levanta\b"
        r"|inversion de"
    ),
    SignalType.HIRING: (
        r"\bhir(?:e|es|ed|ing)\b|recruit\w*|job (?:openings?|fair|postings?|creation)|(?:new"
        r"|create\w*|add\w*|open) (?:[\d,]+ )?(?:\w+ )?(?:jobs|roles|positions)"
        r"|vacanc(?:y|ies)|headcount|head ?count|expand\w* (?:its |the |their )?(?:team|workforce"
        r"|staff)|talent acquisition"
        r"|career\w*|join(?:s|ed|ing)? (?:the |our |its )?(?:\w+ )?team|staffing up"
        r"|apprentices\w*|open roles"
        r"|stellt .{0,40}\bein\b|einstellung\w*|neue mitarbeiter|neue stellen|stellenangebote?"
        r"|arbeitsplatze|sucht .{0,30}mitarbeiter"
        r"|recrute\w*|embauch\w*|offres? d'emploi|postes|contrata\w*|puestos de trabajo|empleos"
        r"|vacantes"
    ),
    SignalType.EXPANSION: (
        r"expan(?:d|ds|ded|ding|sion)\w*|open(?:s|ed|ing)?\b.{0,60}(?:office|plant|factory|site"
        r"|store|headquarters|hq|hub|facility|branch|center|centre|location|campus|warehouse"
        r"|clinic)"
        r"|new (?:\w+ ){0,2}(?:office|plant|factory|headquarters|hq|facility|branch|hub|location"
        r"|campus|warehouse|subsidiary|division|unit|business unit|data ?cent(?:er|re)|clinic)"
        r"|enters? (?:the |into )?(?:\w+ ){0,3}market|(?:launch\w*|arriv\w*|establish\w*"
        r"|build\w*) .{0,30}\b(?:in|into) (?:europe|asia|africa|the us|the uk|germany|france"
        r"|india|china|japan|latin america|canada|australia)"
        r"|(?:moves?|moving|push\w*|branch\w*) into|entry into|international growth|footprint"
        r"|establish\w* .{0,30}(?:subsidiary|office|division|presence|unit|department)"
        r"|scal(?:es|ing) up|ramp\w* up|broaden\w*|extend\w* (?:its )?(?:reach|presence)"
        r"|spin-?(?:off|out)"
        r"|eroffnet\w*|expandiert|neuer? standort|niederlassung|ausbau|neues? werk|erweitert"
        r"|ouvre\b|ouverture|s'implante|implantation|nouveau (?:site|siege|bureau)|nouvelle usine"
        r"|s'etend"
        r"|abre\b|abrira|apertura|nueva (?:sede|planta|oficina)|se expande|amplia"
    ),
    SignalType.LEADERSHIP_CHANGE: (
        r"(?:appoint|nam|promot|tap|hir|elect|elevat|poach|recruit)\w*\b.{0,90}\b"
        + _TITLES
        + r"|\b"
        + _TITLES
        + r".{0,60}\b(?:appointed|named|steps? (?:down|up)|stepping down|resign\w*|depart\w*"
        r"|retir\w*|leav(?:es|ing)|ousted|fired|out\b|succeed\w*|joins?|replaced?|to lead"
        r"|takes over)"
        r"|(?:join(?:s|ed)?|return(?:s|ed)?|welcom\w+|add(?:s|ed)|steps? (?:down|up)|succeeds?"
        r"|replaces?|takes over|departs?|leaves)\b.{0,70}\b"
        + _TITLES
        + r"|\b(?:new|interim|incoming|outgoing) (?:\w+ )?"
        + _TITLES
        + r"|appoint(?:s|ed|ment)|leadership (?:team|change|transition|appointment)|successor"
        r"|management shake-?up"
        r"|ernennt|ernannt|beruft|berufen|neue[rn]? (?:chef\w*|ceo|cfo|geschaftsfuhrer\w*"
        r"|vorstand\w*)|tritt zuruck|rucktritt|nachfolge\w*|wechselt"
        r"|nomm\w+|nomination|nouveau (?:pdg|directeur|patron|president)|nouvelle (?:pdg"
        r"|directrice|patronne)|demission\w*|succede"
        r"|nombra\w*|nombramiento|nuev[oa] (?:director\w*|president\w*|ceo|consejer\w*)|dimite"
        r"|dimision|sustituye"
    ),
    SignalType.PARTNERSHIP: (
        r"partner(?:s|ed|ing|ship|ships)\b|strategic partner|collaborat\w*|\balliances?\b"
        r"|teams? up|teaming up|joint venture|joins? forces|tie-?up|works? with|working with"
        r"|(?:signs?|signed|inks?|inked|strikes?|announces?) .{0,50}(?:agreement|deal|contract"
        r"|mou|memorandum|pact)|agreement with|deal with|contract (?:with|from|award)"
        r"|wins? (?:\w+ )?contract|together with|integrat(?:es|ion) with|co-?develop\w*"
        r"|select(?:s|ed)\b|chooses|in (?:conjunction|cooperation) with|supply deal"
        r"|partnerschaft|kooperation|kooperiert|zusammenarbeit|arbeitet .{0,30}zusammen"
        r"|vertrag mit|allianz mit"
        r"|partenariat|s'associe|s'allie|alliance avec|accord avec|collabore"
        r"|alianza|se asocia|acuerdo con|asociacion con|colabora\w*|convenio"
    ),
    SignalType.PRODUCT_LAUNCH: (
        r"launch\w*|unveil\w*|introduc\w*|releas(?:es|ed|ing)\b|debut\w*|roll(?:s|ed|ing)? out"
        r"|rollout|now available|general availability|announces? (?:the )?(?:availability|new"
        r"|next)|new (?:\w+ ){0,3}(?:product|platform|feature|service|app|tool|solution|version"
        r"|model|device|system|line)\b|presents?\b|showcas\w*|reveals?\b"
        r"|brings? (?:\w+ ){0,4}to (?:market|life)|unveiling|first-ever|ships\b"
        r"|stellt .{0,60}\bvor\b|vorgestellt|fuhrt .{0,40}\bein\b|bringt .{0,50}auf den markt"
        r"|neue[rs]? (?:produkt|plattform|version|dienst)|prasentiert"
        r"|\blance\b|lancement|devoile|presente|\blanza\w*|lanzamiento|presenta\b|estrena"
    ),
    SignalType.ACQUISITION: (
        r"acqui(?:re|res|red|ring|sition|sitions|hire)\b|\bmerg(?:e|es|ed|er|ers|ing)\b|takeover"
        r"|take[- ]private|buyout|bought\b|buys\b|to buy\b|buying\b|snaps? up|purchas\w*|\bm&a\b"
        r"|sale (?:of|to)|s(?:ell|old|ells|elling)\b.{0,60}\b(?:to|business|unit|stake|division"
        r"|assets)|divest\w*|combination with|majority stake|takes? over|hostile bid|\bbid (?:for"
        r"|to)|\bdeal\b.{0,40}\b(?:valued|worth)|go private|tender offer|absorb\w*"
        r"|ubernimmt|ubernahme|kauft|verkauft|fusion\w*|zukauf|schluckt"
        r"|rachet\w*|acquisition|acquiert|fusionn\w*|\bopa\b|reprise"
        r"|adquier\w*|adquisicion|\bcompra\w*|fusion\b|absorbe"
    ),
    SignalType.LAYOFF: (
        r"lay(?:s|ing)? ?-?offs?|laid off|job cuts?|cut(?:s"
        r"|ting)? (?:[\d,.%]+ ?(?:of )?)?(?:\w+ ){0,3}(?:jobs|staff|workforce|positions|roles"
        r"|employees|headcount)|redundanc\w*|downsiz\w*|workforce reduction|reduc\w+ (?:its "
        r"|the )?(?:workforce|headcount|staff)|slash\w* .{0,30}(?:jobs|staff|workforce)"
        r"|fires? [\d,]+|retrench\w*|restructuring|furlough\w*|plant closure|(?:closes|closing"
        r"|shuts?|shutting) (?:down )?(?:its |the )?(?:\w+ )?(?:plant|office|factory|site|store)"
        r"|entlass\w*|stellenabbau|baut .{0,40}(?:stellen|arbeitsplatze|jobs) ab"
        r"|streicht .{0,30}(?:stellen|jobs)|kundig\w*|kurzarbeit"
        r"|licenci\w*|suppressions? (?:de |d')(?:postes|emplois)|supprime\w* .{0,30}(?:postes"
        r"|emplois)|plan social"
        r"|despid\w*|despedi\w*|recorte\w* (?:de )?(?:plantilla|empleo|personal|puestos)|\bere\b"
    ),
    SignalType.REGULATORY: (
        r"regulat\w*|approv\w*|\bfda\b|\bema\b|\bsec\b|\bftc\b|\bdoj\b|\bcma\b|antitrust"
        r"|compliance|clearance|510\(k\)|licen[cs]\w+|authori[sz]\w*|certif\w*|\bgdpr\b|lawsuit"
        r"|\bfin(?:e|es|ed)\b|probe|investigat\w*|settle\w*|ban(?:s|ned)?\b|legislation|ruling"
        r"|court|watchdog|european commission|ce mark\w*|orphan drug|designation|subpoena|inquiry"
        r"|patent"
        r"|aufsicht\w*|kartellamt|zulassung|genehmig\w*|bussgeld|behorde|bafin|datenschutz|lizenz"
        r"|autorite|amende|autorisation|agrement|reglement\w*|cnil|homologation|enquete"
        r"|regulador\w*|multa\b|sancion\w*|aprob\w*|autoriza\w*|licencia\b|normativa|cnmc"
    ),
    SignalType.AWARD: (
        r"\bawards?\b|awarded|\bw[io]ns?\b|winner|honou?r\w*|recogni[sz]\w*|named (?:a |an |to "
        r"|among |one of |as a |in )|(?:best|top|fastest|great) (?:\w+ ){0,3}(?:place|places"
        r"|companies|company|employers?|startups?|growing)|ranked|ranks\b|leader in"
        r"|magic quadrant|forrester wave|finalist|prize|accolade|shortlist\w*|inc\.? 5000"
        r"|fast 50\w*|hall of fame"
        r"|ausgezeichnet|auszeichnung|\bpreis\b|gewinnt|preistrager|gewinner"
        r"|\bprix\b|recompens\w*|laureat\w*|distingu\w*|remporte"
        r"|premi(?:o|os|ada|ado)\b|galardon\w*|reconocid\w*|\bgana\b|distincion"
    ),
    SignalType.NEGATIVE_PRESS: (
        r"scandal|lawsuits?|\bsu(?:e|es|ed|ing)\b|fraud\w*|breach\w*|hack\w*|data leak|leak(?:s"
        r"|ed)|recall\w*|outage|\bdowntime\b|bankrupt\w*|insolven\w*|chapter 11|accus\w*|alleg\w*"
        r"|probe|investigat\w*|criticis\w*|criticiz\w*|backlash|controvers\w*|loss(?:es)?\b"
        r"|plung\w*|tumbl\w*|slump\w*|fall(?:s|ing)?\b|downgrad\w*|complain\w*|fined?\b"
        r"|misconduct|harassment|ransomware|cyber ?-?attack|strike\b|default(?:s|ed)?\b|warn(?:s"
        r"|ed|ing)\b|shut(?:s|ting)? down|collaps\w*|boycott|under fire|crisis|mislead\w*|missed"
        r"|scam|violat\w*|toxic|exploit\w*|fail(?:s|ed|ure)?\b"
        r"|skandal|klage\b|verklagt|betrug|datenleck|hackerangriff|insolvenz\w*|ruckruf"
        r"|vorwurf\w*|vorwurfe|kritik|verlust\w*|ermittl\w*|streik"
        r"|scandale|plainte|fraude|faillite|piratage|rappel|accus\w*|critique\w*|pertes?|enquete"
        r"|greve|fuite de donnees"
        r"|escandalo|demanda\w*|quiebra|ciberataque|hackeo|acusa\w*|criticas|perdidas"
        r"|investiga\w*|huelga|filtracion"
    ),
}
_COMPILED = {kind: re.compile(rf"(?<!\w)(?:{pattern})") for kind, pattern in _PATTERNS.items()}

_STOP_WORDS = {
    "en": "the of and to in for with on from at by its is as are after new says has have will over",
    "de": "der die das und von mit fur den dem ein eine im zu auf ist sich nach bei wird aus hat",
    "fr": "le la les des et du un une pour dans est sur avec au aux par son ses en que qui",
    "es": "el la los las de del y en un una para con por su se al que es sus",
}
_KNOWN_STOP_WORDS = frozenset(w for words in _STOP_WORDS.values() for w in words.split())
_ENOUGH_WORDS = 5


def supports(kind: SignalType, title: str, snippet: str) -> bool | None:
    """Whether the words of a search result carry a signal of this type.

    A soft check, against real sources that do not say what is claimed: True when a pattern of the
    type is there (English, German, French, Spanish), False when the text is long enough, in one of
    those languages, and none is; None when the language is unknown or there are fewer than five
    words. `funding`, `Acme opens its office in Berlin` → False.
    """
    text = _fold(f"{title} . {snippet}")
    if _COMPILED[kind].search(text):
        return True
    words = re.findall(r"[^\W\d_]+", text)
    if len(words) < _ENOUGH_WORDS or not _KNOWN_STOP_WORDS.intersection(words):
        return None
    hits = sum(word in _KNOWN_STOP_WORDS for word in words)
    return False if hits * 12 >= len(words) else None


def checked_relevance(relevance: float, kind: SignalType, title: str, snippet: str) -> float:
    """The classifier's relevance, halved (``UNSUPPORTED_FACTOR``) when the text does not carry the
    type.

    Never raised, and never dropped to nothing: a headline may say it in words that we do not know.
    Apply it once, when the signal is made.
    """
    factor = UNSUPPORTED_FACTOR if supports(kind, title, snippet) is False else 1.0
    return round(clamped(relevance) * factor, 6)


def _fold(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text[:4000].replace("’", "'")).casefold()
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())
